"""What was typed when the session had ended comes back as it was, and overwrites nothing."""

from __future__ import annotations

import pytest

from tests.support import pages


@pytest.fixture
def deal(site):
    kinds = ({"kind": "record_type", "object": "deal", "api_name": name, "label": name.title()} for name in ("new_business", "renewal"))
    site.publish(*kinds)
    return site.create("deal", name="Cell line 4", stage="open", owner=site.user("rep"))


def after_login(visitor, url, sent):
    """Send a form when the session has ended, sign in, and return the page that one comes to."""
    visitor.client.delete_cookie("fs_session_80")
    ended = visitor.post(url, sent)
    login = dict(pages.HIDDEN.findall(ended.text.partition("</form>")[0]))
    return visitor.get(visitor.post("/login", login, username="rep", password=pages.PASSWORD).headers["Location"])


@pytest.mark.parametrize("url", ["/o/deal/new", "/o/deal/{deal}/edit"])
def test_a_form_of_a_record_comes_back_with_its_record_type(deal, rep, url):
    form = rep.form(f"{url.format(deal=deal)}?record_type=renewal")
    back = after_login(rep, url.format(deal=deal), {**form, "name": "Typed before"})
    assert dict(pages.HIDDEN.findall(back.text))["record_type"] == "renewal"
    assert 'value="Typed before"' in back.text


def test_a_record_that_somebody_else_saved_meanwhile_is_a_conflict_after_the_login(site, deal, rep):
    form = rep.form(f"/o/deal/{deal}/edit")
    other = site.visitor("admin")
    saved = other.post(f"/o/deal/{deal}/edit", {**other.form(f"/o/deal/{deal}/edit"), "name": "Saved meanwhile", "stage": "open"})
    assert saved.status_code == 303
    back = after_login(rep, f"/o/deal/{deal}/edit", {**form, "name": "Typed before"})
    refused = rep.post(f"/o/deal/{deal}/edit", {**dict(pages.HIDDEN.findall(back.text)), "name": "Typed before", "stage": "open"})
    assert refused.status_code == 409
    assert site.get("deal", deal)["name"] == "Saved meanwhile"
