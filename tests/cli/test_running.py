"""The commands that run an org and look after it: what they refuse, in words, before anything is made."""

from __future__ import annotations

import re
import socket

import pytest
from click.testing import CliRunner

from fieldstone import app
from fieldstone.cli.main import command
from fieldstone.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data folder with an org."""
    made = tmp_path_factory.mktemp("running") / "data"
    org = app.open_org(Settings.from_environment({"FIELDSTONE_DATA": str(made)}))
    app.found(org, name="Halden Robotics", sample=False)
    org.close()
    return made


@pytest.fixture(autouse=True)
def environment(folder, monkeypatch):
    monkeypatch.setenv("FIELDSTONE_LOG_LEVEL", "error")
    monkeypatch.setenv("FIELDSTONE_DATA", str(folder))


def invoke(*arguments: str, ends: int = 0) -> str:
    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code == ends, result.output
    assert "Traceback" not in result.output
    return result.output


def test_doctor_finds_a_new_org_sound():
    said = invoke("doctor")
    assert re.search(r"ok   org: Halden Robotics, version \d+, \d+ objects", said)
    assert "BAD" not in said


def test_doctor_asks_nothing_of_postgresql_that_the_platform_does_without(monkeypatch, postgresql_engine):
    monkeypatch.setenv("FIELDSTONE_DATABASE_URL", postgresql_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("FIELDSTONE_SECRET_KEY", "tests only 8dKq2ZpW5vRt7yBn3xLm9")
    said = invoke("doctor", ends=1)
    assert [line for line in said.splitlines() if line.startswith("BAD") and "none yet" not in line] == []


def test_doctor_says_which_command_makes_the_org_that_is_missing(tmp_path):
    said = invoke("doctor", "--data", str(tmp_path), ends=1)
    assert "BAD  org: none yet, run fieldstone run or fieldstone org create" in said


@pytest.mark.parametrize("asked", ["doctor", "migrate", "user list", "pack list"])
def test_a_mistyped_folder_is_said_and_not_made(asked, tmp_path):
    missing = tmp_path / "dta"
    assert "There is no org" in invoke(*asked.split(), "--data", str(missing), ends=1)
    assert not missing.exists()


def test_doctor_asks_the_broker_for_an_answer(monkeypatch, redis_url):
    monkeypatch.setenv("FIELDSTONE_BROKER_URL", redis_url)
    assert "ok   broker: answers" in invoke("doctor")
    monkeypatch.setenv("FIELDSTONE_BROKER_URL", "redis://127.0.0.1:1/0")
    assert "BAD  broker: " in invoke("doctor", ends=1)


def test_doctor_quotes_a_setting_that_cannot_be_read(monkeypatch):
    monkeypatch.setenv("FIELDSTONE_PORT", "eight")
    assert 'FIELDSTONE_PORT is set to "eight", which cannot be read.' in invoke("doctor", ends=1)


@pytest.mark.parametrize("process", ["worker", "scheduler"])
def test_an_org_whose_web_process_does_the_work_has_no_process_beside_it(process):
    assert "The background work is done inside the web process here." in invoke(process, ends=1)


def test_a_port_that_is_taken_is_refused_before_anything_is_made(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = invoke("run", "--port", str(port), "--data", str(tmp_path / "new"), ends=1)
    assert f"Nothing can listen on 127.0.0.1:{port}: Address already in use." in said
    assert not (tmp_path / "new").exists()


def test_migrate_says_the_revision_it_came_to():
    assert re.fullmatch(r"System tables are at revision \d+\.\n", invoke("migrate"))


def test_a_user_is_added_listed_and_given_another_password():
    first = invoke("user", "add", "ada", "--name", "Ada Lind", "--profile", "standard_user", "--permission-set", "crm_read")
    assert re.fullmatch(r"ada  (\w{5}-){3}\w{5}\n", first)
    assert "ada\tAda Lind\tstandard_user\t\tTrue" in invoke("user", "list")
    again = invoke("user", "password", "ada")
    assert re.fullmatch(r"ada  (\w{5}-){3}\w{5}\n", again)
    assert again != first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "bob", "--name", "Bob", "--profile", "boss"], 'There is no profile called "boss".'),
        (
            ["add", "bob", "--name", "Bob", "--profile", "standard_user", "--permission-set", "all"],
            'There is no permission_set called "all".',
        ),
        (["add", "admin", "--name", "Bob", "--profile", "standard_user"], 'Another record has this username already: "admin".'),
        (["password", "nobody"], "There is nothing here: nobody"),
    ],
)
def test_what_is_wrong_with_a_user_is_said_in_a_sentence(arguments, said):
    assert said in invoke("user", *arguments, ends=1)
