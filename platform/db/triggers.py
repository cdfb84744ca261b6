"""Promises that the database keeps by itself, whoever is connected.

Here: DDL that runs when a system table is made. Not here: the tables.
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event


def on_create(table: Table, *, sqlite: str, postgresql: tuple[str, ...]) -> None:
    """Have these statements run after `table` is created: one on SQLite, several in order on PostgreSQL."""
    for dialect, statements in (("sqlite", (sqlite,)), ("postgresql", postgresql)):
        for statement in statements:
            made = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", made.execute_if(dialect=dialect))
