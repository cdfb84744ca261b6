"""What a form shows for values that are not saved yet: defaults, formulas, conditions of its layout, the choices left.

Here: `draft`, and `holding` for the page of a record. The same steps as a save, so that page and save cannot disagree; nothing is written.
Not here: which layout somebody gets and how it looks (`web`).
Source: spec/metadata.md, section 6 "Reaction".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fieldstone.errors import NotVisible, Problem
from fieldstone.metadata.definitions.layouts import Conditions, PageLayoutDef
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Batch, Change, Item, Work
from fieldstone.records.evaluation import Evaluation, fit
from fieldstone.records.failed_formulas import error_of, may_be_told
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import READ
from fieldstone.records.gate.projection import PEOPLE, queue_names
from fieldstone.records.gate.write import lock, look
from fieldstone.records.query import HIDDEN, Reference
from fieldstone.records.steps import defaults, formulas, layout, load_and_lock, parents
from fieldstone.records.steps.input import Reading, inputs
from fieldstone.records.steps.layout import State
from fieldstone.rules import EvaluationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A form as it stands. `values`: what may be read, typed values by API name, lookups as Reference; those given over those stored."""

    object: str
    id: str | None
    row_version: int | None
    record_type: str | None
    stored_type: str | None  # the record type that a stored record has so far
    values: Mapping[str, Any]
    failed: Mapping[str, str] = field(default_factory=dict)  # by formula that ends in an error: its category
    states: Mapping[str, State] = field(default_factory=dict)  # by field of the layout: visible, required, read-only
    idle: frozenset[str] = frozenset()  # fields that are hidden or frozen although another value than theirs is given: no save takes it
    shown: Mapping[str, bool] = field(default_factory=dict)  # by condition of a text on the layout, and of what it stands in
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by picklist: the values that may be chosen now
    problems: tuple[Problem, ...] = ()  # values that cannot be read as their field wants them


def draft(
    gate: Gate,
    object_name: str,
    record_id: str | None,
    values: Mapping[str, Any],
    given: Literal["json", "form"],
    *,
    record_type: str | None = None,
    layout_name: str | None = None,
    clone: bool = False,
) -> Draft:
    """Return the draft of a new record, or of a stored one with `values` laid over it; at most two statements.

    `clone`: the values of a new one come from another record, which conditions may ask.
    """
    definition = gate.rights.object(object_name)
    found = gate.snapshot.find("page_layout", layout_name, definition.name) if layout_name is not None else None
    layout_def = found if isinstance(found, PageLayoutDef) else None
    change = Change(
        object=definition.name,
        action="create" if record_id is None else "update",
        id=record_id,
        values=values,
        given=given,
        record_type=record_type,
        options={"ignore_forbidden": True, "clone": clone},
    )
    item = Item(0, change)
    batch = Batch(tx=gate.tx, asking=gate.asking, object=definition, action=change.action, items=[item], work=Work(channel="draft"))
    _load(batch, item)
    Reading(batch, inputs(gate.snapshot, definition)).take(item)
    names = _look(gate, definition, item)
    evaluation = Evaluation(batch)
    filled = defaults.defaults_of(gate.snapshot, definition, item.image.get("record_type") or "")
    if item.is_new:
        defaults.apply(batch, item, filled, evaluation)
        names |= _look(gate, definition, item)
    formulas.compute(formulas.formulas_of(gate.snapshot, definition), item, evaluation)
    told = _shown(gate, definition, item, names, evaluation)
    failed = _failed(gate, definition, told, item, evaluation)
    states = _states(gate.snapshot, layout_def, item, evaluation)
    return Draft(
        object=definition.name,
        id=record_id,
        row_version=item.image.get("row_version") if record_id is not None else None,
        record_type=item.image.get("record_type"),
        stored_type=item.prior.get("record_type") if item.prior is not None else None,
        values=told | dict.fromkeys(failed),
        failed=failed,
        states=states,
        idle=layout.idle(states, item, filled.constants),
        shown=layout.shown(gate.snapshot, definition.name, _around_texts(layout_def), lambda compiled: evaluation.true(compiled, item)),
        choices={name: choices(gate.snapshot, definition, found, item.image) for name, found in definition.fields.items() if found.values},
        problems=tuple(item.problems),
    )


