"""Locks on records in approval, and values reserved to one: enforced for every channel in the save pipeline.

Here: `fs_record_lock`, taking and giving back, the two steps `locks` (3) and `guarded` (10).
Not here: when a record is locked (`commands.py`), the pipeline (`records/save.py`).

Exempt are writes that the same instance causes, followed by the cause of the save, never by who saves; and people with the right
edit_locked, on the record. Source: spec/workflow.md, section 14.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, PrimaryKeyConstraint, Row, bindparam, delete, insert, select

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.metadata import labels
from fieldstone.metadata.definitions import ApprovalProcessDef, FieldDef, ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records import audit
from fieldstone.records.changes import Action, Batch, Cause, Item, Step

LOCK = system_table(
    "record_lock",
    Column("record_id", Id, nullable=False),
    Column("instance_id", Id, nullable=False, index=True),
    Column("object", PlainText, nullable=False),
    Column("process", PlainText, nullable=False),  # definition id
    Column("mode", PlainText, nullable=False),  # "full" or "fields"
    Column("fields", JsonText, nullable=False),  # definition ids: they stay when a field is renamed
    Column("children", JsonText, nullable=False),  # definition ids of the lookups whose children are locked too
    Column("at", UtcMoment, nullable=False),
    PrimaryKeyConstraint("record_id", "instance_id"),
)

CAUSE = "approval"  # kind of the cause of a save that an instance makes


def cause(instance_id: str) -> Cause:
    """Return the cause of the saves that an instance makes."""
    return Cause(kind=CAUSE, id=instance_id)


def take(tx: Transaction, snapshot: Snapshot, process: ApprovalProcessDef, record_id: str, instance_id: str) -> None:
    """Lock the record as the process says; a process that locks nothing leaves no row."""
    if process.lock.mode == "none":
        return
    definition = snapshot.object(process.object or "")
    relations = [found for name in process.lock.children if (found := snapshot.relation(definition.name, name)) is not None]
    tx.connection.execute(
        insert(LOCK).values(
            object=definition.name,
            record_id=record_id,
            instance_id=instance_id,
            process=process.id or process.name,
            mode=process.lock.mode,
            fields=[_key(field) for name in process.lock.fields if (field := definition.field(name)) is not None],
            children=[_key(each.field) for each in relations],
            at=tx.now,
        )
    )


def _key(field: FieldDef) -> str:
    return field.id or field.name


def give_back(tx: Transaction, instance_id: str) -> None:
    """Unlock what the instance locked."""
    tx.connection.execute(delete(LOCK).where(LOCK.c.instance_id == instance_id))


def of_records(tx: Transaction, ids: Iterable[str]) -> list[Row[Any]]:
    """Return the locks on these records, in one statement."""
    wanted = sorted(set(ids))
    if not wanted:
        return []
    return list(tx.connection.execute(_OF_RECORDS, {"ids": wanted}))


def held_fields(tx: Transaction, definition: ObjectDef, record_id: str) -> frozenset[str]:
    """Return the fields of a record that locks keep from changing, all of them under a full lock: for what a page offers."""
    found: set[str] = set()
    for lock in of_records(tx, [record_id]):
        found |= {name for name, field in definition.fields.items() if lock.mode == "full" or _key(field) in lock.fields}
    return frozenset(found)


_OF_RECORDS = select(LOCK).where(LOCK.c.record_id.in_(bindparam("ids", type_=Id, expanding=True)))


# --- step 3 -------------------------------------------------------------------------------------------------------------------


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that refuses changes of locked records and of their locked children; None where no process can lock any."""
    parents = _parents(snapshot, definition)
    if not parents and not _processes(snapshot, definition):
        return None

    def refuse(batch: Batch) -> None:
        held = of_records(batch.tx, _ids(batch, parents, own=True))
        if held:
            exempt = _exempt(batch)
            for item in batch.live:
                for lock in held:
                    if not exempt(lock) and _holds(lock, batch, item, parents):
                        _refuse(batch, item, lock)

    return refuse


def _holds(lock: Row[Any], batch: Batch, item: Item, parents: frozenset[str]) -> bool:
    """Whether the lock is on this record as a whole, or on the parent it belongs to."""
    if lock.record_id == item.id:
        return lock.mode == "full" or batch.action != "update"
    return _child_of(lock, batch.object, parents, (item.prior or item.image, item.image))


def _child_of(lock: Row[Any], definition: ObjectDef, parents: frozenset[str], images: Iterable[Mapping[str, Any]]) -> bool:
    reached = {lookup for image in images for lookup in parents if image.get(lookup) == lock.record_id}
    return any(_key(definition.fields[lookup]) in lock.children for lookup in reached)


def _ids(batch: Batch, parents: frozenset[str], *, own: bool) -> set[str]:
    found = {item.id for item in batch.live if item.id} if own else set()
    for item in batch.live:
        for image in (item.prior, item.image):
            if image is not None:
                found |= {image[lookup] for lookup in parents if image.get(lookup) is not None}
    return found


@dataclass(frozen=True, slots=True)
class _Exempt:
    """Which locks do not hold for one save."""

    instance: str | None
    edits_locked: bool

    def __call__(self, lock: Row[Any]) -> bool:
        return self.edits_locked or lock.instance_id == self.instance


