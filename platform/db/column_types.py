"""Column types that mean the same on SQLite and PostgreSQL, whatever each of them stores.

Here: how a Python value becomes a column's value and back; what does not fit is refused, never rounded.
Not here: which field has which type (`metadata/field_types/`), what a person may type (coercion, there too).

| type          | Python                            | SQLite                     | PostgreSQL      |
| ------------- | --------------------------------- | -------------------------- | --------------- |
| `PlainText`   | str, compared by code point       | TEXT                       | text, collate C |
| `Id`          | str, 36 lower-case characters     | TEXT                       | uuid            |
| `ExactNumber` | Decimal with `scale` digits       | INTEGER = value · 10^scale | numeric(p, s)   |
| `Flag`        | bool                              | INTEGER 0, 1               | boolean         |
| `IsoDate`     | date                              | TEXT YYYY-MM-DD            | date            |
| `UtcDatetime` | aware UTC datetime, whole seconds | INTEGER seconds since 1970 | timestamptz(0)  |
| `UtcMoment`   | aware UTC datetime, microseconds  | INTEGER microseconds       | timestamptz(6)  |
| `TimeOfDay`   | int, milliseconds of the day      | INTEGER                    | integer         |
| `ChoiceSet`   | tuple of API names, None if blank | TEXT `;a;b;`               | text[]          |
| `JsonText`    | what JSON can say                 | TEXT, keys sorted          | text            |

None is NULL for every type. Binding a value of another type raises TypeError, one that does not fit ValueError: input is checked
long before, so either is our bug. SQL that calculates with a bare column calculates with what is stored: `sum`, `min`, `max` and
comparisons with Python values come out right on both databases, products of scaled integers do not.
Source: spec/metadata.md, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, Date, Integer, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Convert = Callable[[Any], Any]

POSTGRESQL = "postgresql"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
DAY_IN_MILLISECONDS = 86_400_000
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class ColumnType(TypeDecorator[Any]):
    """What all types here share: one conversion each way, chosen once for a statement, never asked per value.

    A subclass says what is stored (`stored`), how a Python value gets there (`into`) and back (`out_of`); None means as it is.
    """

    impl: type[TypeEngine[Any]] = Text
    cache_ok = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.cache_ok = True  # SQLAlchemy asks each class by itself; all of ours are told apart by their arguments

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        raise NotImplementedError

    def into(self, postgresql: bool) -> Convert | None:
        return None

    def out_of(self, postgresql: bool) -> Convert | None:
        return None

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(self.stored(dialect.name == POSTGRESQL))

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _unless_blank(self.into(dialect.name == POSTGRESQL))

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _unless_blank(self.out_of(dialect.name == POSTGRESQL))

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str] | None:
        into = self.into(dialect.name == POSTGRESQL)
        write = self.stored(dialect.name == POSTGRESQL).dialect_impl(dialect).literal_processor(dialect)
        if into is None or write is None:
            return write
        return lambda value: write(into(value))


def _unless_blank(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda value: None if value is None else convert(value)


class PlainText(ColumnType):
    """Text that both databases compare and sort by code point, case-sensitively."""

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Text(collation="C") if postgresql else Text()


class Id(ColumnType):
    """A UUID, always the 36 lower-case characters in Python. A text that is not one raises ValueError when it is bound."""

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Uuid(as_uuid=False) if postgresql else Text()

    def into(self, postgresql: bool) -> Convert:
        return _id

    # Nothing on the way back: the engine tells psycopg to hand a uuid over as text.


def _id(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an id is a text, not {type(value).__name__}")
    if ID.fullmatch(value) is None:
        raise ValueError("not an id")
    return value


def is_id(value: object) -> bool:
    """Tell whether `value` can be bound as an `Id`; ask before a text from outside goes into a statement."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


class ExactNumber(ColumnType):
    """A decimal of at most `precision` digits, `scale` of them after the point (precision 1 to 18, so that it fits 64 bits).

    Takes Decimal and int; reads as Decimal with exactly `scale` digits after the point.
    """

    def __init__(self, precision: int, scale: int = 0) -> None:
        if not (1 <= precision <= 18 and 0 <= scale <= precision):
            raise ValueError(f"no such number of digits: precision {precision}, scale {scale}")
        super().__init__()
        self.precision = precision
        self.scale = scale

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Numeric(self.precision, self.scale) if postgresql else BigInteger()

    def into(self, postgresql: bool) -> Convert:
        scale, most = self.scale, 10**self.precision

        def scaled(value: Any) -> int:
            if isinstance(value, Decimal):
                shifted = value.scaleb(scale)
                whole = int(shifted)
                if whole != shifted:
                    raise ValueError(f"{value} has more than {scale} digits after the point")
            elif isinstance(value, int) and not isinstance(value, bool):
                whole = value * 10**scale
            else:
                raise TypeError(f"an exact number is a Decimal, not {type(value).__name__}")
            if not -most < whole < most:
                raise ValueError(f"{value} has more than {self.precision} digits")
            return whole

        def checked(value: Any) -> Decimal:
            return Decimal(scaled(value)).scaleb(-scale)

        return checked if postgresql else scaled

    def out_of(self, postgresql: bool) -> Convert | None:
        if postgresql:
            return None
        exponent = -self.scale
        return lambda value: Decimal(value).scaleb(exponent)


