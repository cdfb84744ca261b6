"""One record: its page, its forms, deleting, restoring, handing over.

Here: the views. Not here: what stands on the page (`record_pages.py`), inputs (`forms.py`), several records at once
(`several.py`), any rule: the save decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.errors import Conflict, NotAllowed, NotVisible, Problem, Refused
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.records import draft as drafts
from fieldstone.records.changes import Change
from fieldstone.records.draft import Draft
from fieldstone.records.gate.access import EDIT
from fieldstone.records.opening import open_for_writing
from fieldstone.web import forms, layouts, record_pages, typed_forms
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.forms import RecordForm
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import fragment, page, redirect_after
from fieldstone.web.shell import plural, toast
from fieldstone.web.shown import with_names

bp = Blueprint("records", __name__)


@bp.get("/o/<object_name>/<record_id>")
@admit(SIGNED_IN)
def show(object_name: str, record_id: str) -> ResponseReturnValue:
    """The page of one record, with one of its tabs open."""
    shown = record_pages.read(object_name, record_id, request.args.get("tab"))
    return page("record/page.html", block="tab", shown=shown)


# ---------------------------------------------------------------------------------------------------------------- create


@bp.get("/o/<object_name>/new")
@admit(SIGNED_IN)
def new(object_name: str) -> ResponseReturnValue:
    """The create form: defaults filled in, values set by the link (`set.stage=won`) or by what was typed before a login."""
    definition = current.object(object_name)
    if not current.rights.can(definition.name, "create"):
        raise NotAllowed(f"{definition.name}.create")
    sent = typed_forms.kept(current.transaction, current.principal.user_id or "", request.args.get("typed"))
    kind = _record_type(definition, (sent or request.args).get("record_type"))
    if kind is None and "record_type" not in request.args and len(types := record_types(definition)) > 1:
        return page(
            "record/type.html",
            definition=definition,
            types=types,
            record=None,
            form_url=f"/o/{definition.name}/new",
            query=request.query_string.decode(),
        )
    sent = forms.without_untouched(definition, sent) if sent is not None else None
    values = forms.read(definition, sent) if sent is not None else _set_by_link(definition)
    form = form_of(definition, None, values, record_type=kind, typed=sent, number=new_id())
    return page("record/form.html", block="form", form=form, cancel=_back_from_form(definition, None))


@bp.post("/o/<object_name>/new")
@admit(SIGNED_IN)
def create(object_name: str) -> ResponseReturnValue:
    """Save a new record, or show the form again with what to put right. A form sent twice makes one record."""
    definition = current.object(object_name)
    principal, number, kind = current.principal, request.form.get("form_number"), request.form.get("record_type") or None
    sent = forms.without_untouched(definition, request.form)
    values = forms.read(definition, sent)
    made, cloned = typed_forms.sent_before(current.transaction, principal.user_id or "", number), "clone" in request.form
    if made is None:
        layout = layouts.layout_for(current.snapshot, definition, principal, kind)
        options: dict[str, object] = {"layout": layout.name} if layout.name != layouts.GENERATED else {}
        options |= {"clone": True} if cloned else {}
        change = Change(object=definition.name, action="create", values=values, given="form", record_type=kind, options=options)
        try:
            made = create_once(change, number)
        except Refused as refused:
            form = form_of(
                definition,
                None,
                values,
                record_type=kind,
                typed=sent,
                number=number,
                problems=refused.problems,
                clone=cloned,
            )
            return page("record/form.html", block="form", status=422, form=form, cancel=_back_from_form(definition, None))
        toast(_("%(object)s created", object=label(definition)))
    again = f"/o/{definition.name}/new" + (f"?record_type={kind}" if kind else "")
    return redirect_after(again if "again" in request.form else f"/o/{definition.name}/{made}")


def create_once(change: Change, number: str | None) -> str:
    """Save a new record together with the number of its form, and return its id."""
    principal, org = current.principal, current.org
    current.close()

    def work(transaction: Transaction) -> str:
        snapshot, acting = open_for_writing(transaction, org.holder, principal)
        (outcome,) = org.records.save_in(transaction, snapshot, acting, (change,), channel="web")
        assert outcome.id is not None
        typed_forms.note_sent(transaction, principal.user_id or "", number, outcome.id)
        return outcome.id

    try:
        return retrying(org.engine, work)
    except IntegrityError:  # the same form was sent a moment before
        made = typed_forms.sent_before(current.transaction, principal.user_id or "", number)
        if made is None:
            raise
        return made


def record_types(definition: ObjectDef) -> list[RecordTypeDef]:
    """Return the record types one may choose from for a new record."""
    found = [each for each in current.snapshot.all("record_type", definition.name) if isinstance(each, RecordTypeDef) and each.active]
    return sorted(found, key=lambda each: (each.order, each.name))


def _record_type(definition: ObjectDef, asked: str | None) -> str | None:
    """Return the record type asked for if it is one, else the only one there is, else None."""
    types = record_types(definition)
    if any(each.name == asked for each in types):
        return asked
    return types[0].name if len(types) == 1 else None


def _set_by_link(definition: ObjectDef) -> dict[str, Any]:
    """Return the values that a link sets, such as the parent of a related list's new record."""
    given = {key[4:]: value for key, value in request.args.items() if key.startswith("set.")}
    editable = current.rights.editable(definition.name)
    return {name: value for name, value in given.items() if name in editable}


