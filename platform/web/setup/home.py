"""Setup's home: its pages, what was changed lately, and a way to find anything in Setup.

Here: the home page and its search. Not here: the pages it leads to (`navigation`), searching records (`web/search.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue

from fieldstone.metadata import versions
from fieldstone.metadata.definitions.definition import Label
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import text_of
from fieldstone.web.pages import page
from fieldstone.web.setup import bp, navigation
from fieldstone.web.setup.changes import author_names, steps_in_words
from fieldstone.web.setup.field_cards import CARDS
from fieldstone.web.setup.where_used import kind_words, url_of

RECENT = 5
MOST_FOUND = 20  # of one kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something in Setup that has the words searched for."""

    kind: str
    label: str
    name: str
    url: str
    icon: str
    hue: str
    of: str = ""  # label of its object


@bp.get("")
@admit(setup("view_setup"))
def home() -> ResponseReturnValue:
    """The pages of Setup that the person may open; with `q`, what has these words."""
    asked = request.args.get("q", "").strip()[:100]
    entries = versions.history(current.transaction.connection, limit=RECENT) if current.rights.setup("customize") else ()
    return page(
        "setup/home.html",
        q=asked,
        groups=list(_grouped(asked.casefold())) if asked else [],
        entries=[(each, steps_in_words(each.steps[:1]), len(each.steps)) for each in entries],
        names=author_names(entries),
    )


def _grouped(words: str) -> Iterator[tuple[str, list[Found]]]:
    """Yield what was found by kind: pages, then objects and fields, then the rest by birth."""
    kinds: dict[str, list[Found]] = {}
    for each in (*_pages(words), *(_definitions(words) if current.rights.setup("customize") else ())):
        kinds.setdefault(each.kind, []).append(each)
    return ((kind, found[:MOST_FOUND]) for kind, found in kinds.items())


def _pages(words: str) -> Iterator[Found]:
    for group in navigation.groups():
        for each in group.pages:
            if words in f"{each.label} {each.note}".casefold():
                yield Found(kind=str(group.label), label=str(each.label), name=str(each.note), url=each.url, icon=each.icon, hue=each.hue)


def _definitions(words: str) -> Iterator[Found]:
    snapshot = current.snapshot
    for each in snapshot.objects.values():
        if _has(words, each.label, each.name):
            url = f"/setup/objects/{each.name}"
            yield Found(
                kind=kind_words("object"), label=_label(each.label, each.name), name=each.name, url=url, icon=each.icon, hue=each.color
            )
    for definition in snapshot.objects.values():
        for field in definition.fields.values():
            if _has(words, field.label, field.name):
                card, of = CARDS[field.type], _label(definition.label, definition.name)
                url = f"/setup/objects/{definition.name}/fields/{field.name}"
                found = _label(field.label, field.name)
                yield Found(kind=kind_words("field"), label=found, name=field.name, url=url, icon=card.icon, hue=card.hue, of=of)
    for definition_ in snapshot.definitions:
        url_ = url_of(definition_.path) if definition_.kind != "object" else None
        if url_ is not None and _has(words, definition_.label, definition_.name):
            owner = snapshot.objects.get(definition_.object or "")
            yield Found(
                kind=kind_words(definition_.kind),
                label=_label(definition_.label, definition_.name),
                name=definition_.name,
                url=url_,
                icon=ICONS.get(definition_.kind, "file-json"),
                hue="sky",
                of=_label(owner.label, owner.name) if owner is not None else "",
            )


ICONS: Mapping[str, str] = {
    "page_layout": "layout-template",
    "list_view": "list",
    "validation_rule": "shield-check",
    "record_type": "split",
    "permission_set": "key-round",
    "profile": "id-card",
    "role": "network",
    "queue": "users",
    "approval_process": "stamp",
}


def _has(words: str, label: Label, name: str) -> bool:
    return words in name.lower() or any(words in text.casefold() for text in label.values())


def _label(label: Label, name: str) -> str:
    return text_of(label) or name
