"""Relative moments of sample data: `@today-30d`, `@today+10bd`, `@now-4h`, `@monday-2w 09:30`, `@month_start-3m`.

Here: what such a text means on the day of loading, in the org's zone.
Not here: loading (`sample.py`). Source: spec/packs.md, section 5.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MOMENT = re.compile(r"@(today|now|monday|month_start)(?:([+-]\d+)(bd|d|w|m|h))?(?: (\d{2}):(\d{2}))?")


def is_moment(text: str) -> bool:
    """Whether `text` is meant as a relative moment."""
    return text.startswith("@")


def resolve(text: str, now: datetime, zone: ZoneInfo) -> str | None:
    """Return the ISO text of the day or moment that `text` names at `now` (aware), or None when it is not well formed.

    Days come out as `YYYY-MM-DD`, moments (`@now…` or with a time of day) as UTC with `Z`.
    """
    found = MOMENT.fullmatch(text)
    if found is None:
        return None
    base, amount, unit, hour, minute = found.group(1), int(found.group(2) or 0), found.group(3), found.group(4), found.group(5)
    if base == "now":
        if unit not in (None, "h") or hour is not None:
            return None
        return _utc(now + timedelta(hours=amount))
    if unit == "h":
        return None
    day = _shift(_base(base, now.astimezone(zone).date()), amount, unit)
    if hour is None:
        return day.isoformat()
    return _utc(datetime.combine(day, time(int(hour) % 24, int(minute) % 60), zone))


def _base(base: str, today: date) -> date:
    if base == "monday":
        return today - timedelta(days=today.weekday())
    return today.replace(day=1) if base == "month_start" else today


def _shift(day: date, amount: int, unit: str | None) -> date:
    if unit == "m":
        months = day.year * 12 + day.month - 1 + amount
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    if unit == "bd":
        step = 1 if amount > 0 else -1
        left = abs(amount)
        while left:
            day += timedelta(days=step)
            left -= day.weekday() < 5
        return day
    return day + timedelta(days=amount * (7 if unit == "w" else 1))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
