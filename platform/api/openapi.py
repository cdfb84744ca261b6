"""The OpenAPI 3.1 document of the org for the caller: generated from the table of operations and the live snapshot.

Here: paths for each object that the caller may read, with what their rights and scopes allow; schemas from the very record schema that a
save follows. Not here: the record schema (`metadata/record_schema.py`), the table (`operations.py`).
Source: spec/api.md, section 9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from fieldstone.api import parameters
from fieldstone.api.call import Answer, Call
from fieldstone.api.describe import open_objects
from fieldstone.api.operations import OPERATIONS, Operation, Param, operation
from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.record_schema import record_schema

OBJECTS = Param(
    name="objects",
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 500},
    doc="Only these objects; names with commas.",
)
EVERY = (400, 401, 406, 429, 503)  # what any operation may answer
WITH_BODY = (413, 415, 422)
BUILDERS = frozenset({"view_setup", "customize", "view_audit", "manage_packs"})
WORDS = {
    200: "Done.",
    201: "Created.",
    204: "Done; no body.",
    304: "Unchanged.",
    400: "The request can't be understood.",
    401: "No valid token.",
    403: "Not allowed for the caller.",
    404: "No such thing, or not for the caller.",
    406: "Answers are JSON.",
    409: "Something else stands against it now.",
    412: "The record is not at that version.",
    413: "Too large.",
    415: "The body has to be JSON.",
    422: "The input is wrong.",
    429: "Too many calls.",
    503: "Busy; safe to repeat.",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "pointer": {"type": "string"},
                    "field": {"type": "string"},
                    "rule": {"type": "string"},
                    "suggestion": {"type": "string"},
                    "params": {"type": "object"},
                },
            },
        },
    },
}
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "If-Match": {
        "schema": {"type": "string", "pattern": '^([*]|"[0-9]{1,15}(-[0-9a-f]*)?")$'},
        "description": "The ETag of the record as it was read; a stale one is refused.",
    },
    "If-None-Match": {"schema": {"type": "string"}, "description": "An ETag, or `*`."},
    "Idempotency-Key": {
        "schema": {"type": "string", "pattern": '^"?[!#-~]{1,255}"?$'},
        "description": "The same key again writes nothing and answers the same.",
    },
}
KEYED = ("/records/", "/approvals/")  # paths whose writes take an Idempotency-Key
BEYOND = "rules of the org, unique values, lookups, decimals of numbers"


@operation("GET", "/openapi.json", "This document.", params=(OBJECTS,), answers={200: {"type": "object"}, 304: None},
           headers=("If-None-Match",), refusals=(404,))  # fmt: skip
def openapi(call: Call) -> Answer:
    """The document for the caller: what they may see and do, labels in their language."""
    objects = open_objects(call)
    wanted = call.query.get("objects")
    if wanted is not None:
        known = {each.name: each for each in objects}
        if not set(wanted) <= known.keys():
            raise NotVisible("object")
        objects = [known[name] for name in dict.fromkeys(wanted)]
    key = ("openapi", call.language, tuple(each.name for each in objects))
    text: bytes | None = call.rights.compiled.get(key)
    if text is None:
        text = call.rights.compiled[key] = call.dump(document(call, objects))
    tag = f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (part.strip() for part in call.request.headers.get("If-None-Match", "").split(",")):
        return Answer(status=304, headers=headers)
    return Answer(text=text, headers=headers)


def document(call: Call, objects: list[ObjectDef]) -> dict[str, Any]:
    """Return the document for these objects."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"problem": PROBLEM}
    for each in objects:
        schemas |= _schemas(call, each)
    for declared in OPERATIONS:
        if declared.public or not _may_call(call, declared):
            continue
        for path, definition, given in _paths(call, declared, objects):
            paths.setdefault(path, {})[declared.method.lower()] = _operation(call, declared, path, definition, given)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fieldstone API",
            "version": f"v1-{call.snapshot.version}",
            "description": "The objects of this org, as the caller may see them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _may_call(call: Call, declared: Operation) -> bool:
    scopes = call.principal.scopes
    if declared.scope is not None and scopes is not None and declared.scope not in scopes:
        return False
    builds = declared.path.startswith(("/metadata", "/expressions"))
    return not builds or bool(call.rights.setup_rights & BUILDERS)


def _paths(call: Call, declared: Operation, objects: list[ObjectDef]) -> Iterator[tuple[str, ObjectDef | None, tuple[str, ...]]]:
    """The paths of an operation: for each object, and for each of its keys and relationships; with the parameters that a key takes."""
    if "{object}" not in declared.path:
        yield declared.path, None, ()
        return
    for each in objects:
        if not declared.open_to(call.rights, each.name):
            continue
        path = declared.path.replace("{object}", each.name)
        readable = call.rights.readable(each.name)
        if "{key}" in path:
            keys: dict[str, tuple[str, ...]] = {name: (name,) for name, field in each.fields.items() if field.unique or field.external_id}
            keys |= {key.name: key.fields for key in each.keys}
            for name, fields in keys.items():
                if set(fields) <= readable:
                    yield path.replace("{key}", name), each, tuple(fields)
        elif "{relationship}" in path:
            for relation in call.snapshot.children(each.name):
                if relation.field.name in call.rights.readable(relation.child.name):
                    yield path.replace("{relationship}", relation.name), each, ()
        else:
            yield path, each, ()


