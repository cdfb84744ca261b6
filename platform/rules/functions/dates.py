"""Functions of dates, datetimes and times of day.

Here: taking them apart, making them, reading them out of texts, the clock.
Not here: `+` and `-` on them (`moments`).
All of it is done in UTC, but for TODAY and DATEVALUE of a datetime, which speak of the reader's calendar.
Source: spec/expressions.md, section 7.4.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import (
    BOOLEAN,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    TIME,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    SqlWriter,
    table,
)
from fieldstone.rules.functions.moments import DAY_SECONDS
from fieldstone.rules.functions.sql_texts import any_of, in_years, month_in_years, real_day, seconds_in_years
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
SECOND = timedelta(seconds=1)
RANGE = (Category.OUT_OF_RANGE,)
FORMAT = (Category.DATE_FORMAT,)
DT, D, TM, T = Param("dt", DATETIME), Param("d", DATE), Param("tm", TIME), Param("t", TEXT)


def utc(moment: str) -> str:
    return f"({moment} AT TIME ZONE 'UTC')"


# --- the clock -------------------------------------------------------------------------------------------------------


def _reads(text: str, type_: ValueType, whole: bool = False) -> Callable[[PythonWriter, Call, Sequence[Code]], Code]:
    def write(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        return Code(text=text, type=type_, blank=False, simple=True, whole=whole)

    return write


TODAY = Function(
    name="TODAY",
    returns=ValueType.DATE,
    doc="The current day in the reader's time zone, the same throughout one evaluation.",
    clock=True,
    never_blank=True,
    write_python=_reads("c.today", ValueType.DATE),
)
NOW = Function(
    name="NOW",
    returns=ValueType.DATETIME,
    doc="The current instant, the same throughout one evaluation.",
    clock=True,
    never_blank=True,
    write_python=_reads("c.now", ValueType.DATETIME),
)
TIMENOW = Function(
    name="TIMENOW",
    returns=ValueType.TIME,
    doc="The current time of day in UTC.",
    clock=True,
    never_blank=True,
    write_python=_reads("c.time", ValueType.TIME),
)


# --- parts of dates --------------------------------------------------------------------------------------------------


def _part(name: str, inline: str, sql: str, doc: str, *examples: tuple[str, object]) -> Function:
    return Function(
        name=name,
        params=(D,),
        returns=ValueType.NUMBER,
        doc=doc,
        whole=True,
        inline=inline.format,
        sql=lambda d: f"extract({sql} FROM {d})",
        digits=(4, 0),
        examples=examples,
    )


YEAR = _part("YEAR", "{}.year", "year", "The year of a date.", ("YEAR(DATE(2024, 2, 9))", 2024))
MONTH = _part("MONTH", "{}.month", "month", "The month of a date, 1 to 12.", ("MONTH(DATE(2024, 2, 9))", 2))
DAY = _part("DAY", "{}.day", "day", "The day of the month of a date, 1 to 31.", ("DAY(DATE(2024, 2, 9))", 9))
WEEKDAY = Function(
    name="WEEKDAY",
    params=(D,),
    returns=ValueType.NUMBER,
    doc="The day of the week: Sunday is 1, Saturday is 7.",
    whole=True,
    inline=lambda d: f"({d}.isoweekday() % 7 + 1)",
    sql=lambda d: f"(extract(dow FROM {d}) + 1)",
    digits=(1, 0),
    examples=(("WEEKDAY(DATE(2024, 2, 11))", 1), ("WEEKDAY(DATE(2024, 2, 10))", 7)),
)
DAYOFYEAR = Function(
    name="DAYOFYEAR",
    params=(D,),
    returns=ValueType.NUMBER,
    doc="The day of the year, 1 to 366.",
    whole=True,
    python=lambda d: d.timetuple().tm_yday,
    sql=lambda d: f"extract(doy FROM {d})",
    digits=(3, 0),
    examples=(("DAYOFYEAR(DATE(2024, 12, 31))", 366),),
)


def _iso(name: str, index: int, sql: str, doc: str, *examples: tuple[str, object]) -> list[Function]:
    def entry(param: Param, moment: Callable[[str], str], given: tuple[tuple[str, object], ...]) -> Function:
        return Function(
            name=name,
            params=(param,),
            returns=ValueType.NUMBER,
            doc=doc,
            whole=True,
            python=lambda d: d.isocalendar()[index],
            sql=lambda d: f"extract({sql} FROM {moment(d)})",
            digits=(5, 0),
            examples=given,
        )

    return [entry(D, lambda d: d, examples), entry(DT, utc, ())]


ISOWEEK = _iso("ISOWEEK", 1, "week", "The week of the year by ISO 8601, 1 to 53.", ("ISOWEEK(DATE(2021, 1, 3))", 53))
ISOYEAR = _iso("ISOYEAR", 0, "isoyear", "The year that the week belongs to by ISO 8601.", ("ISOYEAR(DATE(2021, 1, 3))", 2020))


# --- making dates ----------------------------------------------------------------------------------------------------


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError) as impossible:
        raise Failure(Category.OUT_OF_RANGE) from impossible


DAY_TEXT = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
MOMENT_TEXT = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})[ ]*", re.ASCII)
TIME_TEXT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])\.([0-9]{3})", re.ASCII)


def day_of_text(text: str) -> date:
    found = DAY_TEXT.match(text)
    if found is None:
        raise Failure(Category.DATE_FORMAT)
    try:
        return date(*map(int, found.groups()))
    except ValueError as impossible:
        raise Failure(Category.DATE_FORMAT) from impossible


def moment_of_text(text: str) -> datetime:
    found = MOMENT_TEXT.fullmatch(text)
    if found is None:
        raise Failure(Category.DATE_FORMAT)
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as impossible:
        raise Failure(Category.DATE_FORMAT) from impossible


def time_of_text(text: str) -> int:
    found = TIME_TEXT.fullmatch(text)
    if found is None:
        raise Failure(Category.DATE_FORMAT)
    hour, minute, second, rest = map(int, found.groups())
    return ((hour * 60 + minute) * 60 + second) * 1000 + rest


def local_day(moment: datetime, zone: tzinfo) -> date:
    try:
        return moment.astimezone(zone).date()
    except OverflowError as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def _group(t: str, pattern: str) -> str:
    """Return the integer that the parentheses of `pattern` find in `t`, NULL when it does not match."""
    return f"substring({t} FROM '{pattern}')::int"


def _day_parts(t: str) -> tuple[str, str, str]:
    return (
        _group(t, "^([0-9]{4})-[0-9]{1,2}-[0-9]"),
        _group(t, "^[0-9]{4}-([0-9]{1,2})-[0-9]"),
        _group(t, "^[0-9]{4}-[0-9]{1,2}-([0-9]{1,2})"),
    )


def _local_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    helper = writer.helper(local_day, call.place)
    return writer.guarded(arguments, lambda t: f"{helper}({t[0]}, c.zone)", Code(text="", type=call.type, blank=False, fails=True))


def _local_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    (moment,) = arguments
    local = f"({moment.text} AT TIME ZONE {writer.zone().text})"
    return Piece(
        text=writer.apply(lambda x: f"(CASE WHEN {in_years(x)} THEN {x}::date END)", [local]),
        type=ValueType.DATE,
        blank=moment.blank,
        error=any_of(moment.error, writer.apply(lambda x: f"(NOT {in_years(x)})", [local])),
    )


def _moment_parts(t: str) -> tuple[str, ...]:
    days = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    return (
        *_day_parts(t),
        _group(t, f"^{days} ([0-9]{{1,2}}):[0-9]{{1,2}}:[0-9]{{1,2}} *$"),
        _group(t, f"^{days} [0-9]{{1,2}}:([0-9]{{1,2}}):[0-9]{{1,2}} *$"),
        _group(t, f"^{days} [0-9]{{1,2}}:[0-9]{{1,2}}:([0-9]{{1,2}}) *$"),
    )


def _real_moment(y: str, m: str, d: str, hh: str, mm: str, ss: str) -> str:
    return f"({real_day(y, m, d)} AND {hh} <= 23 AND {mm} <= 59 AND {ss} <= 59)"


def _read_text(
    parts: Callable[[str], tuple[str, ...]], real: Callable[..., str], make: Callable[..., str]
) -> Callable[[SqlWriter, Call, Sequence[Piece]], Piece]:
    """Return what writes SQL that takes a text apart and makes a value of it, where there is such a day and time."""

    def write(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        def made(t: str) -> str:
            return writer.apply(lambda *p: f"(CASE WHEN {real(*p)} THEN {make(*p)} END)", parts(t))

        def wrong(t: str) -> str:
            return f"({t} IS NOT NULL AND {writer.apply(lambda *p: f'({real(*p)} IS NOT TRUE)', parts(t))})"

        (text,) = arguments
        error = any_of(text.error, writer.apply(wrong, arguments))
        return Piece(text=writer.apply(made, arguments), type=call.type, error=error)

    return write


SQL_TIME = "'^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{3}$'"


def _time_text_sql(t: str) -> str:
    parts = (f"substr({t}, {start}, {n})::int * {unit}" for start, n, unit in ((1, 2, 3_600_000), (4, 2, 60_000), (7, 2, 1000), (10, 3, 1)))
    return f"(CASE WHEN {t} ~ {SQL_TIME} THEN {' + '.join(parts)} END)"


DATE_ = Function(
    name="DATE",
    params=(Param("year", NUMBER, whole=True), Param("month", NUMBER, whole=True), Param("day", NUMBER, whole=True)),
    returns=ValueType.DATE,
    doc="The date of that year, month and day; there must be such a day.",
    fails=RANGE,
    python=_date,
    sql=lambda y, m, d: f"(CASE WHEN {real_day(y, m, d)} THEN make_date({y}, {m}, {d}) END)",
    sql_error=lambda y, m, d: f"({y} IS NOT NULL AND {m} IS NOT NULL AND {d} IS NOT NULL AND NOT {real_day(y, m, d)})",
    examples=(("DATE(2024, 2, 29) - DATE(2024, 1, 1)", 59), ("TEXT(DATE(2023, 2, 29))", Category.OUT_OF_RANGE)),
)
DATEVALUE = [
    Function(
        name="DATEVALUE",
        params=(T,),
        returns=ValueType.DATE,
        doc="The date that the text begins with, as YYYY-MM-DD.",
        fails=FORMAT,
        python=day_of_text,
        write_sql=_read_text(_day_parts, real_day, lambda y, m, d: f"make_date({y}, {m}, {d})"),
        examples=(('TEXT(DATEVALUE("2024-2-9"))', "2024-02-09"), ('TEXT(DATEVALUE("9.2.2024"))', Category.DATE_FORMAT)),
    ),
    Function(
        name="DATEVALUE",
        params=(DT,),
        returns=ValueType.DATE,
        doc="The day of a datetime in the reader's time zone.",
        fails=RANGE,
        write_python=_local_python,
        write_sql=_local_sql,
    ),
]
DATETIMEVALUE = [
    Function(
        name="DATETIMEVALUE",
        params=(T,),
        returns=ValueType.DATETIME,
        doc="The instant that the text is, as YYYY-MM-DD HH:MM:SS in UTC.",
        fails=FORMAT,
        python=moment_of_text,
        write_sql=_read_text(_moment_parts, _real_moment, lambda *p: f"make_timestamptz({', '.join(p)}, 'UTC')"),
        examples=(('TEXT(DATETIMEVALUE("2024-02-09 24:00:00"))', Category.DATE_FORMAT),),
    ),
    Function(
        name="DATETIMEVALUE",
        params=(D,),
        returns=ValueType.DATETIME,
        doc="Midnight of the date in UTC.",
        python=lambda d: datetime(d.year, d.month, d.day, tzinfo=UTC),
        sql=lambda d: f"({d}::timestamp AT TIME ZONE 'UTC')",
        examples=(("TEXT(DATETIMEVALUE(DATE(2024, 2, 9)))", "2024-02-09 00:00:00Z"),),
    ),
]
TIMEVALUE = [
    Function(
        name="TIMEVALUE",
        params=(T,),
        returns=ValueType.TIME,
        doc="The time of day that the text is, as HH:MM:SS.mmm.",
        fails=FORMAT,
        python=time_of_text,
        sql=_time_text_sql,
        sql_error=lambda t: f"({t} !~ {SQL_TIME})",
        examples=(('HOUR(TIMEVALUE("17:30:00.000"))', 17), ('HOUR(TIMEVALUE("17:30"))', Category.DATE_FORMAT)),
    ),
    Function(
        name="TIMEVALUE",
        params=(DT,),
        returns=ValueType.TIME,
        doc="The time of day of a datetime in UTC.",
        python=lambda dt: ((dt.hour * 60 + dt.minute) * 60 + dt.second) * 1000,
        sql=lambda dt: f"(extract(epoch FROM ({utc(dt)}::time)) * 1000)::int",
        examples=(('TEXT(TIMEVALUE(DATETIMEVALUE("2024-02-09 17:30:00")))', "17:30:00.000"),),
    ),
    Function(
        name="TIMEVALUE",
        params=(TM,),
        returns=ValueType.TIME,
        doc="The time itself.",
        write_python=lambda writer, call, arguments: arguments[0],
        write_sql=lambda writer, call, arguments: arguments[0],
    ),
]


# --- parts of times --------------------------------------------------------------------------------------------------


def _time_part(name: str, python: str, sql: str, doc: str, *examples: tuple[str, object]) -> Function:
    return Function(
        name=name,
        params=(TM,),
        returns=ValueType.NUMBER,
        doc=doc,
        whole=True,
        inline=python.format,
        sql=sql.format,
        digits=(3, 0),
        examples=examples,
    )


HOUR = _time_part(
    "HOUR", "({} // 3600000)", "({} / 3600000)::numeric", "The hour of a time, 0 to 23.", ('HOUR(TIMEVALUE("23:04:05.006"))', 23)
)
MINUTE = _time_part(
    "MINUTE", "({} // 60000 % 60)", "({} / 60000 % 60)::numeric", "The minute of a time.", ('MINUTE(TIMEVALUE("23:04:05.006"))', 4)
)
SECOND_ = _time_part(
    "SECOND", "({} // 1000 % 60)", "({} / 1000 % 60)::numeric", "The second of a time.", ('SECOND(TIMEVALUE("23:04:05.006"))', 5)
)
MILLISECOND = _time_part(
    "MILLISECOND", "({} % 1000)", "({} % 1000)::numeric", "The milliseconds of a time.", ('MILLISECOND(TIMEVALUE("23:04:05.006"))', 6)
)


# --- months ----------------------------------------------------------------------------------------------------------


def add_months(day: date, months: int) -> date:
    """Return the day that many months on: from the last day of a month to the last day, else the same day, cut to the month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        raise Failure(Category.OUT_OF_RANGE)
    last = monthrange(year, month + 1)[1]
    was_last = day.day == monthrange(day.year, day.month)[1]
    return day.replace(year=year, month=month + 1, day=last if was_last else min(day.day, last))


