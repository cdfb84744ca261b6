"""Imports that run by themselves: started by a person, taken up chunk by chunk on the bulk queue, stopped at any chunk.

Here: starting and cancelling a job, the handler of its topic. Not here: what a run does (`imports.py`), the queue (`workflow`).

A job that takes long ends its piece of work and puts itself into the queue again, behind others. After a crash the lease of its row
runs out and another worker goes on at the first row without an outcome. Source: spec/data.md, section 1, "Run".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fieldstone.data import imports, jobs
from fieldstone.data.jobs import ENDED, State
from fieldstone.db.transaction import Transaction, read, retrying, write
from fieldstone.errors import FieldstoneError, NotAllowed, Problem, Refused, TryAgain
from fieldstone.records import audit
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.workflow.outbox import Claim, Outbox, Topic
from fieldstone.workflow.tasks import Handler

RUN = Topic(name="import.run", queue="bulk")
SPELL_SECONDS = 300.0  # one piece of work; afterwards others of the bulk queue have their turn


def start(records: Records, outbox: Outbox, principal: Principal, job: str, *, again: bool = False) -> None:
    """Queue the job `job` of `principal`.

    Raises Refused when it was started before, or when the same file was imported by the same mapping and `again` is not given:
    rows that only create would be there twice.
    """

    def work(tx: Transaction) -> None:
        require_new(tx, job, again=again)
        if not jobs.change(tx.connection, job, only=(State.OPEN,), state=State.QUEUED.value, started_at=tx.now):
            raise Refused(Problem(code="import_started"))
        outbox.put(tx, RUN, {"job": job}, dedupe_key=f"import:{job}:0")

    require_own(records, principal, job)
    retrying(records.engine, work)


def require_new(tx: Transaction, job: str, *, again: bool) -> None:
    """Raise Refused when the rows of the job's file were created once already by the same mapping."""
    earlier = None if again else jobs.twin(tx.connection, job)
    if earlier is not None:
        params = {"file": earlier.file_name, "at": earlier.created_at}
        raise Refused(Problem(code="import_twice", params=params))


def cancel(records: Records, principal: Principal, job: str) -> None:
    """Have a job stop: at once if it waits, else at its next chunk. What was imported stays."""

    def work(tx: Transaction) -> None:
        waiting = jobs.change(
            tx.connection, job, only=(State.OPEN, State.QUEUED), state=State.CANCELLED.value, stop="cancel", ended_at=tx.now
        )
        if waiting or jobs.change(tx.connection, job, only=(State.RUNNING,), stop="cancel"):
            audit.note(tx, principal, "import.cancelled", details={"job": job})

    require_own(records, principal, job)
    retrying(records.engine, work)


def require_own(records: Records, principal: Principal, job: str) -> None:
    """Raise NotAllowed unless the job is the person's own: an import acts with the rights of whoever started it."""
    with read(records.engine) as tx:
        row = jobs.get(tx.connection, job)
    if row.by != principal.user_id:
        raise NotAllowed("import")


def handler(records: Records, files: Path, outbox: Outbox, clock: Callable[[], float] = time.monotonic) -> Handler:
    """Return what runs the jobs, whose files lie in `files`."""

    def run(claim: Claim) -> None:
        job, began = claim.payload["job"], clock()

        def step() -> bool:
            with claim.step():  # the work is long: the lease goes on with it
                pass
            return clock() - began < SPELL_SECONDS

        try:
            with read(records.engine) as tx:
                by = jobs.get(tx.connection, job).by
            imports.run(records, imports.opened(records, files, job, records.principal(by)), step=step)
        except TryAgain:
            raise
        except FieldstoneError as failure:
            _fail(records, job, failure)
        with claim.finish() as tx:
            row = jobs.get(tx.connection, job)
            if State(row.state) not in ENDED:
                done = sum(getattr(row, f"rows_{name}") for name in jobs.OUTCOMES)
                outbox.put(tx, RUN, {"job": job}, dedupe_key=f"import:{job}:{done}:{claim.id}")

    return Handler(topic=RUN, run=run)


def _fail(records: Records, job: str, failure: FieldstoneError) -> None:
    problem = jobs.as_json(imports.problem_of(failure))
    with write(records.engine) as tx:
        going = (State.OPEN, State.QUEUED, State.RUNNING)
        jobs.change(tx.connection, job, only=going, state=State.FAILED.value, ended_at=tx.now, problem=problem)