def holding(gate: Gate, object_name: str, record_id: str, parts: Iterable[Conditions]) -> dict[str, bool]:
    """Return which conditions to show a part of a record's page hold, by their text, as its form would tell; at most two statements.

    They read what they name whether or not the reader may, as all rules do: what the reader may not see is not among the answers.
    """
    asked = [each for each in parts if each.visible_when is not None]
    if not asked:
        return {}
    definition = gate.rights.object(object_name)
    change = Change(object=definition.name, action="update", id=record_id)
    item = Item(0, change)
    batch = Batch(tx=gate.tx, asking=gate.asking, object=definition, action="update", items=[item], work=Work(channel="draft"))
    _load(batch, item)
    compiled = [gate.snapshot.expression(each.visible_when or "", definition.name, layout.USE) for each in asked]
    paths = {path for each in compiled for path in each.reads if len(path) > 1 and not path[0].startswith("$")}
    ids = {name: item.image.get(name) for name in sorted({path[0] for path in paths})}
    if any(ids.values()):
        (answer,) = look(gate.tx, gate.asking, definition, tuple(ids), tuple(sorted(paths)), [ids])
        for looked in answer.values():
            item.image |= looked.values
    evaluation = Evaluation(batch)
    return layout.shown(gate.snapshot, definition.name, asked, lambda each: evaluation.true(each, item))


def _load(batch: Batch, item: Item) -> None:
    if item.change.id is None:
        load_and_lock.begin(batch)
        return
    live = parents.live_roll_ups(batch.object)
    found = lock(batch.tx, batch.asking, batch.object, [item.change.id], hold=False, live=live).get(item.change.id)
    if found is None:
        raise NotVisible(batch.object.name)
    item.id, item.prior, item.image, item.access = item.change.id, found.image, dict(found.image), found.access


def _look(gate: Gate, definition: ObjectDef, item: Item) -> dict[str, Reference]:
    """Look up what the lookups lead to that have not been looked up yet: values for conditions and formulas, names to show."""
    wanted = parents.needs(gate.snapshot, definition)
    given = {name: item.image.get(name) for name in wanted.lookups}
    ids: dict[str, str] = {name: value for name, value in given.items() if value is not None and item.looked.get(name, ("",))[0] != value}
    if not ids:
        return {}
    lookups = tuple(ids)
    titles = {name: _target(gate.snapshot, definition, name).name_field for name in lookups}
    paths = {path for path in (*wanted.paths, *_live_paths(gate.snapshot, definition)) if path[0] in ids}
    paths |= set(titles.items())
    (answer,) = look(gate.tx, gate.asking, definition, lookups, tuple(sorted(paths)), [ids])
    found = {}
    queues = queue_names(gate.snapshot, gate.principal.language)
    for name, looked in answer.items():
        item.looked[name] = (ids[name], looked)
        item.image |= parents.behind(item, name, ids[name], looked)
        target = _target(gate.snapshot, definition, name)
        if name == "owner" and ids[name] in queues:
            found[name] = Reference(ids[name], queues[ids[name]], "queue")
        elif looked.access >= READ or name in PEOPLE:
            told = gate.rights.tells_names(target)
            found[name] = Reference(ids[name], looked.values[f"{name}.{target.name_field}"] if told else None, target.name)
        elif item.prior is not None and item.prior.get(name) == ids[name]:
            found[name] = HIDDEN
    return found


def _target(snapshot: Snapshot, definition: ObjectDef, name: str) -> ObjectDef:
    found = definition.field(name)
    return snapshot.objects[(found.to if found is not None else None) or "user"]


def _live(definition: ObjectDef) -> list[FieldDef]:
    return [found for found in definition.fields.values() if found.type == "formula" and not found.stored]


