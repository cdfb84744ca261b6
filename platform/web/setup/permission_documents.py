"""What the matrices say, as documents of permission sets and profiles.

Here: rights on objects, levels on fields. Not here: the pages (`permissions`), what comes along with a new field (`grants`).
A form changes only what it showed: the rest of a document stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.datastructures import MultiDict

from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.definitions.permission_sets import IMPLIES, OBJECT_RIGHTS, PermissionSetDef, ProfileDef
from fieldstone.web.current import current
from fieldstone.web.setup.definitions import Document
from fieldstone.web.setup.typed import put

Holder = PermissionSetDef | ProfileDef
LEVELS = ("none", "read", "edit")


def complete(rights: Iterable[str]) -> frozenset[str]:
    """Return rights on an object with those they imply; what is no right is left out."""
    known = [right for right in rights if right in OBJECT_RIGHTS]
    return frozenset(known).union(*(IMPLIES[right] for right in known))


def put_rights(document: Document, typed: MultiDict[str, str]) -> None:
    """Put the rights that a matrix shows on its objects. An object that had none brings its fields along, but for sensitive ones."""
    granted = dict(document.get("objects", {}))
    for name in typed.getlist("shown"):
        definition = current.snapshot.objects.get(name)
        before = granted.get(name, {})
        wanted = complete(typed.getlist(f"rights.{name}"))
        if definition is None or wanted == complete(before.get("rights", ())):
            continue
        if not wanted:
            granted.pop(name, None)
            continue
        writes = bool(wanted & {"create", "edit"})
        fields = dict(before.get("fields", {})) if before.get("rights") else all_fields(definition, writes=writes)
        granted[name] = {
            **before,
            "rights": [right for right in OBJECT_RIGHTS if right in wanted],
            "fields": fields if writes else dict.fromkeys(fields, "read"),
        }
    put(document, "objects", granted)


def all_fields(definition: ObjectDef, *, writes: bool) -> dict[str, str]:
    """Return the levels with which the fields of an object are given for the first time."""
    given = (each for each in definition.fields.values() if each.name != definition.name_field and not each.sensitive)
    return {each.name: "edit" if writes and can_edit(each) else "read" for each in given}


def can_edit(field: FieldDef) -> bool:
    """Whether a field can be written by people at all."""
    return not field.read_only


def put_levels(document: Document, definition: ObjectDef, typed: MultiDict[str, str]) -> None:
    """Put the levels that a matrix shows on the fields of one object."""
    granted = dict(document.get("objects", {}))
    part = dict(granted.get(definition.name, {}))
    fields = dict(part.get("fields", {}))
    for name in typed.getlist("shown"):
        level = typed.get(f"level.{name}", "none")
        if level in ("read", "edit"):
            fields[name] = level
        else:
            fields.pop(name, None)
    put(part, "fields", fields)
    granted[definition.name] = part
    put(document, "objects", granted)
