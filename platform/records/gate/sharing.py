"""Which records of an object somebody may read, edit or fully own: one SQL condition, put into every statement.

Here: the sources of record access (owner, queue, role hierarchy, organization-wide default, parent), a list to which sharing rules
add their own.
Not here: object and field rights (`access.py`), the statements (`read.py`, `write.py`).
Source: spec/security.md, section 2, the table "Record".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, exists, false, or_, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import Id, PlainText
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.definitions.roles import RoleDef
from fieldstone.metadata.scope import setup_values
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate import tables
from fieldstone.records.gate.access import EDIT, FULL, READ, Rights, rights
from fieldstone.records.gate.people import USER
from fieldstone.records.principal import Principal

DEFAULTS = {"private": 0, "read": READ, "read_write": EDIT, "by_parent": 0}

# Bound at each execution, so that a statement made once serves everybody with the same rights.
ME = bindparam("me", type_=Id)
MY_QUEUES = bindparam("my_queues", type_=Id, expanding=True)
ROLES_BELOW = bindparam("roles_below", type_=PlainText, expanding=True)


@dataclass(frozen=True, eq=False)
class Reader:
    """A principal together with what they may do in a snapshot; everything in the gate is asked on behalf of one."""

    snapshot: Snapshot
    principal: Principal
    rights: Rights
    below: tuple[str, ...]  # API names of the roles below theirs

    @property
    def shape(self) -> tuple[bool, bool]:
        """What makes the access condition look different from that of others with the same rights."""
        return (bool(self.principal.queues), bool(self.below))

    @cached_property
    def globals(self) -> Mapping[str, object]:
        """What `$User`, `$Permission`, `$Setup` and the like read, by full name as expressions spell it."""
        organization = {"Name": self.snapshot.name, "Language": self.snapshot.language, "Zone": self.snapshot.zone}
        return {
            **self.principal.globals(),
            **self.rights.globals,
            **setup_values(self.snapshot, self.principal.profile, self.principal.language, self.principal.username),
            **{f"$Organization.{name}": value for name, value in organization.items()},
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the parameters that an access condition may hold."""
        return {"me": self.principal.user_id, "my_queues": sorted(self.principal.queues), "roles_below": self.below}


def reader(snapshot: Snapshot, principal: Principal) -> Reader:
    """Return `principal` ready to ask, on the metadata of `snapshot`."""
    below = snapshot.once(_roles_below).get(principal.role or "", ())
    return Reader(snapshot, principal, rights(snapshot, principal), below)


def _roles_below(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """Role → all roles strictly below it."""
    children: dict[str, list[str]] = {}
    for role in snapshot.all("role"):
        assert isinstance(role, RoleDef)
        if role.parent is not None:
            children.setdefault(role.parent, []).append(role.name)
    return {role.name: tuple(sorted(_descendants(role.name, children))) for role in snapshot.all("role")}


def _descendants(role: str, children: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(children.get(role, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += children.get(name, ())
    return found - {role}


Source = Callable[[Reader, ObjectDef, Any, int], Iterator[ColumnElement[bool]]]


def _owner(asking: Reader, definition: ObjectDef, source: Any, level: int) -> Iterator[ColumnElement[bool]]:
    if asking.principal.user_id is not None:
        yield source.c.owner == ME


def _owning_queue(asking: Reader, definition: ObjectDef, source: Any, level: int) -> Iterator[ColumnElement[bool]]:
    if level <= EDIT and asking.principal.queues and definition.owned_by == "user_or_queue":
        yield source.c.owner.in_(MY_QUEUES)


def _role_hierarchy(asking: Reader, definition: ObjectDef, source: Any, level: int) -> Iterator[ColumnElement[bool]]:
    if definition.hierarchy and asking.below:
        yield source.c.owner.in_(select(USER.c.id).where(USER.c.role.in_(ROLES_BELOW)))


# Everything that opens records one by one; what a sharing rule, a team or a manual share opens is one more function here.
SOURCES: tuple[Source, ...] = (_owner, _owning_queue, _role_hierarchy)


def condition(asking: Reader, definition: ObjectDef, source: Any, level: int = READ) -> ColumnElement[bool] | None:
    """Return the condition on `source` (the object's table or an alias) for records that the reader may see, edit or own fully.

    None means all of them. Object rights are the caller's to check; they are the ceiling.
    """
    held = asking.rights
    if held.can(definition.name, "modify_all") or (level == READ and held.can(definition.name, "view_all")):
        return None
    if definition.default_access == "by_parent":
        return _by_parent(asking, definition, source, level)
    if DEFAULTS[definition.default_access] >= level:
        return None
    if definition.owned_by == "none":
        return false()
    opened = [each for opens in SOURCES for each in opens(asking, definition, source, level)]
    return or_(*opened) if opened else false()


def _by_parent(asking: Reader, definition: ObjectDef, source: Any, level: int) -> ColumnElement[bool] | None:
    """What every parent gives; with two parents the lower of both."""
    wanted: ColumnElement[bool] | None = None
    for found in definition.fields.values():
        if found.type != "master_detail" or found.to is None:
            continue
        parent = asking.snapshot.objects[found.to]
        if not asking.rights.can(parent.name, "read" if level == READ else "edit"):  # the parent's ceiling is the child's
            return false()
        above = tables.table(asking.snapshot, parent.name).alias()
        given = condition(asking, parent, above, level)
        if given is not None:
            reached = exists(select(1).select_from(above).where(above.c.id == tables.column(source, found), given))
            wanted = reached if wanted is None else wanted & reached
    return wanted


def level_of(asking: Reader, definition: ObjectDef, source: Any) -> list[ColumnElement[bool] | None]:
    """Return the conditions for edit and for full, in this order: what a save wants to know of each row it locks."""
    return [condition(asking, definition, source, level) for level in (EDIT, FULL)]
