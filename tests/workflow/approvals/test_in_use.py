"""What a change of the metadata is told about approvals that run, on both databases and on every road a change takes."""

from __future__ import annotations

import pytest

from fieldstone.db.transaction import read
from fieldstone.i18n.texts import word
from fieldstone.metadata.changes import ChangeSet, Place, Rename
from fieldstone.metadata.plan import Given, outline, plan
from fieldstone.workflow.approvals.in_use import problems
from tests.support.company import PROCESS, QUOTE, process

PATH = "approval_processes/quote/discount.json"


def planned(firm, *put, **more):
    with read(firm.world.engine) as tx:
        return plan(firm.world.snapshot, ChangeSet(put=put, **more), tx.connection, in_use=problems)


def against(firm, *put):
    """What stands against these documents, nobody having counted any records."""
    proposed = outline(firm.world.snapshot, ChangeSet(put=put), Given()).proposed
    with read(firm.world.engine) as tx:
        return list(problems(tx.connection, firm.world.snapshot, proposed))


def go_on_with(firm, found):
    """Let a plan be in force: worlds are built by hand, not published."""
    holder = firm.world.records.holder
    holder.snapshots = dict.fromkeys(holder.snapshots, found.proposed)
    firm.world.snapshot = found.proposed


def told(found):
    return [(problem.code, problem.pointer, problem.warning) for problem in found.problems]


def without(name: str):
    return {**QUOTE, "fields": {key: part for key, part in QUOTE["fields"].items() if key != name}}


def fields_lock(**changes):
    return process(lock={"mode": "fields", "fields": ["amount"]}, **changes)


@pytest.mark.parametrize(
    ("running", "put", "more", "expected"),
    [
        pytest.param(PROCESS, (), {"remove": (PATH,)}, [("version_in_use", None, False)], id="removing the process"),
        pytest.param(PROCESS, (process(active=False),), {}, [("approvals_go_on", "/active", True)], id="switching it off"),
        pytest.param(PROCESS, (process(lock={"mode": "full"}),), {}, [("approval_locks_held", "/lock", False)], id="freeing children"),
        pytest.param(fields_lock(), (process(lock={"mode": "none"}),), {}, [("approval_locks_held", "/lock", False)], id="freeing fields"),
        pytest.param(PROCESS, (process(priority=20, label="Rebate"),), {}, [], id="changing what new ones go by"),
    ],
)
def test_a_change_of_a_process_with_running_approvals(company, running, put, more, expected):
    firm = company(running)
    assert told(planned(firm, *put, **more)) == []
    firm.submit(firm.quote())
    assert told(planned(firm, *put, **more)) == expected
    firm.decide("bob", "reject")
    assert told(planned(firm, *put, **more)) == []


def test_a_field_that_only_the_version_of_a_running_approval_uses_stays(company):
    firm = company()
    firm.submit(firm.quote())
    go_on_with(firm, planned(firm, process(evidence=["discount", "lines"])))
    assert [problem.code for problem in against(firm, without("amount"))] == ["field_in_approvals"]
    assert against(firm, without("terms")) == []


def test_a_renamed_process_is_still_known_by_its_running_approvals(company):
    firm = company()
    instance = firm.submit(firm.quote())
    renaming = Rename(place=Place(kind="approval_process", object="quote", name="discount"), to="rebate")
    renamed = planned(firm, rename=(renaming,))
    assert renamed.problems == ()
    go_on_with(firm, renamed)
    assert firm.instance(instance.id).process == "rebate"
    assert [p.code for p in planned(firm, remove=("approval_processes/quote/rebate.json",)).problems] == ["version_in_use"]
    firm.decide("bob")  # its actions still may set the values that are guarded
    assert firm.instance(instance.id).state == "approved"


@pytest.mark.parametrize(
    ("count", "english"),
    [
        (1, "1 approval is running by “discount” of Quote. Switch the process off, and remove it when it has ended."),
        (2, "2 approvals are running by “discount” of Quote. Switch the process off, and remove it when they have ended."),
    ],
)
def test_the_words_go_with_the_number(company, count, english):
    firm = company()
    for _ in range(count):
        firm.submit(firm.quote())
    (problem,) = planned(firm, remove=(PATH,)).problems
    assert word(problem, "en", firm.world.snapshot) == english
