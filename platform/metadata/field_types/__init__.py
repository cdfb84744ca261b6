"""Field types: an entry per type, a file per family.

Here: the table `FIELD_TYPES`, and what a field's value is in expressions.
Not here: fields (`definitions/objects.py`), showing and editing values (`web/fields/`).

To add a type: its file here, its part in schemas/field.json, a template in web/fields/.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.checkbox import CHECKBOX
from fieldstone.metadata.field_types.computed import AUTO_NUMBER, computed_types
from fieldstone.metadata.field_types.date import DATE, DATETIME
from fieldstone.metadata.field_types.email import EMAIL
from fieldstone.metadata.field_types.field_type import (
    HIDDEN,
    BadValue,
    CellFormat,
    Coerce,
    ColumnSpec,
    FieldType,
    Hidden,
    RecordKey,
    Typed,
)
from fieldstone.metadata.field_types.long_text import LONG_TEXT, TEXT_AREA
from fieldstone.metadata.field_types.lookup import LOOKUP, MASTER_DETAIL, OWNER, RECORD_ID, USER
from fieldstone.metadata.field_types.multi_picklist import MULTI_PICKLIST
from fieldstone.metadata.field_types.number import CURRENCY, NUMBER, PERCENT
from fieldstone.metadata.field_types.phone import PHONE
from fieldstone.metadata.field_types.picklist import PICKLIST
from fieldstone.metadata.field_types.rich_text import RICH_TEXT
from fieldstone.metadata.field_types.text import TEXT
from fieldstone.metadata.field_types.url import URL
from fieldstone.rules.value_types import ValueType


def result(field: FieldDef) -> FieldType:
    """Return the type that a field's value has: of a formula or roll-up what it gives, else its own."""
    return FIELD_TYPES[field.result_type]


def value_type(field: FieldDef) -> ValueType:
    """Return the type of a field's value in expressions."""
    return result(field).value_type


FORMULA, ROLL_UP = computed_types(result)

FIELD_TYPES: Mapping[str, FieldType] = MappingProxyType(
    {
        type_.name: type_
        for type_ in (
            *(TEXT, TEXT_AREA, LONG_TEXT, RICH_TEXT, EMAIL, PHONE, URL, CHECKBOX, NUMBER, CURRENCY, PERCENT, DATE, DATETIME),
            *(PICKLIST, MULTI_PICKLIST, LOOKUP, MASTER_DETAIL, USER, AUTO_NUMBER, FORMULA, ROLL_UP),
            *(RECORD_ID, OWNER),  # of system fields only
        )
    }
)

__all__ = [
    "FIELD_TYPES",
    "HIDDEN",
    "BadValue",
    "CellFormat",
    "Coerce",
    "ColumnSpec",
    "FieldType",
    "Hidden",
    "RecordKey",
    "Typed",
    "result",
    "value_type",
]
