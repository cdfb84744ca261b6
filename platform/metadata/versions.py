"""What was published when, by whom and why; the difference between two versions; the way back.

Here: history as a list, differences leaf by leaf and line by line, and the change sets that restore a version or undo a publish.
Not here: running them: the way back is a plan like any other (`plan`), shown before it runs.
Source: spec/metadata.md, section 8, "History and undo".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from fieldstone.errors import NotVisible
from fieldstone.metadata import documents as texts
from fieldstone.metadata.changes import ChangeSet, Place, Rename, read_place
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.identities import ARCHIVED
from fieldstone.metadata.leaves import LeafChange, changed_leaves
from fieldstone.metadata.propose import WITH_FIELDS, field_owner
from fieldstone.metadata.references import renamed
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.store import PUBLISH, REVISION


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One publish. `kind`: publish, open, switch, cancel. `steps`: what its plan said, code and parameters."""

    version: int
    kind: str
    author: str | None
    acting_for: str | None
    at: datetime
    reason: str
    pack: str | None
    undoes: int | None
    steps: tuple[Mapping[str, Any], ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDiff:
    """How one document differs between two versions: leaf by leaf, and as a unified diff of its canonical texts."""

    path: str
    before: str | None  # text; None: it did not exist
    after: str | None
    leaves: tuple[LeafChange, ...]

    @property
    def lines(self) -> str:
        """The unified diff, as in git."""
        old, new = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(old, new, f"a/{self.path}", f"b/{self.path}"))


def history(connection: Connection, *, path: str | None = None, before: int | None = None, limit: int = 50) -> tuple[Entry, ...]:
    """Return the latest publishes, newest first: all, or those that changed the document at `path`; `before` a version, for paging."""
    wanted = select(PUBLISH).order_by(PUBLISH.c.version.desc()).limit(limit)
    if path is not None:
        wanted = wanted.where(PUBLISH.c.version.in_(select(REVISION.c.version).where(REVISION.c.path == path)))
    if before is not None:
        wanted = wanted.where(PUBLISH.c.version < before)
    rows = connection.execute(wanted).all()
    paths: dict[int, list[str]] = {row.version: [] for row in rows}
    touched = select(REVISION.c.version, REVISION.c.path).where(REVISION.c.version.in_(paths)).order_by(REVISION.c.path)
    for version, changed in connection.execute(touched):
        paths[version].append(changed)
    return tuple(
        Entry(
            version=row.version,
            kind=row.kind,
            author=row.author,
            acting_for=row.acting_for,
            at=row.at,
            reason=row.reason,
            pack=row.pack,
            undoes=row.undoes,
            steps=tuple(row.steps),
            paths=tuple(paths[row.version]),
        )
        for row in rows
    )


def documents_at(connection: Connection, version: int, paths: Iterable[str] | None = None) -> dict[str, str]:
    """Return the canonical texts in force at `version`, by path: all, or those at `paths`."""
    latest = select(REVISION.c.path, func.max(REVISION.c.version).label("version")).where(REVISION.c.version <= version)
    if paths is not None:
        latest = latest.where(REVISION.c.path.in_(list(paths)))
    found = latest.group_by(REVISION.c.path).subquery()
    wanted = select(REVISION.c.path, REVISION.c.text).join(
        found, (REVISION.c.path == found.c.path) & (REVISION.c.version == found.c.version)
    )
    return {path: text for path, text in connection.execute(wanted) if text is not None}


def diff(connection: Connection, before: int, after: int, path: str | None = None) -> tuple[DocumentDiff, ...]:
    """Return what differs between two versions, by path; version 0 is the empty org. `path`: that document alone."""
    low, high = sorted((before, after))
    touched = select(REVISION.c.path).where(REVISION.c.version > low, REVISION.c.version <= high).distinct()
    paths = {path} if path is not None else set(connection.execute(touched).scalars())
    old, new = documents_at(connection, before, paths), documents_at(connection, after, paths)
    return differences(old, new)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[DocumentDiff, ...]:
    """Return what differs between two sets of canonical texts."""
    return tuple(
        DocumentDiff(
            path=path,
            before=before.get(path),
            after=after.get(path),
            leaves=changed_leaves(_read(before.get(path)), _read(after.get(path))),
        )
        for path in sorted({**before, **after})
        if before.get(path) != after.get(path)
    )


def _read(text: str | None) -> Document | None:
    return texts.parse(text) if text is not None else None


def back_to(connection: Connection, current: Snapshot, version: int, paths: Iterable[str] | None = None) -> ChangeSet:
    """Return the change set that sets the org (or the documents at `paths`) back to how it was at `version`.

    Fields and objects that were removed since come back with their archived data.
    """
    wanted = documents_at(connection, version, paths)
    touched = set(paths) if paths is not None else wanted.keys() | current.documents.keys()
    return _towards(current, {path: wanted.get(path) for path in touched}, ())


def undo(connection: Connection, current: Snapshot, version: int) -> ChangeSet:
    """Return the change set that takes back one publish: its documents as they were before, its renames turned round.

    What was changed since in the same documents is set back too: the plan shows it. Raises NotVisible if there is no such publish.
    """
    row = connection.execute(select(PUBLISH).where(PUBLISH.c.version == version)).one_or_none()
    if row is None:
        raise NotVisible(str(version))
    paths = list(connection.execute(select(REVISION.c.path).where(REVISION.c.version == version)).scalars())
    before = documents_at(connection, version - 1, paths)
    back = tuple(_turned(Rename(place=read_place(each), to=each["to"])) for each in reversed(row.changes.get("rename", ())))
    return replace(_towards(current, {path: before.get(path) for path in paths}, back), undoes=version)


def _turned(rename: Rename) -> Rename:
    return Rename(place=replace(rename.place, name=rename.to), to=rename.place.name)


def _towards(current: Snapshot, wanted: Mapping[str, str | None], back: Sequence[Rename]) -> ChangeSet:
    """Return what leads from `current` to the texts `wanted` (None: no document), after the renames `back`."""
    now: Mapping[str, Document] = {path: dict(document) for path, document in current.parsed.items()}
    for rename in back:
        now = renamed(now, rename)
    put = [
        texts.parse(text) for path, text in wanted.items() if text is not None and (path not in now or texts.canonical(now[path]) != text)
    ]
    remove = tuple(sorted(path for path, text in wanted.items() if text is None and path in current.documents and path in now))
    return ChangeSet(put=tuple(put), remove=remove, rename=tuple(back), restore=tuple(_restored(current, put)))


def _restored(current: Snapshot, put: Iterable[Document]) -> Iterable[Place]:
    """Name what the documents bring back from the archive."""
    archived = {identity.key: identity for identity in current.identities.archived()}
    for document in put:
        own = document["kind"] == "object"
        if (
            own
            and current.identities.find("object", "", document["api_name"]) is None
            and ("object", "", document["api_name"].lower()) in archived
        ):
            yield Place(kind="object", name=document["api_name"])
        elif document["kind"] in WITH_FIELDS:
            of = field_owner(document)
            for name in document.get("fields", {}):
                identity = archived.get(("field", of.lower(), name.lower()))
                if identity is not None and identity.state == ARCHIVED and current.identities.find("field", of, name) is None:
                    yield Place(kind="field", object=of, name=name)
