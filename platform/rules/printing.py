"""Tree to text: the source of an expression that was put together by a program, such as the filter builder.

Here: one spelling for every node, with parentheses wherever they could matter.
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
        case Operation(operator=operator, operands=operands):
            inner = [f"({text})" if isinstance(part, Operation) else text for text, part in zip(below, operands, strict=True)]
            if len(inner) == 1:
                return f"{operator}{inner[0]}"
            if operator not in PRECEDENCE:
                raise ValueError("an operator is missing")
            return f" {operator} ".join(inner)
        case Missing():
            raise ValueError("something is missing")
