"""A worker killed at any point: everything is done in the end, nothing twice. Real processes, kill -9, both databases."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import write
from fieldstone.workflow import outbox
from fieldstone.workflow.leases import LEASE
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, LeaseLost, Outbox, State
from fieldstone.workflow.sweeper import Scheduler
from fieldstone.workflow.tasks import perform
from tests.faults import worker_child
from tests.faults.worker_child import EFFECTS, KNOWN, WORK, note
from tests.support import children

pytestmark = pytest.mark.faults


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[OUTBOX, CONSUMED, LEASE])
    EFFECTS.create(database)
    return database


def put(engine: Engine) -> str:
    with write(engine) as tx:
        return Outbox().put(tx, WORK, {})


def child(engine: Engine, work: str, fault: str = "") -> int:
    """Do the work in a process that dies at `fault`; return its exit code."""
    return children.run(worker_child.work, engine.url.render_as_string(hide_password=False), work, fault=fault)[0]


def leases_end(engine: Engine) -> None:
    with write(engine) as tx:
        past = tx.now - timedelta(seconds=10)
        tx.connection.execute(update(OUTBOX).where(OUTBOX.c.state == State.LEASED.value).values(lease_until=past))
        tx.connection.execute(update(OUTBOX).values(offered_at=None, next_at=past))


def sweep_and_work(engine: Engine) -> None:
    """What a scheduler and a worker do after a restart."""
    Scheduler(engine, Outbox(lambda outbox_id, queue: perform(engine, KNOWN, outbox_id))).round()


def effects(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(EFFECTS.c.id)).scalars())


def state(engine: Engine, work: str) -> str:
    with engine.connect() as connection:
        return connection.execute(select(OUTBOX.c.state).where(OUTBOX.c.id == work)).scalar_one()


@pytest.mark.parametrize("fault", ["worker.claimed", "worker.before_commit", "worker.committed"])
def test_a_worker_killed_at_any_point_is_followed_by_another_and_the_effect_happens_once(engine, fault):
    work = put(engine)
    assert child(engine, work, fault) == -signal.SIGKILL
    leases_end(engine)
    sweep_and_work(engine)
    assert (state(engine, work), effects(engine)) == ("done", [work])
    sweep_and_work(engine)
    assert effects(engine) == [work]


def test_a_process_killed_after_the_commit_and_before_the_hint_loses_nothing(engine):
    work = put(engine)  # nobody was woken
    leases_end(engine)
    sweep_and_work(engine)
    assert (state(engine, work), effects(engine)) == ("done", [work])


def test_work_on_which_three_workers_die_is_put_aside_and_others_go_on(engine):
    poison, other = put(engine), put(engine)
    for _ in range(3):
        child(engine, poison, "worker.claimed")
        leases_end(engine)
    sweep_and_work(engine)
    assert [state(engine, each) for each in (poison, other)] == ["dead", "done"]
    assert effects(engine) == [other]


def test_a_worker_that_slept_beyond_its_lease_changes_nothing(engine):
    work = put(engine)
    late = outbox.claim(engine, work)
    leases_end(engine)
    assert child(engine, work) == 0
    with pytest.raises(LeaseLost):
        note(late)
    assert effects(engine) == [work]


def test_a_message_that_comes_three_times_out_of_order_is_done_once(engine):
    first, second = put(engine), put(engine)
    for work in (second, first, second, first, first, second):
        perform(engine, KNOWN, work)
    assert sorted(effects(engine)) == sorted([first, second])


def test_of_two_schedulers_started_at_once_one_sweeps(engine):
    put(engine)
    leases_end(engine)
    offers: list[str] = []
    schedulers = [Scheduler(engine, Outbox(lambda outbox_id, queue: offers.append(outbox_id))) for _ in range(2)]
    assert sorted(scheduler.round() for scheduler in schedulers) == [False, True]
    assert len(offers) == 1
