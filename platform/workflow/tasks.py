"""One piece of later work from claim to end: an outbox id in, one call, done.

Here: which handler a topic has, what its failure means for the row.
Not here: how the id got here (`queue.py`), the rows themselves (`outbox.py`), what the handlers do.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from fieldstone.db import faults
from fieldstone.db.transaction import write
from fieldstone.errors import FieldstoneError, TryAgain
from fieldstone.workflow import outbox
from fieldstone.workflow.outbox import AlreadyDone, Claim, GiveUp, LeaseLost, State, Topic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """What is done for one topic.

    `run` ends its claim with `Claim.finish`, in the transaction of its effect; if it does not, it is ended after it returns.
    It raises `GiveUp` or a refusal for what no repetition helps, anything else for what may go well later.
    """

    topic: Topic
    run: Callable[[Claim], None]


Handlers = Mapping[str, Handler]


def handlers(entries: Iterable[Handler]) -> Handlers:
    """Return the handlers by the name of their topic. Raises ValueError if a topic has two."""
    table: dict[str, Handler] = {}
    for handler in entries:
        if table.setdefault(handler.topic.name, handler) is not handler:
            raise ValueError(f"two handlers for {handler.topic.name}")
    return table


def perform(engine: Engine, known: Handlers, outbox_id: str, chance: Callable[[], float] = random.random) -> State | None:
    """Claim the row `outbox_id`, do its work and return the state it is in afterwards; None if there was nothing to claim.

    Never raises for what the work did: every failure is written to the row. Source: spec/workflow.md, sections 8 and 9.
    """
    held = outbox.claim(engine, outbox_id)
    if held is None:
        return None
    faults.point("worker.claimed")
    handler = known.get(held.topic)
    try:
        if handler is None:
            raise GiveUp(f"nothing here handles {held.topic}")
        handler.run(held)
        _make_sure_it_is_done(held)
    except AlreadyDone:
        outbox.settle(held)
    except LeaseLost:
        return State.LEASED
    except Exception as failure:
        if not isinstance(failure, GiveUp | TryAgain | outbox.Later):
            log.exception("work of %s failed", held.topic)
        refusal = isinstance(failure, FieldstoneError) and not isinstance(failure, TryAgain)
        topic = handler.topic if handler else Topic(name=held.topic)
        return outbox.failed(held, topic, GiveUp(str(failure)) if refusal else failure, chance)
    faults.point("worker.committed")
    return State.DONE


def _make_sure_it_is_done(held: Claim) -> None:
    with write(held.engine) as tx:
        unfinished = outbox.is_held(tx, held)
    if unfinished:
        with held.finish():
            pass
