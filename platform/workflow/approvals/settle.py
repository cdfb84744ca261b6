"""Step 16 of a save: approvals that it starts by itself, those that a delete ends, those whose people go.

Here: the step. Not here: submitting (`commands.py`).
Source: spec/workflow.md, section 1, steps 16 and "Delete".
"""

from __future__ import annotations

from fieldstone.errors import Problem, Refused
from fieldstone.metadata.definitions import ApprovalProcessDef, ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.cursor import Cursors
from fieldstone.records.evaluation import Evaluation, fault
from fieldstone.records.save import Factory
from fieldstone.rules import EvaluationError
from fieldstone.workflow.approvals import handover, store
from fieldstone.workflow.approvals.commands import approved_unchanged, cancel_deleted, submit_in
from fieldstone.workflow.approvals.conditions import USE
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.run import Desk, engine_gate
from fieldstone.workflow.automations import before_save

CURSORS = Cursors("of one transaction")  # pages of evidence are turned inside one command; no cursor leaves it


def factory(notices: Notices) -> Factory:
    """Return the factory of the step."""

    def make(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
        if definition.name == "user" and action in ("update", "delete"):
            return lambda batch: _hand_over(batch, notices)
        processes = [each for each in snapshot.all("approval_process", definition.name) if isinstance(each, ApprovalProcessDef)]
        if action == "delete" and processes:
            return lambda batch: _cancel(batch, notices)
        automatic = [each for each in processes if each.active and each.entry.auto_submit]
        if action in ("create", "update") and automatic:
            return lambda batch: _submit(batch, automatic, notices)
        return None

    return make


def _desk(batch: Batch, notices: Notices) -> Desk:
    assert batch.work.save_in is not None
    return Desk(
        tx=batch.tx,
        snapshot=batch.snapshot,
        acting=batch.principal,
        channel=batch.work.channel,
        gate=engine_gate(batch.tx, batch.snapshot, CURSORS),
        save_in=batch.work.save_in,
        notices=notices,
    )


def _cancel(batch: Batch, notices: Notices) -> None:
    cancel_deleted(_desk(batch, notices), [item.id for item in batch.live])


def _hand_over(batch: Batch, notices: Notices) -> None:
    """What waits for people who are no longer there goes to others, when this save has committed."""
    for item in batch.live:
        if batch.action == "delete" or ("active" in item.changed and not item.image.get("active")):
            handover.put(batch.tx, notices.post.outbox, item.id)


def _submit(batch: Batch, automatic: list[ApprovalProcessDef], notices: Notices) -> None:
    """Submit what has come to meet the entry of such a process with this save: once for each real transition."""
    evaluation = Evaluation(batch)
    for item in batch.live:
        for process in sorted(automatic, key=lambda each: (each.priority, each.name)):
            if _came_to_meet(batch, item, process, evaluation):
                known = store.of_record(batch.tx, batch.snapshot, item.id)
                live = any(each.state.live and each.exclusive_group == process.exclusive_group for each in known)
                if not live and not approved_unchanged(engine_gate(batch.tx, batch.snapshot, CURSORS), process, item.id, known):
                    _submit_one(batch, item, process, notices)
                break


def _came_to_meet(batch: Batch, item: Item, process: ApprovalProcessDef, evaluation: Evaluation) -> bool:
    criteria = process.entry.criteria
    if criteria is None:
        return item.is_new
    compiled = batch.snapshot.expression(criteria, batch.object.name, USE)
    try:
        now = evaluation.true(compiled, item)
        before = item.prior is not None and evaluation.true_of(compiled, before_save.prior_of(item))
    except EvaluationError as error:
        raise Refused(fault(f"{process.name}/entry", compiled, error)) from error
    return now and not before


def _submit_one(batch: Batch, item: Item, process: ApprovalProcessDef, notices: Notices) -> None:
    owner = item.image.get("owner")
    submitter = batch.principal.user_id or (owner if isinstance(owner, str) else None)
    if submitter is None:
        raise Refused(Problem(code="no_submitter", params={"object": batch.object.name}))
    identity = "system:auto_submit"
    submit_in(_desk(batch, notices), batch.object.name, item.id, submitter=submitter, process=process.name, identity=identity)
