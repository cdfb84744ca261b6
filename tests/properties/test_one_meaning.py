"""An expression means the same in Python, on SQLite and on PostgreSQL, in both null modes.

Python is the authority. Random expressions are drawn from the function table; each runs over random rows, in one statement.
Source: spec/expressions.md, sections 9 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from fieldstone.errors import Refused
from fieldstone.rules import Blanks, Checked, NotInSql, dialect_of, value
from fieldstone.rules.sql import condition
from fieldstone.rules.value_types import ValueType
from tests.support import expressions as ex
from tests.support.expression_strategies import any_expression, expressions, some_rows

Rows = Sequence[dict[str, object]]
MODES = (Blanks.ZERO, Blanks.BLANK)


def disagreements(engine: Engine, checked: Checked, rows: Rows) -> list[str]:
    """Return a line for each row whose result on `engine` is not that of Python."""
    expected = [ex.in_python(checked, row) for row in rows]
    with engine.connect() as connection:
        found = ex.filled(connection, rows)
        got = ex.in_database(connection, checked, found)
        connection.rollback()
    return [
        f"{engine.dialect.name}: {got_!r}, Python: {wanted!r}, row: {row}"
        for row, wanted, got_ in zip(rows, expected, got, strict=True)
        if not same(wanted, got_)
    ]


def same(wanted: object, got: object) -> bool:
    if isinstance(wanted, tuple) and isinstance(got, tuple) and wanted[:1] == (ex.ERROR,):
        return got[0] == ex.ERROR
    return type(wanted) is type(got) and wanted == got


def checked_or_none(source: str, mode: Blanks) -> Checked | None:
    """Return the checked expression; None for one of the few that random drawing gets wrong (a pattern, a length)."""
    try:
        return ex.checked_as(source, mode)
    except Refused:
        return None


@pytest.mark.parametrize("engine_name", ["sqlite_engine", "postgresql_engine"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(source=any_expression(), rows=some_rows(), mode=st.sampled_from(MODES))
@example(source="price / qty * qty = price", rows=[{"price": Decimal(1), "qty": Decimal(3)}], mode=Blanks.ZERO)
def test_python_and_sql_agree(request: pytest.FixtureRequest, engine_name: str, source: str, rows: Rows, mode: Blanks) -> None:
    note(source)
    checked = checked_or_none(source, mode)
    if checked is None:
        return
    try:
        wrong = disagreements(request.getfixturevalue(engine_name), checked, rows)
    except NotInSql as beyond:
        assert beyond.reason == "size"
        return
    assert not wrong, f"{source} ({mode.value})\n" + "\n".join(wrong)


@pytest.mark.parametrize("engine_name", ["sqlite_engine", "postgresql_engine"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(source=expressions(ValueType.BOOLEAN, 3), rows=some_rows())
def test_a_condition_is_true_where_python_says_so_and_never_null(
    request: pytest.FixtureRequest, engine_name: str, source: str, rows: Rows
) -> None:
    checked = checked_or_none(source, Blanks.BLANK)
    if checked is None:
        return
    note(source)
    engine: Engine = request.getfixturevalue(engine_name)
    with engine.connect() as connection:
        found = ex.filled(connection, rows)
        columns, dialect = ex.columns_of(found), dialect_of(engine.dialect.name)
        test = condition(checked, columns, dialect, ex.CONTEXT)
        got = list(connection.execute(select(test).select_from(found).order_by(found.c.row)).scalars())
        kept = set(connection.execute(select(found.c.row).where(test)).scalars())
        result = list(
            connection.execute(select(value(checked, columns, dialect, ex.CONTEXT)).select_from(found).order_by(found.c.row)).scalars()
        )
        connection.rollback()
    expected = [ex.in_python(checked, row) for row in rows]
    assert got == [wanted is True for wanted in expected], source
    assert kept == {index for index, wanted in enumerate(expected) if wanted is True}, source
    assert result == [None if isinstance(wanted, tuple) else wanted for wanted in expected], source
