"""An insert that knows whether it was the first.

Here: `insert_new`, the same on both databases. Not here: everything else about statements.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from fieldstone.db.transaction import Transaction


def insert_new(tx: Transaction, table: Table, values: Mapping[str, object], *, key: tuple[str, ...] | None = None) -> bool:
    """Insert a row unless one with the same `key` (default: the primary key) is there; say whether it was inserted.

    A clash on another unique key raises IntegrityError as ever.
    """
    columns = [table.c[name] for name in key] if key else list(table.primary_key.columns)
    insert = postgresql.insert(table) if tx.on_postgresql else sqlite.insert(table)
    statement = insert.values(**values).on_conflict_do_nothing(index_elements=columns)
    # Without RETURNING, a driver may not tell how many rows an insert wrote.
    return tx.connection.execute(statement.returning(columns[0])).first() is not None
