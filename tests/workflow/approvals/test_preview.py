"""The way of a record through a process, without submitting it: the same nodes and people that submitting meets."""

from __future__ import annotations

import pytest

from fieldstone.errors import NotVisible
from fieldstone.workflow.approvals.preview import preview
from fieldstone.workflow.approvals.run import engine_gate
from tests.support.company import node, process


def way(company, quote, who="sue"):
    """The way of a quote of somebody, with names instead of ids."""
    world = company.world
    names = {user: name for name, user in world.people.items()}
    with world.records.reading(world.principal(who)) as own:
        engine = engine_gate(own.tx, own.snapshot, world.records.cursors)
        (definition,) = own.snapshot.all("approval_process", "quote")
        found = preview(own, engine, definition, quote, world.people["sue"])
    met = []
    for each in found.met:
        seats = [names.get(seat.user, "") if seat.user else (seat.group or "").partition(":")[0] for seat in each.seats]
        met.append((each.node, "skipped" if each.skipped else each.empty or seats))
    return found.fits, met, found.end


@pytest.mark.parametrize(
    ("discount", "expected"),
    [
        ("5", (False, [], "")),
        ("15", (True, [("manager", ["bob"]), ("size", [])], "approved")),
        ("25", (True, [("manager", ["bob"]), ("size", []), ("both", ["dan", "queue"])], "approved")),
    ],
)
def test_the_way_is_the_one_that_submitting_would_take(company, discount, expected):
    made = company()
    assert way(made, made.quote(discount)) == expected


def test_nothing_is_submitted(company):
    made = company()
    quote = made.quote("25")
    way(made, quote)
    assert made.state(quote) == (None, "draft")
    assert made.tasks("bob") == []


def test_the_last_approver_is_followed_and_a_condition_passes_a_node_over(company):
    nodes = [
        node("first", {"manager_of": "submitter"}),
        node("never", {"role": "director"}, when="amount > 1000000"),
        node("above", {"manager_of": "approver"}),
    ]
    made = company(process(nodes=nodes))
    assert way(made, made.quote()) == (True, [("first", ["bob"]), ("never", "skipped"), ("above", ["cid"])], "approved")


def test_nobody_found_ends_the_way_as_the_node_says(company):
    nodes = [node("gone", {"user": "nobody"}, on_empty="reject"), node("later", {"role": "director"})]
    made = company(process(nodes=nodes))
    assert way(made, made.quote()) == (True, [("gone", "reject")], "rejected")


def test_a_record_one_may_not_see_is_not_there(company):
    made = company()
    quote = made.quote("25")
    with pytest.raises(NotVisible):
        way(made, quote, who="gil")
