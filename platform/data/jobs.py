"""Imports as rows of the database: what was asked, how far it is, what became of each row of the file.

Here: `fs_job` and `fs_job_row`, their states, reading and writing them.
Not here: what an import does with a row (`imports.py`), who may see a job (the surfaces ask `may_see`).

    open ──start──▶ queued ──▶ running ──▶ done
                                  ├──▶ cancelled      (by a person, at the next chunk)
                                  └──▶ failed         (the job itself could not go on; rows with errors do not fail it)

A row's outcome is written in the transaction of the row itself: the pair (job, row) is unique, so that nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, func, insert, select, update

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible, Problem
from fieldstone.records.principal import Principal

OUTCOMES = ("created", "updated", "unchanged", "skipped", "failed")


class State(StrEnum):
    """The life of a job."""

    OPEN = "open"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})

JOB = system_table(
    "job",
    Column("id", Id, primary_key=True),
    Column("kind", PlainText, nullable=False),
    Column("object", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("mapping", JsonText, nullable=False),
    Column("reading", JsonText, nullable=False),
    Column("file_name", PlainText, nullable=False),
    Column("file_hash", PlainText, nullable=False),
    Column("language", PlainText, nullable=False),  # of the person who started it: in which labels of values are looked for
    Column("by", Id, nullable=False, index=True),
    Column("created_at", UtcMoment, nullable=False),
    Column("started_at", UtcMoment),
    Column("ended_at", UtcMoment),
    Column("rows_total", Integer),
    *(Column(f"rows_{name}", Integer, nullable=False) for name in OUTCOMES),
    Column("stop", PlainText),  # "cancel": asked for by a person
    Column("problem", JsonText),  # why the job itself failed
    Column("checked", JsonText),  # what the last dry run found
)

JOB_ROW = system_table(
    "job_row",
    Column("job", Id, primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("outcome", PlainText, nullable=False),
    Column("record", Id),
    Column("problems", JsonText),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became of one row of the file."""

    row: int
    outcome: str  # one of OUTCOMES
    record: str | None = None
    problems: tuple[Problem, ...] = ()


def make(
    tx: Transaction,
    principal: Principal,
    *,
    object_name: str,
    mapping: Mapping[str, Any],
    reading: Mapping[str, Any],
    file: Mapping[str, str],
) -> str:
    """Make an open import job for the file `{"name", "hash"}` and return its id."""
    job = new_id()
    values = {
        "id": job,
        "kind": "import",
        "object": object_name,
        "state": State.OPEN.value,
        "mapping": mapping,
        "reading": reading,
        "file_name": file["name"],
        "file_hash": file["hash"],
        "language": principal.language,
        "by": principal.user_id,
        "created_at": tx.now,
        **{f"rows_{name}": 0 for name in OUTCOMES},
    }
    tx.connection.execute(insert(JOB).values(**values))
    return job


def get(connection: Connection, job: str) -> Row[Any]:
    """Return the row of a job. Raises NotVisible if there is none."""
    found = connection.execute(select(JOB).where(JOB.c.id == job)).one_or_none()
    if found is None:
        raise NotVisible
    return found


def twin(connection: Connection, job: str) -> Row[Any] | None:
    """Return another job that has created, or is creating, records from the same file by the same mapping; None if there is none.

    Only of mappings that create whatever they meet: the others find what is there.
    """
    mine = get(connection, job)
    if mine.mapping.get("operation") != "create":
        return None
    same = select(JOB).where(JOB.c.file_hash == mine.file_hash, JOB.c.object == mine.object, JOB.c.id != job, JOB.c.rows_created > 0)
    return next((each for each in connection.execute(same) if each.mapping == mine.mapping), None)


def listed(connection: Connection, by: str | None, limit: int = 100) -> list[Row[Any]]:
    """Return the newest jobs, those of one person or all."""
    wanted = select(JOB).order_by(JOB.c.created_at.desc()).limit(limit)
    return list(connection.execute(wanted if by is None else wanted.where(JOB.c.by == by)))


def change(connection: Connection, job: str, *, only: Iterable[State] | None = None, **values: object) -> bool:
    """Set columns of a job, if it is in one of the states `only`; say whether it was."""
    statement = update(JOB).where(JOB.c.id == job)
    if only is not None:
        statement = statement.where(JOB.c.state.in_([state.value for state in only]))
    return connection.execute(statement.values(**values)).rowcount == 1


def note_rows(tx: Transaction, job: str, outcomes: Iterable[RowOutcome]) -> None:
    """Write what became of rows and add them to the job's counts. A row that was noted before raises IntegrityError."""
    noted = list(outcomes)
    if not noted:
        return
    tx.connection.execute(
        insert(JOB_ROW),
        [
            {
                "job": job,
                "row": each.row,
                "outcome": each.outcome,
                "record": each.record,
                "problems": [as_json(problem) for problem in each.problems] or None,
            }
            for each in noted
        ],
    )
    counts = {name: sum(each.outcome == name for each in noted) for name in OUTCOMES}
    added = {f"rows_{name}": JOB.c[f"rows_{name}"] + count for name, count in counts.items() if count}
    tx.connection.execute(update(JOB).where(JOB.c.id == job).values(**added))


def rows_done(connection: Connection, job: str) -> set[int]:
    """Return the numbers of the rows that have an outcome."""
    return set(connection.scalars(select(JOB_ROW.c.row).where(JOB_ROW.c.job == job)))


def row_outcomes(connection: Connection, job: str, *, outcome: str | None = None, limit: int | None = None) -> list[Row[Any]]:
    """Return what became of the rows, in the order of the file; of one kind, or all."""
    wanted = select(JOB_ROW).where(JOB_ROW.c.job == job).order_by(JOB_ROW.c.row)
    if outcome is not None:
        wanted = wanted.where(JOB_ROW.c.outcome == outcome)
    return list(connection.execute(wanted if limit is None else wanted.limit(limit)))


def record_ids(connection: Connection, job: str) -> list[str]:
    """Return the ids of the records that rows of the job became, each once."""
    wanted = select(func.distinct(JOB_ROW.c.record)).where(JOB_ROW.c.job == job, JOB_ROW.c.record.is_not(None))
    return [str(value) for value in connection.scalars(wanted)]


# --- what a check found -------------------------------------------------------------------------------------------------------


def same_mapping(row: Row[Any]) -> bool:
    """Whether the last check of a job was of the mapping it has now."""
    return bool(row.checked) and row.checked.get("mapping") == row.mapping


# --- problems as JSON ---------------------------------------------------------------------------------------------------------


def as_json(problem: Problem) -> dict[str, Any]:
    """Return a problem in a form that can be kept and worded later, in any language."""
    found: dict[str, Any] = {"code": problem.code, "params": {name: _plain(value) for name, value in problem.params.items()}}
    for name in ("field", "pointer", "rule", "suggestion"):
        if (value := getattr(problem, name)) is not None:
            found[name] = value
    if problem.message is not None:
        found["message"] = dict(problem.message)
    return found


def of_json(found: Mapping[str, Any]) -> Problem:
    """Return the problem that `as_json` wrote."""
    return Problem(**{**found, "params": dict(found.get("params", {}))})


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)  # a label: which of its texts is shown is the reader's matter
    return value if isinstance(value, str | int | bool | list | None) else str(value)
