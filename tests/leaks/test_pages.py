"""What pages tell somebody who may not see a field: definitions of others that use it work without it, or say no more than that."""

from __future__ import annotations

import pytest

from fieldstone.auth import members, users
from fieldstone.db.transaction import read, write
from fieldstone.errors import NotAllowed
from fieldstone.metadata import publish
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.records.gate.people import load
from fieldstone.records.principal import Principal, assign
from tests.support import pages, worlds

FIELDS = pages.DEAL["fields"]
ACCOUNT = {**pages.ACCOUNT, "fields": {**pages.ACCOUNT["fields"], "rating": {"type": "text", "label": "Rating"}}}
LOOKUP = {**FIELDS["account"], "children": "deals", "filter": 'rating = "good" || $Record.reason = "any"'}
DEAL = {**pages.DEAL, "fields": {**FIELDS, "account": LOOKUP}}
VIEW = {"kind": "list_view", "object": "deal", "api_name": "by_secret", "label": "By secret", "filter": 'secret = "x"'}
LAYOUT = {
    "kind": "page_layout",
    "object": "account",
    "api_name": "account_main",
    "label": "Account",
    "tabs": [
        {
            "id": "main",
            "sections": [{"id": "key", "label": "Key facts", "items": [{"field": "name"}]}],
            "related_lists": [{"relation": "deal.account", "columns": ["name"], "filter": 'secret = "x"'}],
        }
    ],
}


def prepare(engine) -> None:
    pages.prepare(engine)
    site = pages.open_site(engine)
    view = {**VIEW, "columns": [{"field": "name"}], "board": {"group_by": "stage"}}
    clerk = worlds.permission_set("clerk", {}, setup=["view_setup", "manage_users"])
    documents = (ACCOUNT, DEAL, view, LAYOUT, clerk, worlds.queue("desk", "deal"), worlds.role("top"), worlds.role("low", "top"))
    with read(engine) as tx:
        planned = plan(site.org.holder.current(tx.connection), ChangeSet(put=documents), tx.connection)
    publish.publish(engine, planned.require(), author=publish.Author(id=None), snapshots=site.org.holder)
    with write(engine) as tx:
        assign(tx.connection, site.user("rep"), ["sales_rep", "clerk"])
    site.close()


@pytest.fixture
def site(prepared):
    opened = pages.open_site(prepared("leaks on pages", prepare))
    yield opened
    opened.close()


@pytest.mark.parametrize("shape", ["list", "board"])
def test_a_view_that_filters_by_a_hidden_field_does_not_run_and_does_not_name_it(site, shape):
    site.create("deal", name="Pilot", stage="open", secret="x")
    url = f"/o/deal?view=by_secret&as={shape}"
    assert "Pilot" in site.visitor("admin").get(url).text
    answer = site.visitor("rep").get(url)
    assert answer.status_code == 422
    assert "Pilot" not in answer.text and '"secret"' not in answer.text and "&#34;secret&#34;" not in answer.text
    assert "a field that you cannot see" in answer.text


def test_a_record_page_leaves_out_a_related_list_that_filters_by_a_hidden_field(site):
    account = site.create("account", name="Kestrel", rating="good")
    site.create("deal", name="Pilot", stage="open", secret="x", account=account)
    assert "Pilot" in site.visitor("admin").get(f"/o/account/{account}").text
    answer = site.visitor("rep").get(f"/o/account/{account}")
    assert answer.status_code == 200
    assert "Pilot" not in answer.text and "secret" not in answer.text


def test_the_filter_of_a_lookup_narrows_its_picker_though_the_reader_may_not_see_what_it_asks_for(site):
    for name, rating in (("Kestrel", "good"), ("Kestbad", "bad")):
        site.create("account", name=name, rating=rating)
    rep = site.visitor("rep")
    for asked, offered in (("", ["Kestrel"]), ("&reason=any", ["Kestbad", "Kestrel"])):
        answer = rep.get(f"/o/deal/lookup/account?q=kest{asked}", Accept="application/json")
        assert sorted(each["text"] for each in answer.json["results"]) == offered


def test_who_manages_users_gives_themselves_neither_role_nor_queue(site):
    rep, user = site.visitor("rep"), site.user("rep")
    with read(site.org.engine) as tx:
        acting = load(tx.connection, user)
        desk = site.org.holder.current(tx.connection).find("queue", "desk").id
    with pytest.raises(NotAllowed):
        users.change_user(site.org.records, acting, user, {"role": "top"})
    users.change_user(site.org.records, acting, site.user("reader"), {"role": "low"})
    users.change_user(site.org.records, Principal.internal("test"), user, {"role": "low"})
    rep.get(f"/setup/users/{user}")
    kept = [("name", "Rita Rep"), ("username", "rep"), ("profile", "standard_user"), ("role", "low")]
    kept += [("permission_sets", "sales_rep"), ("permission_sets", "clerk")]
    assert rep.post(f"/setup/users/{user}", [*kept, ("queues", desk)]).status_code == 422
    with read(site.org.engine) as tx:
        assert members.queues_of(tx, user) == ()
    assert rep.post(f"/setup/users/{user}", kept).status_code == 303


def test_a_password_for_one_login_opens_nothing_but_the_choice_of_another(site):
    _user, first = users.create_user(
        site.org.records, Principal.internal("test"), {"name": "New", "username": "new", "profile": "standard_user", "active": True}
    )
    new = site.visitor()
    assert new.sign_in("new", first).headers["Location"] == "/password"
    for url in ("/", "/o/deal", "/me", "/search?q=x"):
        answer = new.get(url)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/password")
    assert new.client.get("/api/v1/me").status_code == 403
    assert new.get("/password").status_code == 200
    chosen = {"old": first, "password": "seven calm rivers bend", "again": "seven calm rivers bend"}
    assert new.post("/password", chosen).headers["Location"] == "/"
    assert new.get("/").status_code == 200
