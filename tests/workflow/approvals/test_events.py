"""The history of an approval cannot be changed without being found out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, update
from sqlalchemy.exc import DBAPIError

from fieldstone.db.ids import new_id
from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import read, write
from fieldstone.workflow.approvals.events import COMMENT, EVENT, FIRST, Event, append, chain, comments, sealed, verify, verify_all

AT = datetime(2026, 5, 4, 9, 30, 0, 123456, tzinfo=UTC)


def happened(kind: str = "approved", **values: object) -> Event:
    return Event(
        **{"instance_id": "i", "seq": 0, "kind": kind, "at": AT, "actor": "u", "channel": "web", "round": 1, "version": "v", "data": {}}
        | values
    )


def linked(count: int) -> list[Event]:
    events: list[Event] = []
    for number in range(count):
        event = happened(seq=number + 1, at=AT + timedelta(seconds=number), data={"n": str(number)})
        events.append(sealed(event, events[-1].hash if events else FIRST))
    return events


def test_a_whole_chain_verifies():
    assert verify(linked(5)) is None
    assert verify([]) is None


@given(st.data())
def test_removing_changing_or_reordering_any_event_is_found(data):
    events = linked(data.draw(st.integers(2, 6)))
    place = data.draw(st.integers(0, len(events) - 1))
    match data.draw(st.sampled_from(["remove", "change", "swap"])):
        case "remove":
            if place == len(events) - 1:
                return  # a cut tail is found by the count in the instance, not by the chain
            del events[place]
        case "change":
            field, value = data.draw(
                st.sampled_from(
                    [("actor", "other"), ("at", AT - timedelta(days=1)), ("kind", "rejected"), ("data", {"n": "x"}), ("evidence_hash", "z")]
                )
            )
            events[place] = replace(events[place], **{field: value})
        case "swap":
            other = (place + 1) % len(events)
            events[place], events[other] = events[other], events[place]
    assert verify(events) is not None


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[EVENT, COMMENT])
    return database


def test_events_are_numbered_and_chained_as_they_come(engine):
    instance = new_id()
    for kind in ("submitted", "approved"):
        with write(engine) as tx:
            append(
                tx, [happened(kind, instance_id=instance, actor=None), happened("entered", instance_id=instance, actor=None)], comment=kind
            )
    with read(engine) as tx:
        events = chain(tx, instance)
        assert [(each.seq, each.kind) for each in events] == [(1, "submitted"), (2, "entered"), (3, "approved"), (4, "entered")]
        assert verify(events) is None
        assert comments(tx, instance) == {1: "submitted", 3: "approved"}
        assert verify_all(tx) == {}


@pytest.mark.parametrize("statement", [update(EVENT).values(kind="rejected"), delete(EVENT)], ids=["update", "delete"])
def test_the_database_itself_refuses_to_change_the_past(engine, statement):
    with write(engine) as tx:
        append(tx, [happened(instance_id=new_id(), actor=None)])
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(statement)


def test_a_comment_can_be_erased_but_not_replaced(engine):
    instance = new_id()
    with write(engine) as tx:
        append(tx, [happened(instance_id=instance, actor=None)], comment="call Ms Li")
    with write(engine) as tx:
        tx.connection.execute(update(COMMENT).values(text="never said"))
    with read(engine) as tx:
        assert verify_all(tx) == {instance: "the comment of event 1 was changed"}
    with write(engine) as tx:
        tx.connection.execute(delete(COMMENT))
    with read(engine) as tx:
        assert verify_all(tx) == {}
