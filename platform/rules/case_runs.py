"""Running cases: every row in Python, or all rows of a case in one statement on a database, and comparing.

Here: engines, and what is equal to what.
Not here: the format (`cases`), who opens the database and prints (`cli/rules.py`).
Source: spec/expressions.md, section 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from decimal import Context as DecimalContext
from typing import Any
from uuid import uuid4

from sqlalchemy import Column, ColumnElement, Connection, Integer, MetaData, Table, case, insert, null, select, type_coerce
from sqlalchemy import false as sql_false
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ChoiceSet, ExactNumber, Flag, Id, IsoDate, PlainText, TimeOfDay, UtcDatetime
from fieldstone.errors import Problem, Refused
from fieldstone.rules import decimals
from fieldstone.rules.case_scope import checked, is_global
from fieldstone.rules.cases import MOST_DIGITS, NUMBER, PYTHON, Case, CaseField, CaseRow, stored
from fieldstone.rules.dialects import dialect_of
from fieldstone.rules.errors import Category, EvaluationError, NotInSql
from fieldstone.rules.functions.written import time_text
from fieldstone.rules.python import Context, to_python
from fieldstone.rules.sql import to_sql
from fieldstone.rules.tree import Checked
from fieldstone.rules.value_types import ValueType

TWELVE_DIGITS = DecimalContext(prec=12, rounding=ROUND_HALF_UP)
UNNAMED = "error"  # of an error in SQL, which knows that there is one and not which
REFUSED = "database_error"
NO_SQL_FORM = "expression_not_filterable"  # the problem of a row that only Python can run; it does not fail for that
MOST_TABLES = 200  # kept in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What one row of a case gave on one engine. `got` is encoded as `expected` is, an unrounded number in full.

    `error` is a category; a database cannot tell which, so there it is the expected one, or "error" where none was expected.
    """

    name: str
    row: int
    engine: str
    ok: bool
    expected: object
    got: object = None
    error: str | None = None
    problem: str | None = None
    why: Problem | None = None  # behind `problem`
    left_out: str | None = None  # the function for whose sake the row has no SQL form and was not run


def run(cases: Iterable[Case], connection: Connection | None = None) -> Iterator[RowResult]:
    """Run the rows of `cases` in Python, or on the database of `connection`, in tables that go with its transaction.

    Rows that name other engines are left out. A database that refuses a statement fails the rows of that case only.
    """
    engine = PYTHON if connection is None else connection.dialect.name
    tables = Tables()
    for one in cases:
        rows = [row for row in one.rows if engine in row.engines]
        try:
            meaning = checked(one)
        except Refused as refused:
            yield from (_refused(one, row, engine, refused) for row in rows)
            continue
        if connection is None:
            yield from _in_python(one, rows, meaning)
        elif meaning.sql_reason is not None:
            yield from (_left_out(one, row, engine, meaning.sql_reason) for row in rows)
        else:
            yield from _in_database(one, rows, meaning, connection, tables)


# --- engines ---------------------------------------------------------------------------------------------------------


def _in_python(one: Case, rows: Sequence[CaseRow], meaning: Checked) -> Iterator[RowResult]:
    function = to_python(meaning)
    for row in rows:
        try:
            yield _found(one, row, PYTHON, meaning.type, function(row.values, _context(one, row)))
        except EvaluationError as error:
            yield _failed(one, row, PYTHON, error.category)


def _context(one: Case, row: CaseRow) -> Context:
    return Context(
        now=one.now,
        today=one.now.astimezone(one.zone).date(),
        zone=one.zone,
        globals=_globals(row),
        prior=row.prior,
        is_new=row.is_new,
        is_clone=row.is_clone,
    )


def _globals(row: CaseRow) -> dict[str, object]:
    return {name: value for name, value in row.values.items() if is_global(name)}


