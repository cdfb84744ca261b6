"""Several lines of text: `text_area` (short enough to sort by) and `long_text`.

Here: both types. Not here: formatted text (`rich_text.py`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, ColumnSpec, FieldType, Schema, Typed, Value, wrong_type
from fieldstone.metadata.field_types.text import SORT, VALUE, key_value, within
from fieldstone.rules.value_types import ValueType

LINES = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$"
NOT_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def lines(value: Any) -> str | None:
    """Return a JSON text as clean lines: line breaks are LF, the end trimmed, NFC, None for blank. Raises BadValue."""
    if value is None:
        return None
    if type(value) is not str:
        raise wrong_type("text", value)
    if NOT_IN_LINES.search(value):
        raise BadValue("control_characters")
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    return text.rstrip() if text.strip() else None


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of several lines with the field's length in characters."""
    length = field.length

    def decode(value: Any) -> str | None:
        text = lines(value)
        if value is not None:
            within(value, length)
        return text

    return decode


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of several lines."""
    if mode == "read":
        return {"type": ["string", "null"]}
    found: Schema = {"type": "string", "minLength": 1} if field.required else {"type": ["string", "null"]}
    return found | {"pattern": LINES} | ({"maxLength": field.length} if field.length is not None else {})


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return typed lines; a browser sends CR LF, which counts once."""
    return decoder(field)(NOT_IN_LINES.sub(" ", text.replace("\r\n", "\n"))) if text else None


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell as lines."""
    return of_text(field, text, Typed())


def area_columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return value and sort key."""
    return (VALUE, SORT)


def value_only(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return the value's column."""
    return (VALUE,)


TEXT_AREA = FieldType(
    name="text_area",
    value_type=ValueType.TEXT,
    columns=area_columns,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    key_value=key_value,
    groupable=False,
    searchable=True,
)

LONG_TEXT = FieldType(
    name="long_text",
    value_type=ValueType.TEXT,
    columns=value_only,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    sortable=False,
    groupable=False,
    searchable=True,
)
