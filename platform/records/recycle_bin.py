"""The recycle bin: what was deleted together, what a deletion cleared, and the end after 30 days.

Here: the two tables that a restore needs, reading them, and purging.
Not here: how a delete runs (`steps/deletion.py`); what is in the bin is read through the gate like everything else.
Source: spec/metadata.md, section 4 "On delete"; spec/data.md, section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Column, Connection, Engine, PrimaryKeyConstraint, bindparam, delete, insert, select

from fieldstone.db.column_types import Flag, Id, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.limits import RECYCLE_DAYS
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records import audit
from fieldstone.records.gate.write import purge
from fieldstone.records.history import HISTORY
from fieldstone.records.principal import Principal
from fieldstone.records.search import SEARCH

DELETED = system_table(
    "deleted",
    Column("record", Id, primary_key=True),
    Column("object", PlainText, nullable=False),
    Column("together", Id, nullable=False, index=True),  # one for all that went with one command
    Column("chosen", Flag, nullable=False),  # deleted by name; else taken along
    Column("at", UtcMoment, nullable=False, index=True),
    Column("by", Id),
)
CLEARED = system_table(
    "cleared",
    Column("together", Id, nullable=False),
    Column("object", PlainText, nullable=False),
    Column("record", Id, nullable=False),
    Column("field", PlainText, nullable=False),
    Column("target", Id, nullable=False, index=True),
    PrimaryKeyConstraint("together", "record", "field"),
)
PURGE = Principal.internal("recycle bin")
PURGE_SECONDS = 60.0
RECORDS = bindparam("records", type_=Id, expanding=True)


class Snapshots(Protocol):
    """What purging needs of `metadata/holder.py`."""

    def current(self, connection: Connection) -> Snapshot: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedRecord:
    """One record in the bin and the command it went with."""

    record: str
    object: str
    together: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedLookup:
    """A lookup that a deletion made blank: restoring the target links it again."""

    object: str
    record: str
    field: str
    target: str


def note_deleted(tx: Transaction, rows: list[DeletedRecord], by: str | None) -> None:
    """Remember what was deleted together."""
    values = [
        {"record": row.record, "object": row.object, "together": row.together, "chosen": row.chosen, "at": tx.now, "by": by} for row in rows
    ]
    tx.connection.execute(insert(DELETED), values)


def note_cleared(tx: Transaction, together: str, rows: list[ClearedLookup]) -> None:
    """Remember the lookups that a deletion has made blank."""
    values = [{"together": together, "object": row.object, "record": row.record, "field": row.field, "target": row.target} for row in rows]
    tx.connection.execute(insert(CLEARED), values)


def deleted_together(tx: Transaction, records: Iterable[str]) -> list[DeletedRecord]:
    """Return everything that went with the commands that deleted `records`, themselves included."""
    commands = select(DELETED.c.together).where(DELETED.c.record.in_(RECORDS)).scalar_subquery()
    rows = tx.connection.execute(select(DELETED).where(DELETED.c.together.in_(commands)), {"records": sorted(records)})
    return [DeletedRecord(record=row.record, object=row.object, together=row.together, chosen=row.chosen) for row in rows]


def cleared_by(tx: Transaction, records: Iterable[str]) -> list[ClearedLookup]:
    """Return the lookups that were made blank because they pointed at `records`."""
    rows = tx.connection.execute(select(CLEARED).where(CLEARED.c.target.in_(RECORDS)), {"records": sorted(records)})
    return [ClearedLookup(object=row.object, record=row.record, field=row.field, target=row.target) for row in rows]


def forget(tx: Transaction, records: Iterable[str]) -> None:
    """Strike `records` from the bin's books: they were restored or purged."""
    given = {"records": sorted(records)}
    tx.connection.execute(delete(DELETED).where(DELETED.c.record.in_(RECORDS)), given)
    tx.connection.execute(delete(CLEARED).where(CLEARED.c.target.in_(RECORDS)), given)


def due(tx: Transaction, *, days: int = RECYCLE_DAYS, limit: int = 200) -> list[DeletedRecord]:
    """Return records that have lain in the bin for longer than `days`, the oldest first."""
    rows = tx.connection.execute(select(DELETED).where(DELETED.c.at < tx.now - timedelta(days=days)).order_by(DELETED.c.at).limit(limit))
    return [DeletedRecord(record=row.record, object=row.object, together=row.together, chosen=row.chosen) for row in rows]


def purge_due(engine: Engine, snapshots: Snapshots, *, days: int = RECYCLE_DAYS) -> int:
    """Purge up to 200 records that have lain in the bin for longer than `days`, history and index rows too; return how many.

    In one transaction, as the platform; called by the sweeper until nothing is due.
    """

    def work(tx: Transaction) -> int:
        found = due(tx, days=days)
        snapshot = snapshots.current(tx.connection)
        by_object: dict[str, list[str]] = {}
        for each in found:
            by_object.setdefault(each.object, []).append(each.record)
        for name, records in sorted(by_object.items()):
            if name in snapshot.objects:  # an archived object takes its records along
                purge(tx, snapshot, snapshot.objects[name], records)
            given = {"records": records}
            tx.connection.execute(delete(HISTORY).where(HISTORY.c.record.in_(RECORDS)), given)
            tx.connection.execute(delete(SEARCH).where(SEARCH.c.record.in_(RECORDS)), given)
        if found:
            forget(tx, [each.record for each in found])
            audit.note(tx, PURGE, "records.purged", details={"counts": {name: len(records) for name, records in by_object.items()}})
        return len(found)

    return retrying(engine, work, statement_seconds=PURGE_SECONDS)
