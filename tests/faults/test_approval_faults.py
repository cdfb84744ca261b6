"""A decision killed at any point: it stands wholly or not at all, and what was acknowledged is there. Both databases."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import func, select

from fieldstone.notify.inbox import NOTIFICATION
from fieldstone.notify.mail import MAIL
from fieldstone.workflow.outbox import OUTBOX
from tests.faults.approval_child import approve
from tests.support import children
from tests.support.company import Company
from tests.workflow.approvals.invariants import broken

pytestmark = pytest.mark.faults

FAULTS = ("decision.locked", "decision.stored", "decision.before_commit")


def decide_in_a_process(firm: Company, who: str, fault: str = "") -> tuple[int, str | None]:
    """Approve somebody's task in a process that dies at `fault`; return its exit code and what it acknowledged."""
    [task] = firm.tasks(who)
    url = firm.world.engine.url.render_as_string(hide_password=False)
    return children.run(approve, url, firm.world.people[who], task.id, task.evidence_hash, fault=fault)


def rows(firm: Company, table, *where) -> int:
    with firm.world.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_decision_killed_before_its_commit_has_not_happened_and_can_be_made(company, fault):
    firm = company()
    quote = firm.quote()
    instance = firm.submit(quote)
    told = rows(firm, NOTIFICATION)
    assert decide_in_a_process(firm, "bob", fault) == (-signal.SIGKILL, None)
    assert firm.state(quote) == ("running", "in_approval")
    assert firm.history(instance) == ["submitted", "entered"]
    assert rows(firm, NOTIFICATION) == told
    assert rows(firm, OUTBOX) == 0
    assert broken(firm) == []
    assert decide_in_a_process(firm, "bob") == (0, "acknowledged")
    assert firm.state(quote) == ("approved", "approved")
    assert firm.history(instance).count("approved") == 1
    assert broken(firm) == []


def test_a_decision_killed_after_its_commit_has_happened_once_with_all_that_follows(company):
    firm = company()
    quote = firm.quote()
    instance = firm.submit(quote)
    assert decide_in_a_process(firm, "bob", "decision.committed") == (-signal.SIGKILL, None)
    assert firm.state(quote) == ("approved", "approved")
    assert firm.history(instance) == ["submitted", "entered", "approved", "branched", "finished"]
    mailed = rows(firm, MAIL, MAIL.c.state == "waiting")
    assert (mailed, rows(firm, OUTBOX)) == (1, 1)  # the mail waits for the sweeper, which needs no hint
    assert firm.tasks("bob") == []
    assert broken(firm) == []
