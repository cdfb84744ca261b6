"""What a command makes of a visit or an instance, decided without touching anything.

Here: approve and reject (T3, T4), transfer (T9), whether a recall (T8) is allowed; every guard of theirs.
Not here: locking, loading, saving, mailing (`commands.py`); counting (`count.py`).
Source: spec/workflow.md, section 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fieldstone.errors import NotAllowed, Problem, Refused
from fieldstone.limits import APPROVAL_TRANSFERS
from fieldstone.metadata.definitions import ApproveNodeDef
from fieldstone.workflow.approvals.count import count
from fieldstone.workflow.approvals.states import (
    DECIDED,
    Instance,
    Task,
    TaskState,
    Verdict,
    Visit,
    VisitState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts on an approval: a user, with the groups whose seats are theirs too."""

    user: str
    groups: frozenset[str] = frozenset()
    manager: bool = False  # holds the right manage_approvals


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What holds around a visit when somebody acts on it."""

    submitter: str
    self_approval: str = "manager"
    distinct: bool = False
    decided_in_round: frozenset[str] = frozenset()  # users who decided in other visits of this round
    evidence_hash: str = ""  # of the record as it is now
    names: Mapping[str, str] = field(default_factory=dict)  # of users, to say who was faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Approve or reject one task. `evidence_hash` is of what the person was shown."""

    task: str
    verdict: Verdict
    actor: Actor
    evidence_hash: str
    comment: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The visit after a decision, and its verdict if that closed it."""

    visit: Visit
    verdict: Verdict | None


def decide(visit: Visit, decision: Decision, node: ApproveNodeDef, around: Circumstances) -> Decided:
    """Return what `decision` makes of `visit`: its tasks, and its verdict if it closes now.

    Raises Refused (not_your_task, already_closed, already_applied, self_approval, evidence_changed, or a missing comment); then
    nothing is to be written. Source: spec/workflow.md, section 13, T3 and T4.
    """
    task = visit.task(decision.task)
    _require_holder(visit, task, decision.actor, around)
    _require_open(visit, task, decision.actor, around, decision.verdict)
    if decision.evidence_hash != around.evidence_hash:
        raise Refused(Problem(code="evidence_changed"))
    if decision.verdict is Verdict.REJECTED and not (decision.comment or "").strip():
        raise Refused(Problem(code="approval_comment_required", field="comment", pointer="/comment"))
    decided = visit.with_task(
        replace(
            task,
            state=TaskState(decision.verdict.value),
            decided_by=decision.actor.user,
            decided_at=decision.at,
            evidence_hash=decision.evidence_hash,
        )
    )
    return counted(decided, node)


def counted(visit: Visit, node: ApproveNodeDef) -> Decided:
    """Return the visit closed if its seats add up to a verdict now, else as it is."""
    verdict = count(visit.seats, node.mode)
    if verdict is None:
        return Decided(visit=visit, verdict=None)
    return Decided(visit=visit.closed(VisitState(verdict.value)), verdict=verdict)


def withdrawn(visit: Visit, task: Task, node: ApproveNodeDef) -> Decided:
    """Return the visit without the seat of `task`: nobody is there for it. Without any seat left it is skipped as if approved."""
    left = visit.with_task(replace(task, state=TaskState.CANCELLED))
    return counted(left, node) if left.seats else Decided(visit=left.closed(VisitState.SKIPPED), verdict=Verdict.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Hand one task on. `to_groups` are the groups of the person who gets it."""

    task: str
    actor: Actor
    to: str
    to_active: bool
    new_task: str  # id of the task that is made


def transfer(visit: Visit, asked: Transfer, node: ApproveNodeDef, around: Circumstances) -> Visit:
    """Return the visit with the seat in other hands. Raises Refused or NotAllowed. Source: spec/workflow.md, section 13, T9 and T18."""
    task = visit.task(asked.task)
    if not asked.actor.manager:
        _require_holder(visit, task, asked.actor, around)
        if not node.transfer:
            raise NotAllowed("approval.transfer")
    _require_open(visit, task, asked.actor, around)
    problem = _unfit(visit, task, asked, around)
    if problem is not None:
        raise Refused(Problem(code=problem, field="to", pointer="/to", params={"name": around.names.get(asked.to, "")}))
    new = Task(id=asked.new_task, seat=task.seat, user=asked.to, hops=task.hops + 1)
    return visit.with_task(replace(task, state=TaskState.TRANSFERRED), new)


