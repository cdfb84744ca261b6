"""One engine per database: what every connection is told before anybody uses it.

Here: SQLite (WAL, `synchronous=FULL`, foreign keys, explicit transactions) and PostgreSQL (psycopg, pool, schema of the org).
Not here: which URL (`settings.py`), units of work (`transaction.py`), functions of the expression language: `rules` cannot be
imported from here, so the caller hands in what is to be registered on each SQLite connection.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy import create_engine as sqlalchemy_engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

READS = "fieldstone_reads"  # execution option: this transaction will not write
STATEMENT_SECONDS = 5.0  # interactive; jobs ask for more (spec/security.md, section 5)
WAIT_SECONDS = 5.0  # for the write lock of SQLite, for a connection of the pool
LOCK_SECONDS = 2.0  # for a lock of PostgreSQL (spec/metadata.md, section 8)
STEPS_BETWEEN_LOOKS = 200_000  # of SQLite's machine; some milliseconds
SAME_STATEMENT_SECONDS = 0.25  # longer without a look: another statement has begun

SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")

OnConnect = Callable[[sqlite3.Connection], None]


def create_engine(url: str | URL, *, schema: str | None = None, on_connect: Iterable[OnConnect] = (), pool_size: int = 10) -> Engine:
    """Return the engine of the database at `url`: `sqlite:///path/to/file` or `postgresql://user@host/name`.

    `schema` is the org's schema on PostgreSQL (default: what the connection's search path says); it must exist.
    `on_connect` is called with each new SQLite connection, before its first statement.
    Raises ValueError for another kind of database or an impossible schema, ModuleNotFoundError, with the command to run, if psycopg
    is missing.
    """
    url = make_url(url)
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url, tuple(on_connect), pool_size)
        case "postgresql" | "postgres":
            return _postgresql(url, schema, pool_size)
        case other:
            raise ValueError(f"Fieldstone works on SQLite and PostgreSQL, not on {other}")


def _sqlite(url: URL, on_connect: tuple[OnConnect, ...], pool_size: int) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError("an SQLite database of Fieldstone is a file: memory knows no write-ahead log")
    engine = sqlalchemy_engine(
        url.set(drivername="sqlite+pysqlite"),
        # None: the driver begins nothing by itself. Otherwise it would commit before DDL.
        connect_args={"isolation_level": None, "timeout": WAIT_SECONDS, "check_same_thread": False, "cached_statements": 1024},
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=WAIT_SECONDS,
        query_cache_size=2000,
    )

    def connected(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        driver: Any = connection
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # what was acknowledged survives a power cut
            "foreign_keys = ON",
            f"busy_timeout = {int(WAIT_SECONDS * 1000)}",
            "temp_store = MEMORY",
            "cache_size = -16000",  # KiB
            "mmap_size = 268435456",
            "wal_autocheckpoint = 4000",  # pages; one written again and again is copied into the database less often
        ):
            driver.execute(f"PRAGMA {pragma}")
        watch = entry.info["watch"] = Watch()
        driver.set_progress_handler(watch, STEPS_BETWEEN_LOOKS)
        for register in on_connect:
            register(driver)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_cursor_execute", _statement_begins)
    return engine


def _statement_begins(connection: Connection, *statement: object) -> None:
    watch: Watch = connection.info["watch"]
    watch.begin()


def _begin(connection: Connection) -> None:
    # A transaction that begins as a reader and then writes fails at once if somebody wrote in between, and
    # no waiting helps it. So whoever has not said that it only reads takes the write lock at the start.
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Watch:
    """SQLite's statement time limit: called while a statement works, ends it by returning True when `seconds` have passed.

    A statement that SQLAlchemy runs says where it begins; of others a pause between two calls does.
    """

    __slots__ = ("seconds", "seen", "started")

    def __init__(self) -> None:
        self.seconds = STATEMENT_SECONDS
        self.started = self.seen = 0.0

    def begin(self) -> None:
        """Count from now: another statement begins."""
        self.started = self.seen = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self.seen > SAME_STATEMENT_SECONDS:
            self.started = now
        self.seen = now
        return now - self.started > self.seconds


def _postgresql(url: URL, schema: str | None, pool_size: int) -> Engine:
    try:
        from psycopg.types.string import TextLoader
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("PostgreSQL needs its driver: run  pip install 'fieldstone[postgres]'") from missing

    told = {
        "statement_timeout": f"{int(STATEMENT_SECONDS * 1000)}",
        "lock_timeout": f"{int(LOCK_SECONDS * 1000)}",
        "idle_in_transaction_session_timeout": "300000",
        "synchronous_commit": "on",
        "default_transaction_isolation": "read\\ committed",
        "timezone": "UTC",
    }
    if schema:
        if SCHEMA.fullmatch(schema) is None:
            raise ValueError(f"{schema!r} is no name for a schema: lower-case letters, digits and _, 63 at most")
        # Extensions such as pg_trgm live in public, for all orgs of the database.
        told["search_path"] = f'"{schema}",public' if schema != "public" else "public"
    options = " ".join(f"-c {name}={value}" for name, value in told.items())
    given = url.query.get("options", "")
    engine = sqlalchemy_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        # The URL's own options come last and win.
        connect_args={"options": f"{options} {given}".strip(), "connect_timeout": 5, "application_name": "fieldstone"},
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=WAIT_SECONDS,
        pool_recycle=1800,
        query_cache_size=2000,
        use_native_hstore=False,
    )

    def connected(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        driver: Any = connection
        driver.adapters.register_loader("uuid", TextLoader)  # ids are texts in Python

    event.listen(engine, "connect", connected)
    return engine


def is_postgresql(bound: Engine | Connection) -> bool:
    """Tell which of the two databases `bound` talks to."""
    return bound.dialect.name == "postgresql"
