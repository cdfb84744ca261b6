"""The catalogue: every example of every entry, on three engines, and what all entries owe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fieldstone.rules import FUNCTIONS, Category, ValueType
from fieldstone.rules.functions import OPERATORS, PREFIXES, UNSUPPORTED
from fieldstone.rules.functions.entry import Function
from tests.support import expressions as ex
from tests.support import moved_literals

TABLES = (FUNCTIONS, OPERATORS, PREFIXES)


def entries() -> Iterator[Function]:
    return (entry for table in TABLES for group in table.values() for entry in group)


EXAMPLES = [pytest.param(entry, source, expected, id=source) for entry in entries() for source, expected in entry.examples]


def wanted(expected: object, engine: str) -> object:
    if isinstance(expected, Category):
        return (ex.ERROR, expected.value if engine == "python" else None)
    return expected


@pytest.mark.parametrize(("entry", "source", "expected"), EXAMPLES)
def test_an_example_holds_in_python(entry: Function, source: str, expected: object) -> None:
    got = ex.in_python(ex.checked_as(source), {})
    assert got == wanted(expected, "python")
    assert isinstance(got, bool) is isinstance(expected, bool)


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
def test_every_example_holds_in_sql(request: pytest.FixtureRequest, engine_name: str) -> None:
    engine: Engine = request.getfixturevalue(f"{engine_name}_engine")
    wrong = []
    with engine.connect() as connection:
        for entry, source, expected in (parameter.values for parameter in EXAMPLES):
            checked = ex.checked_as(source)
            if not checked.sql:
                continue
            wrong += [
                f"{entry.name}: {source} gave {got!r}"
                for got in moved_literals.in_database(connection, checked)
                if got != wanted(expected, engine_name)
            ]
        connection.rollback()
    assert wrong == []


CATALOGUE = """
    IF AND OR NOT CASE ISBLANK ISNULL BLANKVALUE NULLVALUE ISNUMBER ISNEW ISCLONE ISCHANGED PRIORVALUE IFS IFERROR IN
    ABS MAX MIN ROUND TRUNC FLOOR CEILING MFLOOR MCEILING MOD SQRT LN LOG EXP SIN COS TAN ASIN ACOS ATAN ATAN2 PI VALUE
    TEXT LEN LEFT RIGHT MID FIND CONTAINS BEGINS SUBSTITUTE TRIM UPPER LOWER INITCAP LPAD RPAD REVERSE ASCII CHR REGEX BR HYPERLINK
    IMAGE CASESAFEID FORMATDURATION INCLUDES ISPICKVAL PICKLISTCOUNT LIKE SUBSTR FORMATCURRENCY
    TODAY NOW TIMENOW DATE DATEVALUE DATETIMEVALUE TIMEVALUE YEAR MONTH DAY WEEKDAY ISOWEEK ISOYEAR DAYOFYEAR HOUR MINUTE SECOND
    MILLISECOND ADDMONTHS UNIXTIMESTAMP FROMUNIXTIME
"""


def test_the_catalogue_is_complete() -> None:
    assert set(CATALOGUE.split()) <= set(FUNCTIONS)
    assert not UNSUPPORTED & set(FUNCTIONS)


@pytest.mark.parametrize("entry", [pytest.param(e, id=f"{e.signature}-{i}") for i, e in enumerate(entries())])
def test_an_entry_says_all_that_is_known_about_it(entry: Function) -> None:
    assert entry.doc.endswith(".")
    assert entry.write_python or entry.python or entry.inline
    assert entry.no_sql or entry.sql or entry.write_sql or entry.clock
    assert entry.typing or entry.returns is not ValueType.NULL
    if entry.fails and entry.sql is not None:
        assert entry.sql_error is not None, "SQL that may fail says when"
