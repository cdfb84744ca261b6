"""The one way in: every change of every channel passes this pipeline, in batches, in one order.

Here: `Records`, the order of the steps, transactions, what becomes of refused records.
Not here: what a step does (`steps/`), SQL (`gate/`), what follows a save (`workflow` hands its steps in through `StepTable`).
Source: spec/workflow.md, sections 1 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from fieldstone.db import faults
from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction, read, retrying
from fieldstone.errors import Conflict, FieldstoneError, NotAllowed, NotVisible, Problem, Refused
from fieldstone.limits import BATCH_RECORDS, REPORTED_PROBLEMS, TRANSACTION_RECORDS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records import draft as drafts
from fieldstone.records import search
from fieldstone.records.changes import Action, Batch, Cause, Change, Item, Outcome, Step, Work, chunks, outcome
from fieldstone.records.cursor import Cursors
from fieldstone.records.draft import Draft
from fieldstone.records.gate import Gate
from fieldstone.records.gate.people import load
from fieldstone.records.gate.sharing import reader
from fieldstone.records.gate.storage import storage
from fieldstone.records.gate.write import texts
from fieldstone.records.opening import open_for_reading, open_for_writing
from fieldstone.records.principal import Principal
from fieldstone.records.steps import (
    constraints,
    defaults,
    deletion,
    derived,
    formulas,
    guards,
    layout,
    load_and_lock,
    parents,
    people,
    system_validation,
    trail,
    unique,
    validation_rules,
    write,
)
from fieldstone.records.steps import index as search_index
from fieldstone.records.steps import input as values_in
from fieldstone.records.steps.write import BECOMES

Mode: TypeAlias = Literal["all_or_none", "partial"]
Factory: TypeAlias = Callable[[Snapshot, ObjectDef, Action], Step | None]
Also: TypeAlias = Callable[[Transaction, tuple[Outcome, ...]], None]  # what is written in the transaction of the outcomes

REINDEX = Principal.internal("search index")
REINDEXED = 1_000  # records in one transaction
ATTEMPTS = 3  # of a chunk, each without the records that failed in the one before; then record by record


class Holding(Protocol):
    """What the pipeline needs of `metadata/holder.py`."""

    def at(self, version: int, connection: Connection | None = None) -> Snapshot: ...


def nothing(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """The factory of a step that nobody handed in."""
    return None


@dataclass(frozen=True, kw_only=True)
class StepTable:
    """The steps that workflow adds. Each is a factory: it returns the step for an object and action, None if it has nothing to do."""

    locks: Factory = nothing  # 3: refuses changes of records that an approval holds
    before_save: Factory = nothing  # 7
    guarded: Factory = nothing  # 10: refuses values reserved to an approval
    waves: Factory = nothing  # 15
    settle: Factory = nothing  # 16
    outbox: Factory = nothing  # 17


def _order(added: StepTable) -> tuple[tuple[tuple[Action, ...], Factory], ...]:
    """The pipeline up to the first write: for which actions, and the factory of each step."""
    saves: tuple[Action, ...] = ("create", "update")
    kept: tuple[Action, ...] = ("update", "delete", "restore", "transfer")
    every: tuple[Action, ...] = ("create", *kept)
    return (
        (every, load_and_lock.step),  # 2
        (every, guards.step),  # 3
        (kept, added.locks),
        ((*saves, "transfer"), values_in.step),  # 4
        (saves, parents.step),
        (("create",), defaults.step),  # 5
        (saves, formulas.step),  # 6
        (saves, layout.step),
        (saves, added.before_save),  # 7
        ((*saves, "transfer"), formulas.settle_unchanged),  # 8
        ((*saves, "transfer"), parents.again),
        ((*saves, "transfer"), system_validation.step),  # 9
        (("update", "delete"), people.keep_security),
        (saves, validation_rules.step),  # 10
        (saves, added.guarded),
        ((*saves, "restore"), unique.step),  # 11
        (("delete",), deletion.refuse_blocked),
        (("restore",), deletion.prepare_restore),
    )


def _order_of_writes(added: StepTable) -> tuple[tuple[tuple[Action, ...], Factory], ...]:
    """The pipeline from the first write on."""
    saves: tuple[Action, ...] = ("create", "update", "transfer")
    every: tuple[Action, ...] = (*saves, "delete", "restore")
    return (
        (("create",), defaults.auto_numbers),
        (("create",), unique.of_numbers),
        (("delete",), deletion.take_along),
        (every, write.step),  # 13
        (every, people.step),
        (("restore",), deletion.link_again),
        (every, derived.step),  # 14
        (every, write.settle_pending),
        (every, search_index.step),
        (every, added.waves),  # 15
        (every, added.settle),  # 16
        (every, trail.step),
        (every, added.outbox),  # 17
    )


class Records:
    """Reading and saving records of one org. Shared by all threads; holds no state but what it was made with."""

    def __init__(
        self, engine: Engine, holder: Holding, steps: StepTable | None = None, *, secret: str | bytes, currency: str = "USD"
    ) -> None:
        self.engine = engine
        self.holder = holder
        self.cursors = Cursors(secret)
        self.currency = currency
        added = steps or StepTable()
        self._checks, self._writes = _order(added), _order_of_writes(added)
        self.transact: Callable[[Callable[[Transaction], Any]], Any] = partial(retrying, engine)  # work in a write transaction
        self._look: Callable[[], AbstractContextManager[Transaction]] = partial(read, engine)

    def within(self, tx: Transaction) -> Records:
        """Return the same pipeline inside the open transaction `tx`: a save is a savepoint of it, and all of it ends as `tx` ends.

        For rehearsals, which are rolled back: each save has its own time, as it would have on its own.
        """

        def begin(work: Callable[[Transaction], Any]) -> Any:
            with tx.savepoint():
                return work(Transaction(tx.connection, writes=True))

        @contextmanager
        def look() -> Iterator[Transaction]:
            yield Transaction(tx.connection, writes=False)

        inside = copy(self)
        inside.transact, inside._look = begin, look
        return inside

    # --- reading ---

    def principal(self, user_id: str) -> Principal:
        """Return the principal of an active user, in one statement. Raises NotVisible if there is none."""
        with read(self.engine) as tx:
            return load(tx.connection, user_id)

    @contextmanager
    def reading(self, principal: Principal) -> Iterator[Gate]:
        """Open a transaction that reads and yield the gate for `principal`, on the metadata the principal was loaded with."""
        with self._look() as tx:
            yield open_for_reading(tx, self.holder, principal, self.cursors)

    def draft(
        self,
        principal: Principal,
        object_name: str,
        record_id: str | None = None,
        values: Mapping[str, Any] | None = None,
        given: Literal["json", "form"] = "form",
        *,
        record_type: str | None = None,
        layout: str | None = None,
    ) -> Draft:
        """Return what a form with these values shows: defaults, formulas, conditions of the layout. Writes nothing; two statements."""
        with self.reading(principal) as gate:
            return drafts.draft(gate, object_name, record_id, values or {}, given, record_type=record_type, layout_name=layout)

    # --- saving ---

    def save(
        self,
        principal: Principal,
        changes: Sequence[Change],
        *,
        mode: Mode = "all_or_none",
        channel: str = "api",
        dry_run: bool = False,
        cause: Cause | None = None,
        read_back: bool = False,
        also: Also | None = None,
    ) -> tuple[Outcome, ...]:
        """Save `changes` and return what became of each, in their order.

        `all_or_none`: one transaction; a problem of one refuses all, with every problem. `partial`: a transaction per 200 changes, the
        refused ones set aside. `dry_run` goes all the way and rolls back. `read_back` puts into each outcome the record as the
        principal may read it. `also` is called with outcomes in the transaction that makes them true, each outcome in one such call.
        Raises Refused, Conflict, NotAllowed, NotVisible or TryAgain; nothing has been written then.
        """
        if mode == "all_or_none":
            return self._attempt(principal, changes, mode, channel, dry_run, cause, read_back, also)
        done: list[Outcome] = []
        for start in range(0, len(changes), BATCH_RECORDS):
            piece = changes[start : start + BATCH_RECORDS]
            noting = partial(_shifted, also, start) if also else None
            saved = self._partial(principal, piece, channel, dry_run, cause, read_back, noting)
            done += [replace(each, index=start + each.index) for each in saved]
        return tuple(done)

    def save_in(
        self,
        tx: Transaction,
        snapshot: Snapshot,
        principal: Principal,
        changes: Sequence[Change],
        *,
        channel: str = "automation",
        cause: Cause | None = None,
        work: Work | None = None,
    ) -> tuple[Outcome, ...]:
        """Save `changes` in a write transaction that is already open: for approvals, automations and cascades.

        All or none: a refusal raises, and the caller's transaction is to be given up or rolled back to a savepoint.
        """
        shared = work or self._work(channel, cause)
        return self._run(tx, snapshot, principal, list(changes), "all_or_none", shared)

    def reindex(self, object_name: str) -> int:
        """Bring the words of all records of an object into the search index anew, 1,000 a transaction; return how many records.

        For a publish that made fields searchable, whose records nobody has saved since; saves go on meanwhile.
        """
        done, after = 0, ""
        while True:
            count, after = retrying(self.engine, lambda tx, after=after: self._reindex(tx, object_name, after))  # type: ignore[misc]
            done += count
            if count < REINDEXED:
                return done

    def _reindex(self, tx: Transaction, object_name: str, after: str) -> tuple[int, str]:
        snapshot, _ = open_for_writing(tx, self.holder, REINDEX)
        definition = snapshot.object(object_name)
        fields = search.searched(definition)
        images = texts(tx, storage(snapshot, definition.name), tuple(fields), after, REINDEXED)
        if images:
            search.keep(tx, definition, fields, images, new=False)
        return len(images), images[-1]["id"] if images else ""

    def _work(self, channel: str, cause: Cause | None) -> Work:
        return Work(channel=channel, cause=cause, save_in=self.save_in, correlation=new_id(), currency=self.currency)

    def _attempt(
        self,
        principal: Principal,
        changes: Sequence[Change],
        mode: Mode,
        channel: str,
        dry_run: bool,
        cause: Cause | None,
        read_back: bool,
        also: Also | None,
    ) -> tuple[Outcome, ...]:
        def work(tx: Transaction) -> tuple[Outcome, ...]:
            snapshot, acting = open_for_writing(tx, self.holder, principal)
            outcomes = self._run(tx, snapshot, acting, list(changes), mode, self._work(channel, cause))
            if read_back:
                outcomes = _with_records(Gate(tx, reader(snapshot, acting), self.cursors), outcomes)
            if also is not None:
                also(tx, outcomes)
            if dry_run:
                raise _DryRun(outcomes)
            faults.point("save.before_commit")
            return outcomes

        try:
            saved: tuple[Outcome, ...] = self.transact(work)
            faults.point("save.committed")
            return saved
        except _DryRun as done:
            return done.outcomes

    def _partial(
        self,
        principal: Principal,
        changes: Sequence[Change],
        channel: str,
        dry_run: bool,
        cause: Cause | None,
        read_back: bool,
        also: Also | None,
    ) -> list[Outcome]:
        """Save one chunk: what fails after the first write is set aside and the chunk repeated without it, then record by record."""
        waiting = dict(enumerate(changes))
        done: dict[int, Outcome] = {}
        noted: set[int] = set()

        def attempt(mode: Mode) -> tuple[Outcome, ...]:
            places = list(waiting)

            def note(tx: Transaction, outcomes: tuple[Outcome, ...]) -> None:
                assert also is not None
                now = {places[each.index]: replace(each, index=places[each.index]) for each in outcomes}
                also(tx, tuple(each for place, each in (done | now).items() if place not in noted))

            return self._attempt(principal, list(waiting.values()), mode, channel, dry_run, cause, read_back, note if also else None)

        for _ in range(ATTEMPTS):
            places = list(waiting)
            try:
                saved = attempt("partial")
            except _SetAside as failed:
                if not failed.outcomes:
                    break
                for each in failed.outcomes:
                    done[places[each.index]] = replace(each, index=places[each.index])
                    del waiting[places[each.index]]
                if not waiting:
                    break
                continue
            done |= {places[each.index]: replace(each, index=places[each.index]) for each in saved}
            return [done[index] for index in sorted(done)]
        for place, change in list(waiting.items()):
            waiting = {place: change}
            try:
                (single,) = attempt("all_or_none")
                done[place] = replace(single, index=place)
                noted |= set(done)
            except (Refused, NotAllowed, NotVisible) as refusal:
                done[place] = _refused(refusal, place, change)
        left = tuple(done[place] for place in sorted(done) if place not in noted)
        if also is not None and left:
            self.transact(lambda tx: also(tx, left))
        return [done[index] for index in sorted(done)]

    def _run(
        self, tx: Transaction, snapshot: Snapshot, principal: Principal, changes: list[Change], mode: Mode, work: Work
    ) -> tuple[Outcome, ...]:
        work.rows_written += len(changes)
        if work.rows_written > TRANSACTION_RECORDS:
            params = {"name": "transaction_records", "count": work.rows_written, "limit": TRANSACTION_RECORDS}
            raise Refused(Problem(code="limit_exceeded", params=params))
        outcomes: list[Outcome] = []
        asking = reader(snapshot, principal)
        for group in _groups(changes):
            definition = asking.rights.object(group[0][1].object)
            action = group[0][1].action
            checks, writes = self._steps(snapshot, definition, action)
            for piece in chunks(group, BATCH_RECORDS):
                items = [Item(index, change) for index, change in piece]
                batch = Batch(tx=tx, asking=asking, object=definition, action=action, items=items, work=work)
                for step in checks:
                    if batch.open:
                        step(batch)
                faults.point("save.checked")
                _sort_out(batch, mode, len(changes))
                if batch.live:
                    self._write(batch, writes, mode, len(changes))
                outcomes += [outcome(item, definition.name) for item in items]
        return tuple(sorted(outcomes, key=lambda each: each.index))

    def _write(self, batch: Batch, writes: tuple[Step, ...], mode: Mode, count: int) -> None:
        try:
            for step in writes:
                step(batch)
                faults.point("save.step_written")
                if not batch.live:
                    break  # all are refused by now
        except IntegrityError as failure:
            constraints.explain(batch, failure)  # raises the failure again when it is none that input can cause
        failed = [item for item in batch.items if item.problems and item.status is None]
        if failed and mode == "partial":
            # Of several it is not known which ones are to blame: they are tried one by one.
            raise _SetAside([outcome(item, batch.object.name) for item in failed] if len(failed) == 1 else [])
        _sort_out(batch, mode, count)
        for item in batch.live:
            item.status = BECOMES[batch.action]

    def _steps(self, snapshot: Snapshot, definition: ObjectDef, action: Action) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The steps of an object and action, those that have nothing to do left out; made once per snapshot."""
        known = snapshot.once(_step_lists)
        key = (id(self), definition.name, action)
        found = known.get(key)
        if found is None:
            found = known[key] = (
                _made(self._checks, snapshot, definition, action),
                _made(self._writes, snapshot, definition, action),
            )
        return found


