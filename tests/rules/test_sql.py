"""The SQL compiler: indexes still serve plain comparisons, nothing of the author becomes SQL text, results fit columns."""

from __future__ import annotations

import gc
import re
from datetime import date, datetime
from decimal import Decimal as D

import pytest
from sqlalchemy import Column, Engine, Index, Integer, MetaData, Select, Table, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from fieldstone.db.column_types import ExactNumber, Flag, Id, IsoDate, PlainText, UtcDatetime
from fieldstone.rules import POSTGRESQL, SQLITE, NotInSql, condition, dialect_of, dialects, to_sql, value
from tests.support import expressions as ex

ENGINES = ["sqlite_engine", "postgresql_engine"]


def indexed() -> Table:
    columns = {"price": ExactNumber(18, 2), "disc": ExactNumber(7, 2), "nick": PlainText(), "stage": PlainText(), "start": IsoDate()}
    types = {**columns, "stamp": UtcDatetime(), "account": Id(), "vip": Flag()}
    table = Table("indexed", MetaData(), Column("row", Integer, primary_key=True), *(Column(n, t) for n, t in types.items()))
    for name in types:
        Index(f"indexed_{name}", table.c[name])
    return table


def plan(engine: Engine, table: Table, statement: Select[tuple[int]]) -> str:
    """Return how the database would run the statement, as text."""
    with engine.connect() as connection:
        table.create(connection)
        explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        compiled = statement.compile(connection)
        cursor = connection.connection.cursor()
        parameters = compiled.construct_params()
        if compiled.positional:
            cursor.execute(f"{explain} {compiled}", [parameters[name] for name in compiled.positiontup or ()])
        else:
            cursor.execute(f"{explain} {compiled}", parameters)
        lines = "\n".join(str(row[-1]) for row in cursor.fetchall())
        connection.rollback()
    return lines


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("price > 1000", "price"),
        ("price <= 99.995", "price"),
        ("1000 < price", "price"),
        ("price = 12.5", "price"),
        ("disc >= 0.15", "disc"),
        ('nick = "Ada"', "nick"),
        ('"Ada" = nick', "nick"),
        ('stage = "won"', "stage"),
        ('ISPICKVAL(stage, "won")', "stage"),
        ('IN(stage, "won", "lost")', "stage"),
        ("IN(price, 1, 2.5)", "price"),
        ("start < TODAY() + 30", "start"),
        ("start = DATE(2024, 2, 29)", "start"),
        ("stamp > NOW() - 1.5", "stamp"),
        ("account = $User.Id", "account"),
        ("nick = $User.Name", "nick"),
        ("ISBLANK(start)", "start"),
        ('AND(nick = "Ada", price / 3 > 1)', "nick"),
        ('nick = "Ada" && vip', "nick"),
    ],
)
def test_an_index_serves_a_plain_comparison(request: pytest.FixtureRequest, engine_name: str, source: str, column: str) -> None:
    engine: Engine = request.getfixturevalue(engine_name)
    table = indexed()
    columns = {column.name: column for column in table.c}
    test = condition(ex.checked_as(source), columns, dialect_of(engine.dialect.name), ex.CONTEXT)
    assert f"indexed_{column}" in plan(engine, table, select(table.c.row).where(test))


def test_text_of_the_author_is_a_parameter() -> None:
    hostile = "x'); DROP TABLE deal; --%s :y"
    found = ex.table()
    for dialect, engine in ((SQLITE, sqlite.dialect()), (POSTGRESQL, postgresql.dialect())):
        sql = to_sql(ex.checked_as(f'nick & "{hostile}" = city'), ex.columns_of(found), dialect, ex.CONTEXT)
        compiled = sql.value.compile(dialect=engine)
        assert "DROP" not in str(compiled)
        assert hostile in {str(v) for v in compiled.params.values()}


