"""`fieldstone rules test`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from fieldstone.cli.main import command

GOOD = {
    "name": "tiered commission",
    "formula": "IF(amount > 10000, amount * 0.1, 0)",
    "blanks": "zero",
    "returns": {"type": "number", "scale": 2},
    "fields": {"amount": {"type": "currency", "precision": 18, "scale": 2}},
    "context": {"now": "2026-03-01T08:30:00Z", "zone": "Asia/Shanghai"},
    "rows": [
        {"values": {"amount": "12000.50"}, "result": "1200.05"},
        {"values": {"amount": None}, "result": "0"},
        {"values": {"amount": "1"}, "result": "0", "engines": ["python"]},
    ],
}
BAD = {
    "name": "wrong",
    "formula": "10 / n",
    "fields": {"n": {"type": "number"}},
    "rows": [{"values": {"n": "3"}, "result": "3"}, {"values": {"n": "0"}, "result": "0"}, {"values": {"n": "5"}, "result": "2"}],
}
REFUSED = {"name": "refused", "formula": "nam", "fields": {"name": {"type": "text"}}, "rows": [{"values": {}, "result": None}]}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command on a file of these cases."""
    monkeypatch.delenv("FIELDSTONE_TEST_POSTGRESQL", raising=False)

    def invoke(*cases: object, options: tuple[str, ...] = (), ends: int = 0) -> Result:
        file = tmp_path / "file.jsonl"
        file.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in cases), "utf-8")
        result = CliRunner().invoke(command, ["rules", "test", str(file), *options])
        assert result.exit_code == ends, result.output
        return result

    return invoke


def test_what_holds_is_counted_for_each_engine_at_hand(run):
    assert run(GOOD).output == "python: 3 rows hold, 0 fail.\nsqlite: 2 rows hold, 0 fail.\n"


def test_a_row_that_fails_is_a_line_and_the_end_is_1(run):
    assert run(GOOD, BAD, REFUSED, options=("--engine", "python"), ends=1).output.splitlines() == [
        'wrong, row 0, python: got "3.33333333333333333333333333333333333333", expected "3"',
        'wrong, row 1, python: got the error division_by_zero, expected "0"',
        "refused, row 0, python: got the problem expression_unknown_name at line 1, column 1"
        ' (There is no field "nam" on record. Did you mean "name"?), expected null',
        "python: 4 rows hold, 3 fail.",
    ]


def test_a_database_knows_an_error_but_not_which(run):
    assert 'wrong, row 1, sqlite: got an error, expected "0"' in run(BAD, options=("--engine", "sqlite"), ends=1).output


def test_what_a_database_cannot_do_is_counted(run):
    regex = {"name": "r", "formula": 'REGEX("a", "a")', "rows": [{"result": True}]}
    assert run(regex, options=("--engine", "sqlite")).output == "sqlite: 0 rows hold, 0 fail, 1 have no SQL form.\n"


def test_json_tells_of_a_row_that_a_database_cannot_run_why(run):
    regex = {"name": "r", "formula": 'REGEX("a", "a")', "rows": [{"result": True}]}
    (found,) = run(regex, options=("--engine", "sqlite", "--json")).output.splitlines()
    assert json.loads(found) == {
        "name": "r",
        "row": 0,
        "engine": "sqlite",
        "ok": True,
        "got": None,
        "error": None,
        "problem": "expression_not_filterable",
        "expected": True,
    }


def test_another_problem_than_that_a_database_cannot_run_it_fails_there(run):
    regex = {"name": "r", "formula": 'REGEX("a", "a")', "rows": [{"problem": "expression_empty"}]}
    told = run(regex, options=("--engine", "sqlite"), ends=1).output.splitlines()
    assert told[0].startswith("r, row 0, sqlite: got the problem expression_not_filterable (REGEX cannot run inside the database")
    assert told[1] == "sqlite: 0 rows hold, 1 fail."


def test_json_is_one_object_for_each_row_and_engine(run, postgresql_url):
    found = run(GOOD, BAD, REFUSED, options=("--engine", "all", "--json", "--postgresql", postgresql_url), ends=1).output.splitlines()
    objects = [json.loads(line) for line in found]
    assert [(o["engine"], o["name"], o["row"]) for o in objects if o["name"] == "tiered commission"] == [
        ("python", "tiered commission", 0),
        ("python", "tiered commission", 1),
        ("python", "tiered commission", 2),
        ("sqlite", "tiered commission", 0),
        ("sqlite", "tiered commission", 1),
        ("postgresql", "tiered commission", 0),
        ("postgresql", "tiered commission", 1),
    ]
    assert objects[3] == {
        "name": "wrong",
        "row": 0,
        "engine": "python",
        "ok": False,
        "got": "3.33333333333333333333333333333333333333",
        "error": None,
        "problem": None,
        "expected": "3",
    }
    assert [(o["error"], o["problem"], o["ok"]) for o in objects[4:7]] == [
        ("division_by_zero", None, False),
        (None, None, True),
        (None, "expression_unknown_name", False),
    ]


def test_postgresql_keeps_nothing(run, postgresql_url):
    run(GOOD, options=("--engine", "postgresql", "--postgresql", postgresql_url))
    engine = create_engine(postgresql_url)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'fieldstone%'")).scalar()
    engine.dispose()
    assert left == 0


@pytest.mark.parametrize("engine", ["postgresql", "all"])
def test_no_postgresql_is_said_and_the_end_is_2(run, engine):
    result = run(GOOD, options=("--engine", engine), ends=2)
    assert result.stderr == "There is no PostgreSQL to run on. Give --postgresql URL, or set FIELDSTONE_TEST_POSTGRESQL.\n"


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "mysql://localhost/x", "nonsense"])
def test_a_postgresql_that_cannot_be_reached_is_said_and_the_end_is_2(run, url):
    result = run(GOOD, options=("--engine", "postgresql", "--postgresql", url), ends=2)
    assert result.stderr.startswith("The PostgreSQL server that was given does not answer as it should: ")


def test_what_is_wrong_in_a_file_is_told_and_the_rest_runs(run):
    result = run(GOOD, "{", {**GOOD, "rows": [{"values": {"amount": "5 EUR"}, "result": "1"}]}, options=("--engine", "python"), ends=1)
    assert result.stdout == "python: 3 rows hold, 0 fail.\n"
    said = result.stderr.splitlines()
    assert said[0].endswith(
        "file.jsonl:2: This line is not JSON, from column 2 on: Expecting property name enclosed in double quotes."
        " A case is one JSON object on one line."
    )
    assert said[1].endswith(
        'file.jsonl:3#/rows/0/values/amount: "5 EUR" is no value of the type currency. It is written as "1250.50"; a blank is null.'
    )


def test_a_key_that_means_nothing_is_told_and_fails_nothing(run):
    result = run({**GOOD, "source": "section 7"}, options=("--engine", "python"))
    assert 'The key "source" means nothing here.' in result.stderr
    assert result.stdout == "python: 3 rows hold, 0 fail.\n"


def test_several_files_are_counted_together(run, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(BAD), "utf-8")
    assert run(GOOD, options=(str(other), "--engine", "python"), ends=1).output.endswith("python: 4 rows hold, 2 fail.\n")
