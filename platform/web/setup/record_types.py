"""Record types of an object: variants with their own picklist values and defaults.

Here: the pages. Not here: what a record type does at a save (`records/steps`), which layout it gets (`layouts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import Document, owner_words, tabs_of, the_object
from fieldstone.web.setup.parts import Part, head_to_form, number, places_of_head
from fieldstone.web.setup.typed import Control, TypedForm, number_of, put, typed_before, with_problems
from fieldstone.web.setup.where_used import uses

BLANK_DEFAULTS = 2
PICKLISTS = ("picklist", "multi_picklist")


@bp.get("/objects/<object_name>/types")
@admit(setup("customize"))
def record_types(object_name: str) -> ResponseReturnValue:
    """The record types of an object."""
    definition = the_object(object_name)
    found = sorted(current.snapshot.all("record_type", definition.name), key=lambda each: getattr(each, "order", 100))
    return page("setup/record_types.html", definition=definition, tabs=tabs_of(definition, "types"), found=found, owner_words=owner_words)


@bp.get("/objects/<object_name>/types/new")
@admit(setup("customize"))
def new_record_type(object_name: str) -> ResponseReturnValue:
    """The form of a new record type."""
    part = Part.of(object_name, "record_type", "types")
    return _form(part, TypedForm(typed=typed_before(_to_form(part.definition, {}))))


@bp.get("/objects/<object_name>/types/<name>")
@admit(setup("customize"))
def show_record_type(object_name: str, name: str) -> ResponseReturnValue:
    """The form of one record type."""
    part = Part.of(object_name, "record_type", "types", name)
    return _form(part, TypedForm(typed=typed_before(_to_form(part.definition, part.document()))))


@bp.post("/objects/<object_name>/types/new")
@admit(setup("customize"))
def create_record_type(object_name: str) -> ResponseReturnValue:
    """Publish a new record type, or show its plan."""
    return _save(Part.of(object_name, "record_type", "types"))


@bp.post("/objects/<object_name>/types/<name>")
@admit(setup("customize"))
def change_record_type(object_name: str, name: str) -> ResponseReturnValue:
    """Publish a changed record type, or show its plan."""
    return _save(Part.of(object_name, "record_type", "types", name))


@bp.post("/objects/<object_name>/types/<name>/remove")
@admit(setup("customize"))
def remove_record_type(object_name: str, name: str) -> ResponseReturnValue:
    """Remove a record type."""
    return Part.of(object_name, "record_type", "types", name).remove()


def _picklists(definition: ObjectDef) -> list[FieldDef]:
    return [each for each in definition.fields.values() if each.type in PICKLISTS]


def _to_form(definition: ObjectDef, document: Mapping[str, Any]) -> MultiDict[str, str]:
    typed = head_to_form(document)
    typed.update({"active": "1" if document.get("active", True) else "0", "default": "1" if document.get("default") else "0"})
    typed["order"] = str(document.get("order", 100))
    offered = document.get("values", {})
    for field in _picklists(definition):
        typed.setlist(f"values.{field.name}", list(offered.get(field.name, [value.name for value in field.values])))
    for row, (name, value) in enumerate(document.get("defaults", {}).items()):
        typed[f"default.{row}.field"], typed[f"default.{row}.value"] = name, _as_typed(value)
    return typed


def _as_typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else "" if value is None else str(value)


def _save(part: Part) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    document |= {"active": form.ticked("active"), "default": form.ticked("default"), "order": number(form.value("order"), 100)}
    put(document, "values", {field.name: chosen for field in _picklists(part.definition) if (chosen := _offered(form, field)) is not None})
    put(document, "defaults", _defaults(part.definition, form))
    places = places_of_head() | {
        "/order": Control(name="order", label=_("Order")),
        "/default": Control(name="default", label=_("Chosen when nothing else is said")),
        "/defaults": Control(name="default.0.field", label=_("Defaults")),
        **{f"/values/{each.name}": Control(name=f"values.{each.name}", label=label(each)) for each in _picklists(part.definition)},
    }
    for row in range(len(typed)):
        if typed.get(f"default.{row}.field"):
            places[f"/defaults/{typed[f'default.{row}.field']}"] = Control(name=f"default.{row}.value", label=_("Value"))

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Record type published"), again)


def _offered(form: TypedForm, field: FieldDef) -> list[str] | None:
    """Return the values that are offered of a picklist; None where all are, or the form did not show it."""
    if f"values.{field.name}" not in form.typed:
        return None
    chosen = form.values(f"values.{field.name}")
    return None if set(chosen) == {value.name for value in field.values} else chosen


def _defaults(definition: ObjectDef, form: TypedForm) -> Document:
    found: Document = {}
    for key in form.typed:
        row = key.split(".")[1] if key.startswith("default.") and key.endswith(".field") else ""
        name, value = form.value(key), form.value(f"default.{row}.value").strip()
        if row and name and value:
            found[name] = _constant(definition.field(name), value)
    return found


def _constant(field: FieldDef | None, text: str) -> Any:
    if field is None or text.startswith("="):
        return text
    if field.type in ("number", "currency", "percent"):
        return number_of(text)
    if field.type == "checkbox":
        return text.lower() in ("true", "1", "yes")
    return [each.strip() for each in text.split(";")] if field.type == "multi_picklist" else text


def _form(part: Part, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    definition = part.definition
    rows = sorted({int(key.split(".")[1]) for key in form.typed if key.startswith("default.") and key.split(".")[1].isdigit()})
    filled = [row for row in rows if form.value(f"default.{row}.field")]
    after = max(rows, default=-1) + 1
    return page(
        "setup/record_type.html",
        status=status,
        part=part,
        definition=definition,
        tabs=tabs_of(definition, "types"),
        form=form,
        picklists=[(each, [(value.name, label(value)) for value in each.values]) for each in _picklists(definition)],
        rows=[*filled, *range(after, after + BLANK_DEFAULTS)],
        fields_to_choose=[(each.name, label(each)) for each in definition.fields.values() if not each.read_only],
        used=uses("record_type", part.published.name, definition.name) if part.published is not None else [],
    )
