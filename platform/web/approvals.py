"""Approvals: what waits for the person, deciding, handing on, submitting and taking back.

Here: the inbox, one task with what it rests on, the panel of a record page, the commands' forms. Not here: who may decide what
(`workflow/approvals`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, request
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.records.query import Reference
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import text_of
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.shell import toast
from fieldstone.web.shown import titles
from fieldstone.workflow.approvals.panel import OpenTask, Panel
from fieldstone.workflow.approvals.states import Verdict

bp = Blueprint("approvals", __name__)

WAITING = 50
FACTS_IN_A_ROW = 5


@bp.record
def _install(state: BlueprintSetupState) -> None:
    """Give templates the words of approvals."""
    state.app.jinja_env.globals.update(
        approval_facts=facts, approval_state=state_words, approval_steps=steps_of, approval_event=event_words
    )


@bp.get("/approvals")
@admit(SIGNED_IN)
def inbox() -> ResponseReturnValue:
    """What the person may decide now, the oldest first."""
    return page("approvals/inbox.html", block="tasks", tasks=waiting_tasks(limit=WAITING), problems=())


def waiting_tasks(limit: int) -> Sequence[OpenTask]:
    """Return the decisions that wait for the person."""
    return _titled(current.org.panels.open_tasks(current.principal, limit=limit))


def _titled(tasks: Sequence[OpenTask]) -> list[OpenTask]:
    """Return tasks with their records called as other pages call them; one statement for each object with records that have no name."""
    names: dict[str, dict[str, str | None]] = {}
    for task in tasks:
        names.setdefault(task.object, {})[task.record] = task.record_name
    called = {record: title for name, some in names.items() for record, title in titles(current.snapshot.objects[name], some).items()}
    return [replace(task, record_name=called[task.record]) for task in tasks]


@bp.get("/approvals/<instance_id>")
@admit(SIGNED_IN)
def instance(instance_id: str) -> ResponseReturnValue:
    """Where a notice of an approval leads: to the person's own decision while it is open, else to the record."""
    view = current.org.panels.instance(current.principal, instance_id)
    if view.my_task is not None:
        return redirect_after(f"/approvals/tasks/{view.my_task}")
    return redirect_after(f"/o/{view.instance.object}/{view.instance.record}")


@bp.get("/approvals/tasks/<task_id>")
@admit(SIGNED_IN)
def show(task_id: str) -> ResponseReturnValue:
    """One decision with all that it rests on."""
    return _task_page(task_id)


def _task_page(task_id: str, *, status: int = 200, problems: tuple[Problem, ...] = (), comment: str = "") -> ResponseReturnValue:
    (task,) = _titled([current.org.panels.task(current.principal, task_id)])
    panel = None
    if task.object in current.rights.visible_objects:
        try:
            panel = current.org.panels.panel(current.principal, task.object, task.record)
        except NotVisible:
            panel = None  # a task shows its evidence, not the record
    return page("approvals/task.html", status=status, task=task, panel=panel, children=children, problems=problems, comment=comment)


@bp.post("/approvals/tasks/<task_id>/decide")
@admit(SIGNED_IN)
def decide(task_id: str) -> ResponseReturnValue:
    """Approve or reject on the evidence that was shown; refused, the page is shown again with the comment in it."""
    verdict = Verdict.APPROVED if request.form.get("verdict") == "approve" else Verdict.REJECTED
    comment, principal = request.form.get("comment", "").strip(), current.principal
    current.close()
    try:
        current.org.approvals.decide(
            principal, task_id, verdict, evidence_hash=request.form.get("evidence", ""), comment=comment or None, channel="web"
        )
    except Refused as refused:
        return _refused(task_id, refused, comment)
    toast(_("Approved") if verdict is Verdict.APPROVED else _("Rejected"))
    return redirect_after(_after())


def _refused(task_id: str, refused: Refused, comment: str) -> ResponseReturnValue:
    """Show the task again with why the command was refused; one that is closed by now is told on the inbox."""
    try:
        return _task_page(task_id, status=422, problems=refused.problems, comment=comment)
    except NotVisible:
        return page("approvals/inbox.html", status=422, tasks=waiting_tasks(limit=WAITING), problems=refused.problems)


def _after() -> str:
    """Where to go after a command: back to the record it was given on, else to the inbox."""
    back = request.form.get("back", "")
    return back if back.startswith("/o/") else "/approvals"


@bp.post("/approvals/tasks/<task_id>/transfer")
@admit(SIGNED_IN)
def transfer(task_id: str) -> ResponseReturnValue:
    """Hand a task to another person."""
    comment, principal = request.form.get("comment", "").strip(), current.principal
    current.close()
    try:
        current.org.approvals.transfer(principal, task_id, request.form.get("to", ""), comment=comment or None)
    except Refused as refused:
        return _refused(task_id, refused, comment)
    toast(_("Handed on"))
    return redirect_after(_after())


@bp.post("/o/<object_name>/<record_id>/submit")
@admit(SIGNED_IN)
def submit(object_name: str, record_id: str) -> ResponseReturnValue:
    """Submit a record for approval."""
    definition, principal = current.object(object_name), current.principal
    current.close()
    current.org.approvals.submit(
        principal,
        definition.name,
        record_id,
        process=request.form.get("process") or None,
        comment=request.form.get("comment", "").strip() or None,
    )
    toast(_("Submitted for approval"))
    return redirect_after(f"/o/{definition.name}/{record_id}")


