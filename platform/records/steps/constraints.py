"""What the database itself refuses: a value taken meanwhile, a parent gone meanwhile. Said in the same words as the friendly checks."""

from __future__ import annotations

import re

from sqlalchemy.exc import IntegrityError

from fieldstone.errors import TryAgain
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.metadata.tables import key_index, unique_index
from fieldstone.records.changes import Batch
from fieldstone.records.gate.storage import storage
from fieldstone.records.gate.write import unique_columns
from fieldstone.records.steps.unique import refuse_taken

SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (?:index '(?P<index>[^']+)'|(?P<columns>.+))")


def explain(batch: Batch, failure: IntegrityError) -> None:
    """Note the problem behind `failure` at the records it may come from. Raises `failure` again if no input can have caused it."""
    fields = _unique_fields(batch, failure)
    if fields is not None:
        store = storage(batch.snapshot, batch.object.name)
        claiming = [item for item in batch.live if set(fields) & item.changed and None not in store.columns_of(fields, item.image).values()]
        if len(claiming) != 1:  # from the start: by now the friendly check sees the value that came in between
            raise TryAgain("unique") from failure
        refuse_taken(batch, claiming[0], fields)
        return
    if _foreign_key(failure):
        lookups = [found for found in batch.object.fields.values() if found.type in LOOKUPS]
        for item in batch.live:
            for found in lookups:
                if found.name in item.changed and item.image.get(found.name) is not None:
                    item.refuse("record_not_found", field=found.name, target_object=found.to)
        if any(item.problems for item in batch.items):
            return
    raise failure


def _unique_fields(batch: Batch, failure: IntegrityError) -> tuple[str, ...] | None:
    """The fields that had to be unique, found by the name of the index (PostgreSQL) or its columns (SQLite)."""
    definition = batch.object
    constraint = getattr(getattr(failure.orig, "diag", None), "constraint_name", None)
    if constraint is not None:
        for found in definition.fields.values():
            if found.column is not None and unique_index(definition, found).name == constraint:
                return (found.name,)
        return next((key.fields for key in definition.keys if key_index(definition, key).name == constraint), None)
    told = SQLITE_COLUMNS.search(str(failure.orig))
    if told is None or told["columns"] is None:
        return None
    columns = tuple(part.strip().rpartition(".")[2] for part in told["columns"].split(","))
    return unique_columns(definition).get(columns)


def _foreign_key(failure: IntegrityError) -> bool:
    return getattr(failure.orig, "sqlstate", None) == "23503" or "FOREIGN KEY constraint failed" in str(failure.orig)
