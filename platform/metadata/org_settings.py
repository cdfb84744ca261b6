"""What the org is called and where its days begin: the settings that stand beside the version, not in documents.

Here: changing them. Not here: reading them (`Snapshot.name`, `.zone`, `.language`), publishing documents (`publish.py`).
The language is what labels without one are in and what sort keys are made for, so it stays as the org was founded.
"""

from __future__ import annotations

from zoneinfo import available_timezones

from sqlalchemy import Engine, update

from fieldstone.db import locks
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import store
from fieldstone.metadata.publish import VERSION_LOCK

NAME_LENGTH = 120


def change_org(engine: Engine, *, name: str, zone: str) -> int:
    """Give the org another name and zone and return the version they come with: every process takes them up with it.

    Raises Refused with every problem, at "name" and "zone".
    """
    problems = []
    if not name.strip():
        problems.append(Problem(code="required", field="name"))
    if len(name) > NAME_LENGTH:
        problems.append(Problem(code="too_long", params={"field": "name", "limit": NAME_LENGTH, "length": len(name)}, field="name"))
    if zone not in available_timezones():
        problems.append(Problem(code="unknown_zone", params={"zone": zone}, field="zone"))
    if problems:
        raise Refused(problems)

    def work(transaction: Transaction) -> int:
        locks.take(transaction, VERSION_LOCK)
        number = store.read_version(transaction.connection).number + 1
        values = {"name": name.strip(), "zone": zone, "number": number, "changed_at": transaction.now}
        transaction.connection.execute(update(store.VERSION).where(store.VERSION.c.org == 1).values(**values))
        return number

    return retrying(engine, work)
