"""A phone number: kept as typed, compared in international form.

Here: the type. Not here: calling.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types import text
from fieldstone.metadata.field_types.field_type import CellFormat, Coerce, ColumnSpec, FieldType, KeyValue, Schema, Typed, Value
from fieldstone.metadata.field_types.keys import phone_key
from fieldstone.rules.value_types import ValueType

LENGTH = 40


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of a number as typed."""
    return text.decoder(replace(field, length=LENGTH))


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a number as typed."""
    return text.schema(replace(field, length=LENGTH), mode)


def columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return value and match key."""
    return (text.VALUE, text.MATCH)


def key_value(field: FieldDef, spec: ColumnSpec) -> KeyValue:
    """Return the function that gives the international form; a number without country is of the field's region."""
    return partial(phone_key, region=field.region)


def of_text(field: FieldDef, typed_text: str, typed: Typed) -> Value:
    """Return a typed number."""
    return decoder(field)(text.NOT_IN_A_LINE.sub(" ", typed_text)) if typed_text else None


def of_cell(field: FieldDef, cell: str, form: CellFormat) -> Value:
    """Return a cell's number."""
    return of_text(field, cell, Typed())


PHONE = FieldType(
    name="phone",
    value_type=ValueType.TEXT,
    columns=columns,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    key_value=key_value,
    searchable=True,
)
