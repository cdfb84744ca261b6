"""Objects as the caller sees them: labels, fields, keys, relationships, what they may do; the JSON Schema of a record.

Here: `/objects`. Not here: the OpenAPI document (`openapi.py`), definitions as documents (`metadata.py`).
"""

from __future__ import annotations

from typing import Any

from fieldstone.api.call import Answer, Call
from fieldstone.api.operations import operation
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.field_types.number import digits
from fieldstone.metadata.record_schema import record_schema

READS = "records:read"
NUMERIC = frozenset({"number", "currency", "percent"})
OBJECTS = {"type": "object", "required": ["objects"], "properties": {"objects": {"type": "array", "items": {"type": "object"}}}}
OBJECT = {"type": "object", "required": ["name", "label", "fields"]}


def open_objects(call: Call) -> list[ObjectDef]:
    """Return the objects that the caller may read and that are open to programs, by name."""
    found = (call.snapshot.objects[name] for name in sorted(call.rights.visible_objects))
    return [each for each in found if "api" in each.features]


@operation("GET", "/objects", "The objects that the caller may read.", scope=READS, answers={200: OBJECTS})
def list_objects(call: Call) -> Answer:
    """Name, labels and rights of each object."""
    return Answer({"objects": [_head(call, each) for each in open_objects(call)]})


def _head(call: Call, definition: ObjectDef) -> dict[str, Any]:
    return {
        "name": definition.name,
        "label": call.label(definition.label, definition.name),
        "plural": call.label(definition.plural or definition.label, definition.name),
        "owner": definition.owner,
        "may": [right for right in ("create", "read", "edit", "delete") if call.rights.can(definition.name, right)],
    }


@operation("GET", "/objects/{object}", "Fields, keys and relationships of an object.", scope=READS, answers={200: OBJECT}, refusals=(404,))
def describe_object(call: Call, object_name: str) -> Answer:
    """One object, as far as the caller may read it."""
    definition = call.object(object_name)
    readable, editable = call.rights.readable(definition.name), call.rights.editable(definition.name)
    found = _head(call, definition) | {
        "name_field": definition.name_field,
        "owned_by": definition.owned_by,
        "features": sorted(definition.features),
        "fields": [_field(call, each, each.name in editable) for each in definition.all_fields if each.name in readable],
        "keys": [{"name": each.name, "fields": list(each.fields)} for each in definition.keys if set(each.fields) <= readable],
        "relationships": [
            {"name": each.name, "object": each.child.name, "field": each.field.name}
            for each in call.snapshot.children(definition.name)
            if each.field.name in call.rights.readable(each.child.name)
        ],
        "record_types": [_record_type(call, definition, name) for name in definition.record_types],
    }
    return Answer(found)


def _record_type(call: Call, definition: ObjectDef, name: str) -> dict[str, Any]:
    found = call.snapshot.find("record_type", name, definition.name)
    label = found.label if isinstance(found, RecordTypeDef) else {}
    return {"name": name, "label": call.label(label, name)}


def _field(call: Call, field: FieldDef, editable: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": field.name,
        "label": call.label(field.label, field.name),
        "type": field.type,
        "required": field.required,
        "editable": editable,
        "system": field.system,
    }
    if field.help:
        found["help"] = call.label(field.help)
    if field.returns is not None:
        found["returns"] = field.returns
    if field.length is not None:
        found["length"] = field.length
    if field.result_type in NUMERIC:
        found["precision"], found["scale"] = digits(field)
    for name in ("unique", "external_id"):
        if getattr(field, name):
            found[name] = True
    if field.type in LOOKUPS and field.to in call.rights.visible_objects:
        found["to"] = field.to
    if field.values:
        found["values"] = [{"name": each.name, "label": call.label(each.label, each.name), "active": each.active} for each in field.values]
    if field.controlled_by is not None and field.allowed is not None:
        found["controlled_by"] = field.controlled_by
        found["allowed"] = {name: list(values) for name, values in field.allowed.items()}
    return found


@operation(
    "GET", "/objects/{object}/schema", "The JSON Schema of a record.", scope=READS, answers={200: {"type": "object"}}, refusals=(404,)
)
def object_schema(call: Call, object_name: str) -> Answer:
    """The schema of what may be created, changed and read, for the caller."""
    definition = call.object(object_name)
    readable, editable = call.rights.readable(definition.name), call.rights.editable(definition.name)
    return Answer(record_schema(call.snapshot, definition.name, readable=readable, editable=editable))
