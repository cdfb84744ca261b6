"""Commands that are given once, however often they are sent: plans, publishes, tokens, approvals.

Here: `once` for a command with one effect, `each_once` for many with a transaction each. Not here: saves of records (`saving.py`), the
table of keys (`idempotency.py`). Source: spec/api.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from fieldstone.api import idempotency
from fieldstone.api.call import Call
from fieldstone.api.problems import Declined
from fieldstone.db.transaction import Transaction, read, retrying
from fieldstone.errors import Problem, TryAgain
from fieldstone.records.changes import Outcome

Keep = Callable[[Transaction, Outcome], None]
Result = TypeVar("Result")


def once(call: Call, command: Callable[[Keep], Result], again: Callable[[Outcome], Result]) -> Result:
    """Return what `command` gives; for a key that was used before what `again` makes of the outcome kept then.

    `command` is handed what keeps its outcome: it calls that in the transaction of its effect, so that one never stands without the other.
    """
    key = idempotency.key_of(call.request.headers.get("Idempotency-Key"))
    done = _done(call, key)
    if done:
        return again(done[0])

    def keep(tx: Transaction, outcome: Outcome) -> None:
        if key is not None:
            idempotency.keep(tx, call.principal.fingerprint, key, call.fingerprint, call.request_id, {0: outcome})

    try:
        return command(keep)
    except IntegrityError:
        done = _done(call, key)  # the same key at the same time: the other one was faster
        if not done:
            raise
        return again(done[0])


def each_once(call: Call, count: int, command: Callable[[int, Keep], Outcome]) -> list[Outcome]:
    """Return what each of `count` commands came to; those that had their effect under this key before are not given again.

    `command` keeps the outcome of an effect itself, in its transaction. What was refused is kept at the end: the same request gets the same
    answer. Raises Declined while the first request with the key is still on its way.
    """
    key = idempotency.key_of(call.request.headers.get("Idempotency-Key"))
    known = {each.index: each for each in _done(call, key)}
    call.replayed = len(known) == count
    attempt = _attempt(call, key) if known else call.request_id
    call.close()

    def keep(tx: Transaction, *done: Outcome) -> None:
        if key is not None:
            noted = known | {each.index: each for each in done}
            idempotency.keep(tx, call.principal.fingerprint, key, call.fingerprint, attempt, noted)

    try:
        for index in range(count):
            if index not in known:
                known[index] = command(index, keep)
        results = [known[index] for index in range(count)]
        if not call.replayed:  # what was busy may go well when it is sent again
            known = {index: each for index, each in known.items() if each.code != TryAgain.code}
            retrying(call.org.engine, keep)
    except IntegrityError:
        raise Declined(409, "idempotency_in_progress", [Problem(code="idempotency_in_progress")], headers={"Retry-After": "1"}) from None
    return results


def _done(call: Call, key: str | None) -> tuple[Outcome, ...]:
    """What became of the request that had this key before; nothing for a key that is free, or without one."""
    if key is None:
        return ()
    call.close()
    with read(call.org.engine) as tx:
        found = idempotency.find(tx.connection, call.principal.fingerprint, key, call.fingerprint)
    call.replayed = found is not None
    return found or ()


def _attempt(call: Call, key: str | None) -> str:
    """The request that had this key first and did not come to its end: what is done now belongs to it."""
    with read(call.org.engine) as tx:
        return idempotency.attempt(tx.connection, call.principal.fingerprint, key or "")
