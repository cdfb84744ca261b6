"""What a plan does to tables, as data, and the statements that do it on SQLite and PostgreSQL.

Here: the operations, their DDL, and running them in the caller's transaction.
Not here: which operations a change needs (`plan`), what columns and indexes a definition has (`tables`), the order of a publish.

Operations only ever add, except those of a purge: nothing is retyped or renamed in place. Foreign keys are NO ACTION, the second
lock behind the save pipeline.
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Column, Connection, MetaData, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateColumn

from fieldstone.metadata.definitions import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES
from fieldstone.metadata.tables import FOREIGN_KEYS, IndexSpec, column_specs, field_columns, identifier, record_table


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTable:
    """A new object's table with all its columns; its indexes are operations of their own."""

    definition: ObjectDef
    targets: tuple[tuple[str, str], ...] = ()  # column → table its foreign key refers to


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumns:
    """The columns of one field. `value` (typed) is what records that are there already hold from now on; None: blank."""

    table: str
    field: FieldDef
    target: str | None = None  # table its foreign key refers to
    value: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WidenNumber:
    """More digits for a number: PostgreSQL alone counts them in the column, and rewrites nothing."""

    table: str
    field: FieldDef


@dataclass(frozen=True, slots=True, kw_only=True)
class AddIndex:
    """An index. `concurrently`: outside of a transaction, on PostgreSQL, while people go on writing."""

    index: IndexSpec
    concurrently: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIndex:
    """An index that nothing asks for any more."""

    index: IndexSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumns:
    """Purge, or a plan that is cancelled: columns go, with what they hold."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearColumn:
    """An archived lookup forgets what it pointed at, before its target goes for good."""

    table: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """Purge: a table goes, with what it holds."""

    table: str


Operation: TypeAlias = AddTable | AddColumns | WidenNumber | AddIndex | DropIndex | ClearColumn | DropColumns | DropTable

ORDER = (DropIndex, AddTable, AddColumns, WidenNumber, AddIndex, ClearColumn, DropColumns, DropTable)


def run(connection: Connection, operations: Iterable[Operation]) -> None:
    """Run the operations in the caller's transaction: tables first, then columns, then indexes, whatever order they come in."""
    ordered = sorted(operations, key=lambda operation: ORDER.index(type(operation)))
    for statement in statements(ordered, connection.dialect):
        connection.exec_driver_sql(statement)


def statements(operations: Iterable[Operation], dialect: Dialect) -> Iterator[str]:
    """Yield the DDL of `operations`, foreign keys of new tables on PostgreSQL after all tables: two may refer to each other."""
    later: list[str] = []
    for operation in operations:
        match operation:
            case AddTable():
                yield _create_table(operation, dialect)
                if dialect.name == "postgresql":
                    later += [_add_foreign_key(operation.definition.table, column, to, dialect) for column, to in operation.targets]
            case AddColumns():
                yield from later
                later.clear()
                yield from _add_columns(operation, dialect)
            case WidenNumber():
                yield from _widen(operation, dialect)
            case AddIndex():
                yield from later
                later.clear()
                yield create_index(operation.index, dialect, concurrently=operation.concurrently)
            case DropIndex(index=index):
                yield f"DROP INDEX IF EXISTS {_quoted(dialect, index.name)}"
            case DropColumns():
                yield from _drop_columns(operation, dialect)
            case ClearColumn(table=table, column=column):
                yield f"UPDATE {_quoted(dialect, table)} SET {_quoted(dialect, column)} = NULL"  # noqa: S608 - quoted
            case DropTable(table=table):
                # Only archived lookups can still refer to it, and they are cleared: their constraints go along.
                yield f"DROP TABLE {_quoted(dialect, table)}{' CASCADE' if dialect.name == 'postgresql' else ''}"
    yield from later


def create_index(index: IndexSpec, dialect: Dialect, *, concurrently: bool = False) -> str:
    """Return the statement that creates `index`."""
    unique = "UNIQUE " if index.unique else ""
    how = "CONCURRENTLY " if concurrently else ""
    columns = ", ".join(_quoted(dialect, column) for column in index.columns)
    where = " WHERE deleted_at IS NULL" if index.live_only else ""
    return f"CREATE {unique}INDEX {how}{_quoted(dialect, index.name)} ON {_quoted(dialect, index.table)} ({columns}){where}"


