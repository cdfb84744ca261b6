"""Page layouts of an object: the list, and the editor with palette, canvas and properties.

Here: the pages. What is not published yet travels in the form, from tab to tab. Not here: the tabs as documents (`layout_documents`),
the builder in the browser (`static/js/layout-builder.js`), which layout a person gets (`web/layouts.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem, Refused
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, money, text_of
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import Document, owner_words, tabs_of, the_object
from fieldstone.web.setup.field_cards import CARDS, SYSTEM_CARDS
from fieldstone.web.setup.layout_documents import (
    BUTTONS,
    ON_PAGES,
    components,
    fields_of,
    for_builder,
    generated,
    related_rows,
    tabs_of_form,
    with_new_tab,
)
from fieldstone.web.setup.parts import Part, audience_to_form, audience_words, audiences, head_to_form, number, places_of_head, put_audience
from fieldstone.web.setup.typed import Control, came_back, put, shown_label, with_problems

STEPS = ("go", "add_tab", "remove_tab", "move_tab")  # buttons that change what is shown, and publish nothing


@bp.get("/objects/<object_name>/layouts")
@admit(setup("customize"))
def layouts(object_name: str) -> ResponseReturnValue:
    """The page layouts of an object."""
    definition = the_object(object_name)
    found = current.snapshot.all("page_layout", definition.name)
    return page(
        "setup/layouts.html",
        definition=definition,
        tabs=tabs_of(definition, "layouts"),
        found=found,
        owner_words=owner_words,
        audience_words=audience_words,
    )


@bp.get("/objects/<object_name>/layouts/new")
@admit(setup("customize"))
def new_layout(object_name: str) -> ResponseReturnValue:
    """The editor of a new layout, which begins as the generated one."""
    part = Part.of(object_name, "page_layout", "layouts")
    begin = generated(part.definition)
    return _back(part) or _show(part, _to_form(begin | {"label": dict(part.definition.label)}), begin["tabs"])


@bp.get("/objects/<object_name>/layouts/<name>")
@admit(setup("customize"))
def show_layout(object_name: str, name: str) -> ResponseReturnValue:
    """The editor of one layout."""
    part = Part.of(object_name, "page_layout", "layouts", name)
    document = part.document()
    return _back(part) or _show(part, _to_form(document), document["tabs"], shown=request.args.get("tab", ""))


@bp.post("/objects/<object_name>/layouts/new")
@admit(setup("customize"))
def create_layout(object_name: str) -> ResponseReturnValue:
    """Publish a new layout, show its plan, or go on editing."""
    return _save(Part.of(object_name, "page_layout", "layouts"))


@bp.post("/objects/<object_name>/layouts/<name>")
@admit(setup("customize"))
def change_layout(object_name: str, name: str) -> ResponseReturnValue:
    """Publish a changed layout, show its plan, or go on editing."""
    return _save(Part.of(object_name, "page_layout", "layouts", name))


@bp.post("/objects/<object_name>/layouts/<name>/remove")
@admit(setup("customize"))
def remove_layout(object_name: str, name: str) -> ResponseReturnValue:
    """Remove a layout."""
    return Part.of(object_name, "page_layout", "layouts", name).remove()


def _to_form(document: Mapping[str, Any]) -> MultiDict[str, str]:
    typed = head_to_form(document)
    typed["order"] = str(document.get("order", 100))
    typed["path_field"] = document.get("path", {}).get("field", "")
    audience_to_form(typed, document.get("for", {}))
    for place, buttons in document.get("buttons", {}).items():
        typed.setlist(f"buttons.{place}", [each if isinstance(each, str) else each["button"] for each in buttons])
    return typed


def _back(part: Part) -> ResponseReturnValue | None:
    """Show what came back after a login."""
    typed = came_back()
    tabs = _tabs(typed) if typed is not None else None
    return _show(part, typed, tabs, shown=typed.get("tab", "")) if typed is not None and tabs is not None else None


def _tabs(typed: MultiDict[str, str]) -> list[Document] | None:
    """Return the tabs that the form carries; None for what no page of ours sends."""
    try:
        return tabs_of_form(typed) or None
    except (Refused, ValueError, KeyError, TypeError, AttributeError):
        return None


def _save(part: Part) -> ResponseReturnValue:
    typed = MultiDict(request.form)
    tabs = _tabs(typed)
    if tabs is None:
        begin = part.document() if part.published is not None else generated(part.definition)
        return _show(part, typed, begin["tabs"], problems=(Problem(code="form_not_understood"),), status=422)
    step = next((each for each in STEPS if each in typed), None)
    if step is not None:
        return _edit(part, typed, tabs, step)
    document = _document(part, typed, tabs)

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _show(
            part, typed, tabs, shown=typed.get("tab", ""), problems=problems, path=part.path(document), status=422 if problems else 200
        )

    return part.publish(document, _("Layout published"), again)


def _edit(part: Part, typed: MultiDict[str, str], tabs: list[Document], step: str) -> ResponseReturnValue:
    """Do one step of editing: show another tab, add, move or remove one."""
    shown = typed.get("tab", "")
    place = next((index for index, tab in enumerate(tabs) if tab["id"] == shown), 0)
    if step == "go":
        shown = typed["go"]
    elif step == "add_tab":
        tabs, shown = with_new_tab(tabs, {current.language: _("New tab")})
    elif step == "remove_tab" and len(tabs) > 1:
        tabs = [tab for tab in tabs if tab["id"] != shown]
        shown = tabs[max(0, place - 1)]["id"]
    elif step == "move_tab":
        other = place + (1 if typed["move_tab"] == "right" else -1)
        if 0 <= other < len(tabs):
            tabs[place], tabs[other] = tabs[other], tabs[place]
    return _show(part, typed, tabs, shown=shown)


def _document(part: Part, typed: MultiDict[str, str], tabs: list[Document]) -> Document:
    document = part.named(part.document(), typed)
    document["tabs"] = tabs
    document["order"] = number(typed.get("order", ""), 100)
    put_audience(document, "for", typed, record_types=True)
    path = typed.get("path_field", "")
    put(document, "path", {**document.get("path", {}), "field": path} if path else None)
    before = document.get("buttons", {})
    document["buttons"] = {place: _buttons(before.get(place, []), typed.getlist(f"buttons.{place}")) for place in ("page", "more")}
    return document


def _buttons(before: list[Any], chosen: list[str]) -> list[Any]:
    """Return the chosen buttons: those that were there as they were, with their conditions, then the new ones."""
    names = [each if isinstance(each, str) else each["button"] for each in before]
    kept = [each for each, name in zip(before, names, strict=True) if name in chosen or name not in BUTTONS]
    return kept + [name for name in chosen if name and name not in names]


def _show(
    part: Part,
    typed: MultiDict[str, str],
    tabs: list[Document],
    *,
    shown: str = "",
    problems: tuple[Problem, ...] = (),
    path: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    definition = part.definition
    tab = next((each for each in tabs if each["id"] == shown), tabs[0])
    others = fields_of(each for each in tabs if each is not tab)
    offered = [each for each in _offered(definition) if each.name.lower() not in others]
    form = with_problems(typed, problems, _places(), path)
    return page(
        "setup/layout.html",
        status=status,
        part=part,
        definition=definition,
        tabs=tabs_of(definition, "layouts"),
        form=form,
        layout_tabs=[(each["id"], text_of(shown_label(each.get("label"))) or each["id"], each is tab) for each in tabs],
        all_tabs=json.dumps({"tabs": tabs}, ensure_ascii=False, default=str),
        tab=tab,
        tab_label=shown_label(tab.get("label")),
        sections=[(number_, text_of(shown_label(each.get("label"))) or each["id"]) for number_, each in enumerate(tab.get("sections", ()))],
        placed=_places_of_fields(tab),
        layout=for_builder(tab),
        palette=[_entry(each) for each in offered] + [_component(name, each) for name, each in components(tab)],
        offered=offered,
        related=related_rows(definition, tab),
        audience=audiences(roles=False, record_types=definition),
        picklists=[(each.name, label(each)) for each in definition.fields.values() if each.type == "picklist"],
        buttons=[(name, _button_words(name)) for name in BUTTONS],
    )


def _places() -> dict[str, Control]:
    return places_of_head() | {
        "/order": Control(name="order", label=_("Order")),
        "/path": Control(name="path_field", label=_("Path")),
    }


def _offered(definition: ObjectDef) -> list[FieldDef]:
    system = [definition.system_fields[name] for name in ON_PAGES if name in definition.system_fields]
    return [*definition.fields.values(), *system]


def _places_of_fields(tab: Document) -> dict[str, tuple[int, int]]:
    """Return section and place of each field of a tab, for the plain form."""
    return {
        str(item["field"]): (number_, place)
        for number_, section in enumerate(tab.get("sections", ()))
        for place, item in enumerate(section.get("items", ()), 1)
        if "field" in item
    }


def _entry(field: FieldDef) -> dict[str, Any]:
    """Return a field as the builder's palette and canvas show it."""
    icon = CARDS[field.type].icon if field.type in CARDS else SYSTEM_CARDS.get(field.type, "lock")
    return {
        "name": field.name,
        "label": label(field),
        "icon": icon,
        "sample": _sample(field),
        "required": field.required,
        "api": field.name,
    }


