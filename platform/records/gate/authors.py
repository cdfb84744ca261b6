"""Which rights a change of metadata asks of its author: the last stage of the check. Nobody grants what they do not hold, or opens to
others what they may not read themselves.

Here: the callable that `metadata.plan` is handed. Not here: the rights themselves (`access`), which kind needs which (`metadata/kinds.py`).
Source: spec/metadata.md, section 8; spec/security.md, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldstone.errors import Problem
from fieldstone.metadata.check import Rights as OfAuthor
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.expression_names import names_in
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.propose import different
from fieldstone.metadata.scope import steps_of
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
            elif document.get("kind") in WITH_FIELDS and path in documents:
                yield from _opened(current, held, path, document)

    return lacking


WITH_FIELDS = ("object", "object_extension")


def _opened(current: Snapshot, held: Rights, path: str, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what new or changed fields would show to people who may not read what it is made of: declassified results, and defaults.

    A plain formula needs no more than the right to customize: nobody reads it who may not read all its inputs.
    """
    name = str(document.get("api_name") if document["kind"] == "object" else document.get("object"))
    before = current.parsed.get(path, {}).get("fields", {})
    for field, part in document.get("fields", {}).items():
        old = before.get(field, {})
        if part == old:
            continue
        if part.get("declassified") and not held.setup("manage_security"):
            yield Problem(code="right_missing", params={"right": "manage_security"}, document=path, pointer=f"/fields/{field}/declassified")
        for key in ("formula", "default"):
            source = str(part.get(key, ""))
            opens = part.get("declassified") if key == "formula" else source.startswith("=")
            if opens and (part.get("declassified") != old.get("declassified") or source != old.get(key)):
                for read in _unreadable(current, held, name, source):
                    yield Problem(code="author_cannot_read", params={"name": read}, document=path, pointer=f"/fields/{field}/{key}")


def _unreadable(current: Snapshot, held: Rights, object_name: str, source: str) -> Iterator[str]:
    """Yield the fields that an expression names and the author may not read. Those that come in the same change are nobody's yet."""
    if held.setup("modify_all_data") or current.find("object", object_name) is None:
        return
    for named in names_in(source):
        holder = current.object(object_name).name
        for found in steps_of(current, holder, named) or ():
            if found.name not in held.readable(holder):
                yield named
                break
            holder = "user" if found.type == "owner" else found.to or holder


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
