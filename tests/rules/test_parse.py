"""How an expression is written: precedence, tokens, and what is said about a text that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.errors import Refused
from fieldstone.rules import parse
from fieldstone.rules.parse import read
from fieldstone.rules.printing import to_source
from fieldstone.rules.tree import Application, Constant, Name, Operation, Syntax, bottom_up, parts
from tests.support.expression_strategies import any_expression
from tests.support.told import told


def shape(syntax: Syntax) -> str:
    """Return a tree as text with every parenthesis."""

    def write(node: Syntax, below: list[str]) -> str:
        match node:
            case Constant(value=value):
                return repr(value) if isinstance(value, str) else str(value)
            case Name(text=text):
                return text
            case Application(name=name):
                return f"{name}({', '.join(below)})"
            case Operation(operator=operator):
                return f"({operator} {' '.join(below)})"
        return "?"

    return bottom_up(syntax, parts, write)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("3 * 2 ^ 2", "(^ (* 3 2) 2)"),
        ("18 / 3 ^ 2", "(^ (/ 18 3) 2)"),
        ("5 + 2 ^ 2", "(+ 5 (^ 2 2))"),
        ("-3 ^ 2", "(^ (- 3) 2)"),
        ("2 ^ 3 ^ 2", "(^ (^ 2 3) 2)"),
        ("a - b - c", "(- (- a b) c)"),
        ('a & "x" + b', "(+ (& a 'x') b)"),
        ("NOT a = b", "(= (! a) b)"),
        ("!a = b", "(= (! a) b)"),
        ("NOT(a) = b", "(= (! a) b)"),
        ("1 < 2 = TRUE", "(= (< 1 2) True)"),
        ("a = b = c", "(= (= a b) c)"),
        ("a == b != c", "(<> (= a b) c)"),
        ("a || b && c || d", "(|| a (&& b c) d)"),
        ("a && (b && c)", "(&& a (&& b c))"),
        ("qty--1", "(- qty (- 1))"),
        ("--3", "(- (- 3))"),
        ("NOT NOT vip", "(! (! vip))"),
        ("-a * +b", "(* (- a) (+ b))"),
        ("(1 + 2) * 3", "(* (+ 1 2) 3)"),
        ("Account.Owner.Name", "Account.Owner.Name"),
        ("Owner:User.Name", "Owner:User.Name"),
        ("$User.Id", "$User.Id"),
        ("true && FALSE || nUlL", "(|| (&& True False) None)"),
        ("if(a, b, c)", "if(a, b, c)"),
        ("TODAY()", "TODAY()"),
        ("1 /* one /* */ + 2", "(+ 1 2)"),
        ("\t1\f+\r\n2", "(+ 1 2)"),
        ("0.250", "0.250"),
        (r"""'it\'s "here"'""", "'it\\'s \"here\"'"),
        (r'"a\\b\"c\nd"', repr('a\\b"c\\nd')),
    ],
)
def test_a_text_has_one_tree(source: str, expected: str) -> None:
    assert shape(parse(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ["", "^", "There is no expression here. Write one, such as amount > 0."]),
        (
            "price + ",
            ["price + ", "        ^", "The expression stops too early: a field, a number, a text or a function is expected here."],
        ),
        (
            "price + * 2",
            ["price + * 2", "        ^", "A field, a number, a text or a function is expected before *."],
        ),
        ("price qty", ["price qty", "      ^^^", "An operator such as +, & or = is expected before qty."]),
        ("(price", ["(price", "^", "This parenthesis is never closed: a ) is missing."]),
        ("price)", ["price)", "     ^", "This ) closes nothing: there is no ( for it."]),
        ("TRUE()", ["TRUE()", "^^^^", "TRUE is a word, not a function: write it without parentheses."]),
        (
            "1,5",
            ["1,5", " ^", "A comma stands between the arguments of a function only. A decimal point is written as a point."],
        ),
        ('"abc', ['"abc', "^^^^", 'This text has no end: the closing " is missing.']),
        ("1 /* one", ["1 /* one", "  ^^", "This comment has no end: */ is missing."]),
        (".5", [".5", "^^", 'A number begins with a digit. Did you mean "0.5"?']),
        ("5.", ["5.", "^^", "After the point of a number there is at least one digit."]),
        (
            "{!Name}",
            ["{!Name}", "^^^^^^^", 'Here a field is written as its bare name, without braces. Did you mean "Name"?'],
        ),
        ("price # 2", ["price # 2", "      ^", "The character # has no meaning outside of quotation marks."]),
        (
            "1 +\n\n  ) 2",
            ["  ) 2", "  ^", "A field, a number, a text or a function is expected before )."],
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(source: str, expected: list[str]) -> None:
    assert told(source)[: len(expected)] == expected


def test_a_line_break_ends_a_text() -> None:
    assert told('"ab\ncd" & nick')[:3] == [
        '"ab',
        "^^^",
        'A text stands on one line: the closing " is missing here. Use BR() for a line break.',
    ]


def test_all_mistakes_of_a_text_are_told_at_once() -> None:
    _, problems = read("IF(price > , nick city, (1 + 2")
    assert [(p.code, p.span.column) for p in problems if p.span is not None] == [
        ("expression_value_expected", 12),
        ("expression_operator_expected", 19),
        ("expression_unclosed", 25),
        ("expression_unclosed", 3),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("IF(vip; 1; 2)", [(";", ","), (";", ",")]),
        ("IF（vip，1，2）", [("（", "("), ("，", ","), ("，", ","), ("）", ")")]),
        ("IF(price ≥ 5, “a”, ‘b’)", [("≥", ">="), ("“a”", '"a"'), ("‘b’", '"b"')]),
        ("price × 2 − 1", [("×", "*"), ("−", "-")]),
        ("price * 10%", [("%", " / 100")]),
        ("vip and price > 1 OR nick", [("and", "&&"), ("OR", "||")]),
        ("金额 + 折扣", [("金额", None), ("折扣", None)]),
    ],
)
def test_what_a_spreadsheet_or_a_keyboard_puts_there_is_told_with_what_is_meant(
    source: str, expected: list[tuple[str, str | None]]
) -> None:
    _, problems = read(source)
    found = [(source[p.span.start : p.span.end], p.suggestion) for p in problems if p.span is not None]
    assert found == expected


def test_a_field_may_be_called_and() -> None:
    assert shape(parse("and > 5")) == "(> and 5)"


def test_line_and_column_count_from_one() -> None:
    with pytest.raises(Refused) as refused:
        parse("1 +\n  2 3")
    span = refused.value.problems[0].span
    assert span is not None
    assert (span.line, span.column, span.start, span.end) == (2, 5, 8, 9)


@given(any_expression(5))
def test_what_is_printed_parses_to_the_same_tree(source: str) -> None:
    tree = parse(source)
    assert shape(parse(to_source(tree))) == shape(tree)


@given(st.text(max_size=60) | st.text("()+-*/^&=<>!|,.\"'\\ aN1{$#\n", max_size=40))
def test_no_text_makes_the_parser_raise_anything_but_problems(source: str) -> None:
    _, problems = read(source)
    assert all(p.span is not None and 0 <= p.span.start <= p.span.end <= len(source) for p in problems)
