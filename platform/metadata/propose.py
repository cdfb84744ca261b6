"""A change set applied to what is in force: the documents and identities as they would be.

Here: renames, removals, puts and restores, in that order; who is born, who goes, who gets which physical name. Pure.
Not here: whether the result is right (`check`), what it does to tables and records (`transition`, `plan`).
Source: spec/metadata.md, sections 1 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fieldstone.db.ids import new_id
from fieldstone.errors import Problem
from fieldstone.metadata import documents as texts
from fieldstone.metadata import references
from fieldstone.metadata.changes import ChangeSet, Place, Rename
from fieldstone.metadata.identities import (
    ARCHIVED,
    LIVE,
    PURGED,
    REMOVED,
    Identities,
    Identity,
    Key,
    column_name,
    key_of,
    latest_archived,
    table_name,
)
from fieldstone.metadata.kind_names import FOLDERS, PER_OBJECT
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.store import HiddenColumn, Stored
from fieldstone.metadata.tables import SYSTEM_COLUMNS

Documents = Mapping[str, Mapping[str, Any]]
WITH_FIELDS = ("object", "object_extension")
PutBack = Callable[[Documents], Mapping[str, Mapping[str, Any]]]
NEED_OBJECT = PER_OBJECT - {"automation", "approval_process"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a change set makes of the org's metadata, before anybody has judged it.

    `changed`: identities that are new or different. `mentions`: paths of documents from which plain mentions of removed fields went;
    `returned`: of those into which mentions of restored ones come back.
    """

    documents: Documents
    identities: Identities
    changed: tuple[Identity, ...]
    problems: tuple[Problem, ...] = ()
    mentions: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


def propose(
    current: Snapshot, changes: ChangeSet, given: Mapping[Key, Identity] | None = None, restore: PutBack = lambda documents: {}
) -> Proposal:
    """Return the documents and identities that `changes` would leave.

    `given`: identities given out before, when this change set was planned first; a plan that is resumed keeps them. `restore`: which
    documents become others because restored things go back to their places; see `returning.put_back`.
    """
    documents: dict[str, Mapping[str, Any]] = dict(current.parsed)
    problems = list(_stale(documents, changes))
    for rename in changes.rename:
        documents = dict(references.renamed(documents, rename))
    for path in changes.remove:
        if path not in documents:
            problems.append(Problem(code="unknown_document", params={"path": path}, document=path))
            continue
        for gone in _with_dependents(documents, path):
            documents.pop(gone)
    restored, failed = _restored(current, changes, documents)
    problems += failed
    returned = restore(documents) if changes.restore else {}
    documents |= returned
    for number, document in enumerate(changes.put):
        # What has no place of its own is shown its problems under a number.
        documents[texts.path_of(document) if is_readable(document) else f"put/{number}.json"] = document
    register = _Register(current, changes, given or {}, restored)
    register.take(different(current.parsed, documents), documents)
    problems += register.purge(changes.purge)
    mentions = _drop_mentions(register, documents)
    changed = tuple(sorted(register.changed.values(), key=lambda identity: identity.born))
    return Proposal(
        documents=documents,
        identities=current.identities.with_changes(changed),
        changed=changed,
        problems=tuple(problems),
        mentions=mentions,
        returned=tuple(sorted(returned)),
    )


def in_canonical_form(current: Snapshot, proposal: Proposal) -> Proposal:
    """Return a proposal that was found right with its documents as their canonical text has them; what is equal in form is the very same.

    Problems are told about documents as they were given; snapshots and history know canonical ones only.
    """
    documents: dict[str, Mapping[str, Any]] = {}
    for path, document in proposal.documents.items():
        if current.parsed.get(path) is document:
            documents[path] = document
        else:
            text = texts.canonical(document)
            documents[path] = current.parsed[path] if current.documents.get(path) == text else texts.parse(text, path=path)
    return replace(proposal, documents=documents)


def different(before: Documents, after: Documents) -> set[str]:
    """Return the paths at which two sets of documents are not the very same document."""
    return {path for path in {**before, **after} if before.get(path) is not after.get(path)}


