"""Signing in and out: one sentence for every mistake, limits, where one goes next."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from fieldstone.auth.attempts import ATTEMPTS, account_key
from fieldstone.auth.sessions import SESSIONS
from fieldstone.db.transaction import read, write
from tests.support.pages import PASSWORD

MISTAKE = "Login name and password do not fit together, or the user is not active."


def test_a_good_login_goes_on_to_where_one_wanted(site):
    visitor = site.visitor()
    visitor.get("/login?next=/o/deal")
    answer = visitor.post("/login", username="REP@example.com", password=PASSWORD, next="/o/deal?view=mine")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/o/deal?view=mine")
    assert visitor.get("/o/deal").status_code == 200


@pytest.mark.parametrize(("username", "password"), [("rep", "not the password"), ("nobody", PASSWORD), ("", ""), ("gone", PASSWORD)])
def test_unknown_disabled_and_wrong_are_told_alike(site, username, password):
    site.create("user", name="Gone", username="gone", profile="standard_user", active=False)
    answer = site.visitor().sign_in(username, password)
    assert answer.status_code == 422
    assert MISTAKE in answer.text


def test_after_five_failures_an_account_has_to_wait_longer_and_longer(site):
    visitor = site.visitor()
    for _ in range(5):
        assert visitor.sign_in("rep", "wrong").status_code == 422
    assert visitor.sign_in("rep").status_code == 429
    with write(site.org.engine) as tx:  # as if a minute had passed, for databases with a clock of their own too
        tx.connection.execute(update(ATTEMPTS).values(free_at=tx.now))
    assert visitor.sign_in("rep", "wrong").status_code == 422
    with read(site.org.engine) as tx:
        free = tx.connection.execute(select(ATTEMPTS.c.free_at).where(ATTEMPTS.c.key == account_key("rep"))).scalar_one()
        assert timedelta(seconds=100) < free - tx.now <= timedelta(seconds=120)


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb", ""])
def test_no_login_leads_to_another_site(site, target):
    visitor = site.visitor()
    visitor.get("/login")
    assert visitor.post("/login", username="rep", password=PASSWORD, next=target).headers["Location"] == "/"


def test_the_cookie_is_kept_from_scripts_and_other_sites(site):
    visitor = site.visitor()
    visitor.get("/login")
    cookie = next(
        each for each in visitor.post("/login", username="rep", password=PASSWORD).headers.getlist("Set-Cookie") if "fs_session" in each
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_over_https_the_cookie_is_tied_to_the_host(prepared):
    from tests.support import pages

    site = pages.open_site(prepared("pages", pages.prepare), public_url="https://crm.example.com")
    visitor = site.visitor(Host="crm.example.com")
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.client.get("/login", base_url="https://crm.example.com").text)
    answer = visitor.client.post(
        "/login", base_url="https://crm.example.com", data={"csrf_token": token[1], "username": "rep", "password": PASSWORD}
    )
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-fs_session="))
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert visitor.client.get("/login", base_url="https://other.example.com").status_code == 400


def test_the_key_of_a_session_is_stored_as_a_hash_alone(site, rep):
    with read(site.org.engine) as tx:
        rows = tx.connection.execute(select(SESSIONS)).all()
    cookie = next(each for each in rep.client._cookies.values() if "fs_session" in each.key)
    assert len(rows) == 1
    assert cookie.value not in str(rows)


def test_signing_out_ends_the_session_at_once(rep):
    assert rep.post("/logout").headers["Location"] == "/login"
    assert rep.get("/o/deal").status_code == 401


def test_a_newcomer_is_asked_to_sign_in_and_not_told_of_a_session_that_ended(site, rep):
    newcomer = site.visitor().get("/")
    assert newcomer.status_code == 401
    assert "Sign in" in newcomer.text
    assert "Sign in again to go on." not in newcomer.text
    site.visitor("rep").post("/me/sessions/end-others")
    assert "Sign in again to go on." in rep.get("/").text


def test_an_idle_session_ends_after_two_hours_and_any_after_twelve(site):
    visitor = site.visitor("rep")
    import datetime as dt

    now = dt.datetime.now(dt.UTC)
    with time_machine.travel(now + timedelta(hours=1, minutes=59), tick=True):
        assert visitor.get("/o/deal").status_code == 200
    if site.org.settings.embedded and site.org.engine.dialect.name == "sqlite":  # there the database's clock is this process's
        with time_machine.travel(now + timedelta(hours=3, minutes=50), tick=True):
            assert visitor.get("/o/deal").status_code == 200
        with time_machine.travel(now + timedelta(hours=6), tick=True):
            assert visitor.get("/o/deal").status_code == 401
    with time_machine.travel(now + timedelta(hours=12, minutes=1), tick=True):
        assert visitor.get("/o/deal").status_code == 401


def test_a_password_handed_out_once_leads_to_choosing_another(site):
    from fieldstone.auth import users
    from fieldstone.records.principal import Principal

    password = users.reset_password(site.org.records, Principal.internal("test"), site.user("rep"))
    visitor = site.visitor()
    assert visitor.sign_in("rep", password).headers["Location"] == "/password"
    refused = visitor.post("/password", old=password, password="short", again="short")
    assert refused.status_code == 422
    assert "at least 12 characters" in refused.text
    assert "differ" in visitor.post("/password", old=password, password="a horse reads slowly", again="another one here").text
    assert visitor.post("/password", old=password, password="a horse reads slowly", again="a horse reads slowly").status_code == 303
    assert site.visitor().sign_in("rep", "a horse reads slowly").headers["Location"] == "/"


def test_changing_the_password_ends_the_other_sessions(site, rep):
    other = site.visitor("rep")
    assert rep.post("/password", old=PASSWORD, password="a horse reads slowly", again="a horse reads slowly").status_code == 303
    assert rep.get("/me").status_code == 200
    assert other.get("/me").status_code == 401


@pytest.mark.parametrize(("header", "words"), [("zh-TW", "登入"), ("zh-CN,en;q=0.5", "登录"), ("de", "Sign in")])
def test_the_login_page_speaks_the_browsers_language(site, header, words):
    assert words in site.visitor().get("/login", **{"Accept-Language": header}).text


def test_the_language_of_the_login_page_can_be_chosen(site):
    visitor = site.visitor()
    visitor.get("/login")
    visitor.post("/language", language="zh-Hant", next="/login")
    assert "登入" in visitor.get("/login").text
