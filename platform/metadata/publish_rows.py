"""What a publish leaves in the tables of metadata: definitions, revisions, columns, the next version, and its own row in the history.

Here: the rows of a publish and of a plan that begins to work on records. Not here: when they are written, and under which
locks (`publish.py`), the tables (`store.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fieldstone.db.transaction import Transaction
from fieldstone.metadata import changes as change_sets
from fieldstone.metadata import documents as texts
from fieldstone.metadata import fills, ownership, statistics, store, tables
from fieldstone.metadata.changes import Author
from fieldstone.metadata.definitions import FieldDef
from fieldstone.metadata.identities import ARCHIVED, PURGED, WRITE_ONLY, Identity, key_of
from fieldstone.metadata.kind_names import PER_OBJECT
from fieldstone.metadata.plan import Plan
from fieldstone.metadata.snapshot import Snapshot


def write(transaction: Transaction, planned: Plan, author: Author, *, kind: str, plan_id: str | None) -> int:
    """Write definitions, history, ownership and the next version; return it. `kind`: as the history names it."""
    connection, now = transaction.connection, transaction.now
    assert planned.proposed is not None
    version = planned.base_version + 1
    _write_definitions(connection, planned, version, now)
    _write_revisions(connection, planned, author, version, now)
    _write_columns(connection, planned, version, now)
    _write_publish(connection, planned, author, kind=kind, plan_id=plan_id, version=version, now=now)
    return version


def _write_publish(
    connection: Connection, planned: Plan, author: Author, *, kind: str, plan_id: str | None, version: int, now: datetime
) -> None:
    wanted = change_sets.to_json(planned.changes)
    connection.execute(
        insert(store.PUBLISH).values(
            version=version,
            kind=kind,
            plan=plan_id,
            author=author.id,
            acting_for=author.acting_for,
            at=now,
            reason=author.reason,
            pack=" ".join(each.name for each in planned.changes.packs)
            or (None if planned.changes.owner == "org" else planned.changes.owner),
            undoes=planned.changes.undoes,
            changes={name: wanted[name] for name in ("rename", "restore", "purge", "answers")}
            | {"mentions": list(planned.proposal.mentions)},
            steps=[{"code": step.code, "params": plain(step.params)} for step in planned.steps],
        )
    )
    _write_packs(connection, planned, author, version, now)
    connection.execute(update(store.VERSION).values(number=version, changed_at=now))


def _write_packs(connection: Connection, planned: Plan, author: Author, version: int, now: datetime) -> None:
    """Note the packs that this publish brings: what their next version will be compared with."""
    for each in planned.changes.packs:
        connection.execute(delete(store.PACK).where(store.PACK.c.name == each.name))
        connection.execute(
            insert(store.PACK).values(
                name=each.name, version=each.version, manifest=each.manifest, documents=dict(each.documents),
                installed_at=now, installed_by=author.id, publish=version,
            )
        )  # fmt: skip


def plain(params: Mapping[str, object]) -> dict[str, object]:
    """Return params of a problem or step as JSON holds them."""
    return {name: value if isinstance(value, str | int | list | dict | bool) else str(value) for name, value in params.items()}


def _write_definitions(connection: Connection, planned: Plan, version: int, now: datetime) -> None:
    assert planned.proposed is not None
    before, after = planned.current, planned.proposed
    known = {identity.id for identity in before.identities.every()}
    changed = [identity for identity in after.identities.every() if before.identities.by_id(identity.id) != identity]
    rows = {row["id"]: row for row in store.definition_rows(changed, version)}
    _with_texts(rows, planned, version)
    archived = {identity.id for identity in changed if identity.state == ARCHIVED}
    for row in rows.values():
        row["archived_at"] = now if row["id"] in archived else None
        if row["kind"] == "field":
            old = before.identities.by_id(row["id"])
            made = _live_field(before, old) if row["state"] == ARCHIVED and old is not None else None
            row["text"] = texts.canonical(made.source) if made is not None else None
            row["columns"] = tables.written_columns(made) if made is not None else None
    born = [row for row in rows.values() if row["id"] not in known]
    kept = [row for row in rows.values() if row["id"] in known]
    if born:
        connection.execute(insert(store.DEFINITION), [{"base": None, "hash": None, "text": None, "columns": None, **row} for row in born])
    for names in {tuple(sorted(row)) for row in kept}:  # one statement for each set of columns
        some = [row for row in kept if tuple(sorted(row)) == names]
        change = update(store.DEFINITION).where(store.DEFINITION.c.id == bindparam("definition_id"))
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names if name != "id"}
        connection.execute(
            change.values(values),
            [{"definition_id": row["id"]} | {f"new_{name}": row[name] for name in names if name != "id"} for row in some],
        )


def _with_texts(rows: dict[str, dict[str, Any]], planned: Plan, version: int) -> None:
    """Add to `rows` the texts of the documents that changed; a pack's own text is also its base."""
    assert planned.proposed is not None
    after = planned.proposed
    for path in planned.paths:
        document = planned.proposal.documents.get(path)
        if document is None:
            continue
        identity = _document_identity(after, path, document)
        row = rows.setdefault(identity.id, store.definition_rows([identity], version)[0])
        row["text"] = after.documents[path]
        row["hash"] = texts.content_hash(document)
        if identity.owner != "org" and planned.changes.owner_of(path) == identity.owner and planned.changes.undoes is None:
            row["base"] = row["text"]


