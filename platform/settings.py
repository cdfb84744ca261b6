"""Every setting of an installation, in one frozen dataclass, read once when a process starts.

Here: name, default, unit and meaning of each, and what makes a set of settings unusable.
Not here: what an administrator changes in the browser (that is metadata), limits that are the same everywhere (`limits.py`).

A setting `smtp_url` is read from the environment variable `FIELDSTONE_SMTP_URL`. Nothing else in the product reads the environment,
but for the points at which tests make a process die (`db/faults.py`).
Source: design.md, deployment shapes; spec/security.md, section 8 (secrets).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fieldstone.errors import Problem, Refused

PREFIX = "FIELDSTONE_"
SECRET_LENGTH = 32  # characters, at least
SECRET_VARIETY = 12  # different characters, at least
SAMPLES = ("secret", "change", "example", "password", "default", "sample", "0123456789", "abcdef")
YES_OR_NO = {"1": True, "true": True, "yes": True, "on": True, "": False, "0": False, "false": False, "no": False, "off": False}


def _whole(text: str) -> int:
    return int(text)


def _yes(text: str) -> bool:
    return YES_OR_NO[text.lower()]


def _setting(default: Any, meaning: str, *, unit: str = "", read: Callable[[str], Any] = str, secret: bool = False) -> Any:
    return field(default=default, metadata={"meaning": meaning, "unit": unit, "read": read, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of this process. `from_environment` builds them; `describe` lists them for docs and `fieldstone doctor`."""

    data: Path = _setting(Path("data"), "Folder of the embedded database, attachments and the generated secret.", read=Path)
    database_url: str = _setting(
        "", "Database: sqlite:///file or postgresql://user@host/name. Empty: a file in the data folder.", secret=True
    )
    database_schema: str = _setting("", "Schema of the org on PostgreSQL. Empty: what the connection's search path says.")
    database_pool: int = _setting(10, "Connections that a process keeps open; as many again under load.", unit="connections", read=_whole)
    broker_url: str = _setting(
        "memory://", "Broker of the background work: memory:// (in this process) or redis://host:port/number.", secret=True
    )
    host: str = _setting("127.0.0.1", "Address on which the web server listens.")
    port: int = _setting(8000, "Port on which the web server listens.", unit="TCP port", read=_whole)
    public_url: str = _setting("", "Address that people type, for links in mails. Empty: made of host and port.")
    proxies: int = _setting(0, "Reverse proxies in front whose X-Forwarded headers are believed.", unit="proxies", read=_whole)
    web_threads: int = _setting(8, "Requests that one web process answers at the same time.", unit="threads", read=_whole)
    worker_threads: int = _setting(2, "Background tasks that one worker does at the same time.", unit="threads", read=_whole)
    secret_key: str = _setting(
        "",
        "Signs cursors, links and sessions. Empty on SQLite: generated into the data folder.",
        unit="characters, 32 or more",
        secret=True,
    )
    api_rate: int = _setting(600, "Calls of the API that one token may make in a minute; 0 sets no limit.", unit="calls", read=int)
    smtp_url: str = _setting(
        "", "Mail server: smtp://, smtp+starttls:// or smtps://user:password@host:port. Empty: mails stay in the mailbox page.", secret=True
    )
    mail_from: str = _setting("fieldstone@localhost", "Sender of mails.")
    language: str = _setting("en", "Language of a new org: en, zh-Hans or zh-Hant.")
    currency: str = _setting("USD", "Currency in which amounts are shown, as its ISO 4217 code.")
    time_zone: str = _setting("UTC", "Time zone of a new org, such as Asia/Shanghai.")
    log_level: str = _setting("info", "Least serious log entry that is written: debug, info, warning or error.")
    log_format: str = _setting("text", "How log entries are written: text, for people, or json.")
    dev: bool = _setting(False, "For work on Fieldstone itself: templates are read anew, errors name their place.", read=_yes)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
        """Return the settings of `environ`; what is `given` (options of a command, by name, None for not given) comes first.

        Raises Refused with every problem: a value that is not of its type, a URL of another kind.
        """
        problems = []
        values: dict[str, Any] = {}
        known = {f"{PREFIX}{setting.name.upper()}": setting for setting in fields(cls)}
        for name, setting in known.items():
            if name in environ:
                try:
                    values[setting.name] = setting.metadata["read"](environ[name].strip())
                except (ValueError, KeyError):
                    problems.append(
                        Problem(code="setting_unreadable", params={"name": name, "value": environ[name]})  # a number or a switch: no secret
                    )
        settings = cls(**(values | {name: value for name, value in given.items() if value is not None}))
        problems += settings._problems()
        if problems:
            raise Refused(problems)
        return settings

    @property
    def embedded(self) -> bool:
        """Whether this is the embedded shape: SQLite, everything in one process."""
        return self.database.startswith("sqlite")

    @property
    def in_process_broker(self) -> bool:
        """Whether the background work is done inside the web process."""
        return self.broker_url.startswith("memory:")

    @property
    def database(self) -> str:
        """The URL of the database, the default filled in."""
        return self.database_url or f"sqlite:///{(self.data / 'fieldstone.sqlite').absolute()}"

    @property
    def address(self) -> str:
        """The address people use, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def files(self) -> Path:
        """The folder of attachments."""
        return self.data / "files"

    def with_secret(self) -> Settings:
        """Return the settings with a secret key that can be trusted, and the data folder made, readable by its owner alone.

        Embedded without one: the file `secret` of the data folder, generated at the first start. On a server everybody must share
        one, so it has to be set. Raises Refused for a missing, short or sample secret.
        """
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self.secret_key
        if not key and self.embedded:
            key = _generated(self.data / "secret")
        problem = secret_problem(key)
        if problem is not None:
            raise Refused(problem)
        return replace(self, secret_key=key)

    def _problems(self) -> list[Problem]:
        checks: list[tuple[str, bool, str]] = [
            ("database_url", _scheme(self.database) in ("sqlite", "postgresql", "postgres"), "sqlite:///file, postgresql://user@host/name"),
            ("broker_url", _scheme(self.broker_url) in ("memory", "redis", "rediss"), "memory://, redis://host:port/number"),
            ("smtp_url", not self.smtp_url or _scheme(self.smtp_url) in ("smtp", "smtps"), "smtp://host:port, smtps://host:port"),
            ("public_url", not self.public_url or _scheme(self.public_url) in ("http", "https"), "https://crm.example.com"),
            ("port", 0 <= self.port <= 65535, "0 … 65535"),
            ("language", self.language in ("en", "zh-Hans", "zh-Hant"), "en, zh-Hans, zh-Hant"),
            ("log_level", self.log_level in ("debug", "info", "warning", "error"), "debug, info, warning, error"),
            ("log_format", self.log_format in ("text", "json"), "text, json"),
            ("database_pool", self.database_pool > 0, "1 …"),
            ("web_threads", self.web_threads > 0, "1 …"),
            ("worker_threads", self.worker_threads > 0, "1 …"),
            ("proxies", self.proxies >= 0, "0 …"),
        ]
        return [
            Problem(code="setting_unfit", params={"name": f"{PREFIX}{name.upper()}", "fits": fits})
            for name, fine, fits in checks
            if not fine
        ]


def _scheme(url: str) -> str:
    return urlsplit(url).scheme.split("+")[0]


def _generated(file: Path) -> str:
    if not file.exists():
        # Written beside and linked into place: of two processes that start together, the second takes the first one's.
        draft = file.with_name(f"secret.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(48))
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text().strip()


def secret_problem(key: str) -> Problem | None:
    """Return what is wrong with a secret key: missing, short, monotonous, or taken from somebody's example."""
    name = f"{PREFIX}SECRET_KEY"
    if not key:
        return Problem(code="secret_missing", params={"name": name, "length": SECRET_LENGTH})
    if len(key) < SECRET_LENGTH or len(set(key)) < SECRET_VARIETY:
        return Problem(code="secret_short", params={"name": name, "length": SECRET_LENGTH})
    if any(sample in key.lower() for sample in SAMPLES):
        return Problem(code="secret_sample", params={"name": name})
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDoc:
    """What is to be known about one setting: its environment variable, default, unit and meaning."""

    name: str
    default: str
    unit: str
    meaning: str
    secret: bool


def describe() -> tuple[SettingDoc, ...]:
    """Return every setting in the order of the dataclass: for docs and `fieldstone doctor`."""
    return tuple(
        SettingDoc(
            name=f"{PREFIX}{setting.name.upper()}",
            default=str(setting.default),
            unit=setting.metadata["unit"],
            meaning=setting.metadata["meaning"],
            secret=setting.metadata["secret"],
        )
        for setting in fields(Settings)
    )
