"""A worker in a process of its own: `python -m tests.faults.worker_child DATABASE OUTBOX_ID`; its effect is a row."""

from __future__ import annotations

import sys

from sqlalchemy import Column, MetaData, Table, Text

from fieldstone.db.engine import create_engine
from fieldstone.workflow.outbox import Claim, Topic
from fieldstone.workflow.tasks import Handler, handlers, perform

WORK = Topic(name="work")
EFFECTS = Table("effects", MetaData(), Column("id", Text))


def note(claim: Claim) -> None:
    with claim.finish() as tx:
        tx.connection.execute(EFFECTS.insert().values(id=claim.id))


KNOWN = handlers([Handler(topic=WORK, run=note)])

if __name__ == "__main__":
    perform(create_engine(sys.argv[1]), KNOWN, sys.argv[2])
