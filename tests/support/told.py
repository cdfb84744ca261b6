"""What a person is told about an expression: the line, a caret under the place, the sentence."""

from __future__ import annotations

from fieldstone.errors import Problem
from fieldstone.i18n.texts import word
from fieldstone.rules import Use, ValueType, problems
from tests.support.expressions import SCOPE, Fields


def told(
    source: str, use: Use = Use.AUTOMATION, *, expected: ValueType | frozenset[ValueType] | None = None, scope: Fields = SCOPE
) -> list[str]:
    """Return three lines for each problem of `source`, warnings included."""
    return [line for problem in problems(source, scope, use, expected=expected) for line in lines(source, problem)]


def lines(source: str, problem: Problem) -> list[str]:
    span = problem.span
    assert span is not None
    line = source.split("\n")[span.line - 1].rstrip("\r")
    width = max(1, min(span.end - span.start, len(line) - span.column + 1))
    return [line, " " * (span.column - 1) + "^" * width, word(problem, "en")]
