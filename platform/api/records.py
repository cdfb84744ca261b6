"""Records: create, read, update, delete, upsert by a key, batches, restore, transfer, clone, history.

Here: which change a request means. Not here: lists (`queries.py`), what every save shares (`saving.py`), any rule.
Source: spec/api.md, sections 2 and 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from fieldstone.api.call import NO_BODY, Answer, Call
from fieldstone.api.operations import Param, operation
from fieldstone.api.parameters import whole
from fieldstone.api.problems import Declined
from fieldstone.api.saving import DRY_RUN, SELECT, asked_version, batch_answer, record_answer, replayed, save
from fieldstone.db.column_types import is_id
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.limits import BATCH_RECORDS
from fieldstone.metadata.definitions.objects import FieldDef, KeyDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.records.changes import Change
from fieldstone.records.query import Query, Reference

WRITES = "records:write"
DELETES = "records:delete"
READS = "records:read"
ONE = "record"
SAVE_PARAMS = (DRY_RUN, SELECT)
VERSION_BODY = {"row_version": {"type": "integer", "minimum": 1}}
PATH = "/records/{object}/{id}"


# --- one record --------------------------------------------------------------------------------------------------------------


@operation(
    "GET",
    PATH,
    "Read one record.",
    scope=READS,
    params=(SELECT,),
    answers={200: ONE, 304: None},
    headers=("If-None-Match",),
    refusals=(404,),
)
def get_record(call: Call, object_name: str, record_id: str) -> Answer:
    """Read one record, with an ETag of its version and its bytes."""
    definition = call.object(object_name)
    record = call.gate.get(definition.name, record_id, call.query.get("select"))
    text = call.dump(record)
    tag = f'"{record["row_version"]}-{hashlib.blake2b(text, digest_size=8).hexdigest()}"'
    if _matches(call.request.headers.get("If-None-Match"), tag):
        return Answer(status=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    return Answer(text=text, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def _matches(header: str | None, tag: str) -> bool:
    return header is not None and (header.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in header.split(",")))


@operation("POST", "/records/{object}", "Create a record.", scope=WRITES, params=SAVE_PARAMS, body="create", right=("create",),
           answers={201: ONE, 200: ONE}, refusals=(403, 404, 409, 422))  # fmt: skip
def create_record(call: Call, object_name: str) -> Answer:
    """Create one record."""
    definition = _writable(call, object_name)
    done = replayed(call) or save(call, [Change(object=definition.name, action="create", values=call.body)])
    return record_answer(call, definition.name, done[0])


@operation("PATCH", PATH, "Change fields of a record.", scope=WRITES, params=SAVE_PARAMS, body="update", right=("edit",),
           answers={200: ONE}, headers=("If-Match",), refusals=(403, 404, 409, 412, 422))  # fmt: skip
def update_record(call: Call, object_name: str, record_id: str) -> Answer:
    """Change the given fields of one record; the last writer of each field wins unless a version is asked for."""
    definition = _writable(call, object_name)
    change = Change(object=definition.name, action="update", id=_id(record_id), values=call.body, row_version=asked_version(call))
    done = replayed(call) or save(call, [change])
    return record_answer(call, definition.name, done[0])


@operation("DELETE", PATH, "Put a record into the recycle bin.", scope=DELETES, params=(DRY_RUN,), right=("delete",),
           answers={204: None}, headers=("If-Match",), refusals=(403, 404, 409, 412, 422))  # fmt: skip
def delete_record(call: Call, object_name: str, record_id: str) -> Answer:
    """Delete one record."""
    definition = call.object(object_name)
    change = Change(object=definition.name, action="delete", id=_id(record_id), row_version=asked_version(call))
    done = replayed(call) or save(call, [change], read_back=False)
    return record_answer(call, definition.name, done[0])


def _id(text: str) -> str:
    """A malformed id answers like a missing one."""
    if not is_id(text):
        raise NotVisible
    return text.lower()


def _writable(call: Call, object_name: str) -> ObjectDef:
    """The object, and the fields of the answer that the call names known to be readable before anything is saved."""
    definition = call.object(object_name)
    readable = call.rights.readable(definition.name)
    unknown = [name for name in call.query.get("select") or () if name not in readable]
    if unknown:
        problems = [Problem(code="unknown_field", params={"name": name, "object": definition.name}, pointer="/select") for name in unknown]
        raise Refused(problems, code="invalid_filter")
    return definition


# --- by a key ----------------------------------------------------------------------------------------------------------------

BY = "/records/{object}/by/{key}"


@operation("GET", BY, "Read the record with a key.", scope=READS, any_params=True, answers={200: ONE}, refusals=(404,))
def get_by_key(call: Call, object_name: str, key: str) -> Answer:
    """Read the record that has these values in a unique field, or in the fields of a composite key."""
    definition = call.object(object_name)
    fields = _key_fields(call, definition, key)
    found = _find(call, definition, fields, [_values_of_query(call, fields)])[0]
    if found is None:
        raise NotVisible
    return Answer(call.gate.get(definition.name, found))


@operation("PUT", BY, "Create or change the record with a key.", scope=WRITES, any_params=True, body="upsert", right=("create", "edit"),
           answers={200: ONE, 201: ONE}, headers=("If-Match", "If-None-Match"), refusals=(403, 404, 409, 412, 422))  # fmt: skip
def upsert_by_key(call: Call, object_name: str, key: str) -> Answer:
    """Upsert: 201 created, 200 updated or unchanged. `If-None-Match: *` only creates, `If-Match` only updates."""
    definition = call.object(object_name)
    fields = _key_fields(call, definition, key)
    given = _values_of_query(call, fields)
    done = replayed(call)
    if done is not None:
        return record_answer(call, definition.name, done[0])
    for attempt in (1, 2):
        found = _find(call, definition, fields, [given])[0]
        _require_wanted(call, found)
        try:
            (outcome,) = save(call, [_upsert(definition, found, {**given, **call.body}, asked_version(call) if found else None)])
        except Refused as refused:
            if attempt == 2 or found is not None or not any(each.code.startswith("not_unique") for each in refused.problems):
                raise
            continue  # somebody has created it in between
        return record_answer(call, definition.name, outcome)
    raise AssertionError("unreachable")


def _require_wanted(call: Call, found: str | None) -> None:
    """Raise Declined (412) where the headers want it the other way."""
    if found is None and "If-Match" in call.request.headers:
        raise Declined(412, "conflict", [Problem(code="if_match_without_record")])
    if found is not None and call.request.headers.get("If-None-Match", "").strip() == "*":
        raise Declined(412, "exists", [Problem(code="exists")])


def _upsert(definition: ObjectDef, found: str | None, values: Mapping[str, Any], row_version: int | None) -> Change:
    if found is None:
        return Change(object=definition.name, action="create", values=values)
    changed = {name: value for name, value in values.items() if name not in ("owner", "record_type")}
    return Change(object=definition.name, action="update", id=found, values=changed, row_version=row_version)


def _key_fields(call: Call, definition: ObjectDef, key: str) -> tuple[FieldDef, ...]:
    """The fields of a key that the caller may read. Raises NotVisible for what is no key to them."""
    readable = call.rights.readable(definition.name)
    composite = next((each for each in definition.keys if isinstance(each, KeyDef) and each.name == key), None)
    single = definition.field(key)
    if composite is not None:
        fields = tuple(definition.fields[name] for name in composite.fields)
    elif single is not None and (single.unique or single.external_id):
        fields = (single,)
    else:
        raise NotVisible
    if not all(each.name in readable for each in fields):
        raise NotVisible
    return fields


def _values_of_query(call: Call, fields: Sequence[FieldDef]) -> dict[str, Any]:
    names = {each.name for each in fields}
    given = {name: value for name, value in call.query.items() if name not in ("numbers", "dry_run")}
    problems = [Problem(code="unknown_parameter", params={"name": name}) for name in given if name not in names]
    problems += [Problem(code="missing_parameter", params={"name": name}) for name in sorted(names - given.keys())]
    if problems:
        raise Declined(400, "unknown_parameter" if all(each.code == "unknown_parameter" for each in problems) else "malformed", problems)
    return given


def _find(call: Call, definition: ObjectDef, fields: Sequence[FieldDef], given: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Return the ids of the records with these keys, None where there is none; a single field costs one statement for all."""
    if len(fields) == 1:
        field = fields[0]
        typed = [_typed(field, each.get(field.name)) for each in given]
        known = call.gate.having(definition.name, field.name, {value for value in typed if value is not None})
        folded = {_folded(field, value): ids for value, ids in known.items()}
        return [next(iter(folded.get(_folded(field, value), ())), None) for value in typed]
    found: list[str | None] = []
    for each in given:
        parts = [{"field": field.name, "op": "eq", "value": each.get(field.name)} for field in fields]
        page = call.gate.read(Query(object=definition.name, select=("id",), filter={"and": parts}, limit=1))
        found.append(page.records[0]["id"] if page.records else None)
    return found


