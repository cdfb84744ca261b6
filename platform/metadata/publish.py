"""A plan becomes the truth: DDL, definitions, history and the next version in one transaction; records on the way there in many.

Here: the order of a publish, its locks, its journal, and taking up a plan that a dead process left.
Not here: what a plan consists of (`plan`, `transition`), statements on records (`fills`), DDL (`ddl`), the rows it leaves
(`publish_rows`).

A plan without work on records is one transaction. One with work: *open* (hidden columns, version + 1), *fill* (1,000 records a
transaction, cursor in the journal), *index* (PostgreSQL, large tables: concurrently), *verify*, *switch* (version + 1). A process may
die anywhere: open and switch are transactions, the rest is taken up at the cursor by `resume`.
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from fieldstone.db import faults, locks
from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction, read, write
from fieldstone.errors import Problem, Refused, TryAgain
from fieldstone.metadata import changes as change_sets
from fieldstone.metadata import ddl, fills, publish_rows, statistics, store, tables
from fieldstone.metadata.changes import Author
from fieldstone.metadata.plan import Given, InUse, Plan, plan
from fieldstone.metadata.snapshot import Snapshot

VERSION_LOCK = "fs_version"
STATEMENT_SECONDS = 60.0  # creating an index on a large table takes its time
PATIENCE_SECONDS = 30.0  # for the version lock, in attempts of 2 s each, so that nobody waits longer behind us
REPLANS = 5  # how often a plan that others overtook without touching its documents is made again

Result = TypeVar("Result")


class Snapshots(Protocol):
    """Who has the snapshot in force; see `holder.Holder`."""

    @property
    def in_use(self) -> InUse | None: ...

    def current(self, connection: Connection) -> Snapshot: ...

    def offer(self, snapshot: Snapshot) -> None: ...


def shared_version_lock(transaction: Transaction) -> None:
    """Hold off switches until `transaction` ends: the first statement of every save. The version is read after it."""
    locks.take(transaction, VERSION_LOCK, shared=True)


def publish(engine: Engine, planned: Plan, *, author: Author, snapshots: Snapshots, wait: bool = True) -> int:
    """Make `planned` the truth and return the version in force afterwards.

    Where records have to be worked on, `wait` says whether to stay until the switch (else a worker calls `resume`).
    Raises Refused with every problem (`plan_stale` when somebody else changed the same documents, `busy_publishing` when another plan
    works on them), TryAgain when the lock does not come. After a refusal nothing has changed.
    """
    for _ in range(REPLANS):
        if planned.require().is_empty:
            return _version(engine)
        try:
            if not (_has_records(engine, planned) or large_indexes(engine, planned)):
                return _at_once(engine, planned, author, snapshots)
            plan_id = _open(engine, planned, author, snapshots)
        except _Overtaken:
            planned = _again(engine, planned, snapshots)
            continue
        except _HasRecords:
            continue
        return resume(engine, plan_id, snapshots=snapshots) if wait else _version(engine)
    raise TryAgain("busy_publishing")


class _Overtaken(Exception):
    """Another version is in force than the plan starts from."""


class _HasRecords(Exception):
    """A table that was empty has records now: they must be worked on."""


def _has_records(engine: Engine, planned: Plan) -> bool:
    tables = fills.tables_of(planned)
    if not tables:
        return False
    with read(engine) as transaction:
        return any(statistics.any_rows(transaction.connection, table) for table in tables)


def _version(engine: Engine) -> int:
    with read(engine) as transaction:
        return store.read_version(transaction.connection).number


def _patiently(engine: Engine, work: Callable[[Transaction], Result]) -> Result:
    """Run `work` in a write transaction that holds the version lock alone; try again while others keep it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with write(engine, statement_seconds=STATEMENT_SECONDS) as transaction:
                locks.take(transaction, VERSION_LOCK)
                return work(transaction)
        except TryAgain as busy:
            if busy.reason == "timeout" or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - not a secret


def _at_once(engine: Engine, planned: Plan, author: Author, snapshots: Snapshots) -> int:
    def work(transaction: Transaction) -> int:
        _require_base(transaction, planned)
        _require_free(transaction, planned)
        connection = transaction.connection
        if any(statistics.any_rows(connection, table) for table in fills.tables_of(planned)):
            raise _HasRecords
        _require_answers(connection, planned, snapshots.in_use)
        _run(connection, (operation for step in planned.steps for operation in step.operations))
        faults.point("publish.after_ddl")
        version = publish_rows.write(transaction, planned, author, kind="publish", plan_id=None)
        faults.point("publish.before_commit")
        return version

    version = _patiently(engine, work)
    assert planned.proposed is not None
    snapshots.offer(planned.proposed)
    faults.point("publish.after_commit")
    return version


