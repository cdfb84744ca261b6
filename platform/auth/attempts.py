"""How often a login may fail: 5 a minute an account with growing delay, 30 a minute an address.

Here: counting failures in the database, so that every process knows them, and when the next try is allowed. A try counts as failed from
its beginning until it has turned out well: guesses that are made at the same time are counted as well as those one after the other.
Not here: what a login is (`logins.py`). A delay never grows past a quarter of an hour: no stranger locks an account out for good.
Source: spec/security.md, section 7.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Column, Integer, case, delete, insert, literal, select, update

from fieldstone.db import locks
from fieldstone.db.column_types import PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction

AN_ACCOUNT = 5
AN_ADDRESS = 30
WINDOW = timedelta(minutes=1)
LONGEST_DELAY = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)  # after so long without a failure counting begins anew

ATTEMPTS = system_table(
    "login_attempt",
    Column("key", PlainText, primary_key=True),  # hashed: the table tells no login names
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcMoment, nullable=False, index=True),
    Column("free_at", UtcMoment, nullable=False),
)


def account_key(username: str) -> str:
    """Return the key of an account, known or not."""
    return "account " + hashlib.sha256(username.strip().casefold().encode()).hexdigest()


def address_key(address: str | None) -> str:
    """Return the key of a network address."""
    return "address " + hashlib.sha256((address or "").encode()).hexdigest()


def wait(transaction: Transaction, *keys: str) -> timedelta:
    """Return how long the next try with any of `keys` has to wait; zero when it may be made now."""
    free = transaction.connection.execute(select(ATTEMPTS.c.free_at).where(ATTEMPTS.c.key.in_(keys))).scalars().all()
    waiting: list[timedelta] = [timedelta(0), *(each - transaction.now for each in free)]
    return max(waiting)


def begin(transaction: Transaction, username: str, address: str | None) -> timedelta:
    """Count a try for its account and its address and return zero; or, counting nothing, how long it has to wait."""
    locks.take(transaction, "login attempts")  # two tries at once are two
    waiting = wait(transaction, account_key(username), address_key(address))
    if waiting:
        return waiting
    now = transaction.now
    transaction.connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.last_at < now - FORGOTTEN))
    for key, allowed, grows in ((account_key(username), AN_ACCOUNT, True), (address_key(address), AN_ADDRESS, False)):
        row = transaction.connection.execute(select(ATTEMPTS).where(ATTEMPTS.c.key == key)).one_or_none()
        failures = 1 if row is None or (not grows and row.last_at < now - WINDOW) else row.failures + 1
        values = {"failures": failures, "last_at": now, "free_at": now + delay(failures, allowed, grows=grows)}
        if row is None:
            transaction.connection.execute(insert(ATTEMPTS).values(key=key, **values))
        else:
            transaction.connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.key == key).values(values))
    return waiting


def delay(failures: int, allowed: int, *, grows: bool) -> timedelta:
    """Return the pause after so many failures: none up to `allowed`, then a minute, doubling if it grows."""
    if failures < allowed:
        return timedelta(0)
    if not grows:
        return WINDOW
    doubled: timedelta = WINDOW * (1 << min(failures - allowed, 10))
    return min(doubled, LONGEST_DELAY)


def succeeded(transaction: Transaction, username: str, address: str | None) -> None:
    """Forget the failures of an account after a good login; of the address this try alone: others may share it."""
    transaction.connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == account_key(username)))
    free_at = case((ATTEMPTS.c.failures <= AN_ADDRESS, literal(transaction.now, UtcMoment)), else_=ATTEMPTS.c.free_at)
    of_address = update(ATTEMPTS).where(ATTEMPTS.c.key == address_key(address), ATTEMPTS.c.failures > 0)
    transaction.connection.execute(of_address.values(failures=ATTEMPTS.c.failures - 1, free_at=free_at))


def next_try(waiting: timedelta) -> int:
    """Return the whole seconds for a `Retry-After` header."""
    return max(int(waiting.total_seconds()) + 1, 1)
