"""Whom a session or a token stands for right now: one statement that joins it with its user, the org's version and the epoch.

Here: loading. Not here: the statement's part about people (`records/principal.py`), making sessions and tokens.
A revoked right, session or user is dead at the next request in every process: nothing here is remembered between requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, select

from fieldstone.auth.passwords import CREDENTIALS
from fieldstone.auth.sessions import ABSOLUTE, IDLE, NOTICED_EVERY, SESSIONS, hashed
from fieldstone.auth.tokens import TOKENS
from fieldstone.db.column_types import PlainText, UtcMoment
from fieldstone.records.gate.people import USER, principal_of, select_principal
from fieldstone.records.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A principal and what it came with: the session or the token."""

    principal: Principal
    id: str  # of the session or token
    to_notice: bool  # its last use is to be noted, it was not for a while
    one_time: bool = False  # signed in with a password that is good for choosing another and nothing else


_BY_SESSION = select_principal(
    SESSIONS.c.id.label("key_id"),
    SESSIONS.c.seen_at,
    select(CREDENTIALS.c.one_time).where(CREDENTIALS.c.user_id == USER.c.id).correlate(USER).scalar_subquery().label("one_time"),
    source=SESSIONS.join(USER, USER.c.id == SESSIONS.c.user_id),
).where(
    SESSIONS.c.key_hash == bindparam("key_hash", type_=PlainText),
    SESSIONS.c.seen_at > bindparam("idle_since", type_=UtcMoment),
    SESSIONS.c.begun_at > bindparam("begun_since", type_=UtcMoment),
)
_BY_TOKEN = select_principal(
    TOKENS.c.id.label("key_id"), TOKENS.c.used_at, TOKENS.c.scopes, source=TOKENS.join(USER, USER.c.id == TOKENS.c.user_id)
).where(
    TOKENS.c.key_hash == bindparam("key_hash", type_=PlainText),
    TOKENS.c.expires_at > bindparam("now", type_=UtcMoment),
    TOKENS.c.revoked_at.is_(None),
)


def of_session(connection: Connection, key: str, now: datetime | None = None) -> SignedIn | None:
    """Return whom the session key of a cookie stands for; None for one that is unknown or over, or whose user is gone.

    `now` (default: the clock of this process) is compared with times hours apart.
    """
    now = now or datetime.now(UTC)
    row = connection.execute(_BY_SESSION, {"key_hash": hashed(key), "idle_since": now - IDLE, "begun_since": now - ABSOLUTE}).first()
    if row is None:
        return None
    return SignedIn(principal=principal_of(row), id=row.key_id, to_notice=row.seen_at < now - NOTICED_EVERY, one_time=bool(row.one_time))


def of_token(connection: Connection, key: str, now: datetime | None = None) -> SignedIn | None:
    """Return the user of a token, narrowed to its scopes; None for a token that is unknown, expired or revoked."""
    now = now or datetime.now(UTC)
    row = connection.execute(_BY_TOKEN, {"key_hash": hashed(key), "now": now}).first()
    if row is None:
        return None
    noticed = row.used_at is not None and row.used_at > now - NOTICED_EVERY
    return SignedIn(principal=principal_of(row, scopes=frozenset(row.scopes)), id=row.key_id, to_notice=not noticed)


def former_user(connection: Connection, key: str) -> str | None:
    """Return whose session a key was, over or not: to give typed input back to the same person after a new login."""
    return connection.execute(select(SESSIONS.c.user_id).where(SESSIONS.c.key_hash == hashed(key))).scalar()
