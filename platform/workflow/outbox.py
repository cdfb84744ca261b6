"""What must happen after a save, written in the save's own transaction: put, claim by lease, done, back-off, dead.

Here: the rows of `fs_outbox` and their life; the fencing number that makes a late worker harmless; effects that happen once.
Not here: Celery (`queue.py`), who looks for due rows (`sweeper.py`), what a topic does (its handler), replay (`dead_letters.py`).

    queued ──claim──▶ leased ──finish──▶ done
       ▲                │  └──gave up──▶ dead ──replay──▶ queued, or discarded
       └────fail────────┘      (a lease that ran out may be claimed again)

Source: spec/workflow.md, sections 8 and 9.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, Row, and_, exists, func, or_, select, update

from fieldstone.db import faults
from fieldstone.db.column_types import Flag, Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.insert import insert_new
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction, retrying, write


class State(StrEnum):
    """The life of one outbox row."""

    QUEUED = "queued"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    DISCARDED = "discarded"


OPEN = (State.QUEUED.value, State.LEASED.value)

OUTBOX = system_table(
    "outbox",
    Column("id", Id, primary_key=True),
    Column("topic", PlainText, nullable=False),
    Column("queue", PlainText, nullable=False),
    Column("ordering_key", PlainText),
    Column("key_seq", BigInteger),
    Column("strict", Flag, nullable=False),  # a dead row of this topic blocks those after it in its key
    Column("dedupe_key", PlainText, nullable=False, unique=True),
    Column("payload", JsonText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),  # workers that died while they held the lease
    Column("created_at", UtcMoment, nullable=False),
    Column("next_at", UtcMoment, nullable=False),
    Column("offered_at", UtcMoment),
    Column("lease_until", UtcMoment),
    Column("lease_token", BigInteger, nullable=False),
    Column("error", PlainText),
    Column("ended_at", UtcMoment),
    Column("ended_by", Id),  # who discarded it; blank when the engine ended it
    Column("reason", PlainText),
    Index("ix_fs_outbox_open", "state", "next_at"),
    Index("ix_fs_outbox_key", "ordering_key", "key_seq", unique=True),
)

CONSUMED = system_table(
    "consumed",
    Column("consumer", PlainText, primary_key=True),
    Column("dedupe_key", PlainText, primary_key=True),
    Column("at", UtcMoment, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One kind of later work: its name in `fs_outbox`, where it queues and how it is retried."""

    name: str
    queue: str = "default"  # interactive | default | bulk; one never waits behind another
    strict: bool = False
    retries: int = 8
    base_seconds: float = 10.0
    cap_seconds: float = 6 * 3600.0


class LeaseLost(Exception):
    """Another worker holds the row now, or a person ended it: nothing of this attempt may be committed."""


class GiveUp(Exception):
    """Trying again cannot help: the row becomes a dead letter at once."""


class Later(Exception):
    """Whoever was called asked to be called again in `seconds` (Retry-After)."""

    def __init__(self, seconds: float, why: str = "") -> None:
        self.seconds = seconds
        super().__init__(why)


LEASE_SECONDS = 60.0
POISON = 3  # workers that may die on one row before it is put aside

Hint = Callable[[str, str], object]  # outbox id, queue


def _no_hint(outbox_id: str, queue: str) -> None:
    """Nobody to wake: the sweeper will find the row."""


class Outbox:
    """Where a transaction leaves its later work. `hint` wakes a worker after the commit and may be lost without harm."""

    def __init__(self, hint: Hint = _no_hint) -> None:
        self.hint = hint

    def put(
        self,
        tx: Transaction,
        topic: Topic,
        payload: Mapping[str, object],
        *,
        dedupe_key: str | None = None,
        ordering_key: str | None = None,
        due: datetime | None = None,
    ) -> str | None:
        """Write one row in `tx` and return its id; None if a row with `dedupe_key` is there already.

        Rows of one `ordering_key` begin in the order they were put; the caller holds the lock of what the key names.
        `due` defaults to now. `payload` is JSON. Source: spec/workflow.md, section 9.
        """
        row_id = new_id()
        row = {
            "id": row_id,
            "topic": topic.name,
            "queue": topic.queue,
            "ordering_key": ordering_key,
            "key_seq": _next_seq(tx, ordering_key),
            "strict": topic.strict,
            "dedupe_key": dedupe_key or row_id,
            "payload": dict(payload),
            "state": State.QUEUED.value,
            "attempts": 0,
            "deaths": 0,
            "created_at": tx.now,
            "next_at": due or tx.now,
            "lease_token": 0,
        }
        if not insert_new(tx, OUTBOX, row, key=("dedupe_key",)):
            return None
        if due is None or due <= tx.now:
            tx.after_commit(lambda: self.hint(row_id, topic.queue))
        return row_id


