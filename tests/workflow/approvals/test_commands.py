"""Approvals from end to end, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from fieldstone.db.ids import new_id
from fieldstone.db.transaction import read, write
from fieldstone.errors import FieldstoneError, NotAllowed, NotVisible, Refused
from fieldstone.notify import inbox, mail
from fieldstone.records.audit import AUDIT
from fieldstone.records.changes import Change
from fieldstone.records.save import Records
from fieldstone.workflow.approvals import events, store
from fieldstone.workflow.approvals.locks import LOCK
from fieldstone.workflow.approvals.store import INSTANCE, TASK, VISIT
from fieldstone.workflow.steps import steps
from tests.support.company import QUOTE, Company, company_of, documents, node, notices_of, process
from tests.support.statements import counting
from tests.support.worlds import SECRET, Fixed, built, core_document, everything, permission_set

BIG = "25"  # percent: director and finance decide too


def refused(command, *arguments, **options) -> Refused:
    with pytest.raises(Refused) as caught:
        command(*arguments, **options)
    return caught.value


def count(firm: Company, table, *where) -> int:
    with firm.world.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


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
    assert count(firm, TASK) == 2


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
    assert count(firm, INSTANCE) == 1


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


# --- lock and guard --------------------------------------------------------------------------------------------------------------


def change(firm: Company, how: str, quote: str, line: str, who: str = "sue") -> None:
    match how:
        case "update":
            firm.world.update("quote", quote, {"terms": "x"}, who)
        case "delete":
            firm.world.delete("quote", quote, who)
        case "transfer":
            firm.world.save(who, Change(object="quote", action="transfer", id=quote, values={"owner": firm.world.people["bob"]}))
        case "import":
            firm.world.save(who, Change(object="quote", action="update", id=quote, values={"terms": "x"}), channel="import")
        case "new line":
            firm.world.create("line", {"name": "L2", "quote": quote}, who)
        case "change line":
            firm.world.update("line", line, {"price": "1"}, who)
        case "delete line":
            firm.world.delete("line", line, who)


WAYS = ["update", "delete", "transfer", "import", "new line", "change line", "delete line"]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("who", ["sue", "builder"])
def test_a_record_in_approval_is_locked_for_everybody_and_every_channel(company, how, who):
    firm = company()
    quote = firm.quote()
    line = firm.world.create("line", {"name": "L", "quote": quote}, "sue")
    firm.submit(quote)
    assert refused(change, firm, how, quote, line, who).problems[0].code == "record_locked"
    assert firm.state(quote) == ("running", "in_approval")


@pytest.mark.parametrize("how", WAYS)
def test_when_it_has_ended_the_record_is_free(company, how):
    firm = company()
    quote = firm.quote()
    line = firm.world.create("line", {"name": "L", "quote": quote}, "sue")
    firm.submit(quote)
    firm.decide("bob", "reject")
    assert count(firm, LOCK) == 0
    change(firm, how, quote, line)


def test_a_lock_of_fields_holds_those_fields_alone(company):
    firm = company(process(lock={"mode": "fields", "fields": ["amount"]}))
    quote = firm.quote()
    firm.submit(quote)
    firm.world.update("quote", quote, {"terms": "x", "amount": "100.00"}, "sue")  # the same amount is no change
    assert refused(firm.world.update, "quote", quote, {"amount": "1"}, "sue").problems[0].field == "amount"


@pytest.mark.parametrize("status", ["in_approval", "approved"])
@pytest.mark.parametrize("who", ["sue", "builder"])
def test_a_guarded_value_comes_only_from_an_action_of_its_process(company, status, who):
    firm = company()
    quote = firm.quote()
    assert refused(firm.world.update, "quote", quote, {"status": status}, who).code == "guarded_value"
    assert refused(firm.quote, status=status, who=who).code == "guarded_value"
    firm.world.update("quote", quote, {"status": "sent"}, who)


def test_the_approval_status_is_written_by_nobody(company):
    firm = company()
    quote = firm.quote()
    with pytest.raises(Refused):
        firm.world.update("quote", quote, {"approval_status": "approved"}, "sue")


def test_a_person_with_the_right_edit_locked_changes_it_all_the_same_on_the_record(company):
    editors = permission_set("editors", {"quote": everything(QUOTE, "read", "edit", "modify_all")}, setup=["edit_locked"])
    firm = company(process(), more=(editors,))
    firm.world.person("eva", sets=["editors"])
    quote = firm.quote()
    firm.submit(quote)
    firm.world.update("quote", quote, {"terms": "x"}, "eva")
    assert count(firm, AUDIT, AUDIT.c.action == "record.edited_locked") == 1


def test_a_deleted_record_takes_its_approval_along(company):
    firm = company(process(lock={"mode": "none"}))
    quote = firm.quote()
    instance = firm.submit(quote)
    firm.world.delete("quote", quote, "sue")
    assert firm.instance(instance.id).state == "cancelled"
    assert firm.history(instance)[-2:] == ["record_deleted", "finished"]
    assert firm.tasks("bob") == []


# --- recall, transfer ------------------------------------------------------------------------------------------------------------


def test_the_submitter_takes_it_back_before_the_first_decision(company):
    firm = company()
    quote = firm.quote(BIG)
    instance = firm.submit(quote)
    firm.approvals.recall(firm.world.principal("sue"), instance.id, comment="a typo")
    assert firm.state(quote) == ("recalled", "draft")
    assert firm.tasks("bob") == []
    assert count(firm, TASK, TASK.c.state == "cancelled") == 1
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


# --- at once ---------------------------------------------------------------------------------------------------------------------


def at_once(*commands) -> list[object]:
    """Start all commands at the same moment and return what each gave or raised."""
    gate, results = threading.Barrier(len(commands)), [None] * len(commands)

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = commands[place]()
        except FieldstoneError as failure:
            results[place] = failure

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(commands))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told_who(company):
    firm = company(process(nodes=[node("only", {"queue": "finance"})]))
    for _ in range(5):
        quote = firm.quote()
        instance = firm.submit(quote)
        [fay], [gil] = firm.tasks("fay"), firm.tasks("gil")
        results = at_once(partial(firm.decide, "fay", task=fay), partial(firm.decide, "gil", "reject", task=gil))
        lost = [each for each in results if isinstance(each, Refused)]
        assert len(lost) == 1
        assert lost[0].code == "already_closed"
        winner = "fay" if results[1] is lost[0] else "gil"
        assert lost[0].problems[0].params["by"] == winner
        verdict = {"fay": "approved", "gil": "rejected"}[winner]
        assert firm.state(quote)[0] == verdict
        assert firm.history(instance) == ["submitted", "entered", verdict, "finished"]
        assert count(firm, TASK, TASK.c.state == "open") == 0


def test_of_approve_and_recall_at_once_one_wins_and_the_other_writes_nothing(company):
    firm = company()
    for _ in range(5):
        quote = firm.quote()
        instance = firm.submit(quote)
        [task] = firm.tasks("bob")
        take_back = partial(firm.approvals.recall, firm.world.principal("sue"), instance.id)
        results = at_once(partial(firm.decide, "bob", task=task), take_back)
        assert sum(isinstance(each, Refused) for each in results) == 1
        assert firm.state(quote)[0] in ("approved", "recalled")
        assert firm.history(instance).count("finished") == 1


def test_two_submissions_at_once_make_one_instance(company):
    firm = company()
    quote = firm.quote()
    results = at_once(*[lambda: firm.submit(quote)] * 3)
    assert sorted(type(each).__name__ for each in results) == ["Instance", "Refused", "Refused"]
    assert count(firm, INSTANCE) == 1


def test_seven_who_all_must_approve_may_do_so_at_once(company):
    crowd = [f"p{number}" for number in range(7)]
    firm = company(process(nodes=[node("all", *({"user": name} for name in crowd), mode="all")]))
    for name in crowd:
        firm.world.person(name, sets=["sales"])
    quote = firm.quote()
    instance = firm.submit(quote)
    tasks = {name: firm.tasks(name)[0] for name in crowd}
    results = at_once(*(lambda name=name: firm.decide(name, task=tasks[name]) for name in crowd))
    assert [each for each in results if isinstance(each, FieldstoneError)] == []
    assert firm.state(quote)[0] == "approved"
    assert firm.history(instance).count("approved") == 7


# --- what the database promises by itself ----------------------------------------------------------------------------------------


def test_a_verdict_is_final_for_whoever_is_connected(company):
    firm = company()
    firm.submit(firm.quote())
    firm.decide("bob")
    with pytest.raises(DBAPIError, match="a verdict is final"), firm.world.engine.begin() as connection:
        connection.execute(update(INSTANCE).values(verdict="rejected"))


def test_a_second_live_instance_of_a_record_is_refused_by_the_database(company):
    firm = company()
    instance = firm.submit(firm.quote())
    with pytest.raises(IntegrityError), write(firm.world.engine) as tx:
        store.add_instance(tx, firm.world.snapshot, replace(instance, id=new_id()), "{}")


def test_a_refused_command_leaves_nothing(company):
    firm = company(process(nodes=[node("only", {"field": "lawyer.manager"}, when="1 / amount > 0")]))
    quote = firm.quote(amount="0")
    assert refused(firm.submit, quote).code == "rule_fault"
    assert [count(firm, table) for table in (INSTANCE, VISIT, TASK, LOCK, events.EVENT)] == [0] * 5
    assert firm.state(quote) == (None, "draft")


# --- telling people --------------------------------------------------------------------------------------------------------------


def test_approver_and_submitter_are_told_in_their_own_language_with_a_link(company):
    firm = company()
    instance = firm.submit(firm.quote())
    firm.decide("bob")
    with read(firm.world.engine) as tx:
        done, asked = mail.mailbox(tx)
    assert (asked.recipients, asked.subject) == (["bob@example.com"], "待审批：报价 Q-1")
    assert "sue 提交了报价 Q-1 的审批（折扣）" in asked.text
    assert f"https://crm.example.com/approvals/{instance.id}" in asked.text
    assert (done.recipients, done.subject, done.state) == (["sue@example.com"], "Approved: Quote Q-1", "kept")
    with read(firm.world.engine) as tx:
        assert [each.text for each in inbox.page(tx, firm.world.people["bob"], "zh-Hant")] == ["sue 送出的報價 Q-1 等待您簽核（折扣）"]


def test_notify_and_email_steps_say_what_their_reader_may_see(company):
    template = {
        "kind": "email_template",
        "api_name": "won",
        "label": "Won",
        "object": "quote",
        "subject": {"en": "{{ name }} at {{ amount }}"},
        "body": {"en": "<p>{{ terms }}</p>"},
        "format": "html",
    }
    approved = [
        {"id": "n", "type": "notify", "to": [{"user": "fay"}, "=owner"], "text": {"en": "{{ name }}: {{ discount }}"}},
        {"id": "e", "type": "email", "template": "won", "to": ["=owner", {"user": "fay"}]},
    ]
    firm = company(process(actions={"approved": approved}), more=(template,))
    firm.submit(firm.quote(name="<b>Q</b>", terms="<script>"))
    firm.decide("bob")
    with read(firm.world.engine) as tx:
        sue = [each.text for each in inbox.page(tx, firm.world.people["sue"], "en")]
        letters = {each.recipients[0]: each for each in mail.mailbox(tx) if each.html and "<p>" in each.html and "Hello" not in each.html}
        fay = [each.text for each in inbox.page(tx, firm.world.people["fay"], "en")]
    assert letters["sue@example.com"].subject == "<b>Q</b> at 100.00"
    assert letters["sue@example.com"].html == "<p>&lt;script&gt;</p>"
    assert letters["fay@example.com"].subject == "at"  # she sees nothing of the quote
    assert "<b>Q</b>: 15%" in sue  # the page escapes it
    assert fay == [":"]


# --- what pages ask --------------------------------------------------------------------------------------------------------------


def test_the_panel_shows_the_nodes_in_order_with_who_is_waited_for(company):
    firm = company()
    quote = firm.quote(BIG)
    assert [name for name, _ in firm.panels.panel(firm.world.principal("sue"), "quote", quote).processes] == ["discount"]
    firm.submit(quote, comment="please")
    [view] = firm.panels.panel(firm.world.principal("sue"), "quote", quote).instances
    assert [(each.node, each.state, [seat.name for seat in each.seats]) for each in view.nodes] == [
        ("manager", "open", ["bob"]),
        ("both", "upcoming", []),
    ]
    assert view.commands == ("recall",)
    firm.decide("bob", comment="fine by me")
    panel = firm.panels.panel(firm.world.principal("sue"), "quote", quote)
    [view] = panel.instances
    assert [(each.node, each.state, [(seat.name, seat.state, seat.comment) for seat in each.seats]) for each in view.nodes] == [
        ("manager", "approved", [("bob", "approved", "fine by me")]),
        ("both", "open", [("dan", "open", None), ("Finance", "open", None)]),
    ]
    assert panel.locked
    assert view.commands == ()
    assert [(line.kind, line.actor_name, line.comment) for line in view.history][:3] == [
        ("submitted", "sue", "please"),
        ("entered", "", None),
        ("approved", "bob", "fine by me"),
    ]


def test_a_branch_that_was_not_taken_is_not_shown(company):
    firm = company()
    quote = firm.quote("15")
    firm.submit(quote)
    firm.decide("bob")
    [view] = firm.panels.panel(firm.world.principal("sue"), "quote", quote).instances
    assert [(each.node, each.state) for each in view.nodes] == [("manager", "approved")]


def test_an_approver_without_access_to_the_record_sees_the_approval_while_it_is_theirs_and_after(company):
    firm = company()
    instance = firm.submit(firm.quote())
    bob, gil = firm.world.principal("bob"), firm.world.principal("gil")
    view = firm.panels.instance(bob, instance.id)
    assert view.commands == ("approve", "reject", "transfer")
    assert view.evidence is not None
    with pytest.raises(NotVisible):
        firm.panels.instance(gil, instance.id)
    firm.decide("bob")
    after = firm.panels.instance(bob, instance.id)
    assert after.commands == ()
    assert after.evidence.shown["fields"]["discount"] == "15.0"
    with pytest.raises(NotVisible):
        firm.panels.panel(bob, "quote", instance.record)


def test_amounts_stay_exact_in_the_evidence(company):
    firm = company()
    quote = firm.quote(amount="12345678901234.56")
    firm.submit(quote)
    [task] = firm.tasks("bob")
    assert Decimal(task.evidence["fields"]["amount"]) == Decimal("12345678901234.56")


def test_the_inbox_asks_no_more_statements_for_many_tasks_than_for_one(company):
    firm = company()
    bob = firm.world.principal("bob")

    def statements() -> int:
        with counting(firm.world.engine) as seen:
            firm.panels.open_tasks(bob)
        return len(seen)

    firm.submit(firm.quote())
    firm.panels.open_tasks(bob)  # what is made once is made
    one = statements()
    for number in range(12):
        quote = firm.quote(name=f"Q-{number}")
        firm.world.create("line", {"name": "L", "quote": quote, "price": str(number)}, "sue")
        firm.submit(quote)
    tasks = firm.panels.open_tasks(bob)
    assert [task.record_name for task in tasks] == ["Q-1", *(f"Q-{number}" for number in range(12))]
    assert tasks[3].evidence["children"]["line.quote"][0]["price"] == "2.00"
    assert statements() == one
