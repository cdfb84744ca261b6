"""The rows of approvals: instances, visits, tasks, the versions they run on, the evidence they rest on.

Here: tables, loading under lock, writing what changed by conditional updates. Not here: what changes (`decide.py`, `commands.py`),
the history (`events.py`), locks on records (`locks.py`).

The database itself holds three promises: one live instance per record and group, a verdict that is written once, and one state that a
task leaves once. Source: spec/workflow.md, sections 13, 16, 17.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.insert import insert_new
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.db.triggers import on_create
from fieldstone.errors import TryAgain
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.workflow.approvals.states import DECIDED, LIVE, Instance, InstanceState, Task, TaskState, Visit, VisitState

VERSION = system_table(
    "approval_version",
    Column("hash", PlainText, primary_key=True),
    Column("process", PlainText, nullable=False),
    Column("text", PlainText, nullable=False),
    Column("first_used", UtcMoment, nullable=False),
)
INSTANCE = system_table(
    "approval_instance",
    Column("id", Id, primary_key=True),
    Column("process", PlainText, nullable=False),  # definition id
    Column("process_hash", PlainText, ForeignKey("fs_approval_version.hash"), nullable=False),
    Column("exclusive_group", PlainText, nullable=False),
    Column("object", PlainText, nullable=False),  # definition id: stays when the object is renamed
    Column("record_id", Id, nullable=False),
    Column("submitter", Id, nullable=False),
    Column("submitted_at", UtcMoment, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("round", Integer, nullable=False),
    Column("evidence_hash", PlainText),
    Column("verdict", PlainText),
    Column("ended_at", UtcMoment),
    Index("ix_fs_approval_instance_record", "record_id", "submitted_at"),
    Index("ix_fs_approval_instance_submitter", "submitter", "submitted_at"),
)
IS_LIVE = INSTANCE.c.state.in_([state.value for state in sorted(LIVE)])
Index(
    "uq_fs_approval_instance_live",
    INSTANCE.c.record_id,
    INSTANCE.c.exclusive_group,
    unique=True,
    sqlite_where=IS_LIVE,
    postgresql_where=IS_LIVE,
)
VISIT = system_table(
    "approval_visit",
    Column("id", Id, primary_key=True),
    Column("instance_id", Id, ForeignKey("fs_approval_instance.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("node", PlainText, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("entered_at", UtcMoment, nullable=False),
    Column("closed_at", UtcMoment),
    Index("ix_fs_approval_visit_instance_id", "instance_id", "number", unique=True),
)
TASK = system_table(
    "approval_task",
    Column("id", Id, primary_key=True),
    Column("visit_id", Id, ForeignKey("fs_approval_visit.id"), nullable=False),
    Column("instance_id", Id, ForeignKey("fs_approval_instance.id"), nullable=False, index=True),
    Column("seat", Integer, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("user_id", Id),
    Column("group_key", PlainText),
    Column("hops", Integer, nullable=False),
    Column("opened_at", UtcMoment, nullable=False),
    Column("decided_by", Id),
    Column("decided_at", UtcMoment),
    Column("evidence_hash", PlainText),
    Column("identity", PlainText, nullable=False),
    Index("ix_fs_approval_task_user_id", "user_id", "state"),
    Index("ix_fs_approval_task_group_key", "group_key", "state"),
)
EVIDENCE = system_table(
    "approval_evidence",
    Column("instance_id", Id, ForeignKey("fs_approval_instance.id"), nullable=False),
    Column("hash", PlainText, nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("shown", JsonText, nullable=False),
    PrimaryKeyConstraint("instance_id", "hash"),
)

# A verdict is written once, whoever is connected.
on_create(
    INSTANCE,
    sqlite="CREATE TRIGGER fs_approval_instance_verdict BEFORE UPDATE ON fs_approval_instance "
    "WHEN OLD.verdict IS NOT NULL AND NEW.verdict IS NOT OLD.verdict BEGIN SELECT RAISE(ABORT, 'a verdict is final'); END",
    postgresql=(
        "CREATE OR REPLACE FUNCTION fs_verdict_is_final() RETURNS trigger LANGUAGE plpgsql AS "
        "$body$ BEGIN RAISE EXCEPTION 'a verdict is final'; END $body$",
        "CREATE TRIGGER fs_approval_instance_verdict BEFORE UPDATE ON fs_approval_instance FOR EACH ROW "
        "WHEN (OLD.verdict IS NOT NULL AND NEW.verdict IS DISTINCT FROM OLD.verdict) EXECUTE FUNCTION fs_verdict_is_final()",
    ),
)


# --- instances ----------------------------------------------------------------------------------------------------------------


def object_key(snapshot: Snapshot, object_name: str) -> str:
    """Return what stands for an object in the tables of approvals."""
    definition = snapshot.object(object_name)
    return definition.id or definition.name


def process_key(snapshot: Snapshot, object_name: str, name: str) -> str:
    """Return what stands for a process in the tables of approvals: its definition id, which stays when it is renamed."""
    identity = snapshot.identities.find("approval_process", object_name, name)
    return identity.id if identity is not None else name


def process_name(snapshot: Snapshot, key: str) -> str:
    """Return the name of today, or the last one, of the process that `process_key` stands for."""
    identity = snapshot.identities.by_id(key)
    return identity.name if identity is not None else key


def object_names(snapshot: Snapshot) -> dict[str, str]:
    """Return the names of objects by what stands for them in the tables of approvals."""
    return {definition.id or definition.name: definition.name for definition in snapshot.objects.values()}


def add_instance(tx: Transaction, snapshot: Snapshot, instance: Instance, text: str) -> None:
    """Write a new instance and, if it is the first on it, the version it runs on."""
    process = process_key(snapshot, instance.object, instance.process)
    version = {
        "hash": instance.process_hash,
        "process": process,
        "text": text,
        "first_used": tx.now,
    }
    insert_new(tx, VERSION, version)
    tx.connection.execute(
        insert(INSTANCE).values(
            id=instance.id,
            process=process,
            process_hash=instance.process_hash,
            exclusive_group=instance.exclusive_group,
            object=object_key(snapshot, instance.object),
            record_id=instance.record,
            submitter=instance.submitter,
            submitted_at=instance.submitted_at,
            state=instance.state.value,
            round=instance.round,
        )
    )


def change_instance(tx: Transaction, before: Instance, after: Instance) -> None:
    """Write what changed, if the instance still is as it was. Raises TryAgain if somebody was faster in spite of the lock."""
    if before == after:
        return
    verdict = None if after.state.live else after.state.value
    changed = (
        update(INSTANCE)
        .where(INSTANCE.c.id == before.id, INSTANCE.c.state == before.state.value)
        .values(state=after.state.value, evidence_hash=after.evidence_hash, round=after.round, ended_at=after.ended_at, verdict=verdict)
    )
    if tx.connection.execute(changed).rowcount != 1:
        raise TryAgain("overtaken")


def instance(tx: Transaction, snapshot: Snapshot, instance_id: str, *, lock: bool = False) -> Instance | None:
    """Return one instance; with `lock`, held until the transaction ends (its record is locked first)."""
    found = select(INSTANCE).where(INSTANCE.c.id == instance_id)
    row = tx.connection.execute(found.with_for_update() if lock else found).one_or_none()
    return None if row is None else instance_of(row, snapshot)


def instance_of(row: Row[Any], snapshot: Snapshot) -> Instance:
    """Return the instance in a row of `INSTANCE`, its object by the name of today."""
    return Instance(
        id=row.id,
        process=process_name(snapshot, row.process),
        process_hash=row.process_hash,
        exclusive_group=row.exclusive_group,
        object=snapshot.once(object_names).get(row.object, row.object),
        record=row.record_id,
        submitter=row.submitter,
        submitted_at=row.submitted_at,
        state=InstanceState(row.state),
        round=row.round,
        evidence_hash=row.evidence_hash,
        ended_at=row.ended_at,
    )


def of_record(tx: Transaction, snapshot: Snapshot, record_id: str, *, live: bool = False) -> tuple[Instance, ...]:
    """Return the instances of one record, newest first."""
    found = select(INSTANCE).where(INSTANCE.c.record_id == record_id)
    if live:
        found = found.where(IS_LIVE)
    rows = tx.connection.execute(found.order_by(INSTANCE.c.submitted_at.desc(), INSTANCE.c.id.desc()))
    return tuple(instance_of(row, snapshot) for row in rows)


def live_of_records(tx: Transaction, snapshot: Snapshot, ids: Iterable[str]) -> tuple[Instance, ...]:
    """Return the live instances of these records, in one statement."""
    found = select(INSTANCE).where(INSTANCE.c.record_id.in_(bindparam("ids", sorted(ids), type_=Id, expanding=True)), IS_LIVE)
    return tuple(instance_of(row, snapshot) for row in tx.connection.execute(found))


def version_text(tx: Transaction, version_hash: str) -> str:
    """Return the document that instances of this version run on."""
    return str(tx.connection.execute(select(VERSION.c.text).where(VERSION.c.hash == version_hash)).scalar_one())


# --- visits and tasks ---------------------------------------------------------------------------------------------------------


def visits(tx: Transaction, instance_ids: Sequence[str]) -> Mapping[str, tuple[Visit, ...]]:
    """Return the visits of these instances with their tasks, in order, by instance; two statements."""
    wanted = bindparam("ids", list(instance_ids), type_=Id, expanding=True)
    tasks: dict[str, list[Task]] = {}
    for row in tx.connection.execute(select(TASK).where(TASK.c.instance_id.in_(wanted)).order_by(TASK.c.seat, TASK.c.opened_at, TASK.c.id)):
        tasks.setdefault(row.visit_id, []).append(task_of(row))
    found: dict[str, list[Visit]] = {each: [] for each in instance_ids}
    for row in tx.connection.execute(select(VISIT).where(VISIT.c.instance_id.in_(wanted)).order_by(VISIT.c.number)):
        made = Visit(
            id=row.id,
            node=row.node,
            number=row.number,
            round=row.round,
            state=VisitState(row.state),
            tasks=tuple(tasks.get(row.id, ())),
        )
        found[row.instance_id].append(made)
    return {each: tuple(made) for each, made in found.items()}


def task_of(row: Row[Any]) -> Task:
    """Return the task in a row of `TASK`."""
    return Task(
        id=row.id,
        seat=row.seat,
        state=TaskState(row.state),
        user=row.user_id,
        group=row.group_key,
        hops=row.hops,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        evidence_hash=row.evidence_hash,
        identity=row.identity,
    )


def add_visit(tx: Transaction, instance_id: str, visit: Visit) -> None:
    """Write a new visit with its tasks."""
    closed_at = None if visit.state is VisitState.OPEN else tx.now
    tx.connection.execute(
        insert(VISIT).values(
            id=visit.id,
            instance_id=instance_id,
            number=visit.number,
            node=visit.node,
            round=visit.round,
            state=visit.state.value,
            entered_at=tx.now,
            closed_at=closed_at,
        )
    )
    _add_tasks(tx, instance_id, visit, visit.tasks)


def change_visit(tx: Transaction, instance_id: str, before: Visit, after: Visit) -> None:
    """Write what a decision made of a visit: every task that left its state, the new ones, and the visit's own state.

    Raises TryAgain if one of them was not as it was: then nothing of the transaction may stand.
    """
    known = {task.id: task for task in before.tasks}
    for task in after.tasks:
        old = known.get(task.id)
        if old is not None and old != task:
            _change_task(tx, old, task)
    _add_tasks(tx, instance_id, after, [task for task in after.tasks if task.id not in known])
    if before.state is not after.state:
        closing = update(VISIT).where(VISIT.c.id == before.id, VISIT.c.state == before.state.value)
        if tx.connection.execute(closing.values(state=after.state.value, closed_at=tx.now)).rowcount != 1:
            raise TryAgain("overtaken")


def _change_task(tx: Transaction, before: Task, after: Task) -> None:
    changed = (
        update(TASK)
        .where(TASK.c.id == before.id, TASK.c.state == before.state.value)
        .values(
            state=after.state.value,
            decided_by=after.decided_by,
            decided_at=after.decided_at,
            evidence_hash=after.evidence_hash,
            identity=after.identity,
        )
    )
    if tx.connection.execute(changed).rowcount != 1:
        raise TryAgain("overtaken")


def _add_tasks(tx: Transaction, instance_id: str, visit: Visit, tasks: Sequence[Task]) -> None:
    rows = [
        {
            "id": task.id,
            "visit_id": visit.id,
            "instance_id": instance_id,
            "seat": task.seat,
            "state": task.state.value,
            "user_id": task.user,
            "group_key": task.group,
            "hops": task.hops,
            "opened_at": tx.now,
            "decided_by": task.decided_by,
            "decided_at": task.decided_at,
            "evidence_hash": task.evidence_hash,
            "identity": task.identity,
        }
        for task in tasks
    ]
    if rows:
        tx.connection.execute(insert(TASK), rows)


def instance_of_task(tx: Transaction, task_id: str) -> str | None:
    """Return the id of the instance that a task belongs to."""
    return tx.connection.execute(select(TASK.c.instance_id).where(TASK.c.id == task_id)).scalar()


def waiting_for(tx: Transaction, user: str) -> list[str]:
    """Return the instances in which a task of that person is open."""
    found = select(TASK.c.instance_id).where(TASK.c.user_id == user, TASK.c.state == TaskState.OPEN.value)
    return list(tx.connection.execute(found.distinct().order_by(TASK.c.instance_id)).scalars())


def holders(tx: Transaction) -> list[str]:
    """Return the people who hold an open task."""
    found = select(TASK.c.user_id).where(TASK.c.state == TaskState.OPEN.value, TASK.c.user_id.is_not(None))
    return list(tx.connection.execute(found.distinct()).scalars())


def open_tasks(user: str, groups: Iterable[str]) -> Select[Any]:
    """Return the statement that finds what a person may decide now: their own tasks, and their groups' seats.

    Left out: seats of groups in visits where they hold a seat of their own. The rows hold the task, its visit's node and its instance.
    """
    own = TASK.alias("own")
    seated = exists().where(
        own.c.visit_id == TASK.c.visit_id,
        own.c.id != TASK.c.id,
        or_(own.c.user_id == user, own.c.decided_by == user),
        own.c.state.in_([TaskState.OPEN.value, *(state.value for state in sorted(DECIDED))]),
    )
    of_group = and_(TASK.c.user_id.is_(None), TASK.c.group_key.in_(sorted(groups)), ~seated)
    return (
        select(TASK, VISIT.c.node, *(column.label(f"of_{column.name}") for column in INSTANCE.c))
        .join(VISIT, VISIT.c.id == TASK.c.visit_id)
        .join(INSTANCE, INSTANCE.c.id == TASK.c.instance_id)
        .where(TASK.c.state == TaskState.OPEN.value, or_(TASK.c.user_id == user, of_group))
        .order_by(TASK.c.opened_at, TASK.c.id)
    )


# --- evidence -----------------------------------------------------------------------------------------------------------------


def keep_evidence(tx: Transaction, instance_id: str, evidence_hash: str, shown: Mapping[str, Any]) -> None:
    """Keep what was shown under its hash; what is kept already stays as it is."""
    insert_new(tx, EVIDENCE, {"instance_id": instance_id, "hash": evidence_hash, "at": tx.now, "shown": dict(shown)})


def evidence(tx: Transaction, instance_id: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what was shown at the decisions of an instance, by evidence hash."""
    rows = tx.connection.execute(select(EVIDENCE.c.hash, EVIDENCE.c.shown).where(EVIDENCE.c.instance_id == instance_id))
    return {row.hash: row.shown for row in rows}
