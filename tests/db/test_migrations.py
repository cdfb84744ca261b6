"""System tables: made once, on both databases, also when two processes start together, and exactly as the layers declare them."""

import importlib
import pkgutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Integer, MetaData, inspect, text

import fieldstone
from fieldstone.db.migrations import VERSION_TABLE, current, migrate
from fieldstone.db.system import SYSTEM, system_table
from fieldstone.db.transaction import read, write

NEWEST = "0001"
# Everything a database knows of its tables, indexes, constraints and triggers.
CATALOGUE = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master",
    "postgresql": """
        SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, o.collname,
            pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation o ON o.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0
        UNION ALL SELECT 'index', indexname, 0, indexdef, false, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint', conname, 0, pg_get_constraintdef(oid), false, '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger', tgname, 0, pg_get_triggerdef(oid), false, '', '' FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'function', proname, 0, prosrc, false, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
}


@pytest.fixture(scope="module")
def declared() -> MetaData:
    """The system tables of all layers."""
    for module in pkgutil.walk_packages(fieldstone.__path__, "fieldstone."):
        if not module.name.startswith("fieldstone.db.migrations."):
            importlib.import_module(module.name)
    return SYSTEM


def catalogue(engine):
    with read(engine) as tx:
        rows = tx.connection.execute(text(CATALOGUE[engine.dialect.name])).all()
    return sorted(" ".join(map(str, row)) for row in rows if VERSION_TABLE not in " ".join(map(str, row)))


def differences(engine, declared):
    with read(engine) as tx:
        options = {"compare_type": True, "include_object": by_the_layers, "version_table": VERSION_TABLE}
        return compare_metadata(MigrationContext.configure(tx.connection, opts=options), declared)


def by_the_layers(item, name, kind, reflected, compare_to):
    # How each database finds words is its own: tables of FTS5 on SQLite, an index on PostgreSQL.
    return not name.startswith(("fs_search_text", "ix_fs_search_tokens"))


def test_an_empty_database_gets_all_system_tables(database):
    assert current(database) is None
    assert migrate(database) == NEWEST
    assert current(database) == NEWEST
    assert {VERSION_TABLE, *SYSTEM.tables} <= set(inspect(database).get_table_names())


def test_the_revisions_make_what_the_layers_declare(database, declared):
    migrate(database)
    assert differences(database, declared) == [], "write a revision in platform/db/migrations/versions"


def test_they_make_it_to_the_letter_with_triggers_and_conditions_of_indexes(databases, database, declared):
    url = databases.fresh()
    other = databases.engine(url)
    with write(other) as tx:
        declared.create_all(tx.connection)
    migrate(database)
    assert catalogue(database) == catalogue(other), "write a revision in platform/db/migrations/versions"
    databases.remove(url)


def test_a_column_that_no_revision_makes_is_found(database, declared):
    migrate(database)
    later = MetaData(naming_convention=declared.naming_convention)
    for table in declared.tables.values():
        table.to_metadata(later)
    later.tables["fs_lease"].append_column(Column("later", Integer))
    ((what, _schema, table, column),) = differences(database, later)
    assert (what, table, column.name) == ("add_column", "fs_lease", "later")


def test_migrating_again_changes_nothing(database):
    migrate(database)
    before = catalogue(database)
    assert migrate(database) == NEWEST
    assert catalogue(database) == before


def test_two_that_start_together_wait_for_each_other(database):
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda _: migrate(database), range(2))) == [NEWEST, NEWEST]


def test_a_system_table_is_named_without_its_prefix():
    with pytest.raises(ValueError, match="the prefix is added here"):
        system_table("fs_notes")