def _live_paths(snapshot: Snapshot, definition: ObjectDef) -> set[tuple[str, ...]]:
    compiled = [snapshot.expression(found.formula or "", definition.name, "formula", found.blanks) for found in _live(definition)]
    return {path for each in compiled for path in each.reads if len(path) > 1 and not path[0].startswith("$")}


def _shown(gate: Gate, definition: ObjectDef, item: Item, names: Mapping[str, Reference], evaluation: Evaluation) -> dict[str, Any]:
    readable = gate.rights.readable(definition.name) | gate.rights.editable(definition.name)
    shown: dict[str, Any] = {}
    for found in (*definition.fields.values(), *definition.system_fields.values()):
        if found.name not in readable or found.name not in item.image or (item.is_new and found.name in ("id", "row_version")):
            continue
        value = item.image[found.name]
        if value is not None and (found.type in LOOKUPS or found.name == "owner"):
            value = names.get(found.name, value if isinstance(value, Reference) else Reference(value, None, found.to))
        shown[found.name] = value
    for found in _live(definition):
        if found.name in readable:
            shown[found.name] = _live_value(gate, definition, found, item, evaluation)
    return shown


def _live_value(gate: Gate, definition: ObjectDef, found: FieldDef, item: Item, evaluation: Evaluation) -> Any:
    """A live formula for the draft; blank where it reads through a record that the principal cannot see."""
    compiled = gate.snapshot.expression(found.formula or "", definition.name, "formula", found.blanks)
    if _goes_unseen(compiled, item):
        return None
    try:
        return fit(found, evaluation.value(compiled, item))
    except (EvaluationError, ValueError):
        return fit(found, None)


def _goes_unseen(compiled: Compiled, item: Item) -> bool:
    """Whether a formula reads through a record that the principal cannot see."""
    for path in compiled.reads:
        looked = item.looked[path[0]][1] if len(path) > 1 and path[0] in item.looked else None
        if looked is not None and (looked.access < READ or any(path[: len(hop)] == hop for hop in looked.unseen)):
            return True
    return False


def _failed(gate: Gate, definition: ObjectDef, shown: Mapping[str, Any], item: Item, evaluation: Evaluation) -> dict[str, str]:
    """The formulas of the draft that end in an error, as far as the principal may read what they read: blank or, checkboxes, unticked."""
    found: dict[str, str] = {}
    for name, formula in definition.fields.items():
        if formula.type != "formula" or name not in shown or not (shown[name] is None or shown[name] is False):
            continue
        compiled = gate.snapshot.expression(formula.formula or "", definition.name, "formula", formula.blanks)
        if may_be_told(gate, definition, compiled) and not _goes_unseen(compiled, item):
            category = error_of(formula, compiled, item.image, evaluation.context(item))
            found |= {name: category} if category is not None else {}
    return found


def _states(snapshot: Snapshot, layout_def: PageLayoutDef | None, item: Item, evaluation: Evaluation) -> dict[str, State]:
    placed = layout.placed(snapshot, layout_def) if layout_def is not None else ()
    return {each.field: layout.state(each, lambda compiled: evaluation.true(compiled, item)) for each in placed}


def _around_texts(layout_def: PageLayoutDef | None) -> Iterator[Conditions]:
    """The texts of a layout and what they stand in; whether fields are shown, their states tell."""
    for tab in layout_def.tabs if layout_def is not None else ():
        for section in tab.sections:
            for each in section.items:
                if each.field is None:
                    yield from (tab, section, each)


def choices(snapshot: Snapshot, definition: ObjectDef, found: FieldDef, image: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of a picklist that may be chosen for a record with this image, in their order."""
    names = [value.name for value in found.values if value.active]
    kind = snapshot.find("record_type", image.get("record_type") or "", definition.name)
    if isinstance(kind, RecordTypeDef) and found.name in kind.values:
        names = [name for name in names if name in kind.values[found.name]]
    if found.controlled_by is not None and found.allowed is not None:
        control = image.get(found.controlled_by)
        allowed = found.allowed.get(str(control).lower() if isinstance(control, bool) else control or "", ())
        names = [name for name in names if name in allowed]
    return tuple(names)
