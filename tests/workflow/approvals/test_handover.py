"""Tasks of people who are no longer active go to others, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldstone.db.transaction import read
from fieldstone.notify.inbox import NOTIFICATION
from fieldstone.workflow.approvals import events, handover
from fieldstone.workflow.outbox import OUTBOX
from tests.support.company import node, process

BIG = "25"


def leave(firm, who: str) -> list[str]:
    """Deactivate somebody, do the work that this leaves, and return whom it was put for."""
    firm.world.update("user", firm.world.people[who], {"active": False})
    with firm.world.engine.connect() as connection:
        rows = list(connection.execute(select(OUTBOX.c.payload).where(OUTBOX.c.topic == handover.PERSON_GONE.name)).scalars())
    hand_over(firm)
    return [row["user"] for row in rows]


def hand_over(firm) -> None:
    for instance_id, user in handover.waiting(firm.approvals):
        firm.approvals.hand_over(instance_id, user)


def told(firm, who: str) -> list[str]:
    with firm.world.engine.connect() as connection:
        return list(connection.execute(select(NOTIFICATION.c.kind).where(NOTIFICATION.c.user_id == firm.world.people[who])).scalars())


def last_event(firm, instance):
    with read(firm.world.engine) as tx:
        return events.chain(tx, instance.id)[-1]


def test_the_task_goes_to_the_manager_who_is_told_and_the_history_says_so(company):
    firm = company()
    instance = firm.submit(firm.quote())
    assert leave(firm, "bob") == [firm.world.people["bob"]]
    assert [task.instance for task in firm.tasks("cid")] == [instance.id]
    assert told(firm, "cid") == ["approval_task"]
    event = last_event(firm, instance)
    assert (event.kind, event.identity, event.actor) == ("handed_over", "system:gone", None)
    assert (event.data["from"], event.data["to"]) == (firm.world.people["bob"], firm.world.people["cid"])
    assert firm.decide("cid").state == "approved"


def test_a_manager_who_is_not_active_either_is_passed_over(company):
    firm = company()
    instance = firm.submit(firm.quote())
    firm.world.update("user", firm.world.people["cid"], {"active": False})
    leave(firm, "bob")
    assert [task.instance for task in firm.tasks("dan")] == [instance.id]


def test_nothing_is_handed_over_twice_or_for_somebody_who_came_back(company):
    firm = company()
    instance = firm.submit(firm.quote())
    leave(firm, "bob")
    before = firm.history(instance)
    firm.approvals.hand_over(instance.id, firm.world.people["bob"])
    firm.approvals.hand_over(instance.id, firm.world.people["cid"])
    assert firm.history(instance) == before


@pytest.mark.parametrize(
    ("on_empty", "state", "who"),
    [("admins", "running", "mia"), ("user:gil", "running", "gil"), ("reject", "rejected", None), ("skip_approve", "approved", None),
     ("block", "suspended", None)],
)  # fmt: skip
def test_without_a_manager_the_node_says_what_becomes_of_it(company, on_empty, state, who):
    firm = company(process(nodes=[node("lead", {"user": "gil" if who is None else "fay"}, on_empty=on_empty)]))
    instance = firm.submit(firm.quote())
    leave(firm, "gil" if who is None else "fay")
    assert firm.instance(instance.id).state == state
    assert who is None or [task.instance for task in firm.tasks(who)] == [instance.id]
    firm.history(instance)  # verifies the chain


def test_where_one_of_several_decides_the_others_go_on_without_the_seat(company):
    firm = company(process(nodes=[node("one", {"user": "fay"}, {"user": "gil"})]))
    instance = firm.submit(firm.quote())
    leave(firm, "fay")
    assert firm.history(instance)[-1] == "withdrawn"
    assert firm.decide("gil").state == "approved"


def test_where_all_must_agree_nobody_is_left_out_in_silence(company):
    firm = company(process(nodes=[node("all", {"user": "fay"}, {"user": "gil"}, mode="all")]))
    instance = firm.submit(firm.quote())
    leave(firm, "fay")
    assert firm.instance(instance.id).state == "suspended"
    assert told(firm, "mia") == ["approval_suspended"]


def test_what_the_process_then_runs_into_leaves_it_to_a_manager_of_approvals(company):
    step = {"id": "r1", "type": "update", "set": {"terms": "=TEXT(1 / (amount - amount))"}}
    nodes = [node("lead", {"user": "fay"}, on_empty="reject")]
    firm = company(process(nodes=nodes, actions={"rejected": [step]}))
    instance = firm.submit(firm.quote())
    leave(firm, "fay")
    assert firm.instance(instance.id).state == "suspended"
    assert told(firm, "mia") == ["approval_suspended"]
    assert handover.waiting(firm.approvals) == []


def test_a_manager_who_has_a_seat_there_already_gets_no_second_one(company):
    nodes = [node("both", {"user": "bob"}, {"user": "cid"}, mode="all", on_empty="admins")]
    firm = company(process(nodes=nodes))
    instance = firm.submit(firm.quote())
    leave(firm, "bob")
    assert [task.instance for task in firm.tasks("mia")] == [instance.id]
    firm.decide("mia")
    assert firm.decide("cid").state == "approved"


def test_a_deleted_user_is_gone_too(company):
    firm = company(process(nodes=[node("lead", {"user": "fay"}, on_empty="admins")]))
    instance = firm.submit(firm.quote())
    firm.world.delete("user", firm.world.people["fay"])
    hand_over(firm)
    assert [task.instance for task in firm.tasks("mia")] == [instance.id]


def test_a_change_of_anything_else_about_a_person_puts_no_work(company):
    firm = company()
    firm.world.update("user", firm.world.people["bob"], {"email": "b@example.com"})
    with firm.world.engine.connect() as connection:
        assert connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.topic == handover.PERSON_GONE.name)).all() == []
