"""The table of an object: its columns, foreign keys and indexes, as definitions say them.

Here: what the planner creates and the gate reads, from one description, so that the two cannot differ.
Not here: running DDL (`ddl`), statements on records (`records/gate/`).

Every table has all system columns, whether its object uses them or not: a feature, an owner or a record type that is switched on
later then needs no DDL. No column but `id`, `row_version` and a checkbox is NOT NULL, and no length is in the database: the save
pipeline is the only writer, so widening a text or dropping *required* is free.
Source: spec/metadata.md, sections 1 and 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ChoiceSet, ExactNumber, Flag, Id, IsoDate, PlainText, TimeOfDay, UtcDatetime, UtcMoment
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, KeyDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, ColumnSpec

SYSTEM_COLUMNS: Mapping[str, type[TypeEngine[Any]]] = MappingProxyType(
    {
        "id": Id,
        "row_version": Integer,
        "record_type": PlainText,
        "owner": Id,
        "created_at": UtcDatetime,
        "created_by": Id,
        "updated_at": UtcDatetime,
        "updated_by": Id,
        "deleted_at": UtcDatetime,
        "deleted_by": Id,
        "approval_status": PlainText,
    }
)
IDENTIFIER_BYTES = 63  # PostgreSQL's; SQLite has no limit
FOREIGN_KEYS = LOOKUPS  # types of fields whose column refers to the id of one other table


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """One index as it must be in the database. `live_only`: only of records that are not in the recycle bin."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    live_only: bool = False


def identifier(*parts: str) -> str:
    """Return the parts as one name that both databases take; a long one ends in a digest, so that it stays one of its kind."""
    name = "_".join(parts)
    if len(name.encode()) <= IDENTIFIER_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: IDENTIFIER_BYTES - 11]}_{digest}"


def column_specs(field: FieldDef) -> tuple[tuple[str, ColumnSpec], ...]:
    """Return the physical columns of `field`, each with its name; none for a live formula or roll-up."""
    if field.column is None:
        return ()
    return tuple((field.column + spec.suffix, spec) for spec in FIELD_TYPES[field.type].columns(field))


def field_columns(field: FieldDef) -> tuple[Column[object], ...]:
    """Return fresh SQLAlchemy columns for `field`, without foreign keys and without database defaults."""
    return tuple(Column(name, spec.type, nullable=spec.nullable) for name, spec in column_specs(field))


def record_table(definition: ObjectDef, hidden: Iterable[FieldDef] = ()) -> Table:
    """Return the table of an object, in a MetaData of its own: system columns, then the columns of its fields by birth.

    Keys of `table.c` are physical names. `hidden`: further fields with a column, such as those a plan is filling.
    """
    return Table(definition.table, MetaData(), *_columns(definition, hidden))


def _columns(definition: ObjectDef, hidden: Iterable[FieldDef]) -> Iterator[Column[object]]:
    for name, column_type in SYSTEM_COLUMNS.items():
        yield Column(name, column_type(), primary_key=name == "id", nullable=name not in ("id", "row_version"))
    for field in (*definition.fields.values(), *hidden):
        yield from field_columns(field)


def index_specs(definition: ObjectDef) -> tuple[IndexSpec, ...]:
    """Return every index the table of an object has: those nobody asks for, then those its fields and keys ask for."""
    table = definition.table
    found = [
        _index(table, ("owner",)),
        _index(table, ("updated_at", "id")),  # the recently changed, page by page
    ]
    for field in definition.fields.values():
        found += field_indexes(definition, field)
    found += [key_index(definition, key) for key in definition.keys]
    return tuple({index.name: index for index in found}.values())


def field_indexes(definition: ObjectDef, field: FieldDef) -> list[IndexSpec]:
    """Return the indexes that one field brings."""
    if field.column is None:
        return []
    table, found = definition.table, []
    if field.type in FOREIGN_KEYS and field.to is not None:
        found.append(_index(table, (field.column,)))
    if is_unique(field):
        found.append(unique_index(definition, field))
    suffixes = {spec.key: field.column + spec.suffix for spec in FIELD_TYPES[field.type].columns(field) if spec.key is not None}
    if field.name == definition.name_field:
        found += [_index(table, (column, "id")) for column in suffixes.values()]
    if field.indexed and not (is_unique(field) and not suffixes):
        found.append(_index(table, (suffixes.get("sort", field.column), "id")))
    return found


def is_unique(field: FieldDef) -> bool:
    """Tell whether no two live records may have the same value of `field`."""
    return field.unique or field.external_id or field.type == "auto_number"


def unique_index(definition: ObjectDef, field: FieldDef) -> IndexSpec:
    """Return the index that keeps `field` unique among the records that are not deleted; blanks never clash."""
    return _unique(definition.table, (compared_column(field, field.ignore_case),), "ux")


def key_index(definition: ObjectDef, key: KeyDef) -> IndexSpec:
    """Return the index of a composite key; a record with a blank part does not count."""
    columns = tuple(compared_column(definition.fields[name], key.ignore_case) for name in key.fields)
    return _unique(definition.table, columns, "uk")


def compared_column(field: FieldDef, ignore_case: bool) -> str:
    """Return the column that decides whether two values of `field` are equal: its match key where case does not count."""
    assert field.column is not None
    if ignore_case:
        for spec in FIELD_TYPES[field.type].columns(field):
            if spec.key == "match":
                return field.column + spec.suffix
    return field.column


def _index(table: str, columns: tuple[str, ...]) -> IndexSpec:
    named = columns[:-1] if len(columns) > 1 and columns[-1] == "id" else columns
    return IndexSpec(name=identifier("ix", table, *named), table=table, columns=columns)


def _unique(table: str, columns: tuple[str, ...], prefix: str) -> IndexSpec:
    return IndexSpec(name=identifier(prefix, table, *columns), table=table, columns=columns, unique=True, live_only=True)


# Types of columns by the names the store keeps for archived ones.
COLUMN_TYPES: Mapping[str, type[TypeEngine[Any]]] = MappingProxyType(
    {type_.__name__: type_ for type_ in (ChoiceSet, ExactNumber, Flag, Id, IsoDate, PlainText, TimeOfDay, UtcDatetime, UtcMoment)}
)


def written_columns(field: FieldDef) -> dict[str, str]:
    """Return the physical columns of a field with their types, as the store keeps them: {"amount": "ExactNumber(18, 2)"}."""
    return {name: _written_type(spec.type) for name, spec in column_specs(field)}


def _written_type(column_type: TypeEngine[Any]) -> str:
    name = type(column_type).__name__
    return f"{name}({column_type.precision}, {column_type.scale})" if isinstance(column_type, ExactNumber) else name


def read_columns(written: Mapping[str, str]) -> dict[str, TypeEngine[Any]]:
    """Return the columns that `written_columns` wrote, by name."""
    found: dict[str, TypeEngine[Any]] = {}
    for name, said in written.items():
        type_name, _, digits = said.removesuffix(")").partition("(")
        found[name] = COLUMN_TYPES[type_name](*(int(number) for number in digits.split(",") if number))
    return found
