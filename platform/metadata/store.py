"""What the database keeps of metadata: definitions, their history, the version in force, plans at work, who owns which leaf.

Here: the system tables, and reading them into plain values.
Not here: when something is written (`publish`), what it means (`load`, `snapshot`), the rows of ownership (`ownership`).

Nothing is ever deleted from `fs_definition` and `fs_revision`: what is removed changes its state, so that a process which has slept
can ask for what changed since its version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, insert, select
from sqlalchemy.engine import Row

from fieldstone.db.column_types import Flag, Id, JsonText, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.metadata.identities import LIVE, Identities, Identity

# One row, number 1: the version in force and what every request wants along with it.
VERSION = system_table(
    "version",
    Column("org", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("permission_epoch", Integer, nullable=False),  # counts up when somebody's rights change
    Column("language", PlainText, nullable=False),  # of labels without a language, and of sort keys
    Column("zone", PlainText, nullable=False),  # IANA name
    Column("name", PlainText, nullable=False),
    Column("changed_at", UtcMoment, nullable=False),
)

# Every definition with an identity. A document has its text here; a field stands in the text of its object.
DEFINITION = system_table(
    "definition",
    Column("id", Id, primary_key=True),
    Column("kind", PlainText, nullable=False),
    Column("object", PlainText, nullable=False),
    Column("name", PlainText, nullable=False),
    Column("path", PlainText, nullable=False),
    Column("owner", PlainText, nullable=False),
    Column("text", PlainText),  # canonical; of an archived field its part of the object's text
    Column("base", PlainText),  # as its pack brought it: what merges compare with
    Column("hash", PlainText),
    Column("physical", PlainText),
    Column("columns", JsonText),  # of an archived field: its physical columns with their types
    Column("state", PlainText, nullable=False),
    Column("born", Integer, nullable=False),
    Column("version", Integer, nullable=False, index=True),  # the publish that changed the row last
    Column("archived_at", UtcMoment),
)
Index("ix_fs_definition_path", DEFINITION.c.path)
Index("ix_fs_definition_key", DEFINITION.c.kind, DEFINITION.c.object, DEFINITION.c.name)

# Base columns that no live field has (any more): being filled by a plan, or left behind by a change of type and kept until purged.
COLUMN = system_table(
    "column",
    Column("table_name", PlainText, primary_key=True),
    Column("name", PlainText, primary_key=True),
    Column("definition", Id, nullable=False, index=True),
    Column("field", PlainText, nullable=False),  # the field's part of the document when the column was its own
    Column("state", PlainText, nullable=False),  # write_only, archived, purged
    Column("plan", Id, index=True),
    Column("columns", JsonText, nullable=False),  # its physical columns with their types
    Column("version", Integer, nullable=False, index=True),
    Column("archived_at", UtcMoment),
)

# One publish, which is also one version. Open and switch of a plan are one each.
PUBLISH = system_table(
    "publish",
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", PlainText, nullable=False),  # publish, open, switch, cancel
    Column("plan", Id, index=True),
    Column("author", Id),  # None: the platform
    Column("acting_for", Id),
    Column("at", UtcMoment, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("pack", PlainText),
    Column("undoes", Integer),
    Column("changes", JsonText, nullable=False),  # renames and restores: what texts alone do not say
    Column("steps", JsonText, nullable=False),
)

# Every text a document ever had, whole; None: it was removed.
REVISION = system_table(
    "revision",
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("path", PlainText, primary_key=True),
    Column("definition", Id, nullable=False, index=True),
    Column("kind", PlainText, nullable=False),
    Column("object", PlainText, nullable=False),
    Column("name", PlainText, nullable=False),
    Column("text", PlainText),
    Column("hash", PlainText),
    Column("author", Id),
    Column("at", UtcMoment, nullable=False),
    Column("reason", PlainText, nullable=False),
)
Index("ix_fs_revision_path", REVISION.c.path, REVISION.c.version)

# Leaves of packs' documents that somebody else decided (spec/packs.md, section 9). No row: the pack owns the leaf.
OWNERSHIP = system_table(
    "ownership",
    Column("definition", Id, primary_key=True),
    Column("leaf", PlainText, primary_key=True),  # path of keys, as a JSON pointer
    Column("document", PlainText, nullable=False, index=True),
    Column("owner", PlainText, nullable=False),
    Column("pinned", Flag, nullable=False),  # kept as the org's although it equals the base
    Column("by", Id),
    Column("at", UtcMoment, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("publish", Integer, nullable=False),
)

# The packs installed in this org.
PACK = system_table(
    "pack",
    Column("name", PlainText, primary_key=True),
    Column("version", PlainText, nullable=False),
    Column("manifest", PlainText, nullable=False),  # canonical
    Column("documents", JsonText, nullable=False),  # content hash by path; the base texts themselves stand in fs_definition
    Column("installed_at", UtcMoment, nullable=False),
    Column("installed_by", Id),  # None: the platform
    Column("publish", Integer, nullable=False),
)

# Plans that work on rows: their journal.
PLAN = system_table(
    "plan",
    Column("id", Id, primary_key=True),
    Column("state", PlainText, nullable=False),  # kept, filling, indexing, paused, live, cancelled
    Column("base_version", Integer, nullable=False),
    Column("author", Id),
    Column("acting_for", Id),
    Column("reason", PlainText, nullable=False),
    Column("changes", JsonText, nullable=False),
    Column("given", JsonText, nullable=False),  # ids and physical names given out at *open*
    Column("paths", JsonText, nullable=False),  # documents it changes: nobody else does meanwhile
    Column("objects", JsonText, nullable=False),  # objects whose rows it works on
    Column("fill", Integer, nullable=False),  # the fill it is at, from 0
    Column("cursor", PlainText),  # id of the last record that fill has done
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("problems", JsonText, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("updated_at", UtcMoment, nullable=False),
)

AT_WORK = ("filling", "indexing", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The row of `fs_version`: what is in force now."""

    number: int
    permission_epoch: int
    language: str
    zone: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenColumn:
    """A base column that no live field has: "write_only" while a plan fills it, "archived" after a change of type."""

    table: str
    name: str
    definition: str
    field: str  # text of the field's part of the document
    columns: Mapping[str, str]  # physical columns with their types
    state: str
    plan: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """What is kept of an archived definition: its text, and the columns of a field."""

    text: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAtWork:
    """A plan between its open and its switch, as far as snapshots need it."""

    id: str
    changes: Mapping[str, Any]
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that a snapshot is built from."""

    version: Version
    texts: Mapping[str, str]  # canonical text by path
    identities: Identities
    archived: Mapping[str, Archived]  # by definition id
    columns: tuple[HiddenColumn, ...]
    plans: tuple[PlanAtWork, ...]


NOTHING = Stored(
    version=Version(number=0, permission_epoch=0, language="en", zone="UTC", name=""),
    texts={},
    identities=Identities(),
    archived={},
    columns=(),
    plans=(),
)


def read_version(connection: Connection) -> Version:
    """Return what is in force: the one small statement every request makes. Raises LookupError where no org was founded."""
    row = connection.execute(READ_VERSION).one_or_none()
    if row is None:
        raise LookupError("this database holds no org yet: found one first")
    return Version(number=row.number, permission_epoch=row.permission_epoch, language=row.language, zone=row.zone, name=row.name)


READ_VERSION = select(VERSION).where(VERSION.c.org == 1)


def found_org(connection: Connection, *, name: str, language: str, zone: str, now: datetime) -> None:
    """Begin an org: version 0, without any definition. `language` is a BCP 47 tag, `zone` an IANA name."""
    connection.execute(insert(VERSION).values(org=1, number=0, permission_epoch=0, language=language, zone=zone, name=name, changed_at=now))


def load(connection: Connection, *, since: Stored = NOTHING) -> Stored:
    """Return what is stored now. What `since` holds already is not read again."""
    version = read_version(connection)
    if version.number == since.version.number:
        return replace(since, version=version)
    texts, archived = dict(since.texts), dict(since.archived)
    changed = connection.execute(select(*_WANTED).where(DEFINITION.c.version > since.version.number).order_by(DEFINITION.c.born)).all()
    before = {identity.id: identity for identity in since.identities.every()}
    for row in changed:
        old = before.get(row.id)
        if old is not None and old.kind != "field":
            texts.pop(old.path, None)
        archived.pop(row.id, None)
    for row in changed:
        if row.state == LIVE and row.kind != "field" and row.text is not None:
            texts[row.path] = row.text
        elif row.state != LIVE and row.text is not None:
            archived[row.id] = Archived(text=row.text, columns=row.columns or {})
    return Stored(
        version=version,
        texts=texts,
        identities=since.identities.with_changes(_identity(row) for row in changed),
        archived=archived,
        columns=_hidden_columns(connection),
        plans=tuple(PlanAtWork(id=row.id, changes=row.changes, given=row.given) for row in plans_at_work(connection)),
    )


_WANTED = [column for column in DEFINITION.c if column.name not in ("base", "hash", "archived_at", "version")]


def _identity(row: Row[Any]) -> Identity:
    return Identity(
        id=row.id,
        kind=row.kind,
        object=row.object,
        name=row.name,
        path=row.path,
        owner=row.owner,
        physical=row.physical,
        state=row.state,
        born=row.born,
    )


def _hidden_columns(connection: Connection) -> tuple[HiddenColumn, ...]:
    rows = connection.execute(select(COLUMN).order_by(COLUMN.c.table_name, COLUMN.c.name)).all()
    return tuple(
        HiddenColumn(
            table=row.table_name,
            name=row.name,
            definition=row.definition,
            field=row.field,
            columns=row.columns,
            state=row.state,
            plan=row.plan,
        )
        for row in rows
    )


def plans_at_work(connection: Connection) -> Sequence[Row[Any]]:
    """Return the plans between their open and their switch."""
    return connection.execute(select(PLAN).where(PLAN.c.state.in_(AT_WORK)).order_by(PLAN.c.created_at)).all()


def definition_rows(identities: Iterable[Identity], version: int) -> list[dict[str, Any]]:
    """Return `identities` as rows of `fs_definition`, without their texts."""
    return [
        {
            "id": identity.id,
            "kind": identity.kind,
            "object": identity.object,
            "name": identity.name,
            "path": identity.path,
            "owner": identity.owner,
            "physical": identity.physical,
            "state": identity.state,
            "born": identity.born,
            "version": version,
        }
        for identity in identities
    ]
