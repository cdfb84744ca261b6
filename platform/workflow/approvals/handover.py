"""People who are no longer active: what waits for them goes to others, within a minute.

Here: the topic, its handler, and finding whom it concerns. Not here: who gets a task (`people.successor`), the command (`commands.py`).

The save that deactivates somebody puts one row; the scheduler asks once a minute besides, for tasks that were given to them meanwhile.
Each approval is a transaction of its own: what one process runs into keeps nobody from being deactivated.
Source: spec/workflow.md, section 13, T17; section 19, invariant 27.
"""

from __future__ import annotations

from functools import partial

from fieldstone.db.transaction import Transaction
from fieldstone.records.principal import Principal
from fieldstone.workflow.approvals import store
from fieldstone.workflow.approvals.commands import Approvals
from fieldstone.workflow.approvals.directory import OrgDirectory
from fieldstone.workflow.outbox import Claim, Outbox, Topic
from fieldstone.workflow.sweeper import Periodic
from fieldstone.workflow.tasks import Handler

PERSON_GONE = Topic(name="approval.person_gone", queue="interactive")
PERIODIC = Periodic(topic=PERSON_GONE, every_seconds=60)


def put(tx: Transaction, box: Outbox, user: str) -> None:
    """Have what waits for `user`, who is no longer active, handed over when `tx` has committed."""
    box.put(tx, PERSON_GONE, {"user": user})


def handler(approvals: Approvals) -> Handler:
    """Return what hands over the tasks of one person (`user` in the payload), or of everybody who is no longer active."""
    return Handler(topic=PERSON_GONE, run=partial(_run, approvals))


def _run(approvals: Approvals, claim: Claim) -> None:
    for instance_id, user in waiting(approvals, claim.payload.get("user")):
        with claim.step():  # there may be many: the lease goes on with them
            pass
        approvals.hand_over(instance_id, user)


def waiting(approvals: Approvals, user: str | None = None) -> list[tuple[str, str]]:
    """Return (instance, person) for every approval that waits for somebody who is no longer active."""
    with approvals.records.reading(Principal.automation("approval")) as gate:
        asked = [user] if user is not None else store.holders(gate.tx)
        known = OrgDirectory(gate).people(asked)
        gone = [each for each in asked if each not in known or not known[each].active]
        return [(instance_id, each) for each in gone for instance_id in store.waiting_for(gate.tx, each)]
