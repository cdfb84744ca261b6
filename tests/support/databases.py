"""Fresh databases for tests: an empty one or a copy of a prepared one, in milliseconds, on SQLite and on PostgreSQL.

Here: making and removing them. Not here: the server (`servers.py`), what a test puts in.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, make_url

from fieldstone.db import engine as engines
from fieldstone.rules import register_functions
from tests.support import servers

KINDS = ("sqlite", "postgresql")
GIVEN = "FIELDSTONE_TEST_POSTGRESQL"  # the URL of a server to use instead of one of our own
_numbers = itertools.count(1)


@dataclass
class Databases:
    """The databases of one kind that this test process makes; `folder` holds those of SQLite."""

    kind: str
    folder: Path
    prepared: dict[tuple[str, str, str], tuple[URL, object]] = field(default_factory=dict)
    empty: URL | None = None  # what new databases of PostgreSQL are copied from
    engines: dict[URL, Engine] = field(default_factory=dict)
    administrator: psycopg.Connection[Any] | None = None  # kept open: PostgreSQL starts a process for each connection

    def fresh(self) -> URL:
        """Return the URL of a new, empty database."""
        if self.kind == "sqlite":
            return URL.create("sqlite", database=str(self.folder / f"{self._name()}.sqlite"))
        return self._create(self._base())

    def copy(self, key: str, prepare: Callable[[Engine], object]) -> URL:
        """Return the URL of a new copy of what `prepare` makes of an empty database; each `prepare` runs once a `key` and process."""
        whole = _whole(key, prepare)
        if whole not in self.prepared:
            url = self.fresh()
            returned = prepare(self.engine(url))
            self.close(url)
            self.prepared[whole] = url, returned
        source = self.prepared[whole][0]
        if self.kind == "postgresql":
            return self._create(str(source.database))
        copied = URL.create("sqlite", database=str(self.folder / f"{self._name()}.sqlite"))
        shutil.copyfile(str(source.database), str(copied.database))
        return copied

    def returned(self, key: str, prepare: Callable[[Engine], object]) -> Any:
        """Return what `prepare` returned when it ran for `copy(key, prepare)`."""
        return self.prepared[_whole(key, prepare)][1]

    def engine(self, url: URL, **options: Any) -> Engine:
        """Return an engine on `url`, closed by `close` or `remove`."""
        made = self.engines[url] = engines.create_engine(url, on_connect=(register_functions,), pool_size=5, **options)
        return made

    def close(self, url: URL) -> None:
        """Close the engine of `url`; on SQLite the whole database is in its one file afterwards."""
        engine = self.engines.pop(url, None)
        if engine is not None:
            engine.dispose()
        if self.kind == "sqlite" and Path(str(url.database)).exists():
            with sqlite3.connect(str(url.database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()

    def remove(self, url: URL) -> None:
        """Remove the database at `url`, whoever is still connected."""
        engine = self.engines.pop(url, None)
        if engine is not None:
            engine.dispose()
        if self.kind == "postgresql":
            self._run(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
        else:
            for ending in ("", "-wal", "-shm"):
                Path(f"{url.database}{ending}").unlink(missing_ok=True)

    def remove_all(self) -> None:
        """Remove the prepared databases, at the end of the run: those on somebody's server, for ours goes with all it holds."""
        if self.kind == "sqlite" or GIVEN in os.environ:
            for url in [url for url, _ in self.prepared.values()] + [url for url in (self.empty,) if url]:
                self.remove(url)
        if self.administrator is not None:
            self.administrator.close()

    def _name(self) -> str:
        return f"t{os.getpid()}_{next(_numbers)}"

    def _base(self) -> str:
        """Return the name of this process's empty database with the extensions an administrator would have installed."""
        if self.empty is None:
            url = self._create("template0")
            with psycopg.connect(_dsn(url), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            self.empty = url
        return str(self.empty.database)

    def _create(self, template: str) -> URL:
        name = self._name()
        # Copying files costs a checkpoint and still takes half the time of writing every page to the log.
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self._server().set(database=name)

    def _run(self, statement: str) -> None:
        if self.administrator is None:
            self.administrator = psycopg.connect(_dsn(self._server()), autocommit=True)
        self.administrator.execute(statement)

    def _server(self) -> URL:
        return make_url(os.environ.get(GIVEN) or servers.server("postgresql"))


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _whole(key: str, prepare: Callable[[Engine], object]) -> tuple[str, str, str]:
    """Two files of tests may use one key for different preparations."""
    return key, prepare.__module__, prepare.__qualname__
