"""An email address; its domain is kept in lower case.

Here: the type. Not here: whether a mailbox exists.
"""

from __future__ import annotations

import re
from typing import Any

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, ColumnSpec, FieldType, Schema, Typed, Value
from fieldstone.metadata.field_types.text import MATCH, VALUE, key_value, line, within
from fieldstone.metadata.field_types.text import schema as line_schema
from fieldstone.rules.value_types import ValueType

ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\\\"]{1,64}(?<!\.)@(?:[^\W_](?:[^\W_]|-){0,61}[^\W_]\.|[^\W_]\.)+(?:[^\W_](?:[^\W_]|-){0,61}[^\W_])",
)


def is_email(text: str) -> bool:
    """Tell whether `text` has the form of one address: letters of any script, a domain with a dot."""
    return ADDRESS.fullmatch(text) is not None and ".." not in text and not text.startswith(".")


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of an address."""
    length = field.length

    def decode(value: Any) -> str | None:
        text = line(value)
        if value:
            within(value, length)
        if text is None:
            return None
        if not is_email(text):
            raise BadValue("bad_email")
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"

    return decode


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of an address."""
    found = line_schema(field, mode)
    return found if mode == "read" else found | {"x-format": "email"}


def columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return value and match key, by which it also sorts."""
    return (VALUE, MATCH)


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a typed address."""
    return decoder(field)(text.strip()) if text else None


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's address."""
    return decoder(field)(text.strip())


EMAIL = FieldType(
    name="email",
    value_type=ValueType.TEXT,
    columns=columns,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    key_value=key_value,
    searchable=True,
)
