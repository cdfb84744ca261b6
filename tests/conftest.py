"""Fixtures for all tests: both databases, a real Redis, a real browser.

A test of storage takes `database` (a fresh, empty engine) or `database_url`, and runs once on SQLite and once on PostgreSQL. A test
that starts from something prepared takes `prepared`: the preparation runs once, each test gets a copy. Nothing is skipped here: what
is missing is an error that names the command which installs it.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import URL, Engine

from tests.support import servers
from tests.support.browser import Complaints, chromium
from tests.support.databases import KINDS, Databases


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(50_000, 10, 10)  # what a test leaves is soon gone without a search
    if not hasattr(config, "workerinput"):
        servers.begin_run()
        if servers.MEMORY in os.environ[servers.RUN_FOLDER]:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", servers.MEMORY)  # databases of SQLite too


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare what was imported and collected, which stays until the end, each later search for garbage."""
    gc.freeze()


# A slow machine is no failure. On a build server the same cases are drawn each time: a red run is somebody's change.
hypothesis.settings.register_profile("fieldstone", deadline=None, derandomize="CI" in os.environ, print_blob=True)
hypothesis.settings.load_profile("fieldstone")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.end_run()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """SQLite databases, in a folder of this test process."""
    folder = tmp_path_factory.mktemp("sqlite")
    yield Databases("sqlite", folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases of the run's PostgreSQL server, or of the one at FIELDSTONE_TEST_POSTGRESQL."""
    databases = Databases("postgresql", tmp_path_factory.mktemp("postgresql"))
    yield databases
    databases.remove_all()


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """The databases of one kind, for a test that needs more than one."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[URL]:
    """The URL of a fresh, empty database."""
    url = databases.fresh()
    yield url
    databases.remove(url)


@pytest.fixture
def database(databases: Databases, database_url: URL) -> Engine:
    """An engine on a fresh, empty database."""
    return databases.engine(database_url)


@pytest.fixture
def prepared(databases: Databases) -> Iterator[Callable[[str, Callable[[Engine], object]], Engine]]:
    """`prepared(key, prepare)`: an engine on a copy of the database that `prepare(engine)` made, once for each key."""
    made: list[URL] = []

    def copy(key: str, prepare: Callable[[Engine], object]) -> Engine:
        url = databases.copy(key, prepare)
        made.append(url)
        return databases.engine(url)

    yield copy
    for url in made:
        databases.remove(url)


@pytest.fixture(scope="session")
def sqlite_engine(sqlite_databases: Databases) -> Iterator[Engine]:
    """An SQLite engine for the whole run: for statements that leave nothing behind."""
    url = sqlite_databases.fresh()
    yield sqlite_databases.engine(url)
    sqlite_databases.remove(url)


@pytest.fixture(scope="session")
def postgresql_engine(postgresql_databases: Databases) -> Iterator[Engine]:
    """A PostgreSQL engine for the whole run: for statements that leave nothing behind."""
    url = postgresql_databases.fresh()
    yield postgresql_databases.engine(url)
    postgresql_databases.remove(url)


@pytest.fixture
def postgresql_url(postgresql_databases: Databases) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database, as text with its password: for settings and other processes."""
    url = postgresql_databases.fresh()
    yield url.render_as_string(hide_password=False)
    postgresql_databases.remove(url)


@pytest.fixture
def redis_url() -> str:
    """The URL of a real Redis, shared by the run and emptied for this test."""
    import redis

    worker = int("".join(filter(str.isdigit, _worker())) or 0)
    url = f"{servers.server('redis').rsplit('/', 1)[0]}/{worker % 16}"
    redis.Redis.from_url(url).flushdb()
    return url


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Headless Chromium (Playwright's sync API), one for this test process."""
    with chromium() as started:
        yield started


@pytest.fixture
def complaints() -> Complaints:
    """What pages complained about; `complaints.expect(part)` accepts one. Anything else fails the test that uses `page`."""
    return Complaints()


@pytest.fixture
def new_page(browser, complaints: Complaints) -> Iterator[Callable[..., object]]:
    """`new_page(**options)`: a page in a context of its own (another person, another screen size), watched like `page`."""
    contexts = []

    def open_page(**options: object) -> object:
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        context.set_default_timeout(30_000)  # milliseconds: a slow machine is no failure
        page = context.new_page()
        complaints.watch(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.unexpected() == []


@pytest.fixture
def page(new_page):
    """One page in a fresh context; the test fails when its console shows an error nobody expected."""
    return new_page()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def sales_data(repository: Path) -> Path:
    """The folder of the real sales data set, which is no part of the repository: a test of it is reported as not run without it."""
    folder = Path(os.environ.get("FIELDSTONE_SALES_DATA", repository.parent / "shared/data/sales"))
    if not folder.is_dir():
        pytest.skip(f"the sales data set is not at {folder}: set FIELDSTONE_SALES_DATA to its folder")
    return folder
