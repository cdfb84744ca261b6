"""Filters as they come in: what is part of a tree stays where it stands, and a tree has a size."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.query import Query
from tests.records.gate.test_read import people
from tests.support.worlds import World


@pytest.fixture
def org(a_world) -> World:
    return a_world("reading", people)


@pytest.mark.parametrize("text", ["TRUE)) || ((TRUE", "TRUE), OR(TRUE", "(amount > 1", "TRUE /* and more"])
def test_an_expression_cannot_leave_its_place_in_a_tree(org, text):
    here, there = (org.create("account", {"name": name}, "Rep") for name in ("Here", "There"))
    org.create("deal", {"name": "Elsewhere", "account": there}, "Rep")
    with org.reading("Rep") as gate:
        for asked in (text, {"expression": text}, {"and": [{"expression": text}]}):
            with pytest.raises(Refused) as refused:
                gate.related("account", here, "deals", Query(object="deal", filter=asked))
            assert refused.value.code == "invalid_filter"
        with pytest.raises(Refused) as refused:
            gate.count(Query(object="deal", filter={"field": "amount", "op": "gt", "value": {"expression": text}}))
        assert refused.value.code == "invalid_filter"


@pytest.mark.parametrize(
    "leaf", [{"field": "name", "op": "eq", "value": "x"}, {"related": "deals"}, {"related": "deals", "where": {"related": "lines"}}]
)
def test_a_tree_has_at_most_100_nodes_whatever_they_are(org, leaf):
    with org.reading("Rep") as gate, pytest.raises(Refused) as refused:
        gate.count(Query(object="account", filter={"or": [leaf] * 101}))
    assert [each.code for each in refused.value.problems] == ["limit_exceeded"]


def test_a_query_joins_at_most_as_many_parents_as_a_database_takes(org):
    people = ("manager", "created_by", "updated_by")
    ways = [f"{one}.{two}.{three}.{four}.name" for one in people[1:] for two in people for three in people for four in people]
    with org.reading("builder") as gate:
        with pytest.raises(Refused) as refused:
            gate.read(Query(object="deal", select=tuple(ways)))
        assert (refused.value.code, [each.code for each in refused.value.problems]) == ("too_expensive", ["too_many_joins"])
        with pytest.raises(Refused, match="too_many_joins"):
            gate.count(Query(object="deal", filter=" || ".join(f'{way} = "x"' for way in ways)))
        gate.read(Query(object="deal", select=tuple(ways[:20])))
