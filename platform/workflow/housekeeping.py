"""What the org does by itself: emptying the recycle bin, removing what is past its retention, counting for the planner,
indexing what was made searchable.

Here: those works, their handlers and how often they come round. Not here: what is due (each module's own `purge`), the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from fieldstone.db import statistics
from fieldstone.notify import inbox
from fieldstone.workflow import dead_letters
from fieldstone.workflow.outbox import Claim, Topic
from fieldstone.workflow.sweeper import Periodic
from fieldstone.workflow.tasks import Handler

RECYCLE_BIN = Topic(name="housekeeping.recycle_bin", queue="bulk")
RETENTION = Topic(name="housekeeping.retention", queue="bulk")
SEARCH = Topic(name="housekeeping.search", queue="bulk")

PERIODIC = (
    Periodic(topic=RECYCLE_BIN, every_seconds=3600),
    Periodic(topic=RETENTION, every_seconds=24 * 3600),
    Periodic(topic=SEARCH, every_seconds=60),
)


def handlers(engine: Engine, purge_bin: Callable[[], int], catch_up: Callable[[Callable[[], None]], int]) -> tuple[Handler, ...]:
    """Return the handlers.

    `purge_bin()` removes some of what has lain in the recycle bin too long and says how many records; `catch_up(pause)` indexes what was
    made searchable.
    """

    def empty_bin(claim: Claim) -> None:
        while purge_bin():
            with claim.step():  # the work may be long: the lease goes on with it
                pass

    def retention(claim: Claim) -> None:
        statistics.refresh(engine)
        with claim.finish() as tx:
            dead_letters.purge(tx)
            inbox.purge(tx)

    def search(claim: Claim) -> None:
        def renew() -> None:
            with claim.step():
                pass

        catch_up(renew)

    return (Handler(topic=RECYCLE_BIN, run=empty_bin), Handler(topic=RETENTION, run=retention), Handler(topic=SEARCH, run=search))
