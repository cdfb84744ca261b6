"""A worker process for tests: `python -m tests.workflow.redis_worker DATABASE BROKER`; its work notes that it was done."""

from __future__ import annotations

import sys

from sqlalchemy import Column, MetaData, Table, Text

from fieldstone.db.engine import create_engine
from fieldstone.workflow.outbox import Claim, Topic
from fieldstone.workflow.queue import celery_app, serve
from fieldstone.workflow.tasks import Handler, handlers, perform

WORK = Topic(name="work")
EFFECTS = Table("effects", MetaData(), Column("id", Text))


def note(claim: Claim) -> None:
    with claim.finish() as tx:
        tx.connection.execute(EFFECTS.insert().values(id=claim.id))


if __name__ == "__main__":
    engine = create_engine(sys.argv[1])
    known = handlers([Handler(topic=WORK, run=note)])
    app = celery_app(sys.argv[2], lambda outbox_id: perform(engine, known, outbox_id), org="g")
    serve(app, org="g", processes=1, after_fork=lambda: engine.dispose(close=False))
