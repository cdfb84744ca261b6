"""VLOOKUP: a value out of a record of another object, found by its name.

Here: what it may be given; Python only, for it reads while it runs.
Not here: reading (the save pipeline hands it in with `Context.look_up`).
Source: spec/expressions.md, section 7.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldstone.rules.functions.entry import FIELD, TEXT, Blank, Code, Function, Param, PythonWriter, Site, table, tallest
from fieldstone.rules.functions.logic import NO_VALUE
from fieldstone.rules.functions.record import fraction
from fieldstone.rules.tree import Call, FieldRef
from fieldstone.rules.value_types import ValueType


def _types(site: Site) -> ValueType | None:
    result, key = site.nodes[:2]
    if not isinstance(result, FieldRef) or not isinstance(key, FieldRef):  # NULL, or what was refused before
        if result is not None and key is not None:
            site.refuse("expression_look_up_fields", 1 if isinstance(result, FieldRef) else 0)
        return None
    if not key.field.key or result.path[:-1] != key.path[:-1]:
        site.refuse("expression_look_up_fields", 1)
        return None
    holds = result.field.holds
    if holds in NO_VALUE:
        site.refuse("expression_not_a_result", 0, found=holds.value)
    return holds


def found(look_up: Any, of: str, field: str, name: str | None) -> Any:
    """Return what the one record of that name holds; None for none, for several, and where nobody reads."""
    return look_up(of, field, name) if look_up is not None and name else None


def _python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    field = call.arguments[0]
    assert isinstance(field, FieldRef)
    _, of, _, name = (writer.constant(step) for step in field.path)
    text = f"{writer.helper(found)}(c.look_up, {of}, {name}, {arguments[2].text})"
    if field.field.percent:
        text = f"{writer.helper(fraction)}({text})"
    return Code(text=text, type=call.type, fails=arguments[2].fails, height=tallest(arguments))


VLOOKUP = Function(
    name="VLOOKUP",
    params=(Param("result", FIELD), Param("name", FIELD), Param("key", TEXT)),
    returns=ValueType.NULL,
    doc="The field `result` of the one record of an object whose name is `key`; blank when there is none, or more than one. The fields"
    " are written `$ObjectType.product.Fields.price` and `$ObjectType.product.Fields.name`.",
    blank=Blank.OWN,
    typing=_types,
    no_sql=True,
    only_in=frozenset({"validation_rule"}),
    write_python=_python,
)

LOOK_UP = table(VLOOKUP)