def _exempt(batch: Batch) -> _Exempt:
    why = batch.work.cause
    instance = why.id if why is not None and why.kind == CAUSE else None
    person = batch.principal.kind in ("user", "token")  # an automation is no person, whatever it may do otherwise
    edits = person and batch.rights.setup("edit_locked")
    if edits:
        ids = sorted(item.id for item in batch.live if item.id)
        audit.note(batch.tx, batch.principal, "record.edited_locked", object_name=batch.object.name, details={"records": ids})
    return _Exempt(instance, edits)


def _refuse(batch: Batch, item: Item, lock: Row[Any], field: str | None = None) -> None:
    process = next(each for each in batch.snapshot.all("approval_process") if lock.process in (each.id, each.name))
    label = labels.text(process.label, batch.principal.language, batch.snapshot.language, process.name)
    item.refuse("record_locked", field=field, own="record_locked", process=label, since=lock.at, mode=lock.mode)


def _processes(snapshot: Snapshot, definition: ObjectDef) -> tuple[ApprovalProcessDef, ...]:
    """The processes of an object, inactive ones too: instances of theirs may still run."""
    return tuple(each for each in snapshot.all("approval_process", definition.name) if isinstance(each, ApprovalProcessDef))


def _parents(snapshot: Snapshot, definition: ObjectDef) -> frozenset[str]:
    """The lookups of an object that lead to parents which a process may lock together with their children."""
    return frozenset(
        field.name
        for field in definition.fields.values()
        if field.to is not None and any(process.lock.children for process in _processes(snapshot, snapshot.object(field.to)))
    )


# --- step 10 ------------------------------------------------------------------------------------------------------------------


def guarded_step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that refuses guarded values, locked fields, and children entering a locked parent; None without a process."""
    guarded = _guarded(snapshot, definition)
    by_field = any(process.lock.mode == "fields" for process in _processes(snapshot, definition))
    parents = _parents(snapshot, definition)
    if not guarded and not by_field and not parents:
        return None

    def refuse(batch: Batch) -> None:
        if guarded:
            _refuse_guarded(batch, guarded)
        if by_field and batch.action == "update":
            _refuse_fields(batch)
        moved = [item for item in batch.open if any(lookup in item.changed for lookup in parents)]
        if moved:
            _refuse_entering(batch, moved, parents)

    return refuse


def _guarded(snapshot: Snapshot, definition: ObjectDef) -> dict[tuple[str, object], tuple[ApprovalProcessDef, ...]]:
    """The reserved values of an object: (field, value) → the processes whose actions may set it."""
    found: dict[tuple[str, object], tuple[ApprovalProcessDef, ...]] = {}
    for process in _processes(snapshot, definition):
        for each in process.guarded:
            for value in each.values:
                found[each.field, value] = (*found.get((each.field, value), ()), process)
    return found


def _refuse_guarded(batch: Batch, guarded: Mapping[tuple[str, object], tuple[ApprovalProcessDef, ...]]) -> None:
    """A guarded value comes only from an action of an instance of its process."""
    acting = _acting_process(batch)
    for (field, value), processes in guarded.items():
        if any(process.name == acting for process in processes):
            continue
        for item in batch.open:
            if field in item.changed and item.image.get(field) == value and not _approved_before(batch, item):
                label = labels.text(processes[0].label, batch.principal.language, batch.snapshot.language, processes[0].name)
                item.refuse("guarded_value", field=field, own="guarded_value", object=batch.object.name, process=label, value=value)


def _approved_before(batch: Batch, item: Item) -> bool:
    """Whether the value was approved elsewhere: said by an import of somebody who may change all data, and audited there."""
    return bool(item.change.options.get("approved_before")) and batch.rights.setup("modify_all_data")


def _acting_process(batch: Batch) -> str | None:
    """The process whose instance makes this save."""
    from fieldstone.workflow.approvals import store

    why = batch.work.cause
    if why is None or why.kind != CAUSE:
        return None
    known: dict[str, str] = batch.work.shared.setdefault("approval_processes", {})
    if why.id not in known:
        found = store.instance(batch.tx, batch.snapshot, why.id)
        known[why.id] = found.process if found is not None else ""
    return known[why.id]


def _refuse_fields(batch: Batch) -> None:
    held = [lock for lock in of_records(batch.tx, _ids(batch, frozenset(), own=True)) if lock.mode == "fields"]
    if not held:
        return
    exempt = _exempt(batch)
    for item in batch.open:
        for lock in held:
            if lock.record_id == item.id and not exempt(lock):
                for field in sorted(item.changed):
                    found = batch.object.fields.get(field)
                    if found is not None and _key(found) in lock.fields:
                        _refuse(batch, item, lock, field)


def _refuse_entering(batch: Batch, moved: list[Item], parents: frozenset[str]) -> None:
    held = of_records(batch.tx, {item.image[lookup] for item in moved for lookup in parents if item.image.get(lookup) is not None})
    if not held:
        return
    exempt = _exempt(batch)
    for item in moved:
        for lock in held:
            if not exempt(lock) and _child_of(lock, batch.object, parents, (item.image,)):
                _refuse(batch, item, lock)