def _back_from_form(definition: ObjectDef, record_id: str | None) -> str:
    """Return where Cancel leads: the record, or for a new one the record it belongs to, or the list."""
    if record_id is not None:
        return f"/o/{definition.name}/{record_id}"
    for key, value in request.args.items():
        found = definition.field(key.removeprefix("set."))
        if key.startswith("set.") and found is not None and found.type in LOOKUPS and found.to is not None:
            return f"/o/{found.to}/{value}"
    return f"/o/{definition.name}"


# ------------------------------------------------------------------------------------------------------------------ edit


@bp.get("/o/<object_name>/<record_id>/edit")
@admit(SIGNED_IN)
def edit(object_name: str, record_id: str) -> ResponseReturnValue:
    """The edit form of one record."""
    definition = current.object(object_name)
    record = current.gate.get(definition.name, record_id)
    require_editable(definition, record_id)
    sent = typed_forms.kept(current.transaction, current.principal.user_id or "", request.args.get("typed"))
    values = forms.read(definition, sent) if sent is not None else _set_by_link(definition)
    kind = _type_after(definition, record, (sent or request.args).get("record_type"))
    form = form_of(definition, record, values, record_type=kind, typed=sent)
    if sent is not None:
        form.row_version = forms.row_version(sent)  # what others saved meanwhile is not overwritten
    return page("record/form.html", block="form", form=form, cancel=_back_from_form(definition, record_id))


def require_editable(definition: ObjectDef, record_id: str) -> None:
    """Raise NotAllowed unless the reader may change this record."""
    if not current.rights.can(definition.name, "edit") or current.gate.access(definition.name, record_id) < EDIT:
        raise NotAllowed(f"{definition.name}.edit")


def _type_after(definition: ObjectDef, record: Mapping[str, Any], asked: str | None) -> str | None:
    """Return the record type that a form gives its record: the one asked for if there is such, else the one it has."""
    return asked if any(each.name == asked for each in record_types(definition)) else record.get("record_type")


@bp.get("/o/<object_name>/<record_id>/type")
@admit(SIGNED_IN)
def change_type(object_name: str, record_id: str) -> ResponseReturnValue:
    """Ask which record type a record is to have; the form of that type saves it, with the values it asks for."""
    definition = current.object(object_name)
    record = current.gate.get(definition.name, record_id)
    require_editable(definition, record_id)
    types = [each for each in record_types(definition) if each.name != record.get("record_type")]
    if not types:
        raise NotVisible
    url = f"/o/{definition.name}/{record_id}"
    return page("record/type.html", definition=definition, types=types, record=record, form_url=f"{url}/edit", query="")


