"""Merge fields: three languages, HTML made safe, bounds, and nothing of Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fieldstone.errors import Refused
from fieldstone.limits import TEMPLATE_BYTES
from fieldstone.notify.templates import Reading, fill, one_line, template
from fieldstone.records.shown import Style
from fieldstone.rules import Context
from tests.support.worlds import built

DEAL: dict[str, Any] = {
    "kind": "object",
    "api_name": "deal",
    "label": "Deal",
    "fields": {
        "name": {"type": "text", "label": "Name"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "share": {"type": "percent", "label": "Share", "scale": 1},
        "stage": {
            "type": "picklist",
            "label": "Stage",
            "values": [{"api_name": "won", "label": {"en": "Won", "zh-Hans": "赢单", "zh-Hant": "贏單"}}],
        },
    },
}
SNAPSHOT = built([DEAL])
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 5, 4, 20, 30, tzinfo=UTC)


def reading(language: str = "en", **values: Any) -> Reading:
    context = Context(now=NOW, today=date(2026, 5, 5), zone=ZONE, globals={"$User.Name": "Ann"})
    definition = SNAPSHOT.object("deal")
    fields = {name: (definition.fields[name], value) for name, value in values.items()}
    style = Style(language=language, default_language="en", zone=ZONE)
    return Reading(values=values, context=context, style=style, fields=fields)


def filled(text: str, language: str = "en", *, as_html: bool = False, **values: Any) -> str:
    return fill(template(SNAPSHOT, "deal", text), reading(language, **values), as_html=as_html)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("{{ name }}: {{amount}}", "en", "Acme: $1,234.50"),
        ("{{ share }} {{ stage }}", "en", "12.5% Won"),
        ("{{ stage }}", "zh-Hans", "赢单"),
        ("{{ stage }}", "zh-Hant", "贏單"),
        ("{{ amount * 2 }}", "en", "2,469.00"),
        ("{{ TODAY() }}", "en", "5 May 2026"),
        ("{{ NOW() }}", "zh-Hans", "2026年5月5日 04:30"),
        ('{{ IF(amount > 1000, "big", "small") }}', "en", "big"),
        ("{{ $User.Name }}", "en", "Ann"),
        ("no holes, { one } brace", "en", "no holes, { one } brace"),
    ],
)
def test_values_are_shown_as_their_reader_writes_them(text, language, expected):
    assert filled(text, language, name="Acme", amount=Decimal("1234.50"), share=Decimal("12.5"), stage="won") == expected


def test_markup_in_values_is_escaped_and_that_of_the_template_stays():
    assert filled("<b>{{ name }}</b>", as_html=True, name='<i>&"') == "<b>&lt;i&gt;&amp;&quot;</b>"


def test_what_the_reader_may_not_see_stays_blank():
    assert filled("[{{ amount }}] [{{ amount + 1 }}] [{{ name }}]", name="Acme") == "[] [] [Acme]"


@pytest.mark.parametrize("text", ["{{ 1 / 0 }}", "{{ amount / 0 }}"])
def test_an_expression_that_fails_leaves_a_blank(text):
    assert filled(text, amount=Decimal(1)) == ""


@pytest.mark.parametrize(
    "text",
    ["{{ name.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ self }}", "{{ config }}", "{{ nam }}", "{{ }}", "{{ amount +* 2 }}"],
)
def test_what_is_no_expression_of_ours_is_refused(text):
    with pytest.raises(Refused):
        filled(text, name="x")


@pytest.mark.parametrize("text", ["{% for x in range(9) %}x{% endfor %}", "{# note #}", "{{{{ 7*7 }}}}"[1:2]])
def test_other_template_languages_mean_nothing_here(text):
    assert filled(text) == text


def test_a_text_over_its_bound_is_refused():
    with pytest.raises(Refused, match="template_too_long"):
        filled("{{ name }}" * 2, name="x" * (TEMPLATE_BYTES // 2 + 1))
    with pytest.raises(Refused, match="template_too_long"):
        template(SNAPSHOT, "deal", "{{ 1 }}" * 1001)


def test_a_header_stays_one_line():
    assert one_line("Q-1\r\nBcc: all@example.com") == "Q-1 Bcc: all@example.com"
