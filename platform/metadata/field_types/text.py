"""A line of text; and what all types that hold text share.

Here: `TEXT`, cleaning of a line, length and pattern.
Not here: its meaning in expressions (`rules`), several lines (`long_text.py`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from fieldstone.db.column_types import PlainText
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import (
    BadValue,
    CellFormat,
    Coerce,
    ColumnSpec,
    FieldType,
    KeyValue,
    Schema,
    Typed,
    Value,
    wrong_type,
)
from fieldstone.metadata.field_types.keys import match_key, sort_key
from fieldstone.metadata.meta_schemas import regular_expression
from fieldstone.rules.value_types import ValueType

LINE = "^[^\\x00-\\x1f\\x7f]*$"  # RE2: `$` is the end of the text, never before a line break
NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

VALUE = ColumnSpec(type=PlainText())
SORT = ColumnSpec(type=PlainText(), suffix="__sort", key="sort")
MATCH = ColumnSpec(type=PlainText(), suffix="__match", key="match")


def line(value: Any) -> str | None:
    """Return a JSON text as one clean line: ends trimmed, NFC, None for blank. Raises BadValue."""
    if value is None:
        return None
    if type(value) is not str:
        raise wrong_type("text", value)
    if NOT_IN_A_LINE.search(value):
        raise BadValue("control_characters")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    return value.strip() or None


def within(text: str, length: int | None) -> None:
    """Refuse a text of more than `length` characters, as it was given."""
    if length is not None and len(text) > length:
        raise BadValue("too_long", {"limit": length, "count": len(text)})


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of a line of text with the field's length and pattern."""
    length, pattern = field.length, regular_expression(whole(field.pattern)) if field.pattern else None

    def decode(value: Any) -> str | None:
        text = line(value)
        if value:  # length and pattern are judged on what was given, as the schema does
            if length is not None and len(value) > length:
                raise BadValue("too_long", {"limit": length, "count": len(value)})
            if pattern is not None and not pattern.search(value):
                raise BadValue("bad_pattern", {"pattern": field.pattern})
        return text

    return decode


def whole(pattern: str) -> str:
    """Return a pattern that the whole text must match; blank always does."""
    return f"^(?:{pattern})?$"


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a line: on top of the record schema's `line`."""
    found: Schema = {"$ref": "#/$defs/line"}
    if mode == "read":
        return found
    if field.required:
        found |= {"type": "string", "minLength": 1}
    if field.length is not None:
        found["maxLength"] = field.length
    if field.pattern:
        found["pattern"] = whole(field.pattern)
    if field.external_id:
        found["x-key"] = True
    return found


def columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return value, sort key (unless it sorts by code point) and, where case does not count, match key."""
    return (VALUE, *((SORT,) if field.collated else ()), *((MATCH,) if field.matched else ()))


def key_value(field: FieldDef, spec: ColumnSpec) -> KeyValue:
    """Return the function that makes the key of a value."""
    return sort_key if spec.key == "sort" else match_key


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a typed line: what no line can hold becomes a space."""
    return decoder(field)(NOT_IN_A_LINE.sub(" ", text).strip()) if text else None


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell as a line."""
    return of_text(field, text, Typed())


TEXT = FieldType(
    name="text",
    value_type=ValueType.TEXT,
    columns=columns,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    key_value=key_value,
    searchable=True,
)