def _create_table(operation: AddTable, dialect: Dialect) -> str:
    table = record_table(operation.definition)
    targets = dict(operation.targets) if dialect.name == "sqlite" else {}
    lines = [_column(column, dialect, targets.get(column.name)) for column in table.columns]
    return f"CREATE TABLE {_quoted(dialect, table.name)} ({', '.join([*lines, 'PRIMARY KEY (id)'])})"


def _add_columns(operation: AddColumns, dialect: Dialect) -> Iterator[str]:
    table = record_table_of_columns(operation.table, operation.field)
    values = column_values(operation.field, operation.value) if operation.value is not None else {}
    for column in table:
        added = _column(column, dialect, operation.target if column.name == operation.field.column else None)
        default = values.get(column.name)
        if default is not None:
            added += f" DEFAULT {_literal(column, default, dialect)}"
        yield f"ALTER TABLE {_quoted(dialect, operation.table)} ADD COLUMN {added}"


def _widen(operation: WidenNumber, dialect: Dialect) -> Iterator[str]:
    if dialect.name != "postgresql":
        return
    for column in record_table_of_columns(operation.table, operation.field):
        written = column.type.compile(dialect=dialect)
        yield f"ALTER TABLE {_quoted(dialect, operation.table)} ALTER COLUMN {_quoted(dialect, column.name)} TYPE {written}"


def record_table_of_columns(table: str, field: FieldDef) -> tuple[Column[object], ...]:
    """Return the columns of `field`, bound to a table of that name."""
    return tuple(Table(table, MetaData(), *field_columns(field)).columns)


def column_makers(field: FieldDef) -> list[tuple[str, Callable[[object], object] | None]]:
    """Return for each column of `field` what makes its value from the field's: None for the value itself, a function for a key."""
    kind = FIELD_TYPES[field.type]
    return [(name, None if spec.key is None else kind.key_value(field, spec)) for name, spec in column_specs(field)]


def column_values(field: FieldDef, value: object) -> dict[str, object]:
    """Return what each column of `field` holds where the field's value is `value`, keys and parts included."""
    return {name: value if make is None else make(value) for name, make in column_makers(field)}


def _drop_columns(operation: DropColumns, dialect: Dialect) -> Iterator[str]:
    for column in operation.columns:
        yield f"ALTER TABLE {_quoted(dialect, operation.table)} DROP COLUMN {_quoted(dialect, column)}"


def _column(column: Column[object], dialect: Dialect, target: str | None) -> str:
    written = str(CreateColumn(column).compile(dialect=dialect)).strip()
    if target is None:
        return written
    name = identifier("fk", column.table.name, column.name)
    return f"{written} CONSTRAINT {_quoted(dialect, name)} REFERENCES {_quoted(dialect, target)} (id)"


def _add_foreign_key(table: str, column: str, target: str, dialect: Dialect) -> str:
    name = _quoted(dialect, identifier("fk", table, column))
    return (
        f"ALTER TABLE {_quoted(dialect, table)} ADD CONSTRAINT {name}"
        f" FOREIGN KEY ({_quoted(dialect, column)}) REFERENCES {_quoted(dialect, target)} (id)"
    )


def _literal(column: Column[object], value: object, dialect: Dialect) -> str:
    write = column.type.dialect_impl(dialect).literal_processor(dialect)
    assert write is not None, f"no literal for {column.type!r}"
    return write(value)


def _quoted(dialect: Dialect, name: str) -> str:
    return dialect.identifier_preparer.quote(name)


def foreign_key_target(field: FieldDef, tables: Iterable[ObjectDef]) -> str | None:
    """Return the table that the column of `field` refers to, None if it refers to none."""
    if field.type not in FOREIGN_KEYS or field.to is None:
        return None
    wanted = field.to.lower()
    return next((definition.table for definition in tables if definition.name.lower() == wanted), None)