def test_the_readers_own_values_are_parameters() -> None:
    found = ex.table()
    sql = to_sql(ex.checked_as("account = $User.Id && start < TODAY()"), ex.columns_of(found), POSTGRESQL, ex.CONTEXT)
    compiled = sql.value.compile(dialect=postgresql.dialect())
    assert set(map(str, compiled.params.values())) == {"0190a5d0-0000-7000-8000-000000000001", "2026-03-01"}
    assert sql.error is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("price > 1000", "((deal.price > (%(rule_1)s::numeric)))"),
        ("ROUND(price, 1) > 9", "((deal.price >= (%(rule_1)s::numeric)))"),
        ("-9 < ROUND(price, 1)", "((deal.price > (%(rule_1)s::numeric)))"),
        ("nick & city", "(NULLIF((COALESCE(NULLIF(deal.nick, ''), '') || COALESCE(NULLIF(deal.city, ''), '')), ''))"),
        ("price + cost", "((deal.price + deal.cost))"),
        ("IF(vip, nick, city)", "((CASE WHEN COALESCE(deal.vip, FALSE) THEN NULLIF(deal.nick, '') ELSE NULLIF(deal.city, '') END))"),
        ("NOT(price > 1)", "((NOT (deal.price > (%(rule_1)s::numeric))))"),
        ("BLANKVALUE(price, 0)", "(COALESCE(deal.price, (%(rule_1)s::numeric)))"),
        (
            "start + 1",
            "((CASE WHEN (deal.start - '0001-01-01'::date + (%(rule_1)s::int) BETWEEN 0 AND 3652058)"
            " THEN deal.start + (%(rule_1)s::int) END))",
        ),
        ("YEAR(start)", "(extract(year FROM deal.start))"),
        ("account = $User.Id", "((deal.account = %(rule_1)s::uuid AND deal.account IS NOT NULL))"),
    ],
)
def test_postgresql_text(source: str, expected: str) -> None:
    sql = to_sql(ex.checked_as(source), ex.columns_of(ex.table()), POSTGRESQL, ex.CONTEXT)
    assert str(sql.value.compile(dialect=postgresql.dialect())) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("price > 1000", "((deal.price > 100000))"),
        ("price > 1.005", "((deal.price > 100))"),
        ("price >= 1.005", "((deal.price > 100))"),
        ("price < 1.005", "((deal.price <= 100))"),
        ("price = 1.005", "((CASE WHEN deal.price IS NOT NULL THEN 1 = 0 END))"),
        ("disc = 0.15", "((deal.disc = 1500))"),
        ("price > cost", "((deal.price > deal.cost))"),
        ('nick = "Ada"', "((deal.nick = 'Ada' AND deal.nick IS NOT NULL))"),
        ("start < TODAY()", "((deal.start < '2026-03-01'))"),
        ("stamp < NOW()", "((deal.stamp < 1772353800))"),
        ('INCLUDES(tags, "a")', "(COALESCE(instr(deal.tags, ';' || 'a' || ';') > 0, 0))"),
    ],
)
def test_sqlite_text(source: str, expected: str) -> None:
    sql = to_sql(ex.checked_as(source), ex.columns_of(ex.table()), SQLITE, ex.CONTEXT)
    compiled = sql.value.compile(dialect=sqlite.dialect())
    written = str(compiled)
    for name in compiled.positiontup or ():
        written = written.replace("?", repr(compiled.params[name]), 1)
    assert written == expected


ROWS = [
    {"price": D("10.00"), "qty": D(3), "nick": "b", "start": date(2024, 1, 31)},
    {"price": D("-2.00"), "qty": D(3), "nick": "a"},
    {"price": D("100.00"), "qty": D(0)},
    {"price": None, "qty": D(1)},
]


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_value_that_fits_a_column_sorts_and_sums(request: pytest.FixtureRequest, engine_name: str) -> None:
    engine: Engine = request.getfixturevalue(engine_name)
    with engine.connect() as connection:
        found = ex.filled(connection, ROWS)
        share = value(
            ex.checked_as("price / qty"), ex.columns_of(found), dialect_of(engine.dialect.name), ex.CONTEXT, number=ExactNumber(18, 2)
        )
        listed = list(connection.execute(select(share).where(share.is_not(None)).order_by(share)).scalars())
        total = connection.execute(select(func.sum(share, type_=ExactNumber(18, 2)))).scalar()
        kept = list(connection.execute(select(found.c.row).where(share > D("1.00"))).scalars())
        connection.rollback()
    assert listed == [D("-0.67"), D("3.33")]
    assert total == D("2.66")
    assert kept == [0]


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_number_that_does_not_fit_is_null(request: pytest.FixtureRequest, engine_name: str) -> None:
    engine: Engine = request.getfixturevalue(engine_name)
    with engine.connect() as connection:
        found = ex.filled(connection, ROWS)
        big = value(
            ex.checked_as("price * 10"), ex.columns_of(found), dialect_of(engine.dialect.name), ex.CONTEXT, number=ExactNumber(3, 0)
        )
        got = list(connection.execute(select(big).select_from(found).order_by(found.c.row)).scalars())
        connection.rollback()
    assert got == [D(100), D(-20), None, None]


