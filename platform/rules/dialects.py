"""What SQLite and PostgreSQL spell differently, and how each of them stores the values that rules calculate with.

Here: bare columns and parameters as pieces of SQL, comparisons that an index serves, values between SQLite and Python.
Not here: what a node means in SQL (`sql`, the entries in `functions/`), the column types themselves (`db/column_types.py`).

SQLite has binary floats, integer division, ASCII-only letters, and a parser that gives up at some twenty nested levels. So only
what it does exactly is written in its SQL (comparisons, conditions, branches, joined texts); every other part of an expression is
one call of a registered function, `fs_value(program, column ...)`, that runs the very Python function the expression compiles to.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Boolean, Numeric, Text
from sqlalchemy.engine import Dialect as EngineDialect
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine, Uuid

from fieldstone.db.column_types import ExactNumber, Id, IsoDate, PlainText, TimeOfDay, UtcDatetime, UtcMoment
from fieldstone.rules.decimals import WIDE
from fieldstone.rules.errors import EvaluationError
from fieldstone.rules.value_types import ValueType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FARTHEST = 2 * 10**18  # beyond every stored number, within 64 bits


class Dialect(Enum):
    """The two databases."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


SQLITE, POSTGRESQL = Dialect.SQLITE, Dialect.POSTGRESQL


def dialect_of(name: str) -> Dialect:
    """Return the dialect by SQLAlchemy's name for it."""
    return Dialect(name)


POSTGRESQL_TYPES = {
    ValueType.NUMBER: "numeric",
    ValueType.TEXT: "text",
    ValueType.PICKLIST: "text",
    ValueType.ID: "text",
    ValueType.BOOLEAN: "boolean",
    ValueType.DATE: "date",
    ValueType.DATETIME: "timestamptz",
    ValueType.TIME: "int",
    ValueType.MULTIPICKLIST: "text[]",
    ValueType.GEOLOCATION: "numeric[]",
}


class DecimalText(TypeDecorator[Decimal]):
    """A calculated number on SQLite: its digits as text. It reads as a Decimal; to sort by it, give it a column's digits."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: EngineDialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def result_type(type_: ValueType, dialect: Dialect) -> TypeEngine[Any]:
    """Return the SQLAlchemy type of a value, so that a query gives what Python would."""
    match type_:
        case ValueType.NUMBER:
            return DecimalText() if dialect is SQLITE else Numeric()
        case ValueType.BOOLEAN:
            return Boolean()
        case ValueType.DATE:
            return IsoDate()
        case ValueType.DATETIME:
            return UtcDatetime()
        case ValueType.TIME:
            return TimeOfDay()
        case ValueType.NULL:
            return NullType()
    return PlainText()


def is_uuid(type_: TypeEngine[Any]) -> bool:
    return isinstance(type_, Id | Uuid)


def digits_of(type_: TypeEngine[Any]) -> tuple[int, int]:
    """Return how many digits a number column has at most before and after the point."""
    if isinstance(type_, ExactNumber):
        return type_.precision - type_.scale, type_.scale
    return 20, 18


def scale_of(type_: TypeEngine[Any]) -> int:
    """Return by how many digits SQLite shifts the point of a stored number."""
    return type_.scale if isinstance(type_, ExactNumber) else 0


def scaled_comparison(operator: str, number: Decimal, scale: int) -> tuple[str, int] | bool:
    """Return the comparison with a stored integer that means comparing with `number`; True or False where all are alike.

    A number with more digits than the column lies between two stored ones: `x > 1.005` is `x > 1.00`.
    """
    shifted = number.scaleb(scale, WIDE) if abs(number) < FARTHEST else Decimal(FARTHEST).copy_sign(number)
    whole = int(shifted.to_integral_value("ROUND_FLOOR"))
    whole = max(-FARTHEST, min(FARTHEST, whole))
    if whole == shifted:
        return operator, whole
    if operator in ("=", "<>"):
        return operator == "<>"
    return ("<=" if operator in ("<", "<=") else ">"), whole


# --- values between SQLite and Python --------------------------------------------------------------------------------


def from_sqlite(value_type: ValueType, type_: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what turns a stored value (never NULL) into the value that Python calculates with; None for nothing to do."""
    match value_type:
        case ValueType.NUMBER:
            shift = -scale_of(type_)
            return lambda stored: Decimal(stored).scaleb(shift)
        case ValueType.BOOLEAN:
            return bool
        case ValueType.DATE:
            return date.fromisoformat
        case ValueType.DATETIME:
            step = timedelta(microseconds=1) if isinstance(type_, UtcMoment) else SECOND
            return lambda stored: (EPOCH + stored * step).replace(microsecond=0)
        case ValueType.MULTIPICKLIST:
            return lambda stored: tuple(stored[1:-1].split(";"))
    return None


def to_sqlite(value: Any) -> Any:
    """Return a value as SQLite stores it; numbers as their digits."""
    match value:
        case None | str() | int():
            return value
        case Decimal():
            return format(value, "f")
        case tuple():  # a place; all that is asked of it is whether there is one
            return ";".join(map(str, value))
        case datetime():
            return (value - EPOCH) // SECOND
        case date():
            return value.isoformat()
    raise TypeError(f"no value of an expression: {type(value).__name__}")


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False)
class Program:
    """A part of an expression, as SQLite calls it for each row."""

    function: Callable[[Mapping[str, object], Any], object]
    context: Any
    keys: Sequence[str]
    decoders: Sequence[Callable[[Any], Any] | None]
    encode: Callable[[Any], Any] = to_sqlite

    def run(self, stored: Sequence[Any]) -> Any:
        """Return the stored form of the value. Raises EvaluationError."""
        row = {
            key: value if value is None or decode is None else decode(value)
            for key, value, decode in zip(self.keys, stored, self.decoders, strict=True)
        }
        return self.encode(self.function(row, self.context))


_programs: dict[int, weakref.ref[Program]] = {}
_numbers = itertools.count(1)


class ProgramNumber(int):
    """What a statement names a program by; the program lives as long as a statement holds its number."""

    program: Program

    @classmethod
    def of(cls, program: Program) -> ProgramNumber:
        key = next(_numbers)
        number = cls(key)
        number.program = program
        _programs[key] = weakref.ref(program, lambda _: _programs.pop(key, None))
        return number


def _value(number: int, *stored: Any) -> Any:
    try:
        return _program(number).run(stored)
    except EvaluationError:
        return None


def _failed(number: int, *stored: Any) -> int:
    try:
        _program(number).run(stored)
    except EvaluationError:
        return 1
    return 0


def _program(number: int) -> Program:
    program = _programs[number]()
    assert program is not None
    return program


def register_functions(connection: Any) -> None:
    """Give a new SQLite connection (of `sqlite3`) the functions that expressions call there."""
    connection.create_function("fs_value", -1, _value, deterministic=True)
    connection.create_function("fs_failed", -1, _failed, deterministic=True)
