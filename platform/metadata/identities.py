"""Who is who across renames: the identity of every definition, and the physical name it was given at birth.

Here: `Identity`, the mapping `Identities`, and giving physical names.
Not here: where they are kept (`store`), when new ones are born (`plan`).
Source: spec/metadata.md, section 1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fieldstone.metadata.definitions import definition

LIVE = "live"
ARCHIVED = "archived"  # gone from every surface, its data kept
REMOVED = "removed"  # held no data; only its history is kept
WRITE_ONLY = "write_only"  # of a column: being filled, seen by nobody
PURGED = "purged"  # its data is gone; the name of its column is never given again

PHYSICAL_LENGTH = 50  # leaves room for the suffix of a key column in PostgreSQL's 63 bytes
NOT_FOR_TABLES = re.compile(r"(fs|sqlite|pg|ix|ux)_")

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(definition.Identity):
    """One definition, from birth to purge. Only `name`, `object`, `path`, `owner`, `physical` and `state` change in its life."""

    kind: str  # a kind of `kinds.py`, or "field"
    object: str = ""  # API name of the object it belongs to; "" for what belongs to the org
    name: str  # API name today
    path: str  # the document it stands in
    born: int = 0  # counts up in the org: the order of birth

    @property
    def key(self) -> Key:
        """What finds it by name, whatever the letter case."""
        return key_of(self.kind, self.object, self.name)


def key_of(kind: str, object_name: str, name: str) -> Key:
    """Return the key under which `Identities` holds a definition; names compare without case."""
    return (kind, object_name.lower(), name.lower())


class Identities(Mapping[Key, Identity]):
    """All live definitions by (kind, object, name), and beside them those that are archived. Immutable."""

    __slots__ = ("_archived", "_by_id", "_live", "last_born")

    def __init__(self, identities: Iterable[Identity] = ()) -> None:
        self._by_id = {identity.id: identity for identity in identities}
        self._live = {identity.key: identity for identity in self._by_id.values() if identity.state == LIVE}
        self._archived = tuple(identity for identity in self._by_id.values() if identity.state == ARCHIVED)
        self.last_born = max((identity.born for identity in self._by_id.values()), default=0)

    def __getitem__(self, key: Key) -> Identity:
        return self._live[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._live)

    def __len__(self) -> int:
        return len(self._live)

    def find(self, kind: str, object_name: str, name: str) -> Identity | None:
        """Return the live definition of that name, or None."""
        return self._live.get(key_of(kind, object_name, name))

    def by_id(self, definition_id: str) -> Identity | None:
        """Return the definition with this id, live or not."""
        return self._by_id.get(definition_id)

    def every(self) -> Iterable[Identity]:
        """Return all of them, archived, removed and purged ones included."""
        return self._by_id.values()

    def archived(self, kind: str | None = None, object_name: str | None = None) -> tuple[Identity, ...]:
        """Return what is archived, the latest born last."""
        return tuple(
            sorted(
                (
                    identity
                    for identity in self._archived
                    if (kind is None or identity.kind == kind) and (object_name is None or identity.object.lower() == object_name.lower())
                ),
                key=lambda identity: identity.born,
            )
        )

    def fields(self, object_name: str) -> tuple[Identity, ...]:
        """Return the fields an object ever had, in order of birth."""
        wanted = object_name.lower()
        fields = [identity for identity in self._by_id.values() if identity.kind == "field" and identity.object.lower() == wanted]
        return tuple(sorted(fields, key=lambda identity: identity.born))

    def with_changes(self, changed: Iterable[Identity]) -> Identities:
        """Return these with `changed` added or, by id, replaced."""
        return Identities({**self._by_id, **{identity.id: identity for identity in changed}}.values())


def latest_archived(identities: Identities, kind: str, object_name: str, name: str) -> Identity | None:
    """Return the archived definition of that name, of several the one born last; None if there is none."""
    wanted = key_of(kind, object_name, name)
    return next((identity for identity in reversed(identities.archived(kind)) if identity.key == wanted), None)


def table_name(object_name: str, taken: Collection[str]) -> str:
    """Return the physical name for a new object's table: its API name in lower case, told apart from those `taken`."""
    wanted = object_name.lower()
    if NOT_FOR_TABLES.match(wanted):  # the platform's own tables, the databases' own, and names of indexes
        wanted = f"o_{wanted}"
    return _free(wanted, taken)


def column_name(field_name: str, taken: Collection[str]) -> str:
    """Return the physical base name for a new field's columns: its API name in lower case, told apart from those `taken`."""
    return _free(field_name.lower(), taken)


def _free(wanted: str, taken: Collection[str]) -> str:
    wanted = wanted.replace("__", "_")[:PHYSICAL_LENGTH]  # two underscores begin the suffix of a key column
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
