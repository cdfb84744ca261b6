"""What must hold of all approvals of an org at any time: the invariants of the workflow specification, section 19, as one function.

18 one verdict, 19 one live instance, 20 locks, 21 closed visits, 23 counts, 24 one seat each, 25 no self-approval, 29 evidence,
30 guarded values, 33 chains.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from fieldstone.db.transaction import read
from fieldstone.workflow.approvals import events, store
from fieldstone.workflow.approvals.count import count
from fieldstone.workflow.approvals.locks import LOCK
from fieldstone.workflow.approvals.states import DECIDED, LIVE, LOCKING, TaskState, VisitState
from fieldstone.workflow.approvals.store import INSTANCE
from fieldstone.workflow.approvals.versions import process_of
from tests.support.company import Company


def broken(firm: Company) -> list[str]:
    """Return every invariant that does not hold, in words; nothing if all is well."""
    found: list[str] = []
    with read(firm.world.engine) as tx:
        rows = tx.connection.execute(select(INSTANCE)).all()
        instances = [store.instance_of(row, firm.world.snapshot) for row in rows]
        locked = {(row.record_id, row.instance_id) for row in tx.connection.execute(select(LOCK.c.record_id, LOCK.c.instance_id))}
        visits = store.visits(tx, [each.id for each in instances])
        chains = {each.id: events.chain(tx, each.id) for each in instances}
        kept = {each.id: store.evidence(tx, each.id) for each in instances}
        processes = {each.id: process_of(firm.world.snapshot, tx, each) for each in instances}
    for row, instance in zip(rows, instances, strict=True):
        if (row.verdict is None) is not instance.state.live or row.verdict not in (None, instance.state.value):
            found.append(f"18: verdict {row.verdict} of an instance that is {instance.state}")
        ends = [each for each in chains[instance.id] if each.kind == "finished"]
        if len(ends) != (0 if instance.state.live else 1):
            found.append(f"18: {len(ends)} ends in the history of an instance that is {instance.state}")
    live = Counter((each.object, each.record, each.exclusive_group) for each in instances if each.state in LIVE)
    found += [f"19: {number} live instances of {key}" for key, number in live.items() if number > 1]
    expected = {(each.record, each.id) for each in instances if each.state in LOCKING and processes[each.id].lock.mode != "none"}
    if locked != expected:
        found.append(f"20: locked {locked ^ expected}")
    for instance in instances:
        process = processes[instance.id]
        nodes = {node.id: node for node in process.all_nodes()}
        for visit in visits[instance.id]:
            states = [task.state for task in visit.tasks]
            if visit.state is not VisitState.OPEN and TaskState.OPEN in states:
                found.append(f"21: an open task in a visit that is {visit.state}")
            if visit.state in (VisitState.APPROVED, VisitState.REJECTED) and visit.tasks:
                verdict = count(
                    [task for task in visit.seats if task.state in DECIDED or task.state is TaskState.SUPERSEDED], nodes[visit.node].mode
                )
                if verdict is None or verdict.value != visit.state.value:
                    found.append(f"23: the seats {states} do not make {visit.state}")
            if visit.state is VisitState.OPEN and visit.tasks and TaskState.OPEN not in states:
                found.append("23: all seats have answered and the visit is open")
            people = [person for task in visit.seats for person in {task.user, task.decided_by} if person is not None]
            if any(number > 1 for number in Counter(people).values()):
                found.append("24: one person has two seats")
            for task in visit.tasks:
                if process.self_approval != "allow" and task.decided_by == instance.submitter:
                    found.append("25: the submitter has decided")
                if task.state in DECIDED and task.evidence_hash not in kept[instance.id]:
                    found.append("29: a decision rests on evidence that was not kept")
        if instance.state.value == "running":
            open_tasks = [task for visit in visits[instance.id] for task in visit.tasks if task.state is TaskState.OPEN]
            if not open_tasks:
                found.append("22: running and nobody is asked")
        wrong = events.verify(chains[instance.id])
        if wrong is not None:
            found.append(f"33: {wrong}")
    return found + _guarded(firm)


def _guarded(firm: Company) -> list[str]:
    """30: a quote has a guarded status only if its latest approval gave it."""
    from fieldstone.records.query import Query

    with firm.world.reading() as gate:
        quotes = gate.read(Query(object="quote", select=("status", "approval_status"), limit=200)).records
    allowed = {"in_approval": {"running", "suspended"}, "approved": {"approved"}}
    return [
        f"30: status {each['status']} beside approval {each['approval_status']}"
        for each in quotes
        if each["status"] in allowed and each["approval_status"] not in allowed[each["status"]]
    ]
