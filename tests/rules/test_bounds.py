"""How large an expression and its values may be; a hostile text is refused at once."""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import replace
from decimal import Decimal as D

import pytest

from fieldstone.errors import Refused
from fieldstone.rules import NotInSql, Resolved, Use, ValueType, bounds, check
from fieldstone.rules.functions import patterns
from tests.support import expressions as ex


def refusal(source: str, scope: ex.Fields = ex.SCOPE) -> str:
    with pytest.raises(Refused) as refused:
        check(source, scope, Use.AUTOMATION)
    return refused.value.problems[0].code


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("1" * 3901, "expression_too_long"),
        ("(" * 101 + "1" + ")" * 101, "expression_too_deep"),
        ("ABS(" * 101 + "1" + ")" * 101, "expression_too_deep"),
        ("-" * 101 + "1", "expression_too_deep"),
        ("--(" * 51 + "1" + ")" * 51, "expression_too_deep"),
        ("NOT " * 101 + "vip", "expression_too_deep"),
        ("(" * 3900, "expression_too_deep"),
        ("MAX(" + ",".join(["1"] * 65) + ")", "expression_too_many_arguments"),
        ("+".join(["1"] * 1001), "expression_too_many_parts"),
        ('REGEX(nick, "' + "a" * 1001 + '")', "expression_pattern_too_long"),
        ('REGEX(nick, "(((a{100}){100}){100})")', "expression_pattern_too_large"),
        ('REGEX(nick, "\\\\pL{300}")', "expression_pattern_too_large"),
        ('REGEX(nick, "\\\\pL{1,200}") || REGEX(city, "[x\\\\pN]{1,200}")', "expression_pattern_too_large"),
        ('REGEX(nick, "(?:[^a]{1000}){9}")', "expression_pattern_refused"),
    ],
)
def test_a_bound_is_told(source: str, code: str) -> None:
    assert refusal(source) == code


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100 + "1" + ")" * 100,
        "-" * 100 + "1",
        "ABS(" * 100 + "1" + ")" * 100,
        "MAX(" + ",".join(["1"] * 64) + ")",
        "+".join(["1"] * 1000),
        "1" + " " * 3899,
    ],
)
def test_up_to_the_bound_it_works(source: str) -> None:
    assert isinstance(ex.in_python(ex.checked_as(source), {}), D)


HOSTILE = ["(" * 3900, "-" * 3900, "a " * 1950, ")" * 3900, "," * 3900, "f(" * 1950, '"' * 3899, "/*" * 1950, "1+" * 1950, "&" * 3900]
HOSTILE += ["{!" * 1950, "." * 3900, "TRUE()" * 650, "a(b," * 970, "商" * 3900, "x" * 100_000, "((((" + "1+(2*" * 700]


HOSTILE += [
    "+".join(f"zz{i}" for i in range(600)),
    "+".join(f"F{i}()" for i in range(500)),
    "||".join([f'REGEX(nick, "(((a{{100}}){{100}}){{{i}}})")' for i in range(90)]),
    "||".join([f'REGEX(nick, "\\\\pL{{9{i:02}}}")' for i in range(90)]),
    "&".join(['"a"', "1"] * 480),
    'LEFT("a",' * 400 + "1" + ")" * 400,
    "price" + "^9" * 960 + "+" + "'x'",
]
MOST_CALLS = 100_000  # of functions, Python's own included: some 20 ms


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: f"{source[:4]}x{len(source)}")
def test_a_hostile_text_costs_little_to_refuse(source: str) -> None:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        refusal(source)
    finally:
        sys.setprofile(before)
    assert calls < MOST_CALLS


def test_steps_are_counted_before_an_expression_runs() -> None:
    long = Resolved(path=("notes",), type=ValueType.TEXT, length=100_000)
    scope = replace(ex.SCOPE, formulas={"notes": long})
    used = scope.with_formula("digits", "+".join(["LEN(notes)"] * 240))
    assert check("digits + digits", used, Use.FORMULA).size < 2_000
    assert refusal("digits + digits + digits", used) == "expression_too_many_steps"
    cut = scope.with_formula("digits", "+".join(['LEN(LEFT("notes", 9))'] * 160))
    assert check("+".join(["digits"] * 9), cut, Use.FORMULA).size > 3_000


def test_every_part_is_evaluated_once_at_most() -> None:
    asked: list[str] = []

    class Row(dict[str, object]):
        def __getitem__(self, key: str) -> object:
            asked.append(key)
            return D(1)

    ex.in_python(ex.checked_as("CASE(price, cost, 1, qty, 2, 3) + MAX(price, cost) + IF(price > 5, rate, disc)"), Row())
    assert len(asked) == len(set(asked))


def test_formulas_that_double_each_other_are_refused_before_they_grow() -> None:
    scope = ex.SCOPE.with_formula("f0", "price + price")
    with pytest.raises(Refused) as refused:
        for level in range(1, 40):
            scope = scope.with_formula(f"f{level}", f"f{level - 1} + f{level - 1}")
    assert refused.value.problems[0].code == "expression_formulas_too_large"


@pytest.mark.parametrize(
    "source",
    [
        'SUBSTITUTE(nick, "a", city)',
        'LPAD("x", 100001)',
        'RPAD("x", 100001, "ab")',
        'VALUE(TEXT(price) & "e1001")',
        "REGEX(nick, city)",
    ],
)
def test_results_are_bounded_before_they_are_made(source: str) -> None:
    row = {"nick": "a" * 1000, "city": "b" * 1001, "price": D(9)}
    result = ex.in_python(ex.checked_as(source), row)
    assert result == ("error", "out_of_range")


def test_a_text_too_long_for_a_pattern_is_an_error() -> None:
    found = ex.checked_as('REGEX(nick, "a*")')
    assert [ex.in_python(found, {"nick": "a" * length}) for length in (100_000, 100_001)] == [True, ("error", "out_of_range")]


def test_no_more_compiled_patterns_are_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PATTERNS_KEPT", 3)
    monkeypatch.setattr(patterns, "_compiled", OrderedDict())
    found = ex.checked_as("REGEX(nick, city)")
    assert [ex.in_python(found, {"nick": "a", "city": f"a{{{n}}}"}) for n in range(1, 9)] == [True] + [False] * 7
    assert list(patterns._compiled) == ["a{6}", "a{7}", "a{8}"]


def test_a_pattern_that_is_wrong_leaves_nothing_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    assert ex.in_python(ex.checked_as("REGEX(nick, city)"), {"nick": "secret", "city": "(secret"}) == ("error", "regex_syntax")
    assert "".join(capfd.readouterr()) == ""


def test_numbers_have_bounded_exponents() -> None:
    huge = "*".join(["price"] * 60)
    assert ex.in_python(ex.checked_as(huge), {"price": D(10) ** 17}) == ("error", "out_of_range")
    tiny = ex.in_python(ex.checked_as("*".join(["rate"] * 200)), {"rate": D("1e-9")})
    assert tiny == 0


def test_sql_that_would_grow_without_bound_is_refused(postgresql_engine: object) -> None:
    source = "1 / IFERROR(" * 49 + "1 / price" + ", 2)" * 49
    found = ex.table()
    with pytest.raises(NotInSql) as refused:
        ex.to_sql(ex.checked_as(source), ex.columns_of(found), ex.dialect_of("postgresql"), ex.CONTEXT)
    assert refused.value.reason == "size"