def _folded(field: FieldDef, value: Any) -> Any:
    return value.casefold() if field.ignore_case and isinstance(value, str) else value


def _typed(field: FieldDef, value: Any) -> Any:
    """The typed value of a key; one that fits nothing finds nothing, and the save says why."""
    try:
        typed = FIELD_TYPES[field.type].from_json(field, value)
    except BadValue:
        return None
    return typed if isinstance(typed, str | int | float) or typed is None or not hasattr(typed, "field") else None


# --- many --------------------------------------------------------------------------------------------------------------------

BATCH = {
    "type": "object",
    "required": ["operation", "records"],
    "additionalProperties": False,
    "properties": {
        "operation": {"enum": ["create", "update", "upsert", "delete", "restore"]},
        "key": {"type": "string", "minLength": 1, "maxLength": 80},
        "mode": {"enum": ["all_or_none", "partial"]},
        "records": {"type": "array", "minItems": 1, "maxItems": BATCH_RECORDS, "items": {"type": "object"}},
    },
}
RESULTS = {
    "type": "object",
    "required": ["counts", "results"],
    "properties": {
        "counts": {"type": "object"},
        "results": {"type": "array", "items": {"type": "object", "required": ["index", "status"]}},
    },
}


@operation("POST", "/records/{object}/batch", "Save up to 200 records.", scope=WRITES, params=(DRY_RUN,), body=BATCH,
           right=("create", "edit", "delete"), answers={200: RESULTS}, refusals=(403, 404, 409, 422))  # fmt: skip
