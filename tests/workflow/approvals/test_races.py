"""Of commands at once one wins, and the database keeps by itself what must never be otherwise."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError, IntegrityError

from fieldstone.db.ids import new_id
from fieldstone.db.transaction import write
from fieldstone.errors import FieldstoneError, Refused
from fieldstone.workflow.approvals import events, store
from fieldstone.workflow.approvals.locks import LOCK
from fieldstone.workflow.approvals.store import INSTANCE, TASK, VISIT
from tests.support.company import node, process, refused


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
        assert firm.count(TASK, TASK.c.state == "open") == 0


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
    assert firm.count(INSTANCE) == 1


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
    refusal = refused(firm.submit, quote)
    assert (refusal.code, refusal.problems[0].params["category"]) == ("rule_fault", "division_by_zero")
    assert [firm.count(table) for table in (INSTANCE, VISIT, TASK, LOCK, events.EVENT)] == [0] * 5
    assert firm.state(quote) == (None, "draft")
