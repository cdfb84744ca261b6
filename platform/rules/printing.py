"""Tree to text: the source of an expression that was put together by a program, such as the filter builder.

Here: one spelling for every node, with the parentheses that it takes and no more.
Not here: changing an author's own text (`rename`).
"""

from __future__ import annotations

from decimal import Decimal

from fieldstone.rules.parse import PRECEDENCE
from fieldstone.rules.tree import Application, Constant, Missing, Name, Operation, Syntax, bottom_up, parts


def to_source(syntax: Syntax) -> str:
    """Return a text that parses to `syntax`. A tree with something missing has none: raises ValueError."""
    return bottom_up(syntax, parts, _written)


def quoted(text: str) -> str:
    """Return `text` as a literal. Raises ValueError for a line break, which a literal cannot hold: join with BR()."""
    if "\n" in text or "\r" in text:
        raise ValueError("a text in an expression stands on one line")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _written(syntax: Syntax, below: list[str]) -> str:
    match syntax:
        case Constant(value=str() as text):
            return quoted(text)
        case Constant(value=Decimal() as number):
            return format(number, "f")
        case Constant(value=value):
            return "NULL" if value is None else str(value).upper()
        case Name(text=name):
            return name
        case Application(name=name):
            return f"{name}({', '.join(below)})"
        case Operation(operator=operator, operands=(operand,)):
            return operator + (f"({below[0]})" if isinstance(operand, Operation) and len(operand.operands) > 1 else below[0])
        case Operation(operator=operator, operands=operands):
            if operator not in PRECEDENCE:
                raise ValueError("an operator is missing")
            apart = [_apart(operator, part, at) for at, part in enumerate(operands)]
            inner = [f"({text})" if alone else text for text, alone in zip(below, apart, strict=True)]
            return f" {operator} ".join(inner)
        case Missing():
            raise ValueError("something is missing")


def _apart(operator: str, part: Syntax, at: int) -> bool:
    """Return whether the operand at `at` would be another one without parentheses."""
    if not isinstance(part, Operation) or len(part.operands) == 1:
        return False
    outer, inner = PRECEDENCE[operator], PRECEDENCE.get(part.operator, 0)
    if outer == inner:
        return at > 0 or operator in ("&&", "||")
    # A product is tighter than a power, to everybody's surprise: who wrote parentheses there is not warned, and keeps them.
    return inner < outer or (operator == "^" and part.in_parentheses)
