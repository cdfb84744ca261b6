"""Functions of picklists and multi-select picklists.

Here: values by API name, given as text literals.
Not here: `=` and `IN` on picklists, which compare the API name as a text (`comparison`, `logic`).
Source: spec/expressions.md, section 7.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from fieldstone.rules.functions.comparison import texts_equal
from fieldstone.rules.functions.entry import (
    MULTIPICKLIST,
    PICKLIST,
    TEXT,
    Blank,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    Site,
    SqlWriter,
    table,
    tallest,
)
from fieldstone.rules.tree import Call, FieldRef, Literal, Node
from fieldstone.rules.value_types import ValueType


def values_of(node: Node | None) -> tuple[str, ...] | None:
    """Return the API names that the picklist field at `node` may hold, None if that is not known."""
    if isinstance(node, Call) and node.function.name in ("PRIORVALUE", "TEXT"):
        return values_of(node.arguments[0])
    return node.field.picklist if isinstance(node, FieldRef) else None


def warn_of_unknown(site: Site, field: int, values: Sequence[int]) -> None:
    """Warn of literals that are no value of the picklist: values get retired, so it is no error."""
    names = values_of(site.nodes[field])
    if names is None:
        return
    for index in values:
        node = site.nodes[index]
        if isinstance(node, Literal) and isinstance(node.value, str) and node.value and node.value not in names:
            close = {name.casefold(): name for name in names}
            near = get_close_matches(node.value.casefold(), close, 1)
            site.warn("expression_unknown_picklist_value", index, suggestion=close[near[0]] if near else None, value=node.value)


def _with_literal(site: Site) -> ValueType:
    node = site.nodes[1]
    if node is not None and not (isinstance(node, Literal) and node.type is ValueType.TEXT):
        site.refuse("expression_picklist_value_not_literal", 1)
    warn_of_unknown(site, 0, (1,))
    return ValueType.BOOLEAN


def _is_value_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    field, value = arguments
    text = f"({field.text} == {value.text})" if value.literal else f"(not {field.text})"
    return Code(text=text, type=ValueType.BOOLEAN, blank=False, fails=field.fails, height=tallest(arguments))


def _is_value_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    return texts_equal(writer, arguments[0], arguments[1])


ISPICKVAL = Function(
    name="ISPICKVAL",
    params=(Param("field", PICKLIST), Param("value", TEXT)),
    returns=ValueType.BOOLEAN,
    doc='True when the picklist has that value, given by its API name; `""` asks whether it is blank.',
    blank=Blank.OWN,
    typing=_with_literal,
    write_python=_is_value_python,
    write_sql=_is_value_sql,
    on_sqlite=True,
)


def _includes_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    field, value = arguments
    result = Code(text="", type=ValueType.BOOLEAN, blank=False, loose=True, fails=field.fails, height=tallest(arguments))
    if field.simple:
        return result._replace(text=f"({field.text} and {value.text} in {field.text})")
    name = writer.temporary()
    return result._replace(text=f"(({name} := {field.text}) and {value.text} in {name})")


def _includes_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    field, value = arguments
    if writer.sqlite:
        text = f"COALESCE(instr({field.text}, ';' || {value.text} || ';') > 0, 0)"
    else:
        text = f"COALESCE({value.text} = ANY ({field.text}), FALSE)"
    return Piece(text=text, type=ValueType.BOOLEAN, blank=False, error=field.error)


INCLUDES = Function(
    name="INCLUDES",
    params=(Param("field", MULTIPICKLIST), Param("value", TEXT)),
    returns=ValueType.BOOLEAN,
    doc="True when that value, given by its API name, is among the chosen ones.",
    blank=Blank.OWN,
    typing=_with_literal,
    write_python=_includes_python,
    write_sql=_includes_sql,
    on_sqlite=True,
)


def _count_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    (field,) = arguments
    nothing = writer.constant(())
    return Code(
        text=f"{writer.helper(len)}({field.text} or {nothing})",
        type=ValueType.NUMBER,
        blank=False,
        whole=True,
        fails=field.fails,
        height=tallest(arguments),
    )


PICKLISTCOUNT = Function(
    name="PICKLISTCOUNT",
    params=(Param("field", MULTIPICKLIST),),
    returns=ValueType.NUMBER,
    doc="How many values are chosen; 0 for none.",
    blank=Blank.OWN,
    never_blank=True,
    whole=True,
    write_python=_count_python,
    sql=lambda field: f"COALESCE(cardinality({field}), 0)::numeric",
    digits=(4, 0),
)

PICKLISTS = table(ISPICKVAL, INCLUDES, PICKLISTCOUNT)