def _step_lists(snapshot: Snapshot) -> dict[tuple[int, str, Action], tuple[tuple[Step, ...], tuple[Step, ...]]]:
    return {}


def _made(
    order: tuple[tuple[tuple[Action, ...], Factory], ...], snapshot: Snapshot, definition: ObjectDef, action: Action
) -> tuple[Step, ...]:
    made = (factory(snapshot, definition, action) for actions, factory in order if action in actions)
    return tuple(step for step in made if step is not None)


def _groups(changes: list[Change]) -> Iterator[list[tuple[int, Change]]]:
    """Neighbours of one object and action, which pass as one batch."""
    group: list[tuple[int, Change]] = []
    for index, change in enumerate(changes):
        if group and (group[0][1].object, group[0][1].action) != (change.object, change.action):
            yield group
            group = []
        group.append((index, change))
    if group:
        yield group


def _sort_out(batch: Batch, mode: Mode, count: int) -> None:
    """Refuse the call if a record of it is refused (`all_or_none`), or set those records aside (`partial`)."""
    failed = [item for item in batch.items if item.problems and item.status is None]
    if not failed:
        return
    if mode == "all_or_none":
        raise _refusal(batch, failed, count)
    for item in failed:
        item.status = "refused"


def _refusal(batch: Batch, failed: list[Item], count: int) -> FieldstoneError:
    """What to raise for refused records: of a single change its own kind of refusal, of several every problem with its place."""
    code = failed[0].code
    if count == 1 or all(item.code == code for item in failed):
        if code == "not_found":
            return NotVisible(batch.object.name)
        if code == "forbidden":
            return NotAllowed(f"{batch.object.name}.{batch.action}")
    problems = [
        problem if count == 1 else replace(problem, pointer=f"/records/{item.index}{problem.pointer or ''}")
        for item in failed
        for problem in item.problems
    ]
    if count == 1 and failed[0].conflict is not None:
        current, given = failed[0].conflict
        return Conflict(problems, current=current, given=given, row_version=failed[0].image.get("row_version"))
    codes = {item.code for item in failed}
    return Refused(problems[:REPORTED_PROBLEMS], code=code if len(codes) == 1 and code else "invalid")


