"""What a write may do beyond a plain edit: handing over changes the owner alone, a child is held under the ceiling of its parent."""

from __future__ import annotations

import pytest

from fieldstone.errors import NotAllowed, Refused
from fieldstone.records.changes import Change
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, rights, rule, world

DEAL = obj(
    "deal", {"amount": {"type": "number", "label": "Amount"}, "secret": {"type": "text", "label": "Secret"}}, default_access="read_write"
)
LINE = obj(
    "line",
    {"deal": {"type": "master_detail", "label": "Deal", "to": "deal", "children": "lines"}, "price": {"type": "number", "label": "Price"}},
    default_access="by_parent",
    owned_by="none",
)
BID = obj("bid", {"secret": {"type": "text", "label": "Secret", "required": True}})
SELLER = everything(DEAL)
del SELLER["fields"]["secret"]
READER = rights("read", read=["amount"])
DOCUMENTS = [
    *(DEAL, LINE, BID, rule("deal", "small", "amount > 100")),
    profile("seller", {"deal": SELLER, "line": everything(LINE), "bid": rights("read", "create", "edit")}),
    profile("clerk", {"deal": READER, "line": everything(LINE)}),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    for name, kind in (("Rep", "seller"), ("Peer", "seller"), ("Clerk", "clerk")):
        made.person(name, profile=kind)
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("rights of writes", people)


@pytest.mark.parametrize(
    ("also", "code"), [({"amount": 500}, "field_forbidden"), ({"secret": "x"}, "unknown_field"), ({"nothing": 1}, "unknown_field")]
)
def test_handing_over_changes_the_owner_and_nothing_else(org, also, code):
    deal = org.create("deal", {"name": "Pilot", "amount": 5}, "Rep")
    with pytest.raises(Refused) as refused:
        org.save("Rep", Change(object="deal", action="transfer", id=deal, values={"owner": org.people["Peer"], **also}))
    assert [each.code for each in refused.value.problems] == [code]
    assert org.get("deal", deal)["amount"] == 5
    org.save("Rep", Change(object="deal", action="transfer", id=deal, values={"owner": org.people["Peer"]}))
    assert org.get("deal", deal)["owner"].name == "Peer"


def test_who_may_not_edit_the_parents_object_neither_edits_nor_deletes_nor_adds_children(org):
    deal = org.create("deal", {"name": "Pilot"}, "Rep")
    line = org.create("line", {"name": "One", "deal": deal, "price": 1}, "Rep")
    assert org.get("line", line, "Clerk")["price"] == 1
    with pytest.raises(NotAllowed):
        org.update("line", line, {"price": 2}, "Clerk")
    with pytest.raises(NotAllowed):
        org.delete("line", line, "Clerk")
    with pytest.raises(Refused, match="parent_not_editable"):
        org.create("line", {"name": "Two", "deal": deal}, "Clerk")
    org.update("line", line, {"price": 2}, "Rep")


CODED = obj(
    "coded", {"code": {"type": "text", "label": "Code", "unique": True, "default": "H1"}, "note": {"type": "text", "label": "Note"}}
)
USERS = rights("read", "edit", "modify_all", edit=["profile", "role", "active", "title"])


def clerks(engine) -> World:
    made = world(engine, CODED, profile("clerk", {"coded": rights("create", "read", edit=["note"]), "user": USERS}), profile("chief"))
    made.person("Clerk", profile="clerk")
    return made


def test_a_taken_value_of_a_field_that_the_saver_may_not_read_is_not_told(a_world):
    org = a_world("clerks", clerks)
    org.create("coded", {"name": "One"}, "Clerk")
    with pytest.raises(Refused) as refused:
        org.create("coded", {"name": "Two"}, "Clerk")
    (problem,) = refused.value.problems
    assert (problem.code, problem.field, dict(problem.params)) == ("not_unique_unseen", None, {})


@pytest.mark.parametrize("values", [{"profile": "chief"}, {"role": None}, {"active": True}])
def test_what_gives_rights_to_users_is_no_plain_field(a_world, values):
    org = a_world("clerks", clerks)
    with pytest.raises(Refused, match="field_forbidden"):
        org.update("user", org.people["Clerk"], values, "Clerk")
    org.update("user", org.people["Clerk"], {"title": "Head clerk"}, "Clerk")
    org.update("user", org.people["Clerk"], values)


def test_a_required_field_that_somebody_cannot_see_is_not_named(org):
    with pytest.raises(Refused) as refused:
        org.create("bid", {"name": "Pilot"}, "Rep")
    assert [each.code for each in refused.value.problems] == ["required_unseen"]
    assert "secret" not in str(refused.value.problems).lower()
    with pytest.raises(Refused) as refused:
        org.create("bid", {"name": "Pilot"})
    assert [(each.code, each.field) for each in refused.value.problems] == [("required", "secret")]
