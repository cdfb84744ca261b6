"""The database in memory that examples are asked on: one for everybody who asks, whatever the number of threads."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from fieldstone.rules.row_values import memory

THREADS = 12


def test_many_threads_ask_at_once_and_none_closes_the_connection_of_another(caplog):
    together = threading.Barrier(THREADS, timeout=20)

    def ask(number: int) -> list[int]:
        found = []
        for _ in range(3):
            together.wait()
            with memory() as connection:
                found.append(connection.execute(text("SELECT :n + 1"), {"n": number}).scalar_one())
        return found

    with caplog.at_level(logging.ERROR), ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == [[number + 1] * 3 for number in range(THREADS)]
    assert [record.getMessage() for record in caplog.records] == []
