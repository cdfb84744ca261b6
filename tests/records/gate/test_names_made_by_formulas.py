"""The name of a record that a formula makes is read by those alone who may read what it is made of, wherever records are named."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.query import Group, Query, Sort
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, rights, world

CRATE = obj(
    "crate",
    {
        "code": {"type": "text", "label": "Code"},
        "tag": {"type": "text", "label": "Tag", "searchable": True},
        "name": {"type": "formula", "label": "Name", "returns": "text", "formula": '"Crate " & code'},
    },
)
ITEM = obj("item", {"crate": {"type": "lookup", "label": "Crate", "to": "crate"}})
BLIND = {"crate": rights("read", "view_all", read=["tag"]), "item": rights("create", "edit", "view_all", edit=["crate"])}


def people(engine) -> World:
    made = world(engine, CRATE, ITEM, profile("keeper", {"crate": everything(CRATE), "item": everything(ITEM)}), profile("blind", BLIND))
    made.person("Keeper", profile="keeper")
    made.person("Blind", profile="blind")
    for code in ("Z", "A"):
        crate = made.create("crate", {"code": code, "tag": "wood"}, "Keeper")
        made.create("item", {"name": f"in {code}", "crate": crate}, "Keeper")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("names made by formulas", people)


SURFACES = {
    "a lookup": lambda gate: {each["crate"].name for each in gate.read(Query(object="item")).records},
    "names by id": lambda gate: {
        each.name for each in gate.names("crate", [each["id"] for each in gate.read(Query(object="crate")).records]).values()
    },
    "groups": lambda gate: {each["crate"].name for each in gate.groups(Query(object="item"), [Group(field="crate")], {})},
    "suggestions": lambda gate: {each.name for each in gate.suggest("crate", "")},
    "a picker": lambda gate: {each.name for each in gate.candidates("item", "crate", "wood", {})},
    "a search": lambda gate: {each.name or None for each in gate.search("wood")},
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(("who", "sees"), [("Keeper", {"Crate A", "Crate Z"}), ("Blind", {None})])
def test_a_name_is_shown_to_who_may_read_what_it_is_made_of(org, surface, who, sees):
    with org.reading(who) as gate:
        assert SURFACES[surface](gate) == sees


@pytest.mark.parametrize(("who", "finds"), [("Keeper", 1), ("Blind", 0)])
def test_nobody_finds_a_name_that_they_may_not_read(org, who, finds):
    with org.reading(who) as gate:
        found = [len(gate.suggest("crate", "crate z")), len(gate.search("crate z")), len(gate.candidates("item", "crate", "z", {}))]
    assert found == [finds] * 3


def test_sorting_by_a_lookup_puts_names_in_no_order_that_tells_them(org):
    by_name = Query(object="item", sort=(Sort(field="crate"),))
    with org.reading("Keeper") as gate:
        assert [each["crate"].name for each in gate.read(by_name).records] == ["Crate A", "Crate Z"]
    with org.reading("Blind") as gate:
        told = [each["name"] for each in gate.read(by_name).records]
        backwards = [each["name"] for each in gate.read(Query(object="item", sort=(Sort(field="crate", descending=True),))).records]
        assert told == backwards[::-1] == ["in Z", "in A"]  # as they were made


def test_a_form_knows_no_name_that_its_reader_may_not_read(org):
    with org.reading("Blind") as gate:
        item = gate.read(Query(object="item", select=("id",), limit=1)).records[0]["id"]
    named = {who: org.records.draft(org.principal(who), "item", item, {}).values["crate"].name for who in ("Keeper", "Blind")}
    assert named == {"Keeper": "Crate Z", "Blind": None}


def test_such_a_name_cannot_be_asked_for_either(org):
    with org.reading("Blind") as gate, pytest.raises(Refused) as refused:
        gate.read(Query(object="item", filter='crate.name = "Crate Z"'))
    (problem,) = refused.value.problems
    assert (problem.code, problem.params) == ("expression_unknown_name", {"name": "name", "object": "Crate"})
