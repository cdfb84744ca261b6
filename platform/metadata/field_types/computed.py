"""Fields that nobody types: `auto_number`, `formula`, `roll_up`.

Here: the three types; a computed field has the columns and forms of its result.
Not here: computing (`rules`, `records/steps`), counting (`records/auto_numbers.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fieldstone.db.column_types import PlainText
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types import text
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
    value_column,
)
from fieldstone.rules.value_types import ValueType

COUNTER = re.compile(r"\{(0+)\}")
DATE_PARTS = ("YYYY", "YY", "MM", "DD")
PART = re.compile(r"\{[^{}]*\}")


def pattern_problem(pattern: str) -> str | None:
    """Return the part of an auto-number's pattern that is wrong; None if it has one counter and else date parts and plain text."""
    parts: list[str] = PART.findall(pattern)
    wrong = next((part for part in parts if not COUNTER.fullmatch(part) and part[1:-1] not in DATE_PARTS), None)
    if wrong is not None:
        return wrong
    rest = PART.sub("", pattern)
    if "{" in rest or "}" in rest:
        return rest
    return None if sum(1 for part in parts if COUNTER.fullmatch(part)) == 1 else pattern


def _refuse(field: FieldDef, *given: Any) -> Any:
    raise BadValue("read_only")


def _read_only(field: FieldDef) -> Coerce:
    def decode(value: Any) -> Any:
        raise BadValue("read_only")

    return decode


def _kept_number(field: FieldDef) -> Coerce:
    """An import that keeps numbers, and whoever changes a type, gives them as text."""
    return text.decoder(replace(field, pattern=None, length=60))


AUTO_NUMBER = FieldType(
    name="auto_number",
    value_type=ValueType.TEXT,
    columns=value_column(PlainText()),
    decoder=_kept_number,
    schema=lambda field, mode: {"type": "string"},
    of_text=_refuse,
    of_cell=lambda field, cell, form: _kept_number(field)(cell),
    searchable=True,
)


def computed_types(result: Callable[[FieldDef], FieldType]) -> tuple[FieldType, FieldType]:
    """Return `formula` and `roll_up`, which do as the type of their result does (`result(field)`)."""

    def columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
        return result(field).columns(field) if field.stored else ()

    def key_value(field: FieldDef, spec: ColumnSpec) -> KeyValue:
        return result(field).key_value(field, spec)

    def schema(field: FieldDef, mode: str) -> Schema:
        shape = result(field).schema(field, "read")
        return shape | {"type": ["boolean", "null"]} if field.result_type == "checkbox" else shape  # null where its formula fails

    def to_json(field: FieldDef, value: Any) -> Any:
        return result(field).to_json(field, value)

    def of_cell(field: FieldDef, cell: str, form: CellFormat) -> Value:
        raise BadValue("read_only")

    def of_text(field: FieldDef, given: str, typed: Typed) -> Value:
        raise BadValue("read_only")

    def computed(name: str) -> FieldType:
        return FieldType(
            name=name,
            value_type=ValueType.NULL,  # of the result: ask `value_type(field)`
            columns=columns,
            decoder=_read_only,
            schema=schema,
            of_text=of_text,
            of_cell=of_cell,
            to_json=to_json,
            key_value=key_value,
            searchable=name == "formula",
        )

    return computed("formula"), computed("roll_up")
