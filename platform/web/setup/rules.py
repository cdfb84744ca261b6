"""Validation rules of an object: the list, and the editor with its live check and its try-it.

Here: the pages. Not here: what rules do at a save (`records/steps/validation_rules.py`), the editor's answers (`expressions`).
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import owner_words, tabs_of, the_object
from fieldstone.web.setup.parts import Part, head_to_form, places_of_head
from fieldstone.web.setup.typed import Control, TypedForm, json_of, label_of, put, put_label, to_json, typed_before, with_problems


@bp.get("/objects/<object_name>/rules")
@admit(setup("customize"))
def rules(object_name: str) -> ResponseReturnValue:
    """The validation rules of an object."""
    definition = the_object(object_name)
    found = current.snapshot.all("validation_rule", definition.name)
    return page("setup/rules.html", definition=definition, tabs=tabs_of(definition, "rules"), found=found, owner_words=owner_words)


@bp.get("/objects/<object_name>/rules/new")
@admit(setup("customize"))
def new_rule(object_name: str) -> ResponseReturnValue:
    """The editor of a new rule."""
    return _form(Part.of(object_name, "validation_rule", "rules"), TypedForm(typed=typed_before(MultiDict({"active": "1"}))))


@bp.get("/objects/<object_name>/rules/<name>")
@admit(setup("customize"))
def show_rule(object_name: str, name: str) -> ResponseReturnValue:
    """The editor of one rule."""
    part = Part.of(object_name, "validation_rule", "rules", name)
    document = part.document()
    typed = head_to_form(document)
    typed.update({"error_when": document["error_when"], "at": document.get("at", "")})
    typed["examples"] = to_json(document.get("examples"))
    typed["active"] = "1" if document.get("active", True) else "0"
    put_label(typed, "message", document["message"])
    typed.setlist("record_types", list(document.get("record_types", ())))
    return _form(part, TypedForm(typed=typed_before(typed)))


@bp.post("/objects/<object_name>/rules/new")
@admit(setup("customize"))
def create_rule(object_name: str) -> ResponseReturnValue:
    """Publish a new rule, or show its plan."""
    return _save(Part.of(object_name, "validation_rule", "rules"))


@bp.post("/objects/<object_name>/rules/<name>")
@admit(setup("customize"))
def change_rule(object_name: str, name: str) -> ResponseReturnValue:
    """Publish a change of a rule, or show its plan."""
    return _save(Part.of(object_name, "validation_rule", "rules", name))


@bp.post("/objects/<object_name>/rules/<name>/remove")
@admit(setup("customize"))
def remove_rule(object_name: str, name: str) -> ResponseReturnValue:
    """Remove a rule."""
    return Part.of(object_name, "validation_rule", "rules", name).remove()


def _save(part: Part) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    put(document, "error_when", form.value("error_when").strip())
    put(document, "at", form.value("at"))
    put(document, "message", label_of(form.label("message"), document.get("message")))
    put(document, "record_types", form.values("record_types"))
    if "examples" in typed:
        put(document, "examples", json_of(form.value("examples")))
    document["active"] = form.ticked("active")
    places = places_of_head() | {
        "/error_when": Control(name="error_when", label=_("Error when")),
        "/at": Control(name="at", label=_("At the field")),
        "/message": Control(name=f"message-{current.language}", label=_("Message")),
        "/record_types": Control(name="record_types", label=_("Record types")),
        "/examples": Control(name="examples", label=_("Examples")),
    }

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Rule published"), again)


def _form(part: Part, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    definition = part.definition
    return page(
        "setup/rule.html",
        status=status,
        part=part,
        definition=definition,
        tabs=tabs_of(definition, "rules"),
        form=form,
        fields_to_choose=[(each.name, label(each)) for each in definition.fields.values()],
        record_types=[(each.name, label(each)) for each in current.snapshot.all("record_type", definition.name)],
    )