@bp.post("/o/<object_name>/<record_id>/edit")
@admit(SIGNED_IN)
def update(object_name: str, record_id: str) -> ResponseReturnValue:
    """Save the edit form of one record, or show it again with what to put right, or with what somebody else has saved."""
    definition = current.object(object_name)
    record = current.gate.get(definition.name, record_id)
    kind = _type_after(definition, record, request.form.get("record_type"))
    layout = layouts.layout_for(current.snapshot, definition, current.principal, kind)
    values = forms.read(definition, request.form)
    change = Change(
        object=definition.name,
        action="update",
        id=record_id,
        values=values,
        given="form",
        record_type=kind if kind != record.get("record_type") else None,
        row_version=forms.row_version(request.form),
        options={"layout": layout.name} if layout.name != layouts.GENERATED else {},
    )
    try:
        save_changes(change)
    except Conflict as conflict:
        record = current.gate.get(definition.name, record_id)
        differing = forms.differences(definition, record, values, conflict)
        if not differing:  # the same form was sent twice, or somebody else typed the same
            return redirect_after(f"/o/{definition.name}/{record_id}")
        form = form_of(definition, record, values, record_type=kind, typed=request.form)
        form.conflicts = differing
        return page("record/form.html", block="form", status=409, form=form, cancel=_back_from_form(definition, record_id))
    except Refused as refused:
        record = current.gate.get(definition.name, record_id)
        form = form_of(definition, record, values, record_type=kind, typed=request.form, problems=refused.problems)
        form.row_version = change.row_version
        return page("record/form.html", block="form", status=422, form=form, cancel=_back_from_form(definition, record_id))
    toast(_("%(object)s saved", object=label(definition)))
    return redirect_after(f"/o/{definition.name}/{record_id}")


def save_changes(*changes: Change) -> None:
    """Save changes as the person who asks, all or none."""
    principal = current.principal
    current.close()
    current.org.records.save(principal, changes, channel="web")


@bp.post("/o/<object_name>/draft")
@admit(SIGNED_IN)
def react(object_name: str) -> ResponseReturnValue:
    """Answer a changed field: the same form with what its defaults, formulas and conditions now come to. Writes nothing."""
    definition = current.object(object_name)
    record_id, kind = request.args.get("record"), request.form.get("record_type") or None
    # The draft reads the record itself, if its reader may see it; of the form these are what it was.
    record = {"id": record_id, "row_version": forms.row_version(request.form)} if record_id else None
    sent = forms.without_untouched(definition, request.form)
    number, cloned = request.form.get("form_number"), "clone" in request.form
    form = form_of(definition, record, forms.read(definition, sent), record_type=kind, typed=sent, number=number, clone=cloned)
    form.typed = False
    return fragment("record/form.html", "form", form=form, cancel=_back_from_form(definition, record_id))


def draft_of(
    definition: ObjectDef, record: Mapping[str, Any] | None, values: Mapping[str, Any], record_type: str | None, *, clone: bool = False
) -> Draft:
    """Return the draft of a record, or of a new one, with these values over it and the conditions of its layout.

    What was typed into a field that is hidden or frozen by now counts no more: nobody can send it again.
    """
    layout = layouts.layout_for(current.snapshot, definition, current.principal, record_type)

    def drafted(given: Mapping[str, Any]) -> Draft:
        return drafts.draft(
            current.gate,
            definition.name,
            record["id"] if record is not None else None,
            given,
            "form",
            record_type=record_type,
            layout_name=layout.name if layout.name != layouts.GENERATED else None,
            clone=clone,
        )

    found = drafted(values)
    if found.idle:
        before, found = found, drafted({name: value for name, value in values.items() if name not in found.idle})
        found = replace(found, states={**found.states, **{name: before.states[name] for name in before.idle}})
    return replace(found, values=with_names([dict(found.values)])[0])


