"""Saves: the pipeline called once, a key that was used before answered from what is kept, outcomes as answers.

Here: what all writing views share. Not here: which changes a body means (`records.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from fieldstone.api import idempotency
from fieldstone.api.call import Answer, Call
from fieldstone.api.operations import Param
from fieldstone.api.problems import Declined, entry
from fieldstone.db.transaction import Transaction, read
from fieldstone.errors import Problem, Refused
from fieldstone.records.changes import Change, Outcome
from fieldstone.records.save import Mode

DRY_RUN = Param(name="dry_run", schema={"type": "boolean"}, doc="`true`: say what would be, and change nothing.")
SELECT = Param(
    name="select",
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 200},
    doc="Fields of the answer, with commas.",
)
VERSION = re.compile(r'"([0-9]{1,15})(?:-[0-9a-f]*)?"')
STATUS = {"created": 201, "updated": 200, "unchanged": 200, "deleted": 204, "restored": 200}
KEPT_AWAY = frozenset({"deleted", "refused"})


def save(call: Call, changes: Sequence[Change], *, mode: Mode = "all_or_none", read_back: bool = True) -> tuple[Outcome, ...]:
    """Save `changes` in one call of the pipeline and return what became of each; the same key again returns what became of it then."""
    dry_run = bool(call.query.get("dry_run"))
    key = None if dry_run else idempotency.key_of(call.request.headers.get("Idempotency-Key"))
    call.close()
    records, principal = call.org.records, call.principal
    if key is None:
        return records.save(principal, changes, mode=mode, channel="api", dry_run=dry_run, read_back=read_back)
    noted: dict[int, Outcome] = {}

    def keep(tx: Transaction, outcomes: tuple[Outcome, ...]) -> None:
        noted.update({each.index: each for each in outcomes})
        idempotency.keep(tx, principal.fingerprint, key, call.fingerprint, call.request_id, noted)

    try:
        return records.save(principal, changes, mode=mode, channel="api", read_back=read_back, also=keep)
    except IntegrityError:
        found = replayed(call)  # the same key at the same time: the other one was faster
        if found is None:
            raise
        return found


def replayed(call: Call) -> tuple[Outcome, ...] | None:
    """Return what became of the request that had this call's key; None if it has none or the key is free."""
    key = idempotency.key_of(call.request.headers.get("Idempotency-Key"))
    if key is None or call.query.get("dry_run"):
        return None
    call.close()
    with read(call.org.engine) as tx:
        found = idempotency.find(tx.connection, call.principal.fingerprint, key, call.fingerprint)
    call.replayed = found is not None
    return found


def asked_version(call: Call, current: int | None = None) -> int | None:
    """Return the row version that `If-Match` names; None without one, or for `*`. Raises Declined (400) for what is no ETag of ours."""
    header = call.request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return current
    found = VERSION.fullmatch(header.strip())
    if found is None:
        raise Declined(400, "malformed", [Problem(code="no_such_version")])
    return int(found[1])


def record_answer(call: Call, object_name: str, outcome: Outcome) -> Answer:
    """Return the answer to the save of one record: the record as the caller may read it now."""
    status = STATUS[outcome.status]
    headers: dict[str, str] = {} if outcome.status in ("deleted", "restored") else {"Fieldstone-Outcome": outcome.status}
    if outcome.status == "deleted":
        return Answer(status=204, headers=headers)
    if call.query.get("dry_run"):
        status = 200
    elif outcome.status == "created":
        headers["Location"] = f"/api/v1/records/{object_name}/{outcome.id}"
    if "return=minimal" in call.request.headers.get("Prefer", ""):
        return Answer({"id": outcome.id, "row_version": outcome.row_version}, status, headers)
    record = outcome.record if not call.replayed else _read_again(call, object_name, outcome.id)
    if record is None:
        return Answer({"id": outcome.id}, status, headers)  # saved, and out of the caller's sight by now
    shown = chosen(call, record)
    if call.query.get("dry_run"):
        shown = {name: value for name, value in shown.items() if name != "id" or outcome.status != "created"}
    else:
        headers["ETag"] = f'"{record["row_version"]}"'
    return Answer(shown, status, headers)


def _read_again(call: Call, object_name: str, record_id: str | None) -> Mapping[str, Any] | None:
    found = call.gate.records(object_name, [record_id or ""])
    return found[0] if found else None


def chosen(call: Call, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a saved record that the call wants to see."""
    wanted = call.query.get("select")
    if wanted is None:
        return dict(record)
    unknown = [name for name in wanted if name not in record]
    if unknown:
        raise Refused(
            [Problem(code="unknown_field", params={"name": name, "object": ""}, pointer="/select") for name in unknown],
            code="invalid_filter",
        )
    return {name: record[name] for name in dict.fromkeys(["id", "row_version", *wanted])}


def batch_answer(call: Call, outcomes: Sequence[Outcome]) -> Answer:
    """Return the answer to many saves: counts, and each outcome at its place."""
    counts = {"created": 0, "updated": 0, "unchanged": 0, "deleted": 0, "restored": 0, "failed": 0}
    results = []
    for each in outcomes:
        counts["failed" if each.status == "refused" else each.status] += 1
        results.append(_result(call, each))
    return Answer({"counts": counts, "results": results})


def _result(call: Call, outcome: Outcome) -> dict[str, Any]:
    from fieldstone.api.problems import STATUS_OF_CODE

    if outcome.status == "refused":
        listed = [entry(each, call.language, call.snapshot, outcome.object) for each in outcome.problems]
        for each in listed:
            each["pointer"] = f"/records/{outcome.index}{each.get('pointer', '')}"
        status = STATUS_OF_CODE.get(outcome.code, 422)
        return {"index": outcome.index, "status": status, "code": outcome.code, "problems": listed}
    found = {"index": outcome.index, "status": STATUS[outcome.status], "outcome": outcome.status, "id": outcome.id}
    if outcome.status not in KEPT_AWAY:
        found["row_version"] = outcome.row_version
    return found
