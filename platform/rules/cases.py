"""Cases: tests of expressions as data, one JSON object a line, the same for admins, packs and our own tests.

Here: reading a case, running its rows in Python or, in one statement, on a database, and comparing.
Not here: the command line, examples that stand in definitions (`metadata`).
Source: spec/expressions.md, section 11.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Context as DecimalContext
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Integer, MetaData, Table, case, insert, null, select
from sqlalchemy import false as sql_false
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ChoiceSet, ExactNumber, Flag, Id, IsoDate, PlainText, TimeOfDay, UtcDatetime
from fieldstone.errors import Refused
from fieldstone.rules import decimals
from fieldstone.rules.check import Blanks, Use, check
from fieldstone.rules.dialects import dialect_of
from fieldstone.rules.errors import EvaluationError
from fieldstone.rules.functions.dates import time_of_text
from fieldstone.rules.functions.written import time_text
from fieldstone.rules.python import Context, to_python
from fieldstone.rules.scope import Resolved
from fieldstone.rules.sql import to_sql
from fieldstone.rules.tree import Checked
from fieldstone.rules.value_types import ValueType

PYTHON = "python"
TYPES: Mapping[str, ValueType] = {
    "number": ValueType.NUMBER,
    "currency": ValueType.NUMBER,
    "percent": ValueType.NUMBER,
    "text": ValueType.TEXT,
    "picklist": ValueType.PICKLIST,
    "multi_picklist": ValueType.MULTIPICKLIST,
    "checkbox": ValueType.BOOLEAN,
    "date": ValueType.DATE,
    "datetime": ValueType.DATETIME,
    "time": ValueType.TIME,
    "lookup": ValueType.ID,
}
TWELVE_DIGITS = DecimalContext(prec=12)
NOW = "2026-03-01T08:30:00Z"
JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One expression with its fields, its context, and rows of values and results."""

    name: str
    formula: str
    blanks: Blanks
    fields: Mapping[str, JsonObject]  # by path, lower case
    rows: Sequence[JsonObject]
    returns: JsonObject
    context: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What one row of a case gave on one engine. `got` is encoded as `expected` is; `error` is a category, "" where SQL knows none."""

    name: str
    row: int
    engine: str
    ok: bool
    expected: object
    got: object = None
    error: str | None = None
    problem: str | None = None


def load(text: str) -> list[Case]:
    """Return the cases of a file's text; empty lines do not count. Raises ValueError, with the line, for one that is no case."""
    cases = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            cases.append(_case(json.loads(line)))
        except (KeyError, TypeError, ValueError) as wrong:
            raise ValueError(f"line {number} is no case: {wrong}") from wrong
    return cases


def _case(document: JsonObject) -> Case:
    fields = {name.lower(): described for name, described in document.get("fields", {}).items()}
    for name, described in fields.items():
        if described["type"] not in TYPES:
            raise ValueError(f"field {name} has no known type")
    return Case(
        name=document["name"],
        formula=document["formula"],
        blanks=Blanks(document.get("blanks", "zero")),
        fields=fields,
        rows=tuple(document["rows"]),
        returns=document.get("returns", {}),
        context=document.get("context", {}),
    )


def run(cases: Iterable[Case], connection: Connection | None = None) -> Iterator[RowResult]:
    """Run the rows of `cases` in Python, or on the database of `connection` in tables that go with it.

    Rows that name other engines, and cases that have no SQL form, are left out.
    """
    engine = PYTHON if connection is None else connection.dialect.name
    for one in cases:
        rows = [(index, row) for index, row in enumerate(one.rows) if engine in row.get("engines", (engine,))]
        checked = _checked(one)
        if isinstance(checked, str):
            yield from (_compared(one, index, row, engine, problem=checked) for index, row in rows)
        elif connection is None:
            yield from (_in_python(one, index, row, checked) for index, row in rows)
        elif checked.sql and not checked.record_change:
            yield from _in_database(one, rows, checked, connection)


# --- names and values ------------------------------------------------------------------------------------------------


class CaseScope:
    """The names of a case."""

    object_label = "record"

    def __init__(self, one: Case) -> None:
        self.case = one

    def resolve(self, name: str) -> Resolved | None:
        described = self.case.fields.get(name.lower())
        if described is None:
            return None
        type_ = TYPES[described["type"]]
        path = tuple(name.lower().split("."))
        source = described.get("formula")
        return Resolved(
            path=path,
            type=type_,
            number_field=type_ is ValueType.NUMBER,
            percent=described["type"] == "percent" and source is None,
            picklist=tuple(described["values"]) if "values" in described else None,
            checkbox=type_ is ValueType.BOOLEAN,
            formula=check(source, self, Use.FORMULA, blanks=self.case.blanks) if source is not None else None,
            own=len(path) == 1,
        )

    def nearest(self, name: str) -> str | None:
        near = get_close_matches(name.lower(), self.case.fields, 1)
        return near[0] if near else None


def _checked(one: Case) -> Checked | str:
    """Return the checked expression of a case, or the code of its first problem."""
    expected = TYPES.get(one.returns.get("type", ""))
    try:
        # An automation may ask everything that any place may.
        return check(one.formula, CaseScope(one), Use.AUTOMATION, expected=expected, blanks=one.blanks)
    except Refused as refused:
        return refused.problems[0].code


