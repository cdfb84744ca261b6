"""Sample records leave again, but for those somebody has worked with; nothing that stays loses what it refers to."""

from __future__ import annotations

import pytest

from fieldstone.db.transaction import read
from fieldstone.packs import install, sample_removal
from fieldstone.packs.sample_removal import Reason
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal
from fieldstone.records.query import Query
from tests.support.packs import furnish, opened, org_on

SYSTEM = Principal.internal("test")
OBJECTS = ("account", "contact", "lead", "opportunity", "quote", "case", "campaign", "article", "product", "price_book")


@pytest.fixture
def furnished(prepared):
    """An org with the shipped packs and their sample records."""
    return opened(prepared("shipped packs", furnish))


def removed(org):
    told = sample_removal.preview(org.records, SYSTEM)
    done = sample_removal.remove(org.records, org.approvals.notices, SYSTEM)
    assert done == told
    return done


def ids(org, object_name, filter=None):
    with org.records.reading(SYSTEM) as gate:
        return [each["id"] for each in gate.read(Query(object=object_name, filter=filter, select=("id",), limit=200)).records]


def save(org, **change):
    (outcome,) = org.records.save(SYSTEM, [Change(**change)])
    return outcome.id


def reasons(removal):
    return {(each.object, each.name): each.reason for each in removal.kept}


def test_what_nobody_touched_goes_whole(furnished):
    done = removed(furnished)
    assert done.kept == ()
    assert [ids(furnished, name) for name in OBJECTS] == [[] for _ in OBJECTS]
    assert len(done.people) == 12
    assert ids(furnished, "user", {"field": "active", "op": "eq", "value": True}) == []
    with read(furnished.engine) as tx:
        assert not sample_removal.is_there(tx.connection)


def test_samples_of_later_packs_are_no_change_of_earlier_ones(prepared):
    org = opened(prepared("crm to be emptied", lambda engine: install.install(org_on(engine), ["core", "crm"])))
    install.install(org, ["sales"])
    done = removed(org)
    assert (done.kept, ids(org, "account"), ids(org, "opportunity")) == ((), [], [])


def test_what_somebody_changed_stays_with_all_it_refers_to(furnished):
    [contact, *_] = ids(furnished, "contact", "NOT(ISBLANK(account))")
    with furnished.records.reading(SYSTEM) as gate:
        before = gate.get("contact", contact)
    save(furnished, object="contact", action="update", id=contact, values={"job_title": "Head of purchasing"})
    done = removed(furnished)
    assert ids(furnished, "contact") == [contact]
    assert reasons(done)["contact", before["name"]] is Reason.CHANGED
    account = before["account"]
    assert reasons(done)["account", account.name] is Reason.USED
    assert account.id in ids(furnished, "account")
    with furnished.records.reading(SYSTEM) as gate:
        assert gate.get("contact", contact)["account"].id == account.id


def test_a_record_of_one_s_own_keeps_the_sample_record_it_refers_to(furnished):
    [account, *_] = ids(furnished, "account", "ISBLANK(parent)")
    mine = save(furnished, object="contact", action="create", values={"name": "Ada Okafor", "account": account})
    done = removed(furnished)
    assert {each.record for each in done.kept if each.object == "account"} == {account}
    assert (ids(furnished, "account"), ids(furnished, "contact")) == ([account], [mine])


def test_a_person_who_signs_in_stays_and_so_does_one_who_owns_what_stays(furnished):
    [account, *_] = ids(furnished, "account", "ISBLANK(parent)")
    with furnished.records.reading(SYSTEM) as gate:
        owner = gate.get("account", account)["owner"].id
    other = next(each for each in ids(furnished, "user") if each != owner)
    save(furnished, object="account", action="update", id=account, values={"description": "We have met."})
    save(furnished, object="user", action="update", id=other, values={"username": "other"})
    done = removed(furnished)
    people = {each.record: each.reason for each in done.kept if each.object == "user"}
    assert (people[other], people[owner]) == (Reason.SIGNS_IN, Reason.USED)


def test_approvals_that_wait_on_sample_records_end_with_them(furnished):
    removed(furnished)
    with read(furnished.engine) as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM fs_approval_task WHERE state = 'open'").scalar() == 0


def test_it_is_done_once(furnished):
    removed(furnished)
    assert removed(furnished).count == 0
