"""Fields that hold the id of another record: `lookup`, `master_detail`, `user`; and the system fields `id` and `owner`.

Here: the types; what a caller may give for a record.
Not here: whether the record exists and may be seen (`records/gate`), names of records.
"""

from __future__ import annotations

import re
from typing import Any

from fieldstone.db.column_types import Id
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import (
    HIDDEN,
    BadValue,
    CellFormat,
    Coerce,
    FieldType,
    RecordKey,
    Schema,
    Typed,
    Value,
    json_type,
    value_column,
    wrong_type,
)
from fieldstone.rules.value_types import ValueType

UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def is_record_id(text: str) -> bool:
    """Tell whether `text` could be the id of a record, in any letter case."""
    return UUID.fullmatch(text) is not None


def record_id(value: str) -> str:
    """Return an id in its one form. A malformed one answers like one that does not exist."""
    if not is_record_id(value):
        raise BadValue("record_not_found", {"value": value[:100]})
    return value.lower()


def decode(value: Any) -> Any:
    """Return what a caller gave for a record: its id; RecordKey for an external id; HIDDEN for what was sent out hidden; None."""
    if value is None:
        return None
    if type(value) is str:
        return record_id(value)
    if not isinstance(value, dict):
        raise wrong_type("text", value)
    if value.get("hidden") is True:
        return HIDDEN
    if "id" in value:
        return record_id(value["id"] if type(value["id"]) is str else "")
    return _key(value)


def _key(value: dict[str, Any]) -> RecordKey:
    if len(value) != 1:
        raise BadValue("one_key", {"count": len(value)})
    ((name, key),) = value.items()
    if json_type(key) not in ("text", "number") or key == "":
        raise BadValue("record_not_found", {"value": name})
    return RecordKey(field=name, value=key)


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of a reference."""
    return decode


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a reference."""
    if mode == "read":
        return {"$ref": "#/$defs/seen"}
    found: Schema = {"$ref": "#/$defs/to"} if field.required else {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/to"}]}
    found["x-to"] = [field.to]
    if field.filter:
        found["x-beyond-schema"] = "lookup filter"
    return found


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return the id that a picker sent."""
    return record_id(text.strip()) if text.strip() else None


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's id, or its text as the record's name: RecordKey of the field "name"."""
    plain = text.strip()
    if not plain:
        return None
    return plain.lower() if is_record_id(plain) else RecordKey(field="name", value=plain)


def to_json(field: FieldDef, value: Any) -> Any:
    """Return a bare id as {"id"}; the gate hands out references that say more."""
    return {"id": value} if isinstance(value, str) else value


def _reference(name: str) -> FieldType:
    return FieldType(
        name=name,
        value_type=ValueType.ID,
        columns=value_column(Id()),
        decoder=decoder,
        schema=schema,
        of_text=of_text,
        of_cell=of_cell,
        to_json=to_json,
    )


LOOKUP = _reference("lookup")
MASTER_DETAIL = _reference("master_detail")
USER = _reference("user")
OWNER = _reference("owner")  # of system fields only: a user or a queue


def _id_decoder(field: FieldDef) -> Coerce:
    def decode_id(value: Any) -> str | None:
        if value is None:
            return None
        if type(value) is not str:
            raise wrong_type("text", value)
        return record_id(value)

    return decode_id


RECORD_ID = FieldType(  # of system fields only
    name="id",
    value_type=ValueType.ID,
    columns=value_column(Id()),
    decoder=_id_decoder,
    schema=lambda field, mode: {"$ref": "#/$defs/id"},
    of_text=of_text,
    of_cell=of_text,  # type: ignore[arg-type]
)
