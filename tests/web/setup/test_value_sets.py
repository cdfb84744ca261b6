"""Value sets in Setup: their values, order and default; where they are used; switched off, not removed."""

from __future__ import annotations

import re

import pytest

from tests.web.setup.conftest import error_at, words

URL = "/setup/value-sets/region"
REGION = {
    "kind": "value_set",
    "api_name": "region",
    "label": {"en": "Region"},
    "values": [
        {"api_name": "north", "label": {"en": "North"}, "color": "blue", "default": True},
        {"api_name": "south", "label": {"en": "South"}, "color": "green"},
    ],
}


@pytest.fixture
def region(site):
    site.publish(REGION)
    field = {"type": "picklist", "label": {"en": "Region"}, "value_set": "region"}
    site.publish({"kind": "object_extension", "object": "deal", "fields": {"region": field}})


def rows(*names, **more):
    """The rows of a form, as it shows them."""
    return {
        "label.en": "Region",
        **{f"value.{number}.name": name for number, name in enumerate(names)},
        **{f"value.{number}.stored": name for number, name in enumerate(names)},
        **{f"value.{number}.label.en": name.title() for number, name in enumerate(names)},
        **{f"value.{number}.active": "1" for number, _ in enumerate(names)},
        **more,
    }


def values(builder):
    return [(each.name, each.active, each.default) for each in builder.snapshot.find("value_set", "region").values]


def test_a_new_value_set_is_made_of_lines(builder):
    answer = builder.publish("/setup/value-sets/new", {"label.en": "Region", "values_new": "North | 北方 | 北方\nSouth"})
    assert answer.headers["Location"] == URL
    assert values(builder) == [("north", True, False), ("south", True, False)]
    assert "Region" in words(builder.get("/setup/value-sets"))


def test_order_default_state_and_more_values_are_published(region, builder):
    typed = rows("north", "south", value_order="[1, 0]", value_default="1", values_new="West")
    typed["value.0.active"] = "0"
    builder.publish_at_once(URL, typed)
    assert values(builder) == [("south", True, True), ("north", False, False), ("west", True, False)]


def test_the_page_says_where_it_is_used_and_offers_no_removal_of_stored_values(region, builder):
    text = builder.get(URL).text
    assert re.search(r"Where it is used.*/setup/objects/deal", text, re.DOTALL)
    assert 'name="value.0.gone"' not in text


def test_a_used_set_is_not_removed_and_an_empty_one_not_published(region, builder):
    assert builder.plan(f"{URL}/remove", publish="1").status_code == 422
    refused = builder.plan("/setup/value-sets/new", {"label.en": "Empty", "values_new": ""})
    assert refused.status_code == 422
    assert error_at(refused, "values_new")


def test_value_sets_are_for_who_customizes(rep):
    assert rep.get("/setup/value-sets").status_code == 403
    assert rep.post("/setup/value-sets/new", {"label.en": "Mine"}).status_code == 403
