"""The sweeper finds what no hint reached; one process leads; periodic work comes once a slot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import write
from fieldstone.workflow import leases, sweeper
from fieldstone.workflow.leases import LEASE
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, Outbox, State, Topic
from fieldstone.workflow.sweeper import Periodic, Scheduler

NIGHTLY = Topic(name="purge", queue="bulk")


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[OUTBOX, CONSUMED, LEASE])
    return database


def ago(engine: Engine, seconds: float, **values: object) -> None:
    with write(engine) as tx:
        tx.connection.execute(update(OUTBOX).values(next_at=tx.now - timedelta(seconds=seconds), **values))


def test_a_row_whose_hint_was_lost_is_offered_and_not_offered_again_at_once(engine):
    offers: list[str] = []
    box = Outbox(lambda outbox_id, queue: offers.append(queue))
    with write(engine) as tx:
        Outbox().put(tx, NIGHTLY, {})
    assert sweeper.sweep(engine, box) == 0  # it has only just been committed
    ago(engine, 10)
    assert sweeper.sweep(engine, box) == 1
    assert sweeper.sweep(engine, box) == 0
    assert offers == ["bulk"]


def test_a_row_whose_worker_died_is_offered_when_its_lease_ends(engine):
    with write(engine) as tx:
        Outbox().put(tx, NIGHTLY, {})
    with write(engine) as tx:
        tx.connection.execute(update(OUTBOX).values(state=State.LEASED.value, lease_until=tx.now - timedelta(seconds=10)))
    assert sweeper.sweep(engine, Outbox()) == 1


def test_one_of_two_schedulers_leads_until_it_stops_or_dies(engine):
    first, second = Scheduler(engine, Outbox()), Scheduler(engine, Outbox())
    assert [first.round(), second.round(), first.round()] == [True, False, True]
    first._give_back()
    assert second.round()
    with write(engine) as tx:  # the second died a while ago
        tx.connection.execute(update(LEASE).values(until=tx.now - timedelta(seconds=1)))
    assert first.round()


def test_a_lease_changes_hands_with_a_new_token(engine):
    with write(engine) as tx:
        assert leases.take(tx, "x", "a", 60)
        assert not leases.take(tx, "x", "b", 60)
        leases.give_back(tx, "x", "b")
        assert not leases.take(tx, "x", "b", 60)


def test_periodic_work_has_one_row_a_slot(engine):
    hourly = Periodic(topic=NIGHTLY, every_seconds=3600)
    scheduler = Scheduler(engine, Outbox(), [hourly])
    for _ in range(3):
        assert scheduler.round()
    with engine.connect() as connection:
        keys = connection.execute(select(OUTBOX.c.dedupe_key)).scalars().all()
    assert len(keys) == len(set(keys)) <= 2  # two if the hour ended in between