def _unfit(visit: Visit, task: Task, asked: Transfer, around: Circumstances) -> str | None:
    """The reason why that person cannot take the task over, None if they can."""
    if not asked.to_active:
        return "transfer_inactive"
    if any(asked.to in (seat.user, seat.decided_by) for seat in visit.seats):
        return "transfer_already_here"
    if asked.to == around.submitter and around.self_approval != "allow":
        return "self_approval"
    if around.distinct and asked.to in around.decided_in_round:
        return "transfer_already_decided"
    return "transfer_too_often" if task.hops >= APPROVAL_TRANSFERS else None


def require_recall(instance: Instance, visits: tuple[Visit, ...], actor: Actor, allow: str) -> None:
    """Raise unless `actor` may recall `instance` now: Refused (already_closed, recall_too_late) or NotAllowed.

    `allow` is the process's `recall.allow`; a manager of approvals may always. Source: spec/workflow.md, section 13, T8.
    """
    if not instance.state.live:
        raise ended(instance.state.value)
    if actor.manager:
        return
    if actor.user != instance.submitter or allow == "never":
        raise NotAllowed("approval.recall")
    decided = any(task.state in DECIDED for visit in visits if visit.round == instance.round for task in visit.tasks)
    if allow == "until_first_decision" and decided:
        raise Refused(Problem(code="recall_too_late"))


def may_recall(instance: Instance, visits: tuple[Visit, ...], actor: Actor, allow: str) -> bool:
    """Tell whether `require_recall` would pass."""
    try:
        require_recall(instance, visits, actor, allow)
    except (Refused, NotAllowed):
        return False
    return True


def may_decide(visit: Visit, task: Task, actor: Actor, around: Circumstances) -> bool:
    """Tell whether the task is open and that person's to decide; evidence and comment come with the decision."""
    try:
        _require_holder(visit, task, actor, around)
        _require_open(visit, task, actor, around)
    except Refused:
        return False
    return True


def _require_holder(visit: Visit, task: Task, actor: Actor, around: Circumstances) -> None:
    """The seat is theirs, they hold no other one of this visit, and they are not deciding on their own submission."""
    decided_it = task.decided_by == actor.user
    if not (task.held_by(actor.user, actor.groups) or decided_it):
        raise Refused(Problem(code="not_your_task"))
    if actor.user == around.submitter and around.self_approval != "allow":
        raise Refused(Problem(code="self_approval"))
    others = [seat for seat in visit.seats if seat.seat != task.seat]
    if not decided_it and any(actor.user in (seat.user, seat.decided_by) for seat in others):
        raise Refused(Problem(code="not_your_task"))
    if around.distinct and not decided_it and actor.user in around.decided_in_round:
        raise Refused(Problem(code="not_your_task"))


def _require_open(visit: Visit, task: Task, actor: Actor, around: Circumstances, verdict: Verdict | None = None) -> None:
    """The visit and the task are still open; otherwise say who was faster, or that this very decision stands already."""
    if visit.state is VisitState.OPEN and task.state is TaskState.OPEN:
        return
    if verdict is not None and task.decided_by == actor.user and task.state.value == verdict.value:
        raise Refused(Problem(code="already_applied"))
    last = max((seat for seat in visit.tasks if seat.decided_at), key=lambda seat: str(seat.decided_at), default=None)
    result = visit.state.value if visit.state is not VisitState.OPEN else task.state.value
    if last is None:
        raise ended(result)
    by = around.names.get(last.decided_by or "", "")
    raise Refused(Problem(code="already_closed", params={"verdict": result, "by": by}))


def ended(state: str) -> Refused:
    """Return what somebody is told who comes too late, where nobody's decision closed it: a recall, a deleted record."""
    return Refused(Problem(code="approval_ended", params={"verdict": state}), code="already_closed")
