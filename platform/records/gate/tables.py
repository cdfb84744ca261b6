"""The record tables of a snapshot, for the gate alone.

Here: `table`, which column a field has, and the mark that every statement on a record table carries.
Not here: what a table looks like (`metadata/tables.py`), statements (`read.py`, `write.py`, `people.py`).
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Executable, Table
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.tables import column_specs
from fieldstone.records.gate.storage import storage

MARK = "fieldstone_gate"  # execution option of every statement on a record table; tests/architecture looks for it

Statement = TypeVar("Statement", bound=Executable)


def marked(statement: Statement, what: str) -> Statement:
    """Return `statement` with the gate's mark; `what` says for which of its duties."""
    return statement.execution_options(**{MARK: what})


def table(snapshot: Snapshot, object_name: str) -> Table:
    """Return the table of one object, by its exact API name; columns that a plan is filling are among its columns."""
    return storage(snapshot, object_name).table


def column(source: Any, found: FieldDef) -> ColumnElement[Any]:
    """Return the column of a stored field in `source`, a table or an alias of it."""
    return source.c[found.column]  # type: ignore[no-any-return]


def key_column(source: Any, found: FieldDef, key: str) -> ColumnElement[Any] | None:
    """Return the second column that a field has for sorting ("sort") or comparing ("match"); None if it has none."""
    if found.system:
        return None
    for name, spec in column_specs(found):
        if spec.key == key:
            return source.c[name]  # type: ignore[no-any-return]
    return None
