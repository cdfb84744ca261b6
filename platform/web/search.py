"""Search over everything: the palette's answers while somebody types, and the full page.

Here: both answers of one address, and the lookup's suggestions. Not here: finding (`records/search.py`), what tells records of equal
names apart (`candidates.py`), the palette itself (`static/js/palette.js`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue, Typed
from fieldstone.records.gate import find
from fieldstone.records.query import Candidate, Hit, Query, Sort
from fieldstone.web import list_views, rates
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.candidates import lines_of_hits, offered, second_lines, telling
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.shell import chosen_app, hue, plural, shown_objects
from fieldstone.web.shown import name_columns, titles

bp = Blueprint("search", __name__)

SHORT = 5  # of an object, in the palette
LONG = 20  # of an object, on the page
RECENT = 6
SUGGESTIONS = 12
OF_RECORD = re.compile(r"\$Record\.([A-Za-z_][A-Za-z0-9_]*)", re.IGNORECASE)


def searched() -> list[ObjectDef]:
    """Return the objects that are searched: those the person may read, the present app's first."""
    mine = [each for each, _item in shown_objects(chosen_app())]
    visible = current.rights.visible_objects
    rest = [each for name, each in current.snapshot.objects.items() if name in visible and each not in mine]
    return [each for each in (*mine, *rest) if "search" in each.features]


def wants_json() -> bool:
    """Tell whether a script asked: it names JSON before HTML."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html") == "application/json"


@bp.get("/search")
@admit(SIGNED_IN)
def show() -> ResponseReturnValue:
    """What was found: JSON for the palette, the page for everybody else. Without words: what was changed last."""
    text = request.args.get("q", "").strip()[:200]
    if text:
        rates.spend("search", current.principal.fingerprint)
    if wants_json():
        return jsonify(groups=_found(text, SHORT) if text else _recent())
    objects = searched()
    only = request.args.get("object")
    found = _hits(text, [each for each in objects if only in (None, "", each.name)], LONG) if text else {}
    groups = [(definition, list(zip(hits, lines, strict=True))) for definition, hits, lines in _told(found)]
    return page("search.html", block="results", q=text, groups=groups, only=only, kinds=objects)


def _hits(text: str, objects: list[ObjectDef], limit: int) -> dict[str, list[Hit]]:
    """Return what was found by object, in the objects' order, called as pages call it."""
    found: dict[str, list[Hit]] = {}
    for hit in find.search(current.gate, text, [each.name for each in objects], limit):
        found.setdefault(hit.object, []).append(hit)
    return {each.name: _called(each, found[each.name]) for each in objects if each.name in found}


def _called(definition: ObjectDef, hits: list[Hit]) -> list[Hit]:
    names = titles(definition, {each.id: each.name for each in hits})
    return [replace(each, name=names[each.id]) for each in hits]


def _told(found: Mapping[str, list[Hit]]) -> list[tuple[ObjectDef, list[Hit], list[str]]]:
    """Return what was found with the second line of each record."""
    by_object = [(current.snapshot.objects[name], hits) for name, hits in found.items()]
    return [(definition, hits, lines_of_hits(definition, hits)) for definition, hits in by_object]


def _found(text: str, limit: int) -> list[dict[str, Any]]:
    return [
        {"label": plural(definition), "results": [_result(hit, line) for hit, line in zip(hits, lines, strict=True)]}
        for definition, hits, lines in _told(_hits(text, searched(), limit))
    ]


def _result(hit: Hit, line: str) -> dict[str, Any]:
    definition = current.snapshot.objects[hit.object]
    url = f"/o/{hit.object}/{hit.id}"
    return {"url": url, "text": hit.name, "line": line, "note": label(definition), "icon": definition.icon, "hue": hue(definition)}


