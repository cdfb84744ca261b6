"""The operators: joining texts, and the table of all of them.

Here: the table. What is not listed there is a type error: nothing is converted by itself.
Not here: `&&`, `||` and `!`, which are AND, OR and NOT (`logic`), precedence (`parse`).
Source: spec/expressions.md, sections 3 to 5.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldstone.rules.functions.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, POSITIVE, POWER, SUBTRACT
from fieldstone.rules.functions.comparison import COMPARISONS
from fieldstone.rules.functions.entry import (
    TEXT,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    SqlWriter,
    table,
    tallest,
)
from fieldstone.rules.functions.moments import (
    BETWEEN_DATES,
    BETWEEN_DATETIMES,
    BETWEEN_TIMES,
    DATE_MINUS,
    DATE_PLUS,
    DATETIME_MINUS,
    DATETIME_PLUS,
    PLUS_DATE,
    PLUS_DATETIME,
    TIME_MINUS,
    TIME_PLUS,
)
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType


def _join_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    nothing = writer.constant("")
    texts = [a.text if not a.blank else f"({a.text} or {nothing})" for a in arguments]
    return Code(
        text=f"({texts[0]} + {texts[1]})",
        type=ValueType.TEXT,
        blank=all(a.blank for a in arguments),
        fails=any(a.fails for a in arguments),
        height=tallest(arguments),
    )


def _join_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    left, right = arguments
    text = "(" + " || ".join(f"COALESCE({a.text}, '')" if a.blank else a.text for a in arguments) + ")"
    blank = left.blank and right.blank
    return Piece(text=f"NULLIF({text}, '')" if blank else text, type=ValueType.TEXT, blank=blank, error=any_of(left.error, right.error))


def _join(name: str) -> Function:
    return Function(
        name=name,
        params=(Param("a", TEXT), Param("b", TEXT)),
        returns=ValueType.TEXT,
        doc="Both texts, one after the other; a blank one adds nothing.",
        joins=True,
        write_python=_join_python,
        write_sql=_join_sql,
        on_sqlite=True,
        examples=((f'"Field" {name} "stone"', "Fieldstone"), (f'NULL {name} "x"', "x")),
    )


OPERATORS = table(
    ADD,
    _join("+"),
    DATE_PLUS,
    PLUS_DATE,
    DATETIME_PLUS,
    PLUS_DATETIME,
    TIME_PLUS,
    SUBTRACT,
    BETWEEN_DATES,
    DATE_MINUS,
    BETWEEN_DATETIMES,
    DATETIME_MINUS,
    BETWEEN_TIMES,
    TIME_MINUS,
    MULTIPLY,
    DIVIDE,
    POWER,
    _join("&"),
    *COMPARISONS,
)
PREFIXES = table(NEGATIVE, POSITIVE)
