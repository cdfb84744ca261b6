"""Ids: unique, growing, of one form."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from fieldstone.db.column_types import is_id
from fieldstone.db.ids import new_id


def test_an_id_is_a_uuid_of_version_7():
    made = uuid.UUID(new_id())
    assert (made.version, made.variant, is_id(str(made))) == (7, uuid.RFC_4122, True)


def test_an_id_carries_the_time_it_was_made():
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id()).int >> 80
    assert before <= made <= time.time_ns() // 1_000_000 + 1


def test_ids_grow_within_a_process_also_when_the_clock_stands_still(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_threads_get_different_ids():
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: new_id(), range(20_000)))
    assert len(set(made)) == len(made)
