"""The definitions that Setup's pages are about, and their documents as the org holds them.

Here: finding them, where a new field goes, what stands around every page of an object. Not here: changing them (the pages).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.current import current

Document = dict[str, Any]


def the_object(name: str) -> ObjectDef:
    """Return an object, whether or not the person may read its records: Setup is about definitions. Raises NotVisible."""
    return current.snapshot.object(name)


def the_field(definition: ObjectDef, name: str) -> FieldDef:
    """Return a field of the object that has a place in a document. Raises NotVisible."""
    found = definition.field(name)
    if found is None or found.system:
        raise NotVisible(name)
    return found


def the_definition(kind: str, name: str, object_name: str | None = None) -> Definition:
    """Return a definition by kind and name. Raises NotVisible."""
    found = current.snapshot.find(kind, name, object_name)
    if found is None:
        raise NotVisible(name)
    return found


def document_at(path: str) -> Document:
    """Return a copy of the document at `path`, to be changed."""
    return copy.deepcopy(dict(current.snapshot.parsed[path]))


def home_of_fields(definition: ObjectDef) -> tuple[str, Document]:
    """Return the document that fields made here go into, with its path: the object's own, or of a pack's object the org's extension."""
    if definition.owner == "org":
        return definition.path, document_at(definition.path)
    path = f"extensions/{definition.name}.json"
    if path in current.snapshot.parsed:
        return path, document_at(path)
    return path, {"kind": "object_extension", "object": definition.name, "fields": {}}


def with_field(document: Mapping[str, Any], name: str, part: Mapping[str, Any]) -> Document:
    """Return a document with this field put."""
    return {**document, "fields": {**document.get("fields", {}), name: dict(part)}}


def owner_words(owner: str) -> str:
    """Return who a definition belongs to, in words; empty for the org itself."""
    if owner in ("org", ""):
        return ""
    return str(_("Platform") if owner == "platform" else _("Pack %(name)s", name=owner))


def tabs_of(definition: ObjectDef, current_tab: str) -> list[dict[str, object]]:
    """Return the tabs of an object's pages."""
    base, snapshot = f"/setup/objects/{definition.name}", current.snapshot
    tabs = (
        ("fields", _("Fields"), "", len(definition.fields)),
        ("layouts", _("Layouts"), "/layouts", len(snapshot.all("page_layout", definition.name))),
        ("panels", _("Key facts"), "/panels", len(snapshot.all("highlight_panel", definition.name))),
        ("views", _("Views"), "/views", len(snapshot.all("list_view", definition.name))),
        ("rules", _("Validation"), "/rules", len(snapshot.all("validation_rule", definition.name))),
        ("types", _("Record types"), "/types", len(snapshot.all("record_type", definition.name))),
        ("approvals", _("Approvals"), "/approvals", len(snapshot.all("approval_process", definition.name))),
        ("permissions", _("Permissions"), "/permissions", None),
        ("settings", _("Settings"), "/settings", None),
    )
    return [
        {"label": text, "url": f"{base}{way}", "count": count, "current": name == current_tab} if count is not None
        else {"label": text, "url": f"{base}{way}", "current": name == current_tab}
        for name, text, way, count in tabs
    ]  # fmt: skip
