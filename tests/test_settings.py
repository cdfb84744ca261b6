"""Settings: read from the environment, refused with every problem, secrets that can be trusted."""

import stat

import pytest

from fieldstone.errors import Refused
from fieldstone.settings import Settings, describe, secret_problem

RANDOM = "kQ8v2ZtY6mWp4RsXc1LhGdNf9JbUeA3TzVy7"


def test_nothing_set_is_the_embedded_shape(tmp_path):
    settings = Settings.from_environment({}, data=tmp_path)
    assert settings.embedded
    assert settings.in_process_broker
    assert settings.database == f"sqlite:///{tmp_path}/fieldstone.sqlite"
    assert (settings.host, settings.port, settings.address) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")


def test_two_variables_move_it_to_postgresql_and_redis():
    settings = Settings.from_environment(
        {"FIELDSTONE_DATABASE_URL": "postgresql://u@db/crm", "FIELDSTONE_BROKER_URL": "redis://r:6379/0", "FIELDSTONE_PORT": "80"}
    )
    assert (settings.embedded, settings.in_process_broker, settings.port) == (False, False, 80)


def test_an_option_of_the_command_comes_before_the_environment():
    environ = {"FIELDSTONE_PORT": "80", "FIELDSTONE_LANGUAGE": "zh-Hans"}
    settings = Settings.from_environment(environ, port=8123, language=None)
    assert (settings.port, settings.language) == (8123, "zh-Hans")


def test_every_problem_is_reported():
    with pytest.raises(Refused) as refusal:
        Settings.from_environment(
            {
                "FIELDSTONE_PORT": "many",
                "FIELDSTONE_DEV": "perhaps",
                "FIELDSTONE_DATABASE_URL": "mysql://x/y",
                "FIELDSTONE_LOG_LEVEL": "loud",
            }
        )
    assert [(problem.code, problem.params["name"]) for problem in refusal.value.problems] == [
        ("setting_unreadable", "FIELDSTONE_PORT"),
        ("setting_unreadable", "FIELDSTONE_DEV"),
        ("setting_unfit", "FIELDSTONE_DATABASE_URL"),
        ("setting_unfit", "FIELDSTONE_LOG_LEVEL"),
    ]


def test_the_embedded_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    settings = Settings.from_environment({}, data=tmp_path / "new")
    first, second = settings.with_secret(), settings.with_secret()
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 64
    assert stat.S_IMODE((tmp_path / "new/secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        pytest.param("", "secret_missing", id="none"),
        pytest.param("kQ8v2ZtY6m", "secret_short", id="a short one"),
        pytest.param("abab" * 16, "secret_short", id="a monotonous one"),
        pytest.param(f"ChangeMe-{RANDOM}", "secret_sample", id="a sample"),
        pytest.param(RANDOM, None, id="random characters"),
    ],
)
def test_a_server_accepts_only_a_secret_that_nobody_guesses(tmp_path, key, code):
    problem = secret_problem(key)
    assert (problem and problem.code) == code
    server = Settings.from_environment({"FIELDSTONE_DATABASE_URL": "postgresql://u@db/crm", "FIELDSTONE_SECRET_KEY": key}, data=tmp_path)
    if code is None:
        assert server.with_secret().secret_key == key
    else:
        with pytest.raises(Refused):
            server.with_secret()


def test_every_setting_says_what_it_means():
    assert [doc.name for doc in describe() if not doc.meaning.endswith(".")] == []
    assert {doc.name for doc in describe() if doc.secret} == {
        "FIELDSTONE_DATABASE_URL",
        "FIELDSTONE_BROKER_URL",
        "FIELDSTONE_SECRET_KEY",
        "FIELDSTONE_SMTP_URL",
    }
