"""Values in texts: written as their reader writes them, and as the field that holds them is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from fieldstone.records.shown import Style, field_at, plain_text, shown, shown_field
from tests.support.worlds import built

DEAL = {
    "kind": "object",
    "api_name": "deal",
    "label": "Deal",
    "fields": {
        "name": {"type": "text", "label": "Name"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "units": {"type": "number", "label": "Units", "scale": 0},
        "share": {"type": "percent", "label": "Share", "scale": 2},
        "won": {"type": "checkbox", "label": "Won"},
        "terms": {"type": "rich_text", "label": "Terms"},
        "parent": {"type": "lookup", "label": "Parent", "to": "deal"},
        "stage": {
            "type": "multi_picklist",
            "label": "Stage",
            "values": [{"api_name": "won", "label": {"en": "Won", "zh-Hans": "赢单"}}, {"api_name": "lost", "label": "Lost"}],
        },
    },
}
SNAPSHOT = built([DEAL])


def style(language: str = "en") -> Style:
    return Style(language=language, default_language="en", zone=ZoneInfo("Asia/Shanghai"), currency="EUR")


@pytest.mark.parametrize(
    ("value", "language", "text"),
    [
        (None, "en", ""),
        (True, "en", "Yes"),
        (False, "zh-Hans", "否"),
        (("a", "b"), "en", "a and b"),
        (Decimal("1234.10"), "en", "1,234.10"),
        (Decimal(2) / 3, "en", "0.666667"),
        (Decimal("1E+3"), "en", "1,000"),
        (7, "en", "7"),
        (date(2026, 12, 1), "en", "1 Dec 2026"),
        (datetime(2026, 12, 1, 20, 30, tzinfo=UTC), "zh-Hans", "2026年12月2日 04:30"),
        (time(8, 5), "en", "08:05"),
    ],
)
def test_the_value_of_an_expression_is_written_by_its_type(value, language, text):
    assert shown(value, style(language)) == text


@pytest.mark.parametrize(
    ("field", "value", "language", "text"),
    [
        ("amount", Decimal("1234.5"), "en", "€1,234.50"),
        ("units", Decimal(1234), "en", "1,234"),
        ("share", Decimal("12.50"), "en", "12.5%"),
        ("won", True, "en", "Yes"),
        ("stage", ("won", "lost", "gone"), "en", "Won, Lost, and gone"),
        ("stage", ("won",), "zh-Hans", "赢单"),
        ("terms", "<p>a &amp; b</p><p>c</p>", "en", "a & b\nc"),
        ("name", None, "en", ""),
    ],
)
def test_the_value_of_a_field_is_written_as_pages_show_it(field, value, language, text):
    assert shown_field(SNAPSHOT.object("deal").fields[field], value, style(language)) == text


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("AMOUNT", ("amount",)),
        ("parent.parent.name", ("parent", "parent", "name")),
        ("owner.name", ("owner", "name")),
        ("amount + 1", None),
        ("name.amount", None),
        ("nothing", None),
        ("$User.Id", None),
    ],
)
def test_a_bare_field_is_known(source, path):
    found = field_at(SNAPSHOT, SNAPSHOT.object("deal"), source)
    assert (found[0] if found is not None else None) == path


def test_markup_has_a_plain_version():
    assert plain_text("<h1>Hello</h1><p>5 &lt; 6,<br>Ann</p>") == "Hello\n5 < 6,\nAnn"
