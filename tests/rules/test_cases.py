"""The cases under tests/cases/expressions hold on every engine, and a case file says what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fieldstone.rules.cases import RowResult, load, run

FILES = sorted((Path(__file__).parents[1] / "cases" / "expressions").glob("*.jsonl"))


def failures(results: Iterator[RowResult]) -> list[str]:
    return [f"{r.name}, row {r.row}: {r.got!r} {r.error or ''} {r.problem or ''}, not {r.expected!r}" for r in results if not r.ok]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("engine_name", ["python", "sqlite", "postgresql"])
def test_every_row_holds(request: pytest.FixtureRequest, engine_name: str, file: Path) -> None:
    cases = load(file.read_text("utf-8"))
    if engine_name == "python":
        assert failures(run(cases)) == []
        return
    engine: Engine = request.getfixturevalue(f"{engine_name}_engine")
    with engine.connect() as connection:
        assert failures(run(cases, connection)) == []
        connection.rollback()


COMMISSION = (
    '{"name": "tiered commission", "formula": "IF(amount > 10000, amount * 0.1, 0)", "blanks": "zero",'
    ' "returns": {"type": "number", "scale": 2}, "fields": {"amount": {"type": "currency", "precision": 18, "scale": 2}},'
    ' "rows": [{"values": {"amount": "12000.50"}, "result": "1200.05"}, {"values": {"amount": null}, "result": "0"},'
    ' {"values": {"amount": "1"}, "result": "1", "engines": ["python"]}]}'
)


def test_a_row_that_fails_says_what_it_got() -> None:
    results = list(run(load(COMMISSION)))
    assert [r.ok for r in results] == [True, True, False]
    assert (results[2].got, results[2].expected, results[2].engine) == ("0", "1", "python")


def test_a_row_runs_on_the_engines_that_it_names(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as connection:
        assert [r.row for r in run(load(COMMISSION), connection)] == [0, 1]
        connection.rollback()


@pytest.mark.parametrize("line", ["{", "{}", '{"name": "x", "formula": "1", "rows": [], "fields": {"a": {"type": "colour"}}}'])
def test_a_line_that_is_no_case_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 is no case"):
        load(f"\n{line}")
