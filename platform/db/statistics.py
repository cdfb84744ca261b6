"""What the database's planner knows of the tables: without it, it takes the wrong index after rows came in bulk.

Here: `refresh`, called after samples and imports and once a day. Not here: statements.
"""

from __future__ import annotations

from sqlalchemy import Engine, text

from fieldstone.db.transaction import write

SECONDS = 60.0
ROWS = text("PRAGMA analysis_limit = 1000")  # of each index that SQLite looks at: enough to choose by, quick at any size
ANALYZE = text("ANALYZE")


def refresh(engine: Engine) -> None:
    """Let the planner count again. Takes a fraction of a second; on PostgreSQL autovacuum would do it, minutes later."""
    with write(engine, statement_seconds=SECONDS) as tx:
        if not tx.on_postgresql:
            tx.connection.execute(ROWS)
        tx.connection.execute(ANALYZE)
