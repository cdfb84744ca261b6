"""The recycle bin: what comes back with what, and what is gone for good."""

from __future__ import annotations

import pytest

from fieldstone.db.transaction import read
from fieldstone.errors import NotVisible, Refused
from fieldstone.records import recycle_bin
from fieldstone.records.history import HISTORY
from fieldstone.records.query import Query
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, rights, world

ACCOUNT = obj("account", {"parent": {"type": "lookup", "label": "Parent", "to": "account"}})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account", "on_delete": "cascade"},
        "stage": {"type": "text", "label": "Stage", "history": True},
        "lines": {"type": "roll_up", "label": "Lines", "relation": "line.deal", "function": "count"},
    },
)
SENT = {
    "kind": "validation_rule",
    "object": "deal",
    "api_name": "sent",
    "label": "Sent",
    "error_when": 'AND(stage = "sent", ISCHANGED(lines))',
    "message": "What was sent keeps its lines.",
}
NOTE = obj("note", {"deal": {"type": "lookup", "label": "Deal", "to": "deal"}}, default_access="read_write")
LINE = obj(
    "line",
    {"deal": {"type": "master_detail", "label": "Deal", "to": "deal", "on_delete": "cascade"}},
    default_access="by_parent",
    owned_by="none",
)
DOCUMENTS = [
    *(ACCOUNT, DEAL, NOTE, LINE, SENT),
    profile(
        "seller", {each["api_name"]: everything(each) for each in (ACCOUNT, DEAL, NOTE, LINE)} | {"user": rights("read", read=["name"])}
    ),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("bin", people)


def test_one_command_deletes_and_restores_together(org):
    account = org.create("account", {"name": "a"}, "Rep")
    deal = org.create("deal", {"name": "d", "account": account}, "Rep")
    line = org.create("line", {"name": "l", "deal": deal}, "Rep")
    note = org.create("note", {"name": "n", "deal": deal}, "Rep")
    org.delete("account", account, "Rep")
    assert [org.names(name, "Rep") for name in ("account", "deal", "line", "note")] == [[], [], [], ["n"]]
    assert org.get("note", note)["deal"] is None
    with org.reading("Rep") as gate:
        assert [each["name"] for each in gate.read(Query(object="deal", deleted="only")).records] == ["d"]
        assert gate.get("deal", deal, deleted=True)["deleted_by"].name == "Rep"
    with pytest.raises(Refused) as refused:
        org.restore("line", line, "Rep")
    assert [problem.code for problem in refused.value.problems] == ["parent_deleted"]
    org.restore("account", account, "Rep")
    assert [org.names(name, "Rep") for name in ("account", "deal", "line")] == [["a"], ["d"], ["l"]]
    assert org.get("note", note)["deal"].id == deal


def test_a_record_that_goes_is_not_asked_whether_it_may_lose_what_goes_along(org):
    deal = org.create("deal", {"name": "d"}, "Rep")
    line = org.create("line", {"name": "l", "deal": deal}, "Rep")
    org.update("deal", deal, {"stage": "sent"}, "Rep")
    with pytest.raises(Refused):
        org.delete("line", line, "Rep")
    org.delete("deal", deal, "Rep")
    assert (org.names("deal", "Rep"), org.names("line", "Rep")) == ([], [])
    org.restore("deal", deal, "Rep")
    assert org.get("deal", deal)["lines"] == 1
    assert org.names("line", "Rep") == ["l"]


def test_what_was_deleted_before_stays_in_the_bin(org):
    account = org.create("account", {"name": "a"}, "Rep")
    first, second = (org.create("deal", {"name": name, "account": account}, "Rep") for name in ("one", "two"))
    org.delete("deal", first, "Rep")
    org.delete("account", account, "Rep")
    org.restore("account", account, "Rep")
    assert org.names("deal", "Rep") == ["two"]
    assert org.restore("deal", first, "Rep").status == "restored"
    assert org.get("deal", second)["account"].name == "a"


def test_records_may_be_deleted_with_what_points_at_them(org):
    from fieldstone.records.changes import Change

    above = org.create("account", {"name": "a"}, "Rep")
    below = org.create("account", {"name": "b", "parent": above}, "Rep")
    outcomes = org.save("Rep", *(Change(object="account", action="delete", id=id) for id in (above, below)))
    assert [each.status for each in outcomes] == ["deleted", "deleted"]


def test_what_is_due_is_purged_with_its_history(org):
    deal = org.create("deal", {"name": "d", "stage": "x"}, "Rep")
    org.update("deal", deal, {"stage": "y"}, "Rep")
    note = org.create("note", {"name": "n", "deal": deal}, "Rep")
    org.delete("note", note, "Rep")
    org.delete("deal", deal, "Rep")

    class Snapshots:
        def current(self, connection):
            return org.snapshot

    assert recycle_bin.purge_due(org.engine, Snapshots()) == 0
    assert recycle_bin.purge_due(org.engine, Snapshots(), days=-1) == 2
    assert recycle_bin.purge_due(org.engine, Snapshots(), days=-1) == 0
    with org.reading() as gate, pytest.raises(NotVisible):
        gate.get("deal", deal, deleted=True)
    with read(org.engine) as tx:
        assert tx.connection.execute(HISTORY.select()).all() == []
