"""Where a definition is used, in words and with the way there: shown before it is renamed or removed.

Here: mentions made readable. Not here: finding them (`metadata/references.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _

from fieldstone.metadata import labels
from fieldstone.metadata.documents import name_of
from fieldstone.metadata.references import Mention, where_used
from fieldstone.web.current import current


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One document that uses a definition: what it is, what it does with it, where."""

    kind: str
    label: str
    does: tuple[str, ...]
    url: str | None
    pointers: tuple[str, ...]
    plain: bool  # goes along when the definition is removed; what stands in an expression refuses the removal


def uses(kind: str, name: str, object_name: str | None = None) -> list[Use]:
    """Return where a definition is used, a document each, in the order of the documents. What it says of itself is left out."""
    found: dict[str, list[Mention]] = {}
    for mention in where_used(current.snapshot.parsed, kind, name, object_name):
        found.setdefault(mention.document, []).append(mention)
    return [_use(path, mentions) for path, mentions in found.items()]


def _use(path: str, mentions: Iterable[Mention]) -> Use:
    mentions = tuple(mentions)
    kind, named = words_of(path)
    return Use(
        kind=kind,
        label=named,
        does=tuple(dict.fromkeys(_does(each.does) for each in mentions)),
        url=url_of(path),
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
