"""Sessions: begun at a login, looked up with every request, ended by the user, an administrator or time.

Here: the table, beginning and ending, idle and absolute time.
Not here: the cookie (`web/login.py`), whom a session stands for at this moment (`principals.py`).
Source: spec/security.md, section 6.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, delete, insert, select, update

from fieldstone.db.column_types import Id, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction

IDLE = timedelta(hours=2)
ABSOLUTE = timedelta(hours=12)
NOTICED_EVERY = timedelta(minutes=1)  # `seen_at` is written no more often, so that reading a page is rarely a write

SESSIONS = system_table(
    "session",
    Column("id", Id, primary_key=True),  # to name it in the list of own sessions; worth nothing as a cookie
    Column("key_hash", PlainText, nullable=False, unique=True),
    Column("user_id", Id, nullable=False, index=True),
    Column("begun_at", UtcMoment, nullable=False),
    Column("seen_at", UtcMoment, nullable=False),
    Column("address", PlainText),
    Column("agent", PlainText),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that is alive, as its user sees it in the list of own sessions."""

    id: str
    user_id: str
    begun_at: datetime
    seen_at: datetime
    address: str | None
    agent: str | None


def hashed(key: str) -> str:
    """Return what is stored of a session's or token's key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def begin(transaction: Transaction, user_id: str, *, address: str | None, agent: str | None) -> str:
    """Begin a session and return its key: 256 random bits, stored only as a hash. Dead sessions of the user are cleared away."""
    key = secrets.token_urlsafe(32)
    now = transaction.now
    transaction.connection.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user_id, ~alive(now)))
    transaction.connection.execute(
        insert(SESSIONS).values(
            id=new_id(),
            key_hash=hashed(key),
            user_id=user_id,
            begun_at=now,
            seen_at=now,
            address=address,
            agent=(agent or "")[:400] or None,
        )
    )
    return key


def alive(now: datetime):  # type: ignore[no-untyped-def]  # a column expression; its type has three parameters that say nothing
    """Return the SQL condition of a session that has not ended by time."""
    return (SESSIONS.c.seen_at > now - IDLE) & (SESSIONS.c.begun_at > now - ABSOLUTE)


def of_user(transaction: Transaction, user_id: str) -> tuple[Session, ...]:
    """Return the sessions of a user that are alive, the last seen first."""
    rows = transaction.connection.execute(
        select(SESSIONS).where(SESSIONS.c.user_id == user_id, alive(transaction.now)).order_by(SESSIONS.c.seen_at.desc())
    )
    return tuple(
        Session(id=row.id, user_id=row.user_id, begun_at=row.begun_at, seen_at=row.seen_at, address=row.address, agent=row.agent)
        for row in rows
    )


def notice(transaction: Transaction, session_id: str) -> None:
    """Note that a session was used now, which puts off its idle end."""
    transaction.connection.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(seen_at=transaction.now))


def end(transaction: Transaction, user_id: str, session_id: str) -> None:
    """End one session of a user; one that is gone already is no error."""
    transaction.connection.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user_id, SESSIONS.c.id == session_id))


def end_all(transaction: Transaction, user_id: str, *, but: str | None = None) -> None:
    """End all sessions of a user, but for the one with the id `but`."""
    condition = SESSIONS.c.user_id == user_id
    transaction.connection.execute(delete(SESSIONS).where(condition & (SESSIONS.c.id != but) if but is not None else condition))