def batch(call: Call, object_name: str) -> Answer:
    """Create, change, upsert, delete or restore up to 200 records: all or none, or each by itself."""
    definition = call.object(object_name)
    body = call.body
    if (body["operation"] == "upsert") != ("key" in body):
        raise Refused(Problem(code="key_for_upsert", pointer="/key"))
    if body["operation"] == "delete" and call.principal.scopes is not None and DELETES not in call.principal.scopes:
        raise Refused(Problem(code="scope_missing", params={"scope": DELETES}, pointer="/operation"), code="forbidden")
    done = replayed(call)
    if done is None:
        changes = _changes(call, definition, body)
        done = save(call, changes, mode=body.get("mode", "all_or_none"), read_back=False)
    return batch_answer(call, done)


def _changes(call: Call, definition: ObjectDef, body: Mapping[str, Any]) -> list[Change]:
    match body["operation"]:
        case "create":
            return [Change(object=definition.name, action="create", values=each) for each in body["records"]]
        case "upsert":
            fields = _key_fields(call, definition, body["key"])
            found = _find(call, definition, fields, body["records"])
            return [_upsert(definition, known, each, None) for known, each in zip(found, body["records"], strict=True)]
        case action:
            return _by_ids(definition, action, body["records"])


def _by_ids(definition: ObjectDef, action: Any, records: Sequence[Mapping[str, Any]]) -> list[Change]:
    changes, problems = [], []
    for index, each in enumerate(records):
        record_id, version = each.get("id"), whole(each.get("row_version"))
        if not isinstance(record_id, str):
            problems.append(Problem(code="missing_key", params={"key": "id"}, pointer=f"/records/{index}"))
            continue
        values = {name: value for name, value in each.items() if name not in ("id", "row_version")}
        if values and action != "update":
            problems += [Problem(code="unknown_key", params={"key": name}, pointer=f"/records/{index}/{name}") for name in values]
        changes.append(Change(object=definition.name, action=action, id=record_id, values=values, row_version=version))
    if problems:
        raise Refused(problems)
    return changes


# --- commands ----------------------------------------------------------------------------------------------------------------

NOTHING = {"type": "object", "additionalProperties": False, "properties": VERSION_BODY}
TRANSFER = {
    "type": "object",
    "required": ["owner"],
    "additionalProperties": False,
    "properties": {"owner": {"type": "string", "format": "uuid"}, **VERSION_BODY},
}


