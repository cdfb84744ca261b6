"""A validation rule looks into other records by their name, whatever the saver may read; each question is asked once in a save."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.changes import Change
from tests.support.orgs import obj
from tests.support.statements import counting
from tests.support.worlds import World, everything, profile, rule, world

ZIP = obj("zip", {"city": {"type": "text", "label": "City"}, "rate": {"type": "percent", "label": "Rate", "scale": 1}})
SHOP = obj("shop", {"city": {"type": "text", "label": "City"}, "zip": {"type": "text", "label": "Zip"}, "rate": {**ZIP["fields"]["rate"]}})
CITY = "VLOOKUP($ObjectType.zip.Fields.city, $ObjectType.zip.Fields.name, zip)"
RATE = "VLOOKUP($ObjectType.zip.Fields.rate, $ObjectType.zip.Fields.name, zip)"


def people(engine) -> World:
    made = world(
        engine,
        ZIP,
        SHOP,
        profile("seller", {"shop": everything(SHOP)}),
        rule("shop", "city_of_zip", f"AND(NOT(ISBLANK({CITY})), {CITY} <> city)", "Another city.", at="city"),
        rule("shop", "rate_of_zip", f"rate > {RATE}", "Too much.", at="rate"),
    )
    made.person("Ada", profile="seller")
    for name, city, rate in (("3000", "Bern", "15.0"), ("8000", "Zürich", "7.5"), ("9999", "Here", "1"), ("9999", "There", "1")):
        made.create("zip", {"name": name, "city": city, "rate": rate})
    return made


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"zip": "3000", "city": "Bern", "rate": "15.0"}, []),
        ({"zip": "3000", "city": "Basel"}, ["city_of_zip"]),
        ({"zip": "8000", "city": "Zürich", "rate": "7.6"}, ["rate_of_zip"]),
        ({"zip": "9999", "city": "Nowhere", "rate": "99"}, []),  # two of that name: neither
        ({"zip": "1234", "city": "Nowhere", "rate": "99"}, []),
        ({"city": "Nowhere"}, []),
    ],
)
def test_a_rule_asks_for_the_record_of_a_name(a_world, values, refused) -> None:
    made = a_world("look_up", people)
    try:
        made.create("shop", {"name": "S", **values}, "Ada")
    except Refused as against:
        assert [problem.rule for problem in against.problems] == refused
    else:
        assert refused == []


def test_one_name_is_looked_up_once_in_a_save(a_world) -> None:
    made = a_world("look_up", people)

    def statements(count: int) -> int:
        changes = [Change(object="shop", action="create", values={"name": f"S{i}", "zip": "3000", "city": "Bern"}) for i in range(count)]
        with counting(made.engine) as seen:
            made.save("Ada", *changes)
        return len(seen.statements)

    statements(1)  # what is asked once in a process
    assert statements(20) == statements(1)
