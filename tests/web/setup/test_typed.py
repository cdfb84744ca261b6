"""What is typed into a form of Setup survives the end of the session."""

from __future__ import annotations

import html
import json
import re

import pytest

from fieldstone.web.typed_forms import ONLY_CONFIRM
from tests.support import pages
from tests.web.setup.conftest import words

DEAL = "/setup/objects/deal"
SETTINGS = {"api_name": "typed", "label.en": "Typed before", "base_version": "1"}
TAB = {"id": "main", "sections": [{"id": "money", "label": "Typed section", "items": [{"field": "amount"}]}]}
LAYOUT = {"tabs": json.dumps({"tabs": [TAB]}), "tab": "main", "layout": json.dumps({"sections": TAB["sections"]})}
PROCESS = {"kind": "approval_process", "object": "deal", "nodes": [{"id": "one", "type": "cc", "label": "Typed node", "to": []}]}
DESIGNER = {"document": json.dumps(PROCESS), "at": "0", "panel": "0", "node_label.en": "Typed node"}
USER = {"name": "Typed before", "username": "typed", "email": "typed@example.com", "zone": "Asia/Taipei"}
FORMS = {  # by the address that the form is sent to: what was typed, apart from name and label
    f"{DEAL}/rules": {"error_when": "amount > 5", "message.en": "Typed message"},
    f"{DEAL}/views": {"filter": "amount > 5", "column.0.field": "reason"},
    f"{DEAL}/types": {"default.0.field": "reason", "default.0.value": "Typed reason"},
    f"{DEAL}/panels": {"fact.0": "amount", "path_field": "stage", "guidance.open.en": "Typed guidance"},
    f"{DEAL}/layouts": LAYOUT,
    f"{DEAL}/approvals": DESIGNER,
    "/setup/value-sets": {"values_new": "Typed value"},
    "/setup/roles": {"label.zh-Hans": "角色"},
    "/setup/queues": {"label.zh-Hans": "队列"},
    "/setup/permissions/sets": {"label.zh-Hans": "权限"},
}
PUBLISHED = [
    {"kind": "record_type", "object": "deal", "api_name": "stored", "label": "Stored", "active": True},
    {"kind": "highlight_panel", "object": "deal", "api_name": "stored", "label": "Stored", "fields": ["name"]},
    {"kind": "value_set", "api_name": "stored", "label": "Stored", "values": [{"api_name": "one", "label": "One"}]},
    {"kind": "role", "api_name": "stored", "label": "Stored"},
    {"kind": "queue", "api_name": "stored", "label": "Stored", "objects": []},
    {
        "kind": "approval_process",
        "object": "deal",
        "api_name": "stored",
        "label": "Stored",
        "evidence": ["name"],
        "entry": {"submitters": ["owner"]},
        "nodes": [{"id": "m", "type": "approve", "approvers": [{"manager_of": "submitter"}], "on_empty": "admins", "reject": "end"}],
    },
]
NAMES = {f"{DEAL}/rules": "won_needs_amount", f"{DEAL}/views": "every", f"{DEAL}/layouts": "deal_main", "/setup/permissions/sets": "reader"}


def forms(site):
    """Every form of Setup with what was typed into it: new ones, and those of what is published."""
    made = {f"{url}/new": SETTINGS | typed for url, typed in FORMS.items()}
    published = {f"{url}/{NAMES.get(url, 'stored')}": SETTINGS | typed for url, typed in FORMS.items()}
    return made | published | {
        "/setup/objects/new": SETTINGS | {"plural.en": "Typed plural"},
        f"{DEAL}/settings": SETTINGS | {"plural.en": "Typed plural"},
        f"{DEAL}/fields/new": SETTINGS | {"type": "formula", "formula": "amount * 5"},
        f"{DEAL}/fields/reason": SETTINGS | {"type": "text_area", "help.en": "Typed help"},
        "/setup/permissions/sets/reader/fields/deal": {"level.reason": "read", "base_version": "1"},
        "/setup/users/new": USER,
        f"/setup/users/{site.user('rep')}": USER,
        "/setup/org": {"name": "Typed before", "zone": "Asia/Taipei"},
    }  # fmt: skip