def _drop_mentions(register: _Register, documents: dict[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Take plain mentions of the fields that go (in layouts, views, rights) out of `documents`; return the paths of those that changed."""
    gone = frozenset(
        (identity.object.lower(), identity.name.lower())
        for identity in register.changed.values()
        if identity.kind == "field" and identity.state == ARCHIVED
    )
    objects = frozenset(
        identity.name.lower() for identity in register.changed.values() if identity.kind == "object" and identity.state == ARCHIVED
    )
    if not gone and not objects:
        return ()
    without = references.without_mentions(documents, gone, objects)
    changed = tuple(sorted(different(documents, without)))
    documents.update(without)
    return changed


def _stale(documents: Documents, changes: ChangeSet) -> Iterator[Problem]:
    for path, seen in changes.based_on.items():
        now = texts.content_hash(documents[path]) if path in documents else None
        if now != seen:
            yield Problem(code="plan_stale", params={"path": path}, document=path)


def _with_dependents(documents: Documents, path: str) -> list[str]:
    """Return `path` and, if it is an object's, what belongs to that object alone."""
    document = documents[path]
    if document["kind"] != "object":
        return [path]
    name = str(document["api_name"]).lower()
    return [
        other
        for other, it in documents.items()
        if other == path or (it["kind"] in PER_OBJECT and str(it.get("object", "")).lower() == name)
    ]


def _restored(current: Snapshot, changes: ChangeSet, documents: dict[str, Mapping[str, Any]]) -> tuple[dict[Key, Identity], list[Problem]]:
    """Put archived things back into `documents`; return their identities by key, and what could not be restored."""
    found: dict[Key, Identity] = {}
    problems: list[Problem] = []
    for place in changes.restore:
        identity = latest_archived(current.identities, place.kind, place.object, place.name)
        if identity is None:
            problems.append(Problem(code="not_archived", params={"kind": place.kind, "name": place.name}))
            continue
        found[identity.key] = identity
        if place.kind == "field":
            _restore_field(current, identity, documents, problems)
        else:
            for member in _archived_with(current.identities, identity):
                found[member.key] = member
                kept = current.stored.archived.get(member.id)
                if kept is not None and member.kind != "field":
                    documents[member.path] = texts.parse(kept.text, path=member.path)
    return found, problems


def _archived_with(identities: Identities, of: Identity) -> Iterable[Identity]:
    """Return an archived object and what was archived along with it: its fields and documents."""
    name = of.name.lower()
    return (identity for identity in identities.archived() if identity.id == of.id or identity.object.lower() == name)


def _restore_field(current: Snapshot, identity: Identity, documents: dict[str, Mapping[str, Any]], problems: list[Problem]) -> None:
    document = documents.get(identity.path)
    if document is None:
        problems.append(Problem(code="not_archived", params={"kind": "field", "name": identity.name}))
    elif current.identities.find("field", identity.object, identity.name) is not None:
        problems.append(Problem(code="name_taken", params={"name": identity.name}, document=identity.path))
    else:
        field = texts.parse(current.stored.archived[identity.id].text, path=identity.path)
        fields = {**document["fields"], identity.name: field}
        births = {name: each.born for name in fields if (each := current.identities.find("field", identity.object, name)) is not None}
        births[identity.name] = identity.born
        ordered = sorted(fields, key=lambda name: births.get(name, current.identities.last_born))  # as they stood, by birth
        documents[identity.path] = {**document, "fields": {name: fields[name] for name in ordered}}


def field_owner(document: Mapping[str, Any]) -> str:
    """Return the object whose fields stand in `document`, an object or an extension of one."""
    return str(document["api_name"] if document["kind"] == "object" else document["object"])


class _Moves:
    """Where renames take an identity."""

    def __init__(self, renames: Iterable[Rename]) -> None:
        self.renames = tuple(renames)

    def moved(self, identity: Identity) -> Identity:
        for rename in self.renames:
            place = rename.place
            if identity.key == key_of(place.kind, place.object, place.name):
                identity = replace(identity, name=rename.to)
                if place.kind != "field":
                    identity = replace(identity, path=_renamed_path(identity.path, rename))
            elif place.kind == "object" and identity.object.lower() == place.name.lower():
                identity = replace(identity, object=rename.to, path=_renamed_path(identity.path, rename))
        return identity


def _renamed_path(path: str, rename: Rename) -> str:
    folder, *rest = path.removesuffix(".json").split("/")
    changed = [rename.to if part.lower() == rename.place.name.lower() else part for part in rest]
    if rename.place.kind != "object" and len(rest) > 1:
        changed[0] = rest[0]  # the folder of the object keeps its name
    return f"{'/'.join([folder, *changed])}.json"


def is_readable(document: Mapping[str, Any]) -> bool:
    """Tell whether a document says what it is; one that does not is the checker's to refuse."""
    kind, fields = document.get("kind"), document.get("fields", {})
    if kind not in FOLDERS or not texts.name_of(document) or (kind == "object" and not isinstance(document.get("api_name"), str)):
        return False
    owner = document.get("object")
    has_fields = isinstance(fields, Mapping) or kind not in WITH_FIELDS
    return has_fields and (owner is None or isinstance(owner, str)) and not (kind in NEED_OBJECT and not owner)


def _all(path: str, document: Mapping[str, Any]) -> Iterator[Identity]:
    """Yield what stands in a document, the document first, as identities that have no id yet."""
    kind, name = str(document["kind"]), texts.name_of(document)
    yield Identity(kind=kind, object=str(document.get("object", "")) if kind in PER_OBJECT else "", name=name, path=path)
    if kind in WITH_FIELDS:
        owner = field_owner(document)
        for field in document.get("fields", {}):
            yield Identity(kind="field", object=owner, name=field, path=path)


class _Register:
    """Who is who after a change: kept, moved, restored, born and gone."""

    def __init__(self, current: Snapshot, changes: ChangeSet, given: Mapping[Key, Identity], restored: Mapping[Key, Identity]) -> None:
        self.identities = current.identities
        self.hidden = current.stored.columns
        self.owner_of = changes.owner_of
        self.given = given
        self.restored = restored
        self.born = current.identities.last_born
        self.changed: dict[str, Identity] = {}
        self.columns: dict[str, set[str]] = {}  # by object: names given out, or never to be given again
        moves = _Moves(changes.rename)
        if changes.rename:
            for identity in current.identities.every():
                moved = moves.moved(identity)
                if moved != identity:
                    self.changed[identity.id] = moved
            self.identities = current.identities.with_changes(self.changed.values())

    def take(self, paths: Iterable[str], documents: Documents) -> None:
        """Bring the identities in line with the documents at `paths`; a path without a document is a removal."""
        paths = frozenset(paths)
        before = {identity.key: identity for identity in self.identities.values() if identity.path in paths}
        seen: set[Key] = set()
        readable = [path for path in paths & documents.keys() if is_readable(documents[path])]
        for path in sorted(readable, key=lambda path: (documents[path]["kind"] != "object", path)):
            for wanted in _all(path, documents[path]):
                seen.add(wanted.key)
                self._present(self.identities.find(*wanted.key), wanted)
        self._gone([identity for key, identity in before.items() if key not in seen])

    def _present(self, kept: Identity | None, wanted: Identity) -> None:
        if kept is not None:
            exact = replace(kept, name=wanted.name, object=wanted.object, path=wanted.path)
            if exact != kept:
                self.changed[kept.id] = exact
            return
        known = self.restored.get(wanted.key) or self.given.get(wanted.key)
        if known is not None:
            self.changed[known.id] = replace(known, state=LIVE, path=wanted.path)
            return
        self.born += 1
        identity = replace(wanted, id=new_id(), owner=self.owner_of(wanted.path), born=self.born, physical=self._physical(wanted))
        self.changed[identity.id] = identity

    def _gone(self, gone: list[Identity]) -> None:
        objects = {identity.name.lower() for identity in gone if identity.kind == "object"}
        for identity in gone:
            keeps_data = identity.kind in ("object", "field") or identity.object.lower() in objects
            self.changed[identity.id] = replace(identity, state=ARCHIVED if keeps_data else REMOVED)

    def purge(self, places: Iterable[Place]) -> list[Problem]:
        """Let archived things go for good: an object with all that was archived along with it."""
        problems: list[Problem] = []
        for place in places:
            identity = latest_archived(self.identities, place.kind, place.object, place.name)
            if identity is None:
                problems.append(Problem(code="not_archived", params={"kind": place.kind, "name": place.name}))
                continue
            for gone in _archived_with(self.identities, identity) if place.kind == "object" else (identity,):
                self.changed[gone.id] = replace(gone, state=PURGED)
        return problems

    def _physical(self, wanted: Identity) -> str | None:
        if wanted.kind == "object":
            taken = {identity.physical for identity in (*self.identities.every(), *self.changed.values()) if identity.kind == "object"}
            return table_name(wanted.name, {name for name in taken if name is not None})
        if wanted.kind == "field":
            return self.column(wanted.object, wanted.name)
        return None

    def column(self, object_name: str, field_name: str) -> str:
        """Give out a base column name that the table of the object has never had."""
        key = object_name.lower()
        if key not in self.columns:
            self.columns[key] = _columns_ever(self.identities, self.hidden, object_name)
        name = column_name(field_name, self.columns[key])
        self.columns[key].add(name)
        return name


def free_column(stored: Stored, object_name: str, field_name: str, besides: frozenset[str] = frozenset()) -> str:
    """Return a base column name that the table of the object has never had, for a field whose values cannot stay where they are."""
    return column_name(field_name, _columns_ever(stored.identities, stored.columns, object_name) | besides)


def _columns_ever(identities: Identities, hidden: Iterable[HiddenColumn], object_name: str) -> set[str]:
    table = identities.find("object", "", object_name)
    taken = {identity.physical for identity in identities.fields(object_name) if identity.physical is not None}
    left = {column.name for column in hidden if table is not None and column.table == table.physical}
    return taken | left | set(SYSTEM_COLUMNS)
