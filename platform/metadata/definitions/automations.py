"""Automations (meta-schema: automation.json), of timing before_save.

Here: when one fires and its steps. Not here: running it (`workflow/automations`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.loading import Document, Loading
from fieldstone.metadata.definitions.step_loaders import load_steps
from fieldstone.metadata.definitions.steps import AssignStep, BranchStep, ErrorStep, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDef:
    """What fires it: a save of the object. `when`: "always"; "changed" (a watched field differs); "changed_to_meet" (criteria true
    now and not before; a create counts)."""

    type: str = "record"
    on: frozenset[str] = frozenset({"create", "update"})
    when: str = "always"
    watch: frozenset[str] = frozenset()
    criteria: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationDef(Definition):
    """One automation of `object`; `steps` run in order, before the record is validated."""

    kind: ClassVar[str] = "automation"

    trigger: TriggerDef = TriggerDef()
    timing: str = "before_save"
    order: int = 100
    active: bool = True
    steps: tuple[Step, ...] = ()  # of its one path

    @property
    def expressions(self) -> tuple[str, ...]:
        """Every expression of it, criteria and steps: what a save has to read for it."""
        criteria = self.trigger.criteria
        return (*((criteria,) if criteria is not None else ()), *_expressions(self.steps))

    @property
    def messages(self) -> tuple[Label, ...]:
        """The texts of its error steps, which may hold {{ expression }}."""
        return tuple(each.message for each in _all_steps(self.steps) if isinstance(each, ErrorStep))


def _all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    for each in steps:
        yield each
        if isinstance(each, BranchStep):
            for way in each.branches:
                yield from _all_steps(way.steps)


def _expressions(steps: tuple[Step, ...]) -> Iterator[str]:
    for each in _all_steps(steps):
        match each:
            case AssignStep():
                yield from (given.formula for given in each.set.values() if given.formula is not None)
            case BranchStep():
                yield from (way.when for way in each.branches if way.when is not None)


def load_automation(document: Document, loading: Loading) -> AutomationDef:
    """Build an automation from its document."""
    trigger = document["trigger"]
    return AutomationDef(
        **loading.head(document),
        trigger=TriggerDef(
            on=frozenset(trigger.get("on", ("create", "update"))),
            when=trigger.get("when", "always"),
            watch=frozenset(trigger.get("watch", ())),
            criteria=trigger.get("criteria"),
        ),
        timing=document["timing"],
        order=int(document.get("order", 100)),
        active=document.get("active", True),
        steps=load_steps(document["paths"][0]["steps"], loading.object(document)),
    )
