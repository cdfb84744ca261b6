"""Yes or no, never blank.

Here: the type, and the words people use for yes and no.
"""

from __future__ import annotations

from typing import Any

from fieldstone.db.column_types import Flag
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, ColumnSpec, FieldType, Schema, Typed, Value, wrong_type
from fieldstone.rules.value_types import ValueType

YES = frozenset({"true", "yes", "1", "x", "on", "y", "是", "✓", "✔"})
NO = frozenset({"false", "no", "0", "", "off", "n", "否"})

COLUMNS = (ColumnSpec(type=Flag(), nullable=False, default=False),)


def decode(value: Any) -> bool:
    """Return a JSON boolean; null is false."""
    if value is None:
        return False
    if type(value) is not bool:
        raise wrong_type("boolean", value)
    return value


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer; the field has no options that matter."""
    return decode


def columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return the one column: not nullable, unlike all others."""
    return COLUMNS


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a checkbox."""
    return {"type": "boolean"} if mode == "read" else {"type": ["boolean", "null"]}


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a typed or ticked answer; an unticked box sends nothing."""
    return _answer(text)


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's answer."""
    return _answer(text)


def _answer(text: str) -> bool:
    plain = text.strip().lower()
    if plain in YES:
        return True
    if plain in NO:
        return False
    raise BadValue("not_yes_or_no", {"value": text[:60]})


CHECKBOX = FieldType(
    name="checkbox",
    value_type=ValueType.BOOLEAN,
    columns=columns,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
)
