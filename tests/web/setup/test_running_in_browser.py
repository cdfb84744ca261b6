"""People, rights and approvals of Setup in a real browser: what an administrator designs is what a representative meets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import pages
from tests.support.pages import PASSWORD

pytestmark = pytest.mark.browser
AXE = Path(__file__).resolve().parents[2] / "support" / "vendor" / "axe.js"
URLS = (
    "/setup/users",
    "/setup/users/new",
    "/setup/permissions",
    "/setup/permissions/sets/sales_rep",
    "/setup/permissions/sets/sales_rep/fields/deal",
    "/setup/objects/deal/permissions",
    "/setup/roles",
    "/setup/queues/new",
    "/setup/objects/deal/approvals/new",
    "/setup/approvals",
    "/setup/jobs",
    "/setup/mailbox",
    "/setup/packs",
    "/setup/org",
    "/setup/audit",
)


@pytest.fixture(scope="module")
def site(sqlite_databases):
    """The small sales org, served to a browser: one for the tests of this file."""
    url = sqlite_databases.copy("pages", pages.prepare)
    with pages.served(sqlite_databases.engine(url)) as served:
        yield served
    sqlite_databases.remove(url)


def sign_in(page, site, username="admin"):
    page.goto(f"{site.address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button.pri")
    page.wait_for_url(re.compile(r"/$"))
    return page


def test_the_matrix_is_narrowed_by_typing_and_sends_what_is_hidden_too(page, site):
    sign_in(page, site).goto(f"{site.address}/setup/permissions/sets/reader")
    page.fill("[data-narrow]", "acc")
    page.locator("tr[data-words=deal]").wait_for(state="hidden")
    page.locator("[name='rights.account'][value=read]").check()
    page.click("button[name=publish]")
    page.locator("x-toast:has-text('Rights published')").wait_for()
    granted = site.org.holder.newest().find("permission_set", "reader").objects
    assert granted["account"].rights == {"read"} and granted["deal"].rights == {"read", "view_all"}


def test_an_approval_by_the_manager_is_designed_submitted_and_decided(page, site, new_page):
    rep_id, admin_id = site.user("rep"), site.user("admin")
    deal = site.create("deal", name="Cell line 4", stage="open", amount="900", owner=rep_id)
    sign_in(page, site).goto(f"{site.address}/setup/users/{rep_id}")
    page.fill("[name=manager__text]", "ada")
    page.locator("x-lookup [role=option]:has-text('Ada Admin')").click()
    page.click("button:has-text('Save user')")
    page.locator("x-toast:has-text('User saved')").wait_for()
    assert site.get("user", rep_id)["manager"].id == admin_id
    page.goto(f"{site.address}/setup/objects/deal/approvals/new")
    page.locator(".flow button:has-text('Manager')").first.click()
    page.locator("h2:has-text('Approval')").wait_for()
    page.locator(".flow li .insert").last.click()
    page.locator(".menu:popover-open button:has-text('Tell people')").click()
    page.locator(".node[aria-pressed=true]:has-text('Tell people')").wait_for()
    page.click("button[name=publish]")
    page.locator("x-toast:has-text('Approval process published')").wait_for()
    nodes = site.org.holder.newest().find("approval_process", "approval_of_deal", "deal").nodes
    assert [node.type for node in nodes] == ["approve", "cc"]

    rep = sign_in(new_page(viewport={"width": 390, "height": 844}), site, "rep")
    rep.goto(f"{site.address}/o/deal/{deal}")
    rep.locator("button:has-text('Submit'), a:has-text('Submit')").first.click()
    submit = rep.locator("dialog[open] button[type=submit]:has-text('Submit'), form[action*=submit] button[type=submit]")
    if rep.locator("text=Waiting").count() == 0 and submit.count():
        submit.last.click()
    rep.wait_for_load_state()
    page.goto(f"{site.address}/o/deal/{deal}")
    page.locator("button[value=approve]").click()
    page.wait_for_load_state()
    assert site.get("deal", deal)["approval_status"] == "approved"


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_every_page_is_accessible_and_nothing_sticks_out(new_page, site, width, theme):
    page = sign_in(new_page(viewport={"width": width, "height": 900}, color_scheme=theme), site)
    found = []
    for url in URLS:
        page.goto(site.address + url)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, url
        page.evaluate(AXE.read_text(encoding="utf-8"))
        violations = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa']}).then((found) => found.violations)")
        found += [(url, each["id"], each["nodes"][0]["html"]) for each in violations]
    assert found == []