def form_of(
    definition: ObjectDef,
    record: Mapping[str, Any] | None,
    values: Mapping[str, Any],
    *,
    record_type: str | None = None,
    typed: MultiDict[str, str] | None = None,
    number: str | None = None,
    problems: tuple[Problem, ...] = (),
    clone: bool = False,
) -> RecordForm:
    """Return the form for a record, or a new one, with these values in it."""
    form = forms.build(
        definition,
        layouts.layout_for(current.snapshot, definition, current.principal, record_type),
        draft_of(definition, record, values, record_type, clone=clone),
        record=record,
        typed=typed,
        problems=problems,
        record_type=record_type,
        row_version=record["row_version"] if record is not None else None,
        number=number,
    )
    form.clone = clone
    return form


# ----------------------------------------------------------------------------------------------- clone, delete, hand over


@bp.get("/o/<object_name>/<record_id>/clone")
@admit(SIGNED_IN)
def clone(object_name: str, record_id: str) -> ResponseReturnValue:
    """The create form with the readable values of another record."""
    definition = current.object(object_name)
    if not current.rights.can(definition.name, "create"):
        raise NotAllowed(f"{definition.name}.create")
    record = current.gate.get(definition.name, record_id)
    copied = forms.copyable(definition, record)
    form = form_of(definition, None, copied, record_type=record.get("record_type"), number=new_id(), clone=True)
    return page("record/form.html", form=form, cancel=_back_from_form(definition, record_id))


@bp.post("/o/<object_name>/<record_id>/delete")
@admit(SIGNED_IN)
def delete(object_name: str, record_id: str) -> ResponseReturnValue:
    """Put a record into the recycle bin; the next page offers to undo it."""
    definition = current.object(object_name)
    save_changes(Change(object=definition.name, action="delete", id=record_id))
    toast(_("%(object)s deleted", object=label(definition)), undo=f"/o/{definition.name}/{record_id}/restore")
    return redirect_after(f"/o/{definition.name}")


@bp.post("/o/<object_name>/<record_id>/restore")
@admit(SIGNED_IN)
def restore(object_name: str, record_id: str) -> ResponseReturnValue:
    """Take a record out of the recycle bin."""
    definition = current.object(object_name)
    save_changes(Change(object=definition.name, action="restore", id=record_id))
    target = f"/o/{definition.name}/{record_id}"
    if "X-Requested-With" in request.headers:
        return {"location": target}
    toast(_("%(object)s restored", object=label(definition)))
    return redirect_after(target)


@bp.get("/o/<object_name>/<record_id>/owner")
@admit(SIGNED_IN)
def owner(object_name: str, record_id: str) -> ResponseReturnValue:
    """Ask who is to own a record."""
    definition = current.object(object_name)
    record = current.gate.get(definition.name, record_id, select=("id",))
    if definition.owned_by == "none":
        raise NotVisible
    return page("record/owner.html", definition=definition, ids=[record["id"]], number=1, state={}, problems=(), plural=plural(definition))


@bp.get("/o/<object_name>/<record_id>/set")
@admit(SIGNED_IN)
def asked_again(object_name: str, record_id: str) -> ResponseReturnValue:
    """Lead to the record: the address stays when a pressed stage is refused, and people reload it, share it or come back to it."""
    return redirect_after(f"/o/{current.object(object_name).name}/{record_id}")


@bp.post("/o/<object_name>/<record_id>/set")
@admit(SIGNED_IN)
def set_value(object_name: str, record_id: str) -> ResponseReturnValue:
    """Save one field of a record, such as a stage pressed on the path; refused, the form asks for what is missing."""
    definition = current.object(object_name)
    values = forms.read(definition, request.form)
    change = Change(
        object=definition.name,
        action="update",
        id=record_id,
        values=values,
        given="form",
        row_version=forms.row_version(request.form),
    )
    try:
        save_changes(change)
    except Refused as refused:
        record = current.gate.get(definition.name, record_id)
        typed = MultiDict(values)
        form = form_of(definition, record, values, record_type=record.get("record_type"), typed=typed, problems=refused.problems)
        return page("record/form.html", status=422, form=form, cancel=_back_from_form(definition, record_id))
    toast(_("%(object)s saved", object=label(definition)))
    return redirect_after(f"/o/{definition.name}/{record_id}")
