"""A save and the metadata it works on: never an outdated one."""

from __future__ import annotations

import threading

import pytest

from fieldstone.db.transaction import write
from fieldstone.metadata.publish import VERSION_LOCK
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from tests.support.orgs import Org, found, obj
from tests.support.worlds import core_document

BUILDER = Principal.internal("builder")


@pytest.fixture
def org(prepared) -> Org:
    def prepare(engine) -> None:
        found(engine)
        Org(engine).publish(core_document("objects/user.json"), obj("deal"))

    return Org(prepared("opening", prepare))


def test_the_next_save_and_read_know_what_was_published(org):
    records = Records(org.engine, org.holder, secret="s")
    create = Change(object="deal", action="create", values={"name": "x"})
    (first,) = records.save(BUILDER, [create])
    org.publish(org.with_fields("deal", stage={"type": "text", "label": "Stage"}))
    (second,) = records.save(BUILDER, [Change(object="deal", action="create", values={"name": "y", "stage": "won"})])
    with records.reading(BUILDER) as gate:
        assert gate.get("deal", second.id)["stage"] == "won"
        assert gate.get("deal", first.id)["stage"] is None


def test_a_reader_from_before_many_publishes_reads_with_the_metadata_of_now(org):
    records = Records(org.engine, org.holder, secret="s")
    (user,) = records.save(BUILDER, [Change(object="user", action="create", values={"name": "Ada", "active": True})])
    early = records.principal(user.id or "")
    for number in range(5):
        org.publish(org.with_fields("deal", **{f"f{number}": {"type": "text", "label": "F"}}))
    with Records(org.engine, Org(org.engine).holder, secret="s").reading(early) as gate:
        assert gate.snapshot.version > (early.version or 0)


def test_no_save_passes_a_switch(org):
    """A save that comes while the switch holds the version lock waits for it and works on what it brought."""
    if org.engine.dialect.name == "sqlite":
        return  # it has one writer at a time anyway
    from fieldstone.db import locks

    records = Records(org.engine, org.holder, secret="s")
    done = threading.Event()

    def save() -> None:
        records.save(BUILDER, [Change(object="deal", action="create", values={"name": "x"})])
        done.set()

    with write(org.engine) as tx:
        locks.take(tx, VERSION_LOCK)
        thread = threading.Thread(target=save)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()
