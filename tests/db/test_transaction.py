"""Units of work on both databases: all or nothing, one time, who waits for whom, what is repeated."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from fieldstone.db import locks
from fieldstone.db.column_types import PlainText
from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read, retrying, write
from fieldstone.errors import TryAgain

NOTES = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("words", PlainText()))


@pytest.fixture
def notes(database):
    with write(database) as transaction:
        NOTES.create(transaction.connection)
    return database


def add(transaction, number, words=""):
    transaction.connection.execute(insert(NOTES), {"id": number, "words": words})


def count(engine):
    with read(engine) as transaction:
        return transaction.connection.execute(select(func.count()).select_from(NOTES)).scalar_one()


def test_a_block_that_ends_is_committed(notes):
    with write(notes) as transaction:
        add(transaction, 1)
    assert count(notes) == 1


def test_a_block_that_raises_leaves_nothing_not_even_a_table(notes):
    with pytest.raises(ZeroDivisionError), write(notes) as transaction:
        add(transaction, 1)
        transaction.connection.execute(text("CREATE TABLE another (id INTEGER)"))
        transaction.connection.execute(text("ALTER TABLE notes ADD COLUMN more INTEGER"))
        _ = 1 / 0
    assert count(notes) == 0
    assert not inspect(notes).has_table("another")
    assert "more" not in {column["name"] for column in inspect(notes).get_columns("notes")}


def test_a_savepoint_fails_alone(notes):
    with write(notes) as transaction:
        add(transaction, 1)
        with pytest.raises(IntegrityError), transaction.savepoint():
            add(transaction, 2)
            add(transaction, 1)
        add(transaction, 3)
    assert count(notes) == 2


def test_a_transaction_has_one_time_of_the_database(notes):
    with write(notes) as transaction:
        first = transaction.now
        time.sleep(0.01)
        assert transaction.now is first
    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_time_can_be_handed_over_once(notes):
    given = datetime(2026, 1, 1, tzinfo=UTC)
    with write(notes) as transaction:
        transaction.fix_now(given)
        assert transaction.now == given
        with pytest.raises(RuntimeError, match="already fixed"):
            transaction.fix_now(given)


def test_calls_follow_the_commit_and_only_a_commit(notes):
    called = []
    with write(notes) as transaction:
        add(transaction, 1)
        transaction.after_commit(lambda: called.append(count(notes)))
    assert called == [1]
    with pytest.raises(ZeroDivisionError), write(notes) as transaction:
        transaction.after_commit(lambda: called.append("never"))
        _ = 1 / 0
    assert called == [1]


def test_a_failing_call_after_the_commit_is_only_logged(notes, caplog):
    called = []
    with write(notes) as transaction:
        transaction.after_commit(lambda: 1 / 0)
        transaction.after_commit(lambda: called.append("the next"))
    assert called == ["the next"]
    assert "a call after the commit failed" in caplog.text


def test_a_reader_does_not_wait_for_a_writer_and_sees_what_was_committed(notes):
    with write(notes) as transaction:
        add(transaction, 1)
        assert count(notes) == 0
    assert count(notes) == 1


def test_writers_of_one_process_take_turns(notes):
    def raise_by_one():
        with write(notes) as transaction:
            locks.take(transaction, "counter")
            seen = transaction.connection.execute(select(NOTES.c.words).where(NOTES.c.id == 1)).scalar_one()
            transaction.connection.execute(update(NOTES).values(words=str(int(seen) + 1)))

    with write(notes) as transaction:
        add(transaction, 1, "0")
    threads = [threading.Thread(target=lambda: [raise_by_one() for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read(notes) as transaction:
        assert transaction.connection.execute(select(NOTES.c.words)).scalar_one() == "40"


def test_try_again_is_repeated_from_the_start(notes):
    attempts = []

    def work(transaction):
        attempts.append(1)
        add(transaction, len(attempts))
        if len(attempts) < 3:
            raise TryAgain("deadlock")
        return "done"

    assert retrying(notes, work) == "done"
    assert count(notes) == 1


@pytest.mark.parametrize(("reason", "attempts"), [("deadlock", 4), ("timeout", 1)])
def test_repeating_ends(notes, reason, attempts):
    made = []

    def work(transaction):
        made.append(1)
        raise TryAgain(reason)

    with pytest.raises(TryAgain):
        retrying(notes, work)
    assert len(made) == attempts


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)  # on SQLite there is one writer at a time
def test_a_deadlock_ends_well_for_both(notes):
    with write(notes) as transaction:
        add(transaction, 1, "a")
        add(transaction, 2, "b")
    both_hold_one = threading.Barrier(2)

    def change(first, second):
        def work(transaction):
            transaction.connection.execute(update(NOTES).where(NOTES.c.id == first).values(words="x"))
            if not done_once.is_set():
                both_hold_one.wait(5)
                done_once.set()
            transaction.connection.execute(update(NOTES).where(NOTES.c.id == second).values(words="x"))

        retrying(notes, work)
        finished.append((first, second))

    done_once, finished = threading.Event(), []
    threads = [threading.Thread(target=change, args=pair) for pair in [(1, 2), (2, 1)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(finished) == [(1, 2), (2, 1)]


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(30)",
}


@pytest.mark.parametrize("opened", [read, write])
def test_a_statement_over_its_time_limit_is_ended(databases, notes, opened):
    started = time.monotonic()
    with pytest.raises(TryAgain) as failure, opened(notes, statement_seconds=0.3) as transaction:
        transaction.connection.execute(text(SLOW[databases.kind]))
    assert failure.value.reason == "timeout"
    assert time.monotonic() - started < 5
    assert count(notes) == 0


def test_another_process_that_holds_the_lock_too_long_means_try_again(databases, database_url, notes):
    if databases.kind == "sqlite":
        stranger = create_engine(database_url)
        with stranger.connect() as holding, holding.begin():
            quick = databases.engine(database_url)
            with read(quick) as transaction:
                transaction.connection.exec_driver_sql("PRAGMA busy_timeout = 100")
            with pytest.raises(TryAgain) as failure, write(quick):
                pass
        stranger.dispose()
    else:
        with write(notes) as holder:
            locks.take(holder, "counter")
            with pytest.raises(TryAgain) as failure, write(notes) as transaction:
                locks.take(transaction, "counter", shared=True)
    assert failure.value.reason == "locked"


def test_a_shared_lock_is_shared_and_an_exclusive_one_is_not(postgresql_engine):
    with write(postgresql_engine) as one, write(postgresql_engine) as two:
        locks.take(one, "version", shared=True)
        locks.take(two, "version", shared=True)
        assert locks.try_take(two, "another") is True
        assert locks.try_take(one, "another") is False
    with write(postgresql_engine) as one:
        assert locks.try_take(one, "another") is True


def test_a_lost_connection_means_try_again_and_the_next_one_works(postgresql_databases, postgresql_url):
    engine = create_engine(postgresql_url)
    with pytest.raises(TryAgain) as failure, write(engine) as transaction:
        backend = transaction.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        postgresql_databases._run(f"SELECT pg_terminate_backend({backend})")
        transaction.connection.execute(text("SELECT 1"))
    assert failure.value.reason == "connection"
    with write(engine) as transaction:
        assert transaction.connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_a_connection_lost_in_the_commit_is_not_called_repeatable(postgresql_databases, postgresql_url):
    engine = create_engine(postgresql_url)
    with pytest.raises(DBAPIError), write(engine) as transaction:
        backend = transaction.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        postgresql_databases._run(f"SELECT pg_terminate_backend({backend})")
    engine.dispose()


def test_a_full_pool_means_try_again(notes, monkeypatch):
    monkeypatch.setattr(notes.pool, "_timeout", 0.05)
    held = [notes.connect() for _ in range(10)]
    with pytest.raises(TryAgain) as failure, read(notes):
        pass
    assert failure.value.reason == "connections"
    for connection in held:
        connection.close()
