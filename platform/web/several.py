"""Several records of a list at once: those ticked, or all that the list shows; deleting, restoring, handing over.

Here: which records are meant, saving them in sets. Not here: one record (`records.py`), the list itself (`lists.py`), any rule:
the save decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.i18n import formats
from fieldstone.limits import PAGE_RECORDS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.records.changes import Change, chunks
from fieldstone.web import conditions, forms, lists
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.lists import MOST_OF_FILTER, Listing
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.shell import plural, toast

bp = Blueprint("several", __name__)

SET = 200  # records of one save: all of a set or none
UNDONE_BY_TOAST = 50  # ids that the cookie of a toast can carry; more are in the recycle bin


@bp.post("/o/<object_name>/delete")
@admit(SIGNED_IN)
def delete(object_name: str) -> ResponseReturnValue:
    """Put the records meant into the recycle bin."""
    definition = current.object(object_name)
    shown = _listing(definition)
    ids = _meant(shown)
    done = _save([Change(object=definition.name, action="delete", id=each) for each in ids])
    text = ngettext("%(num)d record deleted", "%(num)d records deleted", done)
    if done <= UNDONE_BY_TOAST:
        toast(text, undo=f"/o/{definition.name}/restore?ids={','.join(ids[:done])}")
    elif done:
        toast(f"{text}. {_('They are in the recycle bin.')}")
    return redirect_after(shown.url())


@bp.post("/o/<object_name>/restore")
@admit(SIGNED_IN)
def restore(object_name: str) -> ResponseReturnValue:
    """Take several records out of the recycle bin."""
    definition = current.object(object_name)
    ids = request.args.get("ids", "").split(",")[:SET]
    _save([Change(object=definition.name, action="restore", id=each) for each in ids])
    return {"location": f"/o/{definition.name}"}


@bp.post("/o/<object_name>/owner")
@admit(SIGNED_IN)
def owner(object_name: str) -> ResponseReturnValue:
    """Ask who is to own the records meant; with an answer, hand them over."""
    definition = current.object(object_name)
    shown = _listing(definition)
    ids = _meant(shown)
    problems: tuple[Problem, ...] = ()
    if "owner" in request.form:
        new_owner = forms.read(definition, MultiDict({key: request.form.get(key, "") for key in ("owner", "owner__text")}))["owner"]
        values = {"owner": new_owner}
        try:
            if not new_owner:
                raise Refused(Problem(code="required", field="owner", params={"object": definition.name}))
            done = _save([Change(object=definition.name, action="transfer", id=each, values=values, given="form") for each in ids])
        except Refused as refused:
            problems = refused.problems
        else:
            if done:
                toast(ngettext("%(num)d record handed over", "%(num)d records handed over", done))
            return redirect_after(f"/o/{definition.name}/{ids[0]}" if len(ids) == 1 and _visible(definition, ids[0]) else shown.url())
    return page(
        "record/owner.html",
        status=422 if problems else 200,
        definition=definition,
        ids=[] if "select_all" in request.form else ids,
        number=len(ids),
        state=shown.state if "select_all" in request.form else {},
        problems=problems,
        plural=plural(definition),
    )


def _visible(definition: ObjectDef, record_id: str) -> bool:
    """Tell whether the reader still sees a record that now belongs to somebody else."""
    try:
        current.gate.get(definition.name, record_id, select=("id",))
    except NotVisible:
        return False
    return True


def _listing(definition: ObjectDef) -> Listing:
    """Return the list that the form was on: its state travels in the form."""
    sent = request.form.to_dict()
    return lists.listing(
        definition.name, {key: value for key, value in sent.items() if key in lists.OWN_KEYS or conditions.KEY.fullmatch(key)}
    )


def _meant(shown: Listing) -> list[str]:
    """Return the ids of the ticked records, or of all that the list shows. Raises Refused for none or too many."""
    if "select_all" in request.form:
        return _all_of(shown)
    ids = list(dict.fromkeys(request.form.getlist("select")))
    if not ids:
        raise Refused(Problem(code="nothing_selected"))
    if len(ids) > SET:
        raise Refused(Problem(code="limit_exceeded", params={"limit": "selected_records", "value": SET}))
    return ids


def _all_of(shown: Listing) -> list[str]:
    ids: list[str] = []
    cursor: str | None = None
    while len(ids) <= MOST_OF_FILTER:
        read = current.gate.read(shown.query(select=("id",), limit=PAGE_RECORDS, cursor=cursor))
        ids += [record["id"] for record in read.records]
        cursor = read.next
        if cursor is None:
            return ids
    raise Refused(Problem(code="limit_exceeded", params={"limit": "selected_records", "value": MOST_OF_FILTER}))


def _save(changes: Sequence[Change]) -> int:
    """Save in sets, each all or none, and return how many records were saved.

    Raises Refused when the first set is refused; a later one ends the work, and the next page says what was done and why no more.
    """
    principal, done = current.principal, 0
    current.close()
    for part in chunks(changes, SET):
        try:
            current.org.records.save(principal, part, channel="web")
        except Refused as refused:
            if not done:
                raise
            why = " ".join(dict.fromkeys(word(each, part[0].object) for each in refused.problems[:3]))
            counted: dict[str, Any] = {
                "done": formats.number(done, current.language),
                "all": formats.number(len(changes), current.language),
            }
            toast(_("Only %(done)s of %(all)s records: then it was refused. %(why)s", why=why, **counted), kind="bad")
            break
        done += len(part)
    return done
