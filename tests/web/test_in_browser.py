"""The pages in a real browser: what scripts add, no violation of the content security policy, accessible in both themes and widths."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, expect

from tests.support import pages
from tests.support.accessibility import faults_of
from tests.support.pages import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(sqlite_databases):
    """The small sales org, served to a browser: one for the tests of this file."""
    url = sqlite_databases.copy("pages", pages.prepare)
    with pages.served(sqlite_databases.engine(url)) as served:
        owner, account = served.user("rep"), served.create("account", name="Kestrel Aerospace", city="Toulouse", owner=served.user("rep"))
        for name, stage, amount in (
            ("Cell line 4", "open", "412000.00"),
            ("Gift box packing", "open", None),
            ("Vial pilot", "lost", "74800.00"),
        ):
            served.create("deal", name=name, stage=stage, amount=amount, account=account, owner=owner)
        yield served
    sqlite_databases.remove(url)


def sign_in(page, site, username="rep"):
    page.goto(f"{site.address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button.pri")
    page.wait_for_url(re.compile(r"/$"))
    return page


@pytest.fixture
def rep(page, site):
    """A representative in a browser of 1280 by 900."""
    return sign_in(page, site)


def test_a_condition_is_added_and_taken_off(rep, site):
    rep.goto(f"{site.address}/o/deal?view=every")
    rep.click("#filter-button")
    rep.click("#filter-fields a:has-text('Amount')")
    rep.fill("#condition input[name='v.1']", "100,000")
    rep.click("#condition button.pri")
    rep.wait_for_url(re.compile(r"v\.1=100"))
    assert rep.locator("td.first a").all_inner_texts() == ["Cell line 4"]
    rep.click(".chip a[aria-label^='Remove']")
    rep.wait_for_url(lambda url: "v.1" not in url)
    assert rep.locator("td.first a").count() >= 3


def test_a_list_is_filtered_by_an_expression_with_its_editor(rep, site, complaints):
    complaints.expect("422")
    rep.goto(f"{site.address}/o/deal?view=every")
    rep.click("#filter-button")
    rep.click("#filter-menu [data-open=expression]")
    expect(rep.locator("#expression .cm-content")).to_be_focused()
    rep.keyboard.type("clo")
    expect(rep.locator("#expression .cm-tooltip-autocomplete li").first).to_contain_text("close_dateClose date · Date")
    rep.keyboard.press("Escape")
    rep.keyboard.press("Control+a")
    rep.keyboard.type("amont > 100000")
    rep.click("#expression .xe-status button.btn")
    expect(rep.locator("#expression .xe-status")).to_contain_text("true for 1 of")
    rep.click("#expression footer button.pri")
    rep.wait_for_url(re.compile(r"x=amount"))
    assert rep.locator("td.first a").all_inner_texts() == ["Cell line 4"]
    rep.click(".chip b")
    expect(rep.locator("#expression .cm-content")).to_have_text("amount > 100000")
    rep.goto(f"{site.address}/o/deal?view=every&x=amont+%3E+1")
    expect(rep.locator("#expression .xe-status")).to_contain_text('Line 1, column 1: There is no field "amont" on Deal')
    rep.keyboard.press("Escape")
    expect(rep.locator("#expression")).to_be_hidden()


def test_the_palette_finds_and_opens_a_record_by_keyboard(rep, site):
    rep.goto(f"{site.address}/")
    rep.keyboard.press("Control+k")
    rep.keyboard.type("kestrel")
    rep.locator(".cmdk .opt[aria-selected=true]:has-text('Kestrel Aerospace')").wait_for()
    rep.wait_for_timeout(300)  # the list is drawn anew while somebody types
    rep.keyboard.press("Enter")
    rep.wait_for_url(re.compile(r"/o/account/"))
    assert rep.locator("h1").inner_text() == "Kestrel Aerospace"


def test_a_form_reacts_refuses_and_saves(rep, site, complaints):
    complaints.expect("422")
    rep.goto(f"{site.address}/o/deal/new")
    rep.fill("#f-name", "Made in a browser")
    rep.fill("#f-account", "kest")
    rep.locator("x-lookup [role=option]:has-text('Kestrel')").click()
    rep.select_option("#f-stage", "lost")
    rep.fill("#f-reason", "Too dear")
    assert rep.input_value("#f-name") == "Made in a browser"
    rep.select_option("#f-stage", "won")
    rep.locator("#f-reason").wait_for(state="detached")
    held = []  # a slow answer to an older question says nothing any more; what was typed before a field went away is kept
    rep.route("**/o/deal/draft", lambda route: route.continue_() if held else held.append(route))
    rep.select_option("#f-stage", "open")
    rep.fill("#f-amount", "7")
    rep.select_option("#f-stage", "lost")
    rep.locator("#f-reason").wait_for()
    with suppress(Error):  # the browser has given it up
        held[0].continue_()
    rep.unroute("**/o/deal/draft")
    rep.wait_for_timeout(200)
    assert (rep.input_value("#f-reason"), rep.input_value("#f-amount"), rep.input_value("#f-stage")) == ("Too dear", "7", "lost")
    rep.fill("#f-amount", "")
    rep.select_option("#f-stage", "won")
    rep.locator("#f-reason").wait_for(state="detached")
    rep.click("button.pri:has-text('Save')")
    rep.locator(".err:has-text('Enter the amount of a won deal.')").wait_for()
    rep.fill("#f-amount", "1,500")
    rep.click("button.pri:has-text('Save')")
    rep.locator(".toast:has-text('Deal created')").wait_for()
    assert "$1,500.00" in rep.inner_text(".facts")


def test_a_save_waits_for_what_the_form_is_still_asking(rep, site):
    rep.goto(f"{site.address}/o/deal/new")
    rep.fill("#f-name", "Saved in haste")
    rep.select_option("#f-stage", "lost")
    rep.fill("#f-reason", "Not sent where nobody is asked for it")
    held = []
    rep.route("**/o/deal/draft", lambda route: held.append(route))
    rep.select_option("#f-stage", "open")
    rep.click("button.pri:has-text('Save')")
    rep.locator("button.pri[aria-busy]").wait_for()
    held[0].continue_()
    rep.locator(".toast:has-text('Deal created')").wait_for()
    assert "Not sent" not in rep.inner_text("main")


def test_a_restored_draft_brings_back_what_stood_in_fields_that_come_by_a_condition(rep, site):
    rep.goto(f"{site.address}/o/deal/new")
    rep.select_option("#f-stage", "lost")
    rep.fill("#f-reason", "Typed before the page went away")
    while not rep.evaluate("Object.values(localStorage).join().includes('Typed before')"):
        rep.wait_for_timeout(50)  # what is typed is kept a moment later
    rep.on("dialog", lambda dialog: dialog.accept())
    rep.goto(f"{site.address}/o/deal")
    rep.goto(f"{site.address}/o/deal/new")
    rep.click(".banner button:has-text('Restore')")
    expect(rep.locator("#f-reason")).to_have_value("Typed before the page went away")


def test_a_value_is_edited_in_its_cell_and_the_list_is_walked_through(rep, site):
    rep.goto(f"{site.address}/o/deal?view=every")
    cell = rep.locator("#rows tr:has-text('Vial pilot') td:nth-child(4)")
    cell.dblclick()
    rep.fill(".cellform [name=amount]", "75,000")
    rep.keyboard.press("Enter")
    rep.locator("#rows tr:has-text('Vial pilot') td:has-text('$75,000.00')").wait_for()
    names = rep.locator("td.first a").all_inner_texts()
    rep.locator("td.first a").first.click()
    rep.locator("x-trail .n:has-text('1 of ')").wait_for()
    rep.keyboard.press("j")
    rep.locator("x-trail .n:has-text('2 of ')").wait_for()
    assert rep.locator("h1").inner_text() == names[1]


def test_a_lookup_makes_a_record_over_the_form_one_is_in(rep, site, complaints):
    complaints.expect("422")
    rep.goto(f"{site.address}/o/deal/new")
    rep.fill("#f-name", "Kept while another is made")
    rep.fill("#f-account", "Umber Paints")
    rep.locator(".options .new").wait_for()
    rep.keyboard.press("Enter")  # chooses nothing where nothing is found, and does not send the form
    rep.locator(".options .new").click()
    dialog = rep.locator("dialog[open]")
    dialog.locator("[name=name]").fill("")
    dialog.locator("button.pri").click()
    dialog.locator("[name=name][aria-invalid=true]").fill("Umber Paints")
    dialog.locator("button.pri").click()
    dialog.wait_for(state="detached")
    assert rep.input_value("#f-account") == "Umber Paints"
    assert site.get("account", rep.input_value("[name=account]"))["name"] == "Umber Paints"
    assert rep.input_value("#f-name") == "Kept while another is made"


def test_a_card_moves_by_keyboard_and_by_mouse_and_a_refused_one_goes_back(rep, site, complaints):
    complaints.expect("422")
    rep.goto(f"{site.address}/o/deal?view=every&as=board")
    rep.wait_for_load_state("networkidle")
    rep.locator(".kc:has-text('Cell line 4')").focus()
    rep.keyboard.press("Alt+ArrowRight")
    rep.locator(".toast:has-text('Moved to Won')").wait_for()
    assert "Cell line 4" in rep.inner_text("ol[data-list=won]")
    rep.click(".toast button:has-text('Undo')")
    rep.wait_for_function("document.querySelector('ol[data-list=open]').innerText.includes('Cell line 4')")
    rep.goto(f"{site.address}/o/deal?view=every&as=board")
    rep.wait_for_load_state("networkidle")
    poor = rep.locator(".kc:has-text('Gift box packing')")
    poor.drag_to(rep.locator("ol[data-list=won]"), source_position={"x": 30, "y": 20}, target_position={"x": 40, "y": 40})
    rep.wait_for_url(re.compile(r"/edit\?set\.stage=won"))  # the form asks for the amount that is missing
    assert rep.input_value("#f-stage") == "won"


def test_delete_is_undone_from_the_toast(rep, site):
    record = site.create("deal", name="Short-lived", owner=site.user("rep"))
    rep.goto(f"{site.address}/o/deal/{record}")
    rep.click("[popovertarget=record-more]")
    rep.click("#record-more button:has-text('Delete')")
    rep.click(".toast:has-text('Deal deleted') button:has-text('Undo')")
    rep.wait_for_url(re.compile(record))
    assert rep.locator("h1").inner_text() == "Short-lived"


def test_what_was_typed_survives_the_end_of_the_session(rep, site, complaints):
    complaints.expect("401")
    rep.goto(f"{site.address}/o/account/new")
    rep.fill("#f-name", "Typed before the session ended")
    rep.context.clear_cookies(name=re.compile("fs_session.*"))
    rep.click("button.pri:has-text('Save')")
    rep.fill("[name=username]", "rep")
    rep.fill("[name=password]", PASSWORD)
    rep.click("button.pri")
    rep.locator(".banner:has-text('What you had typed is back.')").wait_for()
    assert rep.input_value("#f-name") == "Typed before the session ended"


PLACES = [
    "/", "/o/deal?view=every", "/o/deal?view=every&as=board", "/o/deal/new", "RECORD", "RECORD/edit", "RECORD?tab=history",
    "/approvals", "/search?q=kestrel", "/me", "/notifications", "/recycle-bin?object=deal", "/o/nothing",
]  # fmt: skip


@pytest.mark.parametrize(("width", "username"), [(1280, "rep"), (390, "hans")])
def test_every_page_is_accessible_and_stays_inside_the_window(new_page, site, complaints, width, username):
    complaints.expect("404")
    page = sign_in(new_page(viewport={"width": width, "height": 844}), site, username)
    record = site.create(
        "deal", name="Cell line 5 with a rather long name that has to be cut or wrapped", amount="1.00", owner=site.user(username)
    )
    places = [site.address + place.replace("RECORD", f"/o/deal/{record}") for place in PLACES]
    assert [each for place in places for each in faults_of(page, place)] == []
