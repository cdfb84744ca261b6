"""What every connection is told, whichever database it is."""

import pytest
from sqlalchemy import text

from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read, write


def asked(engine, *questions):
    with read(engine) as transaction:
        return [transaction.connection.exec_driver_sql(question).scalar() for question in questions]


def test_sqlite_keeps_what_it_acknowledged_and_its_foreign_keys(sqlite_engine):
    pragmas = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]
    assert asked(sqlite_engine, *(f"PRAGMA {name}" for name in pragmas)) == ["wal", 2, 1, 5000]


def test_postgresql_keeps_what_it_acknowledged_and_limits_what_waits(postgresql_engine):
    names = ["synchronous_commit", "statement_timeout", "lock_timeout", "timezone", "transaction_isolation"]
    assert asked(postgresql_engine, *(f"SHOW {name}" for name in names)) == ["on", "5s", "2s", "UTC", "read committed"]


def test_functions_are_registered_on_each_sqlite_connection(sqlite_databases):
    url = sqlite_databases.fresh()
    engine = create_engine(url, on_connect=[lambda connection: connection.create_function("twice", 1, lambda n: n * 2)])
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            connection.execution_options(fieldstone_reads=True)
            assert connection.execute(text("SELECT twice(21)")).scalar_one() == 42
    engine.dispose()
    sqlite_databases.remove(url)


def test_an_org_lives_in_its_schema(postgresql_url):
    setup = create_engine(postgresql_url)
    with write(setup) as transaction:
        for schema in ("one", "two"):
            transaction.connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    engines = {schema: create_engine(postgresql_url, schema=schema) for schema in ("one", "two")}
    for engine in engines.values():
        with write(engine) as transaction:
            transaction.connection.execute(text("CREATE TABLE notes (id integer)"))
    with write(engines["one"]) as transaction:
        transaction.connection.execute(text("INSERT INTO notes VALUES (1)"))
    assert [asked(engine, "SELECT count(*) FROM notes")[0] for engine in engines.values()] == [1, 0]
    for engine in (setup, *engines.values()):
        engine.dispose()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql+pymysql://localhost/x", "works on SQLite and PostgreSQL, not on mysql"),
        ("sqlite://", "memory knows no write-ahead log"),
        ("sqlite:///:memory:", "memory knows no write-ahead log"),
    ],
)
def test_another_database_is_refused(url, complaint):
    with pytest.raises(ValueError, match=complaint):
        create_engine(url)


@pytest.mark.parametrize("schema", ["Org", "a b", 'a"b', "-c x=1", "a" * 64])
def test_an_impossible_schema_is_refused(schema):
    with pytest.raises(ValueError, match="is no name for a schema"):
        create_engine("postgresql://nobody@localhost/nothing", schema=schema)