@operation("POST", PATH + "/restore", "Take a record out of the recycle bin.", scope=WRITES, body=NOTHING, body_required=False,
           right=("delete",), answers={200: ONE}, refusals=(403, 404, 409, 422))  # fmt: skip
def restore_record(call: Call, object_name: str, record_id: str) -> Answer:
    """Restore one deleted record with what was deleted with it."""
    return _command(call, object_name, record_id, "restore", {})


@operation("POST", PATH + "/transfer", "Give a record another owner.", scope=WRITES, body=TRANSFER, right=("edit",),
           answers={200: ONE}, refusals=(403, 404, 409, 422))  # fmt: skip
def transfer_record(call: Call, object_name: str, record_id: str) -> Answer:
    """Transfer one record to a user or a queue."""
    return _command(call, object_name, record_id, "transfer", {"owner": call.body["owner"]})


def _command(call: Call, object_name: str, record_id: str, action: Any, values: Mapping[str, Any]) -> Answer:
    definition = call.object(object_name)
    version = whole(call.body.get("row_version")) if call.body is not NO_BODY else None
    change = Change(object=definition.name, action=action, id=_id(record_id), values=values, row_version=version)
    done = replayed(call) or save(call, [change])
    return record_answer(call, definition.name, done[0])


@operation("POST", PATH + "/clone", "Create a record like another one.", scope=WRITES, params=SAVE_PARAMS, body="update",
           body_required=False, right=("create",), answers={201: ONE, 200: ONE}, refusals=(403, 404, 409, 422))  # fmt: skip
def clone_record(call: Call, object_name: str, record_id: str) -> Answer:
    """Copy what the caller may read and write of a record, keys left out; the body says what is to differ."""
    definition = _writable(call, object_name)
    done = replayed(call)
    if done is None:
        record = call.gate.get(definition.name, record_id)
        editable = call.rights.editable(definition.name)
        copied = {
            name: _sent(definition.fields[name], value)
            for name, value in record.items()
            if name in editable and not _is_key(definition, name) and not (isinstance(value, Reference) and value.hidden)
        }
        values = copied | (call.body if call.body is not NO_BODY else {})
        done = save(call, [Change(object=definition.name, action="create", values=values, options={"clone": True})])
    return record_answer(call, definition.name, done[0])


def _sent(field: FieldDef, value: Any) -> Any:
    if isinstance(value, Reference):
        return value.id
    sent = FIELD_TYPES[field.type].to_json(field, value)
    return list(sent) if isinstance(sent, tuple) else sent


def _is_key(definition: ObjectDef, name: str) -> bool:
    field = definition.fields[name]
    return field.unique or field.external_id or any(name in each.fields for each in definition.keys)


# --- history -----------------------------------------------------------------------------------------------------------------

LIMIT = Param(name="limit", schema={"type": "integer", "minimum": 1, "maximum": 200}, doc="How many entries, at most.")
BEFORE = Param(name="before", schema={"type": "string", "format": "uuid"}, doc="`next` of the page before.")
HISTORY = {
    "type": "object",
    "required": ["history", "next"],
    "properties": {"history": {"type": "array", "items": {"type": "object"}}, "next": {"type": ["string", "null"]}},
}


@operation("GET", PATH + "/history", "What changed on a record, the latest first.", scope=READS, params=(LIMIT, BEFORE),
           answers={200: HISTORY}, refusals=(404,))  # fmt: skip
def record_history(call: Call, object_name: str, record_id: str) -> Answer:
    """The field history, of fields that may be read today."""
    definition = call.object(object_name)
    limit = call.query.get("limit", 50)
    before = call.query.get("before")
    if before is not None and not is_id(before):
        raise Declined(400, "invalid_cursor", [Problem(code="invalid_cursor")])
    entries = call.gate.history(definition.name, record_id, limit=limit + 1, before=before)
    shown = [
        {
            "id": each.id,
            "field": each.field,
            "old": each.old,
            "new": each.new,
            "by": {"id": each.by, "name": each.by_name},
            "at": each.at,
            "row_version": each.row_version,
            "channel": each.channel,
        }
        for each in entries[:limit]
    ]
    return Answer({"history": shown, "next": shown[-1]["id"] if len(entries) > limit else None})
