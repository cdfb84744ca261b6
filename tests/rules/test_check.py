"""What an expression may not say, with the whole text of every problem, and what is known of one that is right."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.errors import Refused
from fieldstone.rules import FUNCTIONS, Blanks, Use, ValueType, check, problems, to_python
from fieldstone.rules.functions import ELSEWHERE, INSTEAD, OTHERWISE, UNSUPPORTED
from tests.support.expressions import CONTEXT, FIELDS, SCOPE
from tests.support.told import told

NUMBER, TEXT, BOOLEAN, DATE = ValueType.NUMBER, ValueType.TEXT, ValueType.BOOLEAN, ValueType.DATE


@pytest.mark.parametrize(
    ("source", "column", "sentence"),
    [
        ("prize + 1", 1, 'There is no field "prize" on Deal. Did you mean "price"?'),
        ("xyzzy + 1", 1, 'There is no field "xyzzy" on Deal.'),
        ("TODAY", 1, 'TODAY is a function: it is written with parentheses. Did you mean "TODAY()"?'),
        ("LEFFT(nick, 1)", 1, 'There is no function "LEFFT". Did you mean "LEFT"?'),
        ("URLFOR(nick)", 1, "URLFOR belongs to another product and has no meaning here."),
        ("LEFT(nick)", 1, "The number of arguments of LEFT is wrong: 1. It is written LEFT(t, n)."),
        ("TODAY(1)", 1, "The number of arguments of TODAY is wrong: 1. It is written TODAY()."),
        ("TEXT()", 1, "The number of arguments of TEXT is wrong: 0. It is written TEXT(x)."),
        ("CASE(nick, 1, 2)", 1, "The number of arguments of CASE is wrong: 3. It is written CASE(x, value, result, ..., else)."),
        ("LEFT(price, 1)", 6, 'LEFT takes a value of type Text as "t"; this is of type Number.'),
        ("YEAR(stamp)", 6, 'YEAR takes a value of type Date as "d"; this is of type Date and time.'),
        ("TEXT(nick)", 6, 'TEXT takes a value of type Number / Date / Date and time / Time / Picklist value as "x"; this is of type Text.'),
        (
            "TEXT(vip)",
            6,
            'TEXT takes a value of type Number / Date / Date and time / Time / Picklist value as "x"; this is of type Yes or no.',
        ),
        (
            'qty & "pcs"',
            5,
            "& does not mix a number with a text (Number and Text). Write TEXT(...) to make a text of the number, or VALUE(...) to"
            " make a number of the text.",
        ),
        (
            'qty + "1"',
            5,
            "+ does not mix a number with a text (Number and Text). Write TEXT(...) to make a text of the number, or VALUE(...) to"
            " make a number of the text.",
        ),
        ("vip = 1", 7, '= does not go with Yes or no on the left and Number on the right. Did you mean "TRUE"?'),
        ('vip = "sure"', 5, "= does not go with Yes or no on the left and Text on the right."),
        ("vip < TRUE", 5, "< does not go with Yes or no on the left and Yes or no on the right."),
        (
            "start < stamp",
            7,
            "< does not mix a date with a datetime (Date and Date and time). Write DATEVALUE(...) to take the day of the datetime, or"
            " DATETIMEVALUE(...) to take midnight of the date.",
        ),
        (
            "start - stamp",
            7,
            "- does not mix a date with a datetime (Date and Date and time). Write DATEVALUE(...) to take the day of the datetime, or"
            " DATETIMEVALUE(...) to take midnight of the date.",
        ),
        ("start + finish", 7, "+ does not go with Date on the left and Date on the right."),
        ("stamp + seen", 7, "+ does not go with Date and time on the left and Date and time on the right."),
        ("open + shut", 6, "+ does not go with Time on the left and Time on the right."),
        ("1 - start", 3, "- does not go with Number on the left and Date on the right."),
        ("1 - stamp", 3, "- does not go with Number on the left and Date and time on the right."),
        ("3600000 + open", 9, "+ does not go with Number on the left and Time on the right."),
        ("tags = tags", 6, "= does not go with Several picklist values on the left and Several picklist values on the right."),
        ("-nick", 1, "- stands before a number; this is of type Text."),
        ("IF(price, 1, 2)", 4, "IF needs a condition here, true or false; this is of type Number. Compare it with something, such as > 0."),
        ("NOT qty = 1", 5, "NOT needs a condition here, true or false; this is of type Number. Compare it with something, such as > 0."),
        ('IF(vip, 1, "x")', 12, "All results of IF are of one type; this is of type Text, another of type Number."),
        ("IF(vip, start, stamp)", 16, "All results of IF are of one type; this is of type Date and time, another of type Date."),
        ('BLANKVALUE(qty, "x")', 17, "All results of BLANKVALUE are of one type; this is of type Text, another of type Number."),
        ("IF(vip, tags, tags)", 9, "IF cannot give a value of type Several picklist values."),
        ('CASE(vip, TRUE, "x", "y")', 6, "CASE does not choose by true and false. Use IF."),
        (
            'CASE(nick, "x", TRUE, FALSE)',
            17,
            "CASE does not give true or false. Use IF, or let it give a number and compare that.",
        ),
        ('CASE(qty, "x", 1, 2)', 11, "A value of type Text is never equal to one of type Number."),
        ("CASE(stage, nick, 1, 2)", 13, "A value of a picklist is written as a text in quotation marks here."),
        ("IN(tags, NULL)", 4, "IN does not compare values of type Several picklist values."),
        ("ISNULL(vip)", 8, "ISNULL does not take a condition: true or false is never blank."),
        ("NULLVALUE(vip, FALSE)", 11, "NULLVALUE does not take a condition: true or false is never blank."),
        ('ISPICKVAL(nick, "x")', 11, 'ISPICKVAL takes a value of type Picklist value as "field"; this is of type Text.'),
        ("ISPICKVAL(stage, nick)", 18, "A value of a picklist is written as a text in quotation marks here."),
        ("ISCHANGED(account.name)", 11, "ISCHANGED takes a field of this record itself: no parent's field and no expression."),
        ("PRIORVALUE(price + 1)", 12, "PRIORVALUE takes a field of this record itself: no parent's field and no expression."),
        (
            'REGEX(nick, "(a)\\\\1")',
            13,
            "This is no regular expression of RE2, which knows no backreferences and no look-around: invalid escape sequence: \\1.",
        ),
        ('stage = "win"', 9, '"win" is no value of this picklist: the comparison is never true. Did you mean "won"?'),
        ('ISPICKVAL(stage, "gone")', 18, '"gone" is no value of this picklist: the comparison is never true.'),
        ("3 * 2 ^ 2", 7, "* binds tighter than ^ here: 3 * 2 ^ 2 is (3 * 2) ^ 2. Put parentheses where you mean them."),
    ],
)
def test_a_problem_is_told_in_one_sentence(source: str, column: int, sentence: str) -> None:
    line, caret, words = told(source)
    assert (line, caret.index("^") + 1, words) == (source, column, sentence)


def test_a_caret_stands_under_the_whole_of_what_is_wrong() -> None:
    assert told("IF(vip, LEFT(prize, 1), city) & 1") == [
        "IF(vip, LEFT(prize, 1), city) & 1",
        "             ^^^^^",
        'There is no field "prize" on Deal. Did you mean "price"?',
    ]


def test_each_mistake_is_told_once_and_none_of_its_consequences() -> None:
    found = problems('IF(prize > 1, nick & 1, "x" + citty) = UNKNOWN(vip)', SCOPE, Use.FORMULA)
    assert [p.code for p in found] == [
        "expression_unknown_name",
        "expression_number_with_text",
        "expression_unknown_name",
        "expression_unknown_function",
    ]


@pytest.mark.parametrize(
    ("source", "code", "suggestion"),
    [
        ("PROPER(nick)", "expression_unknown_function", "INITCAP"),
        ('search("a", nick)', "expression_unknown_function", "FIND"),
        ("CONCATENATE(nick, city)", "expression_texts_are_joined", None),
        ("POWER(price, 2)", "expression_power_is_written", None),
        ("SUM(price, cost)", "expression_no_cells", None),
        ('DATEDIF(start, finish, "d")', "expression_dates_are_subtracted", None),
        ("ROUNDDOWN(price, 1)", "expression_unknown_function", "TRUNC"),
        ("ROUNDUP(price, 2)", "expression_written_otherwise", None),
        ("RAND()", "expression_unsupported_function", None),
    ],
)
def test_a_function_known_from_elsewhere_is_told_how_it_is_written_here(source: str, code: str, suggestion: str | None) -> None:
    (found,) = problems(source, SCOPE, Use.FORMULA)
    assert (found.code, found.suggestion) == (code, suggestion)


@pytest.mark.parametrize(
    ("source", "start", "suggestion"),
    [
        ('start < "2026-03-01"', 8, "DATE(2026, 3, 1)"),
        ('"2026-03-01" <> start', 0, "DATE(2026, 3, 1)"),
        ('stamp >= "2026-03-01T08:30"', 9, 'DATETIMEVALUE("2026-03-01 08:30:00")'),
        ('price = "12.5"', 8, "12.5"),
        ('vip = "true"', 6, "TRUE"),
        ("vip <> 0", 7, "FALSE"),
        ('start < "2026-02-30"', 6, None),
        ('price = "many"', 6, None),
    ],
)
def test_a_constant_written_as_a_text_is_told_how_it_is_written(source: str, start: int, suggestion: str | None) -> None:
    (found,) = problems(source, SCOPE, Use.VALIDATION_RULE)
    assert found.span is not None
    assert (found.span.start, found.suggestion) == (start, suggestion)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("price = NULL", "expression_never_equal_null"),
        ("NULL <> start", "expression_never_equal_null"),
        ("nick = NULL", None),
        ("ISBLANK(start)", None),
        ('account = "Acme"', "expression_no_id"),
        ('"Acme" <> account', "expression_no_id"),
        ('account = "0190a5d0-0000-7000-8000-000000000001"', None),
        ('account = ""', None),
        ("account = nick", None),
    ],
)
def test_what_is_never_true_is_warned_of(source: str, code: str | None) -> None:
    found = problems(source, SCOPE, Use.VALIDATION_RULE)
    assert [(each.code, each.warning) for each in found] == ([(code, True)] if code else [])


def test_names_from_elsewhere_lead_to_functions_and_are_none_themselves() -> None:
    assert set(ELSEWHERE.values()) <= set(FUNCTIONS)
    assert not {*ELSEWHERE, *INSTEAD, *OTHERWISE} & {*FUNCTIONS, *UNSUPPORTED}


# Values for the letters of what is written instead, and what comes out.
WORK: dict[str, tuple[dict[str, str], object]] = {
    "CHOOSE": ({"n": "2", "a": '"x"', "b": '"y"'}, "y"),
    "EOMONTH": ({"d": "DATE(2024, 1, 31)", "n": "1"}, date(2024, 2, 29)),
    "EXACT": ({"a": '"x"', "b": '"X"'}, False),
    "ISEVEN": ({"n": "-4"}, True),
    "ISODD": ({"n": "-3"}, True),
    "QUOTIENT": ({"a": "-7", "b": "2"}, D(-3)),
    "REPLACE": ({"t": '"abcdef"', "start": "3", "n": "2", "new": '"*"'}, "ab*ef"),
    "ROUNDUP": ({"x": "-1.231"}, D("-1.24")),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_is_written_instead_of_a_function_does_its_work(name: str) -> None:
    values, result = WORK[name]
    source = re.sub(r"\b[a-z]+\b", lambda word: values[word[0]], OTHERWISE[name])
    assert to_python(check(source, SCOPE, Use.FORMULA))({}, CONTEXT) == result


def test_problems_of_writing_and_of_meaning_are_told_together() -> None:
    assert [p.code for p in problems("prize + (nick * 2", SCOPE, Use.FORMULA)] == [
        "expression_unknown_name",
        "expression_unclosed",
        "expression_number_with_text",
    ]


@pytest.mark.parametrize("use", list(Use))
def test_record_change_functions_stand_where_a_save_is(use: Use) -> None:
    allowed = use in (Use.VALIDATION_RULE, Use.LAYOUT, Use.AUTOMATION, Use.APPROVAL)
    for source in ("ISCHANGED(price)", "PRIORVALUE(vip)", "ISCLONE()"):
        assert (problems(source, SCOPE, use) == ()) is allowed, source
    assert (problems("ISNEW()", SCOPE, use) == ()) is (allowed and use is not Use.APPROVAL)


@pytest.mark.parametrize("use", [Use.LOOKUP_FILTER, Use.ROLLUP_FILTER, Use.SHARING, Use.LIST_FILTER])
def test_a_filter_runs_in_the_database_or_is_refused(use: Use) -> None:
    assert [p.code for p in problems('REGEX(nick, "a+")', SCOPE, use)] == ["expression_not_filterable"]


@pytest.mark.parametrize("use", [Use.VALIDATION_RULE, Use.LIST_FILTER, Use.SHARING, Use.LAYOUT])
def test_a_condition_is_boolean(use: Use) -> None:
    assert told("price + 1", use)[2] == "The result is of type Number; Yes or no is needed here."
    assert told("price > 1", use) == []


def test_of_a_text_that_cannot_be_read_the_type_is_not_judged() -> None:
    (only,) = problems("IF(vip, 1, 2", SCOPE, Use.FORMULA, expected=ValueType.TEXT)
    assert only.code == "expression_unclosed"


def test_the_result_has_the_type_that_is_expected() -> None:
    assert told("nick", expected=NUMBER)[2] == "The result is of type Text; Number is needed here."
    assert told("NULL", expected=NUMBER) == []
    assert told('"won"', expected=frozenset({ValueType.PICKLIST, TEXT})) == []
    assert check("NULL", SCOPE, Use.DEFAULT, expected=DATE).type is DATE


@pytest.mark.parametrize(
    ("source", "type_"),
    [
        ("price", NUMBER),
        ("nick & stage", TEXT),
        ("start + 1", DATE),
        ("start - finish", NUMBER),
        ("open - 1", ValueType.TIME),
        ("IF(vip, NULL, start)", DATE),
        ("IF(vip, nick, account)", TEXT),
        ("IF(vip, account, account)", ValueType.ID),
        ("IF(vip, stage, stage)", ValueType.PICKLIST),
        ('CASE(stage, "won", 1, 0)', NUMBER),
        ("PRIORVALUE(stage)", ValueType.PICKLIST),
        ("$User.Name", TEXT),
        ("$System.OriginDateTime", ValueType.DATETIME),
        ("NULL", ValueType.NULL),
    ],
)
def test_an_expression_has_a_type(source: str, type_: ValueType) -> None:
    assert check(source, SCOPE, Use.AUTOMATION).type is type_


def test_names_and_functions_have_no_letter_case() -> None:
    assert check("left(NICK, Len(City))", SCOPE, Use.FORMULA).reads == {("nick",), ("city",)}


def test_reads_are_what_matters_and_names_what_is_said() -> None:
    scope = SCOPE.with_formula("net", "price - cost").with_formula("margin", "net / price")
    checked = check("margin > 0.1 && account.name = $User.Name", scope, Use.AUTOMATION)
    assert checked.reads == {("price",), ("cost",), ("account", "name")}
    assert checked.names == {("margin",), ("account", "name"), ("$User", "Name")}


def test_what_is_known_before_it_runs() -> None:
    assert check("price > 1", SCOPE, Use.AUTOMATION).user_dependent is False
    assert check("$User.Id = account", SCOPE, Use.AUTOMATION).user_dependent is True
    assert check("start < TODAY()", SCOPE, Use.AUTOMATION).uses_now is True
    assert check("ISCHANGED(price)", SCOPE, Use.AUTOMATION).record_change is True
    assert check("BR()", SCOPE, Use.AUTOMATION).markup is True
    assert check("price * 2 > 1", SCOPE, Use.AUTOMATION).fails is False
    assert check("1 / price > 1", SCOPE, Use.AUTOMATION).fails is True
    regex = check('REGEX(nick, "a+")', SCOPE, Use.AUTOMATION)
    assert (regex.sql, regex.sql_reason) == (False, "REGEX")


def test_the_null_mode_follows_the_use_unless_it_is_given() -> None:
    assert check("price", SCOPE, Use.FORMULA).zero is True
    assert check("price", SCOPE, Use.FORMULA, blanks=Blanks.BLANK).zero is False
    assert check("price > 1", SCOPE, Use.VALIDATION_RULE).zero is False


def test_warnings_do_not_refuse() -> None:
    checked = check('stage = "win"', SCOPE, Use.LIST_FILTER)
    assert [(w.code, w.warning, w.suggestion) for w in checked.warnings] == [("expression_unknown_picklist_value", True, "won")]


def test_every_problem_has_a_sentence_in_every_language() -> None:
    from fieldstone.i18n.texts import tables

    texts = tables()
    for code in (code for code in texts if code.startswith("expression_")):
        assert set(texts[code]) == {"en", "zh-Hans", "zh-Hant"}, code


WORDS = [*FUNCTIONS, *FIELDS, "(", ")", ",", "+", "-", "&", "=", "<", "&&", "!", "NULL", "TRUE", "1", '"a"', "^", "*"]


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join), st.sampled_from(list(Use)))
def test_no_text_makes_the_checker_raise_anything_but_problems(source: str, use: Use) -> None:
    try:
        check(source, SCOPE, use)
    except Refused as refused:
        assert refused.problems