def _run(connection: Connection, operations: Iterable[ddl.Operation]) -> None:
    try:
        ddl.run(connection, operations)
    except IntegrityError as error:  # values that were doubled between plan and publish
        raise Refused(Problem(code="rows_duplicate", params={"rows": 1, "examples": []}, pointer="")) from error


def _require_base(transaction: Transaction, planned: Plan) -> None:
    if store.read_version(transaction.connection).number != planned.base_version:
        raise _Overtaken


def _require_free(transaction: Transaction, planned: Plan, besides: str | None = None) -> None:
    """Raise Refused if a plan at work changes one of the same documents."""
    for row in store.plans_at_work(transaction.connection):
        shared = sorted(planned.paths & set(row.paths))
        if row.id != besides and shared:
            params = {"path": shared[0], "author": row.author or "", "reason": row.reason, "done": row.done, "total": row.total}
            raise Refused(Problem(code="busy_publishing", params=params, document=shared[0]))


def _require_answers(connection: Connection, planned: Plan, in_use: InUse | None) -> None:
    """Put the questions that SQL answers once more, and ask what runs: somebody may have written since."""
    assert planned.proposed is not None
    used = in_use(connection, planned.current, planned.proposed) if in_use is not None else ()
    problems = [problem for problem in used if not problem.warning]
    for step in planned.steps:
        question = step.question
        if question is None or question.answered or (question.where is None and question.holds is None):
            continue
        definition = planned.current.tables.get(question.table)
        if definition is None:
            continue
        found = statistics.count(connection, definition, question)
        if found.number:
            document, _, place = question.pointer.partition("#")
            params = {**step.params, "rows": found.number, "examples": list(found.examples)}
            problems.append(Problem(code=question.code, params=params, document=document, pointer=place))
    if problems:
        raise Refused(problems)


def _again(engine: Engine, planned: Plan, snapshots: Snapshots) -> Plan:
    """Plan the same changes on what is in force by now, if nobody touched the same documents. Raises Refused (`plan_stale`)."""
    with read(engine) as transaction:
        current = snapshots.current(transaction.connection)
        before = planned.current.documents
        touched = sorted(path for path in planned.paths if current.documents.get(path) != before.get(path))
        if touched:
            raise Refused([Problem(code="plan_stale", params={"path": path}, document=path) for path in touched])
        return plan(current, planned.changes, transaction.connection, given=planned.given, in_use=snapshots.in_use)


# --- plans that work on records --------------------------------------------------------------------------------------


def _open(engine: Engine, planned: Plan, author: Author, snapshots: Snapshots) -> str:
    """Let hidden columns appear, which every save fills from now on; return the id of the plan in the journal."""
    plan_id = new_id()

    def work(transaction: Transaction) -> None:
        _require_base(transaction, planned)
        _require_free(transaction, planned)
        connection = transaction.connection
        _require_answers(connection, planned, snapshots.in_use)
        version = planned.base_version + 1
        _run(connection, _operations(planned, *AT_OPEN))
        faults.point("publish.after_open_ddl")
        publish_rows.write_hidden(connection, planned, plan_id, version)
        publish_rows.write_plan(transaction, planned, author, plan_id)
        publish_rows.write_version(transaction, author, plan_id, version, kind="open")

    _patiently(engine, work)
    faults.point("publish.after_open")
    return plan_id


def _operations(planned: Plan, *kinds: type[ddl.Operation]) -> list[ddl.Operation]:
    return [operation for step in planned.steps for operation in step.operations if isinstance(operation, kinds)]


# What appears at *open*, hidden: a fill may read a column that is new as well. Indexes follow in the switch.
AT_OPEN = (ddl.AddTable, ddl.AddColumns, ddl.WidenNumber)
AT_SWITCH = (ddl.AddIndex, ddl.DropIndex, ddl.ClearColumn, ddl.DropColumns, ddl.DropTable)


def resume(engine: Engine, plan_id: str, *, snapshots: Snapshots) -> int:
    """Take a plan from where it is to its switch and return the version in force; what a dead process had done stays done.

    Several callers at once do no harm. Raises Refused when it had to pause: the problems are also in the journal.
    """
    while True:
        row, planned = _taken_up(engine, plan_id, snapshots)
        if planned is None:
            return _version(engine)
        work = fills.passes(planned)
        if row.fill < len(work):
            _fill(engine, plan_id, planned, work[row.fill], row.fill)
            continue
        _index(engine, planned)
        try:
            return _switch(engine, plan_id, planned, row, snapshots)
        except _Overtaken:  # a publish elsewhere: plan again on what it left
            continue


