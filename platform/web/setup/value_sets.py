"""Value sets: picklist values that several fields share.

Here: the list, one set with its values. Not here: values of one field alone (`fields.py`), their rows on a form (`field_documents.py`).
A value that is published stays: records hold it. It is switched off instead, and is offered no more.
"""

from __future__ import annotations

from typing import cast

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.value_sets import ValueSetDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import owner_words
from fieldstone.web.setup.field_documents import rows_of, values_of, values_to_form
from fieldstone.web.setup.org_parts import OrgPart
from fieldstone.web.setup.parts import head_to_form, places_of_head
from fieldstone.web.setup.typed import Control, TypedForm, typed_before, with_problems
from fieldstone.web.setup.where_used import uses

LIST = "/setup/value-sets"


@bp.get("/value-sets")
@admit(setup("customize"))
def value_sets() -> ResponseReturnValue:
    """All value sets, with how many fields use them."""
    found = sorted((cast(ValueSetDef, each) for each in current.snapshot.all("value_set")), key=lambda each: label(each).casefold())
    shared = {each.name: sum(1 for use in uses("value_set", each.name) for _pointer in use.pointers) for each in found}
    return page("setup/value_sets.html", found=found, shared=shared, owner_words=owner_words)


@bp.get("/value-sets/new")
@admit(setup("customize"))
def new_value_set() -> ResponseReturnValue:
    """The form of a new value set."""
    return _form(OrgPart.of("value_set", LIST), TypedForm(typed=typed_before(MultiDict())))


@bp.get("/value-sets/<name>")
@admit(setup("customize"))
def show_value_set(name: str) -> ResponseReturnValue:
    """One value set."""
    part = OrgPart.of("value_set", LIST, name)
    document = part.document()
    typed = head_to_form(document)
    values_to_form(typed, document["values"])
    return _form(part, TypedForm(typed=typed_before(typed)))


@bp.post("/value-sets/new")
@admit(setup("customize"))
def create_value_set() -> ResponseReturnValue:
    """Publish a new value set, or show its plan."""
    return _save(OrgPart.of("value_set", LIST))


@bp.post("/value-sets/<name>")
@admit(setup("customize"))
def change_value_set(name: str) -> ResponseReturnValue:
    """Publish a changed value set, or show its plan."""
    return _save(OrgPart.of("value_set", LIST, name))


@bp.post("/value-sets/<name>/remove")
@admit(setup("customize"))
def remove_value_set(name: str) -> ResponseReturnValue:
    """Remove a value set that no field uses."""
    return OrgPart.of("value_set", LIST, name).remove()


def _save(part: OrgPart) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    document["values"] = values_of(form, document.get("values", ()))
    places = places_of_head() | {"/values": Control(name="values_new", label=_("Values"))}
    for number, value in enumerate(document["values"]):
        at = next((row.number for row in rows_of(typed) if row.name == value["api_name"]), None)
        name = f"value.{at}.name" if at is not None else "values_new"
        places[f"/values/{number}"] = Control(name=name, label=_("Value %(number)s", number=number + 1))

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Value set published"), again)


def _form(part: OrgPart, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "setup/value_set.html",
        status=status,
        part=part,
        form=form,
        rows=rows_of(form.typed),
        defaults_chosen=frozenset(form.typed.getlist("value_default")),
        used=uses("value_set", part.published.name) if part.published is not None else [],
    )