def after_login(visitor, url, sent):
    """Send a form when the session has ended, sign in, and return the page that one comes to."""
    visitor.client.delete_cookie("fs_session_80")
    ended = visitor.post(url, sent, publish="1")
    assert ended.status_code == 401
    login = dict(pages.HIDDEN.findall(ended.text.partition("</form>")[0]))
    signed_in = visitor.post("/login", login, username="admin", password=pages.PASSWORD)
    assert signed_in.status_code == 303
    return ended, visitor.get(signed_in.headers["Location"])


def filled(page):
    """What the controls of a page hold."""
    texts = [*re.findall(r"<textarea[^>]*>([^<]*)<", page.text), *re.findall(r'value="([^"]*)"', page.text)]
    return {html.unescape(text).strip() for text in texts}


def test_what_was_typed_into_any_form_of_setup_comes_back_after_a_login(builder, site):
    site.publish(*PUBLISHED)
    before = builder.snapshot.version
    for url, sent in forms(site).items():
        ended, back = after_login(builder.visitor, url, sent)
        assert "What you typed is kept and comes back." in words(ended), url
        assert back.status_code == 200 and "What you had typed is back." in words(back), url
        typed = {value for name, value in sent.items() if not value.startswith("{") and name not in ("api_name", "tab", "at", "panel")}
        assert typed <= filled(back), url  # with the version it was typed on: what others published meanwhile is not overwritten
        assert set(re.findall(r"Typed \w+", " ".join(sent.values()))) <= set(re.findall(r"Typed \w+", html.unescape(back.text))), url
    assert builder.snapshot.version == before, "coming back publishes nothing"


def test_every_form_of_setup_with_a_page_of_its_own_brings_back(site):
    rules = [each for each in site.app.url_map.iter_rules() if each.endpoint.startswith("setup.") and each.endpoint not in ONLY_CONFIRM]
    shown = {each.rule for each in rules if "GET" in each.methods}
    sent = {each.rule for each in rules if "POST" in each.methods} & shown
    adapter = site.app.url_map.bind("localhost")
    assert {adapter.match(url, method="POST", return_rule=True)[0].rule for url in forms(site)} == sent


@pytest.mark.parametrize(
    ("url", "stands"),
    [
        ("/setup/objects/deal/rules/won_needs_amount/remove", "/setup/objects/deal/rules/won_needs_amount"),
        ("/setup/objects/restore", "/setup/objects"),
        ("/setup/objects/deal/remove", "/setup/objects/deal/remove"),
    ],
)
def test_what_only_presses_a_button_promises_nothing_and_leads_back_to_its_page(builder, url, stands):
    builder.visitor.headers = {"Referer": f"http://localhost{stands}"}
    ended, back = after_login(builder.visitor, url, {"name": "gone"})
    assert "Sign in again to go on." in words(ended) and "comes back" not in words(ended)
    assert back.request.path == stands and "What you had typed" not in words(back)


def test_a_form_is_based_on_the_version_it_was_made_for_until_it_is_told_of_another(builder, site):
    url, sent = f"{DEAL}/rules/won_needs_amount", {"label.en": "X", "error_when": "FALSE", "message.en": "No", "base_version": "1"}
    base = re.compile(r'name="base_version" value="(\d+)"')
    site.publish({**pages.RULE, "label": "Somebody else"})
    assert base.search(builder.plan(url, sent, edit="1").text)[1] == "1"
    for builds, buttons in (
        (f"{DEAL}/approvals/new", {**DESIGNER, "do": "select:start"}),
        (f"{DEAL}/layouts/new", {**LAYOUT, "go": "main"}),
    ):
        assert base.search(builder.plan(builds, {**buttons, "base_version": "1"}).text)[1] == "1"
    refused = builder.plan(url, sent)
    assert refused.status_code == 422 and "changed by somebody else" in words(refused)
    assert base.search(refused.text)[1] == str(builder.snapshot.version)
