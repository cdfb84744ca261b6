"""A save killed at any point: it stands wholly or not at all, what was acknowledged is there, roll-ups are right. Both databases."""

from __future__ import annotations

import signal
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from fieldstone.records.query import Query
from tests.faults.save_child import add_lines
from tests.faults.shop import DOCUMENTS
from tests.support import children
from tests.support.worlds import World, world

pytestmark = pytest.mark.faults

BEFORE = ("save.checked", "save.step_written:1", "save.step_written:2", "save.step_written:3", "save.before_commit")


@pytest.fixture
def shop(database: Engine) -> World:
    return world(database, *DOCUMENTS)


def save_in_a_process(shop: World, order: str, prices: str, fault: str = "") -> tuple[int, str | None]:
    return children.run(add_lines, shop.engine.url.render_as_string(hide_password=False), order, prices, fault=fault)


def state(shop: World, order: str) -> tuple[Decimal, Decimal, Decimal, list[Decimal]]:
    found = shop.get("order", order)
    with shop.reading() as gate:
        prices = [line["price"] for line in gate.read(Query(object="line", select=("price",))).records]
    return found["total"], found["lines"], found["doubled"], sorted(prices)


@pytest.mark.parametrize("fault", BEFORE)
def test_a_save_killed_before_its_commit_leaves_no_trace_and_can_be_repeated(shop, fault):
    order = shop.create("order", {"name": "one"})
    assert save_in_a_process(shop, order, "1.50") == (0, "acknowledged")
    before = state(shop, order)
    assert save_in_a_process(shop, order, "10.00,20.00", fault) == (-signal.SIGKILL, None)
    assert state(shop, order) == before
    assert save_in_a_process(shop, order, "10.00,20.00") == (0, "acknowledged")
    assert state(shop, order) == (Decimal("31.50"), 3, Decimal("63.00"), [Decimal("1.50"), Decimal("10.00"), Decimal("20.00")])


def test_a_save_killed_after_its_commit_is_there_whole(shop):
    order = shop.create("order", {"name": "one"})
    assert save_in_a_process(shop, order, "10.00,20.00", "save.committed") == (-signal.SIGKILL, None)
    assert state(shop, order) == (Decimal("30.00"), 2, Decimal("60.00"), [Decimal("10.00"), Decimal("20.00")])
