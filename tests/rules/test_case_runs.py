"""The cases under tests/cases/expressions hold on every engine, each case in one statement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from fieldstone.rules import case_runs
from fieldstone.rules.case_runs import RowResult, run
from fieldstone.rules.cases import load

FILES = sorted((Path(__file__).parents[1] / "cases" / "expressions").glob("*.jsonl"))
ONLY_PYTHON = {"REGEX", "JSONVALUE", "JSONPATHVALUE", "VLOOKUP", "ISNEW", "ISCLONE", "ISCHANGED", "PRIORVALUE"}


def failures(results: Iterator[RowResult]) -> list[str]:
    return [
        f"{r.engine}: {r.name}, row {r.row}: {r.got!r} {r.error or ''} {r.problem or ''}, not {r.expected!r}" for r in results if not r.ok
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("engine_name", ["python", "sqlite", "postgresql"])
def test_every_row_holds(request: pytest.FixtureRequest, engine_name: str, file: Path) -> None:
    cases = load(file.read_bytes(), path=file.name)
    if engine_name == "python":
        assert failures(run(cases)) == []
        return
    engine: Engine = request.getfixturevalue(f"{engine_name}_engine")
    with engine.connect() as connection:
        results = list(run(cases, connection))
        connection.rollback()
    assert failures(iter(results)) == []
    assert {r.left_out for r in results} - {None} <= ONLY_PYTHON


def test_a_deviation_of_sql_says_why() -> None:
    rows = [
        row for file in FILES for line in file.read_text("utf-8").splitlines() for row in json.loads(line)["rows"] if "sql_result" in row
    ]
    assert all(row.get("note") for row in rows)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert sum(len(case.rows) for file in FILES for case in load(file.read_bytes())) >= 1_500


def test_the_case_in_the_docs_holds() -> None:
    page = (Path(__file__).parents[2] / "docs" / "developer" / "testing.md").read_text("utf-8")
    (written,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert failures(run(load(json.dumps(json.loads(written))))) == []


# --- running ---------------------------------------------------------------------------------------------------------


def case(formula: str, *rows: dict[str, object], **changed: object) -> str:
    described = {"n": {"type": "number", "precision": 18, "scale": 2}, "t": {"type": "text"}}
    return json.dumps({"name": "x", "formula": formula, "fields": described, "blanks": "blank", "rows": rows, **changed})


@pytest.fixture(params=["python", "sqlite", "postgresql"])
def results(request: pytest.FixtureRequest):
    """Run one case on one engine."""

    def on_engine(line: str) -> list[RowResult]:
        if request.param == "python":
            return list(run(load(line)))
        engine: Engine = request.getfixturevalue(f"{request.param}_engine")
        with engine.connect() as connection:
            found = list(run(load(line), connection))
            connection.rollback()
        return found

    on_engine.engine = request.param
    return on_engine


def test_a_row_that_fails_says_what_it_got(results) -> None:
    right, wrong = results(case("n * 2", {"values": {"n": "1.50"}, "result": "3"}, {"values": {"n": "2"}, "result": "5"}))
    assert (right.ok, wrong.ok, wrong.expected, wrong.row, wrong.engine) == (True, False, "5", 1, results.engine)
    assert wrong.got == "4"


@pytest.mark.parametrize(
    ("row", "ok"),
    [
        ({"error": "division_by_zero"}, True),
        ({"result": None}, False),
        ({"result": "1"}, False),
    ],
)
def test_an_error_is_no_blank_and_no_other_value(results, row: dict[str, object], ok: bool) -> None:
    (found,) = results(case("1 / n", {"values": {"n": "0"}, **row}))
    assert (found.ok, found.got) == (ok, None)
    assert found.error == ("division_by_zero" if ok or results.engine == "python" else "error")


def test_a_value_where_a_problem_was_expected_fails(results) -> None:
    (found,) = results(case("1", {"problem": "expression_unknown_name"}))
    assert (found.ok, found.got) == (False, "1")


def test_another_category_fails_in_python() -> None:
    (found,) = run(load(case("1 / n", {"values": {"n": "0"}, "error": "math_domain"})))
    assert (found.ok, found.error) == (False, "division_by_zero")


def test_a_value_where_an_error_was_expected_fails(results) -> None:
    (found,) = results(case("1 / n", {"values": {"n": "1"}, "error": "division_by_zero"}))
    assert (found.ok, found.error) == (False, None)


def test_an_expression_that_is_refused_gives_the_code_of_its_problem(results) -> None:
    expected, other = results(case("t + n + nobody", {"problem": "expression_unknown_name"}, {"result": "1", "values": {}}))
    assert (expected.ok, expected.problem) == (True, "expression_unknown_name")
    assert (other.ok, other.problem) == (False, "expression_number_with_text")


def test_a_row_runs_on_the_engines_that_it_names(results) -> None:
    found = results(
        case("1", {"result": "1"}, {"result": "1", "engines": ["python"]}, {"result": "1", "engines": ["sqlite", "postgresql"]})
    )
    assert [r.row for r in found] == ([0, 1] if results.engine == "python" else [0, 2])


def test_what_only_python_can_do_is_left_out_of_databases(results) -> None:
    (found,) = results(case('REGEX(t, "a+")', {"values": {"t": "b"}, "result": False}))
    assert (found.ok, found.left_out) == (True, None if results.engine == "python" else "REGEX")


def test_a_deviation_counts_on_databases_only(results) -> None:
    (found,) = results(case("t", {"values": {"t": "x"}, "result": "x", "sql_result": "y"}))
    assert found.ok is (results.engine == "python")
    (failing,) = results(case("1 / n", {"values": {"n": "0"}, "error": "division_by_zero", "sql_result": None}))
    assert failing.ok


def test_a_row_may_expect_that_no_field_holds_the_number(results) -> None:
    rows = [{"values": {"n": n}, "error": "out_of_range"} for n in ("99999999", "999999999")]
    fits, beyond = results(case("n * 100000000", *rows, returns={"type": "number", "scale": 2}))
    assert (fits.ok, beyond.ok) == (False, True)
    (ours,) = results(case("n * 1000000000000000000", {"values": {"n": "5"}, "error": "out_of_range"}))  # no scale, no field
    assert not ours.ok


@pytest.mark.parametrize(
    ("formula", "returns", "result", "ok"),
    [
        ("1 / 3", {}, "0.333333333333", True),
        ("1 / 3", {}, "0.33333333333", False),
        ("0.1234567890125", {}, "0.123456789013", True),
        ("1 / 3", {"type": "number", "scale": 2}, "0.33", True),
        ("1 / 3", {"type": "number", "scale": 2}, "0.333", False),
        ("0.005", {"type": "number", "scale": 2}, "0.01", True),
        ("-0.005", {"type": "number", "scale": 2}, "-0.01", True),
        ("0.125", {"type": "percent"}, "0.125", True),
        ("10 ^ 30 + 0.125", {"type": "number", "scale": 2}, "1000000000000000000000000000000.13", True),
        ('"1"', {}, "1", True),
        ("1", {}, "01.0", True),
        ("1", {}, True, False),
        ("1", {}, 1, True),
        ("0.5", {}, 0.5, True),
        ("1", {}, 2, False),
        ("NULL", {"type": "number"}, None, True),
        ('""', {}, "", True),
        ("DATE(2024, 2, 29)", {}, "2024-02-29", True),
        ("DATETIMEVALUE(DATE(1, 1, 1))", {}, "0001-01-01T00:00:00Z", True),
        ('TIMEVALUE("00:00:00.001")', {}, "00:00:00.001", True),
        ("1 = 1", {}, True, True),
    ],
)
def test_results_compare_as_the_format_says(results, formula: str, returns: dict[str, object], result: object, ok: bool) -> None:
    (found,) = results(case(formula, {"values": {"n": "1"}, "result": result}, returns=returns))
    assert found.ok is ok, found


def test_globals_are_parameters_and_may_differ_between_rows(results) -> None:
    described = {"$User.Name": {"type": "text"}, "t": {"type": "text"}}
    rows = [
        {"values": {"$user.name": name, "t": t}, "result": result}
        for name, t, result in (("Ann", "a", "a Ann"), ("Bo", "b", "b Bo"), ("Ann", "c", "c Ann"), (None, "d", "d "))
    ]
    assert failures(results(case('t & " " & $User.Name', *rows, fields=described))) == []


def test_the_clock_of_a_case_is_that_of_its_context(results) -> None:
    rows = [{"result": "2026-03-02 2026-03-01 23:30:00Z"}]
    context = {"now": "2026-03-01T23:30:00Z", "zone": "Asia/Kathmandu"}
    assert failures(results(case('TEXT(TODAY()) & " " & TEXT(NOW())', *rows, context=context))) == []


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
def test_all_rows_of_a_case_are_one_statement(request: pytest.FixtureRequest, engine_name: str) -> None:
    engine: Engine = request.getfixturevalue(f"{engine_name}_engine")
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", listener := lambda *given: statements.append(given[2]))
    with engine.connect() as connection:
        assert failures(run(load(case("n + 1", *[{"values": {"n": str(n)}, "result": str(n + 1)} for n in range(50)])), connection)) == []
        connection.rollback()
    event.remove(engine, "before_cursor_execute", listener)
    assert [s.split()[0] for s in statements if not s.startswith(("SAVEPOINT", "ROLLBACK", "BEGIN"))] == ["CREATE", "INSERT", "SELECT"]


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
def test_cases_of_the_same_columns_share_a_table_and_more_than_a_transaction_should_hold_are_no_matter(
    request: pytest.FixtureRequest, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Engine = request.getfixturevalue(f"{engine_name}_engine")
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", listener := lambda *given: statements.append(given[2]))
    monkeypatch.setattr(case_runs, "MOST_TABLES", 2)
    of_scale = [{"n": {"type": "number", "precision": 18, "scale": scale}} for scale in (0, 1, 2, 0, 1, 2)]
    cases = [case("n + 1", {"values": {"n": "1"}, "result": "2"}, fields=fields) for fields in of_scale]
    with engine.connect() as connection:
        found = list(run(load("\n".join(cases)), connection))
        connection.rollback()
    event.remove(engine, "before_cursor_execute", listener)
    assert [r.ok for r in found] == [True] * 6
    assert len([s for s in statements if s.lstrip().startswith("CREATE")]) == 4
