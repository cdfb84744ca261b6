"""One unit of work: begin, the clock of the database, commit or roll back, what follows the commit.

Here: `write` and `read`, repeating what met a deadlock, and which failure of a driver means "try again".
Not here: named locks (`locks.py`), what is written. Nothing here is nested: a caller who has a transaction hands it on.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, NestedTransaction, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from fieldstone.db.engine import READS, STATEMENT_SECONDS, WAIT_SECONDS, Watch, is_postgresql
from fieldstone.errors import TryAgain

log = logging.getLogger(__name__)

Result = TypeVar("Result")

REPEATS = 3
PATIENCE_SECONDS = 6.0  # no attempt begins later than this after the first
NOT_REPEATED = frozenset({"timeout", "connections"})
PAUSE_SECONDS = 0.05  # doubled each time, and spread at random so that two who collided do not collide again

# What the driver says → the reason a caller is told
SQLITE_REASONS = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_INTERRUPT: "timeout",
}
POSTGRESQL_REASONS = {
    "40001": "serialization",
    "40P01": "deadlock",
    "55P03": "locked",
    "57014": "timeout",
    "53300": "connections",
    "57P01": "connection",
    "57P02": "connection",
    "57P03": "connection",
}
CLOCK = text("SELECT clock_timestamp()")


class Transaction:
    """An open transaction. `connection` runs its statements; it ends with the `with` block that opened it."""

    __slots__ = ("_now", "calls_after_commit", "connection", "writes")

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self.connection = connection
        self.writes = writes
        self._now: datetime | None = None
        self.calls_after_commit: list[Callable[[], object]] = []

    @property
    def on_postgresql(self) -> bool:
        """Whether this is PostgreSQL; SQLite otherwise."""
        return is_postgresql(self.connection)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.connection.dialect.name

    @property
    def now(self) -> datetime:
        """The one time of this transaction, aware UTC with microseconds, from the clock of the database.

        Read when first asked for; the same from then on. A record's datetime keeps its whole seconds (`UtcDatetime`).
        """
        if self._now is None:
            if self.on_postgresql:
                self._now = self.connection.execute(CLOCK).scalar_one()
            else:
                self._now = datetime.now(UTC)  # SQLite's clock is the clock of the process it runs in
        return self._now

    def fix_now(self, now: datetime) -> None:
        """Take `now` from a statement that read the clock along with something else. Too late once `now` was asked for."""
        if self._now is not None:
            raise RuntimeError("the time of this transaction is already fixed")
        self._now = now

    def after_commit(self, call: Callable[[], object]) -> None:
        """Have `call` run once the transaction is committed, never if it is not.

        Only for hints: a failure is logged and swallowed, and a killed process never makes the call.
        """
        self.calls_after_commit.append(call)

    def savepoint(self) -> NestedTransaction:
        """Return a context manager whose block can fail without the rest of the transaction."""
        return self.connection.begin_nested()


@contextmanager
def read(engine: Engine, *, statement_seconds: float = STATEMENT_SECONDS) -> Iterator[Transaction]:
    """Open a transaction that only reads; on SQLite it sees one state of the database and waits for no writer.

    Raises TryAgain when a statement takes longer than `statement_seconds` or no connection comes free.
    """
    with _transaction(engine, writes=False, statement_seconds=statement_seconds) as transaction:
        yield transaction


@contextmanager
def write(engine: Engine, *, statement_seconds: float = STATEMENT_SECONDS) -> Iterator[Transaction]:
    """Open a transaction that may write; commit at the end of the block, roll back when it raises.

    On SQLite there is one writer at a time: threads of this process queue here, other processes at the file.
    Raises TryAgain for what may go well another time: deadlock, lock, time limit, lost connection. A connection lost in the commit
    itself is raised as it is, because nobody knows how it ended.
    """
    with _turn(engine), _transaction(engine, writes=True, statement_seconds=statement_seconds) as transaction:
        yield transaction


def retrying(engine: Engine, work: Callable[[Transaction], Result], *, statement_seconds: float = STATEMENT_SECONDS) -> Result:
    """Return `work(transaction)` from a write transaction; on TryAgain begin anew, at most three times more and for 6 s in all.

    `work` starts from the raw input each time and changes nothing outside the transaction. Repeating a statement over its time
    limit, or waiting again for a connection, would only add to the load. Raises what the last attempt raised.
    """
    pause = PAUSE_SECONDS
    deadline = time.monotonic() + PATIENCE_SECONDS
    for attempt in range(REPEATS + 1):
        try:
            with write(engine, statement_seconds=statement_seconds) as transaction:
                return work(transaction)
        except TryAgain as failure:
            if attempt == REPEATS or failure.reason in NOT_REPEATED or time.monotonic() > deadline:
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret
        pause *= 2
    raise AssertionError("unreachable")


@contextmanager
def _transaction(engine: Engine, *, writes: bool, statement_seconds: float) -> Iterator[Transaction]:
    committing = False
    try:
        with engine.connect() as connection:  # rolls back whatever is open when the block is left
            connection.execution_options(**{READS: not writes})
            begun = connection.begin()
            _limit_statements(connection, statement_seconds)
            transaction = Transaction(connection, writes=writes)
            yield transaction
            committing = True
            begun.commit()
    except (DBAPIError, NoConnectionFree) as failure:
        reason = _reason(failure)
        if reason is None or (committing and reason == "connection"):
            raise
        raise TryAgain(reason) from failure
    for call in transaction.calls_after_commit:
        try:
            call()
        except Exception:
            log.exception("a call after the commit failed")


def _limit_statements(connection: Connection, seconds: float) -> None:
    if not is_postgresql(connection):
        watch: Watch = connection.info["watch"]
        watch.seconds = seconds
    elif seconds != STATEMENT_SECONDS:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")


def _reason(failure: DBAPIError | NoConnectionFree) -> str | None:
    """Return why the same may go well another time; None if it will not."""
    if isinstance(failure, NoConnectionFree):
        return "connections"
    driver = failure.orig
    if isinstance(driver, sqlite3.Error):
        # The low byte is the kind of failure, the rest its variety.
        return SQLITE_REASONS.get((getattr(driver, "sqlite_errorcode", None) or 0) & 0xFF)
    if failure.connection_invalidated:
        return "connection"
    state: str | None = getattr(driver, "sqlstate", None)
    if state is None:
        return "connection" if isinstance(failure, OperationalError) else None
    return "connection" if state.startswith("08") else POSTGRESQL_REASONS.get(state)


_turns: dict[str, threading.Lock] = {}


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Hold this process's turn to write to an SQLite file. SQLite only polls for its lock, up to 100 ms late; a thread is woken."""
    if is_postgresql(engine):
        yield
        return
    turn = _turns.setdefault(engine.url.database or "", threading.Lock())
    if not turn.acquire(timeout=WAIT_SECONDS):
        raise TryAgain("locked")
    try:
        yield
    finally:
        turn.release()
