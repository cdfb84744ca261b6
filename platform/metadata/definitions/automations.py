"""Automations (meta-schema: automation.json), of timing before_save.

Here: when one fires and its steps. Not here: running it (`workflow/automations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading
from fieldstone.metadata.definitions.step_loaders import load_steps
from fieldstone.metadata.definitions.steps import Step


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
