"""`evaluate(formula, row, blanks=...)` on one of three engines: Python, SQLite and PostgreSQL must agree."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fieldstone.rules import Blanks, Context
from tests.support import expressions as ex
from tests.support.expressions import Evaluate


@pytest.fixture(params=["python", "sqlite", "postgresql"])
def evaluate(request: pytest.FixtureRequest) -> Evaluate:
    """Evaluate on an engine; an error comes back as its category in Python, as "error" from SQL, which knows no categories."""
    engine = None if request.param == "python" else request.getfixturevalue(f"{request.param}_engine")

    def on_engine(
        formula: str, row: Mapping[str, object] | None = None, *, blanks: Blanks = Blanks.BLANK, context: Context = ex.CONTEXT
    ) -> object:
        checked = ex.checked_as(formula, blanks)
        if engine is None:
            return ex.in_python(checked, row or {}, context)
        with engine.connect() as connection:
            found = ex.filled(connection, [row or {}])
            (result,) = ex.in_database(connection, checked, found, context)
            connection.rollback()
        return result

    return on_engine
