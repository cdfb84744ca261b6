"""`fieldstone import`: what it prints, and that it changes nothing but what it says."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from fieldstone import app
from fieldstone.cli.main import command
from fieldstone.records.principal import Principal
from fieldstone.records.query import Query
from fieldstone.settings import Settings

MAPPING = {
    "object": "account",
    "operation": "create_or_skip",
    "found_by": ["name"],
    "columns": [
        {"field": "name", "column": "account"},
        {"field": "industry", "column": "sector"},
        {"field": "annual_revenue", "column": "revenue"},
    ],
}
FILE = "account,sector,revenue\nAcme,technolgy,1100.04\nBeta,retail,251.41\nGamma,technolgy,1\n"


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A data folder with an org, to be copied."""
    folder = tmp_path_factory.mktemp("founded") / "data"
    org = app.open_org(Settings.from_environment({}, data=folder))
    app.found(org, name="Test", sample=False)
    org.close()
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch, founded):
    """A data folder with an org, the file and its mapping."""
    monkeypatch.setenv("FIELDSTONE_LOG_LEVEL", "error")
    monkeypatch.setenv("FIELDSTONE_DATA", str(tmp_path / "data"))
    shutil.copytree(founded, tmp_path / "data")
    (tmp_path / "accounts.csv").write_text(FILE, "utf-8")
    (tmp_path / "mapping.json").write_text(json.dumps(MAPPING), "utf-8")
    return tmp_path


def invoke(place, *arguments: str, ends: int = 0) -> str:
    result = CliRunner().invoke(command, ["import", "--as", "admin", "--mapping", str(place / "mapping.json"), *map(str, arguments)])
    assert result.exit_code == ends, result.output
    return result.output


def accounts() -> list[str]:
    org = app.open_org(Settings.from_environment())
    with org.records.reading(Principal.internal("test")) as gate:
        found = sorted(each["name"] for each in gate.read(Query(object="account", select=("name",))).records)
    org.close()
    return found


def test_a_check_says_what_would_happen_and_changes_nothing(place):
    said = invoke(place, "--check", place / "accounts.csv")
    assert "3 rows: 1 created, 0 updated, 0 unchanged, 0 skipped, 2 failed" in said
    assert "2 rows (first: row 2)" in said
    assert "technolgy" in said
    assert "technology" in said
    assert accounts() == []


def test_failed_rows_are_written_to_a_file_and_sums_are_compared(place):
    said = invoke(place, "--errors", place / "wrong.csv", place / "accounts.csv")
    assert "annual_revenue: 251.41 in the file, 251.41 in the database, equal" in said
    assert accounts() == ["Beta"]
    assert len((place / "wrong.csv").read_text("utf-8").splitlines()) == 3


def test_what_failed_in_the_import_itself_is_told_with_its_near_miss_too(place):
    lookup = {**MAPPING, "columns": [*MAPPING["columns"][:1], {"field": "parent", "column": "sector"}]}
    invoke(place, "--errors", place / "wrong.csv", place / "accounts.csv")
    (place / "mapping.json").write_text(json.dumps(lookup), "utf-8")
    (place / "more.csv").write_text("account,sector\nDelta,B-eta\n", "utf-8")
    assert 'parent B-eta: There is no such record. Did you mean "Beta"?' in invoke(place, place / "more.csv")


def test_near_misses_can_be_taken_as_suggested(place):
    said = invoke(place, "--answer", place / "accounts.csv")
    assert "industry: technolgy is taken for technology" in said
    assert accounts() == ["Acme", "Beta", "Gamma"]
    assert "3 skipped" in invoke(place, "--answer", place / "accounts.csv")


def test_a_file_that_only_creates_is_refused_the_second_time_unless_meant(place):
    (place / "mapping.json").write_text(json.dumps({**MAPPING, "operation": "create", "found_by": []}), "utf-8")
    invoke(place, place / "accounts.csv")
    assert "was imported by this very mapping" in invoke(place, place / "accounts.csv", ends=1)
    invoke(place, "--again", place / "accounts.csv")
    assert accounts() == ["Beta", "Beta"]


def test_what_is_wrong_with_the_call_is_said(place):
    (place / "mapping.json").write_text("[]", "utf-8")
    assert "is not a mapping" in invoke(place, place / "accounts.csv", ends=1)
    (place / "mapping.json").write_text(json.dumps({**MAPPING, "columns": [{"field": "nmae", "column": "acount"}]}), "utf-8")
    said = invoke(place, place / "accounts.csv", ends=1)
    assert "name" in said
    assert "account" in said
    result = CliRunner().invoke(
        command, ["import", "--as", "nobody", "--mapping", str(place / "mapping.json"), str(place / "accounts.csv")]
    )
    assert result.exit_code == 1
    assert "No active user signs in as nobody." in result.output