def _operation(call: Call, declared: Operation, path: str, definition: ObjectDef | None, keys: tuple[str, ...]) -> dict[str, Any]:
    tag = definition.name if definition is not None else declared.path.split("/")[1].partition(".")[0] or "entry"
    found: dict[str, Any] = {
        "operationId": _id_of(declared, path),
        "summary": declared.doc,
        "description": f"{declared.doc} {call.label(definition.label, definition.name)}." if definition is not None else declared.doc,
        "tags": [tag],
        "parameters": [*_path_parameters(path), *_query_parameters(declared, keys), *_header_parameters(declared)],
        "responses": {str(status): each for status, each in sorted(_responses(call, declared, definition).items())},
    }
    if declared.body is not None:
        content = {"application/json": {"schema": _body(declared, definition)}}
        found["requestBody"] = {"required": declared.body_required, "content": content}
    return found


def _id_of(declared: Operation, path: str) -> str:
    if "{object}" not in declared.path:
        return declared.name
    steps = [step for step in path.split("/")[2:] if step and not step.startswith("{")]
    return "_".join([declared.name, *(step for step in steps if step not in ("by", "batch", "query", "history", "related"))])


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for step in path.split("/"):
        if step.startswith("{"):
            name = step.strip("{}")
            schema = (
                {"type": "string", "format": "uuid"}
                if name in ("id", "task", "instance", "token", "plan")
                else {"type": "string", "minLength": 1}
            )
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(declared: Operation, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for name in keys:
        yield {"name": name, "in": "query", "required": True, "schema": {"type": "string", "x-beyond-schema": "a value of the field"}}
    for each in (*declared.params, parameters.NUMBERS):
        found: dict[str, Any] = {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": each.doc,
            "schema": each.schema,
        }
        if each.schema.get("type") == "array":
            found |= {"style": "form", "explode": False}
        yield found


def _header_parameters(declared: Operation) -> Iterator[dict[str, Any]]:
    keyed = declared.saves and declared.path.startswith(KEYED) and not declared.path.endswith(("/query", "/decide"))
    for name in (*declared.headers, *(("Idempotency-Key",) if keyed else ())):
        yield {"name": name, "in": "header", "required": False, **HEADERS[name]}


def _body(declared: Operation, definition: ObjectDef | None) -> Any:
    if isinstance(declared.body, str):
        assert definition is not None
        return {"$ref": f"#/components/schemas/{definition.name}_{declared.body}"}
    return declared.body


def _responses(call: Call, declared: Operation, definition: ObjectDef | None) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for status, schema in declared.answers.items():
        found[status] = {"description": WORDS[status]}
        if schema is not None:
            found[status]["content"] = {"application/json": {"schema": _answer(schema, definition)}}
        if status == 201 and definition is not None and declared.name in ("create_record", "clone_record"):
            found[status]["links"] = _links(call, definition)
    refused = {*EVERY, *declared.refusals, *(WITH_BODY if declared.body is not None else ())}
    refused |= {403} if declared.scope is not None else set()
    refused |= {404} if "{" in declared.path else set()
    for status in refused:
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
        found[status] = {"description": WORDS[status], "content": content}
    return found


def _answer(schema: Mapping[str, Any] | str, definition: ObjectDef | None) -> Any:
    if not isinstance(schema, str):
        return schema
    assert definition is not None
    record = {"type": "object"} if schema == "related" else {"$ref": f"#/components/schemas/{definition.name}"}
    if schema == "record":
        return record
    pages = {
        "type": "object",
        "required": ["records", "next"],
        "properties": {"records": {"type": "array", "items": record}, "next": {"type": ["string", "null"]}, "count": {"type": "object"}},
    }
    groups = {"type": "object", "required": ["groups"], "properties": {"groups": {"type": "array", "items": {"type": "object"}}}}
    return pages if schema == "related" else {"anyOf": [pages, groups]}


def _links(call: Call, definition: ObjectDef) -> dict[str, Any]:
    """What can be done with a record that was made: what the document holds of get, update and delete."""
    linked = {f"{name}_record": name for name in ("get", "update", "delete")}
    return {
        linked[each.name]: {"operationId": f"{each.name}_{definition.name}", "parameters": {"id": "$response.body#/id"}}
        for each in OPERATIONS
        if each.name in linked and _may_call(call, each) and each.open_to(call.rights, definition.name)
    }


def _schemas(call: Call, definition: ObjectDef) -> dict[str, Any]:
    """The schemas of an object's records, from its record schema: read, create, update, upsert."""
    name = definition.name
    whole = record_schema(call.snapshot, name, readable=call.rights.readable(name), editable=call.rights.editable(name))
    parts = whole["$defs"]
    writable = _moved(parts.pop("writable")["properties"])
    create, read = parts.pop("create"), parts.pop("read")
    parts.pop("update")
    own = _moved(create.get("properties", {}))
    label = call.label(definition.label, name)
    closed = {"type": "object", "additionalProperties": False, "x-beyond-schema": BEYOND}
    found = {key: _moved(value) for key, value in parts.items()}
    found[name] = {"title": label, "type": "object", "properties": _moved(read["properties"])}
    found[f"{name}_create"] = {"title": label, **closed, "properties": {**own, **writable}}
    if create.get("required"):
        found[f"{name}_create"]["required"] = create["required"]
    found[f"{name}_update"] = {"title": label, **closed, "properties": writable}
    found[f"{name}_upsert"] = {"title": label, **closed, "properties": {**own, **writable}}
    return found


def _moved(node: Any) -> Any:
    """Return a part of a record schema with its references led to the document's components."""
    if isinstance(node, Mapping):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" and isinstance(value, str) else _moved(value)
            for key, value in node.items()
        }
    return [_moved(each) for each in node] if isinstance(node, list | tuple) else node
