"""Field history: who changed what from what to what, for fields whose history is on.

Here: the table, collecting rows in a save, and reading them as far as today's rights go.
Not here: approvals' own history, the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Index, Integer, bindparam, insert, select

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.records.changes import Batch

HISTORY = system_table(
    "history",
    Column("id", Id, primary_key=True),
    Column("object", PlainText, nullable=False),
    Column("record", Id, nullable=False),
    Column("row_version", Integer, nullable=False),  # the version that this change made
    Column("field", PlainText, nullable=False),  # definition id: stays when the field is renamed
    Column("old", JsonText),
    Column("new", JsonText),
    Column("by", Id),
    Column("by_name", PlainText, nullable=False),  # of what is no person, such as an automation
    Column("at", UtcMoment, nullable=False),
    Column("channel", PlainText, nullable=False),
)
Index("ix_fs_history_record", HISTORY.c.record, HISTORY.c.id)

INSERT = insert(HISTORY)
OF_RECORD = (
    select(HISTORY)
    .where(HISTORY.c.record == bindparam("record_id", type_=Id), HISTORY.c.field.in_(bindparam("fields", type_=PlainText, expanding=True)))
    .order_by(HISTORY.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)
OLDER = OF_RECORD.where(HISTORY.c.id < bindparam("before", type_=Id))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change of one field; numbers, dates and times as texts."""

    id: str
    field: str  # API name as of now
    old: Any
    new: Any
    by: str | None  # user id
    by_name: str
    at: datetime
    row_version: int
    channel: str


def tracked(definition: ObjectDef) -> Mapping[str, FieldDef]:
    """Return the fields of an object whose history is kept, the owner among them."""
    if "history" not in definition.features:
        return {}
    found = {name: each for name, each in definition.fields.items() if each.history}
    if found and "owner" in definition.system_fields:
        found["owner"] = definition.system_fields["owner"]
    return found


def key(found: FieldDef) -> str:
    """Return what names a field in the table: its definition id, for system fields the name."""
    return found.id or found.name


def collect(
    batch: Batch, object_name: str, fields: Mapping[str, FieldDef], record_id: str, prior: Mapping[str, Any], image: Mapping[str, Any]
) -> None:
    """Note the changed ones of `fields` for one record; `write` puts all that was noted into the table."""
    for name, found in fields.items():
        old, new = prior.get(name), image.get(name)
        if old != new:
            batch.work.history.append(
                {
                    "id": new_id(),
                    "object": object_name,
                    "record": record_id,
                    "row_version": image["row_version"],
                    "field": key(found),
                    "old": plain(old),
                    "new": plain(new),
                    "by": batch.principal.user_id,
                    "by_name": batch.principal.name,
                    "at": batch.tx.now,
                    "channel": batch.work.channel,
                }
            )


def write(batch: Batch) -> None:
    """Write what was noted, in one statement."""
    if batch.work.history:
        batch.tx.connection.execute(INSERT, batch.work.history)
        batch.work.history.clear()


def entries(tx: Transaction, fields: Iterable[FieldDef], record_id: str, limit: int, before: str | None) -> list[HistoryEntry]:
    """Return the changes of these fields of one record, the latest first. The gate has made sure that the record may be seen."""
    names = {key(found): found.name for found in fields}
    given = {"record_id": record_id, "fields": sorted(names), "most": limit}
    statement = OF_RECORD if before is None else OLDER
    rows = tx.connection.execute(statement, given if before is None else {**given, "before": before})
    return [
        HistoryEntry(
            id=row.id,
            field=names[row.field],
            old=row.old,
            new=row.new,
            by=row.by,
            by_name=row.by_name,
            at=row.at,
            row_version=row.row_version,
            channel=row.channel,
        )
        for row in rows
    ]


def plain(value: Any) -> Any:
    """Return a typed value as JSON can say it; numbers as text, so that no digit is lost."""
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
    return value
