"""The values of an expression for a few given rows on a database, all in one statement and without a table: what examples are run by.

Here: rows as typed parameters, each with a context of its own; a database in memory to ask.
Not here: files of cases, which ask of real tables (`case_runs`), what a value should be (the caller).
Source: spec/metadata.md, section 2 "Examples".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, Select, case, cast, create_engine, event, literal, null, select, union_all
from sqlalchemy import false as sql_false
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ChoiceSet, ExactNumber, Flag, IsoDate, PlainText, TimeOfDay, UtcDatetime
from fieldstone.rules.check import from_context
from fieldstone.rules.dialects import dialect_of, register_functions
from fieldstone.rules.python import Context
from fieldstone.rules.sql import to_sql
from fieldstone.rules.tree import Checked, FieldRef, Node, children
from fieldstone.rules.value_types import ValueType

DIGITS = 18  # of a stored number
TYPES: Mapping[ValueType, TypeEngine[Any]] = {
    ValueType.BOOLEAN: Flag(),
    ValueType.DATE: IsoDate(),
    ValueType.DATETIME: UtcDatetime(),
    ValueType.TIME: TimeOfDay(),
    ValueType.MULTIPICKLIST: ChoiceSet(),
}


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one row by dotted path, a percent in points, and the context it is asked in."""

    values: Mapping[str, Any]
    context: Context


@dataclass(frozen=True, slots=True)
class Answer:
    """What a row gave: its value as Python calculates with it, unless evaluating it `failed`."""

    value: Any
    failed: bool


def can_hold(rows: Sequence[Row]) -> bool:
    """Tell whether columns can hold all numbers of `rows` as they are."""
    numbers = [value for row in rows for value in row.values.values() if isinstance(value, Decimal)]
    return all(abs(number).scaleb(_decimals(number)) < Decimal(10) ** DIGITS and _decimals(number) <= DIGITS for number in numbers)


def answers(checked: Checked, rows: Sequence[Row], connection: Connection) -> list[Answer]:
    """Return what `checked` gives for each of `rows`, in their order. Ids may be any texts.

    Raises NotInSql for what only Python can do. Rows must be such as `can_hold` accepts.
    """
    stored = {
        path: _number(path, rows) if type_ is ValueType.NUMBER else TYPES.get(type_, PlainText())
        for path, type_ in _columns(checked.node).items()
    }
    parts = [_asked(checked, stored, number, row, connection.dialect.name) for number, row in enumerate(rows)]
    found = sorted(connection.execute(union_all(*parts) if len(parts) > 1 else parts[0]).all(), key=lambda row: int(row[0]))
    whole = checked.type is ValueType.BOOLEAN
    return [Answer(value=bool(value) if whole else value, failed=bool(failed)) for _, value, failed in found]


def _columns(root: Node) -> dict[str, ValueType]:
    found: dict[str, ValueType] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldRef) and not from_context(node.field):
            found[".".join(node.path)] = node.type
        waiting += children(node)
    return found


def _number(path: str, rows: Sequence[Row]) -> ExactNumber:
    given = [row.values.get(path) for row in rows]
    return ExactNumber(DIGITS, max((_decimals(value) for value in given if isinstance(value, Decimal)), default=0))


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else DIGITS + 1


def _asked(checked: Checked, stored: Mapping[str, TypeEngine[Any]], number: int, row: Row, dialect: str) -> Select[Any]:
    values = [(_cell(row.values.get(path), type_), type_) for path, type_ in stored.items()]
    cells = [cast(literal(value, type_), type_).label(f"c{at}") for at, (value, type_) in enumerate(values)]
    source = select(literal(number).label("number"), *cells).subquery()
    sql = to_sql(checked, {path: source.c[f"c{at}"] for at, path in enumerate(stored)}, dialect_of(dialect), row.context)
    failed = sql.error if sql.error is not None else sql_false()
    return select(source.c.number, case((failed, null()), else_=sql.value), failed).select_from(source)


def _cell(value: Any, type_: TypeEngine[Any]) -> Any:
    return value is True if isinstance(type_, Flag) else value  # a checkbox is never blank in a table


@contextmanager
def memory() -> Iterator[Connection]:
    """Yield a connection to an SQLite database in memory that knows the functions of the language."""
    with _memory().connect() as connection:
        yield connection


@cache
def _memory() -> Engine:
    # A connection is an empty database of its own. The pool that SQLAlchemy takes for memory closes those of other threads, in use or not.
    engine = create_engine("sqlite://", poolclass=QueuePool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", lambda connection, _: register_functions(connection))
    return engine
