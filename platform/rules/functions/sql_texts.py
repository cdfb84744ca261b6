"""Bits of PostgreSQL text that several entries are made of.

Here: conditions and calendar arithmetic over the texts of arguments.
Not here: whole functions (their entries), what the two databases spell differently (`dialects`).
"""

from __future__ import annotations


def any_of(*conditions: str | None) -> str | None:
    """Return the condition that one of `conditions` holds; None is one that never does."""
    real = list(dict.fromkeys(c for c in conditions if c is not None))
    if len(real) < 2:
        return real[0] if real else None
    return f"({' OR '.join(real)})"


def in_years(day: str) -> str:
    """Return the condition that a date or timestamp lies in the years 1 to 9999."""
    return f"({day} >= '0001-01-01' AND {day} < '9999-12-31'::date + 1)"


# Whether a sum lies in the years 1 to 9999 is asked of numbers: the sum itself could be beyond PostgreSQL's own calendar.


def day_number_in_years(day: str, sign: str, days: str) -> str:
    """Return the condition that a date plus or minus some days lies in the years 1 to 9999."""
    return f"({day} - '0001-01-01'::date {sign} {days} BETWEEN 0 AND 3652058)"


def seconds_in_years(seconds: str) -> str:
    """Return the condition that so many seconds since 1970 lie in the years 1 to 9999."""
    return f"({seconds} BETWEEN -62135596800 AND 253402300799)"


def month_in_years(moment: str, months: str) -> str:
    """Return the condition that a date or timestamp plus some months lies in the years 1 to 9999."""
    return f"(extract(year FROM {moment}) * 12 + extract(month FROM {moment}) - 1 + {months} BETWEEN 12 AND 119999)"


def real_day(year: str, month: str, day: str) -> str:
    """Return the condition that there is such a day in the years 1 to 9999."""
    leap = f"{year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0)"
    february = f"CASE WHEN {leap} THEN 29 ELSE 28 END"
    days = f"CASE WHEN {month} IN (4, 6, 9, 11) THEN 30 WHEN {month} = 2 THEN {february} ELSE 31 END"
    return f"({year} BETWEEN 1 AND 9999 AND {month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND {days})"


CASE_RULES = "\x03"  # stands for the collation whose rules for capital letters the server offers; `sql` puts its name in


def in_letters(function: str, text: str) -> str:
    """Return `upper`, `lower` or `initcap` of a text by the rules of Unicode, comparable by code point again."""
    return f'({function}({text} COLLATE {CASE_RULES}) COLLATE "C")'
