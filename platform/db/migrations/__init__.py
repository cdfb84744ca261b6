"""Revisions of the system tables, run by Alembic on both databases.

Here: `migrate` and `current`. `env.py` is what Alembic calls back, `versions/` holds the revisions, oldest first.
Not here: objects' tables (`metadata/plan.py`, `metadata/ddl.py`), how a table looks today (`SYSTEM`, filled by the layers).

A layer that adds a table, a column or an index writes a revision in the same change: `tests/db/test_migrations.py` compares the
database that the revisions make with what the layers declare, and fails until they are the same.
"""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine

from fieldstone.db import locks
from fieldstone.db.transaction import read, write

VERSION_TABLE = "fs_schema_version"
MIGRATION_SECONDS = 600.0


def migrate(engine: Engine) -> str:
    """Bring the system tables to the newest revision, in one transaction, and return that revision.

    Two processes that start together wait for each other. Source: design.md, deployment shapes.
    """
    with write(engine, statement_seconds=MIGRATION_SECONDS) as transaction:
        locks.take(transaction, "migrate")
        command.upgrade(_config(transaction.connection), "head")
        return _revision(transaction.connection) or ""


def current(engine: Engine) -> str | None:
    """Return the revision the database is at; None for one without system tables."""
    with read(engine) as transaction:
        return _revision(transaction.connection)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files(__package__)))
    config.attributes["connection"] = connection
    return config
