"""Somebody who decides, in a process of its own."""

from __future__ import annotations

from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read
from fieldstone.metadata.store import read_version
from fieldstone.records.save import Records
from fieldstone.rules import register_functions
from fieldstone.workflow.steps import steps
from tests.support.company import PROCESS, company_of, documents, notices_of
from tests.support.worlds import SECRET, Fixed, World, built, core_document

SMTP = "smtp://127.0.0.1:9"


def approve(database: str, user: str, task: str, evidence: str) -> str:
    """Approve a task."""
    snapshot = built([*documents(PROCESS), core_document("objects/user.json")])
    engine = create_engine(database, on_connect=(register_functions,))
    with read(engine) as tx:
        version = read_version(tx.connection).number
    records = Records(engine, Fixed({version: snapshot}), steps(notices_of([], SMTP)), secret=SECRET)
    world = World(engine, records, snapshot)
    firm = company_of(world, SMTP)
    firm.approvals.approve(world.records.principal(user), task, evidence_hash=evidence, comment="fine")
    return "acknowledged"
