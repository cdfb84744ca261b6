"""Snapshots: what they find, what they remember, and what one takes over from the last."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime

import pytest

from fieldstone.errors import NotVisible
from fieldstone.metadata.holder import Holder
from fieldstone.rules import Context
from tests.support.orgs import Org, found, obj

TEXT = {"type": "text", "label": "T"}
NUMBER = {"type": "number", "label": "N", "scale": 2}


@pytest.fixture
def org(prepared) -> Org:
    def prepare(engine):
        found(engine)
        Org(engine).publish(
            obj("account", {"rating": NUMBER}),
            obj(
                "deal",
                {
                    "account": {"type": "lookup", "label": "A", "to": "account", "children": "deals"},
                    "amount": NUMBER,
                    "net": {"type": "formula", "label": "N", "returns": "number", "scale": 2, "formula": "double / 2"},
                    "double": {"type": "formula", "label": "N", "returns": "number", "scale": 2, "formula": "amount * 2"},
                },
            ),
        )

    return Org(prepared("snapshot", prepare))


def test_objects_and_relations_are_found_in_any_letter_case(org):
    snapshot = org.snapshot
    assert snapshot.object("Deal") is snapshot.objects["deal"] is snapshot.find("object", "DEAL")
    assert [(r.name, r.child.name, r.field.name) for r in snapshot.children("Account")] == [("deals", "deal", "account")]
    assert snapshot.relation("account", "deal.Account") is snapshot.relation("account", "DEALS")
    with pytest.raises(NotVisible):
        snapshot.object("nothing")


def test_formulas_come_after_those_they_read(org):
    assert [made.name for made in org.snapshot.stored_formulas("deal")] == ["double", "net"]


def built(snapshot):
    CALLS.append(snapshot.version)
    return object()


CALLS: list[int] = []


def test_once_builds_once_whoever_asks_at_the_same_time(org):
    CALLS.clear()
    snapshot = org.snapshot
    together = [threading.Thread(target=snapshot.once, args=(built,)) for _ in range(8)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert len(CALLS) == 1
    assert snapshot.once(built) is snapshot.once(built)


def part(definition):
    return object()


def test_what_did_not_change_is_taken_over(org):
    before = org.snapshot
    kept = {name: before.part(part, name) for name in ("account", "deal")}
    net = before.expression("double / 2", "deal", "formula", "zero")
    own = before.expression("LEN(name) > 3", "deal", "validation_rule")
    org.publish(org.with_fields("deal", extra=TEXT))
    after = org.snapshot
    assert after.object("account") is before.object("account")
    assert after.object("deal").fields["amount"] is before.object("deal").fields["amount"]
    assert after.part(part, "account") is kept["account"]
    assert after.part(part, "deal") is not kept["deal"]
    assert after.expression("double / 2", "deal", "formula", "zero") is net
    assert after.expression("LEN(name) > 3", "deal", "validation_rule") is own


def test_an_expression_whose_inputs_mean_something_else_is_compiled_anew(org):
    before = org.snapshot
    net = before.expression("double / 2", "deal", "formula", "zero")
    through = before.expression("account.rating > 1", "deal", "validation_rule")
    org.publish(org.with_fields("deal", amount=NUMBER | {"scale": 3}), org.with_fields("account", rating=NUMBER | {"precision": 5}))
    after = org.snapshot
    assert after.expression("double / 2", "deal", "formula", "zero") is not net
    assert after.expression("account.rating > 1", "deal", "validation_rule") is not through


def test_a_queue_that_is_called_otherwise_is_so_in_expressions(org):
    tier2 = {"kind": "queue", "api_name": "tier2", "label": "Tier 2", "objects": ["deal"]}
    org.publish(tier2)
    before = org.snapshot
    kept = before.expression("LEN(name) > 3", "deal", "validation_rule")
    org.publish({**tier2, "label": "Second line"})
    after = org.snapshot
    row, context = (
        {"owner": after.find("queue", "tier2").id},
        Context(now=datetime(2026, 1, 1, tzinfo=UTC), today=date(2026, 1, 1), zone=UTC),
    )
    names = [each.expression("Owner:Queue.Name", "deal", "formula").python(row, context) for each in (before, after)]
    assert names == ["Tier 2", "Second line"]
    assert after.expression("LEN(name) > 3", "deal", "validation_rule") is kept


def test_requests_that_began_before_a_publish_keep_their_snapshot(org):
    before = org.snapshot
    org.publish(org.with_fields("deal", extra=TEXT))
    assert org.snapshot.version == before.version + 1
    assert org.holder.at(before.version) is before
    assert Holder(org.engine).newest().version == before.version + 1