def _document_identity(snapshot: Snapshot, path: str, document: Mapping[str, Any]) -> Identity:
    kind = str(document["kind"])
    return snapshot.identities[key_of(kind, str(document.get("object") or "") if kind in PER_OBJECT else "", texts.name_of(document))]


def _live_field(snapshot: Snapshot, identity: Identity) -> FieldDef | None:
    return snapshot.object(identity.object).fields.get(identity.name)


def _write_revisions(connection: Connection, planned: Plan, author: Author, version: int, now: datetime) -> None:
    assert planned.proposed is not None
    before, after = planned.current, planned.proposed
    rows = []
    for path in sorted(planned.paths):
        document = planned.proposal.documents.get(path)
        old = planned.old_document(path)
        said = document if document is not None else old
        assert said is not None
        snapshot = after if document is not None else before
        identity = _document_identity(snapshot, path, said)
        rows.append(
            {
                "version": version,
                "path": path,
                "definition": identity.id,
                "kind": identity.kind,
                "object": identity.object,
                "name": identity.name,
                "text": after.documents[path] if document is not None else None,
                "hash": texts.content_hash(document) if document is not None else None,
                "author": author.id,
                "at": now,
                "reason": author.reason,
            }
        )
        if identity.owner not in ("org", planned.changes.owner_of(path)):
            _note_owner(connection, planned, author, identity, path, old, document, version, now)
    if rows:
        connection.execute(insert(store.REVISION), rows)


def _note_owner(
    connection: Connection,
    planned: Plan,
    author: Author,
    identity: Identity,
    path: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    version: int,
    now: datetime,
) -> None:
    base = connection.execute(select(store.DEFINITION.c.base).where(store.DEFINITION.c.id == identity.id)).scalar()
    ownership.record(
        connection,
        definition=identity.id,
        document=path,
        before=old,
        after=new,
        base=texts.parse(base) if base else (old or {"kind": identity.kind}),
        owner=planned.changes.owner_of(path),
        author=author.id,
        at=now,
        reason=author.reason,
        publish=version,
        undoes=planned.changes.undoes,
    )


def _write_columns(connection: Connection, planned: Plan, version: int, now: datetime) -> None:
    """Columns that were filled are live now and stand with their fields; those left behind are archived."""
    filled = [(origin.field.column, planned.table_of(origin.object)) for origin in planned.transition.origins]
    for name, table in filled:
        connection.execute(delete(store.COLUMN).where(store.COLUMN.c.table_name == table, store.COLUMN.c.name == name))
    purged = [identity.id for identity in planned.proposal.changed if identity.state == PURGED]
    if purged:
        change = update(store.COLUMN).where(store.COLUMN.c.definition.in_(purged)).values(state=PURGED, columns={}, version=version)
        connection.execute(change)
    rows = [
        {
            "table_name": left.table,
            "name": left.name,
            "definition": left.definition,
            "field": left.field,
            "state": ARCHIVED,
            "columns": dict(left.columns),
            "plan": None,
            "version": version,
            "archived_at": now,
        }
        for left in planned.transition.left_behind
    ]
    if rows:
        connection.execute(insert(store.COLUMN), rows)


# --- a plan that begins to work on records ---------------------------------------------------------------------------


def write_version(transaction: Transaction, author: Author, plan_id: str, version: int, *, kind: str) -> None:
    """Write a version that changes no definition: "open", from which on every save fills a plan's hidden columns, or "cancel"."""
    transaction.connection.execute(
        insert(store.PUBLISH).values(
            version=version, kind=kind, plan=plan_id, author=author.id, acting_for=author.acting_for, at=transaction.now,
            reason=author.reason, pack=None, undoes=None, changes={}, steps=[],
        )
    )  # fmt: skip
    transaction.connection.execute(update(store.VERSION).values(number=version, changed_at=transaction.now))


def write_hidden(connection: Connection, planned: Plan, plan_id: str, version: int) -> None:
    """Write the columns that a plan fills while nobody sees them."""
    rows = [
        {
            "table_name": planned.table_of(origin.object),
            "name": origin.field.column,
            "definition": origin.field.id,
            "field": texts.canonical(origin.field.source),
            "state": WRITE_ONLY,
            "columns": tables.written_columns(origin.field),
            "plan": plan_id,
            "version": version,
        }
        for origin in planned.transition.origins
    ]
    if rows:
        connection.execute(insert(store.COLUMN), rows)


def write_plan(transaction: Transaction, planned: Plan, author: Author, plan_id: str) -> None:
    """Write the plan into the journal, before its first fill."""
    connection, now = transaction.connection, transaction.now
    worked_on = fills.tables_of(planned)
    connection.execute(
        insert(store.PLAN).values(
            id=plan_id,
            state="filling",
            base_version=planned.base_version,
            author=author.id,
            acting_for=author.acting_for,
            reason=author.reason,
            changes=change_sets.to_json(planned.changes),
            given=planned.given.to_json(),
            paths=sorted(planned.paths),
            objects=sorted({definition.name for table, definition in planned.current.tables.items() if table in worked_on}),
            fill=0,
            cursor=None,
            done=0,
            total=sum(statistics.rows(connection, work.table).number for work in fills.passes(planned)),
            problems=[],
            created_at=now,
            updated_at=now,
        )
    )
