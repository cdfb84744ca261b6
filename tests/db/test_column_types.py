"""Column types mean the same on both databases, and refuse what does not fit."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D

import pytest
from sqlalchemy import Column, MetaData, Table, func, insert, select
from sqlalchemy.exc import StatementError

from fieldstone.db.column_types import (
    ChoiceSet,
    ExactNumber,
    Flag,
    Id,
    IsoDate,
    JsonText,
    PlainText,
    TimeOfDay,
    UtcDatetime,
    UtcMoment,
    is_id,
)
from fieldstone.db.transaction import read, write

ID = "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
FIRST_SECOND = datetime(1, 1, 1, tzinfo=UTC)
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
NOON = datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC)


def table_of(column_type):
    return Table("kept", MetaData(), Column("n", PlainText()), Column("v", column_type))


def kept(engine, column_type, *values):
    """Store `values` in a table and return what comes back, in their order."""
    table = table_of(column_type)
    with write(engine) as transaction:
        table.create(transaction.connection)
        transaction.connection.execute(insert(table), [{"n": f"{n:03}", "v": value} for n, value in enumerate(values)])
    with read(engine) as transaction:
        return list(transaction.connection.execute(select(table.c.v).order_by(table.c.n)).scalars())


@pytest.mark.parametrize(
    ("column_type", "values"),
    [
        pytest.param(PlainText(), ["", "a", "中文 😀", "x" * 10_000, None], id="text"),
        pytest.param(Id(), [ID, None], id="ids"),
        pytest.param(ExactNumber(18, 2), [D("1200.50"), D("-0.01"), D("9999999999999999.99"), D("0.00"), None], id="money"),
        pytest.param(ExactNumber(18, 18), [D("0.123456789012345678"), None], id="18 digits after the point"),
        pytest.param(ExactNumber(18), [D(999999999999999999), D(-5), None], id="whole numbers"),
        pytest.param(Flag(), [True, False, None], id="flags"),
        pytest.param(IsoDate(), [date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31), None], id="dates"),
        pytest.param(
            UtcDatetime(),
            [FIRST_SECOND, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), NOON, LAST_SECOND, None],
            id="datetimes",
        ),
        pytest.param(UtcMoment(), [NOON.replace(microsecond=1), datetime(1960, 1, 1, 0, 0, 0, 999_999, UTC), None], id="moments"),
        pytest.param(TimeOfDay(), [0, 86_399_999, None], id="times of day"),
        pytest.param(ChoiceSet(), [("b", "a"), ("one",), None], id="chosen values keep their order"),
        pytest.param(JsonText(), [{"a": [1, "二", None, True]}, [], "x", 0, False, None], id="json"),
    ],
)
def test_what_goes_in_comes_out(database, column_type, values):
    back = kept(database, column_type, *values)
    assert back == values
    assert [type(value) for value in back] == [type(value) for value in values]


def test_an_exact_number_has_all_its_digits(database):
    assert [str(value) for value in kept(database, ExactNumber(10, 2), D("1E+2"), 7, D("0.5"), D("-0"))] == [
        "100.00",
        "7.00",
        "0.50",
        "0.00",
    ]


def test_sums_of_exact_numbers_are_exact(database):
    table = table_of(ExactNumber(18, 2))
    kept(database, ExactNumber(18, 2), *[D("0.10")] * 1000)
    with read(database) as transaction:
        total, most = transaction.connection.execute(select(func.sum(table.c.v), func.max(table.c.v))).one()
    assert (str(total), str(most)) == ("100.00", "0.10")


def test_comparisons_bind_like_the_column(database):
    table = table_of(ExactNumber(18, 2))
    kept(database, ExactNumber(18, 2), D("9.99"), D("10"), D("10.01"))
    with read(database) as transaction:
        assert transaction.connection.execute(select(func.count()).where(table.c.v >= D(10))).scalar_one() == 2
        assert transaction.connection.execute(select(func.count()).where(table.c.v.in_([D("9.99"), D(11)]))).scalar_one() == 1


def test_a_datetime_loses_its_fraction_and_keeps_its_instant(database):
    shanghai = timezone(timedelta(hours=8))
    given = [datetime(2026, 1, 1, 0, 0, 0, 999_999, shanghai), datetime(1969, 12, 31, 23, 59, 58, 600_000, UTC)]
    assert kept(database, UtcDatetime(), *given) == [datetime(2025, 12, 31, 16, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 58, tzinfo=UTC)]


def test_no_choice_is_blank(database):
    assert kept(database, ChoiceSet(), (), ["a"]) == [None, ("a",)]


def test_text_sorts_by_code_point(database):
    table = table_of(PlainText())
    kept(database, PlainText(), "b", "a", "B", "É", "中", "_")
    with read(database) as transaction:
        assert list(transaction.connection.execute(select(table.c.v).order_by(table.c.v)).scalars()) == ["B", "_", "a", "b", "É", "中"]


def test_equal_json_is_equal_text(database):
    table = table_of(JsonText())
    kept(database, JsonText(), {"a": 1, "b": 2}, {"b": 2, "a": 1})
    with read(database) as transaction:
        assert transaction.connection.execute(select(func.count(table.c.v.distinct()))).scalar_one() == 1


@pytest.mark.parametrize(
    ("column_type", "value"),
    [
        pytest.param(Id(), ID.upper(), id="an id in capitals"),
        pytest.param(Id(), "42", id="another text as id"),
        pytest.param(Id(), f"{ID}\n", id="an id with a line break"),
        pytest.param(ExactNumber(5, 2), D("1.234"), id="too many digits after the point"),
        pytest.param(ExactNumber(5, 2), D("1000"), id="too many digits before it"),
        pytest.param(ExactNumber(5, 2), 0.5, id="a float"),
        pytest.param(ExactNumber(5, 2), D("NaN"), id="not a number"),
        pytest.param(ExactNumber(5, 2), D("Infinity"), id="infinity"),
        pytest.param(ExactNumber(5, 2), True, id="a flag as number"),
        pytest.param(Flag(), 1, id="a number as flag"),
        pytest.param(IsoDate(), NOON, id="a datetime as date"),
        pytest.param(IsoDate(), "2026-01-01", id="a text as date"),
        pytest.param(UtcDatetime(), datetime(2026, 1, 1), id="an instant without zone"),
        pytest.param(UtcMoment(), date(2026, 1, 1), id="a date as instant"),
        pytest.param(TimeOfDay(), 86_400_000, id="a time after midnight"),
        pytest.param(ChoiceSet(), "abc", id="a text as chosen values"),
    ],
)
def test_what_does_not_fit_is_refused(database, column_type, value):
    with pytest.raises(StatementError) as refusal:
        kept(database, column_type, value)
    assert isinstance(refusal.value.orig, TypeError | ValueError | ArithmeticError)


def test_an_id_is_recognized_before_it_is_bound():
    assert [is_id(ID), is_id(ID.upper()), is_id(""), is_id(None), is_id(f"{ID} ")] == [True, False, False, False, False]


@pytest.mark.parametrize("precision, scale", [(0, 0), (19, 0), (5, 6), (5, -1)])
def test_impossible_digits_are_refused(precision, scale):
    with pytest.raises(ValueError):
        ExactNumber(precision, scale)


@pytest.mark.parametrize(
    ("column_type", "value", "sqlite", "postgresql"),
    [
        (ExactNumber(18, 2), D("1.5"), "150", "1.50"),
        (Flag(), True, "1", "true"),
        (PlainText(), "it's", "'it''s'", "'it''s'"),
        (IsoDate(), date(2026, 1, 2), "'2026-01-02'", "'2026-01-02'"),
    ],
)
def test_a_default_in_ddl_is_written_as_it_is_stored(sqlite_engine, postgresql_engine, column_type, value, sqlite, postgresql):
    assert column_type.literal_processor(sqlite_engine.dialect)(value) == sqlite
    assert column_type.literal_processor(postgresql_engine.dialect)(value) == postgresql
