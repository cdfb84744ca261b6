"""Where a definition is used, in words and with the way there: shown before it is renamed or removed.

Here: mentions made readable, the definition that a place in a document belongs to. Not here: finding them (`metadata/references.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from fieldstone.metadata import labels
from fieldstone.metadata.documents import name_of
from fieldstone.metadata.references import Mention, where_used
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label

FIELDS_IN = ("object", "object_extension")  # the kinds of document that hold fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One definition that uses another: what it is, what it does with it, where."""

    kind: str
    label: str
    does: tuple[str, ...]
    url: str | None
    pointers: tuple[str, ...]
    plain: bool  # goes along when the definition is removed; what stands in an expression refuses the removal


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The definition that a JSON pointer into a document leads to: a field, else what the whole document defines."""

    kind: str  # in words, as the label is
    label: str
    object: str | None  # the label of the object that it is a part of
    url: str | None

    def __str__(self) -> str:
        words = {"kind": self.kind, "name": self.label, "object": self.object}
        return str(_("%(kind)s “%(name)s” of %(object)s", **words) if self.object else _("%(kind)s “%(name)s”", **words))


def place_of(path: str, pointer: str = "") -> Place:
    """Return the definition that a place in a published document belongs to."""
    document = current.snapshot.parsed[path]
    kind, named = words_of(path)
    name = field_in(document, pointer)
    holder = current.snapshot.objects.get(str(document.get("object") or (document["kind"] == "object" and name_of(document))))
    field = holder.field(name) if holder is not None and name is not None else None
    if holder is not None and field is not None:
        url = f"/setup/objects/{holder.name}/fields/{field.name}"
        return Place(kind=kind_words("field"), label=label(field), object=label(holder), url=url)
    of = label(holder) if holder is not None and document["kind"] not in FIELDS_IN else None
    return Place(kind=kind, label=named, object=of, url=url_of(path))


def field_in(document: Mapping[str, Any], pointer: str) -> str | None:
    """Return the field of an object or an extension that a pointer leads into; None where it leads elsewhere."""
    steps = pointer.split("/")
    return steps[2] if document["kind"] in FIELDS_IN and len(steps) > 2 and steps[1] == "fields" else None


def uses(kind: str, name: str, object_name: str | None = None) -> list[Use]:
    """Return where a definition is used, a definition each, in the order of the documents. What it says of itself is left out."""
    found: dict[tuple[str, str | None], list[Mention]] = {}
    for mention in where_used(current.snapshot.parsed, kind, name, object_name):
        field = field_in(current.snapshot.parsed[mention.document], mention.pointer)
        found.setdefault((mention.document, field), []).append(mention)
    return [_use(mentions) for mentions in found.values()]


def _use(mentions: Sequence[Mention]) -> Use:
    place = place_of(mentions[0].document, mentions[0].pointer)
    return Use(
        kind=place.kind,
        label=f"{place.object} · {place.label}" if place.kind == kind_words("field") else place.label,
        does=tuple(dict.fromkeys(_does(each.does) for each in mentions)),
        url=place.url,
        pointers=tuple(each.pointer for each in mentions),
        plain=all(each.does in ("shows", "grants") for each in mentions),
    )


def words_of(path: str) -> tuple[str, str]:
    """Return what people call the kind and the definition of the document at `path`."""
    document = current.snapshot.parsed[path]
    text = labels.text(labels.of(document.get("label")), current.language, current.snapshot.language, name_of(document))
    return kind_words(str(document["kind"])), text


def _does(what: str) -> str:
    words: dict[str, str] = {
        "shows": _("shows it"), "reads": _("reads it"), "writes": _("writes it"), "filters": _("filters by it"), "grants": _("grants it"),
    }  # fmt: skip
    return words.get(what) or str(_("names it"))


def kind_words(kind: str) -> str:
    """Return what people call a kind of definition."""
    words: dict[str, str] = {
        "object": _("Object"), "object_extension": _("Extension"), "field": _("Field"), "record_type": _("Record type"),
        "value_set": _("Value set"), "page_layout": _("Page layout"), "highlight_panel": _("Highlight panel"),
        "list_view": _("List view"), "validation_rule": _("Validation rule"), "automation": _("Automation"),
        "approval_process": _("Approval process"), "email_template": _("Email template"), "app": _("App"),
        "permission_set": _("Permission set"), "profile": _("Profile"), "role": _("Role"), "queue": _("Queue"),
        "custom_setting": _("Custom setting"), "custom_permission": _("Custom permission"),
        "custom_metadata": _("Custom metadata"), "custom_label": _("Custom label"), "translation": _("Translation"),
    }  # fmt: skip
    return words.get(kind, kind)


PAGES = {
    "object": "/setup/objects/{name}",
    "object_extension": "/setup/objects/{object}",
    "page_layout": "/setup/objects/{object}/layouts/{name}",
    "highlight_panel": "/setup/objects/{object}/panels/{name}",
    "value_set": "/setup/value-sets/{name}",
    "list_view": "/setup/objects/{object}/views/{name}",
    "validation_rule": "/setup/objects/{object}/rules/{name}",
    "record_type": "/setup/objects/{object}/types/{name}",
    "approval_process": "/setup/objects/{object}/approvals/{name}",
    "permission_set": "/setup/permissions/sets/{name}",
    "profile": "/setup/permissions/profiles/{name}",
    "role": "/setup/roles/{name}",
    "queue": "/setup/queues/{name}",
}


def url_of(path: str) -> str | None:
    """Return the Setup page of the document at `path`, None if it has none here."""
    document = current.snapshot.parsed.get(path)
    pattern = PAGES.get(str(document["kind"])) if document is not None else None
    return pattern.format(name=name_of(document), object=document.get("object", "")) if pattern and document is not None else None
