"""One field of a record edited in its cell of a list: the input for the cell, and saving it.

Here: both answers; the row that comes back has every column anew, since other values may follow from the one typed.
Not here: which columns of a list can be edited (`lists.py`), the form of a whole record (`records.py`), any rule: the save decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Conflict, NotVisible, Problem, Refused
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.records.changes import Change
from fieldstone.web import forms, lists
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.pages import fragment
from fieldstone.web.records import draft_of, require_editable, save_changes
from fieldstone.web.shown import plain, with_failures

bp = Blueprint("cells", __name__)


@bp.get("/o/<object_name>/<record_id>/cell/<field_name>")
@admit(SIGNED_IN)
def edit(object_name: str, record_id: str, field_name: str) -> ResponseReturnValue:
    """The input of one field for its cell; where it cannot be changed now, why not."""
    definition, field = _of(object_name, field_name)
    current.gate.get(definition.name, record_id, select=(field.name,))  # a record one may not see is not there
    require_editable(definition, record_id)
    return _input(definition, field, record_id)


@bp.post("/o/<object_name>/<record_id>/cell/<field_name>")
@admit(SIGNED_IN)
def save(object_name: str, record_id: str, field_name: str) -> ResponseReturnValue:
    """Save the field, and answer with the row of the list that the address's query describes."""
    definition, field = _of(object_name, field_name)
    typed = {name: value for name, value in forms.read(definition, request.form).items() if name == field.name}
    change = Change(
        object=definition.name,
        action="update",
        id=record_id,
        values=typed,
        given="form",
        row_version=forms.row_version(request.form),
    )
    try:
        save_changes(change)
    except Conflict:
        return _input(definition, field, record_id, request.form, conflict=True)
    except Refused as refused:
        return _input(definition, field, record_id, request.form, refused.problems)
    shown = lists.listing(object_name)
    columns = tuple({each.path: None for each in shown.columns})
    (record,) = with_failures(definition, [current.gate.get(definition.name, record_id, select=columns)])
    return fragment("list/page.html", "row", listing=shown, record=record)


def _of(object_name: str, field_name: str) -> tuple[ObjectDef, FieldDef]:
    definition = current.object(object_name)
    field = definition.field(field_name)
    if field is None or not lists.in_cell(definition, field):
        raise NotVisible
    return definition, field


def _input(
    definition: ObjectDef,
    field: FieldDef,
    record_id: str,
    typed: MultiDict[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
    *,
    conflict: bool = False,
) -> ResponseReturnValue:
    record = current.gate.get(definition.name, record_id)
    made = forms.one(definition, field, draft_of(definition, record, {}, record.get("record_type")), record, typed, problems)
    made.errors += [_elsewhere(definition, each) for each in problems if each.field != field.name]
    if conflict:
        now = plain(field, record.get(field.name)) or _("empty")
        made.errors.append(
            _("Somebody has saved this record meanwhile; here it says: %(value)s. Save again to put yours over it.", value=now)
        )
    context = {"definition": definition, "record": record, "cell": made, "controlling": _controlling(made, record)}
    return fragment("record/cell.html", "cell", status=409 if conflict else 422 if problems or made.read_only else 200, **context)


def _elsewhere(definition: ObjectDef, problem: Problem) -> str:
    """Say what is wrong in another field of the record, with that field's name."""
    at = definition.field(problem.field or "")
    text = word(problem, definition.name)
    return f"{label(at)}: {text}" if at is not None else text


def _controlling(made: forms.FormField, record: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the field that narrows a picklist with its value, which the form of a cell does not ask for."""
    return (made.controlled_by, record.get(made.controlled_by)) if made.controlled_by is not None else None