@dataclass(slots=True)
class Tables:
    """The tables of one run, by their columns: cases of the same columns share one, each case's rows are rolled back."""

    made: dict[tuple[object, ...], Table] = field(default_factory=dict)

    def kept(self, fields: Iterable[CaseField], connection: Connection) -> Table | None:
        """Return the empty table with columns for `fields`; None if there are as many tables as a transaction should hold."""
        kinds = tuple((described.value_type, described.precision, described.scale, described.short_ids) for described in fields)
        if kinds not in self.made and len(self.made) < MOST_TABLES:
            self.made[kinds] = _new_table(fields, connection)
        return self.made.get(kinds)


def _new_table(fields: Iterable[CaseField], connection: Connection) -> Table:
    """Create a table of the platform's own column types."""
    columns = [Column(f"c{number}", _column_type(described)) for number, described in enumerate(fields)]
    table = Table(f"fs_case_{uuid4().hex}", MetaData(), Column("row", Integer), *columns)
    table.create(connection)
    return table


def _in_database(one: Case, rows: Sequence[CaseRow], meaning: Checked, connection: Connection, tables: Tables) -> Iterator[RowResult]:
    """Run rows in one statement; in one for each set of globals, which are parameters of a statement, where they differ."""
    groups: dict[tuple[tuple[str, object], ...], list[CaseRow]] = {}
    for row in rows:
        groups.setdefault(tuple(_globals(row).items()), []).append(row)
    for group in groups.values():
        yield from _in_one_statement(one, group, meaning, connection, tables)


def _in_one_statement(one: Case, rows: Sequence[CaseRow], meaning: Checked, connection: Connection, tables: Tables) -> list[RowResult]:
    engine = connection.dialect.name
    fields = {name: described for name, described in stored(one.fields).items() if not is_global(name)}
    kept = tables.kept(fields.values(), connection)
    with connection.begin_nested() as savepoint:
        try:
            found = _answers(one, rows, meaning, connection, kept if kept is not None else _new_table(fields.values(), connection), fields)
        except NotInSql as too_large:
            return [_left_out(one, row, engine, too_large.reason) for row in rows]
        except DBAPIError as error:
            said = str(error.orig).partition("\n")[0]
            return [_found(one, row, engine, ValueType.TEXT, said, error=REFUSED) for row in rows]
        finally:
            savepoint.rollback()
    return [
        _failed(one, row, engine, UNNAMED)
        if is_error
        else _found(one, row, engine, meaning.type, bool(value) if meaning.type is ValueType.BOOLEAN else value)
        for row, (_, value, is_error) in zip(rows, found, strict=True)
    ]


def _answers(
    one: Case, rows: Sequence[CaseRow], meaning: Checked, connection: Connection, table: Table, fields: Mapping[str, CaseField]
) -> Sequence[Any]:
    """Return number, value and whether it is an error of each row."""
    names = {name: f"c{number}" for number, name in enumerate(fields)}
    context = _context(one, rows[0])
    sql = to_sql(meaning, {name: table.c[names[name]] for name in names}, dialect_of(connection.dialect.name), context)
    connection.execute(insert(table), [{"row": row.number, **_cells(row, fields, names)} for row in rows])
    failed = sql.error if sql.error is not None else sql_false()
    value: ColumnElement[Any] = case((failed, null()), else_=sql.value)
    if meaning.type is ValueType.MULTIPICKLIST:
        value = type_coerce(value, ChoiceSet())
    return connection.execute(select(table.c.row, value, failed).order_by(table.c.row)).all()


def _cells(row: CaseRow, fields: Mapping[str, CaseField], names: Mapping[str, str]) -> dict[str, object]:
    """Return the row as it is inserted; a checkbox is never blank in a table."""
    values = {column: row.values[name] for name, column in names.items()}
    flags = (column for name, column in names.items() if fields[name].value_type is ValueType.BOOLEAN)
    return values | {column: values[column] is True for column in flags}


def _column_type(described: CaseField) -> TypeEngine[Any]:
    match described.value_type:
        case ValueType.NUMBER:
            return ExactNumber(described.precision, described.scale)
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
        case ValueType.ID if not described.short_ids:
            return Id()
    return PlainText()


