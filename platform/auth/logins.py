"""Signing in with name and password.

Here: finding the user, comparing, counting failures, beginning the session. Unknown, disabled and wrong answer alike in
text, status and time.
Not here: the page and the cookie (`web/login.py`), the pauses themselves (`attempts.py`).
Source: spec/security.md, sections 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from fieldstone.auth import attempts, passwords, sessions
from fieldstone.db.transaction import Transaction, read, retrying
from fieldstone.errors import Problem, Refused, TryAgain
from fieldstone.records import audit
from fieldstone.records.gate.people import USER
from fieldstone.records.gate.tables import marked
from fieldstone.records.principal import Principal

LOGIN = Principal.internal("login")  # who acts while nobody is known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A good login: the key for the cookie, whose it is, and whether the password was a one-time one."""

    key: str
    user_id: str
    one_time: bool


def sign_in(engine: Engine, username: str, password: str, *, address: str | None, agent: str | None) -> Login:
    """Return a new session for the active user `username` (any letter case, or their mail address) with this password.

    Raises Refused with the one problem `login_failed` for whatever is wrong, TryAgain after too many failures.
    """
    waiting = retrying(engine, lambda transaction: attempts.begin(transaction, username, address))
    if waiting:
        raise TryAgain("login_attempts", after_seconds=attempts.next_try(waiting))
    with read(engine) as transaction:
        user_id = user_called(transaction.connection, username)
        kept = passwords.kept_password(transaction, user_id) if user_id is not None else None
    # Outside a transaction: it takes 20 ms on purpose, and a reader of the database must not wait for that.
    good = passwords.matches(password, kept[0] if kept is not None else None)

    def remember(transaction: Transaction) -> Login | None:
        if not good or user_id is None or kept is None:
            audit.note(transaction, LOGIN, "login.refused", object_name="user", record=user_id, details={"address": address or ""})
            return None
        attempts.succeeded(transaction, username, address)
        key = sessions.begin(transaction, user_id, address=address, agent=agent)
        audit.note(transaction, LOGIN, "login.accepted", object_name="user", record=user_id, details={"address": address or ""})
        return Login(key=key, user_id=user_id, one_time=kept[1])

    login = retrying(engine, remember)
    if login is None:
        raise Refused(Problem(code="login_failed"))
    return login


def user_called(connection: Connection, username: str) -> str | None:
    """Return the id of the one active user with this login name, in any letter case, or mail address; None if there is none."""
    wanted = username.strip().lower()
    statement = marked(
        select(USER.c.id)
        .where(
            USER.c.active,
            USER.c.deleted_at.is_(None),
            (func.lower(USER.c.username) == wanted) | (func.lower(USER.c.email) == wanted),
        )
        .limit(2),
        "login",
    )
    found = connection.execute(statement).scalars().all()
    return str(found[0]) if len(found) == 1 else None
