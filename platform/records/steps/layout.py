"""What a form's layout asks on save: required, hidden and frozen there are judged again, with the same evaluator as the form itself.

Only for changes that came through a form (`Change.options["layout"]`): API and imports ignore layouts. It stands before the automations
of the object, for the form has seen what was typed and not what they make of it.
Source: spec/metadata.md, section 6 "On save".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fieldstone.metadata.definitions.layouts import Conditions, ItemDef, PageLayoutDef
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation
from fieldstone.records.steps import parents
from fieldstone.rules import EvaluationError

USE = "layout"

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


def state(each: Placed, true: Callable[[Compiled], bool]) -> State:
    """Return what the conditions of an item give; one that fails leaves it shown, optional, editable, and is logged."""

    def holds(compiled: Compiled, otherwise: bool) -> bool:
        try:
            return true(compiled)
        except EvaluationError as error:
            log.warning("a condition of %s on a layout failed with %s: %s", each.field, error.category, compiled.source)
            return otherwise

    return State(
        visible=all(holds(condition, True) for condition in each.visible),
        required=each.required is not None and holds(each.required, False),
        read_only=any(holds(condition, False) for condition in each.frozen),
    )


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if the object has no layout of its own."""
    layouts = {each.name: each for each in snapshot.all("page_layout", definition.name) if isinstance(each, PageLayoutDef)}
    if not layouts:
        return None

    def judge(batch: Batch) -> None:
        shown = [(item, layout) for item in batch.open if (layout := layouts.get(item.change.options.get("layout", ""))) is not None]
        if not shown:
            return
        parents.look_up(batch, parents.needs(snapshot, definition))  # of lookups that defaults have set
        evaluation = Evaluation(batch)
        for item, layout in shown:
            _judge(placed(snapshot, layout), item, evaluation)

    return judge


def _judge(items: tuple[Placed, ...], item: Item, evaluation: Evaluation) -> None:
    for each in items:
        found = state(each, lambda compiled: evaluation.true(compiled, item))
        if item.problem_at(each.field):
            continue
        if not found.visible or found.read_only:
            if item.prior is not None and each.field in item.given and item.image.get(each.field) != item.prior.get(each.field):
                item.refuse("not_editable_now", field=each.field)
        elif found.required and item.image.get(each.field) is None:
            item.refuse("required", field=each.field, object=item.change.object)
