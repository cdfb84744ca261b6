"""What a principal may do with objects and fields: the union of profile and permission sets, never less.

Here: `Rights`, made once per set of grants and snapshot, and the closure that makes a formula readable only with all it reads.
Not here: which records (`sharing.py`), what a row shows (`mask.py`).
Source: spec/security.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fieldstone.errors import NotAllowed, NotVisible
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.principal import Principal

NONE, READ, EDIT, FULL = range(4)  # what somebody may do with one record

# The scope a token needs for each right, if it is narrowed by scopes at all.
SCOPES: Mapping[str, str] = {"create": "records:write", "edit": "records:write", "delete": "records:delete", "modify_all": "records:write"}
# Object rights that a Setup right gives on top of another object right.
WIDE: Mapping[str, tuple[str, frozenset[str]]] = {
    "view_all": ("read", frozenset({"view_all_data", "modify_all_data"})),
    "modify_all": ("edit", frozenset({"modify_all_data"})),
}
# Fields of a user that give rights: only the commands about users write them, which see to it that nobody grants what they do not hold.
GIVE_RIGHTS = frozenset({"profile", "role", "active"})
SCOPE_OF_SETUP = "metadata:write"
READ_SCOPE = "records:read"


@dataclass(frozen=True)
class ObjectRights:
    """What is granted on one object: rights with all they imply, fields by API name."""

    rights: frozenset[str]
    readable: frozenset[str]
    editable: frozenset[str]


NO_RIGHTS = ObjectRights(frozenset(), frozenset(), frozenset())


@dataclass(frozen=True, eq=False)
class Rights:
    """What one combination of profile, permission sets and scopes may do. Shared by all who hold it; compared by identity."""

    snapshot: Snapshot
    granted: Mapping[str, ObjectRights]  # by object, before scopes and closure
    setup_rights: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()  # custom permissions
    apps: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    scope_objects: frozenset[str] | None = None
    unrestricted: bool = False
    every_permission: bool = False  # the platform by itself; when it acts for a person, that person's count
    _readable: dict[str, frozenset[str]] = field(default_factory=dict)
    _editable: dict[str, frozenset[str]] = field(default_factory=dict)
    compiled: dict[Any, Any] = field(default_factory=dict)  # what other parts of the gate prepare for these rights

    def can(self, object_name: str, right: str) -> bool:
        """Whether `right` (create, read, edit, delete, view_all, modify_all) is held on the object; view_all covers modify_all."""
        if self.unrestricted:
            return object_name in self.snapshot.objects
        if self.scopes is not None and SCOPES.get(right, READ_SCOPE) not in self.scopes:
            return False
        if self.scope_objects is not None and object_name not in self.scope_objects:
            return False
        held = self.granted.get(object_name, NO_RIGHTS).rights
        if right in held:
            return True
        wide = WIDE.get(right)  # over all records of every object that may be read, or edited, at all
        return wide is not None and wide[0] in held and bool(wide[1] & self.setup_rights)

    def readable(self, object_name: str) -> frozenset[str]:
        """Return the API names of the fields that may be read, system fields included; empty without the right to read the object."""
        known = self._readable.get(object_name)
        if known is None:
            known = self._readable[object_name] = self._find_readable(object_name)
        return known

    def editable(self, object_name: str) -> frozenset[str]:
        """Return the API names of the fields that a payload may write, given the right to create or edit."""
        known = self._editable.get(object_name)
        if known is None:
            known = self._editable[object_name] = self._find_editable(object_name)
        return known

    def tells_names(self, definition: ObjectDef) -> bool:
        """Whether names of records may be read. They follow the object, but one that a formula makes follows what it reads, too."""
        return not definition.name_fielddef.computed or definition.name_field in self.readable(definition.name)

    def _gives_rights(self) -> frozenset[str]:
        """The fields of a user that a plain save leaves alone: a role opens records, no more of them than who may change all has anyway."""
        opens_all = self.setup("manage_users") and self.setup("modify_all_data")
        return GIVE_RIGHTS - {"role"} if opens_all else GIVE_RIGHTS

    def setup(self, right: str) -> bool:
        """Whether the Setup right (customize, manage_users, view_audit …) is held."""
        if self.scopes is not None and SCOPE_OF_SETUP not in self.scopes:
            return False
        return self.unrestricted or right in self.setup_rights

    def permission(self, name: str) -> bool:
        """Whether the custom permission is held."""
        return self.every_permission or name in self.permissions

    @cached_property
    def visible_objects(self) -> frozenset[str]:
        """API names of the objects that may be read at all."""
        return frozenset(name for name in self.snapshot.objects if self.can(name, "read"))

    @cached_property
    def globals(self) -> Mapping[str, bool]:
        """What `$Permission` reads, by full name."""
        return {f"$Permission.{each.name}": self.permission(each.name) for each in self.snapshot.all("custom_permission")}

    def object(self, name: str) -> ObjectDef:
        """Return the definition of an object that may be read. Raises NotVisible, in the words for one that does not exist."""
        definition = self.snapshot.object(name)
        if definition.name not in self.visible_objects:
            raise NotVisible(name)
        return definition

    def _find_readable(self, object_name: str) -> frozenset[str]:
        if not self.can(object_name, "read"):
            return frozenset()
        definition = self.snapshot.objects[object_name]
        if self.unrestricted:
            return frozenset({*definition.fields, *definition.system_fields})
        closure = _Closure(self)
        return frozenset(
            {*(name for name, found in definition.fields.items() if closure.reads(definition, found)), *definition.system_fields}
        )

    def _find_editable(self, object_name: str) -> frozenset[str]:
        definition = self.snapshot.objects[object_name]
        granted = self.granted.get(object_name, NO_RIGHTS)
        if not self.unrestricted and not granted.rights & {"create", "edit"}:
            return frozenset()
        writable = frozenset(name for name, found in definition.fields.items() if not found.read_only)
        if self.unrestricted:
            return writable
        writable &= granted.editable | {definition.name_field}
        return writable - self._gives_rights() if definition.name == "user" else writable

    def grants(self, definition: ObjectDef, found: FieldDef) -> bool:
        """Whether the field itself is granted, its inputs apart; id, name field, owner and stamps follow the object."""
        if self.unrestricted or found.system or found.name == definition.name_field:
            return True
        return found.name in self.granted.get(definition.name, NO_RIGHTS).readable


class _Closure:
    """Follows what formulas and roll-ups read, across objects. A graph without cycles: the check has refused those."""

    def __init__(self, rights: Rights) -> None:
        self.rights = rights
        self.known: dict[tuple[str, str], bool] = {}

    def reads(self, definition: ObjectDef, found: FieldDef) -> bool:
        key = (definition.name, found.name)
        if key not in self.known:
            self.known[key] = self._reads(definition, found)
        return self.known[key]

    def _reads(self, definition: ObjectDef, found: FieldDef) -> bool:
        if not self.rights.grants(definition, found):
            return False
        if not found.computed or found.declassified:
            return True
        return all(self._path(start, path) for start, path in inputs(self.rights.snapshot, definition, found))

    def _path(self, definition: ObjectDef, path: tuple[str, ...]) -> bool:
        """Whether every hop of `path` may be read: object and lookup on the way, the field at its end."""
        for index, name in enumerate(path):
            if not self.rights.can(definition.name, "read"):
                return False
            found = definition.field(name)
            if found is None or not self.reads(definition, found):
                return False
            if index < len(path) - 1:
                definition = self.rights.snapshot.objects[found.to or "user"]  # an owner leads to the people
        return True


def inputs(snapshot: Snapshot, definition: ObjectDef, found: FieldDef) -> Iterable[tuple[ObjectDef, tuple[str, ...]]]:
    """Yield what a formula or roll-up reads: paths, each from the object it starts at; names such as `$User.Id` are nobody's secret.

    Of a formula that reads another both count: the other, and what is read inside it. It is expanded with all its digits, so that one
    which was declassified opens no formula that reads it.
    """
    if found.type == "formula" and found.formula is not None:
        checked = snapshot.expression(found.formula, definition.name, "formula", found.blanks).checked
        for path in checked.reads | checked.names:
            if not path[0].startswith("$"):
                yield definition, path
    elif found.type == "roll_up" and found.relation is not None:
        child = snapshot.objects[found.relation.partition(".")[0]]
        yield child, (found.relation.partition(".")[2],)
        if found.field is not None:
            yield child, (found.field,)
        if found.filter is not None:
            for path in snapshot.expression(found.filter, child.name, "rollup_filter").reads:
                yield child, path


def rights(snapshot: Snapshot, principal: Principal) -> Rights:
    """Return what `principal` may do, made once for each combination of grants in a snapshot."""
    key = (principal.profile, principal.permission_sets, principal.scopes, principal.scope_objects, principal.unrestricted)
    known = snapshot.once(_known_rights)
    found = known.get(key)
    if found is None:
        found = known[key] = _rights(snapshot, principal)
    return found


def _known_rights(snapshot: Snapshot) -> dict[Any, Rights]:
    return {}


def _rights(snapshot: Snapshot, principal: Principal) -> Rights:
    profile = snapshot.find("profile", principal.profile) if principal.profile else None
    sets = [snapshot.find("permission_set", name) for name in sorted(principal.permission_sets)]
    grants: list[Any] = [grant for grant in (profile, *sets) if grant is not None]
    objects = {name for grant in grants for name in grant.objects if name in snapshot.objects}
    return Rights(
        snapshot=snapshot,
        granted={name: _object_rights([grant.objects[name] for grant in grants if name in grant.objects]) for name in objects},
        setup_rights=frozenset().union(*(grant.setup for grant in grants)),
        permissions=frozenset().union(*(grant.permissions for grant in grants)),
        apps=frozenset().union(*(grant.apps for grant in grants)),
        scopes=principal.scopes,
        scope_objects=principal.scope_objects,
        unrestricted=principal.unrestricted,
        every_permission=principal.unrestricted and not grants,
    )


def _object_rights(grants: list[Any]) -> ObjectRights:
    held = frozenset(right for grant in grants for right in grant.rights)  # complete with what they imply since they were loaded
    editable = frozenset(name for grant in grants for name, level in grant.fields.items() if level == "edit")
    return ObjectRights(rights=held, readable=frozenset(name for grant in grants for name in grant.fields), editable=editable)


def require_setup(held: Rights, right: str) -> None:
    """Raise NotAllowed unless the Setup right is held."""
    if not held.setup(right):
        raise NotAllowed(f"setup.{right}")