def _months_later(stamp: str, n: str) -> str:
    """Return a timestamp that many months later; one on a last day is moved by a day before and after."""
    step = f"make_interval(months => {n})"
    last = f"extract(day FROM {stamp} + interval '1 day') = 1"
    return (
        f"(CASE WHEN NOT {month_in_years(stamp, n)} THEN NULL WHEN {last} THEN {stamp} + interval '1 day' + {step} - interval '1 day'"
        f" ELSE {stamp} + {step} END)"
    )


def _add_months_sql(to_stamp: str, back: str) -> Callable[[SqlWriter, Call, Sequence[Piece]], Piece]:
    def write(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        moment, months = arguments[0], writer.whole(arguments[1])
        moved = writer.apply(_months_later, [to_stamp.format(moment.text), months.text])
        outside = writer.apply(lambda x, n: f"(NOT {month_in_years(x, n)})", [to_stamp.format(moment.text), months.text])
        return Piece(
            text=back.format(moved),
            type=call.type,
            blank=moment.blank or months.blank,
            error=any_of(moment.error, months.error, outside),
        )

    return write


ADDMONTHS_DOC = "The date that many months later. The last day of a month stays the last day; a day the month lacks becomes its last one."
ADDMONTHS = [
    Function(
        name="ADDMONTHS",
        params=(D, Param("n", NUMBER, whole=True)),
        returns=ValueType.DATE,
        doc=ADDMONTHS_DOC,
        fails=RANGE,
        python=add_months,
        write_sql=_add_months_sql("{}::timestamp", "({})::date"),
        examples=(
            ("TEXT(ADDMONTHS(DATE(2023, 2, 28), 1))", "2023-03-31"),
            ("TEXT(ADDMONTHS(DATE(2024, 1, 30), 1))", "2024-02-29"),
        ),
    ),
    Function(
        name="ADDMONTHS",
        params=(DT, Param("n", NUMBER, whole=True)),
        returns=ValueType.DATETIME,
        doc=ADDMONTHS_DOC,
        fails=RANGE,
        python=add_months,
        write_sql=_add_months_sql("({} AT TIME ZONE 'UTC')", "(({}) AT TIME ZONE 'UTC')"),
        examples=(('TEXT(ADDMONTHS(DATETIMEVALUE("2024-01-31 10:00:00"), 1))', "2024-02-29 10:00:00Z"),),
    ),
]


# --- seconds since 1970 ----------------------------------------------------------------------------------------------


def from_seconds(seconds: int) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def _stamp(param: Param, python: Callable[..., int], sql: str, digits: int, *examples: tuple[str, object]) -> Function:
    return Function(
        name="UNIXTIMESTAMP",
        params=(param,),
        returns=ValueType.NUMBER,
        doc="Whole seconds since the beginning of 1970 in UTC; of a time, since midnight.",
        whole=True,
        python=python,
        sql=sql.format,
        digits=(digits, 0),
        examples=examples,
    )


UNIXTIMESTAMP = [
    _stamp(
        D,
        lambda d: (d - EPOCH_DAY).days * DAY_SECONDS,
        "(({} - '1970-01-01'::date)::numeric * 86400)",
        12,
        ("UNIXTIMESTAMP(DATE(1970, 1, 2))", 86400),
    ),
    _stamp(DT, lambda dt: (dt - EPOCH) // SECOND, "extract(epoch FROM {})::numeric", 12),
    _stamp(TM, lambda tm: tm // 1000, "({} / 1000)::numeric", 5, ('UNIXTIMESTAMP(TIMEVALUE("00:01:00.999"))', 60)),
]


def _from_seconds_sql(n: str) -> str:
    return f"to_timestamp((CASE WHEN {seconds_in_years(f'trunc({n})')} THEN trunc({n}) END)::float8)"


FROMUNIXTIME = Function(
    name="FROMUNIXTIME",
    params=(Param("n", NUMBER),),
    returns=ValueType.DATETIME,
    doc="The instant that many whole seconds after the beginning of 1970 in UTC, before it if negative.",
    fails=RANGE,
    python=lambda n: from_seconds(int(n)),
    sql=_from_seconds_sql,
    sql_error=lambda n: f"(NOT {seconds_in_years(f'trunc({n})')})",
    examples=(("TEXT(FROMUNIXTIME(-1))", "1969-12-31 23:59:59Z"),),
)


# --- durations -------------------------------------------------------------------------------------------------------


def duration(seconds: int, with_days: bool = False) -> str:
    total = abs(seconds)
    days, rest = divmod(total, DAY_SECONDS) if with_days else (0, total)
    minutes, second = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{days}:{text}" if with_days else text


def _clock(seconds: str) -> str:
    hours = f"div({seconds}, 3600)::text"  # a quotient cut afterwards may have been rounded up before
    return (
        f"(lpad({hours}, greatest(length({hours}), 2), '0') || ':' || lpad((mod(div({seconds}, 60), 60))::int::text, 2, '0')"
        f" || ':' || lpad(mod({seconds}, 60)::int::text, 2, '0'))"
    )


def _with_days(seconds: str) -> str:
    return f"(div({seconds}, {DAY_SECONDS})::text || ':' || {_clock(f'mod({seconds}, {DAY_SECONDS})')})"


DURATION_DOC = "A length of time as HH:MM:SS, with days before it when asked for or between datetimes; never negative."


def _duration(params: tuple[Param, ...], python: Callable[..., str], sql: Callable[..., str], *examples: tuple[str, object]) -> Function:
    return Function(
        name="FORMATDURATION",
        params=params,
        returns=ValueType.TEXT,
        doc=DURATION_DOC,
        python=python,
        sql=sql,
        examples=examples,
    )


SECONDS = Param("n", NUMBER)
FORMATDURATION = [
    _duration(
        (SECONDS,),
        lambda n: duration(int(n)),
        lambda n: _clock(f"abs(trunc({n}))"),
        ("FORMATDURATION(-90061.9)", "25:01:01"),
    ),
    _duration(
        (SECONDS, Param("with_days", BOOLEAN)),
        lambda n, b: duration(int(n), b),
        lambda n, b: f"(CASE WHEN {b} THEN {_with_days(f'abs(trunc({n}))')} WHEN NOT {b} THEN {_clock(f'abs(trunc({n}))')} END)",
        ("FORMATDURATION(90061, TRUE)", "1:01:01:01"),
    ),
    _duration(
        (Param("a", DATETIME), Param("b", DATETIME)),
        lambda a, b: duration((a - b) // SECOND, True),
        lambda a, b: _with_days(f"abs(extract(epoch FROM {a})::numeric - extract(epoch FROM {b})::numeric)"),
    ),
    _duration(
        (Param("a", TIME), Param("b", TIME)),
        lambda a, b: duration(abs(a - b) // 1000),
        lambda a, b: _clock(f"trunc(abs({a} - {b})::numeric / 1000)"),
        ('FORMATDURATION(TIMEVALUE("10:00:00.000"), TIMEVALUE("11:30:00.500"))', "01:30:00"),
    ),
]

DATES = table(
    TODAY, NOW, TIMENOW, DATE_, *DATEVALUE, *DATETIMEVALUE, *TIMEVALUE, YEAR, MONTH, DAY, WEEKDAY, *ISOWEEK, *ISOYEAR, DAYOFYEAR,
    HOUR, MINUTE, SECOND_, MILLISECOND, *ADDMONTHS, *UNIXTIMESTAMP, FROMUNIXTIME, *FORMATDURATION,
)  # fmt: skip
