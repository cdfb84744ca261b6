"""Numbers, money, dates and times: shown as a language writes them, read as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest

from fieldstone.i18n import formats

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("value", "language", "scale", "shown"),
    [
        (D("1234567.50"), "en", None, "1,234,567.50"),
        (D("1234567.5"), "de", 2, "1.234.567,50"),
        (D("-0.5"), "zh-Hans", None, "-0.5"),
        (D("123456789012345678.99"), "en", 2, "123,456,789,012,345,678.99"),
        (1200, "zh-Hant", None, "1,200"),
        (D("2.5"), "en", 0, "3"),
        (D("-0.125"), "en", 2, "-0.13"),
        (D("-0.004"), "en", 2, "0.00"),
    ],
)
def test_a_number_keeps_its_digits_and_gets_the_marks_of_the_language(value, language, scale, shown):
    assert formats.number(value, language, scale) == shown


@pytest.mark.parametrize(
    ("value", "currency", "language", "scale", "shown"),
    [
        (D("1234.5"), "USD", "en", None, "$1,234.50"),
        (D("-1234.5"), "EUR", "en", 0, "-€1,235"),
        (D("1234.5"), "EUR", "de", None, "1.234,50\u00a0€"),
        (D("1234.5"), "CNY", "zh-Hans", None, "¥1,234.50"),
        (D("1234"), "JPY", "en", None, "¥1,234"),
    ],
)
def test_an_amount_stands_with_its_currency_where_the_language_puts_it(value, currency, language, scale, shown):
    assert formats.money(value, currency, language, scale) == shown


@pytest.mark.parametrize(("points", "shown"), [(D("15.00"), "15%"), (D("15.25"), "15.25%"), (D("0.50"), "0.5%"), (D("100"), "100%")])
def test_a_percentage_is_shown_in_points_without_needless_zeros(points, shown):
    assert formats.percent(points, "en") == shown


@pytest.mark.parametrize(
    ("language", "shown"), [("en", "12 Dec 2026"), ("zh-Hans", "2026年12月12日"), ("zh-Hant", "2026年12月12日"), ("de", "12.12.2026")]
)
def test_a_date_is_written_out_in_the_language(language, shown):
    assert formats.date(date(2026, 12, 12), language) == shown


def test_an_instant_is_shown_in_the_readers_zone():
    at = datetime(2026, 12, 12, 17, 30, tzinfo=UTC)
    assert formats.datetime(at, "en", ZoneInfo("Asia/Shanghai")) == "13 Dec 2026, 01:30"
    assert formats.datetime(at, "zh-Hans", ZoneInfo("UTC")) == "2026年12月12日 17:30"


@pytest.mark.parametrize(
    ("minutes", "language", "shown"),
    [(-12, "en", "12 minutes ago"), (-12, "zh-Hans", "12分钟前"), (0, "en", "just now"), (0, "zh-Hant", "剛剛"), (90, "en", "in 2 hours")],
)
def test_a_relative_time_says_how_long_ago_or_until(minutes, language, shown):
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    then = datetime.fromtimestamp(now.timestamp() + minutes * 60, UTC)
    assert formats.relative(then, now, language) == shown


@pytest.mark.parametrize(
    ("typed", "language", "value"),
    [
        ("1,234.5", "en", D("1234.5")),
        ("1.234,5", "de", D("1234.5")),
        ("1 234,5", "fr", D("1234.5")),
        ("15%", "en", D("15")),
        ("１２，３４５．６", "zh-Hans", D("12345.6")),
        ("¥1,200元", "zh-Hans", D("1200")),
        ("€ 1,000", "en", D("1000")),
        ("USD 12", "en", D("12")),
        ("(12.50)", "en", D("-12.50")),
        ("−3", "en", D("-3")),
        (".5", "en", D("0.5")),
        ("-.5", "en", D("-0.5")),
        ("007", "en", D("7")),
    ],
)
def test_a_typed_number_is_read_in_the_language(typed, language, value):
    assert formats.typed_number(typed, language) == value


@pytest.mark.parametrize("typed", ["", "abc", "1,23", "1,2345", "1.2.3", "12 apples", "--5", "-", ".", "1e5", "٣,٣"])
def test_what_is_not_one_number_is_refused_rather_than_guessed(typed):
    with pytest.raises(ValueError):
        formats.typed_number(typed, "en")


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant", "de", "fr", "de-CH"])
@pytest.mark.parametrize("value", [D("0.00"), D("-1234567.89"), D("999.10"), D("1000000000000000.01")])
def test_a_number_that_was_shown_can_be_typed_back(value, language):
    assert formats.typed_number(formats.number(value, language), language) == value


@pytest.mark.parametrize(
    ("typed", "language", "value"),
    [
        ("2026-12-05", "en", date(2026, 12, 5)),
        ("12/5/2026", "en", date(2026, 12, 5)),
        ("5/12/2026", "en-GB", date(2026, 12, 5)),
        ("5.12.26", "de", date(2026, 12, 5)),
        ("12/5", "en", date(2026, 12, 5)),
        ("12 Dec 2026", "en", date(2026, 12, 12)),
        ("Dec 12, 2026", "en", date(2026, 12, 12)),
        ("December 12th", "en", date(2026, 12, 12)),
        ("tomorrow", "en", date(2026, 11, 22)),
        ("2026年12月5日", "zh-Hans", date(2026, 12, 5)),
        ("12月5日", "zh-Hant", date(2026, 12, 5)),
        ("民國115年1月2日", "zh-Hant", date(2026, 1, 2)),
        ("２０２６/1/2", "zh-Hans", date(2026, 1, 2)),
        ("昨天", "zh-Hans", date(2026, 11, 20)),
        ("1/2/70", "en", date(1970, 1, 2)),
    ],
)
def test_a_typed_date_is_read_in_any_form_of_the_language(typed, language, value):
    assert formats.typed_date(typed, language, TODAY) == value


@pytest.mark.parametrize("typed", ["", "31/31/2026", "2026-02-30", "soon", "12", "1/2/3/4", "Dec"])
def test_what_is_no_date_is_refused(typed):
    with pytest.raises(ValueError):
        formats.typed_date(typed, "en", TODAY)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant", "de", "fr"])
def test_a_date_that_was_shown_can_be_typed_back(language):
    assert formats.typed_date(formats.date(date(2026, 12, 5), language), language, TODAY) == date(2026, 12, 5)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("15:30", time(15, 30)),
        ("3:30 pm", time(15, 30)),
        ("3pm", time(15, 0)),
        ("12 am", time(0, 0)),
        ("下午3:30", time(15, 30)),
        ("晚上8点", time(20, 0)),
        ("8点半", time(8, 30)),
        ("中午12:10", time(12, 10)),
        ("23:59:59", time(23, 59, 59)),
    ],
)
def test_a_typed_time_is_read(typed, value):
    assert formats.typed_time(typed) == value


@pytest.mark.parametrize("typed", ["", "25:00", "13 pm", "noon", "1:2"])
def test_what_is_no_time_is_refused(typed):
    with pytest.raises(ValueError):
        formats.typed_time(typed)
