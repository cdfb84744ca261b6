"""Metadata: documents in, documents out, by the one road check → plan → publish.

Here: `/metadata/…` and the plans that are kept between planning and publishing. Not here: the road (`metadata/`).
Source: spec/api.md, section 6; spec/metadata.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Integer, delete, insert, select, update

from fieldstone.api import problems
from fieldstone.api.call import Answer, Call
from fieldstone.api.once import Keep, once
from fieldstone.api.operations import Param, operation
from fieldstone.db.column_types import Id, JsonText, UtcMoment, is_id
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import retrying
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.i18n import texts
from fieldstone.metadata import changes, documents, meta_schemas, references, versions
from fieldstone.metadata.changes import Author, ChangeSet, Place, Rename
from fieldstone.metadata.identities import LIVE
from fieldstone.metadata.kind_names import FOLDERS
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.plan import Plan, plan
from fieldstone.metadata.publish import publish
from fieldstone.records.changes import Outcome
from fieldstone.records.gate.authors import rights_of_author

READS = "metadata:read"
WRITES = "metadata:write"
HOURS = 24  # that a plan is kept
READERS = ("view_setup", "customize", "view_audit", "manage_packs")
KINDS_NAMES = sorted(FOLDERS)
NAME = {"type": "string", "minLength": 1, "maxLength": 80}
PATH = {"type": "string", "minLength": 1, "maxLength": 400}
SET = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "put": {"type": "array", "maxItems": 5000, "items": {"type": "object", "x-beyond-schema": "a document of a kind's meta-schema"}},
        "remove": {"type": "array", "maxItems": 5000, "items": PATH},
        "rename": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["kind", "name", "to"],
                "additionalProperties": False,
                "properties": {"kind": {"enum": sorted({*FOLDERS, "field"})}, "object": NAME, "name": NAME, "to": NAME},
            },
        },
        "based_on": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    },
}
PUBLISH = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "confirm": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
        "reason": {"type": "string", "maxLength": 500},
    },
}
NOTHING = {"type": "object", "additionalProperties": False, "properties": {}}
OBJECT = {"type": "object"}
PLAN = {"type": "object", "required": ["id", "base_version", "steps", "problems", "confirm"]}
CHECKED = {"type": "object", "required": ["valid", "problems"]}
OF_OBJECT = Param(name="object", schema=NAME, doc="Of kinds that belong to an object: its name.")
KIND = Param(name="kind", schema={"enum": KINDS_NAMES}, doc="Only documents of this kind.")
PACK = Param(name="pack", schema=NAME, doc="Only documents of this pack; `org`: the org's own.")
LIMIT = Param(name="limit", schema={"type": "integer", "minimum": 1, "maximum": 200}, doc="How many, at most.")
BEFORE = Param(name="before", schema={"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, doc="Only versions before this one.")

KEPT_PLAN = system_table(
    "api_plan",
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),
    Column("changes", JsonText, nullable=False),
    Column("confirms", JsonText, nullable=False),
    Column("at", UtcMoment, nullable=False, index=True),
    Column("published", Integer),  # the version that it became
)


# --- reading -----------------------------------------------------------------------------------------------------------------


@operation("GET", "/metadata", "The definitions of the org.", scope=READS, params=(KIND, PACK),
           answers={200: {"type": "object", "required": ["documents"]}}, refusals=(403,))  # fmt: skip
def list_metadata(call: Call) -> Answer:
    """Each document with its hash and whose it is."""
    call.require_setup(*READERS)
    owners = {each.path: each.owner for each in call.snapshot.identities.every() if each.state == LIVE and each.kind != "field"}
    found = [
        {
            "path": path,
            "kind": document["kind"],
            "name": documents.name_of(document),
            "object": document.get("object"),
            "owner": owners.get(path, "org"),
            "hash": documents.content_hash(document),
        }
        for path, document in sorted(call.snapshot.parsed.items())
        if call.query.get("kind") in (None, document["kind"]) and call.query.get("pack") in (None, owners.get(path, "org"))
    ]
    return Answer({"version": call.snapshot.version, "documents": found})


@operation("GET", "/metadata/{kind}/{name}", "One definition as its canonical text.", scope=READS, params=(OF_OBJECT,),
           answers={200: OBJECT, 304: None}, headers=("If-None-Match",), refusals=(403, 404))  # fmt: skip
def get_metadata(call: Call, kind: str, name: str) -> Answer:
    """The canonical text of one document."""
    call.require_setup(*READERS)
    path, document = _document(call, kind, name)
    tag = f'"{documents.content_hash(document)}"'
    if tag in (part.strip() for part in call.request.headers.get("If-None-Match", "").split(",")):
        return Answer(status=304, headers={"ETag": tag})
    return Answer(text=call.snapshot.documents[path].encode(), headers={"ETag": tag})


def _document(call: Call, kind: str, name: str) -> tuple[str, Mapping[str, Any]]:
    of = call.query.get("object")
    for path, document in call.snapshot.parsed.items():
        if document["kind"] == kind and documents.name_of(document).lower() == name.lower() and of in (None, document.get("object")):
            return path, document
    raise NotVisible(name)


@operation("GET", "/metadata/{kind}/{name}/used-by", "What names a definition.", scope=READS, params=(OF_OBJECT,),
           answers={200: {"type": "object", "required": ["used_by"]}}, refusals=(403, 404))  # fmt: skip
def used_by(call: Call, kind: str, name: str) -> Answer:
    """Every place that names a definition. A field goes by the kind `field`, with its object."""
    call.require_setup(*READERS)
    of = call.query.get("object")
    if kind == "field":
        definition = call.snapshot.object(of or "")
        if definition.field(name) is None:
            raise NotVisible(name)
    else:
        _document(call, kind, name)
    found = references.where_used(call.snapshot.parsed, kind, name, of)
    return Answer(
        {"used_by": [{"document": each.document, "pointer": each.pointer, "kind": each.kind, "does": each.does} for each in found]}
    )


@operation("GET", "/metadata/schemas/{kind}", "The meta-schema of a kind.", scope=READS, answers={200: OBJECT}, refusals=(404,))
def meta_schema(call: Call, kind: str) -> Answer:
    """The JSON Schema that documents of a kind follow."""
    if kind not in {*KINDS, "common", "field", "pack"}:
        raise NotVisible(kind)
    return Answer(meta_schemas.published(kind))


@operation("GET", "/metadata/versions", "What was published, the latest first.", scope=READS, params=(LIMIT, BEFORE),
           answers={200: {"type": "object", "required": ["versions"]}}, refusals=(403,))  # fmt: skip
def list_versions(call: Call) -> Answer:
    """Who published what when."""
    call.require_setup(*READERS)
    found = versions.history(call.transaction.connection, before=call.query.get("before"), limit=call.query.get("limit", 50))
    shown = [
        {
            "version": each.version,
            "kind": each.kind,
            "author": each.author,
            "at": each.at,
            "reason": each.reason,
            "pack": each.pack,
            "undoes": each.undoes,
            "documents": each.paths,
            "steps": [texts.word(Problem(code=step["code"], params=step["params"]), call.language, call.snapshot) for step in each.steps],
        }
        for each in found
    ]
    return Answer({"versions": shown})


@operation("GET", "/metadata/versions/{range}", "What differs between two versions, `3...7`.", scope=READS,
           answers={200: {"type": "object", "required": ["differences"]}}, refusals=(403, 404))  # fmt: skip
def compare_versions(call: Call, range: str) -> Answer:
    """The difference per property, and as lines."""
    call.require_setup(*READERS)
    before, dots, after = range.partition("...")
    current = call.snapshot.version
    if not (dots and before.isdecimal() and after.isdecimal() and len(before + after) < 16 and max(int(before), int(after)) <= current):
        raise NotVisible(range)
    found = versions.diff(call.transaction.connection, int(before), int(after))
    shown = [
        {
            "document": each.path,
            "lines": each.lines,
            "properties": [{"pointer": leaf.pointer, "before": leaf.before, "after": leaf.after} for leaf in each.leaves],
        }
        for each in found
    ]
    return Answer({"differences": shown})


# --- check, plan, publish ----------------------------------------------------------------------------------------------------


@operation("POST", "/metadata/check", "Whether a set of documents could be published.", scope=READS, body=SET, answers={200: CHECKED},
           refusals=(403, 422))  # fmt: skip
def check_metadata(call: Call) -> Answer:
    """Every problem at once; changes nothing."""
    call.require_setup(*READERS)
    in_use = call.org.holder.in_use
    planned = plan(call.snapshot, _change_set(call.body), call.transaction.connection, language=call.language, in_use=in_use)
    return Answer({"valid": not planned.refused, "problems": _told(call, planned.problems)})


@operation("POST", "/metadata/plans", "Plan a set of documents.", scope=WRITES, body=SET, answers={201: PLAN}, refusals=(403, 409, 422))
def make_plan(call: Call) -> Answer:
    """What a publish would do, in words and in rows. Runs nothing; kept for 24 hours."""
    call.require_setup("customize", "manage_security", "manage_automation", "manage_templates", writes=True)
    return _kept(call, lambda: _change_set(call.body))


@operation("POST", "/metadata/versions/{version}/restore", "Plan the way back to a version.", scope=WRITES, body=NOTHING,
           body_required=False, answers={201: PLAN}, refusals=(403, 404, 409, 422))  # fmt: skip
def restore_version(call: Call, version: str) -> Answer:
    """A plan that brings a version back."""
    call.require_setup("customize", writes=True)
    if not version.isdecimal() or len(version) > 9 or not 1 <= int(version) <= call.snapshot.version:
        raise NotVisible(version)
    return _kept(call, lambda: versions.back_to(call.transaction.connection, call.snapshot, int(version)))


def _change_set(body: Mapping[str, Any]) -> ChangeSet:
    put = [dict(each) for each in body.get("put", ())]
    unknown = [
        Problem(
            code="unknown_kind",
            params={"kind": str(each.get("kind", ""))[:80], "name": str(each.get("kind", ""))[:80]},
            pointer=f"/put/{index}/kind",
        )
        for index, each in enumerate(put)
        if each.get("kind") not in FOLDERS
    ]
    if unknown:
        raise Refused(unknown)
    rename = tuple(
        Rename(place=Place(kind=each["kind"], object=each.get("object", ""), name=each["name"]), to=each["to"])
        for each in body.get("rename", ())
    )
    return ChangeSet(put=tuple(put), remove=tuple(body.get("remove", ())), rename=rename, based_on=body.get("based_on", {}))


def _planned(call: Call, asked: ChangeSet) -> Plan:
    rights = rights_of_author(call.snapshot, call.rights, asked)
    return plan(call.snapshot, asked, call.transaction.connection, language=call.language, rights=rights, in_use=call.org.holder.in_use)


def _kept(call: Call, change_set: Callable[[], ChangeSet]) -> Answer:
    """Plan and keep, or for a key that was used before answer with the plan that was kept then, as it is by now."""
    return once(call, lambda keep: _plan_and_keep(call, change_set(), keep), lambda done: _as_it_is(call, done.id or "", 201))


def _plan_and_keep(call: Call, asked: ChangeSet, note: Keep) -> Answer:
    planned = _planned(call, asked)
    planned.require()
    # What the documents are now: a publish after somebody else changed them is refused.
    seen = {path: documents.content_hash(call.snapshot.parsed[path]) if path in call.snapshot.parsed else None for path in _paths(asked)}
    kept = changes.to_json(asked) | {"based_on": seen}
    confirms = [ticket(each) for each in planned.confirms]
    plan_id, user = new_id(), call.principal.user_id
    value = _plan_value(call, plan_id, planned)
    call.close()

    def keep(tx: Any) -> None:
        tx.connection.execute(delete(KEPT_PLAN).where(KEPT_PLAN.c.at < tx.now - timedelta(hours=HOURS)))
        tx.connection.execute(insert(KEPT_PLAN).values(id=plan_id, user_id=user, changes=kept, confirms=confirms, at=tx.now))
        note(tx, Outcome(index=0, status="created", object="plan", id=plan_id))

    retrying(call.org.engine, keep)
    return Answer(value, 201, _place(plan_id))


def _place(plan_id: str) -> dict[str, str]:
    return {"Location": f"/api/v1/metadata/plans/{plan_id}"}


def _paths(asked: ChangeSet) -> set[str]:
    return {*(documents.path_of(each) for each in asked.put), *asked.remove}


def ticket(problem: Problem) -> str:
    """Return what a confirmation is sent as: it says what was confirmed, so that a plan that became worse needs a new one."""
    return " ".join(
        part for part in (problem.code, f"{problem.document or ''}{problem.pointer or ''}", str(problem.params.get("rows", ""))) if part
    )


def _plan_value(call: Call, plan_id: str, planned: Plan) -> dict[str, Any]:
    return {
        "id": plan_id,
        "base_version": planned.base_version,
        "documents": sorted(planned.paths),
        "steps": [
            {
                "code": each.code,
                "text": texts.word(each.said, call.language, planned.labels),
                "object": each.object,
                "field": each.field,
                "rows": each.rows,
                "lock": each.lock,
                "reversible": each.reversible,
            }
            for each in planned.steps
        ],
        "problems": _told(call, planned.problems),
        "confirm": [{"confirm": ticket(each), "message": texts.word(each, call.language, planned.labels)} for each in planned.confirms],
    }


def _told(call: Call, listed: Iterable[Problem]) -> list[dict[str, Any]]:
    return [problems.entry(each, call.language, call.snapshot) for each in listed]


def _plan_row(call: Call, plan_id: str) -> Any:
    statement = select(KEPT_PLAN).where(KEPT_PLAN.c.id == plan_id, KEPT_PLAN.c.user_id == call.principal.user_id)
    row = call.transaction.connection.execute(statement).first() if is_id(plan_id) else None
    if row is None:
        raise NotVisible("plan")
    return row


@operation("GET", "/metadata/plans/{plan}", "A plan that is kept.", scope=WRITES, answers={200: PLAN}, refusals=(403, 404, 409, 422))
def get_plan(call: Call, plan: str) -> Answer:
    """The plan as it is by now."""
    call.require_setup("customize", "manage_security", "manage_automation", "manage_templates", writes=True)
    return _as_it_is(call, plan, 200)


def _as_it_is(call: Call, plan_id: str, status: int) -> Answer:
    row = _plan_row(call, plan_id)
    headers = _place(plan_id) if status == 201 else {}
    if row.published is not None:
        done = {"id": plan_id, "base_version": row.published, "published": row.published, "steps": [], "problems": [], "confirm": []}
        return Answer(done, status, headers)
    return Answer(_plan_value(call, plan_id, _planned(call, changes.from_json(row.changes)).require()), status, headers)


@operation("POST", "/metadata/plans/{plan}/publish", "Publish a plan.", scope=WRITES, body=PUBLISH, body_required=False,
           answers={200: {"type": "object", "required": ["version"]}}, refusals=(403, 404, 409, 422))  # fmt: skip
def publish_plan(call: Call, plan: str) -> Answer:
    """Make it the truth; the answer is the version. A plan that was published already answers the same again."""
    call.require_setup("customize", "manage_security", "manage_automation", "manage_templates", writes=True)
    return once(call, lambda keep: _publish(call, plan, keep), lambda done: Answer({"version": done.row_version}))


def _publish(call: Call, plan_id: str, keep: Keep) -> Answer:
    row = _plan_row(call, plan_id)
    if row.published is not None:
        return Answer({"version": row.published})
    body = call.body if isinstance(call.body, dict) else {}
    planned = _planned(call, changes.from_json(row.changes)).require()
    lacking = [each for each in planned.confirms if ticket(each) not in body.get("confirm", ())]
    if lacking:
        raise Refused([Problem(code="confirm_missing", params={"confirm": ticket(each)}, pointer="/confirm") for each in lacking])
    author = Author(id=call.principal.user_id, reason=body.get("reason", ""))
    call.close()
    version = publish(call.org.engine, planned, author=author, snapshots=call.org.holder)

    def note(tx: Any) -> None:
        tx.connection.execute(update(KEPT_PLAN).where(KEPT_PLAN.c.id == row.id).values(published=version))
        keep(tx, Outcome(index=0, status="updated", object="plan", id=row.id, row_version=version))

    retrying(call.org.engine, note)
    return Answer({"version": version})


@operation("POST", "/metadata/plans/{plan}/cancel", "Drop a plan.", scope=WRITES, body=NOTHING, body_required=False, answers={204: None},
           refusals=(403, 404, 422))  # fmt: skip
def cancel_plan(call: Call, plan: str) -> Answer:
    """Forget a plan that was not published."""

    def drop(keep: Keep) -> Answer:
        row = _plan_row(call, plan)

        def work(tx: Any) -> None:
            tx.connection.execute(delete(KEPT_PLAN).where(KEPT_PLAN.c.id == row.id))
            keep(tx, Outcome(index=0, status="deleted", object="plan", id=row.id))

        call.close()
        retrying(call.org.engine, work)
        return Answer(status=204)

    return once(call, drop, lambda done: Answer(status=204))
