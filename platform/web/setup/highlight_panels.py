"""Highlight panels of an object: the key facts at the top of its record pages, and the stage path.

Here: the list, one panel. Not here: which panel a person gets (`web/layouts.py`), the strip itself (`record_pages.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.layouts import HighlightPanelDef
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import Document, owner_words, tabs_of, the_object
from fieldstone.web.setup.parts import (
    Part,
    audience_to_form,
    audience_words,
    audiences,
    head_to_form,
    number,
    places_of_head,
    put_audience,
)
from fieldstone.web.setup.typed import Control, TypedForm, label_of, put, put_label, typed_before, with_problems

FACTS = 7  # of a panel
UNFIT = frozenset({"long_text", "rich_text", "text_area"})


@bp.get("/objects/<object_name>/panels")
@admit(setup("customize"))
def highlight_panels(object_name: str) -> ResponseReturnValue:
    """The highlight panels of an object."""
    definition = the_object(object_name)
    every = (cast(HighlightPanelDef, each) for each in current.snapshot.all("highlight_panel", definition.name))
    return page(
        "setup/highlight_panels.html",
        definition=definition,
        tabs=tabs_of(definition, "panels"),
        found=sorted(every, key=lambda each: (each.order, each.name)),
        owner_words=owner_words,
        audience_words=audience_words,
    )


@bp.get("/objects/<object_name>/panels/new")
@admit(setup("customize"))
def new_highlight_panel(object_name: str) -> ResponseReturnValue:
    """The form of a new panel."""
    part = Part.of(object_name, "highlight_panel", "panels")
    return _form(part, TypedForm(typed=typed_before(_to_form({"label": part.definition.label}))))


@bp.get("/objects/<object_name>/panels/<name>")
@admit(setup("customize"))
def show_highlight_panel(object_name: str, name: str) -> ResponseReturnValue:
    """The form of one panel."""
    part = Part.of(object_name, "highlight_panel", "panels", name)
    return _form(part, TypedForm(typed=typed_before(_to_form(part.document()))))


@bp.post("/objects/<object_name>/panels/new")
@admit(setup("customize"))
def create_highlight_panel(object_name: str) -> ResponseReturnValue:
    """Publish a new panel, or show its plan."""
    return _save(Part.of(object_name, "highlight_panel", "panels"))


@bp.post("/objects/<object_name>/panels/<name>")
@admit(setup("customize"))
def change_highlight_panel(object_name: str, name: str) -> ResponseReturnValue:
    """Publish a changed panel, or show its plan."""
    return _save(Part.of(object_name, "highlight_panel", "panels", name))


@bp.post("/objects/<object_name>/panels/<name>/remove")
@admit(setup("customize"))
def remove_highlight_panel(object_name: str, name: str) -> ResponseReturnValue:
    """Remove a panel; the object goes back to the next one, or to the generated one."""
    return Part.of(object_name, "highlight_panel", "panels", name).remove()


def _to_form(document: Mapping[str, Any]) -> MultiDict[str, str]:
    typed = head_to_form(document)
    for place, name in enumerate(document.get("fields", ())):
        typed[f"fact.{place}"] = name
    typed["order"] = str(document.get("order", 100))
    path = document.get("path", {})
    typed["path_field"] = path.get("field", "")
    for value, guidance in path.get("guidance", {}).items():
        put_label(typed, f"guidance.{value}", guidance.get("text"))
    audience_to_form(typed, document.get("for", {}))
    return typed


def _save(part: Part) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    document["fields"] = [name for place in range(FACTS) if (name := form.value(f"fact.{place}"))]
    document["order"] = number(form.value("order"), 100)
    put(document, "path", _path(part.definition, form, document.get("path", {})))
    put_audience(document, "for", typed, record_types=True)
    places = places_of_head() | {
        "/fields": Control(name="fact.0", label=_("Key facts")),
        "/order": Control(name="order", label=_("Order")),
        "/path": Control(name="path_field", label=_("Stage path")),
    }
    filled = [place for place in range(FACTS) if form.value(f"fact.{place}")]
    for index, place in enumerate(filled):
        places[f"/fields/{index}"] = Control(name=f"fact.{place}", label=_("Fact %(number)s", number=place + 1))

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Highlight panel published"), again)


def _path(definition: ObjectDef, form: TypedForm, before: Mapping[str, Any]) -> Document | None:
    """Return the stage path; of the same field with what it says at each stage, of another field anew."""
    name = form.value("path_field")
    if not name:
        return None
    path: Document = {"field": name}
    kept = before.get("guidance", {}) if before.get("field") == name else {}
    field = definition.field(name)
    guidance = {}
    for value in field.values if field is not None else ():
        said = dict(kept.get(value.name, {}))
        put(said, "text", label_of(form.label(f"guidance.{value.name}"), said.get("text")))
        if said:
            guidance[value.name] = said
    put(path, "guidance", guidance)
    return path


def _form(part: Part, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    definition = part.definition
    stages = definition.field(form.value("path_field")) if form.value("path_field") else None
    return page(
        "setup/highlight_panel.html",
        status=status,
        part=part,
        definition=definition,
        tabs=tabs_of(definition, "panels"),
        form=form,
        facts=range(FACTS),
        fields_to_choose=[(each.name, label(each)) for each in definition.all_fields if _fits(each)],
        picklists=[(each.name, label(each)) for each in definition.fields.values() if each.type == "picklist"],
        stages=stages.values if stages is not None else (),
        audience=audiences(roles=False, record_types=definition),
    )


def _fits(field: FieldDef) -> bool:
    return field.result_type not in UNFIT