def _recent() -> list[dict[str, Any]]:
    """What the person changed last, of the first objects of the app."""
    results: list[tuple[Any, dict[str, Any]]] = []
    for definition in searched()[:4]:
        read = current.gate.read(
            Query(
                object=definition.name,
                select=(*name_columns(definition), "updated_at", *telling(definition)),
                filter={"field": "updated_by", "op": "me"},
                sort=(Sort(field="updated_at", descending=True),),
                limit=RECENT,
            )
        )
        names = titles(definition, {record["id"]: record.get(definition.name_field) for record in read.records})
        named = [(names[record["id"]], record) for record in read.records]
        for (name, record), line in zip(named, second_lines(definition, named), strict=True):
            hit = Hit(object=definition.name, id=record["id"], name=name, tier=0)
            results.append((record["updated_at"], _result(hit, line)))
    results.sort(key=lambda each: each[0], reverse=True)
    return [{"label": _("Changed by you"), "results": [each for _at, each in results[:RECENT]]}] if results else []


@bp.get("/people")
@admit(SIGNED_IN)
def people() -> ResponseReturnValue:
    """Suggest active people, to hand something to."""
    rates.spend("suggestions", current.principal.fingerprint)
    text = request.args.get("q", "").strip()[:200]
    target = current.object("user")
    found = current.gate.suggest("user", text, SUGGESTIONS + 1, {"field": "active", "op": "eq", "value": True}, telling(target))
    return jsonify(results=offered(found[:SUGGESTIONS], target), more=len(found) > SUGGESTIONS)


@bp.get("/o/<object_name>/lookup/<path:field_path>")
@admit(SIGNED_IN)
def lookup(object_name: str, field_path: str) -> ResponseReturnValue:
    """Suggest records for a lookup, by what was typed and by the lookup's filter as far as the form answers it."""
    rates.spend("suggestions", current.principal.fingerprint)
    definition = current.object(object_name)
    resolved = list_views.resolve(definition, field_path)
    if resolved is None or not (resolved[1].type in LOOKUPS or resolved[1].name == "owner"):
        raise NotVisible
    holder, found = resolved
    target = current.object(found.to or "user")
    text = request.args.get("q", "").strip()[:200]
    queues = _queues(holder, text) if found.name == "owner" else []
    records = _candidates(holder, found, text, target)
    return jsonify(results=[*queues, *offered(records[:SUGGESTIONS], target)], more=len(records) > SUGGESTIONS)


def _queues(holder: ObjectDef, text: str) -> list[dict[str, Any]]:
    """Return the queues that may own records of the object, beside the people."""
    if holder.owned_by != "user_or_queue":
        return []
    mine = [each for each in current.snapshot.all("queue") if isinstance(each, QueueDef) and holder.name in each.objects]
    named = [(each, label(each)) for each in mine]
    return [
        {"id": each.id, "text": name, "note": _("Queue"), "icon": "users"} for each, name in named if text.casefold() in name.casefold()
    ]


def _candidates(holder: ObjectDef, found: FieldDef, text: str, target: ObjectDef) -> list[Candidate]:
    """Return the visible records that the lookup's own filter allows, with what the form holds for `$Record`; for an owner, people."""
    if found.type not in LOOKUPS or found.to is None:
        active = {"field": "active", "op": "eq", "value": True} if found.active_only else None
        return current.gate.suggest("user", text, SUGGESTIONS + 1, active, telling(target))
    names = {name.lower() for name in OF_RECORD.findall(found.filter or "")}
    others = [other for name in names if (other := holder.field(name)) is not None]
    form = {each.name: _given(each) for each in others}
    return current.gate.candidates(holder.name, found.name, text, form, SUGGESTIONS + 1, telling(target))


def _given(other: FieldDef) -> Any:
    """Return the typed value that the form holds for a field of the record being edited; None for what is no value of it."""
    typed = Typed(language=current.language, zone=current.zone, today=current.today)
    try:
        return FIELD_TYPES[other.type].from_form(other, request.args.get(other.name, ""), typed)
    except (BadValue, KeyError):
        return None
