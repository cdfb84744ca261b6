"""Blanks: every row of the tables of section 5, in both modes, on three engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from fieldstone.rules import Blanks
from tests.support.expressions import Evaluate

ZERO, BLANK = Blanks.ZERO, Blanks.BLANK


@pytest.mark.parametrize(
    ("formula", "zero", "blank"),
    [
        ("price + 1", D(1), None),
        ("price - 1", D(-1), None),
        ("price * 2", D(0), None),
        ("2 * price + qty", D(0), None),
        ("-price", D(0), None),
        ("price ^ 2", D(0), None),
        ("price = 0", True, False),
        ("price < 1", True, False),
        ("disc", D(0), None),
        ("account.revenue + 1", D(1), None),
        ("ISBLANK(price)", False, True),
        ("ISNULL(price)", False, True),
        ("BLANKVALUE(price, 9)", D(0), D(9)),
        ("NULLVALUE(price, 9)", D(0), D(9)),
        ("MAX(price, 3)", D(3), None),
        ("ROUND(price, 2)", D(0), None),
        ("TEXT(price)", "0", None),
        ("ISBLANK(VALUE(nick))", True, True),
        ("VALUE(nick)", None, None),
        ("NULL + 1", None, None),
        ("start + 1", None, None),
        ("LEN(nick)", D(0), D(0)),
        ("vip", False, False),
        ("nick", None, None),
    ],
)
def test_the_mode_acts_where_a_number_field_is_read(evaluate: Evaluate, formula: str, zero: object, blank: object) -> None:
    assert evaluate(formula, {}, blanks=ZERO) == zero
    assert evaluate(formula, {}, blanks=BLANK) == blank


def test_division_by_a_blank_number_is_an_error_only_where_blanks_are_zero(evaluate: Evaluate) -> None:
    result = evaluate("1 / price", {}, blanks=ZERO)
    assert isinstance(result, tuple)
    assert evaluate("1 / price", {}, blanks=BLANK) is None


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ('nick & "x"', "x"),
        ('nick + "x"', "x"),
        ("nick & city", None),
        ('nick = ""', True),
        ("nick = city", True),
        ("nick = NULL", True),
        ('nick = "x"', False),
        ('nick <> "x"', True),
        ("nick <> city", False),
        ('NOT(nick = "x")', True),
        ('nick < "x"', False),
        ('NOT(nick < "x")', False),
        ("start = finish", False),
        ("NOT(start = finish)", False),
        ("start = NULL", False),
        ("NULL = NULL", False),
        ("NOT(NULL = NULL)", False),
        ("start < TODAY()", False),
        ("NOT(start < TODAY())", False),
        ("AND(start < TODAY(), TRUE)", False),
        ("NOT(AND(start > TODAY(), vip))", True),
        ("NOT(OR(start > TODAY(), vip))", True),
        ("OR(start < TODAY(), TRUE)", True),
        ("start < TODAY() && TRUE", False),
        ("NOT(start < TODAY() || FALSE)", True),
        ('IF(start < TODAY(), "then", "else")', "else"),
        ("IF(NULL, 1, 2)", D(2)),
        ("CASE(start, NULL, 1, 0)", D(0)),
        ("CASE(nick, NULL, 1, 0)", D(1)),
        ('CASE(nick, "", 1, 0)', D(1)),
        ('CASE(stage, "", 1, 0)', D(1)),
        ('IN(nick, NULL, "")', False),
        ("IN(start, NULL)", False),
        ("ISBLANK(nick)", True),
        ("ISNULL(nick)", False),
        ("ISBLANK(tags)", True),
        ("ISBLANK(stage)", True),
        ("ISBLANK(account)", True),
        ('BLANKVALUE(nick, "none")', "none"),
        ('NULLVALUE(nick, "none")', None),
        ('ISPICKVAL(stage, "")', True),
        ('ISPICKVAL(stage, "won")', False),
        ('INCLUDES(tags, "a")', False),
        ("PICKLISTCOUNT(tags)", D(0)),
        ('CONTAINS(nick, "")', True),
        ("CONTAINS(city, nick)", True),
        ('NOT(CONTAINS(nick, "x"))', False),
        ('FIND("x", nick)', D(0)),
        ('SUBSTITUTE(nick, "a", "b")', None),
        ('SUBSTITUTE("abc", nick, "b")', None),
        ('SUBSTITUTE("abc", "b", nick)', "ac"),
        ("LEFT(nick, 2)", None),
        ('LEFT("ab", NULL)', None),
        ('LPAD("ab", 4, nick)', "  ab"),
        ("DATE(2024, NULL, 1)", None),
        ("ADDMONTHS(start, 1)", None),
        ("ADDMONTHS(DATE(2024, 1, 31), price)", None),
        ("account.name = $User.Name", False),
        ("account = $User.Id", False),
        ("account <> $User.Id", True),
    ],
)
def test_a_blank_operand(evaluate: Evaluate, formula: str, expected: object) -> None:
    assert evaluate(formula, {}) == expected


ROW = {
    "price": D("10.00"),
    "qty": D(4),
    "nick": "Ada",
    "city": "Köln",
    "start": date(2024, 2, 29),
    "finish": date(2024, 3, 1),
    "stamp": datetime(2024, 2, 29, 22, 30, tzinfo=UTC),
    "open": 1,
    "vip": True,
    "stage": "won",
    "tags": ("a", "c"),
    "disc": D("15.00"),
    "account": "0190a5d0-0000-7000-8000-000000000001",
    "account.name": "Ada",
}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("disc", D("0.15")),
        ("price * disc", D("1.5")),
        ("disc = 0.15", True),
        ("disc > 0.155", False),
        ("IN(disc, 0.15, 2)", True),
        ("price = 10", True),
        ("price > 9.999", True),
        ("price < 10.001", True),
        ("price = 10.001", False),
        ("price <> 10.001", True),
        ("NOT(price = 10.001)", True),
        ("price >= qty", True),
        ("price / qty", D("2.5")),
        ("price / 3 * 3 = price", False),
        ('stage = "won"', True),
        ('IN(stage, "won", "lost")', True),
        ('CASE(stage, "won", "yes", "no")', "yes"),
        ('INCLUDES(tags, "c")', True),
        ('INCLUDES(tags, "b")', False),
        ("PICKLISTCOUNT(tags)", D(2)),
        ("account = $User.Id", True),
        ("account.name = $User.Name", True),
        ('account = "not an id"', False),
        ("$Permission.Discount", True),
        ("IF(vip, nick, city)", "Ada"),
        ("NOT vip", False),
        ("start + 1 = finish", True),
        ("finish - start", D(1)),
        ("DATEVALUE(stamp)", date(2024, 3, 1)),  # 06:30 in Shanghai
        ("TIMEVALUE(stamp)", 81_000_000),
        ("open - 2", 86_399_999),
        ("YEAR(start) = 2024 && MONTH(start) = 2 && DAY(start) = 29", True),
        ("UPPER(city)", "KÖLN"),
        ('LEFT(nick, 1) & "."', "A."),
        ('nick < "B"', True),
        ('"a" > "B"', True),
        ("vip = TRUE", True),
        ("(price > 1) = vip", True),
        ("(price > 1 || FALSE) = (qty > 1)", True),
        ("1 / 3", D("0." + "3" * 39)),
        ("2 / 3", D("0." + "6" * 38 + "7")),
        ("FLOOR(price / 3 * 3)", D(10)),
    ],
)
def test_a_value(evaluate: Evaluate, formula: str, expected: object) -> None:
    result = evaluate(formula, ROW)
    assert result == expected
    assert isinstance(result, bool) is isinstance(expected, bool)


@pytest.mark.parametrize(
    "formula",
    [
        "BLANKVALUE(price / 0, 5)",
        "ISBLANK(1 / (qty - 4))",
        'TEXT(1 / (qty - 4)) & "x"',
        "AND(vip, 1 / (qty - 4) > 1)",
        "OR(NOT vip, 1 / (qty - 4) > 1)",
        "IF(1 / (qty - 4) > 1, 1, 2)",
        "IF(vip, 1 / (qty - 4), 2)",
        'LEFT(account.name & "x", 1 / (qty - 4))',
        "LEFT(NULL, 1 / (qty - 4))",
        "DATE(NULL, 1, 1 / (qty - 4))",
        "MOD(price, qty - 4)",
        "SQRT(-price)",
        "VALUE(nick)",
        "DATEVALUE(nick)",
        "start + 99999999",
        "DATE(2023, 2, qty + 25)",
        "price ^ 0.5",
        "ADDMONTHS(start, 999999)",
    ],
)
def test_an_error_poisons_the_whole_result(evaluate: Evaluate, formula: str) -> None:
    result = evaluate(formula, ROW)
    assert isinstance(result, tuple)
    assert result[0] == "error"


def test_a_text_that_becomes_too_long_is_an_error(evaluate: Evaluate) -> None:
    longest = {"city": "x" * 50_000}
    assert evaluate("LEN(city & city)", longest) == D(100_000)
    result = evaluate('LEN(city & city & "x")', longest)
    assert isinstance(result, tuple)
    assert evaluate('IFERROR(LEFT(city & city & "x", 1), "long")', longest) == "long"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("qty = 4 || price / (qty - 4) > 5", True),
        ("AND(qty <> 4, price / (qty - 4) > 5)", False),
        ("IF(qty = 4, 1, 1 / (qty - 4))", D(1)),
        ("IFS(qty = 4, 1, 1 / (qty - 4) = 1, 2, 3)", D(1)),
        ("CASE(qty, 4, 1, 1 / (qty - 4), 2, 3)", D(1)),
        ("BLANKVALUE(price, 1 / (qty - 4))", D(10)),
        ("IFERROR(1 / (qty - 4), -1)", D(-1)),
        ("IFERROR(VALUE(nick), 0) + 1", D(1)),
        ("IN(qty, 4, 1 / (qty - 4))", True),
    ],
)
def test_what_is_not_reached_does_not_fail(evaluate: Evaluate, formula: str, expected: object) -> None:
    assert evaluate(formula, ROW) == expected
