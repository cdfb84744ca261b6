"""The value of each part: what it is, where an error arose, what was not evaluated, and that the whole is what a save gives."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given, settings

from fieldstone.errors import Refused
from fieldstone.rules import Blanks, Use, check
from fieldstone.rules.part_values import WORK, Part, part_values
from tests.support import expressions as ex
from tests.support.expression_strategies import any_expression, rows

SKIPPED = "not evaluated"


def told(source: str, row: dict[str, object] | None = None, blanks: Blanks = Blanks.BLANK) -> dict[str, object]:
    """Return what is told of each part, by its text."""
    found = part_values(ex.checked_as(source, blanks), row or {}, ex.CONTEXT)
    return {source[slice(*part.place)]: shown(part) for part in found}


def shown(part: Part) -> object:
    return SKIPPED if not part.evaluated else f"#{part.error}" if part.error else part.value


@pytest.mark.parametrize(
    ("source", "row", "expected"),
    [
        pytest.param("price * 2 + 1", {"price": D(5)}, {"price * 2 + 1": D(11), "price * 2": D(10), "price": D(5)}, id="inside out"),
        pytest.param("disc", {"disc": D(15)}, {"disc": D("0.15")}, id="a percent is its fraction"),
        pytest.param("price", {}, {"price": None}, id="a blank field"),
        pytest.param("account.name", {"account.name": "Kestrel"}, {"account.name": "Kestrel"}, id="a field of a parent"),
        pytest.param("$User.Name", {}, {"$User.Name": "Ada"}, id="a global"),
        pytest.param("(1 + price) * 2", {"price": D(1)}, {"(1 + price) * 2": D(4), "(1 + price)": D(2), "price": D(1)}, id="parentheses"),
        pytest.param(
            "price / qty + 1", {"price": D(1), "qty": D(0)},
            {"price / qty + 1": "#division_by_zero", "price / qty": "#division_by_zero", "price": D(1), "qty": D(0)},
            id="an error spreads outward",
        ),
        pytest.param(
            "IFERROR(1 / qty, price)", {"qty": D(0), "price": D(7)},
            {"IFERROR(1 / qty, price)": D(7), "1 / qty": "#division_by_zero", "qty": D(0), "price": D(7)}, id="until it is caught",
        ),
        pytest.param("start > TODAY()", {}, {"start > TODAY()": None, "start": None, "TODAY()": ex.CONTEXT.today}, id="a blank condition"),
    ],
)  # fmt: skip
def test_a_part_has_its_value(source: str, row: dict[str, object], expected: dict[str, object]) -> None:
    assert told(source, row) == expected


@pytest.mark.parametrize(
    ("source", "row", "skipped"),
    [
        ("IF(vip, price, cost)", {"vip": True}, {"cost"}),
        ("IF(vip, price, cost)", {}, {"price"}),
        ("IF(1 / qty > 1, price, cost)", {"qty": D(0)}, {"price", "cost"}),
        ("IFS(vip, price, price > 1, cost, rate)", {"price": D(5)}, {"rate"}),
        ("IFS(vip, price, cost > 1, cost, rate)", {"vip": True, "price": D(5)}, {"cost > 1", "cost", "rate"}),
        ("CASE(account.name, nick, price, city, cost, rate)", {"account.name": "b", "nick": "a", "city": "b"}, {"price", "rate"}),
        ("CASE(nick, city, price, cost)", {"nick": "b", "city": "b"}, {"cost"}),
        ("CASE(nick, city, price, cost)", {"nick": "b"}, {"price"}),
        ("vip && price > 1", {}, {"price > 1", "price"}),
        ("AND(vip, price > 1)", {"vip": True}, set()),
        ("vip || price > 1 || cost > 1", {"price": D(5)}, {"cost > 1", "cost"}),
        ("IFERROR(price, cost)", {}, {"cost"}),
        ("BLANKVALUE(price, cost)", {"price": D(1)}, {"cost"}),
        ("BLANKVALUE(price, cost)", {}, set()),
    ],
)  # fmt: skip
def test_a_branch_that_is_not_taken_is_not_evaluated(source: str, row: dict[str, object], skipped: set[str]) -> None:
    assert {text for text, value in told(source, row).items() if value == SKIPPED} == skipped


def test_blank_numbers_follow_the_null_mode() -> None:
    assert told("price + 1", {}, Blanks.ZERO) == {"price + 1": D(1), "price": D(0)}
    assert told("price + 1", {}, Blanks.BLANK) == {"price + 1": None, "price": None}


def test_a_formula_field_is_one_part() -> None:
    scope = ex.SCOPE.with_formula("unit", "price / qty")
    source = "1 + unit"
    found = part_values(check(source, scope, Use.FORMULA), {"price": D(6), "qty": D(2)}, ex.CONTEXT)
    assert [(source[slice(*part.place)], part.value) for part in found] == [("1 + unit", D(4)), ("unit", D(3))]


def test_an_error_says_in_which_part_it_arose() -> None:
    (whole, *_) = part_values(ex.checked_as("1 + price / qty"), {"price": D(1), "qty": D(0)}, ex.CONTEXT)
    assert (whole.error, whole.failed) == ("division_by_zero", (4, 15))


def test_of_a_long_expression_the_whole_and_the_small_parts_are_told() -> None:
    source = " + ".join(f"(price * {number})" for number in range(200))
    checked = ex.checked_as(source)
    found = part_values(checked, {"price": D(1)}, ex.CONTEXT)
    told = {source[slice(*part.place)]: part.value for part in found}
    assert (told[source], told["(price * 199)"], told["price"]) == (D(19900), D(199), D(1))
    assert sum(part.place[1] - part.place[0] > len("(price * 199)") for part in found) < WORK / 100


@settings(max_examples=50)
@given(any_expression(4), rows())
def test_the_whole_is_what_evaluating_gives(source: str, row: dict[str, object]) -> None:
    try:
        checked = ex.checked_as(source)
    except Refused:
        return  # what is not right is never evaluated
    for whole in part_values(checked, row, ex.CONTEXT)[:1]:
        got = (ex.ERROR, whole.error) if whole.error else whole.value
        assert got == ex.in_python(checked, row) or (got is None and ex.in_python(checked, row) is False)
