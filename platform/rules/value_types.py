"""The types of values in expressions, and which of them go together.

Here: the types, what may stand for what, the common type of two results.
Not here: the types of fields (`metadata/field_types`), which operators take which types (`functions/operators.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class ValueType(Enum):
    """The type of a value in an expression (spec/expressions.md, section 4); the value of a member is its name for people."""

    NUMBER = "Number"
    TEXT = "Text"
    PICKLIST = "Picklist"
    MULTIPICKLIST = "Multipicklist"
    BOOLEAN = "Boolean"
    DATE = "Date"
    DATETIME = "Datetime"
    TIME = "Time"
    ID = "Id"
    GEOLOCATION = "Geolocation"
    FIELD = "Field"  # a field of another object as such, of no record: what VLOOKUP is given
    NULL = "Null"  # the word NULL: a blank of every type

    __hash__ = object.__hash__  # there is one of each; Enum's own hashes the name, and types are looked up all the time


# What no function but their own takes or gives back, and no expression comes to.
NO_RESULTS = frozenset({ValueType.GEOLOCATION, ValueType.FIELD})
# What is held as a `str` and reads as text where text is wanted.
TEXTS = frozenset({ValueType.TEXT, ValueType.PICKLIST, ValueType.ID})


def accepts(wanted: frozenset[ValueType], given: ValueType | None) -> bool:
    """Return whether an argument of type `given` may stand where one of `wanted` is expected.

    None is the type of what was already reported as wrong: it fits everywhere, so that one mistake is told once.
    """
    if given is None or given is ValueType.NULL or given in wanted:
        return True
    return given in TEXTS and ValueType.TEXT in wanted


def common(types: Iterable[ValueType | None]) -> ValueType | bool | None:
    """Return the type that all of `types` have in common, False if there is none, None if one of them is unknown."""
    result: ValueType | None = ValueType.NULL
    for type_ in types:
        if type_ is None:
            return None
        if result is ValueType.NULL:
            result = type_
        elif type_ not in (ValueType.NULL, result):
            if result not in TEXTS or type_ not in TEXTS:
                return False
            result = ValueType.TEXT
    return result
