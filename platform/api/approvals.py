"""Approvals: my work, one instance with its history, and the commands.

Here: `/approvals/…` and the approvals of a record. Not here: who may decide what (`workflow/approvals`).
Source: spec/api.md, section 2; spec/workflow.md, sections 13 to 17.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fieldstone.api import problems
from fieldstone.api.call import NO_BODY, Answer, Call
from fieldstone.api.once import Keep, each_once, once
from fieldstone.api.operations import Param, operation
from fieldstone.errors import FieldstoneError, NotVisible, Refused
from fieldstone.records.changes import Outcome
from fieldstone.records.query import Reference
from fieldstone.workflow.approvals.commands import Approvals
from fieldstone.workflow.approvals.panel import InstanceView, OpenTask
from fieldstone.workflow.approvals.states import Instance, Verdict

READS = "records:read"
WRITES = "records:write"
COMMENT = {"type": "string", "maxLength": 4000}
HASH = {"type": "string", "minLength": 1, "maxLength": 200}
DECIDE = {
    "type": "object",
    "required": ["evidence_hash"],
    "additionalProperties": False,
    "properties": {"evidence_hash": HASH, "comment": COMMENT},
}
TRANSFER = {
    "type": "object",
    "required": ["to"],
    "additionalProperties": False,
    "properties": {"to": {"type": "string", "format": "uuid"}, "comment": COMMENT},
}
COMMENTED = {"type": "object", "additionalProperties": False, "properties": {"comment": COMMENT}}
SUBMIT = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"process": {"type": "string", "minLength": 1, "maxLength": 80}, "comment": COMMENT},
}
DECISION = {
    "type": "object",
    "required": ["task", "verdict", "evidence_hash"],
    "additionalProperties": False,
    "properties": {"task": {"type": "string"}, "verdict": {"enum": ["approve", "reject"]}, "evidence_hash": HASH, "comment": COMMENT},
}
DECISIONS = {
    "type": "object",
    "required": ["decisions"],
    "additionalProperties": False,
    "properties": {"decisions": {"type": "array", "minItems": 1, "maxItems": 50, "items": DECISION}},
}
INSTANCE = {"type": "object", "required": ["id", "state"]}
TASKS = {"type": "object", "required": ["tasks"], "properties": {"tasks": {"type": "array", "items": {"type": "object"}}}}
VERDICTS = {"approve": Verdict.APPROVED, "reject": Verdict.REJECTED}
STATE = Param(name="state", schema={"enum": ["open"]}, doc="Open ones: those that wait for the caller.")
LIMIT = Param(name="limit", schema={"type": "integer", "minimum": 1, "maximum": 200}, doc="How many, at most.")


@operation("GET", "/approvals/tasks", "The decisions that wait for the caller.", scope=READS, params=(STATE, LIMIT), answers={200: TASKS})
def my_tasks(call: Call) -> Answer:
    """The oldest first, each with its evidence and the commands that are possible now."""
    call.close()
    found = call.org.panels.open_tasks(call.principal, limit=call.query.get("limit", 50))
    return Answer({"tasks": [_task(call, each) for each in found]})


def _task(call: Call, task: OpenTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "approval": task.instance,
        "process": task.process,
        "process_label": call.label(task.process_label, task.process),
        "node": task.node,
        "node_label": call.label(task.node_label, task.node),
        "object": task.object,
        "record": {"id": task.record, "name": task.record_name},
        "submitter": {"id": task.submitter, "name": task.submitter_name},
        "submitted_at": task.submitted_at,
        "since": task.since,
        "evidence_hash": task.evidence_hash,
        "evidence": task.evidence,
        "commands": task.commands,
    }


@operation(
    "POST", "/approvals/tasks/{task}/approve", "Approve.", scope=WRITES, body=DECIDE, answers={200: INSTANCE}, refusals=(403, 404, 409, 422)
)
def approve(call: Call, task: str) -> Answer:
    """Approve a task on the evidence whose hash was shown."""
    return _decide(call, task, Verdict.APPROVED)


@operation(
    "POST", "/approvals/tasks/{task}/reject", "Reject.", scope=WRITES, body=DECIDE, answers={200: INSTANCE}, refusals=(403, 404, 409, 422)
)
def reject(call: Call, task: str) -> Answer:
    """Reject a task with a reason."""
    return _decide(call, task, Verdict.REJECTED)


def _decide(call: Call, task: str, verdict: Verdict) -> Answer:
    body = call.body
    more = {"evidence_hash": body["evidence_hash"], "comment": body.get("comment") or None}
    return _once(call, lambda approvals: approvals.decide(call.principal, task, verdict, channel="api", **more))


def _once(call: Call, command: Callable[[Approvals], Instance]) -> Answer:
    """Give a command; one whose key was used before is not given again, and answers with the approval as it is now."""

    def give(keep: Keep) -> Answer:
        call.close()
        instance = command(_keeping(call, keep))
        return _shown(call, instance.id, instance.state.value)

    return once(call, give, lambda done: _shown(call, done.id or "", ""))


def _keeping(call: Call, keep: Keep, index: int = 0) -> Approvals:
    """The commands, each of which keeps what became of it in its own transaction."""
    return replace(call.org.approvals, also=lambda tx, instance: keep(tx, _outcome(instance, index)))


def _outcome(instance: Instance, index: int) -> Outcome:
    return Outcome(index=index, status="updated", object=instance.object, id=instance.id, code=instance.state.value)


@operation("POST", "/approvals/tasks/{task}/transfer", "Hand a task to another person.", scope=WRITES, body=TRANSFER,
           answers={200: INSTANCE}, refusals=(403, 404, 409, 422))  # fmt: skip
def transfer(call: Call, task: str) -> Answer:
    """Transfer a task."""
    to, comment = call.body["to"], call.body.get("comment") or None
    return _once(call, lambda approvals: approvals.transfer(call.principal, task, to, comment=comment, channel="api"))


@operation("POST", "/approvals/tasks/decide", "Decide many tasks, each in its own transaction.", scope=WRITES, body=DECISIONS,
           answers={200: {"type": "object", "required": ["results"]}}, refusals=(422,))  # fmt: skip
def decide_many(call: Call) -> Answer:
    """Decide up to 50 tasks; what is refused says why and stops none of the others."""
    decisions = call.body["decisions"]
    done = each_once(call, len(decisions), lambda index, keep: _decide_one(call, index, decisions[index], keep))
    return Answer({"results": [_result(call, each) for each in done]})


def _decide_one(call: Call, index: int, wanted: Mapping[str, Any], keep: Keep) -> Outcome:
    more = {"evidence_hash": wanted["evidence_hash"], "comment": wanted.get("comment") or None, "channel": "api"}
    try:
        return _outcome(_keeping(call, keep, index).decide(call.principal, wanted["task"], VERDICTS[wanted["verdict"]], **more), index)
    except FieldstoneError as failure:
        listed = failure.problems if isinstance(failure, Refused) else ()
        return Outcome(index=index, status="refused", object="", code=failure.code, problems=tuple(listed))


def _result(call: Call, outcome: Outcome) -> dict[str, Any]:
    if outcome.status != "refused":
        return {"index": outcome.index, "status": 200, "approval": outcome.id, "state": outcome.code}
    told = [problems.entry(each, call.language, call.snapshot) for each in outcome.problems]
    return {"index": outcome.index, "status": problems.status_of_code(outcome.code), "code": outcome.code, "problems": told}


@operation("GET", "/approvals/{instance}", "One approval with its history.", scope=READS, answers={200: INSTANCE}, refusals=(404,))
def get_approval(call: Call, instance: str) -> Answer:
    """An approval, for who sees its record, decides or submitted it."""
    call.close()
    return Answer(_instance(call, call.org.panels.instance(call.principal, instance)))


@operation("POST", "/approvals/{instance}/recall", "Take a submission back.", scope=WRITES, body=COMMENTED, body_required=False,
           answers={200: INSTANCE}, refusals=(403, 404, 409, 422))  # fmt: skip
def recall(call: Call, instance: str) -> Answer:
    """Recall."""
    return _once(call, lambda approvals: approvals.recall(call.principal, instance, comment=_comment(call), channel="api"))


@operation("POST", "/approvals/{instance}/resume", "Look for people again where nobody was found.", scope=WRITES, body=COMMENTED,
           answers={200: INSTANCE}, refusals=(403, 404, 409, 422))  # fmt: skip
def resume(call: Call, instance: str) -> Answer:
    """Resume; only a manager of approvals, with a reason."""
    return _once(call, lambda approvals: approvals.resume(call.principal, instance, comment=_comment(call) or "", channel="api"))


def _comment(call: Call) -> str | None:
    return (call.body.get("comment") or None) if call.body is not NO_BODY else None


@operation("GET", "/records/{object}/{id}/approvals", "The approvals of a record.", scope=READS,
           answers={200: {"type": "object", "required": ["approvals", "processes"]}}, refusals=(404,))  # fmt: skip
def record_approvals(call: Call, object_name: str, record_id: str) -> Answer:
    """What is and was decided about a record, and what it could be submitted to now."""
    definition = call.object(object_name)
    call.close()
    panel = call.org.panels.panel(call.principal, definition.name, record_id)
    processes = [{"name": name, "label": call.label(label, name)} for name, label in panel.processes]
    return Answer({"approvals": [_instance(call, each) for each in panel.instances], "processes": processes, "locked": panel.locked})


@operation("POST", "/records/{object}/{id}/approvals", "Submit a record for approval.", scope=WRITES, body=SUBMIT, body_required=False,
           answers={201: INSTANCE}, refusals=(403, 404, 409, 422))  # fmt: skip
def submit(call: Call, object_name: str, record_id: str) -> Answer:
    """Submit; without a process, to the matching one that comes first."""
    definition = call.object(object_name)
    body = call.body if call.body is not NO_BODY else {}
    more = {"process": body.get("process"), "comment": body.get("comment") or None}
    answer = _once(call, lambda approvals: approvals.submit(call.principal, definition.name, record_id, channel="api", **more))
    answer.status, answer.headers["Location"] = 201, f"/api/v1/approvals/{answer.value['id']}"
    return answer


def _shown(call: Call, instance: str, state: str) -> Answer:
    """The approval as it is after a command; who does not see it any more learns its state."""
    try:
        return Answer(_instance(call, call.org.panels.instance(call.principal, instance)))
    except NotVisible:
        return Answer({"id": instance, "state": state})


def _instance(call: Call, view: InstanceView) -> dict[str, Any]:
    instance = view.instance
    found: dict[str, Any] = {
        "id": instance.id,
        "process": instance.process,
        "process_label": call.label(view.process_label, instance.process),
        "object": instance.object,
        "record": instance.record,
        "state": instance.state.value,
        "submitter": Reference(instance.submitter, view.submitter_name),
        "submitted_at": instance.submitted_at,
        "ended_at": instance.ended_at,
        "nodes": [
            {
                "node": each.node,
                "label": call.label(each.label, each.node),
                "type": each.type,
                "mode": each.mode,
                "state": each.state,
                "since": each.since,
                "seats": [
                    {
                        "task": seat.task,
                        "state": seat.state,
                        "person": seat.person,
                        "name": seat.name,
                        "decided_at": seat.decided_at,
                        "comment": seat.comment,
                        "mine": seat.mine,
                    }
                    for seat in each.seats
                ],
            }
            for each in view.nodes
        ],
        "history": [
            {
                "kind": each.kind,
                "at": each.at,
                "actor": {"id": each.actor, "name": each.actor_name},
                "identity": each.identity,
                "node_label": call.label(each.node_label),
                "comment": each.comment,
            }
            for each in view.history
        ],
        "commands": view.commands,
        "my_task": view.my_task,
    }
    if view.evidence is not None:
        found["evidence_hash"], found["evidence"] = view.evidence.hash, view.evidence.shown
    return found
