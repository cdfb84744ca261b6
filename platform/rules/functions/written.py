"""Values written as text.

Here: TEXT of every type, amounts with their currency, ids.
Not here: lengths of time (`dates`), the way back (`number`, `dates`), how a page shows values to people (`i18n`).
Source: spec/expressions.md, sections 7.3 and 7.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from fieldstone.rules import decimals
from fieldstone.rules.functions.entry import (
    DATE,
    DATETIME,
    NUMBER,
    PICKLIST,
    TEXT,
    TIME,
    Blank,
    Code,
    Param,
    Piece,
    PythonWriter,
    SqlWriter,
    table,
    text_entry,
)
from fieldstone.rules.functions.sql_texts import in_letters
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

# --- TEXT ------------------------------------------------------------------------------------------------------------


def moment_text(moment: datetime) -> str:
    return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}Z"


def time_text(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{rest:03d}"


def _same_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return arguments[0]._replace(type=ValueType.TEXT)


def _same_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    return arguments[0]._replace(type=ValueType.TEXT)


TEXT_DOC = "The value as text: numbers in plain digits, dates as YYYY-MM-DD, datetimes in UTC, a picklist by its API name."
SQL_MILLISECONDS = "lpad(({tm} % 1000)::text, 3, '0')"
TEXT_OF = [
    text_entry(
        "TEXT",
        (Param("x", NUMBER),),
        TEXT_DOC,
        python=decimals.plain,
        sql=lambda n: f"trim_scale({n})::text",
        examples=(("TEXT(2.50)", "2.5"), ("TEXT(1000000)", "1000000"), ("TEXT(NULL)", None)),
    ),
    text_entry(
        "TEXT",
        (Param("x", DATE),),
        TEXT_DOC,
        python=date.isoformat,
        sql=lambda d: f"to_char({d}, 'YYYY-MM-DD')",
        sqlite=lambda d: d,
        examples=(("TEXT(DATE(2024, 2, 9))", "2024-02-09"),),
    ),
    text_entry(
        "TEXT",
        (Param("x", DATETIME),),
        TEXT_DOC,
        python=moment_text,
        sql=lambda dt: f"to_char({dt} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"')",
        examples=(('TEXT(DATETIMEVALUE("2024-2-9 8:05:00"))', "2024-02-09 08:05:00Z"),),
    ),
    text_entry(
        "TEXT",
        (Param("x", TIME),),
        TEXT_DOC,
        python=time_text,
        sql=lambda tm: (
            f"(lpad(({tm} / 3600000)::text, 2, '0') || ':' || lpad(({tm} / 60000 % 60)::text, 2, '0') || ':' ||"
            f" lpad(({tm} / 1000 % 60)::text, 2, '0') || '.' || {SQL_MILLISECONDS.format(tm=tm)})"
        ),
        examples=(('TEXT(TIMEVALUE("08:05:00.120"))', "08:05:00.120"),),
    ),
    text_entry(
        "TEXT",
        (Param("x", PICKLIST),),
        TEXT_DOC,
        blank=Blank.OWN,
        write_python=_same_python,
        write_sql=_same_sql,
        on_sqlite=True,
    ),
]


# --- ids and amounts ---------------------------------------------------------------------------------------------------

CASESAFEID = text_entry(
    "CASESAFEID",
    (Param("id", TEXT),),
    "The id itself: ids here keep their meaning whatever the letter case of a program that handles them.",
    blank=Blank.OWN,
    write_python=_same_python,
    write_sql=_same_sql,
    on_sqlite=True,
    examples=(('CASESAFEID("a1")', "a1"),),
)

CURRENCY_DIGITS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def currency_text(code: str, number: Decimal) -> str:
    """Return code, space, sign, grouped digits with as many decimals as the currency has."""
    places = CURRENCY_DIGITS.get(code.upper(), 2)
    rounded = decimals.rounded(number, places, ROUND_HALF_UP)
    return f"{code} {rounded if rounded else rounded.copy_abs():,.{places}f}"


def _currency_sql(code: str, n: str) -> str:
    by_places: dict[int, str] = {places: ", ".join(f"'{c}'" for c, p in CURRENCY_DIGITS.items() if p == places) for places in (0, 3)}
    capitals = in_letters("upper", code)
    places = f"(CASE WHEN {capitals} IN ({by_places[0]}) THEN 0 WHEN {capitals} IN ({by_places[3]}) THEN 3 ELSE 2 END)"
    digits = f"round({n}, {places})::text"
    grouped = rf"reverse(regexp_replace(reverse(split_part({digits}, '.', 1)), '([0-9]{{3}})(?=[0-9])', '\1,', 'g'))"
    return f"({code} || ' ' || {grouped} || CASE WHEN {places} > 0 THEN '.' || split_part({digits}, '.', 2) ELSE '' END)"


FORMATCURRENCY = text_entry(
    "FORMATCURRENCY",
    (Param("code", TEXT), Param("n", NUMBER)),
    "The amount with its currency, digits in groups of three, with the decimals of the currency.",
    python=currency_text,
    sql=_currency_sql,
    examples=(('FORMATCURRENCY("EUR", 1234.5)', "EUR 1,234.50"), ('FORMATCURRENCY("JPY", -1234.5)', "JPY -1,235")),
)

WRITTEN = table(*TEXT_OF, CASESAFEID, FORMATCURRENCY)