def _next_seq(tx: Transaction, ordering_key: str | None) -> int | None:
    if ordering_key is None:
        return None
    last = tx.connection.execute(select(func.max(OUTBOX.c.key_seq)).where(OUTBOX.c.ordering_key == ordering_key)).scalar()
    return (last or 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to do one row's work until `until`. Everything that is written under it goes through `step` or `finish`."""

    engine: Engine
    id: str
    topic: str
    dedupe_key: str
    payload: Mapping[str, Any]
    attempt: int  # from 1
    token: int  # the fencing number

    @contextmanager
    def step(self) -> Iterator[Transaction]:
        """Open a transaction that commits only while this claim holds, and renew the lease in it.

        Raises LeaseLost before anything was done if another worker has taken over.
        """
        with write(self.engine) as tx:
            self._hold(tx, lease_until=tx.now + timedelta(seconds=LEASE_SECONDS))
            yield tx

    @contextmanager
    def finish(self) -> Iterator[Transaction]:
        """Open the transaction of the effect: it commits together with `done`, or not at all, and once only.

        Raises LeaseLost if another worker has taken over; AlreadyDone if the effect of this dedupe key stands already.
        """
        with write(self.engine) as tx:
            self._hold(tx, state=State.DONE.value, lease_until=None, error=None, ended_at=tx.now)
            if not insert_new(tx, CONSUMED, {"consumer": self.topic, "dedupe_key": self.dedupe_key, "at": tx.now}):
                raise AlreadyDone
            yield tx
            faults.point("worker.before_commit")

    def _hold(self, tx: Transaction, **values: object) -> None:
        mine = and_(OUTBOX.c.id == self.id, OUTBOX.c.state == State.LEASED.value, OUTBOX.c.lease_token == self.token)
        if tx.connection.execute(update(OUTBOX).where(mine).values(**values)).rowcount != 1:
            raise LeaseLost(self.id)


class AlreadyDone(Exception):
    """The effect of this row was committed before; only the row itself did not know."""


def claim(engine: Engine, outbox_id: str) -> Claim | None:
    """Take the row's lease and return the claim; None if it is not due, not open, held by another, or not first of its key.

    A row on which workers died `POISON` times becomes a dead letter instead.
    """
    return retrying(engine, lambda tx: _claim(tx, engine, outbox_id))


def _claim(tx: Transaction, engine: Engine, outbox_id: str) -> Claim | None:
    row = tx.connection.execute(
        select(OUTBOX).where(OUTBOX.c.id == outbox_id, claimable(tx.now)).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    deaths = row.deaths + (row.state == State.LEASED.value)
    if deaths >= POISON:
        end(tx, row.id, State.DEAD, error="poison")
        return None
    token = row.lease_token + 1
    tx.connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == row.id, OUTBOX.c.lease_token == row.lease_token)
        .values(
            state=State.LEASED.value,
            lease_token=token,
            lease_until=tx.now + timedelta(seconds=LEASE_SECONDS),
            attempts=row.attempts + 1,
            deaths=deaths,
        )
    )
    return Claim(
        engine=engine,
        id=row.id,
        topic=row.topic,
        dedupe_key=row.dedupe_key,
        payload=row.payload,
        attempt=row.attempts + 1,
        token=token,
    )


