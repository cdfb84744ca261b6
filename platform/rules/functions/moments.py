"""Arithmetic of dates, datetimes and times: moved by a number, and what lies between two.

Here: one entry per operator and pair of types. Not here: functions of dates (`dates`).
Source: spec/expressions.md, section 7.4, "Arithmetic".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from fieldstone.rules import decimals
from fieldstone.rules.decimals import EXACT
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.arithmetic import numeric_result
from fieldstone.rules.functions.entry import (
    DATE,
    DATETIME,
    NUMBER,
    TIME,
    Code,
    Function,
    Param,
    PythonWriter,
)
from fieldstone.rules.functions.sql_texts import day_number_in_years, seconds_in_years
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

DAY_SECONDS = 86_400
DAY_MILLISECONDS = 86_400_000
SECONDS = Decimal(DAY_SECONDS)
MANY_DAYS = 4_000_000  # more than the calendar has


def shifted(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def _shifted_back(day: date, days: int) -> date:
    return shifted(day, -days)


def _moved(moment: datetime, days: Decimal) -> datetime:
    seconds = decimals.WIDE.multiply(days, SECONDS)  # rounded once only, to whole seconds
    try:
        return moment + timedelta(seconds=int(decimals.rounded(seconds, 0)))
    except OverflowError as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def _moved_back(moment: datetime, days: Decimal) -> datetime:
    return _moved(moment, EXACT.minus(days))


def _days_between(a: datetime, b: datetime) -> Decimal:
    return EXACT.divide(int((a - b).total_seconds()), SECONDS)


def _shift_sql(sign: str) -> Callable[[str, str], str]:
    return lambda d, n: f"(CASE WHEN {day_number_in_years(d, sign, n)} THEN {d} {sign} {n} END)"


def _shift_error(sign: str) -> Callable[[str, str], str]:
    return lambda d, n: f"(NOT {day_number_in_years(d, sign, n)})"


def _moved_seconds(sign: str) -> Callable[[str, str], str]:
    return lambda t, n: f"(extract(epoch FROM {t})::numeric {sign} round({n} * {DAY_SECONDS}))"


def _move_sql(sign: str) -> Callable[[str, str], str]:
    seconds = _moved_seconds(sign)
    return lambda t, n: f"(CASE WHEN {seconds_in_years(seconds(t, n))} THEN to_timestamp({seconds(t, n)}::float8) END)"


def _move_error(sign: str) -> Callable[[str, str], str]:
    seconds = _moved_seconds(sign)
    return lambda t, n: f"(NOT {seconds_in_years(seconds(t, n))})"


def _shift_python(sign: str) -> Callable[[PythonWriter, Call, Sequence[Code]], Code]:
    def write(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        day, days = arguments
        result = Code(text="", type=ValueType.DATE, blank=False, fails=True)
        if isinstance(days.literal, Decimal) and days.literal.copy_abs() < MANY_DAYS:
            # Beyond the calendar Python's own error is raised, which ends the evaluation all the same.
            step = writer.constant(timedelta(days=int(days.literal)))
            return writer.guarded((day,), lambda t: f"{t[0]} {sign} {step}", result)
        helper = writer.helper(shifted if sign == "+" else _shifted_back, call.place)
        return writer.guarded((day, writer.whole(days)), lambda t: f"{helper}({t[0]}, {t[1]})", result)

    return write


def _mirrored(entry: Function, python: Callable[..., object], example: tuple[str, object]) -> Function:
    """Return an addition with its arguments the other way round: `entry`, and what does its work in Python."""
    sql, error = entry.sql, entry.sql_error
    assert sql is not None and error is not None
    return replace(
        entry,
        params=entry.params[::-1],
        write_python=None,
        python=lambda a, b: python(b, a),
        sql=lambda a, b: sql(b, a),
        sql_error=lambda a, b: error(b, a),
        examples=(example,),
    )


RANGE = (Category.OUT_OF_RANGE,)
DATE_PLUS = Function(
    name="+",
    params=(Param("d", DATE), Param("n", NUMBER, whole=True)),
    returns=ValueType.DATE,
    doc="The date that many days later; a fraction of a day is cut off first.",
    fails=RANGE,
    write_python=_shift_python("+"),
    sql=_shift_sql("+"),
    sql_error=_shift_error("+"),
    examples=(("TEXT(DATE(2024, 2, 28) + 1.9)", "2024-02-29"),),
)
PLUS_DATE = _mirrored(DATE_PLUS, shifted, ("TEXT(1 + DATE(2023, 12, 31))", "2024-01-01"))
DATE_MINUS = Function(
    name="-",
    params=(Param("d", DATE), Param("n", NUMBER, whole=True)),
    returns=ValueType.DATE,
    doc="The date that many days earlier; a fraction of a day is cut off first.",
    fails=RANGE,
    write_python=_shift_python("-"),
    sql=_shift_sql("-"),
    sql_error=_shift_error("-"),
    examples=(("TEXT(DATE(2024, 3, 1) - 1.7)", "2024-02-29"),),
)
DATETIME_PLUS = Function(
    name="+",
    params=(Param("dt", DATETIME), Param("n", NUMBER)),
    returns=ValueType.DATETIME,
    doc="The instant that many days later; fractions count, to the nearest second.",
    fails=RANGE,
    python=_moved,
    sql=_move_sql("+"),
    sql_error=_move_error("+"),
    examples=(('TEXT(DATETIMEVALUE("2024-01-01 00:00:00") + 0.5)', "2024-01-01 12:00:00Z"),),
)
PLUS_DATETIME = _mirrored(DATETIME_PLUS, _moved, ('TEXT(1 + DATETIMEVALUE("2024-01-01 00:00:00"))', "2024-01-02 00:00:00Z"))
DATETIME_MINUS = Function(
    name="-",
    params=(Param("dt", DATETIME), Param("n", NUMBER)),
    returns=ValueType.DATETIME,
    doc="The instant that many days earlier; fractions count, to the nearest second.",
    fails=RANGE,
    python=_moved_back,
    sql=_move_sql("-"),
    sql_error=_move_error("-"),
    examples=(('TEXT(DATETIMEVALUE("2024-01-01 00:00:00") - 0.25)', "2023-12-31 18:00:00Z"),),
)
BETWEEN_DATES = Function(
    name="-",
    params=(Param("a", DATE), Param("b", DATE)),
    returns=ValueType.NUMBER,
    doc="The days from `b` to `a`.",
    whole=True,
    inline=lambda a, b: f"({a} - {b}).days",
    sql=lambda a, b: f"({a} - {b})::numeric",
    digits=(7, 0),
    examples=(("DATE(2024, 3, 1) - DATE(2024, 2, 1)", 29),),
)
BETWEEN_DATETIMES = Function(
    name="-",
    params=(Param("a", DATETIME), Param("b", DATETIME)),
    returns=ValueType.NUMBER,
    doc="The days from `b` to `a`, with their fraction.",
    python=_days_between,
    write_sql=lambda writer, call, arguments: numeric_result(
        writer,
        writer.apply(lambda a, b: f"(round(extract(epoch FROM ({a} - {b}))::numeric, 45) / {DAY_SECONDS})", arguments),
        (7, 45),
        *arguments,
    ),
    examples=(('DATETIMEVALUE("2024-01-02 12:00:00") - DATETIMEVALUE("2024-01-01 00:00:00")', Decimal("1.5")),),
)
TIME_PLUS = Function(
    name="+",
    params=(Param("tm", TIME), Param("n", NUMBER)),
    returns=ValueType.TIME,
    doc="The time of day that many milliseconds later, going round at midnight.",
    python=lambda tm, n: (tm + int(n)) % DAY_MILLISECONDS,
    sql=lambda tm, n: f"mod(mod({tm} + trunc({n}), {DAY_MILLISECONDS}) + {DAY_MILLISECONDS}, {DAY_MILLISECONDS})::int",
    examples=(('TEXT(TIMEVALUE("23:59:59.000") + 2000)', "00:00:01.000"),),
)
TIME_MINUS = Function(
    name="-",
    params=(Param("tm", TIME), Param("n", NUMBER)),
    returns=ValueType.TIME,
    doc="The time of day that many milliseconds earlier, going round at midnight.",
    python=lambda tm, n: (tm - int(n)) % DAY_MILLISECONDS,
    sql=lambda tm, n: f"mod(mod({tm} - trunc({n}), {DAY_MILLISECONDS}) + {DAY_MILLISECONDS}, {DAY_MILLISECONDS})::int",
    examples=(('TEXT(TIMEVALUE("00:00:01.000") - 2000)', "23:59:59.000"),),
)
BETWEEN_TIMES = Function(
    name="-",
    params=(Param("a", TIME), Param("b", TIME)),
    returns=ValueType.NUMBER,
    doc="The milliseconds from `b` to the next `a`: never negative.",
    whole=True,
    inline=lambda a, b: f"(({a} - {b}) % {DAY_MILLISECONDS})",
    sql=lambda a, b: f"mod({a} - {b} + {DAY_MILLISECONDS}, {DAY_MILLISECONDS})::numeric",
    digits=(8, 0),
    examples=(('TIMEVALUE("00:00:01.000") - TIMEVALUE("23:59:59.000")', 2000),),
)
