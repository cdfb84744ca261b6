"""What a decision rests on: the evidence fields of a record as they are now, and their hash.

Here: `gather` and `Evidence`. Not here: keeping it (`store.py`), comparing hashes (`decide.py`).

It is read on behalf of the process, not of the person who decides: an open task grants its holder the evidence fields, nothing more.
Source: spec/workflow.md, section 14.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from fieldstone.limits import PAGE_RECORDS
from fieldstone.metadata.definitions import ApprovalProcessDef
from fieldstone.metadata.snapshot import Relation
from fieldstone.records.gate import Gate
from fieldstone.records.query import Query, Record, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is shown to whoever decides, as JSON, and the hash of it without names.

    `shown`: {"fields": {name: value}, "children": {relation: [{"id": …, name: value}]}}; a lookup is {"id", "name"}, numbers and dates
    are texts.
    """

    hash: str
    shown: Mapping[str, Any]


def gather(gate: Gate, process: ApprovalProcessDef, record_id: str) -> Evidence:
    """Return the evidence of a record as it is in the gate's transaction; one statement, and one for each relation."""
    definition = gate.snapshot.object(process.object or "")
    names = tuple(field.name for name in process.evidence if (field := definition.field(name)) is not None)
    relations = [found for name in process.evidence if (found := gate.snapshot.relation(definition.name, name)) is not None]
    record = gate.get(definition.name, record_id, select=names)
    shown = {
        "fields": {name: plain(record.get(name)) for name in names},
        "children": {f"{each.child.name}.{each.field.name}": _children(gate, each, record_id) for each in relations},
    }
    return Evidence(hash=hash_of(shown), shown=shown)


def _children(gate: Gate, relation: Relation, record_id: str) -> list[dict[str, Any]]:
    """The live children with all their own values, in the order of their ids, whatever their number."""
    names = tuple(found.name for found in relation.child.fields.values() if found.column is not None)
    wanted = {"field": relation.field.name, "op": "eq", "value": record_id}
    query = Query(object=relation.child.name, select=names, filter=wanted, limit=PAGE_RECORDS)
    records: list[Record] = []
    cursor: str | None = None
    while True:
        page = gate.read(Query(object=query.object, select=names, filter=wanted, limit=PAGE_RECORDS, cursor=cursor))
        records += page.records
        cursor = page.next
        if cursor is None:
            return sorted(({"id": each["id"], **{name: plain(each.get(name)) for name in names}} for each in records), key=_by_id)


def _by_id(child: Mapping[str, Any]) -> str:
    return str(child["id"])


def plain(value: Any) -> Any:
    """Return a typed value as JSON can say it without losing a digit."""
    match value:
        case Reference():
            return {"id": value.id, "name": value.name}
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case tuple() | list() | set() | frozenset():
            return [plain(each) for each in value]
    return value


def hash_of(shown: Mapping[str, Any]) -> str:
    """Return the hash of what is shown: SHA-256 of its canonical text. Names of records do not count: a renamed customer is the same."""
    return hashlib.sha256(orjson.dumps(_without_names(shown), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _without_names(value: Any) -> Any:
    match value:
        case {"id": found, "name": _} if len(value) == 2:
            return found
        case dict():
            return {key: _without_names(each) for key, each in value.items()}
        case list():
            return [_without_names(each) for each in value]
    return value
