"""Celery carries outbox ids: in this process without a broker, and to a worker process by Redis."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import write
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, Outbox, State, Topic
from fieldstone.workflow.queue import MEMORY, InProcessWorker, Queue, celery_app
from fieldstone.workflow.tasks import Handler, handlers, perform
from tests.workflow.redis_worker import EFFECTS, WORK

QUICK = Topic(name="quick", queue="interactive")
SLOW = Topic(name="slow", queue="bulk")


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[OUTBOX, CONSUMED])
    return database


def wait_for(true: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def states(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(OUTBOX.c.state).order_by(OUTBOX.c.id)).scalars())


def test_work_put_in_a_transaction_is_done_in_a_thread_of_this_process(engine):
    known = handlers([Handler(topic=QUICK, run=lambda claim: None)])
    queue = Queue(celery_app(MEMORY, lambda outbox_id: perform(engine, known, outbox_id), org="a"), org="a")
    worker = InProcessWorker(lambda outbox_id: perform(engine, known, outbox_id), org="a")
    worker.start()
    try:
        with write(engine) as tx:
            Outbox(queue.hint).put(tx, QUICK, {})
        wait_for(lambda: states(engine) == [State.DONE])
    finally:
        worker.stop()


def test_bulk_work_does_not_stand_before_what_people_wait_for(engine):
    quick_was_done = []

    def slow(_: object) -> None:
        wait_for(lambda: bool(quick_was_done))

    known = handlers([Handler(topic=QUICK, run=lambda claim: quick_was_done.append(claim.id)), Handler(topic=SLOW, run=slow)])
    queue = Queue(celery_app(MEMORY, lambda outbox_id: perform(engine, known, outbox_id), org="b"), org="b")
    worker = InProcessWorker(lambda outbox_id: perform(engine, known, outbox_id), org="b")
    worker.start()
    try:
        for topic in (SLOW, QUICK):
            with write(engine) as tx:
                Outbox(queue.hint).put(tx, topic, {})
        wait_for(lambda: states(engine) == [State.DONE, State.DONE])
    finally:
        worker.stop()


def test_two_orgs_in_one_process_do_not_see_each_others_messages(engine):
    seen: dict[str, list[str]] = {"c": [], "d": []}
    workers = [InProcessWorker(seen[org].append, org=org) for org in seen]
    queues = {org: Queue(celery_app(MEMORY, seen[org].append, org=org), org=org) for org in seen}
    for worker in workers:
        worker.start()
    try:
        queues["c"].hint("for c", "default")
        queues["d"].hint("for d", "default")
        wait_for(lambda: bool(seen["c"] and seen["d"]))
    finally:
        for worker in workers:
            worker.stop()
    assert seen == {"c": ["for c"], "d": ["for d"]}


def test_a_broker_that_is_down_costs_a_save_nothing():
    queue = Queue(celery_app("redis://127.0.0.1:1/0", lambda outbox_id: None, org="e"), org="e")
    began = time.monotonic()
    assert not queue.hint("x", "default")
    first = time.monotonic() - began
    for _ in range(100):
        assert not queue.hint("x", "default")
    assert first < 3
    assert time.monotonic() - began - first < 0.1


def test_a_message_is_json_and_holds_the_outbox_id_and_nothing_else(redis_url):
    import redis

    Queue(celery_app(redis_url, lambda outbox_id: None, org="f"), org="f").hint("0197", "bulk")
    [message] = redis.Redis.from_url(redis_url).lrange("fieldstone.f.bulk", 0, -1)
    parsed = json.loads(message)
    import base64

    args, kwargs, _ = json.loads(base64.b64decode(parsed["body"]))
    assert (parsed["content-type"], args, kwargs) == ("application/json", ["0197"], {})


def test_a_worker_process_does_the_work_that_redis_brings_and_another_goes_on_when_it_is_killed(engine, redis_url):
    EFFECTS.create(engine)
    url = engine.url.render_as_string(hide_password=False)
    box = Outbox(Queue(celery_app(redis_url, lambda outbox_id: None, org="g"), org="g").hint)
    worker = _start(url, redis_url)
    try:
        for _ in range(10):
            with write(engine) as tx:
                box.put(tx, WORK, {})
        wait_for(lambda: states(engine) == [State.DONE] * 10)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(10)
        with write(engine) as tx:
            box.put(tx, WORK, {})
        worker = _start(url, redis_url)
        wait_for(lambda: states(engine) == [State.DONE] * 11)
        with engine.connect() as connection:
            assert len(connection.execute(select(EFFECTS.c.id)).all()) == 11
    finally:
        worker.terminate()
        worker.wait(20)


def _start(database_url: str, redis_url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.workflow.redis_worker", database_url, redis_url], start_new_session=True)