def _shifted(also: Also, start: int, tx: Transaction, outcomes: tuple[Outcome, ...]) -> None:
    also(tx, tuple(replace(each, index=start + each.index) for each in outcomes))


def _refused(refusal: FieldstoneError, place: int, change: Change) -> Outcome:
    problems = refusal.problems if isinstance(refusal, Refused) else (Problem(code=refusal.code),)
    return Outcome(index=place, status="refused", object=change.object, id=change.id, problems=problems, code=refusal.code)


def _with_records(gate: Gate, outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Put into each outcome the record as the principal may read it; without one, they may not see it any more."""
    by_object: dict[str, list[str]] = {}
    for each in outcomes:
        if each.id is not None and each.status not in ("deleted", "refused"):
            by_object.setdefault(each.object, []).append(each.id)
    found = {(name, record["id"]): record for name, ids in by_object.items() for record in gate.records(name, ids)}
    return tuple(replace(each, record=found.get((each.object, each.id or ""))) for each in outcomes)


class _DryRun(Exception):
    """Carries the outcomes of a dry run out of its transaction, which is rolled back."""

    def __init__(self, outcomes: tuple[Outcome, ...]) -> None:
        super().__init__()
        self.outcomes = outcomes


class _SetAside(Exception):
    """Records failed after the first write: the chunk is rolled back and repeated without them."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes
