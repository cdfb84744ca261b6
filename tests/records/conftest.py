"""A world per test, made once and copied; every statement on a record table must carry the gate's mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine

from tests.support.statements import counting
from tests.support.worlds import World, reopened


@pytest.fixture
def a_world(prepared, databases) -> Iterator[Callable[..., World]]:
    """`a_world(key, make)`: the world that `make(engine)` returns, in a database of this test's own."""

    watching = ExitStack()

    def get(key: str, make: Callable[[Engine], World], **options) -> World:
        engine = prepared(key, make)
        made = reopened(engine, databases.returned(key, make), **options)
        seen = watching.enter_context(counting(engine))
        watching.callback(lambda: _expect(seen.unmarked(made.snapshot.tables)))
        return made

    with watching:
        yield get


def _expect(unmarked: list[str]) -> None:
    assert unmarked == []