def _taken_up(engine: Engine, plan_id: str, snapshots: Snapshots) -> tuple[Row[Any], Plan | None]:
    with read(engine, statement_seconds=STATEMENT_SECONDS) as transaction:
        connection = transaction.connection
        row = connection.execute(select(store.PLAN).where(store.PLAN.c.id == plan_id)).one()
        if row.state not in store.AT_WORK:
            return row, None
        planned = plan_at_work(snapshots.current(connection), row, connection)
    if planned.refused:  # something else was published that this does not go with any more
        _pause(engine, plan_id, planned.refused)
        raise Refused(planned.refused)
    return row, planned


def plan_at_work(current: Snapshot, row: Row[Any], connection: Connection) -> Plan:
    """Return the plan of a row of the journal, made again on `current`. Questions that its fill answers are not asked again."""
    changes = replace(change_sets.from_json(row.changes), based_on={})
    return plan(current, changes, connection, given=Given.from_json(row.given), opened=True)


def _fill(engine: Engine, plan_id: str, planned: Plan, work: fills.Pass, number: int) -> None:
    """Work through one table, 1,000 records a transaction; the cursor commits with what it stands for."""
    busy = 0
    while True:

        def chunk(transaction: Transaction) -> bool:
            connection = transaction.connection
            journal = select(store.PLAN).where(store.PLAN.c.id == plan_id).with_for_update()
            row = connection.execute(journal).one()
            if row.state not in store.AT_WORK or row.fill != number:
                return True  # somebody else has gone on, or cancelled
            cursor, done = fills.chunk(transaction, planned, work, row.cursor)
            connection.execute(
                update(store.PLAN)
                .where(store.PLAN.c.id == plan_id)
                .values(
                    cursor=cursor, done=row.done + done, fill=number if cursor is not None else number + 1, updated_at=transaction.now,
                    state="filling", problems=[],
                )
            )  # fmt: skip
            faults.point("publish.in_fill_chunk")
            return cursor is None

        started = time.monotonic()
        try:
            with write(engine, statement_seconds=STATEMENT_SECONDS) as transaction:
                finished = chunk(transaction)
        except TryAgain:
            busy += 1
            if busy > 100:
                raise
            time.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - not a secret
            continue
        busy = 0
        faults.point("publish.after_fill_chunk")
        if finished:
            return
        # People come first. On SQLite a fill that never paused would hold the one write lock all the time, and who waits for it
        # looks only every now and then: a third of the time it must be free.
        time.sleep((time.monotonic() - started) * (0.1 if engine.dialect.name == "postgresql" else 0.5))


def _index(engine: Engine, planned: Plan) -> None:
    """Build indexes on large tables of PostgreSQL outside of any transaction; an invalid one of an earlier try is dropped first."""
    wanted = large_indexes(engine, planned)
    if not wanted:
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET lock_timeout = 0")
        for operation in wanted:
            valid = connection.execute(_INDEX_VALID, {"name": operation.index.name}).scalar()
            if valid is False:
                connection.exec_driver_sql(f'DROP INDEX CONCURRENTLY "{operation.index.name}"')
            if valid is not True:
                try:
                    connection.exec_driver_sql(ddl.create_index(operation.index, connection.dialect, concurrently=True))
                except IntegrityError as error:
                    connection.exec_driver_sql(f'DROP INDEX CONCURRENTLY IF EXISTS "{operation.index.name}"')
                    raise Refused(Problem(code="rows_duplicate", params={"rows": 1, "examples": []}, pointer="")) from error
        connection.exec_driver_sql("RESET ALL")
        connection.invalidate()  # its settings were our own
    faults.point("publish.after_index")


_INDEX_VALID = text(
    "SELECT i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
    " WHERE c.relname = :name AND c.relnamespace = current_schema()::regnamespace"
)


def large_indexes(engine: Engine, planned: Plan) -> list[ddl.AddIndex]:
    """Return the indexes that PostgreSQL builds while people go on writing."""
    if engine.dialect.name != "postgresql":
        return []
    added = [operation for step in planned.steps for operation in step.operations if isinstance(operation, ddl.AddIndex)]
    with read(engine) as transaction:
        there = planned.current.tables
        return [one for one in added if one.index.table in there and statistics.rows(transaction.connection, one.index.table).estimated]


