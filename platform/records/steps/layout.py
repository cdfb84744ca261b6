"""What a form's layout asks on save: required, hidden and frozen there are judged again, with the same evaluator as the form itself.

Only for changes that came through a form (`Change.options["layout"]`): API and imports ignore layouts. It stands before the automations
of the object, for the form has seen what was typed and not what they make of it.
Source: spec/metadata.md, section 6 "On save".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.metadata.definitions.layouts import Conditions, ItemDef, PageLayoutDef
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation
from fieldstone.records.steps import parents
from fieldstone.records.steps.defaults import defaults_of
from fieldstone.rules import EvaluationError

USE = "layout"
Holds = Callable[[Compiled], bool]  # tells whether a condition holds; raises EvaluationError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Placed:
    """One field on a layout, with the conditions of the item and of everything it stands in."""

    field: str
    visible: tuple[Compiled, ...]
    required: Compiled | None
    frozen: tuple[Compiled, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a layout makes of one item now."""

    visible: bool = True
    required: bool = False
    read_only: bool = False


def placed(snapshot: Snapshot, layout: PageLayoutDef) -> tuple[Placed, ...]:
    """Return the fields of a layout, compiled once."""
    known = snapshot.once(_known)
    found = known.get(layout.path)
    if found is None:
        found = known[layout.path] = tuple(_placed(snapshot, layout))
    return found


def _known(snapshot: Snapshot) -> dict[str, tuple[Placed, ...]]:
    return {}


def _placed(snapshot: Snapshot, layout: PageLayoutDef) -> Iterator[Placed]:
    for tab in layout.tabs:
        for section in tab.sections:
            for item in section.items:
                if item.field is not None:
                    yield _item(snapshot, layout, (tab, section, item), item, item.field)


def _item(snapshot: Snapshot, layout: PageLayoutDef, around: tuple[Conditions, ...], item: ItemDef, name: str) -> Placed:
    def compiled(source: str) -> Compiled:
        return snapshot.expression(source, layout.object, USE)

    return Placed(
        field=name,
        visible=tuple(compiled(each.visible_when) for each in around if each.visible_when is not None),
        required=compiled(item.required_when) if item.required_when is not None else None,
        frozen=tuple(compiled(each.read_only_when) for each in around if each.read_only_when is not None),
    )


def state(each: Placed, true: Holds) -> State:
    """Return what the conditions of an item give; one that fails leaves it shown, optional, editable, and is logged."""
    return State(
        visible=all(_holds(condition, true, each.field, otherwise=True) for condition in each.visible),
        required=each.required is not None and _holds(each.required, true, each.field, otherwise=False),
        read_only=any(_holds(condition, true, each.field, otherwise=False) for condition in each.frozen),
    )


def shown(snapshot: Snapshot, object_name: str, parts: Iterable[Conditions], true: Holds) -> dict[str, bool]:
    """Return which conditions to show a part of a layout hold, by their text; one that fails does, and is logged."""
    sources = {each.visible_when for each in parts if each.visible_when is not None}
    return {source: _holds(snapshot.expression(source, object_name, USE), true, object_name, otherwise=True) for source in sources}


def _holds(compiled: Compiled, true: Holds, place: str, *, otherwise: bool) -> bool:
    try:
        return true(compiled)
    except EvaluationError as error:
        log.warning("a condition of %s on a layout failed with %s: %s", place, error.category, compiled.source)
        return otherwise


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if the object has no layout of its own."""
    layouts = {each.name: each for each in snapshot.all("page_layout", definition.name) if isinstance(each, PageLayoutDef)}
    if not layouts:
        return None

    def judge(batch: Batch) -> None:
        given = [(item, layout) for item in batch.open if (layout := layouts.get(item.change.options.get("layout", ""))) is not None]
        if not given:
            return
        parents.look_up(batch, parents.needs(snapshot, definition))  # of lookups that defaults have set
        evaluation = Evaluation(batch)
        for item, layout in given:
            constants = defaults_of(snapshot, definition, item.image.get("record_type") or "").constants
            _judge(placed(snapshot, layout), constants, item, evaluation)

    return judge


def _judge(items: tuple[Placed, ...], constants: Mapping[str, Any], item: Item, evaluation: Evaluation) -> None:
    states = {each.field: state(each, lambda compiled: evaluation.true(compiled, item)) for each in items}
    untypeable = idle(states, item, constants)
    for name, found in states.items():
        if item.problem_at(name):
            continue
        if name in untypeable:
            item.refuse("not_editable_now", field=name)
        elif found.required and found.visible and not found.read_only and item.image.get(name) is None:
            item.refuse("required", field=name, object=item.change.object)


def idle(states: Mapping[str, State], item: Item, constants: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields that are hidden or frozen although they are given another value than the one they have.

    `constants`: what a new record has where nobody gives a value, by field.
    """
    has = item.prior if item.prior is not None else constants
    return frozenset(
        name
        for name, found in states.items()
        if (not found.visible or found.read_only) and name in item.given and item.image.get(name) != has.get(name)
    )