def claimable(now: datetime) -> Any:
    """The condition of a row that may be claimed at `now`. Order holds inside a key, never across keys."""
    earlier = OUTBOX.alias("earlier")
    dead_and_strict = and_(earlier.c.state == State.DEAD.value, earlier.c.strict == True)  # noqa: E712 - IS takes no parameter
    blocking = or_(earlier.c.state.in_(OPEN), dead_and_strict)
    blocked = exists().where(earlier.c.ordering_key == OUTBOX.c.ordering_key, earlier.c.key_seq < OUTBOX.c.key_seq, blocking)
    due = or_(
        and_(OUTBOX.c.state == State.QUEUED.value, OUTBOX.c.next_at <= now),
        and_(OUTBOX.c.state == State.LEASED.value, OUTBOX.c.lease_until < now),
    )
    return and_(due, or_(OUTBOX.c.ordering_key.is_(None), ~blocked))


def is_held(tx: Transaction, held: Claim) -> bool:
    """Tell whether the row is still leased under this claim."""
    mine = and_(OUTBOX.c.id == held.id, OUTBOX.c.state == State.LEASED.value, OUTBOX.c.lease_token == held.token)
    return tx.connection.execute(select(OUTBOX.c.id).where(mine)).first() is not None


def settle(held: Claim) -> None:
    """Note that the row is done because its effect stood already. A lost lease changes nothing."""
    with write(held.engine) as tx:
        tx.connection.execute(
            update(OUTBOX)
            .where(OUTBOX.c.id == held.id, OUTBOX.c.state == State.LEASED.value, OUTBOX.c.lease_token == held.token)
            .values(state=State.DONE.value, lease_until=None, error=None, ended_at=tx.now)
        )


def failed(held: Claim, topic: Topic, failure: Exception, chance: Callable[[], float] = random.random) -> State:
    """Put the row back for a later attempt, or aside as a dead letter, and return which; `chance` is 0 to 1.

    A claim that was lost meanwhile changes nothing.
    """
    with write(held.engine) as tx:
        error = f"{type(failure).__name__}: {failure}"[:2000]
        if isinstance(failure, GiveUp) or held.attempt > topic.retries:
            values: dict[str, object] = {"state": State.DEAD.value, "ended_at": tx.now}
        else:
            wait = failure.seconds if isinstance(failure, Later) else backoff(held.attempt, topic, chance)
            values = {"state": State.QUEUED.value, "next_at": tx.now + timedelta(seconds=wait), "offered_at": None}
        try:
            held._hold(tx, error=error, lease_until=None, **values)
        except LeaseLost:
            return State.LEASED
        return State(str(values["state"]))


def backoff(attempt: int, topic: Topic, chance: Callable[[], float]) -> float:
    """Return the seconds until the next attempt after `attempt`: min(cap, base · 2^k) with full jitter."""
    return chance() * min(topic.cap_seconds, topic.base_seconds * 2.0 ** (attempt - 1))


def end(tx: Transaction, outbox_id: str, state: State, *, error: str | None = None) -> None:
    """Set a row aside in `tx`, whatever it was doing; a worker that still holds it will lose its lease."""
    tx.connection.execute(
        update(OUTBOX).where(OUTBOX.c.id == outbox_id).values(state=state.value, lease_until=None, error=error, ended_at=tx.now)
    )


def due(tx: Transaction, *, limit: int, patience: float, again: float) -> list[Row[Any]]:
    """Return (id, queue) of rows that have been claimable for `patience` seconds and were not offered for `again` seconds.

    A row committed a moment ago has had its own hint; it is offered only if nobody took it.
    """
    ready = tx.now - timedelta(seconds=patience)
    quiet = or_(OUTBOX.c.offered_at.is_(None), OUTBOX.c.offered_at < tx.now - timedelta(seconds=again))
    statement = select(OUTBOX.c.id, OUTBOX.c.queue).where(claimable(ready), quiet).order_by(OUTBOX.c.next_at).limit(limit)
    return list(tx.connection.execute(statement))


def offered(tx: Transaction, ids: list[str]) -> None:
    """Note that these rows have just been offered to the workers."""
    if ids:
        tx.connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(offered_at=tx.now))
