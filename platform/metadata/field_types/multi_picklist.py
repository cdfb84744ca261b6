"""Several values of a list, in the order of the list.

Here: the type. A value is a tuple of API names without doubles; no value at all is None.
"""

from __future__ import annotations

from typing import Any

from fieldstone.db.column_types import ChoiceSet
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import (
    BadValue,
    CellFormat,
    Coerce,
    FieldType,
    Schema,
    Typed,
    Value,
    value_column,
    wrong_type,
)
from fieldstone.metadata.field_types.picklist import by_label, unknown
from fieldstone.rules.value_types import ValueType

MOST_CHOSEN = 50


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of an array of API names: doubles are dropped, the order becomes the list's."""
    place = {value.name: index for index, value in enumerate(field.values) if value.active}
    most = field.max_chosen or MOST_CHOSEN

    def decode(value: Any) -> tuple[str, ...] | None:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise wrong_type("array", value)
        for item in value:
            if type(item) is not str:
                raise wrong_type("text", item)
            if item not in place and (field.restricted or not item or ";" in item):
                raise unknown(field, item)
        chosen = sorted(dict.fromkeys(value), key=lambda name: (place.get(name, len(place)), name))
        if len(chosen) > most:
            raise BadValue("too_many_chosen", {"limit": most, "count": len(chosen)})
        return tuple(chosen) or None

    return decode


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a choice of several."""
    if mode == "read":
        return {"type": ["array", "null"], "items": {"type": "string"}}
    names = [value.name for value in field.values if value.active]
    items: Schema = {"enum": names} if field.restricted else {"type": "string", "pattern": "^[^;]+$"}
    array: Schema = {"type": "array", "minItems": 1} if field.required else {"type": ["array", "null"]}
    return array | {"items": items, "x-beyond-schema": f"at most {field.max_chosen or MOST_CHOSEN} different values"}


def to_json(field: FieldDef, value: tuple[str, ...] | None) -> list[str] | None:
    """Return the chosen API names as an array."""
    return None if value is None else list(value)


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return API names with semicolons between them; a form with boxes sends a list instead."""
    return decoder(field)([name.strip() for name in text.split(";") if name.strip()])


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's choices, semicolons between them, each by API name or by label."""
    names = [name.strip() for name in text.replace("；", ";").split(";") if name.strip()]
    return decoder(field)([by_label(field, name) or name for name in names])


MULTI_PICKLIST = FieldType(
    name="multi_picklist",
    value_type=ValueType.MULTIPICKLIST,
    columns=value_column(ChoiceSet()),
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    to_json=to_json,
    sortable=False,
)