def _sample(field: FieldDef) -> str:
    """Return a value as it might stand there."""
    match field.result_type:
        case "currency":
            return money(12_500, field.scale)
        case "number":
            return formats.number(42, current.language, field.scale)
        case "percent":
            return formats.percent(15, current.language, field.scale)
        case "date":
            return formats.date(current.today, current.language)
        case "datetime":
            return formats.datetime(current.now, current.language, current.zone)
        case "checkbox":
            return str(_("Yes"))
        case "picklist" | "multi_picklist":
            return label(field.values[0]) if field.values else ""
        case "user" | "owner":
            return current.principal.name
        case "auto_number":
            return (field.pattern or "").replace("{", "").replace("}", "")
        case "email":
            return "name@example.com"
        case "lookup" | "master_detail":
            target = current.snapshot.objects.get(field.to or "")
            return label(target) if target is not None else ""
    return ""


def _component(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    text = text_of(shown_label(item.get("text"))) if item["component"] == "text" else ""
    return {"name": name, "label": _("Text") if item["component"] == "text" else _("Space"), "icon": "text", "sample": text}


def _button_words(name: str) -> str:
    words: dict[str, str] = {
        "edit": _("Edit"), "clone": _("Clone"), "delete": _("Delete"), "transfer": _("Change owner"),
        "change_record_type": _("Change record type"), "submit_approval": _("Submit for approval"),
        "recall_approval": _("Recall approval"),
    }  # fmt: skip
    return words.get(name, name)
