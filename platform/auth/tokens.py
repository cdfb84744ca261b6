"""Tokens of programs: a key that stands for its user, narrowed to scopes, until a day.

Here: the table, making, listing and revoking.
Not here: the `Authorization` header (`api/`), whom a token stands for at this moment (`principals.py`), what a scope
allows (`records/gate/access.py`).
Source: spec/security.md, section 2 "Tokens and scopes".
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, insert, select, update

from fieldstone.auth.sessions import hashed
from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible, Problem, Refused

SCOPES = (
    "records:read",
    "records:write",
    "records:delete",
    "metadata:read",
    "metadata:write",
    "users:admin",
)
DAYS = 90  # a token's life unless said otherwise
MOST_DAYS = 365
PREFIX = "fst_"  # so that scanners for leaked secrets find one

TOKENS = system_table(
    "token",
    Column("id", Id, primary_key=True),
    Column("key_hash", PlainText, nullable=False, unique=True),
    Column("user_id", Id, nullable=False, index=True),
    Column("name", PlainText, nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("expires_at", UtcMoment, nullable=False),
    Column("used_at", UtcMoment),
    Column("revoked_at", UtcMoment),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as its user sees it; the key is shown once, when it is made."""

    id: str
    user_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def create(transaction: Transaction, user_id: str, *, name: str, scopes: Iterable[str], days: int = DAYS, by: str) -> tuple[str, str]:
    """Make a token for a user and return (id, key). Who may do so for whom, and with which scopes, the caller has decided.

    Raises Refused for a missing name, an unknown scope, no scope at all, or a life of other than 1 to 365 days.
    """
    asked = tuple(dict.fromkeys(scopes))
    problems = [Problem(code="unknown_scope", params={"scope": scope}, field="scopes") for scope in asked if scope not in SCOPES]
    if not asked:
        problems.append(Problem(code="required", field="scopes"))
    if not name.strip():
        problems.append(Problem(code="required", field="name"))
    if not 1 <= days <= MOST_DAYS:
        problems.append(Problem(code="token_days", params={"most": MOST_DAYS}, field="days"))
    if problems:
        raise Refused(problems)
    key = PREFIX + secrets.token_urlsafe(32)
    token_id = new_id()
    transaction.connection.execute(
        insert(TOKENS).values(
            id=token_id,
            key_hash=hashed(key),
            user_id=user_id,
            name=name.strip()[:120],
            scopes=list(asked),
            created_at=transaction.now,
            created_by=by,
            expires_at=transaction.now + timedelta(days=days),
        )
    )
    return token_id, key


def of_user(transaction: Transaction, user_id: str) -> tuple[Token, ...]:
    """Return the tokens of a user, revoked and expired ones too, the newest first."""
    rows = transaction.connection.execute(select(TOKENS).where(TOKENS.c.user_id == user_id).order_by(TOKENS.c.id.desc()))
    return tuple(
        Token(
            id=row.id,
            user_id=row.user_id,
            name=row.name,
            scopes=tuple(row.scopes),
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    )


def revoke(transaction: Transaction, user_id: str, token_id: str) -> None:
    """Revoke one token of a user: dead at its next use. Raises NotVisible for one that is not theirs."""
    done = transaction.connection.execute(
        update(TOKENS)
        .where(TOKENS.c.id == token_id, TOKENS.c.user_id == user_id, TOKENS.c.revoked_at.is_(None))
        .values(revoked_at=transaction.now)
    )
    if done.rowcount == 0 and not any(token.id == token_id for token in of_user(transaction, user_id)):
        raise NotVisible


def revoke_all(transaction: Transaction, user_id: str) -> None:
    """Revoke every token of a user."""
    transaction.connection.execute(
        update(TOKENS).where(TOKENS.c.user_id == user_id, TOKENS.c.revoked_at.is_(None)).values(revoked_at=transaction.now)
    )


def notice(transaction: Transaction, token_id: str) -> None:
    """Note that a token was used now."""
    transaction.connection.execute(update(TOKENS).where(TOKENS.c.id == token_id).values(used_at=transaction.now))
