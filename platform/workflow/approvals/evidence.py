"""What a decision rests on: the evidence fields of a record as they are now, and their hash.

Here: `gather` and `Evidence`. Not here: keeping it (`store.py`), comparing hashes (`decide.py`).

It is read on behalf of the process, not of the person who decides: an open task grants its holder the evidence fields, nothing more.
Source: spec/workflow.md, section 14.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from fieldstone.errors import NotVisible
from fieldstone.limits import PAGE_RECORDS
from fieldstone.metadata.definitions import ApprovalProcessDef
from fieldstone.metadata.snapshot import Relation
from fieldstone.records.gate import Gate
from fieldstone.records.query import Query, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is shown to whoever decides, as JSON, and the hash of it without names.

    `shown`: {"fields": {name: value}, "children": {relation: [{"id": …, name: value}]}}; a lookup is {"id", "name"}, numbers and dates
    are texts.
    """

    hash: str
    shown: Mapping[str, Any]


def gather(gate: Gate, process: ApprovalProcessDef, record_id: str) -> Evidence:
    """Return the evidence of a record as it is in the gate's transaction. Raises NotVisible if the record is gone."""
    found = gather_all(gate, process, [record_id]).get(record_id)
    if found is None:
        raise NotVisible(process.object or "")
    return found


def gather_all(gate: Gate, process: ApprovalProcessDef, record_ids: Sequence[str]) -> Mapping[str, Evidence]:
    """Return the evidence of several records by their ids; one statement, and one for each relation, whatever their number."""
    definition = gate.snapshot.object(process.object or "")
    names = tuple(field.name for name in process.evidence if (field := definition.field(name)) is not None)
    relations = [found for name in process.evidence if (found := gate.snapshot.relation(definition.name, name)) is not None]
    records = {str(record["id"]): record for record in gate.records(definition.name, record_ids, names)}
    children = {f"{each.child.name}.{each.field.name}": _children(gate, each, list(records)) for each in relations}
    gathered = {}
    for record_id, record in records.items():
        shown = {
            "fields": {name: plain(record.get(name)) for name in names},
            "children": {relation: found.get(record_id, []) for relation, found in children.items()},
        }
        gathered[record_id] = Evidence(hash=hash_of(shown), shown=shown)
    return gathered


def _children(gate: Gate, relation: Relation, record_ids: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
    """The live children of each record with all their own values, in the order of their ids, whatever their number."""
    names = tuple(found.name for found in relation.child.fields.values() if found.column is not None)
    wanted = {"field": relation.field.name, "op": "in", "value": list(record_ids)}
    found: dict[str, list[dict[str, Any]]] = {}
    cursor: str | None = None
    while True:
        page = gate.read(Query(object=relation.child.name, select=names, filter=wanted, limit=PAGE_RECORDS, cursor=cursor))
        for each in page.records:
            found.setdefault(each[relation.field.name].id, []).append({"id": each["id"], **{name: plain(each.get(name)) for name in names}})
        cursor = page.next
        if cursor is None:
            return {record_id: sorted(made, key=_by_id) for record_id, made in found.items()}


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
