"""`Idempotency-Key`: a write that is sent twice happens once; key and outcome are stored in the transaction of the effect.

Here: the table, finding what a key stands for, keeping outcomes. Stored are status, ids and versions; values are read with the rights of
now. Not here: the save (`saving.py`). Source: spec/api.md, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, delete, insert, select, update

from fieldstone.api.problems import Declined, entry
from fieldstone.db.column_types import JsonText, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.errors import Problem, Refused
from fieldstone.records.changes import Outcome

DAYS = 7
MOST = 255  # characters

IDEMPOTENCY = system_table(
    "idempotency",
    Column("principal", PlainText, nullable=False),
    Column("key", PlainText, nullable=False),
    Column("request", PlainText, nullable=False),  # hash of method, path, parameters and body
    Column("attempt", PlainText, nullable=False),  # id of the request that had the effect
    Column("outcomes", JsonText, nullable=False),
    Column("at", UtcMoment, nullable=False, index=True),
    PrimaryKeyConstraint("principal", "key"),
)


def key_of(header: str | None) -> str | None:
    """Return the key in a header, quotes taken off. Raises Declined for one that is empty, too long or holds blanks."""
    if header is None:
        return None
    found = re.fullmatch(r'"?([!#-~]{1,255})"?', header)
    if found is None:
        raise Declined(400, "malformed", [Problem(code="idempotency_key", params={"limit": MOST})])
    return found[1]


def find(connection: Connection, principal: str, key: str, request: str) -> tuple[Outcome, ...] | None:
    """Return what became of the request that had this key, None for a key that is free. Raises Refused for another request's key."""
    row = connection.execute(select(IDEMPOTENCY).where(IDEMPOTENCY.c.principal == principal, IDEMPOTENCY.c.key == key)).first()
    if row is None:
        return None
    if row.request != request:
        raise Refused(Problem(code="idempotency_mismatch"))
    return tuple(_outcome(each) for each in row.outcomes)


def attempt(connection: Connection, principal: str, key: str) -> str:
    """Return the id of the request that this key belongs to."""
    found = select(IDEMPOTENCY.c.attempt).where(IDEMPOTENCY.c.principal == principal, IDEMPOTENCY.c.key == key)
    return str(connection.execute(found).scalar_one())


def keep(tx: Transaction, principal: str, key: str, request: str, attempt: str, outcomes: Mapping[int, Outcome]) -> None:
    """Store what became of a request, in the transaction that makes it true; a second call of the same attempt adds to the first.

    Raises IntegrityError where another attempt was faster.
    """
    kept = [_stored(outcomes[index]) for index in sorted(outcomes)]
    mine = (IDEMPOTENCY.c.principal == principal) & (IDEMPOTENCY.c.key == key)
    connection = tx.connection
    again = connection.execute(update(IDEMPOTENCY).where(mine, IDEMPOTENCY.c.attempt == attempt).values(outcomes=kept))
    if again.rowcount:
        return
    connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.at < tx.now - timedelta(days=DAYS)))
    connection.execute(insert(IDEMPOTENCY).values(principal=principal, key=key, request=request, attempt=attempt, outcomes=kept, at=tx.now))


def _stored(outcome: Outcome) -> dict[str, Any]:
    problems = [entry(each, "en", None) | ({"own": dict(each.message)} if each.message else {}) for each in outcome.problems]
    return {
        "index": outcome.index,
        "status": outcome.status,
        "object": outcome.object,
        "id": outcome.id,
        "row_version": outcome.row_version,
        "code": outcome.code,
        "problems": problems,
    }


def _outcome(stored: Mapping[str, Any]) -> Outcome:
    found = Outcome(**{name: stored[name] for name in ("index", "status", "object", "id", "row_version", "code")})
    return replace(found, problems=tuple(_problem(each) for each in stored["problems"]))


def _problem(stored: Mapping[str, Any]) -> Problem:
    plain = {name: stored[name] for name in ("code", "pointer", "field", "rule", "suggestion") if name in stored}
    return Problem(**plain, params=stored.get("params", {}), message=stored.get("own"))