def _value(type_: ValueType, given: Any) -> object:
    """Return a value of a case file as Python calculates with it."""
    if given is None or given in ("", []):
        return None
    match type_:
        case ValueType.NUMBER:
            return Decimal(given)
        case ValueType.DATE:
            return date.fromisoformat(given)
        case ValueType.DATETIME:
            return datetime.fromisoformat(given)
        case ValueType.TIME:
            return time_of_text(given)
        case ValueType.MULTIPICKLIST:
            return tuple(given)
    return str(given) if isinstance(given, str) else bool(given)


def _shown(value: object, type_: ValueType) -> object:
    """Return a value as a case file writes it."""
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case int() if type_ is ValueType.TIME:
            return time_text(value)
    return value


def _row(one: Case, values: JsonObject) -> dict[str, object]:
    return {name.lower(): _value(TYPES[one.fields[name.lower()]["type"]], given) for name, given in values.items()}


def _context(one: Case, row: JsonObject) -> Context:
    zone = ZoneInfo(one.context.get("zone", "UTC"))
    now = datetime.fromisoformat(one.context.get("now", NOW))
    prior = _row(one, row["prior"]) if "prior" in row else None
    is_new = bool(row.get("is_new", False))
    return Context(now=now.astimezone(UTC), today=now.astimezone(zone).date(), zone=zone, prior=prior, is_new=is_new)


# --- running and comparing -------------------------------------------------------------------------------------------


def _in_python(one: Case, index: int, row: JsonObject, checked: Checked) -> RowResult:
    try:
        value = to_python(checked)(_row(one, row.get("values", {})), _context(one, row))
    except EvaluationError as error:
        return _compared(one, index, row, PYTHON, error=error.category)
    return _compared(one, index, row, PYTHON, got=value, type_=checked.type)


def _in_database(one: Case, rows: Sequence[tuple[int, JsonObject]], checked: Checked, connection: Connection) -> Iterator[RowResult]:
    stored = {name: described for name, described in one.fields.items() if "formula" not in described}
    names = {name: f"c{number}" for number, name in enumerate(stored)}
    columns = [Column(names[name], _column_type(described)) for name, described in stored.items()]
    table = Table("fs_case", MetaData(), Column("row", Integer), *columns, prefixes=["TEMPORARY"])
    table.create(connection)
    blank = {names[name]: False if TYPES[described["type"]] is ValueType.BOOLEAN else None for name, described in stored.items()}
    for index, row in rows:
        given = {names[name]: value for name, value in _row(one, row.get("values", {})).items() if value is not None}
        connection.execute(insert(table).values(row=index, **{**blank, **given}))
    sql = to_sql(checked, {name: table.c[names[name]] for name in names}, dialect_of(connection.dialect.name), _context(one, {}))
    failed = sql.error if sql.error is not None else sql_false()
    statement = select(case((failed, null()), else_=sql.value).label("value"), failed.label("failed")).select_from(table)
    found = list(connection.execute(statement.order_by(table.c.row)))
    table.drop(connection)
    engine = connection.dialect.name
    for (index, row), (value, is_error) in zip(rows, found, strict=True):
        got = bool(value) if checked.type is ValueType.BOOLEAN else value
        yield _compared(one, index, row, engine, error="" if is_error else None, got=got, type_=checked.type)


def _column_type(described: JsonObject) -> TypeEngine[Any]:
    match TYPES[described["type"]]:
        case ValueType.NUMBER:
            return ExactNumber(described.get("precision", 18), described.get("scale", 2))
        case ValueType.BOOLEAN:
            return Flag()
        case ValueType.DATE:
            return IsoDate()
        case ValueType.DATETIME:
            return UtcDatetime()
        case ValueType.TIME:
            return TimeOfDay()
        case ValueType.MULTIPICKLIST:
            return ChoiceSet()
        case ValueType.ID:
            return Id()
    return PlainText()


def _compared(
    one: Case,
    index: int,
    row: JsonObject,
    engine: str,
    *,
    got: object = None,
    type_: ValueType = ValueType.NULL,
    error: str | None = None,
    problem: str | None = None,
) -> RowResult:
    expected = row.get("problem", row.get("error", row.get("result")))
    if engine != PYTHON and "sql_result" in row:
        expected = row["sql_result"]
    if problem is not None or "problem" in row:
        ok = problem == row.get("problem")
    elif error is not None or "error" in row:
        ok = "error" in row and error is not None and error in ("", row["error"])
    else:
        ok = _same(got, _value(type_, expected), one.returns.get("scale"))
    return RowResult(
        name=one.name, row=index, engine=engine, ok=ok, expected=expected, got=_shown(got, type_), error=error, problem=problem
    )


def _same(got: object, expected: object, scale: int | None) -> bool:
    if isinstance(got, Decimal) and isinstance(expected, Decimal):
        if scale is None:
            return TWELVE_DIGITS.plus(got) == TWELVE_DIGITS.plus(expected)
        return decimals.rounded(got, scale) == expected
    return type(got) is type(expected) and got == expected
