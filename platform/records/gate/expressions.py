"""Expressions inside the gate's statements: the language's SQL on our columns, for one reader at one time.

Here: `Terms` (dialect and context of a statement), values rounded to their field, periods of dates for grouping.
Not here: the compiler (`rules/sql.py`), which columns a path means (`sources.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Numeric, case, cast, false, func, null, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from fieldstone import rules
from fieldstone.db.column_types import ExactNumber, IsoDate, PlainText
from fieldstone.db.transaction import Transaction
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.snapshot import Compiled
from fieldstone.records.gate.sharing import Reader

NUMERIC = frozenset({"number", "currency", "percent"})
DIGITS = 18
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)

Path = tuple[str, ...]
Columns = Mapping[Path, ColumnElement[Any]]


class Terms:
    """What the expressions of one statement are compiled with. `lasting` turns false when one depends on the person or the clock:
    such a statement serves only this once.
    """

    def __init__(self, tx: Transaction, asking: Reader) -> None:
        self.dialect = rules.dialect_of(tx.dialect)
        self.lasting = True
        self._tx = tx
        self._asking = asking
        self._context: rules.Context | None = None

    def context(self, checked: rules.Checked) -> rules.Context:
        """Return the context for an expression; one that looks at neither clock nor person is told of the zone alone."""
        if not (checked.uses_now or checked.user_dependent):
            return rules.Context(now=NO_TIME, today=NO_TIME.date(), zone=self._asking.principal.zone)
        self.lasting = False
        if self._context is None:
            zone = self._asking.principal.zone
            now = self._tx.now
            self._context = rules.Context(now=now, today=now.astimezone(zone).date(), zone=zone, globals=self._asking.globals)
        return self._context

    def value(self, compiled: Compiled, columns: Columns, found: FieldDef) -> ColumnElement[Any]:
        """Return the value of formula `found`, as fields hold it: rounded, percent in points, a failing checkbox not ticked, blank what
        is too long.
        """
        checked = compiled.checked
        number = _number(found)
        made = rules.value(checked, _dotted(columns), self.dialect, self.context(checked), number=number)
        if found.result_type == "checkbox":
            return func.coalesce(made, false(), type_=made.type)
        if found.result_type == "text" and found.length is not None:
            return case((func.length(made) <= found.length, made))
        if found.result_type != "percent" or number is None:
            return made
        points = ExactNumber(number.precision, number.scale - 2)
        # A fraction with two more digits is the same scaled integer as its points.
        return type_coerce(made, points) if self.dialect is rules.SQLITE else cast(type_coerce(made, Numeric()) * 100, points)

    def failed(self, compiled: Compiled, columns: Columns) -> ColumnElement[bool] | None:
        """Return where an expression ends in an error; None: nowhere."""
        return rules.to_sql(compiled.checked, _dotted(columns), self.dialect, self.context(compiled.checked)).error

    def day(self, compiled: Compiled, columns: Columns) -> ColumnElement[Any]:
        """Return an expression that gives a date."""
        return rules.value(compiled.checked, _dotted(columns), self.dialect, self.context(compiled.checked))

    def condition(self, compiled: Compiled, columns: Columns) -> ColumnElement[bool]:
        """Return a boolean expression as a condition to choose rows by: blank (which may be NULL) and error choose none."""
        return rules.condition(compiled.checked, _dotted(columns), self.dialect, self.context(compiled.checked), or_null=True)


def _number(found: FieldDef) -> ExactNumber | None:
    if found.result_type not in NUMERIC:
        return None
    precision, scale = found.precision or DIGITS, found.scale or 0
    if found.result_type == "percent":
        scale += 2
    return ExactNumber(max(precision, scale), scale)


def _dotted(columns: Columns) -> dict[str, ColumnElement[Any]]:
    return {".".join(path): column for path, column in columns.items()}


def bucket(day: ColumnElement[Any], by: str, dialect: str) -> ColumnElement[Any]:
    """Return the first day of the day, week, month, quarter or year that a date lies in; blank stays blank."""
    if dialect == "postgresql":
        return cast(func.date_trunc(by, day), IsoDate())
    text = type_coerce(day, PlainText())
    match by:
        case "day":
            start: Any = text
        case "week":
            start = func.date(text, "-6 days", "weekday 1")
        case "month":
            start = func.substr(text, 1, 7).concat("-01")
        case "quarter":
            month = func.substr(text, 6, 2)
            first = case((month < "04", "01"), (month < "07", "04"), (month < "10", "07"), else_="10")
            start = func.substr(text, 1, 5).concat(first).concat("-01")
        case _:
            start = func.substr(text, 1, 4).concat("-01-01")
    return type_coerce(case((text.is_not(None), start), else_=null()), IsoDate())
