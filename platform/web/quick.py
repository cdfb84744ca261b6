"""The small form of a new record, in a dialog over another form: what a lookup's "create new" opens.

Here: which fields it asks for, its answers. Not here: the whole form (`records.py`), the dialog (`static/js/lookup.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from fieldstone.db.ids import new_id
from fieldstone.errors import NotAllowed, Problem, Refused
from fieldstone.metadata.definitions.layouts import ItemDef, PageLayoutDef, SectionDef, TabDef
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.records.changes import Change
from fieldstone.records.steps.input import default_record_type
from fieldstone.web import forms, layouts, typed_forms
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.pages import fragment
from fieldstone.web.records import create_once, draft_of
from fieldstone.web.shown import titles

bp = Blueprint("quick", __name__)

FIELDS = 6  # of the form, unless more are required


@bp.get("/o/<object_name>/quick")
@admit(SIGNED_IN)
def new(object_name: str) -> ResponseReturnValue:
    """The small form, with the text that was typed into the lookup as the name."""
    definition = _creatable(object_name)
    typed = request.args.get("name", "").strip()
    named = definition.fields[definition.name_field].type == "text"
    return _form(definition, {definition.name_field: typed} if typed and named else {}, number=new_id())


@bp.post("/o/<object_name>/quick")
@admit(SIGNED_IN)
def create(object_name: str) -> ResponseReturnValue:
    """Save the record and answer with its id and name as JSON, or with the form again and what to put right."""
    definition = _creatable(object_name)
    sent, number = forms.without_untouched(definition, request.form), request.form.get("form_number")
    values = forms.read(definition, sent)
    made = typed_forms.sent_before(current.transaction, current.principal.user_id or "", number)
    kind = default_record_type(current.snapshot, definition)
    layout = layouts.layout_for(current.snapshot, definition, current.principal, kind)
    options = {"layout": layout.name} if layout.name != layouts.GENERATED else {}
    change = Change(object=definition.name, action="create", values=values, given="form", record_type=kind, options=options)
    try:
        made = made or create_once(change, number)
    except Refused as refused:
        return _form(definition, values, number=number, sent=sent, problems=refused.problems)
    named = current.gate.names(definition.name, [made]).get(made)
    return jsonify(id=made, text=titles(definition, {made: named.name})[made] if named is not None else "")


@bp.post("/o/<object_name>/quick/draft")
@admit(SIGNED_IN)
def react(object_name: str) -> ResponseReturnValue:
    """Answer a changed field: the same form with what its defaults and conditions now come to. Writes nothing."""
    definition = _creatable(object_name)
    sent = forms.without_untouched(definition, request.form)
    return _form(definition, forms.read(definition, sent), number=request.form.get("form_number"), sent=sent)


def _creatable(object_name: str) -> ObjectDef:
    definition = current.object(object_name)
    if not current.rights.can(definition.name, "create"):
        raise NotAllowed(f"{definition.name}.create")
    return definition


def _form(
    definition: ObjectDef,
    values: Mapping[str, Any],
    *,
    number: str | None,
    sent: MultiDict[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
) -> ResponseReturnValue:
    kind = default_record_type(current.snapshot, definition)
    form = forms.build(
        definition,
        _small(layouts.layout_for(current.snapshot, definition, current.principal, kind), definition),
        draft_of(definition, None, values, kind),
        typed=sent,
        problems=problems,
        number=number,
    )
    for each in form.fields:
        each.form = f"q-{definition.name}"
    return fragment("record/quick.html", "quick", status=422 if problems else 200, form=form)


def _small(layout: PageLayoutDef, definition: ObjectDef) -> PageLayoutDef:
    """Return the layout cut down to the name, what is or may be required, and the first fields of the rest, in the layout's order."""
    every = [item for tab in layout.tabs for section in tab.sections for item in section.items if item.field in definition.fields]
    typed = [item for item in every if definition.fields[str(item.field)].type not in forms.READ_ONLY_ON_FORMS]
    needed = [name for name, each in definition.fields.items() if name == definition.name_field or each.required]
    kept = [item for item in typed if item.field in needed or item.required_when is not None]
    kept += [item for item in typed if item not in kept][: max(FIELDS - len(kept), 0)]
    there = {item.field for item in every}
    missing = [ItemDef(field=name) for name in needed if name not in there]
    items = (*missing, *(item for item in typed if item in kept))
    section = SectionDef(id="fields", items=items)
    tabs = (TabDef(id="details", sections=(section,)),)
    return PageLayoutDef(name=layout.name, label=layout.label, object=definition.name, tabs=tabs)
