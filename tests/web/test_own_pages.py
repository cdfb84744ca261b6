"""Home, search, own settings, notifications, apps."""

from __future__ import annotations

import re

import pytest

from fieldstone.db.transaction import write
from fieldstone.notify import inbox
from tests.support.pages import PASSWORD


def test_home_shows_the_own_records_that_changed_last(site, rep):
    site.create("deal", name="Mine", owner=site.user("rep"))
    site.create("deal", name="Not mine", owner=site.user("admin"))
    text = rep.get("/").text
    assert "My deals" in text
    assert ">Mine<" in text
    assert "Not mine" not in text
    assert "Nothing waits for you" in text


def test_home_shows_who_owns_nothing_what_others_changed_last(site):
    site.create("deal", name="Of the rep", owner=site.user("rep"))
    text = site.visitor("admin").get("/").text
    assert "Deals that changed last" in text
    assert ">Of the rep<" in text
    assert "My deals" not in text


def test_the_navigation_shows_the_objects_of_the_app_that_one_may_see(site):
    rep, reader = site.visitor("rep").get("/").text, site.visitor("reader").get("/").text
    assert 'href="/o/account"' in rep
    assert 'href="/o/account"' not in reader
    assert 'href="/setup"' not in rep
    assert 'href="/setup"' in site.visitor("admin").get("/").text


def test_an_app_is_chosen_and_remembered(rep):
    answer = rep.get("/app/sales")
    assert answer.headers["Location"] == "/o/deal"
    assert rep.get("/app/never_given").status_code == 404


# ---------------------------------------------------------------------------------------------------------------- search


@pytest.fixture
def found(site):
    site.create("account", name="Kestrel Aerospace", owner=site.user("rep"))
    return site.create("deal", name="Kestrel line 4", owner=site.user("rep"), secret="kestrel hidden")


def test_the_palette_finds_records_by_object(found, rep):
    groups = rep.get("/search?q=kestrel", Accept="application/json, text/html;q=0.9").json["groups"]
    assert [(group["label"], [each["text"] for each in group["results"]]) for group in groups] == [
        ("Deals", ["Kestrel line 4"]),
        ("Accounts", ["Kestrel Aerospace"]),
    ]
    assert groups[0]["results"][0]["url"] == f"/o/deal/{found}"


def test_without_words_the_palette_shows_what_one_changed_last(rep):
    rep.post("/o/deal/new", rep.form("/o/deal/new"), name="Just made", stage="open")
    (group,) = rep.get("/search?q=", Accept="application/json").json["groups"]
    assert [each["text"] for each in group["results"]] == ["Just made"]


def test_the_search_page_shows_the_same_and_nothing_one_may_not_see(site, found):
    assert "Kestrel Aerospace" in site.visitor("rep").get("/search?q=kestrel").text
    assert "Kestrel" not in site.visitor("reader").get("/search?q=aerospace").text.replace('value="aerospace"', "")
    assert "Nothing found" in site.visitor("rep").get("/search?q=zzzz").text


# ----------------------------------------------------------------------------------------------------------- own settings


def test_language_and_zone_hold_from_the_next_page_on(rep):
    rep.get("/me")
    assert rep.post("/me", language="zh-Hant", zone="Asia/Taipei").status_code == 303
    text = rep.get("/me").text
    assert 'lang="zh-Hant"' in text
    assert "個人設定" in text
    assert 'value="Asia/Taipei" selected' in text
    assert "設定已儲存" in text


def test_a_zone_that_is_none_is_refused(rep):
    rep.get("/me")
    answer = rep.post("/me", zone="Mars/Olympus")
    assert answer.status_code == 422
    assert "There is no time zone called" in answer.text


def test_own_sessions_are_listed_and_ended(site, rep):
    other = site.visitor("rep")
    text = rep.get("/me").text
    (session,) = re.findall(r"/me/sessions/([0-9a-f-]{36})/end", text)
    assert rep.post(f"/me/sessions/{session}/end").status_code == 303
    assert other.get("/me").status_code == 401
    assert rep.get("/me").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(site, rep):
    admin = site.visitor("admin")
    admin_again = site.visitor("admin")
    (session,) = re.findall(r"/me/sessions/([0-9a-f-]{36})/end", admin.get("/me").text)
    rep.get("/me")
    rep.post(f"/me/sessions/{session}/end")
    assert admin_again.get("/me").status_code == 200


def test_a_token_is_shown_once_and_can_be_revoked(site, rep):
    rep.get("/me")
    made = rep.post("/me/tokens", [("name", "Reporting"), ("scopes", "records:read"), ("days", "30")])
    key = re.search(r'value="(fst_[^"]+)"', made.text)[1]
    text = rep.get("/me").text
    assert key not in text
    assert "Reporting" in text
    token = re.search(r"/me/tokens/([0-9a-f-]{36})/revoke", text)[1]
    assert rep.post(f"/me/tokens/{token}/revoke").status_code == 303
    assert "Reporting" not in rep.get("/me").text


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "scopes": "records:read", "days": "30"},
        {"name": "x", "days": "30"},
        {"name": "x", "scopes": "all", "days": "1"},
        {"name": "x", "scopes": "records:read", "days": "999"},
    ],
)
def test_a_token_needs_a_name_known_scopes_and_an_end(rep, fields):
    rep.get("/me")
    assert rep.post("/me/tokens", fields).status_code == 422


# ---------------------------------------------------------------------------------------------------------- notifications


def unread(visitor):
    """The number on the bell."""
    found = re.search(r'<span class="bdg"[^>]*>(\d+)</span>', visitor.get("/").text)
    return found[1] if found else None


def test_the_bell_counts_shows_and_forgets(site, rep):
    with write(site.org.engine) as tx:
        inbox.put(
            tx, [site.user("rep")], inbox.Notice(kind="text", params={"text": {"en": "Look at this", "zh-Hans": "请看"}}, link="/o/deal")
        )
    assert unread(rep) == "1"
    text = rep.get("/notifications").text
    assert "Look at this" in text
    line = re.search(r"/notifications/([0-9a-f-]{36})/open", text)[1]
    assert rep.post(f"/notifications/{line}/open", to="/o/deal").headers["Location"] == "/o/deal"
    assert unread(rep) is None


def test_all_lines_are_marked_as_read_at_once(site, rep):
    with write(site.org.engine) as tx:
        inbox.put(tx, [site.user("rep")], inbox.Notice(kind="text", params={"text": "One"}))
        inbox.put(tx, [site.user("admin")], inbox.Notice(kind="text", params={"text": "Not yours"}))
    assert "Not yours" not in rep.get("/notifications").text
    rep.post("/notifications/read")
    assert unread(rep) is None
    assert unread(site.visitor("admin")) == "1"


def test_a_user_who_is_deactivated_is_out_at_the_next_request(site, rep):
    from fieldstone.auth import users
    from fieldstone.records.principal import Principal

    assert rep.get("/").status_code == 200
    users.change_user(site.org.records, Principal.internal("test"), site.user("rep"), {"active": False})
    assert rep.get("/").status_code == 401
    assert site.visitor().sign_in("rep", PASSWORD).status_code == 422
