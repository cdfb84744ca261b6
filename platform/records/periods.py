"""Periods such as `this_quarter` or `last_30_days`: two dates, the end excluded.

Here: what each name means on a given day. Not here: cutting datetimes in a zone (`filters.py`).
Source: spec/data.md, section 9 "Periods". A week begins on Monday.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

DAY = timedelta(days=1)
COUNTED = re.compile(r"(last|next)_([0-9]{1,4})_(days|weeks|months|quarters|years)")
UNITS = ("week", "month", "quarter", "year")
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def period(name: str, today: date) -> tuple[date, date] | None:
    """Return the first day of the period and the day after its last; None if there is no period of that name."""
    match name:
        case "today":
            return today, today + DAY
        case "yesterday":
            return today - DAY, today
        case "tomorrow":
            return today + DAY, today + 2 * DAY
    counted = COUNTED.fullmatch(name)
    if counted is not None:
        return _counted(counted[1], int(counted[2]), counted[3].removesuffix("s"), today)
    which, _, unit = name.partition("_")
    if unit in UNITS and which in ("this", "last", "next"):
        start = _shift(_start(unit, today), unit, {"this": 0, "last": -1, "next": 1}[which])
        return start, _shift(start, unit, 1)
    unit = name.removesuffix("_to_date")
    if name.endswith("_to_date") and unit in UNITS:
        return _start(unit, today), today + DAY
    return None


def _counted(which: str, n: int, unit: str, today: date) -> tuple[date, date] | None:
    if n == 0:
        return None
    if unit == "day":
        return (today - (n - 1) * DAY, today + DAY) if which == "last" else (today + DAY, today + (n + 1) * DAY)
    now = _start(unit, today)
    return (_shift(now, unit, -n), now) if which == "last" else (_shift(now, unit, 1), _shift(now, unit, n + 1))


def _start(unit: str, day: date) -> date:
    match unit:
        case "week":
            return day - day.weekday() * DAY
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


def _shift(start: date, unit: str, n: int) -> date:
    """Move the first day of a unit by `n` units, no further than the calendar goes."""
    try:
        if unit == "week":
            return start + n * 7 * DAY
        months = start.year * 12 + start.month - 1 + n * MONTHS[unit]
        return date(months // 12, months % 12 + 1, 1)
    except (ValueError, OverflowError):
        return date.min if n < 0 else date.max
