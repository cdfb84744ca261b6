"""One holder of a named lease at a time, across processes: who may sweep, who plans the periodic work.

Here: `fs_lease` and taking, keeping and giving back a lease. Not here: the leases of outbox rows (`outbox.py`).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import BigInteger, Column, delete, or_, update

from fieldstone.db.column_types import PlainText, UtcMoment
from fieldstone.db.insert import insert_new
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction

LEASE = system_table(
    "lease",
    Column("name", PlainText, primary_key=True),
    Column("holder", PlainText, nullable=False),
    Column("token", BigInteger, nullable=False),  # grows whenever the lease changes hands
    Column("until", UtcMoment, nullable=False),
)


def take(tx: Transaction, name: str, holder: str, seconds: float) -> bool:
    """Take or keep the lease `name` for `seconds` and say whether it is `holder`'s now; never waits for the other."""
    until = tx.now + timedelta(seconds=seconds)
    free = or_(LEASE.c.holder == holder, LEASE.c.until < tx.now)
    changed = update(LEASE).where(LEASE.c.name == name, free).values(holder=holder, token=LEASE.c.token + 1, until=until)
    if tx.connection.execute(changed).rowcount == 1:
        return True
    return insert_new(tx, LEASE, {"name": name, "holder": holder, "token": 1, "until": until})


def give_back(tx: Transaction, name: str, holder: str) -> None:
    """End the lease at once, so that another process need not wait for it to run out."""
    tx.connection.execute(delete(LEASE).where(LEASE.c.name == name, LEASE.c.holder == holder))
