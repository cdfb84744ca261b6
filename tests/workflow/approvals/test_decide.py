"""What a decision, a transfer and a recall make of a visit, and every reason to refuse them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fieldstone.errors import NotAllowed, Refused
from fieldstone.metadata.definitions import ApproveNodeDef
from fieldstone.workflow.approvals.decide import Actor, Circumstances, Decision, Transfer, decide, require_recall, transfer
from fieldstone.workflow.approvals.states import Instance, InstanceState, Task, TaskState, Verdict, Visit, VisitState

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
ANY = ApproveNodeDef(id="lead", mode="any")
ALL = ApproveNodeDef(id="lead", mode="all")
NAMES = {"ann": "Ann", "bob": "Bob"}
AROUND = Circumstances(submitter="sue", evidence_hash="e1", names=NAMES)
YES, NO = Verdict.APPROVED, Verdict.REJECTED


def visit(*tasks: Task) -> Visit:
    return Visit(id="v", node="lead", number=1, round=1, tasks=tasks)


def seat(
    number: int, user: str | None = None, *, group: str | None = None, state: TaskState = TaskState.OPEN, by: str | None = None
) -> Task:
    return Task(id=f"t{number}", seat=number, user=user, group=group, state=state, decided_by=by, decided_at=NOW if by else None)


TWO = visit(seat(1, "ann"), seat(2, "bob"))


def by(user: str, verdict: Verdict = YES, *, task: str = "t1", evidence: str = "e1", comment: str | None = "fine", groups=()) -> Decision:
    return Decision(
        task=task, verdict=verdict, actor=Actor(user=user, groups=frozenset(groups)), evidence_hash=evidence, comment=comment, at=NOW
    )


def test_an_approval_of_one_of_two_leaves_the_visit_open_where_all_must_approve():
    decided = decide(TWO, by("ann"), ALL, AROUND)
    assert decided.verdict is None
    assert [task.state for task in decided.visit.tasks] == ["approved", "open"]


def test_it_closes_the_visit_where_any_suffices_and_the_other_task_is_superseded():
    decided = decide(TWO, by("ann"), ANY, AROUND)
    assert decided.verdict is YES
    assert decided.visit.state is VisitState.APPROVED
    assert [task.state for task in decided.visit.tasks] == ["approved", "superseded"]


def test_a_decision_keeps_who_when_and_on_what_evidence():
    task = decide(TWO, by("ann"), ANY, AROUND).visit.tasks[0]
    assert (task.decided_by, task.decided_at, task.evidence_hash) == ("ann", NOW, "e1")


def test_a_group_seat_is_whoever_is_in_the_group_and_decides_first():
    group = visit(seat(1, group="queue:q"))
    decided = decide(group, by("bob", groups={"queue:q"}), ANY, AROUND)
    assert decided.visit.tasks[0].decided_by == "bob"


CLOSED = decide(TWO, by("ann"), ANY, AROUND).visit
HALF = decide(TWO, by("ann"), ALL, AROUND).visit


@pytest.mark.parametrize(
    ("where", "decision", "around", "code"),
    [
        pytest.param(TWO, by("bob"), AROUND, "not_your_task", id="another person's task"),
        pytest.param(visit(seat(1, group="queue:q")), by("bob", groups={"queue:x"}), AROUND, "not_your_task", id="another group's seat"),
        pytest.param(TWO, by("ann", evidence="e0"), AROUND, "evidence_changed", id="decided on what is no longer so"),
        pytest.param(TWO, by("ann", NO, comment=" "), AROUND, "approval_comment_required", id="a rejection without a reason"),
        pytest.param(CLOSED, by("bob", NO, task="t2"), AROUND, "already_closed", id="the other was faster"),
        pytest.param(CLOSED, by("ann"), AROUND, "already_applied", id="the same decision again"),
        pytest.param(CLOSED, by("ann", NO), AROUND, "already_closed", id="a change of mind after the fact"),
        pytest.param(HALF, by("ann"), AROUND, "already_applied", id="the same decision while others are to decide"),
        pytest.param(visit(seat(1, "sue")), by("sue"), AROUND, "self_approval", id="one's own submission"),
        pytest.param(
            visit(seat(1, "ann"), seat(2, group="queue:q")),
            by("ann", task="t2", groups={"queue:q"}),
            AROUND,
            "not_your_task",
            id="a second seat of the same person",
        ),
        pytest.param(
            TWO, by("ann"), replace(AROUND, distinct=True, decided_in_round=frozenset({"ann"})), "not_your_task", id="twice in a round"
        ),
    ],
)
def test_a_decision_is_refused(where, decision, around, code):
    with pytest.raises(Refused) as refused:
        decide(where, decision, ALL, around)
    assert refused.value.problems[0].code == code


def test_who_was_slower_is_told_who_was_faster_and_what_came_of_it():
    with pytest.raises(Refused) as refused:
        decide(CLOSED, by("bob", task="t2"), ANY, AROUND)
    assert dict(refused.value.problems[0].params) == {"by": "Ann", "verdict": "approved"}
    assert refused.value.code == "already_closed"


def test_ones_own_submission_may_be_decided_where_the_process_allows_it():
    assert decide(visit(seat(1, "sue")), by("sue"), ANY, replace(AROUND, self_approval="allow")).verdict is YES


def hand(to: str, *, active: bool = True, actor: str = "ann", manager: bool = False) -> Transfer:
    return Transfer(task="t1", actor=Actor(user=actor, manager=manager), to=to, to_active=active, new_task="t9")


def test_a_transferred_seat_keeps_its_place_and_counts_once():
    moved = transfer(TWO, hand("cid"), ALL, AROUND)
    assert [(task.id, task.seat, task.user, task.state) for task in moved.tasks] == [
        ("t1", 1, "ann", "transferred"),
        ("t2", 2, "bob", "open"),
        ("t9", 1, "cid", "open"),
    ]
    assert len(moved.seats) == 2


@pytest.mark.parametrize(
    ("where", "asked", "code"),
    [
        pytest.param(TWO, hand("bob"), "transfer_already_here", id="to somebody who has a seat here"),
        pytest.param(TWO, hand("ann"), "transfer_already_here", id="to oneself"),
        pytest.param(TWO, hand("sue"), "self_approval", id="to the submitter"),
        pytest.param(TWO, hand("cid", active=False), "transfer_inactive", id="to somebody who has left"),
        pytest.param(TWO, hand("cid", actor="bob"), "not_your_task", id="by another person"),
        pytest.param(CLOSED, hand("cid"), "already_closed", id="after the fact"),
        pytest.param(visit(replace(seat(1, "ann"), hops=5)), hand("cid"), "transfer_too_often", id="a sixth time"),
    ],
)
def test_a_transfer_is_refused(where, asked, code):
    with pytest.raises(Refused) as refused:
        transfer(where, asked, ALL, AROUND)
    assert refused.value.problems[0].code == code


def test_a_manager_of_approvals_may_hand_on_the_task_of_another():
    assert transfer(TWO, hand("cid", actor="mia", manager=True), ALL, AROUND).tasks[2].user == "cid"


def test_a_node_may_forbid_handing_on():
    with pytest.raises(NotAllowed):
        transfer(TWO, hand("cid"), replace(ALL, transfer=False), AROUND)


RUNNING = Instance(id="i", process="p", process_hash="h", exclusive_group="g", object="deal", record="r", submitter="sue", submitted_at=NOW)


@pytest.mark.parametrize(
    ("actor", "allow", "visits", "expected"),
    [
        pytest.param(Actor(user="sue"), "until_first_decision", (TWO,), None, id="the submitter, before anybody decided"),
        pytest.param(Actor(user="sue"), "until_first_decision", (HALF,), "recall_too_late", id="not after the first decision"),
        pytest.param(Actor(user="sue"), "any_time", (HALF,), None, id="unless at any time"),
        pytest.param(Actor(user="sue"), "never", (TWO,), "forbidden", id="never"),
        pytest.param(Actor(user="ann"), "any_time", (TWO,), "forbidden", id="not somebody else"),
        pytest.param(Actor(user="mia", manager=True), "never", (HALF,), None, id="a manager of approvals always"),
    ],
)
def test_recall(actor, allow, visits, expected):
    try:
        require_recall(RUNNING, visits, actor, allow)
        found = None
    except Refused as refused:
        found = refused.problems[0].code
    except NotAllowed as refused:
        found = refused.code
    assert found == expected


def test_what_has_ended_is_not_recalled():
    with pytest.raises(Refused) as refused:
        require_recall(replace(RUNNING, state=InstanceState.APPROVED), (), Actor(user="mia", manager=True), "any_time")
    assert refused.value.code == "already_closed"
