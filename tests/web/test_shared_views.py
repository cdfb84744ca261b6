"""A period in a view for everybody: the expression means the same days as the period does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fieldstone import rules
from fieldstone.records.periods import period as bounds
from fieldstone.rules import Context
from fieldstone.web.conditions import PERIODS
from fieldstone.web.shared_views import period


class OneDate:
    """A scope with one date field."""

    object_label = "Deal"

    def resolve(self, name):
        from fieldstone.rules import Resolved, ValueType

        return Resolved(path=("day",), type=ValueType.DATE) if name.lower() == "day" else None

    def lacking(self, name):
        return name, ""

    def nearest(self, name):
        return None


@pytest.mark.parametrize(
    "today", [date(2026, 1, 1), date(2026, 11, 21), date(2026, 12, 31), date(2028, 2, 29), date(2026, 11, 22), date(2026, 11, 23)]
)
@pytest.mark.parametrize("name", PERIODS)
def test_the_expression_of_a_period_means_its_days(name, today):
    compiled = rules.to_python(rules.check(period(name, "day"), OneDate(), rules.Use.LIST_FILTER))
    context = Context(now=datetime(today.year, today.month, today.day, 12, tzinfo=UTC), today=today, zone=ZoneInfo("UTC"))
    start, end = bounds(name, today)
    for shift in range(-800, 800):
        day = today + timedelta(days=shift)
        assert (compiled({"day": day}, context) is True) == (start <= day < end), (name, day)
