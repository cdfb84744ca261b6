"""The audit log: who did what to rights, metadata and data at large. Append-only.

Here: `note`, which writes a row in the transaction of what it reports, and `entries`.
Not here: the history of records' fields (`history.py`), the events of approvals (`workflow/approvals/events.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, RowMapping, insert, select

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.records.gate.access import Rights, require_setup
from fieldstone.records.principal import Principal

AUDIT = system_table(
    "audit",
    Column("id", Id, primary_key=True),
    Column("at", UtcMoment, nullable=False, index=True),
    Column("actor", PlainText, nullable=False),  # fingerprint of the principal
    Column("actor_name", PlainText, nullable=False),
    Column("action", PlainText, nullable=False),  # such as "user.deactivated", "metadata.published", "records.purged"
    Column("object", PlainText),
    Column("record", Id),
    Column("details", JsonText, nullable=False),
    Column("request", PlainText),  # correlation id
)


def note(
    tx: Transaction,
    principal: Principal,
    action: str,
    *,
    object_name: str | None = None,
    record: str | None = None,
    details: Mapping[str, Any] | None = None,
    request: str | None = None,
) -> None:
    """Write one line; it stands exactly if the transaction commits. `details` never hold secrets or values of hidden fields."""
    row = {
        "id": new_id(),
        "at": tx.now,
        "actor": principal.fingerprint,
        "actor_name": principal.name,
        "action": action,
        "object": object_name,
        "record": record,
        "details": dict(details or {}),
        "request": request,
    }
    tx.connection.execute(insert(AUDIT), row)


def entries(tx: Transaction, rights: Rights, *, before: str | None = None, limit: int = 50) -> Sequence[RowMapping]:
    """Return the newest entries, those older than the entry `before`. Raises NotAllowed without the Setup right `view_audit`."""
    require_setup(rights, "view_audit")
    found = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(AUDIT.c.id < before)
    return tx.connection.execute(found).mappings().all()
