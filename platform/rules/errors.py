"""What an expression may fail with while it runs.

Here: the closed list of categories, and the two exceptions that carry one.
Not here: what is wrong with an expression as it is written (`parse`, `check` give Problems).
Source: spec/expressions.md, section 6.
"""

from __future__ import annotations

from enum import Enum

from fieldstone.errors import Problem, Refused, Span


class Category(Enum):
    """Why an evaluation ended without a value."""

    DIVISION_BY_ZERO = "division_by_zero"
    MATH_DOMAIN = "math_domain"
    OUT_OF_RANGE = "out_of_range"
    NUMBER_FORMAT = "number_format"
    DATE_FORMAT = "date_format"
    REGEX_SYNTAX = "regex_syntax"


class EvaluationError(Exception):
    """An evaluation failed at `span` of its source. It is no blank: only IFERROR catches it.

    `category` is one of the texts of `Category`. What follows is the caller's: a validation rule blocks the save, a filter
    counts as false, an automation is at fault (section 6).
    """

    def __init__(self, category: str, span: Span) -> None:
        super().__init__(f"{category} at line {span.line}, column {span.column}")
        self.category = category
        self.span = span


class Failure(Exception):
    """What a function raises; it knows the category, its caller the place."""

    def __init__(self, category: Category) -> None:
        super().__init__(category.value)
        self.category = category


class NotInSql(Refused):
    """The expression has no SQL form: a function that only Python can do, or SQL text beyond all measure.

    `reason` is the function's name, or "size". It cannot be filtered, sorted or grouped by; a stored formula holds its result.
    """

    def __init__(self, reason: str, span: Span) -> None:
        super().__init__(Problem(code="expression_not_filterable", params={"function": reason}, span=span))
        self.reason = reason
