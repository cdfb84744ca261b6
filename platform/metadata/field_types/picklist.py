"""One value of a list, by API name.

Here: the type. Not here: which values another field or a record type leaves (`records/steps`), colours.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types import text
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, FieldType, Schema, Typed, Value, wrong_type
from fieldstone.metadata.field_types.long_text import value_only
from fieldstone.metadata.names import nearest
from fieldstone.rules.value_types import ValueType

OPEN_LENGTH = 100  # of a value that an open list takes although it does not have it


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of an API name: of an active value; of any text if the list is open. Inactive ones stay only where they are."""
    choosable = {value.name: value.name for value in field.values if value.active}
    lowered = {name.lower(): name for name in choosable}

    def decode(value: Any) -> str | None:
        if value is None or value == "":
            return None
        if type(value) is not str:
            raise wrong_type("text", value)
        found = choosable.get(value)
        if found is not None:
            return found
        if field.restricted:
            raise unknown(field, value, lowered.get(value.lower()))
        if len(value) > OPEN_LENGTH:
            raise BadValue("too_long", {"limit": OPEN_LENGTH, "count": len(value)})
        if ";" in value:
            raise BadValue("control_characters")
        return text.line(value)

    return decode


def unknown(field: FieldDef, value: str, meant: str | None = None) -> BadValue:
    """Return the refusal of a value that the list does not have, or has no more."""
    kept = field.value(value)
    if kept is not None and not kept.active:
        return BadValue("inactive_value", {"value": value})
    labels = {item.name: tuple(item.label.values()) for item in field.values if item.active}
    return BadValue("unknown_choice", {"value": value[:100]}, meant or nearest(value, labels, labels))


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a choice: the active values."""
    if mode == "read":
        return {"type": ["string", "null"]}
    default = {"default": field.default} if field.default is not None else {}
    beyond = {"x-beyond-schema": f"depends on {field.controlled_by}"} if field.controlled_by else {}
    if not field.restricted:
        required = {"type": "string", "minLength": 1} if field.required else {}
        return {"$ref": "#/$defs/line"} | required | {"maxLength": OPEN_LENGTH, "pattern": "^[^;]*$"} | default | beyond
    values: list[str | None] = [value.name for value in field.values if value.active]
    return {"enum": values if field.required else [*values, None]} | default | beyond


def by_label(field: FieldDef, given: str) -> str | None:
    """Return the API name that `given` means: itself, else the one value that has it as a label in any language; None otherwise."""
    plain = unicodedata.normalize("NFKC", given).strip()
    folded = plain.casefold()
    for value in field.values:
        if value.name == plain:
            return value.name
    names = [value.name for value in field.values if value.name.casefold() == folded]
    labelled = [value.name for value in field.values if any(label.strip().casefold() == folded for label in value.label.values())]
    found = names or labelled
    return found[0] if len(found) == 1 else None


def of_text(field: FieldDef, given: str, typed: Typed) -> Value:
    """Return a chosen API name."""
    return decoder(field)(given.strip())


def of_cell(field: FieldDef, given: str, form: CellFormat) -> Value:
    """Return a cell's choice: by API name, else by label in any language if exactly one fits."""
    return decoder(field)(by_label(field, given) or given.strip())


PICKLIST = FieldType(
    name="picklist",
    value_type=ValueType.PICKLIST,
    columns=value_only,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
)
