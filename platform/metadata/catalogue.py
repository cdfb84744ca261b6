"""What the database itself says it holds, compared with what the store says: they must never differ.

Here: the differences of columns, types and indexes, archived and hidden ones included.
Not here: mending them (`publish` makes them right in the first place; `doctor` and repair show this list).
Source: spec/metadata.md, section 10, invariant 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ExactNumber
from fieldstone.metadata.identities import ARCHIVED, PURGED
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.tables import IndexSpec, index_specs, read_columns, record_table


def differences(connection: Connection, snapshot: Snapshot) -> tuple[str, ...]:
    """Return every way in which the tables of objects are not as `snapshot` and its archive say, one sentence each for developers."""
    return tuple(_differences(connection, snapshot))


def _differences(connection: Connection, snapshot: Snapshot) -> Iterator[str]:
    dialect = connection.dialect
    for definition in snapshot.objects.values():
        table = definition.table
        expected = {column.name: column.type for column in record_table(definition).columns} | kept_columns(snapshot, table)
        found = _columns(connection, table)
        if not found:
            yield f"{table}: there is no such table"
            continue
        for name in sorted(expected.keys() - found.keys()):
            yield f"{table}.{name}: there is no such column"
        for name in sorted(found.keys() - expected.keys()):
            yield f"{table}.{name}: nothing asks for this column"
        for name in sorted(expected.keys() & found.keys()):
            if not _same_type(expected[name], found[name], dialect):
                yield f"{table}.{name}: is {found[name]}, should be {_written(expected[name], dialect)}"
        yield from _index_differences(connection, table, index_specs(definition))


def kept_columns(snapshot: Snapshot, table: str) -> dict[str, TypeEngine[Any]]:
    """Return the columns a table has although no page shows them: of archived fields, left by changes of type, being filled by plans."""
    found: dict[str, TypeEngine[Any]] = {}
    for identity in snapshot.identities.fields(snapshot.tables[table].name):
        if identity.state == ARCHIVED:
            found |= read_columns(snapshot.stored.archived[identity.id].columns)
    for column in snapshot.stored.columns:
        if column.table == table and column.state != PURGED:
            found |= read_columns(column.columns)
    return found


def _columns(connection: Connection, table: str) -> Mapping[str, str]:
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_POSTGRESQL_COLUMNS, {"name": table})
    else:
        rows = connection.exec_driver_sql(f"SELECT name, type FROM pragma_table_info({_text(table)})")  # noqa: S608 - quoted
    return {row[0]: row[1] for row in rows}


_POSTGRESQL_COLUMNS = text(
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
    " WHERE attrelid = to_regclass(quote_ident(:name)) AND attnum > 0 AND NOT attisdropped"
)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _same_type(expected: TypeEngine[Any], found: str, dialect: Dialect) -> bool:
    if dialect.name == "postgresql" and isinstance(expected, ExactNumber):
        # A number that was narrowed keeps its column; the pipeline is the only writer.
        digits, _, scale = found.removeprefix("numeric(").removesuffix(")").partition(",")
        return found.startswith("numeric(") and int(digits) >= expected.precision and int(scale) == expected.scale
    return _plain(_written(expected, dialect)) == _plain(found)


def _written(column_type: TypeEngine[Any], dialect: Dialect) -> str:
    return column_type.compile(dialect=dialect)


def _plain(written: str) -> str:
    # PostgreSQL spells out what SQLAlchemy writes short; varchar without a length is text by another name.
    return written.lower().replace('collate "c"', "").replace("character varying", "varchar").replace(" ", "")


def _index_differences(connection: Connection, table: str, expected: tuple[IndexSpec, ...]) -> Iterator[str]:
    found = {
        str(index["name"]): (tuple(index["column_names"]), bool(index["unique"]))
        for index in inspect(connection).get_indexes(table)
        if index["name"]
    }
    wanted = {index.name: (index.columns, index.unique) for index in expected}
    for name in sorted(wanted.keys() - found.keys()):
        yield f"{table}: the index {name} is missing"
    for name in sorted(found.keys() - wanted.keys()):
        yield f"{table}: nothing asks for the index {name}"
    for name in sorted(wanted.keys() & found.keys()):
        if wanted[name] != found[name]:
            yield f"{table}: the index {name} is {found[name]}, should be {wanted[name]}"
