"""Imports that run by themselves: started by a person, taken up chunk by chunk on the bulk queue, stopped at any chunk.

Here: checking, starting and cancelling a job, the handlers of both topics.
Not here: what a run does (`imports.py`), the queue (`workflow`).

A job that takes long ends its piece of work and puts itself into the queue again, behind others. After a crash the lease of its row
runs out and another worker goes on at the first row without an outcome. Source: spec/data.md, section 1, "Run".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from fieldstone.data import csv_files, imports, jobs, near_misses
from fieldstone.data.imports import Group, Import
from fieldstone.data.jobs import ENDED, State
from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction, read, retrying, write
from fieldstone.errors import FieldstoneError, NotAllowed, Problem, Refused, TryAgain
from fieldstone.notify import inbox
from fieldstone.notify.inbox import Notice
from fieldstone.records import audit
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.workflow.outbox import Claim, Outbox, Topic
from fieldstone.workflow.tasks import Handler

RUN = Topic(name="import.run", queue="bulk")
CHECK = Topic(name="import.check", queue="bulk", retries=1)
GROUPS = 200  # of failed rows that a check keeps, the most frequent
SPELL_SECONDS = 300.0  # one piece of work; afterwards others of the bulk queue have their turn


def check(records: Records, outbox: Outbox, principal: Principal, job: str) -> None:
    """Queue a rehearsal of the job as it is mapped now; its report will stand in the column `checked`. Raises Refused once it runs."""

    def work(tx: Transaction) -> None:
        row = jobs.get(tx.connection, job)
        checked = {"state": "waiting", "mapping": row.mapping, "token": new_id()}
        if not jobs.change(tx.connection, job, only=(State.OPEN,), checked=checked):
            raise Refused(Problem(code="import_started"))
        outbox.put(tx, CHECK, {"job": job, "token": checked["token"]})

    require_own(records, principal, job)
    retrying(records.engine, work)


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


def handlers(records: Records, files: Path, outbox: Outbox, clock: Callable[[], float] = time.monotonic) -> tuple[Handler, ...]:
    """Return what checks and runs the jobs, whose files lie in `files`."""

    def opened(job: str) -> Import:
        with read(records.engine) as tx:
            by = jobs.get(tx.connection, job).by
        return imports.opened(records, files, job, records.principal(by))

    def run(claim: Claim) -> None:
        job, began = claim.payload["job"], clock()

        def step() -> bool:
            with claim.step():  # the work is long: the lease goes on with it
                pass
            return clock() - began < SPELL_SECONDS

        try:
            imports.run(records, opened(job), step=step)
        except TryAgain:
            raise
        except FieldstoneError as failure:
            _fail(records, job, failure)
        with claim.finish() as tx:
            row = jobs.get(tx.connection, job)
            _tell(tx, row)
            if State(row.state) not in ENDED:
                done = sum(getattr(row, f"rows_{name}") for name in jobs.OUTCOMES)
                outbox.put(tx, RUN, {"job": job}, dedupe_key=f"import:{job}:{done}:{claim.id}")

    def rehearse(claim: Claim) -> None:
        job, token = claim.payload["job"], claim.payload["token"]
        what = opened(job)
        total = sum(1 for _ in csv_files.rows(what.path, what.reading))

        def step(done: int) -> None:
            with claim.step() as tx:
                _note_check(tx, job, token, {"state": "running", "done": done, "total": total})

        try:
            found = imports.report(imports.foretell(records, what, step=step))
            with records.reading(what.principal) as gate:
                found = near_misses.with_suggestions(gate, found)
            checked = {"state": "done", "counts": dict(found.counts), "groups": [_group(each) for each in found.groups[:GROUPS]]}
        except TryAgain:
            raise
        except Refused as refusal:
            checked = {"state": "failed", "problems": [jobs.as_json(problem) for problem in refusal.problems]}
        except FieldstoneError as failure:
            checked = {"state": "failed", "problems": [jobs.as_json(imports.problem_of(failure))]}
        with claim.finish() as tx:
            _note_check(tx, job, token, checked)

    return Handler(topic=RUN, run=run), Handler(topic=CHECK, run=rehearse)


def _tell(tx: Transaction, row: Row[Any]) -> None:
    """Put the end of an import into the bell of whoever started it."""
    if row.state not in (State.DONE.value, State.FAILED.value):
        return
    counts = {name: getattr(row, f"rows_{name}") for name in jobs.OUTCOMES}
    kind = "import_done" if row.state == State.DONE.value else "import_failed"
    inbox.put(tx, [row.by], Notice(kind=kind, params={"file": row.file_name, **counts}, link=f"/imports/{row.id}"))


def _note_check(tx: Transaction, job: str, token: str, found: Mapping[str, object]) -> None:
    """Write how far a check is, unless another one was asked for meanwhile."""
    row = jobs.get(tx.connection, job)
    if row.checked and row.checked.get("token") == token:
        jobs.change(tx.connection, job, only=(State.OPEN,), checked={"mapping": row.checked["mapping"], "token": token, **found})


def _group(group: Group) -> dict[str, object]:
    return {"problem": jobs.as_json(group.problem), "count": group.count, "first_row": group.first_row}


def _fail(records: Records, job: str, failure: FieldstoneError) -> None:
    problem = jobs.as_json(imports.problem_of(failure))
    with write(records.engine) as tx:
        going = (State.OPEN, State.QUEUED, State.RUNNING)
        jobs.change(tx.connection, job, only=going, state=State.FAILED.value, ended_at=tx.now, problem=problem)