class Flag(ColumnType):
    """True or false."""

    impl = Boolean

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Boolean() if postgresql else Integer()

    def into(self, postgresql: bool) -> Convert:
        def flag(value: Any) -> bool | int:
            if value is not True and value is not False:
                raise TypeError(f"a flag is True or False, not {value!r}")
            return value if postgresql else int(value)

        return flag

    def out_of(self, postgresql: bool) -> Convert | None:
        return None if postgresql else bool


class IsoDate(ColumnType):
    """A calendar day, years 1 to 9999."""

    impl = Date

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Date() if postgresql else Text()

    def into(self, postgresql: bool) -> Convert:
        def day(value: Any) -> date | str:
            if not isinstance(value, date) or isinstance(value, datetime):
                raise TypeError(f"a date is a date, not {type(value).__name__}")
            return value if postgresql else value.isoformat()

        return day

    def out_of(self, postgresql: bool) -> Convert | None:
        return None if postgresql else date.fromisoformat


class UtcDatetime(ColumnType):
    """An instant in whole seconds: what records hold. Fractions are cut off, as the expression language does."""

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return TIMESTAMP(timezone=True, precision=0) if postgresql else BigInteger()

    def into(self, postgresql: bool) -> Convert:
        if postgresql:
            # PostgreSQL would round to the nearest second, possibly into the future.
            return lambda value: _aware(value).replace(microsecond=0)
        return lambda value: (_aware(value) - EPOCH) // SECOND

    def out_of(self, postgresql: bool) -> Convert | None:
        return None if postgresql else _from_seconds


class UtcMoment(ColumnType):
    """An instant in microseconds: events, outbox, audit."""

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return TIMESTAMP(timezone=True, precision=6) if postgresql else BigInteger()

    def into(self, postgresql: bool) -> Convert:
        if postgresql:
            return _aware
        return lambda value: (_aware(value) - EPOCH) // MICROSECOND

    def out_of(self, postgresql: bool) -> Convert | None:
        return None if postgresql else _from_microseconds


def _aware(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"an instant is a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return value


def _from_seconds(value: int) -> datetime:
    return datetime.fromtimestamp(value, UTC)


def _from_microseconds(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


class TimeOfDay(ColumnType):
    """Milliseconds since midnight, 0 to 86,399,999."""

    impl = Integer

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Integer()

    def into(self, postgresql: bool) -> Convert:
        return _milliseconds


def _milliseconds(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"a time of day is an int, not {type(value).__name__}")
    if not 0 <= value < DAY_IN_MILLISECONDS:
        raise ValueError(f"no such time of day: {value} ms")
    return value


class ChoiceSet(ColumnType):
    """Chosen values by API name, in the order given; none chosen is blank (NULL, None)."""

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return ARRAY(Text()) if postgresql else Text()

    def into(self, postgresql: bool) -> Convert:
        def names(value: Any) -> list[str] | str | None:
            if isinstance(value, str):
                raise TypeError("chosen values are a tuple of names, not one text")
            chosen = list(value)
            if not chosen:
                return None
            if postgresql:
                return chosen
            if any(";" in name for name in chosen):
                raise ValueError("an API name has no semicolon")
            return f";{';'.join(chosen)};"

        return names

    def out_of(self, postgresql: bool) -> Convert:
        return tuple if postgresql else lambda value: tuple(value[1:-1].split(";"))


class JsonText(ColumnType):
    """A JSON value as text with sorted keys and no spaces, so that equal values are equal texts on both databases.

    Decimals and ids go in as texts; numbers with a point are read as floats and are not for money.
    """

    def stored(self, postgresql: bool) -> TypeEngine[Any]:
        return Text(collation="C") if postgresql else Text()

    def into(self, postgresql: bool) -> Convert:
        return lambda value: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def out_of(self, postgresql: bool) -> Convert:
        return orjson.loads