# --- comparing -------------------------------------------------------------------------------------------------------


def _deviates(row: CaseRow, engine: str) -> bool:
    return engine != PYTHON and row.sql_result is not ...


def _left_out(one: Case, row: CaseRow, engine: str, function: str) -> RowResult:
    ok = row.outcome != "problem" or row.expected == NO_SQL_FORM
    why = Problem(code=NO_SQL_FORM, params={"function": function})
    return RowResult(
        name=one.name, row=row.number, engine=engine, ok=ok, expected=row.expected, problem=why.code, why=why, left_out=function
    )


def _refused(one: Case, row: CaseRow, engine: str, refused: Refused) -> RowResult:
    """Return how a row fares whose expression is wrong: well, if one of its problems is the expected one."""
    why = next((p for p in refused.problems if p.code == row.expected), refused.problems[0])
    ok = row.outcome == "problem" and why.code == row.expected
    return RowResult(name=one.name, row=row.number, engine=engine, ok=ok, expected=row.expected, problem=why.code, why=why)


def _failed(one: Case, row: CaseRow, engine: str, category: str) -> RowResult:
    if category == UNNAMED and row.outcome == "error":
        category = str(row.expected)
    if _deviates(row, engine):
        expected, ok = row.sql_result, row.sql_result is None  # in SQL an error makes the result blank
    else:
        expected, ok = row.expected, row.outcome == "error" and category == row.expected
    return RowResult(name=one.name, row=row.number, engine=engine, ok=ok, expected=expected, error=category)


def _found(one: Case, row: CaseRow, engine: str, type_: ValueType, value: object, *, error: str | None = None) -> RowResult:
    got = _encoded(value, type_)
    deviates = _deviates(row, engine)
    expected = row.sql_result if deviates else row.expected
    if not deviates and error is None and expected == Category.OUT_OF_RANGE.value and row.outcome == "error" and _fits_no_field(value, one):
        return RowResult(name=one.name, row=row.number, engine=engine, ok=True, expected=expected, error=Category.OUT_OF_RANGE.value)
    ok = error is None and (deviates or row.outcome == "result") and _same(got, expected, type_, one.scale)
    return RowResult(name=one.name, row=row.number, engine=engine, ok=ok, expected=expected, got=got, error=error)


def _fits_no_field(value: object, one: Case) -> bool:
    """Tell whether a number is out of range for a field of the scale that the case returns; a row with a `result` asks no field."""
    if not isinstance(value, Decimal) or one.scale is None or one.scale > MOST_DIGITS:
        return False
    return abs(decimals.rounded(value, one.scale)) >= Decimal(10) ** (MOST_DIGITS - one.scale)


def _encoded(value: object, type_: ValueType) -> object:
    """Return a value as a file of cases writes it."""
    match value:
        case Decimal():
            return decimals.plain(value)
        case datetime():
            moment = value.astimezone(UTC)
            return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}Z"
        case date():
            return value.isoformat()
        case int() if type_ is ValueType.TIME:
            return time_text(value)
        case tuple():
            return list(value)
    return value


def _same(got: object, expected: object, type_: ValueType, scale: int | None) -> bool:
    if expected == "" and type_ is not ValueType.NUMBER:
        expected = None  # blank text and null are the same thing
    if type_ is ValueType.MULTIPICKLIST and isinstance(expected, list):
        return sorted(map(str, got if isinstance(got, list) else ())) == sorted(map(str, expected))  # a set: in any order
    if type_ is ValueType.NUMBER and isinstance(got, str):
        if type(expected) is int:
            expected = str(expected)  # as JSON writes numbers
        if not isinstance(expected, str) or NUMBER.fullmatch(expected) is None:
            return False
        if scale is None:
            return TWELVE_DIGITS.create_decimal(got) == TWELVE_DIGITS.create_decimal(expected)
        return decimals.rounded(Decimal(got), scale) == Decimal(expected)
    return type(got) is type(expected) and got == expected
