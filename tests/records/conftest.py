"""A world per test, made once and copied."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from tests.support.worlds import World, reopened

_made: dict[tuple[str, str], World] = {}


@pytest.fixture
def a_world(prepared, databases) -> Callable[..., World]:
    """`a_world(key, make)`: the world that `make(engine)` returns, in a database of this test's own."""

    def get(key: str, make: Callable[[Engine], World], **options) -> World:
        def prepare(engine: Engine) -> None:
            _made[key, databases.kind] = make(engine)

        engine = prepared(key, prepare)
        return reopened(engine, _made[key, databases.kind], **options)

    return get
