"""What workflow hands in: its steps stand where the specification numbers them, and see what they must."""

from __future__ import annotations

import pytest

from fieldstone.errors import NotVisible, Refused
from fieldstone.records.changes import Change
from fieldstone.records.principal import assign
from fieldstone.records.save import StepTable
from tests.records.test_save import DEAL, people
from tests.support.worlds import World


def test_steps_run_in_order_and_only_where_they_have_something_to_do(a_world):
    seen: list[tuple] = []

    def noting(name, *attributes):
        def factory(snapshot, definition, action):
            if definition.name != "deal":
                return None
            return lambda batch: seen.append((name, batch.action, *(getattr(item, each) for item in batch.live for each in attributes)))

        return factory

    names = ("locks", "before_save", "guarded", "waves", "settle", "outbox")
    org: World = a_world("deals", people, steps=StepTable(**{name: noting(name) for name in names}))
    deal = org.create("deal", {"name": "x"}, "Ada")
    assert [name for name, *_ in seen] == ["before_save", "guarded", "waves", "settle", "outbox"]
    seen.clear()
    org.update("deal", deal, {"name": "y"}, "Ada")
    assert [name for name, *_ in seen] == ["locks", "before_save", "guarded", "waves", "settle", "outbox"]
    seen.clear()
    org.update("deal", deal, {"name": "y"}, "Ada")
    assert [name for name, *_ in seen] == ["locks", "before_save"]
    seen.clear()
    org.delete("deal", deal, "Ada")
    assert [name for name, *_ in seen] == ["locks", "waves", "settle", "outbox"]


def test_a_before_save_rule_may_assign_and_refuse(a_world):
    def factory(snapshot, definition, action):
        def assign_stage(batch):
            for item in batch.open:
                if item.image.get("amount") == 7:
                    item.refuse("forbidden", field="amount", right="seven", object="deal")
                item.image["stage"] = "lost"

        return assign_stage if definition.name == "deal" else None

    org: World = a_world("deals", people, steps=StepTable(before_save=factory))
    deal = org.create("deal", {"name": "x", "stage": "won", "amount": 1}, "Ada")
    assert org.get("deal", deal)["stage"] == "lost"
    with pytest.raises(Refused):
        org.update("deal", deal, {"amount": 7}, "Ada")


def test_outbox_sees_roots_and_derived_changes(a_world):
    seen = []

    def factory(snapshot, definition, action):
        def note(batch):
            seen.append(
                (
                    {item.id: sorted(item.changed & set(DEAL["fields"])) for item in batch.live},
                    [(d.object, sorted(d.changed)) for d in batch.derived],
                )
            )

        return note

    org: World = a_world("deals", people, steps=StepTable(outbox=factory))
    account = org.create("account", {"name": "a"}, "Ada")
    seen.clear()
    deal = org.create("deal", {"name": "x", "account": account, "amount": 5}, "Ada")
    ((changed, derived),) = seen
    assert changed[deal] == ["account", "amount", "close_date", "code", "name", "net", "short", "title"]
    assert derived == [("account", ["deals", "double", "total"])]


def test_a_right_that_was_lost_in_between_is_lost_in_the_save(a_world):
    org: World = a_world("deals", people)
    deal = org.create("deal", {"name": "x"}, "Ada")
    before = org.principal("Ada")
    org.update("user", org.people["Ada"], {"profile": "reader"})
    from fieldstone.errors import NotAllowed

    with pytest.raises(NotAllowed):
        org.records.save(before, [Change(object="deal", action="update", id=deal, values={"name": "y"})])
    org.update("user", org.people["Ada"], {"active": False})
    with pytest.raises(NotVisible):
        org.records.save(before, [Change(object="deal", action="update", id=deal, values={"name": "y"})])


def test_assigning_a_permission_set_makes_principals_out_of_date(a_world):
    from fieldstone.db.transaction import write

    org: World = a_world("deals", people)
    before = org.principal("Bob").epoch
    with write(org.engine) as tx:
        assign(tx.connection, org.people["Bob"], ["none"])
    assert org.principal("Bob").epoch == (before or 0) + 1


def test_two_who_save_at_once_both_succeed_or_one_is_told(a_world):
    import threading

    org: World = a_world("deals", people)
    account = org.create("account", {"name": "a"}, "Ada")
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            for n in range(5):
                org.create("deal", {"name": f"{number}-{n}", "account": account, "amount": 1}, "Ada")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    record = org.get("account", account)
    assert (int(record["total"]), int(record["deals"])) == (20, 20)
    with org.reading() as gate:
        from fieldstone.records.query import Query

        codes = [each["code"] for each in gate.read(Query(object="deal", limit=50)).records]
    assert len(set(codes)) == 20


def test_a_unique_value_is_given_once_to_racing_writers(a_world):
    import threading

    org: World = a_world("deals", people)
    outcomes: list[str] = []

    def work() -> None:
        try:
            org.create("deal", {"name": "x", "erp_no": "A-1"}, "Ada")
            outcomes.append("created")
        except Refused as refused:
            outcomes.append(refused.problems[0].code)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["created", *["not_unique"] * 7]


def test_a_member_of_the_owning_queue_may_take_the_record(a_world):
    org: World = a_world("deals", people)
    inbound = org.queue("inbound", ["Bob"])
    deal = org.create("deal", {"name": "x", "owner": inbound}, "Ada")
    org.save("Bob", Change(object="deal", action="transfer", id=deal, values={"owner": org.people["Bob"]}))
    assert org.get("deal", deal, "Bob")["owner"].name == "Bob"