@bp.post("/approvals/instances/<instance_id>/recall")
@admit(SIGNED_IN)
def recall(instance_id: str) -> ResponseReturnValue:
    """Take a submission back."""
    principal = current.principal
    current.close()
    done = current.org.approvals.recall(principal, instance_id, comment=request.form.get("comment", "").strip() or None)
    toast(_("Recalled"))
    return redirect_after(f"/o/{done.object}/{done.record}")


@bp.post("/approvals/instances/<instance_id>/resume")
@admit(SIGNED_IN)
def resume(instance_id: str) -> ResponseReturnValue:
    """Look for approvers again at a node where nobody was found."""
    principal = current.principal
    current.close()
    done = current.org.approvals.resume(principal, instance_id, comment=request.form.get("comment", "").strip())
    toast(_("Resumed"))
    return redirect_after(f"/o/{done.object}/{done.record}")


def panel_of(definition: ObjectDef, record: Mapping[str, Any]) -> Panel | None:
    """Return the approvals of a record; None where there is nothing to show and nothing to submit it to."""
    if "approvals" not in definition.features or not _ever_approved(definition):
        return None
    panel = current.org.panels.panel(current.principal, definition.name, record["id"])
    return panel if panel.instances or panel.processes else None


def _ever_approved(definition: ObjectDef) -> bool:
    return bool(current.snapshot.all("approval_process", definition.name))


def facts(object_name: str, evidence: Mapping[str, Any], limit: int | None = FACTS_IN_A_ROW) -> list[tuple[FieldDef, Any]]:
    """Return the evidence fields of a task with their values, as their types show them; all of them without `limit`."""
    definition = current.snapshot.objects[object_name]
    found = []
    for name, value in evidence.get("fields", {}).items():
        field = definition.field(name)
        if field is not None:
            found.append((field, _value(field, value)))
    return found[:limit] if limit is not None else found


def children(evidence: Mapping[str, Any]) -> list[tuple[ObjectDef, list[FieldDef], list[Mapping[str, Any]]]]:
    """Return the child records that a task rests on: the object, the fields with any value, the rows."""
    found: list[tuple[ObjectDef, list[FieldDef], list[Mapping[str, Any]]]] = []
    for relation, rows in evidence.get("children", {}).items():
        child = current.snapshot.objects.get(relation.partition(".")[0])
        if child is None or not rows:
            continue
        fields = [each for each in child.fields.values() if any(row.get(each.name) is not None for row in rows)]
        link = relation.partition(".")[2]
        shown = [each for each in fields if each.name != link]
        found.append((child, shown, [{each.name: _value(each, row.get(each.name)) for each in shown} for row in rows]))
    return found


def _value(field: FieldDef, value: Any) -> Any:
    """Return a value of the evidence, which is JSON, as its field's template wants it."""
    match value:
        case None:
            return None
        case {"id": found, "name": name}:
            return Reference(found, name, field.to)
        case list():
            return tuple(value)
    try:
        return FIELD_TYPES[field.result_type].from_json(field, value)
    except BadValue:
        return value


def node_words(mode: str, count: int) -> str:
    """Return how many of a node's people have to agree."""
    if count < 2:
        return ""
    return str(_("everyone must agree") if mode == "all" else _("one of them decides"))


def event_words(kind: str) -> str:
    """Return what an event of an approval's history says of its actor."""
    words = {
        "handed_over": _("passed a decision on: its holder is no longer active"),
        "withdrawn": _("did without a decision: its holder is no longer active"),
        "branched": _("chose the way on"),
        "acted": _("changed the record"),
        "told": _("told people"),
        "empty": _("found nobody to decide"),
        "submitted": _("submitted"),
        "approved": _("approved"),
        "rejected": _("rejected"),
        "recalled": _("took it back"),
        "transferred": _("handed it on"),
        "resumed": _("resumed"),
        "entered": _("asked for a decision"),
        "skipped": _("skipped"),
        "finished": _("finished"),
        "suspended": _("is waiting for a manager of approvals"),
        "record_deleted": _("cancelled: the record was deleted"),
    }
    return str(words.get(kind, kind.replace("_", " ")))


def state_words(state: str) -> tuple[str, str]:
    """Return the state of an approval in words, and its meaning as a colour."""
    words = {
        "running": (_("Waiting for approval"), "warn"),
        "returned": (_("Returned"), "warn"),
        "suspended": (_("Suspended"), "bad"),
        "approved": (_("Approved"), "ok"),
        "rejected": (_("Rejected"), "bad"),
        "recalled": (_("Recalled"), ""),
        "cancelled": (_("Cancelled"), ""),
    }
    return words.get(state, (state, ""))


def steps_of(nodes: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the nodes of an approval for the list of steps: who, in which state, since when, with what comment."""
    marks = {"open": "cur", "approved": "ok", "rejected": "bad", "skipped": "skip", "cancelled": "skip", "returned": "bad"}
    found = []
    for node in nodes:
        names = [seat.name for seat in node.seats if seat.state not in ("transferred", "cancelled")]
        quotes = [f"{seat.name}: {seat.comment}" for seat in node.seats if seat.comment]
        end = {"skipped": _("skipped"), "upcoming": ""}.get(node.state, "")
        note = ", ".join(names)
        how = node_words(node.mode, len(names))
        found.append(
            {
                "label": text_of(node.label) or node.node,
                "note": f"{note} · {how}" if how and note else note,
                "state": marks.get(node.state, ""),
                "end": end,
                "quote": " / ".join(quotes) or None,
            }
        )
    return found