def _switch(engine: Engine, plan_id: str, planned: Plan, row: Row[Any], snapshots: Snapshots) -> int:
    """Let what was hidden be seen: the rest of the DDL, definitions and the next version, in one transaction."""
    author = Author(id=row.author, reason=row.reason, acting_for=row.acting_for)

    def work(transaction: Transaction) -> int | tuple[Problem, ...]:
        _require_base(transaction, planned)
        connection = transaction.connection
        journal = connection.execute(select(store.PLAN).where(store.PLAN.c.id == plan_id).with_for_update()).one()
        if journal.state not in store.AT_WORK:
            return store.read_version(connection).number
        unfit = fills.verify(transaction, planned)
        if unfit:
            return unfit
        _require_answers(connection, planned, snapshots.in_use)
        _run(connection, _not_there_yet(connection, _operations(planned, *AT_SWITCH)))
        faults.point("publish.after_switch_ddl")
        version = publish_rows.write(transaction, planned, author, kind="switch", plan_id=plan_id)
        connection.execute(update(store.PLAN).where(store.PLAN.c.id == plan_id).values(state="live", updated_at=transaction.now))
        return version

    try:
        outcome = _patiently(engine, work)
    except Refused as refused:
        _pause(engine, plan_id, refused.problems)
        raise
    if isinstance(outcome, tuple):
        _pause(engine, plan_id, outcome)
        raise Refused(outcome)
    assert planned.proposed is not None
    snapshots.offer(planned.proposed)
    faults.point("publish.after_switch")
    return outcome


def _not_there_yet(connection: Connection, operations: Iterable[ddl.Operation]) -> list[ddl.Operation]:
    """Leave out the indexes that were built concurrently before."""
    if connection.dialect.name != "postgresql":
        return list(operations)
    return [
        operation
        for operation in operations
        if not (isinstance(operation, ddl.AddIndex) and connection.execute(_INDEX_VALID, {"name": operation.index.name}).scalar())
    ]


def _pause(engine: Engine, plan_id: str, problems: Iterable[Problem]) -> None:
    told = [
        {"code": problem.code, "params": publish_rows.plain(problem.params), "document": problem.document, "pointer": problem.pointer}
        for problem in problems
    ]
    with write(engine) as transaction:
        transaction.connection.execute(
            update(store.PLAN)
            .where(store.PLAN.c.id == plan_id, store.PLAN.c.state.in_(store.AT_WORK))
            .values(state="paused", problems=told, updated_at=transaction.now)
        )


def cancel(engine: Engine, plan_id: str, *, author: Author, snapshots: Snapshots) -> int:
    """Give up a plan before its switch: its hidden columns go, definitions were never touched. Return the version in force."""

    def work(transaction: Transaction) -> int:
        connection = transaction.connection
        row = connection.execute(select(store.PLAN).where(store.PLAN.c.id == plan_id).with_for_update()).one()
        current = store.read_version(connection).number
        if row.state not in store.AT_WORK:
            return current
        planned = plan_at_work(snapshots.current(connection), row, connection)
        ddl.run(connection, _inverse(_operations(planned, *AT_OPEN)))
        connection.execute(delete(store.COLUMN).where(store.COLUMN.c.plan == plan_id))
        connection.execute(update(store.PLAN).where(store.PLAN.c.id == plan_id).values(state="cancelled", updated_at=transaction.now))
        publish_rows.write_version(transaction, author, plan_id, current + 1, kind="cancel")
        return current + 1

    return _patiently(engine, work)


def _inverse(operations: Iterable[ddl.Operation]) -> Iterator[ddl.Operation]:
    for operation in operations:
        match operation:
            case ddl.AddTable(definition=definition):
                yield ddl.DropTable(table=definition.table)
            case ddl.AddColumns(table=table, field=made):
                yield ddl.DropColumns(table=table, columns=tuple(tables.written_columns(made)))


def resume_all(engine: Engine, *, snapshots: Snapshots) -> tuple[str, ...]:
    """Take up every plan that a dead process left, for a worker at its start; return the ids of those that are live now."""
    with read(engine) as transaction:
        waiting = [row.id for row in store.plans_at_work(transaction.connection) if row.state != "paused"]
    live = []
    for plan_id in waiting:
        try:
            resume(engine, plan_id, snapshots=snapshots)
            live.append(plan_id)
        except Refused:
            continue  # it is paused now, with its problems in the journal
    return tuple(live)
