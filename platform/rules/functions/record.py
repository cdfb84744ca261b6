"""What only a save knows: whether the record is new, what changed, what was there before.

Here: the record-change functions; Python only, for there is no save inside a query.
Not here: prior images (the save pipeline hands them in with `Context`).
Source: spec/expressions.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldstone.rules.decimals import WIDE
from fieldstone.rules.functions.entry import ANY, Blank, Code, Function, Param, PythonWriter, Site, table
from fieldstone.rules.tree import Call, FieldRef, Inlined
from fieldstone.rules.value_types import ValueType


def _new_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return Code(text="c.is_new", type=ValueType.BOOLEAN, blank=False, simple=True)


def _clone_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return Code(text="c.is_clone", type=ValueType.BOOLEAN, blank=False, simple=True)


ISNEW = Function(
    name="ISNEW",
    returns=ValueType.BOOLEAN,
    doc="True while the record is being created.",
    record_change=True,
    no_sql=True,
    write_python=_new_python,
)
ISCLONE = Function(
    name="ISCLONE",
    returns=ValueType.BOOLEAN,
    doc="True while the record is being created by the clone action.",
    record_change=True,
    no_sql=True,
    write_python=_clone_python,
)


def _own_field(site: Site) -> FieldRef | None:
    node = site.nodes[0]
    if isinstance(node, Inlined) and node.field.own:
        site.refuse("expression_prior_of_formula", 0, field=".".join(node.field.path))
        return None
    if not isinstance(node, FieldRef) or not node.field.own:
        if site.types[0] is not None:
            site.refuse("expression_own_field_expected", 0)
        return None
    return node


def _changed_types(site: Site) -> ValueType:
    _own_field(site)
    return ValueType.BOOLEAN


def _prior_types(site: Site) -> ValueType | None:
    node = _own_field(site)
    return node.type if node is not None else None


def has_changed(new: Any, prior: Mapping[str, Any] | None, key: str, is_new: bool) -> bool:
    """Return whether the value of `key` differs from the one before; blank against a value is a change, 2 against 2.00 is none."""
    if is_new or prior is None:
        return False
    old = prior.get(key)
    return bool(_comparable(new) != _comparable(old))


def _comparable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\r\n", "\n") or None
    if isinstance(value, tuple | list | frozenset | set):
        return frozenset(value) or None
    return None if value is False else value  # a blank checkbox is one that is not ticked


def _changed_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    node = call.arguments[0]
    assert isinstance(node, FieldRef)
    key = writer.constant(".".join(node.path))
    return Code(text=f"{writer.helper(has_changed)}(r[{key}], c.prior, {key}, c.is_new)", type=ValueType.BOOLEAN, blank=False, height=2)


def before(new: Any, prior: Mapping[str, Any] | None, key: str, is_new: bool) -> Any:
    """Return the value before this save: on insert the current one, outside of a save none."""
    if is_new:
        return new
    return None if prior is None else prior.get(key)


def _prior_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    node = call.arguments[0]
    assert isinstance(node, FieldRef)
    key = writer.constant(".".join(node.path))
    text = f"{writer.helper(before)}(r[{key}], c.prior, {key}, c.is_new)"
    if node.field.percent:
        text = f"{writer.helper(fraction)}({text})"
    if node.field.checkbox:
        text = f"(not not {text})"
    return Code(text=text, type=call.type, blank=not node.field.checkbox, height=2)


def fraction(points: Any) -> Any:
    """Return the fraction that a percentage, stored in points, means."""
    return None if points is None else points.scaleb(-2, WIDE)


ISCHANGED = Function(
    name="ISCHANGED",
    params=(Param("field", ANY),),
    returns=ValueType.BOOLEAN,
    doc="True when this save gives the field another value; false while the record is being created.",
    blank=Blank.OWN,
    typing=_changed_types,
    record_change=True,
    no_sql=True,
    write_python=_changed_python,
)
PRIORVALUE = Function(
    name="PRIORVALUE",
    params=(Param("field", ANY),),
    returns=ValueType.NULL,
    doc="The value that the field had before this save; the current one while the record is being created.",
    blank=Blank.OWN,
    typing=_prior_types,
    record_change=True,
    no_sql=True,
    write_python=_prior_python,
)

RECORD = table(ISNEW, ISCLONE, ISCHANGED, PRIORVALUE)
