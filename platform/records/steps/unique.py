"""Step 11: unique values, told in friendly words before the database would; it has the last word (`constraints.py`)."""

from __future__ import annotations

from typing import Any

from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.gate.storage import Storage, storage
from fieldstone.records.gate.write import taken, unique_columns
from fieldstone.records.steps.defaults import numbered

Columns = tuple[str, ...]
Values = tuple[Any, ...]


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if nothing of the object is unique. Auto-numbers are so by themselves."""
    late = _late(snapshot, definition) if action == "create" else {}
    return _step(snapshot, definition, {columns: fields for columns, fields in unique_columns(definition).items() if columns not in late})


def of_numbers(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step for what new records have only with their auto-numbers; nearly always None."""
    return _step(snapshot, definition, _late(snapshot, definition))


def _late(snapshot: Snapshot, definition: ObjectDef) -> dict[Columns, Columns]:
    names = {found.name for found, _ in numbered(snapshot, definition)}
    return {columns: fields for columns, fields in unique_columns(definition).items() if names & set(fields)}


def _step(snapshot: Snapshot, definition: ObjectDef, keys: dict[Columns, Columns]) -> Step | None:
    if not keys:
        return None
    store = storage(snapshot, definition.name)
    return lambda batch: check(batch, store, keys)


def check(batch: Batch, store: Storage, keys: dict[Columns, Columns]) -> None:
    """Refuse what is twice in the batch, or taken by a record that is not in it; one statement."""
    claims: dict[tuple[Columns, Values], list[Item]] = {}
    for item in batch.open:
        for columns, fields in keys.items():
            if (fields_changed := set(fields) & item.changed or batch.action == "restore") and not any(
                item.problem_at(name) for name in fields
            ):
                values = value_of(store, columns, fields, item)
                if fields_changed and None not in values:
                    claims.setdefault((columns, values), []).append(item)
    if not claims:
        return
    for (columns, _), items in claims.items():
        # Who is refused for something else takes nothing away from the others.
        for late in [item for item in items if not item.problems][1:]:
            _refuse(late, keys[columns], "duplicate_in_batch")
    wanted: dict[Columns, set[Values]] = {}
    for columns, values in claims:
        wanted.setdefault(columns, set()).add(values)
    # A record of the batch may give a value up that another takes: the database decides about those.
    own = [item.id for item in batch.items if not item.is_new]
    held = taken(batch.tx, store, wanted, own)
    for claim, items in claims.items():
        fields = keys[claim[0]]
        for item in items if claim in held else ():
            if not item.problem_at(fields[0]):
                refuse_taken(batch, item, fields)


def value_of(store: Storage, columns: Columns, fields: Columns, item: Item) -> Values:
    """Return what the item will hold in the unique `columns`."""
    held = store.columns_of(fields, item.image)
    return tuple(held[column] for column in columns)


def refuse_taken(batch: Batch, item: Item, fields: Columns) -> None:
    """Say that another record has what has to be unique; of a hidden field, which a default or a rule filled, neither value nor name."""
    if set(fields) <= batch.rights.readable(batch.object.name):
        _refuse(item, fields, "not_unique")
    else:
        item.refuse("not_unique_unseen", pointer="")


def _refuse(item: Item, fields: Columns, code: str) -> None:
    for name in fields[:1]:
        item.refuse(code if len(fields) == 1 else f"{code}_key", field=name, value=item.image.get(name), fields=list(fields))
