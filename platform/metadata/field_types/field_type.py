"""What a field type is: all that is known about a type, in one entry.

Here: `FieldType`, the columns it has, `BadValue`, and how values that people type or paste are read (`Typed`, `CellFormat`).
Not here: the types (a file each beside this one), records' schemas as a whole (`metadata/record_schema.py`).
Source: spec/metadata.md, section 3; spec/api.md, section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from datetime import date, tzinfo
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy.types import TypeEngine

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.rules.value_types import ValueType

Value: TypeAlias = Any  # typed, None for blank
Schema: TypeAlias = dict[str, Any]
Coerce: TypeAlias = Callable[[Any], Value]  # raises BadValue


class BadValue(ValueError):
    """A value that a field does not take: why (`code`, `params`: see i18n/problems/metadata.json) and, when known, what would fit."""

    def __init__(self, code: str, params: Mapping[str, object] | None = None, suggestion: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, object] = params or {}
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """One physical column of a field: its name is the field's column name and `suffix`.

    `key`: None for the value itself, "sort" or "match" for a second column that the pipeline keeps beside it.
    """

    type: TypeEngine[Any]
    suffix: str = ""
    nullable: bool = True
    default: object = None  # of a column that is not nullable: what rows get that were there before
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Who typed a value into a form: how numbers and dates are written there, and which day it is."""

    language: str = "en"
    zone: tzinfo = made(default_factory=lambda: ZoneInfo("UTC"))
    today: date = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFormat:
    """How one column of a file is to be read; chosen by the person who imports.

    `date`: such as "M/D/Y", "D.M.Y", "Y年M月D日", "ROC" (years of the Republic); None: ISO. `zone`: of datetimes without offset;
    None: an offset is compulsory. `decimal`: the decimal mark. `round`: too many decimals are rounded half away from zero, not refused.
    `language`: in which labels of picklist values are looked for first.
    """

    date: str | None = None
    zone: tzinfo | None = None
    decimal: str = "."
    round: bool = False
    language: str = "en"


Format: TypeAlias = CellFormat | str | None  # a text is the date format alone

KeyValue: TypeAlias = Callable[[Value], str | None]


def _as_it_is(field: FieldDef, value: Value) -> Any:
    return value


def _no_key(field: FieldDef, spec: ColumnSpec) -> KeyValue:
    raise AssertionError(f"{field.type} has no key columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """One type of fields. All functions take the field, whose options they read.

    `decoder(field)` makes the coercer of JSON values: typed value or BadValue; None and "" (of texts) are blank.
    `schema(field, mode)`: the JSON Schema of a value, `mode` "write" or "read"; `required` is already in it.
    `of_text(field, text, typed)`: what a person typed into a form; `of_cell(field, text, format)`: a cell of a file, never empty.
    """

    name: str
    value_type: ValueType
    columns: Callable[[FieldDef], tuple[ColumnSpec, ...]]
    decoder: Callable[[FieldDef], Coerce]
    schema: Callable[[FieldDef, str], Schema]
    of_text: Callable[[FieldDef, str, Typed], Value]
    of_cell: Callable[[FieldDef, str, CellFormat], Value]
    to_json: Callable[[FieldDef, Value], Any] = _as_it_is
    key_value: Callable[[FieldDef, ColumnSpec], KeyValue] = _no_key
    sortable: bool = True
    filterable: bool = True
    groupable: bool = True
    searchable: bool = False

    def json_schema(self, field: FieldDef, mode: str) -> Schema:
        """Return the JSON Schema of a value of `field`: what may be written ("write") or is sent out ("read")."""
        return self.schema(field, mode)

    def from_json(self, field: FieldDef, value: object) -> Value:
        """Return a JSON value (numbers as int or Decimal) as typed value. Raises BadValue."""
        return self.decoder(field)(value)

    def from_form(self, field: FieldDef, text: str | list[str] | tuple[str, ...], typed: Typed) -> Value:
        """Return what a person typed or chose as typed value: empty is blank. Raises BadValue."""
        if not isinstance(text, str):
            if self.value_type is ValueType.MULTIPICKLIST:
                return self.from_json(field, [item for item in text if item])
            text = text[-1] if text else ""  # a box and its hidden field: the last one counts
        return self.of_text(field, text, typed)

    def from_cell(self, field: FieldDef, text: str, form: Format = None) -> Value:
        """Return the text of a file's cell as typed value; "#N/A" is blank. Raises BadValue. An empty cell is the caller's: absent."""
        if text.strip() == "#N/A":
            return None
        return self.of_cell(field, text, form if isinstance(form, CellFormat) else CellFormat(date=form))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKey:
    """A lookup given by an external id of the target: `{"erp_no": "A-17"}`. Whoever saves finds the record."""

    field: str
    value: object


@dataclass(frozen=True, slots=True)
class Hidden:
    """A lookup sent back as it went out, `{"hidden": true}`: it stays what it is. On a create there is nothing to keep."""


HIDDEN = Hidden()


def value_column(type_: TypeEngine[Any]) -> Callable[[FieldDef], tuple[ColumnSpec, ...]]:
    """Return `columns` for a type with one column of the same type whatever the options."""
    columns = (ColumnSpec(type=type_),)
    return lambda field: columns


def wrong_type(expected: str, value: object) -> BadValue:
    """Return the refusal of a value of another JSON type."""
    return BadValue("wrong_type", {"expected": expected, "found": json_type(value)})


def json_type(value: object) -> str:
    """Return what people call the JSON type of `value`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {str: "text", list: "array", tuple: "array", dict: "object"}
    return next((name for type_, name in names.items() if isinstance(value, type_)), "number")
