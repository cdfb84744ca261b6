"""The Python compiler: what a row and a context give, errors with their place, and code that no author can reach."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D
from decimal import getcontext, localcontext
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.errors import Refused
from fieldstone.rules import Blanks, Category, Context, EvaluationError, Use, check, to_python
from fieldstone.rules.python import _only_listed
from tests.support import expressions as ex
from tests.support.expression_strategies import any_expression, rows


def evaluated(source: str, row: dict[str, object] | None = None, **context: object) -> object:
    given_ = Context(now=ex.CONTEXT.now, today=ex.CONTEXT.today, zone=ex.CONTEXT.zone, **context)  # type: ignore[arg-type]
    return to_python(ex.checked_as(source))(row or {}, given_)


def test_a_field_that_is_not_in_the_row_is_blank() -> None:
    assert evaluated("ISBLANK(nick) && price > 1", {"price": D(2)}) is True
    assert evaluated("ISBLANK(nick) && ISBLANK(account.name)", {}) is True


def test_numbers_are_exact_whatever_the_thread_has_set() -> None:
    with localcontext() as context:
        context.prec = 3
        assert evaluated("price * 1.07", {"price": D("1234567.89")}) == D("1320987.6423")
    assert getcontext().prec == 28


def test_a_result_is_never_a_negative_zero_or_an_empty_text() -> None:
    assert str(evaluated("price * -1", {"price": D(0)})) == "0"
    assert str(evaluated("ROUND(price, 0)", {"price": D("-0.4")})) == "0"
    assert evaluated('nick & ""', {}) is None
    assert evaluated("TRIM(nick)", {"nick": "  "}) is None


def test_a_whole_result_is_a_decimal_too() -> None:
    result = evaluated("LEN(nick)", {"nick": "abc"})
    assert (type(result), result) == (D, D(3))


def test_an_error_says_where() -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluated("IF(vip, 1,\n  VALUE(nick) + 1)", {"nick": "x"})
    error = raised.value
    assert (error.category, error.span.line, error.span.column) == ("number_format", 2, 3)
    assert str(error) == "number_format at line 2, column 3"


def test_an_error_inside_a_formula_field_stands_where_the_field_is_read() -> None:
    scope = ex.SCOPE.with_formula("unit", "price / qty")
    checked = check("1 + unit", scope, Use.FORMULA)
    with pytest.raises(EvaluationError) as raised:
        to_python(checked)({"price": D(1), "qty": D(0)}, ex.CONTEXT)
    assert (raised.value.category, raised.value.span.column) == ("division_by_zero", 5)


def test_a_formula_field_is_read_unrounded_and_in_the_outer_mode() -> None:
    scope = ex.SCOPE.with_formula("third", "price / 3").with_formula("sure", "start > TODAY()")
    assert to_python(check("third * 3 = price", scope, Use.FORMULA))({"price": D(1)}, ex.CONTEXT) is False
    assert to_python(check("third", scope, Use.FORMULA))({}, ex.CONTEXT) == 0
    assert to_python(check("third", scope, Use.FORMULA, blanks=Blanks.BLANK))({}, ex.CONTEXT) is None
    assert to_python(check("NOT(sure)", scope, Use.FORMULA))({}, ex.CONTEXT) is True  # a formula's blank condition is false


def test_a_formula_of_a_parent_reads_the_parent() -> None:
    inner = check("revenue * 2", _Parent(), Use.FORMULA)
    scope = _Child(inner)
    checked = check("account.twice + 1", scope, Use.FORMULA)
    assert checked.reads == {("account", "revenue")}
    assert to_python(checked)({"account.revenue": D(4)}, ex.CONTEXT) == D(9)


class _Parent(ex.Fields):
    def resolve(self, name: str) -> ex.Resolved | None:
        return ex.number("revenue") if name == "revenue" else None


class _Child(ex.Fields):
    def __init__(self, formula: object) -> None:
        object.__setattr__(self, "formula", formula)

    def resolve(self, name: str) -> ex.Resolved | None:
        return ex.number("account.twice", own=False, formula=self.formula) if name == "account.twice" else None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("source", "prior", "is_new", "expected"),
    [
        ("ISNEW()", None, True, True),
        ("ISNEW()", {}, False, False),
        ("ISCHANGED(price)", {"price": D("2.00")}, False, False),
        ("ISCHANGED(price)", {"price": D(3)}, False, True),
        ("ISCHANGED(price)", {"price": None}, False, True),
        ("ISCHANGED(price)", {"price": D(3)}, True, False),
        ("ISCHANGED(price)", None, False, False),
        ("ISCHANGED(nick)", {"nick": "a\r\nb"}, False, False),
        ("ISCHANGED(tags)", {"tags": ("b", "a")}, False, False),
        ("ISCHANGED(city)", {"city": ""}, False, False),
        ("PRIORVALUE(price)", {"price": D(3)}, False, D(3)),
        ("PRIORVALUE(price)", {"price": None}, False, None),
        ("PRIORVALUE(price)", None, False, None),
        ("PRIORVALUE(price)", None, True, D(2)),
        ("PRIORVALUE(disc)", {"disc": D(50)}, False, D("0.50")),
        ('ISPICKVAL(PRIORVALUE(stage), "won")', {"stage": "won"}, False, True),
        ("PRIORVALUE(price) < price", {"price": D(1)}, False, True),
    ],
)
def test_what_a_save_changes(source: str, prior: dict[str, object] | None, is_new: bool, expected: object) -> None:
    row = {"price": D(2), "nick": "a\nb", "tags": ("a", "b"), "disc": D(10), "stage": "open"}
    assert evaluated(source, row, prior=prior, is_new=is_new) == expected


def test_isclone_is_true_on_a_clone_only() -> None:
    assert evaluated("ISCLONE()", is_new=True, is_clone=True) is True
    assert evaluated("ISCLONE()", is_new=True) is False


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Asia/Shanghai", date(2024, 1, 1)), ("America/New_York", date(2023, 12, 31)), ("Pacific/Kiritimati", date(2024, 1, 1))],
)
def test_the_day_of_a_datetime_is_that_of_the_readers_zone(zone: str, expected: date) -> None:
    context = Context(now=ex.CONTEXT.now, today=ex.CONTEXT.today, zone=ZoneInfo(zone))
    stamp = datetime(2023, 12, 31, 17, 0, tzinfo=UTC)
    assert to_python(ex.checked_as("DATEVALUE(stamp)"))({"stamp": stamp}, context) == expected


def test_the_clock_is_that_of_the_context_in_whole_seconds() -> None:
    now = datetime(2026, 3, 1, 8, 30, 15, 987_654, tzinfo=UTC)
    context = Context(now=now, today=date(2026, 3, 1), zone=ZoneInfo("UTC"))
    assert to_python(ex.checked_as("NOW()"))({}, context) == now.replace(microsecond=0)
    assert to_python(ex.checked_as("TEXT(TIMENOW())"))({}, context) == "08:30:15.000"


@pytest.mark.filterwarnings("error")
def test_a_blank_constant_makes_a_call_blank_unless_another_argument_fails() -> None:
    assert evaluated("LEFT(NULL, 2)") is None
    assert evaluated('ISBLANK(BEGINS(NULL, "x"))') is True
    with pytest.raises(EvaluationError):
        evaluated("LEFT(NULL, 1 / price)", {"price": D(0)})


def test_a_long_chain_and_a_deep_nesting_work() -> None:
    chain = "+".join(["1"] * 900)
    assert evaluated(chain) == 900
    texts = "&".join(["nick"] * 700)
    assert evaluated(texts, {"nick": "x"}) == "x" * 700
    assert evaluated("(" * 99 + "price" + "+1)" * 99, {"price": D(1)}) == 100
    assert evaluated("ABS(" * 99 + "price" + ")" * 99, {"price": D(-1)}) == 1
    assert evaluated("IF(vip," * 99 + "price" + ",2)" * 99, {"price": D(1), "vip": True}) == 1
    assert evaluated("-" * 99 + "price", {"price": D(1)}) == -1


def test_formulas_fifty_deep_work() -> None:
    scope = ex.SCOPE.with_formula("f0", "price + 1")
    for level in range(1, 51):
        scope = scope.with_formula(f"f{level}", f"f{level - 1} + 1")
    assert to_python(check("f50", scope, Use.FORMULA))({"price": D(1)}, ex.CONTEXT) == 52


@pytest.mark.parametrize("text", ["x = __import__", "import os", "f'{a}'", "a.__class__", "'text'", "[x for x in y]", "a @ b"])
def test_generated_code_holds_listed_syntax_only(text: str) -> None:
    if text == "x = __import__":
        _only_listed(text)  # a name is harmless: there are no builtins
        return
    with pytest.raises(AssertionError):
        _only_listed(text)


def test_an_authors_text_is_data() -> None:
    hostile = "'); __import__('os').system('x') #\\\\\" + r[0]"
    literal = hostile.replace("\\", "\\\\").replace('"', '\\"')
    assert evaluated(f'"{literal}" & nick', {"nick": hostile}) == hostile * 2


@given(any_expression(4), rows(), st.sampled_from(list(Blanks)))
@settings(max_examples=300)
def test_nothing_but_the_listed_errors_is_raised(source: str, row: dict[str, object], mode: Blanks) -> None:
    try:
        checked = ex.checked_as(source, mode)
    except Refused:
        return
    try:
        to_python(checked)(row, ex.CONTEXT)
    except EvaluationError as error:
        assert Category(error.category)
