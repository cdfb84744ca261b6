"""What an author of an expression probably meant.

Here: constants written as texts, comparisons that are never true. Not here: names (the scope), functions (`functions`), what is an
error (`check`, which asks).
Source: spec/expressions.md, sections 2 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from fieldstone.db.column_types import is_id
from fieldstone.rules.tree import Constant, FieldRef, Literal, Node, Syntax
from fieldstone.rules.value_types import TEXTS, ValueType

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?Z?)?")
TRUE_OR_FALSE = {"true": "TRUE", "yes": "TRUE", "1": "TRUE", "false": "FALSE", "no": "FALSE", "0": "FALSE"}


def _day(text: str) -> str | None:
    moment = _read(text)
    return None if moment is None else f"DATE({moment.year}, {moment.month}, {moment.day})"


def _moment(text: str) -> str | None:
    moment = _read(text)
    return None if moment is None else f'DATETIMEVALUE("{moment:%Y-%m-%d %H:%M:%S}")'


def _read(text: str) -> datetime | None:
    found = MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]} {found[2] or '00:00'}{found[3] or ':00'}")
    except ValueError:
        return None


CONSTANTS: Mapping[ValueType, Callable[[str], str | None]] = {
    ValueType.NUMBER: lambda text: text if NUMBER.fullmatch(text) else None,
    ValueType.DATE: _day,
    ValueType.DATETIME: _moment,
    ValueType.BOOLEAN: lambda text: TRUE_OR_FALSE.get(text.lower()),
}


def constant_of(operand: Syntax, wanted: ValueType) -> str | None:
    """Return how a constant of type `wanted` is written, for one that was written as a text, or as 1 or 0 for true and false."""
    if not isinstance(operand, Constant) or operand.type not in (ValueType.TEXT, ValueType.NUMBER) or wanted not in CONSTANTS:
        return None
    return CONSTANTS[wanted](str(operand.value).strip())


def never_equal(left: Node, right: Node) -> bool:
    """Tell whether one side is NULL, which no number, date or moment is equal to, blank or not."""
    nothing, other = (right, left) if isinstance(right, Literal) else (left, right)
    return isinstance(nothing, Literal) and nothing.value is None and not isinstance(other, Literal) and other.type not in TEXTS


def no_id(left: Node, right: Node) -> FieldRef | None:
    """Return the lookup that is compared with a text that is no id, such as a name."""
    field, text = (left, right) if isinstance(right, Literal) else (right, left)
    if not isinstance(field, FieldRef) or field.type is not ValueType.ID or not isinstance(text, Literal):
        return None
    return field if isinstance(text.value, str) and text.value and not is_id(text.value) else None
