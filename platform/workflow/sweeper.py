"""Every five seconds: offers due work to the workers, and plans the periodic work. Needs no broker to be right.

Here: the scheduler's loop, with one leader at a time by lease; what is offered; which periodic jobs are due.
Not here: doing the work (`tasks.py`), the rows (`outbox.py`).
Source: spec/workflow.md, sections 7 and 9.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from fieldstone.db.column_types import EPOCH
from fieldstone.db.transaction import Transaction, write
from fieldstone.errors import TryAgain
from fieldstone.workflow import leases, outbox
from fieldstone.workflow.outbox import Outbox, Topic

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
LEADER = "scheduler"
LEADER_SECONDS = 20.0  # a leader that died is followed after this
PATIENCE_SECONDS = 2.0  # a row just committed has had its own hint
AGAIN_SECONDS = 60.0  # a row that was offered and not taken is offered again after this
OFFERS = 1000  # in one round


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """Work that comes round: one outbox row of `topic` for each slot of `every_seconds`, counted from 1970."""

    topic: Topic
    every_seconds: int

    def slot(self, now: datetime) -> int:
        """Return the number of the slot that `now` lies in."""
        return int((now - EPOCH).total_seconds()) // self.every_seconds


def sweep(engine: Engine, box: Outbox) -> int:
    """Offer what is due and was not taken; return how many rows were offered."""
    with write(engine) as tx:
        rows = outbox.due(tx, limit=OFFERS, patience=PATIENCE_SECONDS, again=AGAIN_SECONDS)
        outbox.offered(tx, [row.id for row in rows])
    for row in rows:
        box.hint(row.id, row.queue)
    return len(rows)


def plan_periodic(tx: Transaction, box: Outbox, periodic: Iterable[Periodic]) -> None:
    """Put one row for the present slot of each periodic work; a slot that has its row gets no second one."""
    for each in periodic:
        slot = each.slot(tx.now)
        box.put(tx, each.topic, {"slot": slot}, dedupe_key=f"{each.topic.name}:{slot}")


class Scheduler:
    """The loop of `sweep` and `plan_periodic`, in a thread (embedded) or a process of its own (`fieldstone scheduler`)."""

    def __init__(self, engine: Engine, box: Outbox, periodic: Iterable[Periodic] = (), *, every: float = EVERY_SECONDS) -> None:
        self._engine = engine
        self._box = box
        self._periodic = tuple(periodic)
        self._every = every
        self._holder = uuid.uuid4().hex
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def round(self) -> bool:
        """Do one round if this process leads, and say whether it does."""
        with write(self._engine) as tx:
            if not leases.take(tx, LEADER, self._holder, max(LEADER_SECONDS, 4 * self._every)):
                return False
            plan_periodic(tx, self._box, self._periodic)
        sweep(self._engine, self._box)
        return True

    def run(self) -> None:
        """Go round until `stop` is called. A database that is away for a while ends nothing."""
        while not self._stopping.is_set():
            self._attempt(self.round)
            self._stopping.wait(self._every)
        self._attempt(self._give_back)

    def start(self) -> None:
        """Run in a thread of this process."""
        self._thread = threading.Thread(target=self.run, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present round and let another process lead at once."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)

    def _give_back(self) -> None:
        with write(self._engine) as tx:
            leases.give_back(tx, LEADER, self._holder)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except TryAgain as failure:
            log.info("the scheduler waits: %s", failure)
        except Exception:
            log.exception("a round of the scheduler failed")
