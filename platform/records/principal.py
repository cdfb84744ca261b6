"""Who acts, always named: a person, a token of theirs, an automation, the platform itself.

Here: `Principal`, who holds which permission set, who is a member of which queue, and the epoch that moves when any right changes.
Not here: loading one (`gate/people.py`), what a principal may do (`gate/access.py`), how a login or a token becomes a user (`auth`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, delete, insert, update

from fieldstone.db.column_types import Id, PlainText
from fieldstone.db.system import system_table
from fieldstone.metadata.store import VERSION

Kind: TypeAlias = Literal["user", "token", "automation", "scheduler", "internal"]

PERMISSION_ASSIGNMENT = system_table(
    "permission_assignment",
    Column("user_id", Id, nullable=False),
    Column("permission_set", PlainText, nullable=False),  # API name
    PrimaryKeyConstraint("user_id", "permission_set"),
)
QUEUE_MEMBER = system_table(
    "queue_member",
    Column("queue_id", Id, nullable=False),  # definition id
    Column("user_id", Id, nullable=False, index=True),
    PrimaryKeyConstraint("queue_id", "user_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts. Made once for a request or a job, from one statement; `epoch` tells whether rights have changed since."""

    kind: Kind
    user_id: str | None  # None: no person
    name: str  # as people read it; of the platform's own: what it is for
    username: str | None = None
    email: str | None = None
    title: str | None = None
    manager: str | None = None  # user id
    profile: str | None = None  # API name
    permission_sets: frozenset[str] = frozenset()  # API names
    role: str | None = None  # API name
    queues: frozenset[str] = frozenset()  # definition ids
    language: str = "en"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    scopes: frozenset[str] | None = None  # of a token; None: not narrowed
    scope_objects: frozenset[str] | None = None  # of a token narrowed to some objects
    unrestricted: bool = False  # skips sharing and field rights; no request can make such a one
    version: int | None = None  # of the metadata when it was loaded
    epoch: int | None = None  # of the rights when it was loaded; None: does not come from the database

    @classmethod
    def internal(cls, name: str, *, language: str = "en", zone: str = "UTC") -> Principal:
        """Return the platform itself, named after what it does ("roll_up", "import", "migration")."""
        return cls(kind="internal", user_id=None, name=name, language=language, zone=ZoneInfo(zone), unrestricted=True)

    @classmethod
    def automation(cls, name: str, *, language: str = "en", zone: str = "UTC") -> Principal:
        """Return an automation or approval process that runs as system; as a person it runs with that person's principal."""
        return cls(kind="automation", user_id=None, name=name, language=language, zone=ZoneInfo(zone), unrestricted=True)

    @property
    def fingerprint(self) -> str:
        """What tells this principal from every other; part of cursors and cache keys."""
        return self.user_id or f"{self.kind}:{self.name}"

    def globals(self) -> dict[str, Any]:
        """Return what `$User`, `$Profile` and `$UserRole` read, by full name as expressions spell it.

        `$Permission` needs the snapshot: `Rights.globals`.
        """
        return {
            "$User.Id": self.user_id,
            "$User.Name": self.name,
            "$User.Username": self.username,
            "$User.Email": self.email,
            "$User.Title": self.title,
            "$User.Manager": self.manager,
            "$User.Language": self.language,
            "$User.Zone": self.zone.key,
            "$User.Profile": self.profile,
            "$User.Role": self.role,
            "$Profile.Name": self.profile,
            "$UserRole.Name": self.role,
        }


def assign(connection: Connection, user_id: str, permission_sets: Iterable[str]) -> None:
    """Make `permission_sets` the ones that `user_id` holds, in a write transaction; the caller has checked who may do so."""
    connection.execute(delete(PERMISSION_ASSIGNMENT).where(PERMISSION_ASSIGNMENT.c.user_id == user_id))
    rows = [{"user_id": user_id, "permission_set": name} for name in sorted(set(permission_sets))]
    if rows:
        connection.execute(insert(PERMISSION_ASSIGNMENT), rows)
    bump_epoch(connection)


def set_queue_members(connection: Connection, queue_id: str, user_ids: Iterable[str]) -> None:
    """Make `user_ids` the members of a queue, in a write transaction; the caller has checked who may do so."""
    connection.execute(delete(QUEUE_MEMBER).where(QUEUE_MEMBER.c.queue_id == queue_id))
    rows = [{"queue_id": queue_id, "user_id": user_id} for user_id in sorted(set(user_ids))]
    if rows:
        connection.execute(insert(QUEUE_MEMBER), rows)
    bump_epoch(connection)


def bump_epoch(connection: Connection) -> None:
    """Make every principal that was loaded before out of date: rights of somebody have changed. Source: security.md, section 2."""
    connection.execute(update(VERSION).values(permission_epoch=VERSION.c.permission_epoch + 1))
