"""Locks with a name, held to the end of the transaction that takes them.

Here: advisory locks on PostgreSQL, shared or exclusive. On SQLite there is nothing to do: a write transaction is alone anyway, and
a reader sees one state of the database whatever happens meanwhile.
Not here: locks on rows (`SELECT … FOR UPDATE`), which belong to the statement that reads them.
"""

from __future__ import annotations

from sqlalchemy import bindparam, text

from fieldstone.db.transaction import Transaction

# An advisory lock is one number for the whole database; the schema makes it the org's own.
_KEY = "hashtextextended(current_schema() || ' ' || :name, 0)"
_SHARED = text(f"SELECT pg_advisory_xact_lock_shared({_KEY})").bindparams(bindparam("name"))
_EXCLUSIVE = text(f"SELECT pg_advisory_xact_lock({_KEY})").bindparams(bindparam("name"))
_TRY_EXCLUSIVE = text(f"SELECT pg_try_advisory_xact_lock({_KEY})").bindparams(bindparam("name"))


def take(transaction: Transaction, name: str, *, shared: bool = False) -> None:
    """Wait for the lock `name` and hold it to the end of `transaction`; with `shared`, beside others who share it.

    Raises TryAgain (when the transaction's block is left) if it does not come within the lock timeout of 2 s.
    """
    if transaction.on_postgresql:
        transaction.connection.execute(_SHARED if shared else _EXCLUSIVE, {"name": name})


def try_take(transaction: Transaction, name: str) -> bool:
    """Take the lock `name` alone if nobody holds it, and say whether it was free; never waits."""
    if not transaction.on_postgresql:
        return True
    return bool(transaction.connection.execute(_TRY_EXCLUSIVE, {"name": name}).scalar_one())
