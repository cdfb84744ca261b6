"""Step 1 of a save, and its like for reading: which metadata, which time, are the principal's rights still those they hold.

Here: taking the version lock, reading version, epoch and clock in one statement after it.
Not here: beginning and ending the transaction (`db/transaction.py`).
Source: spec/metadata.md, section 8 "Writers"; spec/workflow.md, section 1.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from fieldstone.db.transaction import Transaction
from fieldstone.errors import TryAgain
from fieldstone.metadata.publish import shared_version_lock
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.store import READ_VERSION, VERSION
from fieldstone.records.cursor import Cursors
from fieldstone.records.gate import Gate
from fieldstone.records.gate.people import load
from fieldstone.records.gate.sharing import reader
from fieldstone.records.principal import Principal

if TYPE_CHECKING:
    from fieldstone.records.save import Holding

# After the lock: one statement for both would read what was true before the lock came.
STATE: dict[str, Any] = {
    "sqlite": select(VERSION.c.number, VERSION.c.permission_epoch).where(VERSION.c.org == 1),
    "postgresql": select(VERSION.c.number, VERSION.c.permission_epoch, func.clock_timestamp()).where(VERSION.c.org == 1),
}


def open_for_writing(tx: Transaction, holder: Holding, principal: Principal) -> tuple[Snapshot, Principal]:
    """Return the snapshot in force, which stays in force until `tx` ends, and the principal with the rights of now."""
    shared_version_lock(tx)
    row = tx.connection.execute(STATE[tx.dialect]).one()
    if tx.on_postgresql:
        tx.fix_now(row[2])
    return holder.at(row[0], tx.connection), fresh(tx, principal, row[1])


def open_for_reading(tx: Transaction, holder: Holding, principal: Principal, cursors: Cursors) -> Gate:
    """Return the gate for `principal`; one that was not loaded from the database reads the version in force first."""
    tx.fix_now(datetime.now(UTC))  # a reader's clock decides nothing that is kept: it need not be the database's
    return Gate(tx, reader(_snapshot(tx, holder, principal.version), principal), cursors)


def _snapshot(tx: Transaction, holder: Holding, version: int | None) -> Snapshot:
    if version is not None:
        with suppress(TryAgain):  # so old that nobody keeps it any more: the one in force, then
            return holder.at(version, tx.connection)
    return holder.at(tx.connection.execute(READ_VERSION).one().number, tx.connection)


def fresh(tx: Transaction, principal: Principal, epoch: int) -> Principal:
    """Return `principal` with the rights of now: loaded again if somebody's rights have changed since."""
    if principal.user_id is None or principal.epoch is None or principal.epoch == epoch:
        return principal
    loaded = load(tx.connection, principal.user_id)
    return replace(loaded, kind=principal.kind, scopes=principal.scopes, scope_objects=principal.scope_objects)
