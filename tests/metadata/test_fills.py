"""Plans that work on records: what people write meanwhile, what a dead process leaves, roll-ups, cancelling; on both databases."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from fieldstone import rules
from fieldstone.db import locks
from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read, retrying, write
from fieldstone.errors import Refused
from fieldstone.metadata import publish, store
from fieldstone.metadata.ddl import column_values
from tests.support import children
from tests.support.orgs import Answer, Org, found, obj, picklist, row_of

NUMBER = {"type": "number", "label": "N", "scale": 2}
TEXT = {"type": "text", "label": "T"}
NET = {"type": "formula", "label": "Net", "returns": "number", "scale": 2, "formula": "amount * 2"}
OPEN = {"declassified": {"reason": "test"}}
AUTHOR = publish.Author(id=None, reason="test")
CONTEXT = rules.Context(now=datetime(2026, 11, 21, tzinfo=UTC), today=datetime(2026, 11, 21, tzinfo=UTC).date(), zone=ZoneInfo("UTC"))


@pytest.fixture
def deals(prepared) -> Org:
    def prepare(engine):
        found(engine)
        org = Org(engine)
        org.publish(obj("account", {"again": TEXT}))
        org.publish(
            obj("deal", {"amount": NUMBER, "stage": picklist("open", "won"), "account": {"type": "lookup", "label": "A", "to": "account"}})
        )
        accounts = org.insert("account", ({"name": f"Account {i}"} for i in range(1200)))
        org.insert("deal", ({"name": f"Deal {i}", "amount": D(i), "stage": "open", "account": accounts[i % 600]} for i in range(2500)))

    return Org(prepared("fills", prepare))


def save(org: Org, object_name: str, **values) -> str:
    """Write one record as the save pipeline does: version lock, newest snapshot, hidden columns."""

    def work(tx):
        publish.shared_version_lock(tx)
        snapshot = org.holder.current(tx.connection)
        definition = snapshot.object(object_name)
        image = {"stage": "open"} | values
        for made in snapshot.stored_formulas(object_name):
            image[made.name] = snapshot.expression(made.formula, object_name, "formula", made.blanks).python(image, CONTEXT)
        row = row_of(definition, {name: value for name, value in image.items() if name in definition.fields})
        row |= snapshot.pending_values(object_name, image, CONTEXT, tx.connection)
        tx.connection.execute(insert(snapshot.table(object_name)), [row])
        snapshot.settle_pending(object_name, [image], tx)
        return row["id"]

    return retrying(org.engine, work)


def start(org: Org, *put, **more) -> str:
    """Publish up to and including *open*; return the id of the plan."""
    planned = org.plan(*put, **more)
    publish.publish(org.engine, planned, author=AUTHOR, snapshots=org.holder, wait=False)
    with read(org.engine) as tx:
        (row,) = store.plans_at_work(tx.connection)
    return row.id


def test_a_save_between_open_and_switch_fills_the_hidden_column(deals):
    plan_id = start(deals, deals.with_fields("deal", net=NET))
    assert "net" not in deals.snapshot.object("deal").fields
    save(deals, "deal", name="meanwhile", amount=D(7))
    publish.resume(deals.engine, plan_id, snapshots=deals.holder)
    assert dict(deals.values("deal", "name", "net"))["meanwhile"] == D(14)
    assert all(net == amount * 2 for amount, net in deals.values("deal", "amount", "net"))
    assert deals.differences() == ()


def test_a_conversion_holds_for_what_is_saved_meanwhile_and_stops_at_what_does_not_fit(deals):
    text = start(deals, deals.with_fields("deal", amount=TEXT))
    save(deals, "deal", name="meanwhile", amount=D("1.50"))
    publish.resume(deals.engine, text, snapshots=deals.holder)
    assert dict(deals.values("deal", "name", "amount"))["meanwhile"] == "1.50"
    back = start(deals, deals.with_fields("deal", amount=NUMBER))
    record = save(deals, "deal", name="unfit", amount="many")
    with pytest.raises(Refused) as refused:
        publish.resume(deals.engine, back, snapshots=deals.holder)
    assert [(p.code, p.params["rows"], p.params["examples"]) for p in refused.value.problems] == [("rows_do_not_fit", 1, [record])]
    assert deals.snapshot.object("deal").fields["amount"].type == "text"
    with write(deals.engine) as tx:  # somebody corrects it; the save fills the hidden column
        snapshot = deals.holder.current(tx.connection)
        table = snapshot.table("deal")
        image = {"name": "unfit", "amount": "3"}
        row = column_values(snapshot.object("deal").fields["amount"], "3") | snapshot.pending_values("deal", image, CONTEXT, tx.connection)
        tx.connection.execute(update(table).where(table.c.id == record).values(row))
    publish.resume(deals.engine, back, snapshots=deals.holder)
    assert dict(deals.values("deal", "name", "amount"))["unfit"] == D(3)
    assert deals.differences() == ()


def test_a_cancelled_plan_leaves_no_trace(deals):
    before = deals.snapshot
    link = {"type": "lookup", "label": "Link", "to": "account"}
    plan_id = start(deals, deals.with_fields("deal", net=NET, extra=TEXT, link=link), obj("contact", {"deal": link | {"to": "deal"}}))
    publish.cancel(deals.engine, plan_id, author=AUTHOR, snapshots=deals.holder)
    assert dict(deals.snapshot.documents) == dict(before.documents)
    assert deals.snapshot.stored.plans == ()
    assert deals.differences() == ()
    save(deals, "deal", name="after", amount=D(1))


def test_nobody_else_changes_a_document_of_a_plan_at_work_but_other_objects_go_on(deals):
    plan_id = start(deals, deals.with_fields("deal", net=NET))
    with pytest.raises(Refused) as refused:
        deals.publish(deals.with_fields("deal", extra=TEXT))
    assert refused.value.code == "busy_publishing"
    deals.publish(obj("contact"))
    publish.resume(deals.engine, plan_id, snapshots=deals.holder)
    assert {"deal", "contact"} <= set(deals.snapshot.objects)
    assert deals.values("deal", "net")[2] == D(4)


def test_a_fill_leaves_versions_and_stamps_as_they_were(deals):
    before = deals.values("deal", "row_version", "updated_at")
    deals.publish(deals.with_fields("deal", net=NET))
    assert deals.values("deal", "row_version", "updated_at") == before


def test_a_roll_up_is_filled_and_kept_right_by_saves_of_children(deals):
    total = {
        "type": "roll_up",
        "label": "Total",
        "relation": "deal.account",
        "function": "sum",
        "field": "amount",
        "filter": 'stage = "open"',
        **OPEN,
    }
    count = {"type": "roll_up", "label": "Count", "relation": "deal.account", "function": "count"} | OPEN
    plan_id = start(deals, deals.with_fields("account", total=total, deals=count))
    first = deals.values("account", "id")[0]
    save(deals, "deal", name="meanwhile", amount=D("0.5"), account=first)
    save(deals, "deal", name="lost", amount=D("9"), account=first, stage="won")
    publish.resume(deals.engine, plan_id, snapshots=deals.holder)
    values = deals.values("account", "total", "deals")
    amounts = [D(i) for i in range(2500) if i % 600 == 0]
    assert values[0] == (sum(amounts) + D("0.5"), len(amounts) + 2)
    assert values[-1] == (D(0), 0)
    assert deals.differences() == ()


def test_writers_never_fail_while_a_field_is_filled(deals):
    failures, done, stop = [], [], threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            try:
                save(deals, "deal", name="busy", amount=D(len(done)))
                done.append(1)
            except Exception as failure:
                failures.append(failure)

    writers = [threading.Thread(target=write_on) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        deals.publish(deals.with_fields("deal", net=NET))
        deals.publish(deals.with_fields("deal", extra=TEXT))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failures == []
    assert done
    assert all(net == amount * 2 for amount, net in deals.values("deal", "amount", "net"))


def test_a_publish_waits_for_saves_that_hold_the_version_lock(deals):
    if deals.engine.dialect.name == "sqlite":
        return  # a write transaction is alone there
    held, saved = threading.Event(), threading.Event()

    def hold() -> None:
        with write(deals.engine) as tx:
            locks.take(tx, publish.VERSION_LOCK, shared=True)
            held.set()
            time.sleep(0.5)
            saved.set()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    deals.publish(deals.with_fields("deal", extra=TEXT))
    assert saved.is_set()  # the publish became visible only after the save had let go
    holder.join()


CHANGES = {
    "at_once": ("contact", None),
    "fill": ("deal", {"net": NET}),
}
POINTS = [
    ("at_once", "publish.after_ddl", False),
    ("at_once", "publish.before_commit", False),
    ("at_once", "publish.after_commit", True),
    ("fill", "publish.after_open_ddl", False),
    ("fill", "publish.after_open", True),
    ("fill", "publish.in_fill_chunk", True),
    ("fill", "publish.after_fill_chunk", True),
    ("fill", "publish.in_fill_chunk:3", True),
    ("fill", "publish.after_switch_ddl", True),
    ("fill", "publish.after_switch", True),
]


def publish_one(database: str, change: str) -> None:
    org = Org(create_engine(database, on_connect=(rules.register_functions,)))
    org.publish(obj("contact") if change == "at_once" else org.with_fields("deal", net=NET))


@pytest.mark.faults
@pytest.mark.parametrize(("change", "point", "goes_on"), POINTS)
def test_a_process_killed_anywhere_leaves_all_or_nothing_and_another_goes_on(deals, change, point, goes_on):
    url = deals.engine.url.render_as_string(hide_password=False)
    before = dict(deals.snapshot.documents)
    assert children.run(publish_one, url, change, fault=point) == (-signal.SIGKILL, None)
    publish.resume_all(deals.engine, snapshots=deals.holder)
    assert deals.differences() == ()
    if not goes_on:
        assert dict(deals.snapshot.documents) == before
        deals.publish(obj("contact")) if change == "at_once" else deals.publish(deals.with_fields("deal", net=NET))
    if change == "fill":
        assert all(net == amount * 2 for amount, net in deals.values("deal", "amount", "net"))
    else:
        assert "contact" in deals.snapshot.objects
    with read(deals.engine) as tx:
        assert tx.connection.execute(select(store.PLAN.c.state).where(store.PLAN.c.state.in_(store.AT_WORK))).all() == []


def test_a_total_is_computed_after_what_it_sums_also_where_both_have_one_name(prepared):
    def prepare(engine):
        found(engine)
        org = Org(engine)
        total = {"type": "roll_up", "label": "Net", "relation": "line.bid", "function": "sum", "field": "net"}
        twice = {"type": "formula", "label": "Twice", "returns": "number", "scale": 2, "formula": "net * 2"}
        bid = {"type": "master_detail", "label": "Bid", "to": "bid", "children": "lines"}
        org.publish(
            obj("bid", {"net": total, "amount": twice}),
            obj("line", {"bid": bid, "amount": NUMBER, "net": NET}, default_access="by_parent", owned_by="none"),
        )
        bids = org.insert("bid", ({"name": f"Bid {i}", "net": D(0), "amount": D(0)} for i in range(3)))
        org.insert("line", ({"name": f"L{i}", "bid": bids[i % 3], "amount": D(i), "net": D(i * 2)} for i in range(6)))

    org = Org(prepared("figures_of_one_name", prepare))
    org.publish(org.with_fields("line", net=NET | {"formula": "amount * 3"}))
    assert sorted(org.values("line", "net")) == [D(i * 3) for i in range(6)]
    assert sorted(org.values("bid", "net")) == [D(9), D(15), D(21)]
    assert sorted(org.values("bid", "amount")) == [D(18), D(30), D(42)]


def test_what_reads_a_rewritten_value_is_computed_anew(deals):
    deals.publish(
        deals.with_fields("deal", stage_name={"type": "formula", "label": "S", "returns": "text", "formula": 'TEXT(stage) & "!"'})
    )
    deals.publish(
        deals.with_fields("deal", stage=picklist("won")),
        answers={"objects/deal.json#/fields/stage": Answer(replace={"open": "won"})},
    )
    assert set(deals.values("deal", "stage", "stage_name")) == {("won", "won!")}


def test_a_formula_with_more_room_is_computed_anew(deals):
    short = {"type": "formula", "label": "S", "returns": "text", "formula": 'TEXT(stage) & "!"', "length": 4}
    few = {"type": "formula", "label": "F", "returns": "number", "formula": "10000 + amount * 0", "precision": 4}
    deals.publish(deals.with_fields("deal", short=short, few=few))
    assert set(deals.values("deal", "short", "few")) == {(None, None)}
    deals.publish(deals.with_fields("deal", short=short | {"length": 5}, few=few | {"precision": 5}))
    assert set(deals.values("deal", "short", "few")) == {("open!", D(10000))}
