"""Which Setup rights a change of metadata asks of its author: the last stage of the check. Nobody grants what they do not hold.

Here: the callable that `metadata.plan` is handed. Not here: the rights themselves (`access`), which kind needs which (`metadata/kinds.py`).
Source: spec/metadata.md, section 8; spec/security.md, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldstone.errors import Problem
from fieldstone.metadata.check import Rights as OfAuthor
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.propose import different
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate.access import NO_RIGHTS, Rights


def rights_of_author(current: Snapshot, held: Rights) -> OfAuthor:
    """Return what names, of the documents as they would be, every right that the author lacks for one that differs."""

    def lacking(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
        for path in sorted(different(current.parsed, documents)):
            document = documents.get(path) or current.parsed[path]
            kind = KINDS.get(str(document.get("kind")))
            if kind is not None and not held.setup(kind.right):
                yield Problem(code="right_missing", params={"right": kind.right}, document=path, pointer="")
            elif document.get("kind") in GRANTING and path in documents:
                yield from _beyond(current, held, path, document)

    return lacking


GRANTING = ("profile", "permission_set")


def _beyond(current: Snapshot, held: Rights, path: str, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what a permission set or profile would newly grant although its author does not hold it.

    Nobody can hold rights on objects and fields that come in the same change; whoever may change all data holds those on all.
    """
    before = current.parsed.get(path, {})
    for right in document.get("setup", ()):
        if right not in before.get("setup", ()) and not held.setup(right):
            yield Problem(code="right_not_held", params={"right": right}, document=path, pointer="/setup")
    for name in document.get("permissions", ()):
        if name not in before.get("permissions", ()) and current.find("custom_permission", name) and not held.permission(name):
            yield Problem(code="right_not_held", params={"right": name}, document=path, pointer="/permissions")
    if held.setup("modify_all_data"):
        return
    for name, part in document.get("objects", {}).items():
        if name in current.objects:
            yield from _beyond_on_object(current.objects[name], held, path, part, before.get("objects", {}).get(name, {}))


def _beyond_on_object(
    definition: ObjectDef, held: Rights, path: str, part: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[Problem]:
    for right in part.get("rights", ()):
        if right not in before.get("rights", ()) and not held.can(definition.name, right):
            params = {"right": f"{definition.name}.{right}"}
            yield Problem(code="right_not_held", params=params, document=path, pointer=f"/objects/{definition.name}/rights")
    own = held.granted.get(definition.name, NO_RIGHTS)
    for name, right in part.get("fields", {}).items():
        field = definition.fields.get(name)
        if field is None or name == definition.name_field or before.get("fields", {}).get(name) in (right, "edit"):
            continue
        if not held.unrestricted and name not in (own.editable if right == "edit" else own.readable):
            params = {"right": f"{definition.name}.{name}.{right}"}
            yield Problem(code="right_not_held", params=params, document=path, pointer=f"/objects/{definition.name}/fields/{name}")
