"""Finding the person who acts: user, rights and the state of the org in one statement.

Here: `select_principal` for `auth` to join a session or a token to, `load` for whoever knows the user's id.
Not here: what a principal is (`principal.py`), passwords and sessions (`auth`).

The object `user` belongs to the built-in pack `core`, which nobody can take fields from; so its table is known before the snapshot is,
and one statement reads version, epoch and person as they were at one moment.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, MetaData, Row, Select, Table, bindparam, cast, func, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import Flag, Id, PlainText, UtcDatetime, is_id
from fieldstone.errors import NotVisible
from fieldstone.i18n.languages import closest
from fieldstone.metadata.store import VERSION
from fieldstone.records.gate.tables import marked
from fieldstone.records.principal import PERMISSION_ASSIGNMENT, QUEUE_MEMBER, Principal

USER = Table(
    "user",
    MetaData(),
    Column("id", Id),
    Column("name", PlainText),
    Column("username", PlainText),
    Column("email", PlainText),
    Column("title", PlainText),
    Column("manager", Id),
    Column("profile", PlainText),
    Column("role", PlainText),
    Column("language", PlainText),
    Column("zone", PlainText),
    Column("active", Flag),
    Column("deleted_at", UtcDatetime),
)


def _joined(column: Column[Any], owner: Column[Any]) -> ColumnElement[str | None]:
    """The values of `column` that belong to the user, as one text with commas, which no API name or id has."""
    joined = func.aggregate_strings(cast(column, PlainText), ",")
    return select(joined).where(owner == USER.c.id).correlate(USER).scalar_subquery()


COLUMNS = (
    VERSION.c.number.label("version"),
    VERSION.c.permission_epoch.label("epoch"),
    VERSION.c.language.label("org_language"),
    VERSION.c.zone.label("org_zone"),
    *(USER.c[name] for name in ("id", "name", "username", "email", "title", "manager", "profile", "role", "language", "zone")),
    _joined(PERMISSION_ASSIGNMENT.c.permission_set, PERMISSION_ASSIGNMENT.c.user_id).label("permission_sets"),
    _joined(QUEUE_MEMBER.c.queue_id, QUEUE_MEMBER.c.user_id).label("queues"),
)


def select_principal(*more: ColumnElement[Any], source: Any = None) -> Select[Any]:
    """Return the statement that finds active users; `more` are further columns, `source` what to select from, such as a join of a
    session table with `USER`. The rows are for `principal_of`. Version, epoch and person are read at one moment.
    """
    found = select(*COLUMNS, *more).select_from(USER if source is None else source).join(VERSION, VERSION.c.org == 1)
    return marked(found.where(USER.c.active, USER.c.deleted_at.is_(None)), "principal")


_BY_ID = select_principal().where(USER.c.id == bindparam("user_id", type_=Id))


def load(connection: Connection, user_id: str) -> Principal:
    """Return the principal of the active user `user_id`, in one statement. Raises NotVisible if there is none."""
    row = connection.execute(_BY_ID, {"user_id": user_id}).first() if is_id(user_id) else None
    if row is None:
        raise NotVisible("user")
    return principal_of(row)


def principal_of(row: Row[Any], *, scopes: frozenset[str] | None = None, scope_objects: frozenset[str] | None = None) -> Principal:
    """Return the principal in a row of `select_principal`; with `scopes` it is that user narrowed by a token."""
    values = row._mapping
    return Principal(
        kind="user" if scopes is None else "token",
        user_id=values["id"],
        name=values["name"] or values["username"] or "",
        username=values["username"],
        email=values["email"],
        title=values["title"],
        manager=values["manager"],
        profile=values["profile"],
        permission_sets=_set(values["permission_sets"]),
        role=values["role"],
        queues=_set(values["queues"]),
        language=closest(values["language"]) or values["org_language"],
        zone=_zone(values["zone"] or values["org_zone"]),
        scopes=scopes,
        scope_objects=scope_objects,
        version=values["version"],
        epoch=values["epoch"],
    )


def _set(joined: str | None) -> frozenset[str]:
    return frozenset(joined.split(",")) if joined else frozenset()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a zone that the installed time zone data does not know
        return ZoneInfo("UTC")
