"""`fieldstone pack`: what it prints, and how it ends."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from fieldstone import app
from fieldstone.cli.pack import command
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import write
from fieldstone.metadata import store
from fieldstone.packs.install import install
from fieldstone.settings import Settings
from tests.support.packs import BIKE, BIKES, files


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A data folder with an org that has the pack core, to be copied."""
    folder = tmp_path_factory.mktemp("founded") / "data"
    org = app.open_org(Settings.from_environment({}, data=folder))
    migrate(org.engine)
    with write(org.engine) as transaction:
        store.found_org(transaction.connection, name="Test", language="en", zone="UTC", now=transaction.now)
    install(org, ["core"], sample=False)
    org.close()
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, founded):
    """Run a command on an org that has the pack core."""
    monkeypatch.setenv("FIELDSTONE_LOG_LEVEL", "error")
    data = shutil.copytree(founded, tmp_path / "data")

    def invoke(name, *arguments, on_org=True, ends=0):
        result = CliRunner().invoke(command, [name, *(["--data", str(data)] if on_org else []), *map(str, arguments)])
        assert result.exit_code == ends, result.output
        return result.output

    return invoke


@pytest.fixture
def folder(tmp_path):
    """A small pack of somebody else in a folder."""
    for path, content in files({**BIKES, "sample/rent__bike.csv": b"$id,name,gears\nb1,Red,7\n"}).items():
        (tmp_path / "rental" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "rental" / path).write_bytes(content)
    return tmp_path / "rental"


def test_list_tells_what_is_installed(run):
    states = {row["name"]: row["installed"] for row in json.loads(run("list", "--json"))}
    assert states == {"core": "1.0.0", "crm": None, "sales": None, "service": None, "marketing": None}


def test_a_pack_is_planned_installed_and_then_there(run, folder):
    planned = run("plan", folder)
    assert "Adds the object Bike with 2 fields and a table of its own." in planned
    assert "Sample records: 1 rent__bike" in planned
    done = run("install", "--yes", "--sample", folder)
    assert "Installed rental; the metadata is at version 2." in done
    assert "  1 records of rent__bike" in done
    assert "rental is installed already." in run("install", "--yes", folder)


def test_sample_records_leave_again(run, folder):
    run("install", "--yes", "--sample", folder)
    assert "1 records of rent__bike go" in run("remove-sample", ends=1)  # nobody said yes
    assert "1 records are in the recycle bin." in run("remove-sample", "--yes")
    assert run("remove-sample") == "Nothing is left to remove.\n"


def test_nothing_is_installed_without_a_yes(run, folder):
    run("install", folder, ends=1)
    assert "rental" not in run("list")


def test_a_broken_pack_ends_with_one_and_names_the_places(run, folder):
    (folder / "objects" / "rent__bike.json").write_text(json.dumps({**BIKE, "name_field": "title"}))
    told = run("check", folder, on_org=False, ends=1)
    assert "objects/rent__bike.json#/name_field: " in told
    assert "objects/rent__bike.json#/name_field: " in run("plan", folder, ends=1)


def test_seal_makes_a_pack_whole(run, folder):
    assert "files written" in run("seal", folder, on_org=False)
    assert "sealed as it is" in run("seal", folder, on_org=False)
    assert "rental 1.0.0: 1 documents are right." in run("check", folder, on_org=False)


def test_checks_are_run(run, folder):
    suite = {"suite": "bikes", "cases": [{"name": "none", "do": [{"see": {"object": "rent__bike"}}], "expect": {"rows": {"count": 1}}}]}
    (folder / "checks").mkdir()
    (folder / "checks" / "bikes.json").write_text(json.dumps(suite))
    told = run("test", folder, on_org=False, ends=1)
    assert "The check “none” of bikes failed: count is 0, expected 1" in told
    assert "0 checks passed, 1 failed." in told
