"""Serve the yardstick or its twin on a port of this machine until told to stop: `python -m bench.serve yardstick|twin URL FOLDER PORT`.

Both run in waitress with four threads, on one database kind with the same promise: SQLite in WAL with synchronous=FULL.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from waitress import serve

from bench import twin, yardstick

THREADS = 4


def engine_of(url: str) -> sa.Engine:
    """Return the yardstick's engine."""
    engine = sa.create_engine(url, pool_size=8, max_overflow=8)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: Any, record: Any) -> None:
            for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=5000", "cache_size=-65536"):
                connection.execute(f"pragma {pragma}")

    return engine


def main(which: str, url: str, folder: str, port: str) -> None:
    """Serve."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    if which == "yardstick":
        app: Any = yardstick.create_app(engine_of(url))
    else:
        from fieldstone.app import open_org
        from fieldstone.wsgi import application

        app = application(open_org(twin.settings(url, Path(folder), int(port))))
    serve(app, host="127.0.0.1", port=int(port), threads=THREADS, ident=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
