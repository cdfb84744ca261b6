"""Approvals from end to end, on both databases: submit, decide, recall, hand on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fieldstone.db.transaction import read
from fieldstone.errors import NotAllowed, NotVisible
from fieldstone.notify import inbox
from fieldstone.records.save import Records
from fieldstone.workflow.approvals import events, store
from fieldstone.workflow.approvals.store import INSTANCE, TASK
from fieldstone.workflow.steps import steps
from tests.support.company import company_of, documents, node, notices_of, process, refused
from tests.support.worlds import SECRET, Fixed, built, core_document

BIG = "25"  # percent: director and finance decide too


# --- the way through ------------------------------------------------------------------------------------------------------------


def test_one_approval_suffices_for_a_small_discount(company):
    firm = company()
    quote = firm.quote("15")
    instance = firm.submit(quote, comment="please")
    assert firm.state(quote) == ("running", "in_approval")
    assert [task.node for task in firm.tasks("bob")] == ["manager"]
    assert firm.decide("bob").state == "approved"
    assert firm.state(quote) == ("approved", "approved")
    assert firm.history(instance) == ["submitted", "entered", "approved", "branched", "finished"]
    assert firm.tasks("bob") == []
    assert firm.world.get("quote", quote)["approved_on"] == datetime.now(UTC).date()


def test_a_big_one_goes_on_to_director_and_finance_who_must_all_approve(company):
    firm = company()
    quote = firm.quote(BIG)
    instance = firm.submit(quote)
    firm.decide("bob")
    assert [len(firm.tasks(who)) for who in ("bob", "dan", "fay", "gil", "mia")] == [0, 1, 1, 1, 0]
    firm.decide("gil")
    assert firm.tasks("fay") == []  # the group has one seat
    assert firm.state(quote) == ("running", "in_approval")
    firm.decide("dan")
    assert firm.state(quote) == ("approved", "approved")
    assert firm.history(instance) == ["submitted", "entered", "approved", "branched", "entered", "approved", "approved", "finished"]


def test_a_rejection_ends_it_and_runs_the_rejected_actions(company):
    firm = company()
    quote = firm.quote(BIG)
    instance = firm.submit(quote)
    firm.decide("bob")
    firm.decide("dan", "reject", comment="too much")
    assert firm.state(quote) == ("rejected", "draft")
    assert firm.tasks("fay") == []
    assert firm.history(instance)[-2:] == ["rejected", "finished"]
    assert firm.instance(instance.id).state == "rejected"


def test_a_rejected_record_may_be_submitted_again(company):
    firm = company()
    quote = firm.quote()
    first = firm.submit(quote)
    firm.decide("bob", "reject")
    second = firm.submit(quote)
    assert first.id != second.id
    firm.decide("bob")
    assert firm.state(quote) == ("approved", "approved")


def test_who_has_decided_sees_what_they_decided_on_and_not_what_came_later(company):
    nodes = [node("first", {"user": "gil"}), node("second", {"user": "fay"})]
    firm = company(process(nodes=nodes, lock={"mode": "none"}, guarded=None, actions=None))
    quote = firm.quote(amount="100.00")
    instance = firm.submit(quote)
    firm.decide("gil")
    firm.world.update("quote", quote, {"amount": "999.00"})
    decided, deciding = (firm.panels.instance(firm.world.principal(who), instance.id).evidence for who in ("gil", "fay"))
    assert decided.shown["fields"]["amount"] == "100.00"
    assert deciding.shown["fields"]["amount"] == "999.00"


def test_an_approved_record_is_submitted_again_only_when_what_it_rests_on_has_changed(company):
    firm = company()
    quote = firm.quote()
    firm.submit(quote)
    firm.decide("bob")
    assert refused(firm.submit, quote).problems[0].code == "already_approved"
    assert firm.panels.panel(firm.world.principal("sue"), "quote", quote).processes == ()
    firm.world.update("quote", quote, {"terms": "net 30"}, "sue")
    assert refused(firm.submit, quote).problems[0].code == "already_approved"
    firm.world.update("quote", quote, {"amount": "200.00"}, "sue")
    assert [name for name, _ in firm.panels.panel(firm.world.principal("sue"), "quote", quote).processes] == ["discount"]
    assert firm.submit(quote).state == "running"


def test_an_approved_record_that_a_process_takes_again_as_it_is_may_be_submitted_again(company):
    firm = company(process(entry={"criteria": "discount > 0.1", "submitters": ["owner"], "resubmit_unchanged": True}))
    quote = firm.quote()
    firm.submit(quote)
    firm.decide("bob")
    assert firm.submit(quote).state == "running"


def test_what_final_actions_change_of_the_evidence_was_approved_with_it(company):
    firm = company(process(evidence=["discount", "status"]))
    quote = firm.quote()
    firm.submit(quote)
    firm.decide("bob")
    assert refused(firm.submit, quote).problems[0].code == "already_approved"


def test_a_node_whose_condition_is_false_is_skipped(company):
    firm = company(process(nodes=[node("boss", {"user": "dan"}, when="discount > 0.5"), node("lead", {"user": "bob"})]))
    instance = firm.submit(firm.quote())
    assert [task.node for task in firm.tasks("bob")] == ["lead"]
    assert firm.history(instance) == ["submitted", "skipped", "entered"]


def test_outside_of_a_save_nothing_has_changed_and_there_is_no_value_before(company):
    nodes = [node("boss", {"user": "dan"}, when="OR(ISCHANGED(name), NOT(ISBLANK(PRIORVALUE(name))))"), node("lead", {"user": "bob"})]
    firm = company(process(nodes=nodes))
    firm.submit(firm.quote())
    assert [task.node for task in firm.tasks("bob")] == ["lead"]


def test_actions_on_the_way_change_the_record_and_later_conditions_see_it(company):
    nodes = [
        {"id": "note", "type": "action", "steps": [{"id": "u", "type": "update", "set": {"terms": '=name & " net 30"'}}]},
        node("lead", {"user": "bob"}, when='terms = "Q-1 net 30"'),
        node("never", {"user": "dan"}, when="ISBLANK(terms)"),
    ]
    firm = company(process(nodes=nodes))
    quote = firm.quote()
    firm.submit(quote)
    firm.decide("bob")
    assert firm.state(quote)[0] == "approved"
    assert firm.world.get("quote", quote)["terms"] == "Q-1 net 30"


def test_who_is_only_told_has_a_line_in_the_inbox(company):
    firm = company(process(nodes=[{"id": "tell", "type": "cc", "to": [{"queue": "finance"}]}]))
    quote = firm.quote()
    firm.submit(quote)
    assert firm.state(quote)[0] == "approved"  # nobody had to decide
    with read(firm.world.engine) as tx:
        assert [each.text for each in inbox.page(tx, firm.world.people["fay"], "en")] == [
            "For your information: Quote Q-1 is in approval (Discount)"
        ]


@pytest.mark.parametrize(
    ("source", "who"),
    [
        ({"user": "dan"}, ["dan"]),
        ({"role": "director"}, ["dan"]),
        ({"queue": "finance"}, ["fay", "gil"]),
        ({"manager_of": "submitter", "level": 2}, ["cid"]),
        ({"manager_of": "owner"}, ["bob"]),
        ({"field": "lawyer"}, ["gil"]),
        ({"field": "owner.manager"}, ["bob"]),
    ],
)
def test_where_approvers_come_from(company, source, who):
    firm = company(process(nodes=[node("only", source, mode="all")]))
    firm.submit(firm.quote(lawyer=firm.world.people["gil"]))
    assert [name for name in ("bob", "cid", "dan", "fay", "gil") if firm.tasks(name)] == who


def test_several_sources_in_one_node_seat_each_person_once(company):
    firm = company(process(nodes=[node("many", {"user": "fay"}, {"queue": "finance"}, {"user": "fay"}, mode="all")]))
    firm.submit(firm.quote())
    assert firm.count(TASK) == 2


def test_one_who_approved_the_step_before_is_not_asked_again_on_the_same_evidence(company):
    firm = company(process(nodes=[node("first", {"user": "dan"}), node("second", {"user": "dan"})]))
    quote = firm.quote()
    instance = firm.submit(quote)
    firm.decide("dan")
    assert firm.state(quote)[0] == "approved"
    with read(firm.world.engine) as tx:
        chain = events.chain(tx, instance.id)
    assert [(each.kind, each.identity) for each in chain if each.kind == "approved"] == [
        ("approved", "user"),
        ("approved", "system:dedupe"),
    ]
    assert chain[4].actor is None or chain[4].identity == "user"


def test_distinct_seats_nobody_twice_in_a_round(company):
    nodes = [node("first", {"user": "fay"}), node("second", {"queue": "finance"}, on_empty="reject")]
    firm = company(process(nodes=nodes, dedupe="none", distinct=True))
    firm.submit(firm.quote())
    firm.decide("fay")
    assert [len(firm.tasks(who)) for who in ("fay", "gil")] == [0, 1]


def test_nobody_found_suspends_and_tells_who_can_help(company):
    firm = company(process(nodes=[node("only", {"role": "nobody"})]))
    quote = firm.quote()
    instance = firm.submit(quote)
    assert instance.state == "suspended"
    assert firm.state(quote)[0] == "suspended"
    with read(firm.world.engine) as tx:
        assert inbox.unread(tx, firm.world.people["mia"]) == 1
    mia = firm.world.principal("mia")
    assert refused(firm.approvals.resume, mia, instance.id, comment=" ").problems[0].code == "reason_required"
    firm.world.update("user", firm.world.people["gil"], {"role": "nobody"})
    firm.approvals.resume(mia, instance.id, comment="gil does it")
    firm.decide("gil")
    assert firm.state(quote)[0] == "approved"
    assert "resumed" in firm.history(instance)


@pytest.mark.parametrize(("on_empty", "status"), [("reject", "rejected"), ("skip_approve", "approved")])
def test_nobody_found_may_decide_by_itself_and_says_so(company, on_empty, status):
    firm = company(process(nodes=[node("only", {"role": "nobody"}, on_empty=on_empty)]))
    quote = firm.quote()
    instance = firm.submit(quote)
    assert firm.state(quote)[0] == status
    with read(firm.world.engine) as tx:
        assert [each.identity for each in events.chain(tx, instance.id)] == ["user", "system:empty", "system:engine"]


def test_managers_of_approvals_step_in_where_the_node_says_admins(company):
    firm = company(process(nodes=[node("only", {"role": "nobody"}, on_empty="admins")]))
    firm.submit(firm.quote())
    assert len(firm.tasks("mia")) == 1


def test_a_save_that_comes_to_meet_the_entry_submits_by_itself_once(company):
    firm = company(process(entry={"criteria": "discount > 0.1", "submitters": ["owner"], "auto_submit": True}))
    quote = firm.quote("5")
    assert firm.state(quote) == (None, "draft")
    firm.world.update("quote", quote, {"discount": "15"}, "sue")
    assert firm.state(quote) == ("running", "in_approval")
    firm.decide("bob", "reject")
    firm.world.update("quote", quote, {"discount": "16"}, "sue")  # it met the entry before
    assert firm.state(quote) == ("rejected", "draft")
    assert firm.count(INSTANCE) == 1


# --- who may ---------------------------------------------------------------------------------------------------------------------


def test_only_submitters_submit(company):
    firm = company()
    quote = firm.quote()
    with pytest.raises(NotVisible):
        firm.submit(quote, "gil")  # who cannot see the quote learns nothing about it
    with pytest.raises(NotAllowed):
        firm.submit(quote, "mia")


def test_what_meets_no_entry_is_not_submitted(company):
    firm = company()
    assert refused(firm.submit, firm.quote("5")).code == "no_process"


def test_the_process_with_the_smallest_priority_wins(company):
    firm = company(process(), process(api_name="strict", priority=5, nodes=[node("boss", {"user": "dan"})]))
    firm.submit(firm.quote())
    assert [task.process for task in firm.tasks("dan")] == ["strict"]


def test_a_record_in_approval_is_not_submitted_again(company):
    firm = company()
    quote = firm.quote()
    firm.submit(quote)
    assert refused(firm.submit, quote).code == "already_live"


def test_nobody_decides_on_their_own_submission(company):
    firm = company(process(nodes=[node("only", {"user": "sue"}, {"user": "fay"})], self_approval="forbid"))
    firm.submit(firm.quote())
    assert firm.tasks("sue") == []
    assert len(firm.tasks("fay")) == 1


def test_the_manager_stands_in_for_the_submitter(company):
    firm = company(process(nodes=[node("only", {"user": "sue"})]))
    firm.submit(firm.quote())
    assert len(firm.tasks("bob")) == 1


def test_another_persons_task_is_not_yours(company):
    firm = company()
    firm.submit(firm.quote())
    [task] = firm.tasks("bob")
    assert refused(firm.decide, "gil", task=task).code == "not_your_task"
    with pytest.raises(NotVisible):
        firm.panels.task(firm.world.principal("gil"), task.id)


def test_who_left_the_group_decides_no_more(company):
    firm = company(process(nodes=[node("only", {"queue": "finance", "seat": "group"})]))
    firm.submit(firm.quote())
    [task] = firm.tasks("gil")
    principal = firm.world.principal("gil")
    firm.world.queue("finance", ["fay"])
    assert refused(firm.approvals.approve, principal, task.id, evidence_hash=task.evidence_hash).code == "not_your_task"


def test_the_platform_itself_decides_nothing(company):
    firm = company()
    quote = firm.quote()
    with pytest.raises(NotAllowed):
        firm.submit(quote, "builder")


# --- evidence --------------------------------------------------------------------------------------------------------------------


def test_a_task_shows_the_evidence_and_nothing_else(company):
    firm = company()
    quote = firm.quote(terms="secret")
    firm.world.create("line", {"name": "L", "quote": quote, "price": "9.90"}, "sue")
    firm.submit(quote)
    [task] = firm.tasks("bob")
    assert task.evidence["fields"] == {"discount": "15.0", "amount": "100.00"}
    [line] = task.evidence["children"]["line.quote"]
    assert (line["name"], line["price"]) == ("L", "9.90")
    assert (task.record_name, task.submitter_name, task.process_label["zh-Hans"]) == ("Q-1", "sue", "折扣")
    with pytest.raises(NotVisible):
        firm.world.get("quote", quote, "bob")  # a task opens the evidence, not the record


def test_deciding_on_what_has_changed_since_is_refused(company):
    firm = company(process(lock={"mode": "none"}))
    quote = firm.quote()
    firm.submit(quote)
    [task] = firm.tasks("bob")
    firm.world.update("quote", quote, {"amount": "200.00"}, "sue")
    assert refused(firm.decide, "bob", task=task).code == "evidence_changed"
    firm.decide("bob")  # having looked again
    assert firm.state(quote)[0] == "approved"


def test_every_decision_keeps_what_was_shown(company):
    firm = company()
    instance = firm.submit(firm.quote())
    firm.decide("bob")
    with read(firm.world.engine) as tx:
        kept = store.evidence(tx, instance.id)
        decision = next(each for each in events.chain(tx, instance.id) if each.kind == "approved")
    assert kept[decision.evidence_hash]["fields"]["discount"] == "15.0"


def test_an_action_that_a_rule_refuses_refuses_the_decision_whole(company):
    actions = {"approved": [{"id": "a", "type": "update", "set": {"amount": -1}}]}
    rule = {
        "kind": "validation_rule",
        "object": "quote",
        "api_name": "positive",
        "label": "Positive",
        "error_when": "amount < 0",
        "message": "The amount is below zero.",
        "at": "amount",
    }
    firm = company(process(actions=actions), more=(rule,))
    quote = firm.quote()
    instance = firm.submit(quote)
    told = refused(firm.decide, "bob")
    assert [(problem.field, dict(problem.message or {})) for problem in told.problems] == [("amount", {"": "The amount is below zero."})]
    assert firm.state(quote) == ("running", "draft")
    assert len(firm.tasks("bob")) == 1
    assert firm.history(instance) == ["submitted", "entered"]


# --- recall, transfer ------------------------------------------------------------------------------------------------------------


def test_the_submitter_takes_it_back_before_the_first_decision(company):
    firm = company()
    quote = firm.quote(BIG)
    instance = firm.submit(quote)
    firm.approvals.recall(firm.world.principal("sue"), instance.id, comment="a typo")
    assert firm.state(quote) == ("recalled", "draft")
    assert firm.tasks("bob") == []
    assert firm.count(TASK, TASK.c.state == "cancelled") == 1
    assert firm.history(instance)[-2:] == ["recalled", "finished"]


def test_but_not_after_it(company):
    firm = company()
    instance = firm.submit(firm.quote(BIG))
    firm.decide("bob")
    sue, mia = firm.world.principal("sue"), firm.world.principal("mia")
    assert refused(firm.approvals.recall, sue, instance.id).problems[0].code == "recall_too_late"
    with pytest.raises(NotAllowed):
        firm.approvals.recall(firm.world.principal("fay"), instance.id)
    firm.approvals.recall(mia, instance.id, comment="wrong customer")
    with read(firm.world.engine) as tx:
        recalled = next(each for each in events.chain(tx, instance.id) if each.kind == "recalled")
    assert recalled.identity == "forced"


def test_a_task_is_handed_on(company):
    firm = company()
    quote = firm.quote()
    instance = firm.submit(quote)
    [task] = firm.tasks("bob")
    firm.approvals.transfer(firm.world.principal("bob"), task.id, firm.world.people["gil"], comment="on leave")
    assert firm.tasks("bob") == []
    firm.decide("gil")
    assert firm.state(quote)[0] == "approved"
    assert "transferred" in firm.history(instance)


def test_a_manager_of_approvals_hands_on_the_task_of_another_with_a_reason(company):
    firm = company()
    firm.submit(firm.quote())
    [task] = firm.tasks("bob")
    mia, gil = firm.world.principal("mia"), firm.world.people["gil"]
    assert refused(firm.approvals.transfer, mia, task.id, gil).problems[0].code == "reason_required"
    firm.approvals.transfer(mia, task.id, gil, comment="bob is ill")
    assert len(firm.tasks("gil")) == 1


@pytest.mark.parametrize(("to", "code"), [("sue", "self_approval"), ("bob", "transfer_already_here")])
def test_a_task_is_not_handed_to_the_submitter_or_oneself(company, to, code):
    firm = company()
    firm.submit(firm.quote())
    [task] = firm.tasks("bob")
    found = refused(firm.approvals.transfer, firm.world.principal("bob"), task.id, firm.world.people[to])
    assert found.problems[0].code == code


# --- versions --------------------------------------------------------------------------------------------------------------------


def test_an_instance_keeps_the_process_it_began_with(company):
    firm = company()
    firm.submit(firm.quote(BIG))
    world = firm.world
    changed = built([*documents(process(nodes=[node("other", {"user": "gil"})])), core_document("objects/user.json")])
    version = next(iter(world.records.holder.snapshots))
    world.records = Records(world.engine, Fixed({version: changed}), steps(notices_of([])), secret=SECRET)
    later = company_of(world)
    later.decide("bob")
    assert [len(later.tasks(who)) for who in ("dan", "fay", "gil")] == [1, 1, 1]  # not gil alone
    later.submit(later.quote(BIG))
    assert [task.node for task in later.tasks("gil")] == ["both", "other"]
