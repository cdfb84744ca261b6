"""Unique values that a save makes itself: formulas over a number which is given when nothing refuses the record any more."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.changes import Change
from fieldstone.records.query import Query
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, world

BILL = obj(
    "bill",
    {
        "number": {"type": "auto_number", "label": "Number", "pattern": "B-{000}"},
        "name": {"type": "text", "label": "Name"},
        "area": {"type": "text", "label": "Area"},
        "code": {"type": "formula", "label": "Code", "returns": "text", "formula": "area & RIGHT(number, 1)", "length": 20, "unique": True},
        "long": {"type": "formula", "label": "Long", "returns": "text", "formula": 'code & "!"', "length": 20, "unique": True},
    },
)


def people(engine) -> World:
    made = world(engine, BILL, profile("clerk", {"bill": everything(BILL)}))
    made.person("Ada", profile="clerk")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("unique", people)


def bills(*areas: str) -> list[Change]:
    return [Change(object="bill", action="create", values={"name": area, "area": area}) for area in areas]


def ids(org: World) -> list[str]:
    with org.reading("Ada") as gate:
        return sorted(each["id"] for each in gate.read(Query(object="bill", select=("number",))).records)


def test_records_of_one_batch_differ_by_the_numbers_they_get(org):
    org.save("Ada", *bills("x", "x", "x"))
    assert [org.get("bill", each, "Ada")["long"] for each in ids(org)] == ["x1!", "x2!", "x3!"]


def test_what_such_a_formula_makes_must_be_unique_all_the_same(org):
    org.save("Ada", *bills("x", *"abcdefghi"))
    with pytest.raises(Refused) as refused:
        org.save("Ada", *bills("x"))
    assert [(each.field, each.code) for each in refused.value.problems] == [("code", "not_unique"), ("long", "not_unique")]


def test_of_several_only_those_that_clash_are_set_aside(org):
    org.save("Ada", *bills("x", *"abcdefghi"))
    assert [each.status for each in org.save("Ada", *bills("x", "y", "z"), mode="partial")] == ["refused", "created", "created"]
