"""Work that gave up: kept, looked at, replayed or discarded by a person, all of it on the record.

Here: the overview and list for Setup, `replay`, `discard`, removal after the retention.
Not here: how work becomes a dead letter (`outbox.py`).
Source: spec/workflow.md, section 8, "Dead letters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.records import audit
from fieldstone.records.gate.access import Rights, require_setup
from fieldstone.records.principal import Principal
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, Outbox, State

RIGHT = "manage_automation"
KEPT_DAYS = {State.DONE: 7, State.DEAD: 90, State.DISCARDED: 90}


def overview(tx: Transaction, rights: Rights) -> Mapping[str, Mapping[str, int]]:
    """Return how many rows there are, by topic and state. Raises NotAllowed without the Setup right manage_automation."""
    require_setup(rights, RIGHT)
    counted: dict[str, dict[str, int]] = {}
    rows = tx.connection.execute(select(OUTBOX.c.topic, OUTBOX.c.state, func.count()).group_by(OUTBOX.c.topic, OUTBOX.c.state))
    for topic, state, count in rows:
        counted.setdefault(topic, dict.fromkeys(State, 0))[State(state)] = count
    return counted


def letters(
    tx: Transaction, rights: Rights, *, state: State = State.DEAD, topic: str | None = None, before: str | None = None, limit: int = 50
) -> Sequence[Row[Any]]:
    """Return rows in a state, of one topic or all, newest first, those older than the row `before`. Raises as `overview` does."""
    require_setup(rights, RIGHT)
    found = select(OUTBOX).where(OUTBOX.c.state == state.value).order_by(OUTBOX.c.id.desc()).limit(limit)
    if topic is not None:
        found = found.where(OUTBOX.c.topic == topic)
    if before is not None:
        found = found.where(OUTBOX.c.id < before)
    return tx.connection.execute(found).all()


def replay(tx: Transaction, box: Outbox, principal: Principal, rights: Rights, outbox_id: str) -> None:
    """Have a dead letter tried again, with the same keys and a fresh count of attempts.

    Raises NotVisible if there is none, NotAllowed, or Refused if it is not dead any more.
    """
    row = _dead(tx, rights, outbox_id)
    values = {"state": State.QUEUED.value, "attempts": 0, "deaths": 0, "next_at": tx.now, "offered_at": None, "ended_at": None}
    _change(tx, outbox_id, values)
    audit.note(tx, principal, "work.replayed", details={"work": outbox_id, "topic": row.topic})
    tx.after_commit(lambda: box.hint(outbox_id, row.queue))


def discard(tx: Transaction, principal: Principal, rights: Rights, outbox_id: str, reason: str) -> None:
    """Put a dead letter aside for good; `reason` is compulsory. Raises as `replay` does."""
    row = _dead(tx, rights, outbox_id)
    if not reason.strip():
        raise Refused(Problem(code="reason_required", field="reason", pointer="/reason"))
    values = {"state": State.DISCARDED.value, "reason": reason.strip()[:1000], "ended_by": principal.user_id, "ended_at": tx.now}
    _change(tx, outbox_id, values)
    audit.note(tx, principal, "work.discarded", details={"work": outbox_id, "topic": row.topic, "reason": reason.strip()[:1000]})


def _dead(tx: Transaction, rights: Rights, outbox_id: str) -> Row[Any]:
    require_setup(rights, RIGHT)
    row = tx.connection.execute(select(OUTBOX).where(OUTBOX.c.id == outbox_id)).one_or_none()
    if row is None:
        raise NotVisible("work")
    return row


def _change(tx: Transaction, outbox_id: str, values: Mapping[str, object]) -> None:
    dead = update(OUTBOX).where(OUTBOX.c.id == outbox_id, OUTBOX.c.state == State.DEAD.value)
    if tx.connection.execute(dead.values(**values)).rowcount != 1:
        raise Refused(Problem(code="work_not_dead"))


def purge(tx: Transaction) -> int:
    """Remove rows whose retention is over, and the marks of effects long done; return how many rows went."""
    removed = 0
    for state, days in KEPT_DAYS.items():
        old = delete(OUTBOX).where(OUTBOX.c.state == state.value, OUTBOX.c.ended_at < tx.now - timedelta(days=days))
        removed += tx.connection.execute(old).rowcount
    # A mark outlives its row by far: a row restored from a backup must still find it.
    tx.connection.execute(delete(CONSUMED).where(CONSUMED.c.at < tx.now - timedelta(days=400)))
    return removed
