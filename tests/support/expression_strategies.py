"""Random well-typed expressions and random rows for them, for Hypothesis.

Here: source texts drawn from the function table itself, so that a new entry is tested the day it is written.
Not here: the fields (`expressions`), what must hold (tests/properties).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from fieldstone.rules import FUNCTIONS, ValueType
from fieldstone.rules.functions import OPERATORS
from fieldstone.rules.functions.entry import Function
from tests.support.expressions import FIELDS

T = ValueType
TYPES = (T.NUMBER, T.TEXT, T.BOOLEAN, T.DATE, T.DATETIME, T.TIME)

# Doubles may differ in their last digit between two mathematical libraries: they are compared by themselves, to 12 digits.
FLOATS = frozenset(["LN", "LOG", "EXP", "SIN", "COS", "TAN", "ASIN", "ACOS", "ATAN", "ATAN2"])
# Drawn by hand: they take literals only, bend types, or have no SQL form.
BY_HAND = frozenset(
    [
        "IF",
        "IFS",
        "AND",
        "OR",
        "NOT",
        "CASE",
        "IN",
        "ISBLANK",
        "ISNULL",
        "BLANKVALUE",
        "NULLVALUE",
        "IFERROR",
        "ISPICKVAL",
        "INCLUDES",
        "ISCHANGED",
        "PRIORVALUE",
    ]
)

LETTERS = "aAbBzZ 09.-+eéß商🙂İıσςΣ%_\\\"'"
texts = st.text(LETTERS, max_size=6)
NUMBERS = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "10",
    "100",
    "0.5",
    "0.1",
    "2.5",
    "12.34",
    "999999",
    "0.000001",
    "123456789012345678",
    "365",
    "1.005",
    "60",
]
FORMATTED = ["2024-02-29", "2023-2-9", "2024-02-30", "2024-12-31 23:59:59", "0001-01-01", "23:59:59.999", "12.5", "-3", "1e3", ".5", "x"]


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def literals(type_: T) -> st.SearchStrategy[str]:
    """Return source texts that are constants of a type."""
    match type_:
        case T.NUMBER:
            return st.sampled_from(NUMBERS)
        case T.TEXT:
            return st.one_of(texts.map(quoted), st.sampled_from(FORMATTED).map(quoted))
        case T.BOOLEAN:
            return st.sampled_from(["TRUE", "FALSE"])
        case T.DATE:
            return st.sampled_from(["TODAY()", "DATE(2024, 2, 29)", "DATE(2023, 12, 31)", "DATE(1, 1, 1)", "DATE(9999, 12, 31)"])
        case T.DATETIME:
            return st.sampled_from(["NOW()", 'DATETIMEVALUE("2024-02-29 23:59:59")', 'DATETIMEVALUE("2023-3-1 0:0:0")'])
    return st.sampled_from(["TIMENOW()", 'TIMEVALUE("23:59:59.999")', 'TIMEVALUE("00:00:00.000")'])


FIELDS_OF = {
    type_: [name for name, (field, _) in FIELDS.items() if field.type is type_ or (type_ is T.TEXT and field.type in (T.ID, T.PICKLIST))]
    for type_ in TYPES
}


def functions_of(type_: T) -> list[Function]:
    return [
        function
        for name, entries in FUNCTIONS.items()
        if name not in BY_HAND and name not in FLOATS
        for function in entries
        if function.returns is type_ and not function.no_sql and function.params
    ]


@st.composite
def calls(draw: st.DrawFn, function: Function, depth: int) -> str:
    """Return a call with random arguments."""
    arguments = []
    for param in function.params:
        if param.optional and draw(st.booleans()):
            break
        wanted = [t for t in TYPES if t in param.types]
        if not wanted:
            arguments.append(draw(st.sampled_from(["stage"] if T.PICKLIST in param.types else ["tags"])))
            continue
        small = param.whole and draw(st.integers(0, 3)) > 0
        arguments.append(
            draw(st.sampled_from(["0", "1", "2", "3", "-1", "1.9", "12", "qty"]))
            if small
            else draw(expressions(draw(st.sampled_from(wanted)), depth))
        )
        if param.repeats:
            arguments += [draw(expressions(wanted[0], depth)) for _ in range(draw(st.integers(0, 2)))]
    return f"{function.name}({', '.join(arguments)})"


@st.composite
def operations(draw: st.DrawFn, type_: T, depth: int) -> str:
    """Return an operation whose result has the type."""
    found = [f for entries in OPERATORS.values() for f in entries if f.returns is type_]
    operator = draw(st.sampled_from(found))
    left, right = (draw(expressions(next(t for t in TYPES if t in p.types), depth)) for p in operator.params)
    return f"({left} {operator.name} {right})"


@st.composite
def branches(draw: st.DrawFn, type_: T, depth: int) -> str:
    """Return what chooses between expressions of the type."""

    def some(wanted: T) -> str:
        return draw(expressions(wanted, depth))

    kinds = ["IF", "IFS", "BLANKVALUE", "NULLVALUE", "CASE", "PICK", "IFERROR"]
    match draw(st.sampled_from(kinds)):
        case "IF":
            return f"IF({some(T.BOOLEAN)}, {some(type_)}, {some(type_)})"
        case "IFS":
            return f"IFS({some(T.BOOLEAN)}, {some(type_)}, {some(T.BOOLEAN)}, {some(type_)}, {some(type_)})"
        case "BLANKVALUE":
            return f"BLANKVALUE({some(type_)}, {some(type_)})"
        case "NULLVALUE" if type_ is not T.BOOLEAN:
            return f"NULLVALUE({some(type_)}, {some(type_)})"
        case "IFERROR":
            return f"IFERROR({some(type_)}, {some(type_)})"
        case "CASE" if type_ is not T.BOOLEAN:
            subject = draw(st.sampled_from([t for t in TYPES if t is not T.BOOLEAN]))
            return f"CASE({some(subject)}, {some(subject)}, {some(type_)}, {some(subject)}, {some(type_)}, {some(type_)})"
        case "PICK" if type_ is not T.BOOLEAN:
            return f'CASE(stage, "won", {some(type_)}, "", {some(type_)}, {some(type_)})'
    return f"IF({some(T.BOOLEAN)}, {some(type_)}, {some(type_)})"


@st.composite
def conditions(draw: st.DrawFn, depth: int) -> str:
    """Return a condition that is no comparison."""

    def some(wanted: T) -> str:
        return draw(expressions(wanted, depth))

    any_type = draw(st.sampled_from(TYPES))
    no_boolean = draw(st.sampled_from([t for t in TYPES if t is not T.BOOLEAN]))
    match draw(st.sampled_from(["AND", "OR", "&&", "||", "NOT", "!", "ISBLANK", "ISNULL", "IN", "ISPICKVAL", "INCLUDES", "TAGS"])):
        case ("AND" | "OR") as name:
            return f"{name}({some(T.BOOLEAN)}, {some(T.BOOLEAN)}, {some(T.BOOLEAN)})"
        case ("&&" | "||") as operator:
            return f"({some(T.BOOLEAN)} {operator} {some(T.BOOLEAN)})"
        case "NOT":
            return f"NOT({some(T.BOOLEAN)})"
        case "!":
            return f"!{some(T.BOOLEAN)}" if depth else f"!({some(T.BOOLEAN)})"
        case "ISBLANK":
            return f"ISBLANK({some(any_type)})"
        case "ISNULL":
            return f"ISNULL({some(no_boolean)})"
        case "IN":
            return f"IN({some(any_type)}, {some(any_type)}, {some(any_type)})"
        case "ISPICKVAL":
            return f"ISPICKVAL(stage, {quoted(draw(st.sampled_from(['won', 'open', '', 'none'])))})"
        case "INCLUDES":
            return f"INCLUDES(tags, {quoted(draw(st.sampled_from(['a', 'b', 'x'])))})"
    return "ISBLANK(tags)"


def expressions(type_: T, depth: int) -> st.SearchStrategy[str]:
    """Return source texts of well-typed expressions of a type, at most `depth` calls deep."""
    leaves = [st.sampled_from(FIELDS_OF[type_]), literals(type_)] if FIELDS_OF[type_] else [literals(type_)]
    if depth <= 0:
        return st.one_of(*leaves, st.just("NULL")) if type_ is not T.BOOLEAN else st.one_of(*leaves)
    inner = depth - 1
    found = functions_of(type_)
    choices: list[st.SearchStrategy[str]] = [
        *leaves,
        st.deferred(lambda: operations(type_, inner)),
        st.deferred(lambda: branches(type_, inner)),
    ]
    if found:
        choices += [st.sampled_from(found).flatmap(lambda f: calls(f, inner))] * 3
    if type_ is T.BOOLEAN:
        choices += [st.deferred(lambda: conditions(inner))] * 2
    if type_ is T.NUMBER:
        choices.append(st.deferred(lambda: expressions(T.NUMBER, inner)).map(lambda e: f"-{e}"))
    return st.one_of(*choices)


def any_expression(depth: int = 4) -> st.SearchStrategy[str]:
    return st.sampled_from(TYPES).flatmap(lambda t: expressions(t, depth))


# --- rows ------------------------------------------------------------------------------------------------------------


def numbers(digits: int, scale: int) -> st.SearchStrategy[Decimal]:
    edges = [0, 1, -1, 10**scale, -(10**scale), 25 * 10 ** max(scale - 1, 0), 10**digits - 1, 1 - 10**digits, 3 * 10**scale]
    whole = st.one_of(
        st.sampled_from([e for e in edges if abs(e) < 10**digits]), st.integers(-(10**digits) + 1, 10**digits - 1), st.integers(-999, 999)
    )
    return whole.map(lambda n: Decimal(n).scaleb(-scale))


DAYS = [
    date(1, 1, 1),
    date(9999, 12, 31),
    date(2024, 2, 29),
    date(2023, 2, 28),
    date(2024, 1, 31),
    date(1970, 1, 1),
    date(2026, 3, 1),
    date(2021, 1, 3),
]
days = st.one_of(st.sampled_from(DAYS), st.dates(date(1990, 1, 1), date(2040, 12, 31)))
MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2024, 2, 29, 16, 0, 0, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
]
moments = st.one_of(
    st.sampled_from(MOMENTS), st.datetimes(datetime(1990, 1, 1), datetime(2040, 12, 31)).map(lambda d: d.replace(microsecond=0, tzinfo=UTC))
)
times = st.one_of(st.sampled_from([0, 86_399_999, 43_200_000]), st.integers(0, 86_399_999))
ids = st.sampled_from(["0190a5d0-0000-7000-8000-000000000001", "0190a5d0-0000-7000-8000-000000000002"])
VALUES: dict[str, st.SearchStrategy[object]] = {
    "price": numbers(18, 2),
    "cost": numbers(18, 2),
    "qty": numbers(18, 0),
    "rate": numbers(18, 9),
    "disc": numbers(7, 2),
    "nick": st.one_of(texts, st.sampled_from(FORMATTED), st.text(LETTERS, min_size=1, max_size=40)),
    "city": texts,
    "start": days,
    "finish": days,
    "stamp": moments,
    "seen": moments,
    "open": times,
    "shut": times,
    "stage": st.sampled_from(["open", "won", "lost"]),
    "tags": st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True).map(tuple),
    "account": ids,
    "account.name": texts,
    "account.revenue": numbers(18, 2),
}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, object]:
    """Return a row in which any field may be blank; an empty text is blank, as the save pipeline leaves none."""
    row: dict[str, object] = {"vip": draw(st.booleans())}
    for name, values in VALUES.items():
        value = draw(values) if draw(st.integers(0, 3)) else None
        row[name] = value if value != "" else None
    return row


def some_rows() -> st.SearchStrategy[Sequence[dict[str, object]]]:
    return st.lists(rows(), min_size=1, max_size=3)
