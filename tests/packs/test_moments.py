"""Relative moments are resolved against the day of loading, in the org's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fieldstone.packs.moments import resolve

NOW = datetime(2026, 11, 21, 17, 59, 20, tzinfo=UTC)  # a Saturday; already Sunday in Shanghai


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("@today", "UTC", "2026-11-21"),
        ("@today", "Asia/Shanghai", "2026-11-22"),
        ("@today-30d", "UTC", "2026-10-22"),
        ("@today+1bd", "UTC", "2026-11-23"),
        ("@today-10bd", "UTC", "2026-11-09"),
        ("@now-4h", "Asia/Shanghai", "2026-11-21T13:59:20Z"),
        ("@monday-2w 09:30", "Europe/Berlin", "2026-11-02T08:30:00Z"),
        ("@month_start-3m", "UTC", "2026-08-01"),
        ("@today-9m", "UTC", "2026-02-21"),
        ("@today+3h", "UTC", None),
        ("@yesterday", "UTC", None),
    ],
)
def test_moments(text, zone, expected):
    assert resolve(text, NOW, ZoneInfo(zone)) == expected
