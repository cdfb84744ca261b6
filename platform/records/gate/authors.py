"""Which rights a change of metadata asks of its author: the last stage of the check. Nobody grants what they do not hold, or opens to
others what they may not read themselves.

Here: the callable that `metadata.plan` is handed. Not here: the rights themselves (`access`), which kind needs which (`metadata/kinds.py`),
what authors must be able to read (`author_reads`).
Source: spec/metadata.md, section 8; spec/security.md, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldstone.errors import Problem
from fieldstone.metadata import references
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.check import Rights as OfAuthor
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.propose import Documents, different
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate.access import NO_RIGHTS, Rights
from fieldstone.records.gate.author_reads import as_it_is, beyond_reading


def rights_of_author(current: Snapshot, held: Rights, changes: ChangeSet) -> OfAuthor:
    """Return what names, of the documents as `changes` would leave them, every right that the author lacks for what differs.

    A document in which nothing but the name of another thing changes asks for no right: the rename does.
    """

    def lacking(documents: Documents) -> Iterator[Problem]:
        before = _renamed(current, changes)
        for rename in changes.rename:
            kind = KINDS.get("object" if rename.place.kind == "field" else rename.place.kind)
            if kind is not None and not held.setup(kind.right):
                yield Problem(code="right_missing", params={"right": kind.right})
        for path in sorted(different(before, documents)):
            document = documents.get(path) or before[path]
            kind = KINDS.get(str(document.get("kind")))
            if document == before.get(path) and path in documents:
                continue
            if kind is not None and not held.setup(kind.right):
                yield Problem(code="right_missing", params={"right": kind.right}, document=path, pointer="")
            elif document.get("kind") in GRANTING and path in documents:
                yield from _beyond(current, held, changes, path, document, before.get(path, {}))
            elif document.get("kind") in WITH_FIELDS and path in documents:
                yield from _declassified(held, path, document, before.get(path, {}))
        yield from beyond_reading(current, held, changes, before, documents)

    return lacking


def _renamed(current: Snapshot, changes: ChangeSet) -> Documents:
    """Return the documents in force under the names that they get."""
    documents: Documents = current.parsed
    for rename in changes.rename:
        documents = references.renamed(documents, rename)
    return documents


WITH_FIELDS = ("object", "object_extension")


def _declassified(held: Rights, path: str, document: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the new or changed fields that are declassified by somebody who does not manage security."""
    known = before.get("fields", {})
    for name, part in document.get("fields", {}).items():
        if part != known.get(name, {}) and part.get("declassified") and not held.setup("manage_security"):
            yield Problem(code="right_missing", params={"right": "manage_security"}, document=path, pointer=f"/fields/{name}/declassified")


GRANTING = ("profile", "permission_set")


def _beyond(
    current: Snapshot, held: Rights, changes: ChangeSet, path: str, document: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield what a permission set or profile would newly grant although its author does not hold it.

    Nobody can hold rights on objects and fields that come in the same change; whoever may change all data holds those on all.
    """
    for right in document.get("setup", ()):
        if right not in before.get("setup", ()) and not held.setup(right):
            yield Problem(code="right_not_held", params={"right": right}, document=path, pointer="/setup")
    for name in document.get("permissions", ()):
        if name not in before.get("permissions", ()) and current.find("custom_permission", name) and not held.permission(name):
            yield Problem(code="right_not_held", params={"right": name}, document=path, pointer="/permissions")
    if held.setup("modify_all_data"):
        return
    for name, part in document.get("objects", {}).items():
        yield from _beyond_on_object(current, held, changes, path, name, part, before.get("objects", {}).get(name, {}))


def _beyond_on_object(
    current: Snapshot, held: Rights, changes: ChangeSet, path: str, name: str, part: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[Problem]:
    definition, _ = as_it_is(current, changes, name)
    if definition is None:
        return
    for right in part.get("rights", ()):
        if right not in before.get("rights", ()) and not held.can(definition.name, right):
            params = {"right": f"{name}.{right}"}
            yield Problem(code="right_not_held", params=params, document=path, pointer=f"/objects/{name}/rights")
    own = held.granted.get(definition.name, NO_RIGHTS)
    for field_name, right in part.get("fields", {}).items():
        _, field = as_it_is(current, changes, name, field_name)
        if field is None or field.name == definition.name_field or before.get("fields", {}).get(field_name) in (right, "edit"):
            continue
        if not held.unrestricted and field.name not in (own.editable if right == "edit" else own.readable):
            params = {"right": f"{name}.{field_name}.{right}"}
            yield Problem(code="right_not_held", params=params, document=path, pointer=f"/objects/{name}/fields/{field_name}")
