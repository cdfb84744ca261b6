"""System tables: made once, on both databases, also when two processes start together."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect

from fieldstone.db.migrations import VERSION_TABLE, current, migrate
from fieldstone.db.system import SYSTEM, system_table


def test_an_empty_database_gets_all_system_tables(database):
    assert current(database) is None
    assert migrate(database) == "0001"
    assert current(database) == "0001"
    assert {VERSION_TABLE, *SYSTEM.tables} <= set(inspect(database).get_table_names())


def test_migrating_again_changes_nothing(database):
    migrate(database)
    before = inspect(database).get_table_names()
    assert migrate(database) == "0001"
    assert inspect(database).get_table_names() == before


def test_two_that_start_together_wait_for_each_other(database):
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda _: migrate(database), range(2))) == ["0001", "0001"]


def test_a_system_table_is_named_without_its_prefix():
    with pytest.raises(ValueError, match="the prefix is added here"):
        system_table("fs_notes")
