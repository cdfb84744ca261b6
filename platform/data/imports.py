"""Rows of a file become records: chunk by chunk through gate and save pipeline, each row once, with the outcome of every row.

Here: rehearsing an import and running it, finding the records that rows mean, summing up what happened.
Not here: reading files (`csv_files.py`), mapping cells to fields (`mapping.py`), the rows of jobs (`jobs.py`), near misses.

The check is the run: the same code on the same chunks. On SQLite it works on a private copy of the database, because one open
transaction would stop everybody; on PostgreSQL in a transaction that is rolled back. Source: spec/data.md, section 1.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from fieldstone import rules
from fieldstone.data import csv_files, jobs, mapping
from fieldstone.data.csv_files import Reading, Row
from fieldstone.data.jobs import RowOutcome, State
from fieldstone.data.mapping import STAMP, ImportMapping
from fieldstone.db import faults, statistics
from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import Transaction, read, write
from fieldstone.errors import FieldstoneError, Problem, Refused
from fieldstone.limits import BATCH_RECORDS
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.records import audit
from fieldstone.records.changes import Change, Outcome
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import require_setup
from fieldstone.records.gate.write import compared
from fieldstone.records.principal import Principal
from fieldstone.records.query import Reference
from fieldstone.records.save import Records

MATCHES = 5_000  # records that one chunk's first key may find: with more, it tells nothing apart
CHECK_SECONDS = 600.0  # of the one transaction in which an import is rehearsed on PostgreSQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import, ready to go: whose, of which file, by which mapping. `job`: where its outcomes are kept."""

    job: str
    principal: Principal
    path: Path
    reading: Reading
    mapping: ImportMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that failed for one reason: one line for all of them."""

    problem: Problem
    count: int
    first_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an import did, or would do. The counts add up to the rows of the file."""

    counts: Mapping[str, int]  # by outcome, all of `jobs.OUTCOMES`
    groups: tuple[Group, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return sum(self.counts.values())


# --- files --------------------------------------------------------------------------------------------------------------------


def keep(files: Path, source: Path) -> str:
    """Copy an uploaded file into the org's folder, named by its content, and return that name."""
    name = hashlib.sha256(source.read_bytes()).hexdigest()
    target = files / "imports" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copyfile(source, target)
    return name


def kept(files: Path, name: str) -> Path:
    """Return where the file called `name` is kept."""
    return files / "imports" / name


def opened(records: Records, files: Path, job: str, principal: Principal) -> Import:
    """Return the import that a job describes. Raises NotVisible if there is no such job."""
    with read(records.engine) as tx:
        row = jobs.get(tx.connection, job)
    reading = csv_files.load(row.reading)
    return Import(job=job, principal=principal, path=kept(files, row.file_hash), reading=reading, mapping=mapping.load(row.mapping))


# --- check and run ------------------------------------------------------------------------------------------------------------


def require_sound(records: Records, what: Import) -> None:
    """Raise Refused with every reason why the mapping does not fit object and file, NotAllowed without the right to import."""
    with records.reading(what.principal) as gate:
        definition = gate.rights.object(what.mapping.object)
        require_setup(gate.rights, "import")
        problems = mapping.check(what.mapping, definition, gate.rights, what.reading.columns)
    if problems:
        raise Refused(problems)


def rehearse(records: Records, what: Import) -> Report:
    """Return what a run would do. Nothing is left of it."""
    return report(foretell(records, what))


def foretell(records: Records, what: Import, *, step: Callable[[int], object] = lambda done: None) -> list[RowOutcome]:
    """Return what would become of each row, the same as in a run if nobody else writes in between; ids apart. Nothing is left of it.

    `step` is called before each chunk with the number of rows done.
    """
    require_sound(records, what)
    outcomes: list[RowOutcome] = []
    with _rehearsal(records) as elsewhere:
        for chunk in _chunks(what, frozenset()):
            step(len(outcomes))
            _Chunk(elsewhere, what, chunk).save(lambda tx, found: outcomes.extend(found))
    return outcomes


def run(records: Records, what: Import, *, step: Callable[[], bool] = lambda: True) -> Report:
    """Import the rows that have no outcome yet and return what became of all rows.

    `step` is called before each chunk; when it returns False the run stops there and can be taken up again. What a killed run had
    written is skipped: an outcome is committed together with its record.
    """
    require_sound(records, what)
    with write(records.engine) as tx:
        begun = jobs.change(tx.connection, what.job, only=(State.OPEN, State.QUEUED, State.RUNNING), state=State.RUNNING.value)
        done = jobs.rows_done(tx.connection, what.job)
        if begun and not done:
            jobs.change(tx.connection, what.job, started_at=tx.now, rows_total=sum(1 for _ in csv_files.rows(what.path, what.reading)))
            audit.note(tx, what.principal, "import.started", details={"job": what.job, "object": what.mapping.object})
    if not begun:
        return of_job(records, what.job)

    def note(tx: Transaction, found: list[RowOutcome]) -> None:
        jobs.note_rows(tx, what.job, found)
        faults.point("import.chunk_saved")

    for chunk in _chunks(what, done):
        if not step() or _is_cancelled(records, what.job):
            return of_job(records, what.job)
        faults.point("import.before_chunk")
        _Chunk(records, what, chunk).save(note)
    with write(records.engine) as tx:
        jobs.change(tx.connection, what.job, only=(State.RUNNING,), state=State.DONE.value, ended_at=tx.now)
    statistics.refresh(records.engine)
    return of_job(records, what.job)


def of_job(records: Records, job: str) -> Report:
    """Return what became of the rows of a job so far."""
    with read(records.engine) as tx:
        row = jobs.get(tx.connection, job)
        failed = jobs.row_outcomes(tx.connection, job, outcome="failed")
    outcomes = [
        RowOutcome(row=each.row, outcome="failed", problems=tuple(jobs.of_json(found) for found in each.problems or ())) for each in failed
    ]
    counts = {name: getattr(row, f"rows_{name}") for name in jobs.OUTCOMES}
    return replace(report(outcomes), counts=counts)


def report(outcomes: Sequence[RowOutcome]) -> Report:
    """Sum up outcomes: counts, and the failed rows grouped by their reason, the most frequent first."""
    counts = {name: sum(each.outcome == name for each in outcomes) for name in jobs.OUTCOMES}
    groups: dict[tuple[Any, ...], Group] = {}
    for each in outcomes:
        if each.outcome != "failed":
            continue
        for problem in each.problems:
            params = tuple(sorted((name, str(value)) for name, value in problem.params.items() if name != "row"))
            key = (problem.code, problem.field, problem.rule, params)
            known = groups.get(key)
            groups[key] = replace(known, count=known.count + 1) if known else Group(problem=problem, count=1, first_row=each.row)
    return Report(counts=counts, groups=tuple(sorted(groups.values(), key=lambda group: (-group.count, group.first_row))))


def _is_cancelled(records: Records, job: str) -> bool:
    with read(records.engine) as tx:
        row = jobs.get(tx.connection, job)
    if row.stop != "cancel":
        return bool(row.state != State.RUNNING.value)
    with write(records.engine) as tx:
        jobs.change(tx.connection, job, only=(State.RUNNING,), state=State.CANCELLED.value, ended_at=tx.now)
    return True


def _chunks(what: Import, done: frozenset[int] | set[int]) -> Iterator[list[Row]]:
    """Yield the rows without an outcome, in the order of the file, as many as a save takes."""
    waiting = (row for row in csv_files.rows(what.path, what.reading) if row.number not in done)
    while chunk := list(islice(waiting, BATCH_RECORDS)):
        yield chunk


class _Over(Exception):
    """A rehearsal has ended: its transaction is rolled back."""


@contextmanager
def _rehearsal(records: Records) -> Iterator[Records]:
    """Yield the same pipeline on a database whose changes nobody will see."""
    if records.engine.dialect.name == "sqlite":
        with tempfile.TemporaryDirectory(prefix="fieldstone-check-") as folder:
            engine = _copied(records.engine, Path(folder) / "copy.sqlite")
            try:
                elsewhere = copy(records)
                elsewhere.engine = engine
                with _rolled_back(elsewhere) as inside:
                    yield inside
            finally:
                engine.dispose()
        return
    with _rolled_back(records) as inside:
        yield inside


@contextmanager
def _rolled_back(records: Records) -> Iterator[Records]:
    with suppress(_Over), write(records.engine, statement_seconds=CHECK_SECONDS) as tx:
        yield records.within(tx)
        raise _Over


def _copied(engine: Engine, path: Path) -> Engine:
    """Return an engine on a copy of the SQLite database, made by its online backup while others go on working."""
    with read(engine) as tx:
        source: Any = tx.connection.connection.driver_connection
        target = sqlite3.connect(path)
        try:
            source.backup(target)
        finally:
            target.close()
    return create_engine(f"sqlite:///{path}", on_connect=(rules.register_functions,))


# --- one chunk ----------------------------------------------------------------------------------------------------------------

Note = Callable[[Transaction, list[RowOutcome]], None]


class _Chunk:
    """Up to 200 rows on their way: read by the mapping, matched with records, saved."""

    def __init__(self, records: Records, what: Import, rows: Sequence[Row]) -> None:
        self.records, self.what, self.rows = records, what, rows
        self.mapping = what.mapping
        self.formats = mapping.cell_formats(what.mapping, what.principal.language, what.principal.zone)
        self.settled: list[RowOutcome] = []  # rows that need no save
        self.changes: list[tuple[int, Change]] = []  # row number and what it changes

    def save(self, note: Note) -> None:
        """Save the rows and hand every outcome to `note`, in the transaction that makes it true."""
        again = self._prepare()
        if self.settled:
            self.records.transact(lambda tx: note(tx, self.settled))
        numbers = [number for number, _ in self.changes]

        def also(tx: Transaction, outcomes: tuple[Outcome, ...]) -> None:
            note(tx, [_row_outcome(numbers[each.index], each) for each in outcomes])

        changes = [change for _, change in self.changes]
        if changes:
            self.records.save(self.what.principal, changes, mode="partial", channel="import", also=also)
        if again:
            _Chunk(self.records, self.what, again).save(note)

    def _prepare(self) -> list[Row]:
        """Read and match the rows; return those that mean the same record as an earlier one of this chunk: they come after it."""
        with self.records.reading(self.what.principal) as gate:
            definition = gate.rights.object(self.mapping.object)
            context = context_of(gate)
            read_row = mapping.compiled(self.mapping, self.what.reading.columns)
            mapped = [(row, read_row(row.cells, context)) for row in self.rows if row.problem is None]
            self.settled = [_failed(row.number, row.problem) for row in self.rows if row.problem is not None]
            self.settled += [_failed(row.number, *each.problems) for row, each in mapped if each.problems]
            sound = [(row, dict(each.values)) for row, each in mapped if not each.problems]
            sound = self._with_owners(gate, sound)
            if self.mapping.operation == "create":
                self.changes = [(row.number, self._change(definition, values, None)) for row, values in sound]
                return []
            return self._matched(gate, definition, sound)

    def _with_owners(self, gate: Gate, rows: list[tuple[Row, dict[str, str | None]]]) -> list[tuple[Row, dict[str, str | None]]]:
        """Replace the names of owners by their ids; one statement a chunk."""
        names = {str(values["owner"]) for _, values in rows if values.get("owner")}
        if not names:
            return rows
        ids = gate.having("user", "name", names)
        sound = []
        for row, values in rows:
            name = values.get("owner")
            found = ids.get(name, []) if name else []
            if name and len(found) != 1:
                code = "several_records" if found else "record_not_found"
                params = {"object": self.mapping.object, "target_object": "user", "value": name, "count": len(found)}
                self.settled.append(_failed(row.number, Problem(code=code, params=params, field="owner")))
                continue
            if name:
                values["owner"] = found[0]
            sound.append((row, values))
        return sound

    def _matched(self, gate: Gate, definition: ObjectDef, rows: list[tuple[Row, dict[str, str | None]]]) -> list[Row]:
        keyed, failed = self._keyed(gate, definition, rows)
        self.settled += failed
        known = self._find(gate, definition, [key for _, _, key in keyed])
        seen: set[tuple[Any, ...]] = set()
        again: list[Row] = []
        for row, values, key in keyed:
            if key in seen and None not in key:
                again.append(row)
                continue
            seen.add(key)
            self._place(definition, row, values, known.get(key, []))
        return again

    def _keyed(
        self, gate: Gate, definition: ObjectDef, rows: list[tuple[Row, dict[str, str | None]]]
    ) -> tuple[list[tuple[Row, dict[str, str | None], tuple[Any, ...]]], list[RowOutcome]]:
        """Return each row with the values of its key, typed, lookups as ids; a statement for each lookup in the key."""
        keys = [definition.field(name) for name in self.mapping.found_by]
        targets = {key.name: self._named(gate, key, rows) for key in keys if key is not None and mapping.is_lookup(definition, key.name)}
        keyed, failed = [], []
        for row, values in rows:
            try:
                key = tuple(self._key_value(each, values, targets) for each in keys if each is not None)
            except BadValue as bad:
                params = {"object": definition.name, **bad.params}
                failed.append(_failed(row.number, Problem(code=bad.code, params=params, field=self.mapping.found_by[0])))
            else:
                keyed.append((row, values, key))
        return keyed, failed

    def _named(self, gate: Gate, key: FieldDef, rows: list[tuple[Row, dict[str, str | None]]]) -> dict[Any, list[str]]:
        target = gate.snapshot.object(key.to or "user")
        if not gate.rights.tells_names(target):
            return {}
        return gate.having(target.name, target.name_field, {values[key.name] for _, values in rows if values.get(key.name)})

    def _key_value(self, key: FieldDef, values: Mapping[str, str | None], targets: Mapping[str, Mapping[Any, list[str]]]) -> Any:
        text = values.get(key.name)
        if text is None or key.name == "id":
            return text
        if key.name in targets:
            found = targets[key.name].get(text, [])
            if len(found) > 1:
                raise BadValue("several_records", {"target_object": key.to, "value": text, "count": len(found)})
            return found[0] if found else None
        return compared(key, FIELD_TYPES[key.type].from_cell(key, text, self.formats.get(key.name)))

    def _place(self, definition: ObjectDef, row: Row, values: dict[str, str | None], found: list[str]) -> None:
        operation = self.mapping.operation
        if len(found) > 1:
            params = {"object": definition.name, "count": len(found), "fields": ", ".join(self.mapping.found_by)}
            self.settled.append(_failed(row.number, Problem(code="import_ambiguous", params=params)))
        elif found and operation == "create_or_skip":
            self.settled.append(RowOutcome(row=row.number, outcome="skipped", record=found[0]))
        elif not found and operation in ("update", "update_or_skip"):
            if operation == "update":
                params = {"object": definition.name, "fields": ", ".join(self.mapping.found_by)}
                self.settled.append(_failed(row.number, Problem(code="import_not_found", params=params)))
            else:
                self.settled.append(RowOutcome(row=row.number, outcome="skipped"))
        else:
            self.changes.append((row.number, self._change(definition, values, found[0] if found else None)))

    def _change(self, definition: ObjectDef, values: dict[str, str | None], record: str | None) -> Change:
        options: dict[str, Any] = {"cell_formats": self.formats}
        if self.mapping.leave_out_automations:
            options["leave_out_automations"] = True
        stamp = values.pop(STAMP, None)
        if record is None and stamp is not None:
            field = definition.system_fields[STAMP]
            options["stamps"] = {
                "created_at": FIELD_TYPES["datetime"].from_cell(field, _midnight(stamp), options["cell_formats"].get(STAMP))
            }
        if record is not None:
            values.pop("owner", None)  # an owner is changed by transfer alone
        given = {name: "#N/A" if value is None else value for name, value in values.items()}
        if record is None:
            return Change(
                object=definition.name, action="create", values=given, given="cell", record_type=self.mapping.record_type, options=options
            )
        return Change(object=definition.name, action="update", id=record, values=given, given="cell", options=options)

    def _find(self, gate: Gate, definition: ObjectDef, wanted: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[str]]:
        """Return the visible records that rows may mean, by the values of their keys; a constant number of statements."""
        names = self.mapping.found_by
        first = {key[0] for key in wanted if key[0] is not None}
        found = gate.having(definition.name, names[0], first) if first else {}
        if len(names) == 1:
            return {(value,): ids for value, ids in found.items()}
        known: dict[tuple[Any, ...], list[str]] = {}
        ids = [record for each in found.values() for record in each]
        if len(ids) > MATCHES:
            raise Refused(Problem(code="import_key_too_wide", params={"name": names[0], "limit": MATCHES}))
        for start in range(0, len(ids), BATCH_RECORDS):
            for each in gate.records(definition.name, ids[start : start + BATCH_RECORDS], ("id", *names)):
                known.setdefault(tuple(_compared(definition, name, each.get(name)) for name in names), []).append(each["id"])
        return known


def _compared(definition: ObjectDef, name: str, value: Any) -> Any:
    """Return what decides whether a stored value is that of a row's key."""
    found = definition.field(name)
    if isinstance(value, Reference) or found is None:
        return value.id if isinstance(value, Reference) else value
    return compared(found, value)


def context_of(gate: Gate) -> rules.Context:
    """Return what expressions over rows may know: the time, the day, who imports."""
    principal = gate.principal
    return rules.Context(now=gate.tx.now, today=gate.today, zone=ZoneInfo(str(principal.zone)), globals=principal.globals())


def _midnight(stamp: str) -> str:
    """Return a day as its first moment: old systems often keep the day alone."""
    return stamp if ":" in stamp else f"{stamp} 00:00"


def _failed(row: int, *problems: Problem | None) -> RowOutcome:
    return RowOutcome(row=row, outcome="failed", problems=tuple(problem for problem in problems if problem is not None))


def _row_outcome(row: int, outcome: Outcome) -> RowOutcome:
    if outcome.status == "refused":
        return RowOutcome(row=row, outcome="failed", problems=outcome.problems)
    return RowOutcome(row=row, outcome=outcome.status, record=outcome.id)


def problem_of(failure: FieldstoneError) -> Problem:
    """Return why an import as a whole could not go on."""
    return failure.problems[0] if isinstance(failure, Refused) else Problem(code=failure.code)
