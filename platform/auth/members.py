"""Who is where: the users of the org for Setup's lists, holders of a profile, permission set or role, members of queues.

Here: reading them, and who is a member of which queue. Not here: making and changing users (`users.py`), what rights mean
(`records/gate/access.py`). Whoever calls has been admitted by a Setup right; nothing here depends on data rights.
Source: spec/security.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, Row, Select, func, or_, select

from fieldstone.auth import passwords, sessions
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.errors import NotVisible
from fieldstone.records import audit
from fieldstone.records.gate.people import USER
from fieldstone.records.principal import PERMISSION_ASSIGNMENT, QUEUE_MEMBER, Principal, set_queue_members

PAGE = 50


def _users() -> Select[Any]:
    return select(USER).where(USER.c.deleted_at.is_(None)).order_by(func.lower(USER.c.name), USER.c.id)


def users(
    transaction: Transaction,
    *,
    words: str = "",
    active: bool | None = None,
    ids: Iterable[str] | None = None,
    limit: int = PAGE,
    start: int = 0,
) -> Sequence[Row[Any]]:
    """Return users by name: those with `words` in name, sign-in name or address, active ones, those with these `ids`."""
    found = _users().limit(limit).offset(start)
    if words:
        found = found.where(
            or_(*(func.lower(USER.c[column]).contains(words.casefold(), autoescape=True) for column in ("name", "username", "email")))
        )
    if active is not None:
        found = found.where(USER.c.active == active)
    if ids is not None:
        found = found.where(USER.c.id.in_(sorted(set(ids))))
    return transaction.connection.execute(found).all()


def user(transaction: Transaction, user_id: str) -> Row[Any]:
    """Return one user, active or not. Raises NotVisible if there is none."""
    found = users(transaction, ids=(user_id,), limit=1)
    if not found:
        raise NotVisible("user")
    return found[0]


def names(transaction: Transaction, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of users by id."""
    wanted = {each for each in ids if each}
    found = users(transaction, ids=wanted, limit=len(wanted)) if wanted else ()
    return {row.id: row.name or row.username or "" for row in found}


def with_value(transaction: Transaction, column: str, value: str, limit: int = PAGE) -> Sequence[Row[Any]]:
    """Return the users whose `profile` or `role` is `value`."""
    return transaction.connection.execute(_users().where(USER.c[column] == value).limit(limit)).all()


def holders(transaction: Transaction, permission_set: str, limit: int = PAGE) -> Sequence[Row[Any]]:
    """Return the users to whom a permission set is assigned."""
    assigned = select(PERMISSION_ASSIGNMENT.c.user_id).where(PERMISSION_ASSIGNMENT.c.permission_set == permission_set)
    return transaction.connection.execute(_users().where(USER.c.id.in_(assigned)).limit(limit)).all()


def counts(transaction: Transaction, what: str) -> Mapping[str, int]:
    """Return how many users have each "profile", "role" or "permission_set", how many members each "queue" (by id) has."""
    if what in ("profile", "role"):
        grouped = select(USER.c[what], func.count()).where(USER.c.deleted_at.is_(None)).group_by(USER.c[what])
    else:
        column, owner = (
            (PERMISSION_ASSIGNMENT.c.permission_set, PERMISSION_ASSIGNMENT.c.user_id)
            if what == "permission_set"
            else (QUEUE_MEMBER.c.queue_id, QUEUE_MEMBER.c.user_id)
        )
        grouped = select(column, func.count()).join(USER, USER.c.id == owner).where(USER.c.deleted_at.is_(None)).group_by(column)
    return {name: count for name, count in transaction.connection.execute(grouped) if name}


def sets_of(transaction: Transaction, user_id: str) -> tuple[str, ...]:
    """Return the permission sets that a user holds, by API name."""
    found = select(PERMISSION_ASSIGNMENT.c.permission_set).where(PERMISSION_ASSIGNMENT.c.user_id == user_id)
    return tuple(sorted(transaction.connection.execute(found).scalars()))


def queues_of(transaction: Transaction, user_id: str) -> tuple[str, ...]:
    """Return the ids of the queues that a user is a member of."""
    return tuple(transaction.connection.execute(select(QUEUE_MEMBER.c.queue_id).where(QUEUE_MEMBER.c.user_id == user_id)).scalars())


def members(transaction: Transaction, queue_id: str) -> Sequence[Row[Any]]:
    """Return the members of a queue by name."""
    found = select(QUEUE_MEMBER.c.user_id).where(QUEUE_MEMBER.c.queue_id == queue_id)
    return transaction.connection.execute(_users().where(USER.c.id.in_(found))).all()


def set_members(engine: Engine, by: Principal, queue_id: str, user_ids: Iterable[str]) -> None:
    """Make `user_ids` the members of a queue. The caller has checked the right."""
    wanted = sorted(set(user_ids))

    def work(transaction: Transaction) -> None:
        set_queue_members(transaction.connection, queue_id, wanted)
        audit.note(transaction, by, "queue.members_changed", details={"queue": queue_id, "members": len(wanted)})

    retrying(engine, work)


def put_in_queues(engine: Engine, by: Principal, user_id: str, queue_ids: Iterable[str]) -> None:
    """Make a user a member of exactly these queues. The caller has checked the right."""
    wanted = set(queue_ids)

    def work(transaction: Transaction) -> None:
        now = set(queues_of(transaction, user_id))
        for queue_id in sorted(now ^ wanted):
            others = {row.id for row in members(transaction, queue_id)} - {user_id}
            set_queue_members(transaction.connection, queue_id, others | ({user_id} if queue_id in wanted else set()))
        if now != wanted:
            audit.note(transaction, by, "user.queues_changed", object_name="user", record=user_id, details={"queues": len(wanted)})

    retrying(engine, work)


def end_sessions(engine: Engine, by: Principal, user_id: str) -> None:
    """Sign a user out everywhere. The caller has checked the right."""

    def work(transaction: Transaction) -> None:
        sessions.end_all(transaction, user_id)
        audit.note(transaction, by, "user.sessions_ended", object_name="user", record=user_id)

    retrying(engine, work)


def can_sign_in(transaction: Transaction, user_id: str) -> bool:
    """Whether a user has a password at all."""
    return passwords.kept_password(transaction, user_id) is not None