@pytest.mark.parametrize("engine_name", ENGINES)
def test_results_have_the_types_of_python(request: pytest.FixtureRequest, engine_name: str) -> None:
    engine: Engine = request.getfixturevalue(engine_name)
    expected = {"price * 2": D("20.00"), "start + 1": date(2024, 2, 1), "nick & nick": "bb", "price > 1": True}
    with engine.connect() as connection:
        found = ex.filled(connection, ROWS[:1])
        for source, wanted in expected.items():
            got = connection.execute(
                select(value(ex.checked_as(source), ex.columns_of(found), dialect_of(engine.dialect.name), ex.CONTEXT))
            ).scalar()
            assert (type(got), got) == (type(wanted), wanted)
        midnight = value(ex.checked_as("DATETIMEVALUE(start)"), ex.columns_of(found), dialect_of(engine.dialect.name), ex.CONTEXT)
        assert connection.execute(select(midnight)).scalar() == datetime.fromisoformat("2024-01-31T00:00:00Z")
        connection.rollback()


@pytest.mark.parametrize("engine_name", ENGINES)
def test_deep_expressions_pass_the_databases_own_limits(request: pytest.FixtureRequest, engine_name: str) -> None:
    engine: Engine = request.getfixturevalue(engine_name)
    sources = [
        "+".join(["price"] * 600),
        "&".join(["nick"] * 700) + ' <> ""',
        "(" * 99 + "price" + "+1)" * 99,
        "IF(vip,1," * 99 + "price" + ")" * 99,
        "IF(vip,nick," * 99 + "city" + ")" * 99,
        " && ".join(["price > 1"] * 300),
        "NOT(" * 99 + "vip" + ")" * 99,
        "LEFT(" * 99 + "nick" + ",2)" * 99,
    ]
    with engine.connect() as connection:
        found = ex.filled(connection, ROWS[:2])
        for source in sources:
            checked = ex.checked_as(source)
            assert ex.in_database(connection, checked, found) == [ex.in_python(checked, row) for row in ROWS[:2]], source[:40]
        connection.rollback()


def test_a_program_of_sqlite_is_forgotten_with_its_statement() -> None:
    before = len(dialects._programs)
    sql = to_sql(ex.checked_as("price * 2 > cost"), ex.columns_of(ex.table()), SQLITE, ex.CONTEXT)
    assert len(dialects._programs) == before + 1
    del sql
    gc.collect()
    assert len(dialects._programs) == before


def test_what_only_python_can_do_is_refused_with_its_name() -> None:
    for source, name in (('REGEX(nick, "a")', "REGEX"), ("ISCHANGED(price)", "ISCHANGED"), ("ISNEW() || vip", "ISNEW")):
        with pytest.raises(NotInSql) as refused:
            to_sql(ex.checked_as(source), ex.columns_of(ex.table()), SQLITE, ex.CONTEXT)
        assert refused.value.reason == name


@pytest.mark.parametrize("version", [(15, 18), (16, 4), (17, 2), (18, 1)])
def test_capital_letters_never_follow_the_locale_of_the_database(version: tuple[int, ...]) -> None:
    dialect = postgresql.dialect()
    dialect.server_version_info = version
    source = 'UPPER(nick) & LOWER(nick) & INITCAP(nick) & UPPER(nick, city) & FORMATCURRENCY(nick, price) & HYPERLINK(nick, "x")'
    written = str(to_sql(ex.checked_as(source), ex.columns_of(ex.table()), POSTGRESQL, ex.CONTEXT).value.compile(dialect=dialect))
    rules = "pg_unicode_fast" if version >= (18,) else "pg_c_utf8" if version >= (17,) else '"und-x-icu"'
    calls = [in_parentheses(written, call.end()) for call in re.finditer(r"\b(?:upper|lower|initcap)\(", written)]
    assert len(calls) >= 6
    assert all(f"COLLATE {rules}" in call for call in calls)
    assert re.findall(r"(.{12})~\*", written) == ['COLLATE "C" ']


def in_parentheses(text: str, start: int) -> str:
    """Return what stands between the parenthesis before `start` and the one that closes it."""
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return text[start : end - 1]
