"""A worker in a process of its own; its effect is a row."""

from __future__ import annotations

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


def work(database: str, outbox_id: str) -> None:
    """Do one work of the outbox."""
    perform(create_engine(database), KNOWN, outbox_id)
