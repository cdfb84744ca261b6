"""How the typed values of a record lie in its table: which field in which column, and the keys kept beside them.

Here: `Storage`, made once per object definition.
Not here: statements (`read.py`, `write.py`), what a table looks like (`metadata/tables.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.tables import column_specs, record_table


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A second column of a field: `make` gives its value from the field's."""

    column: str
    make: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Storage:
    """The table of one object and where each stored field lies in it."""

    definition: ObjectDef
    table: Table
    fields: Mapping[str, FieldDef]  # stored ones by API name, system fields first
    keys: Mapping[str, tuple[KeyColumn, ...]]  # second columns by API name of their field
    statements: dict[Any, Any] = field(default_factory=dict)  # made once, by what they are for

    def columns_of(self, names: Iterable[str], image: Mapping[str, Any]) -> dict[str, Any]:
        """Return the named fields of `image` as values by column, second columns included."""
        values: dict[str, Any] = {}
        for name in names:
            value = image.get(name)
            values[self.fields[name].column] = value  # type: ignore[index]  # every stored field has a column
            for key in self.keys.get(name, ()):
                values[key.column] = None if value is None else key.make(value)
        return values


def storage(snapshot: Snapshot, object_name: str) -> Storage:
    """Return the storage of one object; while a plan fills columns of it, with a table that has them."""
    if object_name in snapshot.pending:
        return snapshot.once(_pending)[object_name]
    return snapshot.part(_storage, object_name)


def _storage(definition: ObjectDef) -> Storage:
    return _with_table(definition, record_table(definition))


def _pending(snapshot: Snapshot) -> dict[str, Storage]:
    return {name: _with_table(snapshot.objects[name], snapshot.table(name)) for name in snapshot.pending}


def _with_table(definition: ObjectDef, table: Table) -> Storage:
    candidates = [*definition.system_fields.values(), *definition.fields.values()]
    fields = {found.name: found for found in candidates if found.column is not None}
    keys = {name: made for name, found in fields.items() if (made := _key_columns(found))}
    return Storage(definition, table, fields, keys)


def _key_columns(found: FieldDef) -> tuple[KeyColumn, ...]:
    if found.system:
        return ()
    kind = FIELD_TYPES[found.type]
    return tuple(KeyColumn(name, kind.key_value(found, spec)) for name, spec in column_specs(found) if spec.key is not None)
