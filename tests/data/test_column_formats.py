"""A column's dates and numbers are read by one format, and an unclear one is asked about."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from fieldstone.data.column_formats import profile, read_date, read_number, require_date_format
from fieldstone.errors import Refused


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("2016-10-20", "Y-M-D", date(2016, 10, 20)),
        ("10/20/2016", "M/D/Y", date(2016, 10, 20)),
        ("20/10/2016", "D/M/Y", date(2016, 10, 20)),
        ("20.10.16", "D.M.Y", date(2016, 10, 20)),
        ("1/2/71", "M/D/Y", date(1971, 1, 2)),
        ("2026年3月1日", "Y年M月D日", date(2026, 3, 1)),
        ("115/03/01", "ROC", date(2026, 3, 1)),
        ("民國115年3月1日", "ROC Y年M月D日", date(2026, 3, 1)),
        ("２０２６-０３-０１", "Y-M-D", date(2026, 3, 1)),
        ("13/1/2016", "M/D/Y", None),
        ("2/30/2016", "M/D/Y", None),
    ],
)
def test_dates(text, name, expected):
    assert read_date(text, name) == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("1,234.50", "1,234.5", "1234.50"),
        ("1.234,50", "1.234,5", "1234.50"),
        ("$ 1,100.04", "1,234.5", "1100.04"),
        ("(12)", "1,234.5", "-12"),
        ("12-", "1,234.5", "-12"),
        ("15%", "1,234.5", "15"),
        ("１２．５", "1,234.5", "12.5"),
        ("1.2万", "1,234.5", "12000.0"),
        ("3亿", "1,234.5", "300000000"),
        ("1,23", "1,234.5", None),
        ("twelve", "1,234.5", None),
        ("", "1,234.5", None),
    ],
)
def test_numbers(text, name, expected):
    assert read_number(text, name) == (None if expected is None else Decimal(expected))


def test_one_value_above_twelve_decides_the_order_of_a_whole_column():
    (column,) = profile(["close"], [("3/1/2017",), ("3/11/2017",), ("10/25/2016",), ("",)])
    assert (column.date_format, column.filled, column.blank) == ("M/D/Y", 3, 1)


def test_where_two_orders_fit_the_person_must_choose():
    (column,) = profile(["close"], [("3/1/2017",), ("3/11/2017",)])
    assert column.date_choices == ("M/D/Y", "D/M/Y")
    with pytest.raises(Refused) as refused:
        require_date_format(column)
    assert [(problem.code, problem.params["sample"]) for problem in refused.value.problems] == [("date_order_unclear", "3/1/2017")]
