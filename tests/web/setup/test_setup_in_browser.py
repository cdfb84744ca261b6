"""Setup in a real browser: the builder and the expression editor at work, every page accessible in both themes and widths."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support import pages
from tests.support.accessibility import faults_of
from tests.support.pages import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(sqlite_databases):
    """The small sales org, served to a browser: one for the tests of this file."""
    url = sqlite_databases.copy("pages", pages.prepare)
    with pages.served(sqlite_databases.engine(url)) as served:
        for name, stage, amount in (("Cell line 4", "open", "412000.00"), ("Vial pilot", "lost", "74800.00")):
            served.create("deal", name=name, stage=stage, amount=amount)
        yield served
    sqlite_databases.remove(url)


def sign_in(page, site, username="admin"):
    page.goto(f"{site.address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button.pri")
    page.wait_for_url(re.compile(r"/$"))
    return page


@pytest.fixture
def admin(page, site):
    """An administrator in a browser of 1280 by 900."""
    return sign_in(page, site)


def write(page, name, source):
    """Type into the expression editor of a control."""
    page.locator(f"x-expression:has([name={name}]) .cm-content").click()
    page.keyboard.insert_text(source)


def test_the_editor_shows_the_error_under_the_character_while_one_types(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    write(admin, "error_when", "amuont > 5")
    admin.locator('.xe-status:has-text(\'There is no field "amuont" on Deal. Did you mean "amount"?\')').wait_for()
    assert admin.locator(".cm-lintRange-error").inner_text() == "amuont"


def test_the_editor_says_that_nothing_could_be_checked(admin, site, complaints):
    complaints.expect("ERR_FAILED")
    admin.route("**/expressions/check?*", lambda route: route.abort())
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    write(admin, "error_when", "amount > 5")
    expect(admin.locator(".xe-status")).to_contain_text("No connection")


def test_the_editor_completes_fields_and_goes_on_through_a_lookup(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    admin.locator("x-expression .cm-content").click()
    admin.keyboard.type("acc")
    admin.locator(".cm-tooltip-autocomplete li:has-text('account')").wait_for()
    admin.wait_for_timeout(300)  # the list takes no key in its first moment, lest one chooses unseen
    admin.keyboard.press("Enter")
    admin.locator(".cm-line:has-text('account.')").wait_for()
    admin.keyboard.type("ci")
    expect(admin.locator(".cm-tooltip-autocomplete li")).to_contain_text(["city"])
    admin.wait_for_timeout(300)
    admin.keyboard.press("Tab")
    expect(admin.locator(".cm-line")).to_have_text("account.city")
    admin.keyboard.type(" + MO")  # what begins so comes before what contains it, as amount does
    expect(admin.locator(".cm-tooltip-autocomplete li").first).to_contain_text("MOD")
    admin.keyboard.press("Escape")
    admin.keyboard.press("Tab")  # with no list open it goes on
    expect(admin.locator(".cm-content:focus")).to_have_count(0)


def test_the_bar_below_a_form_covers_neither_what_takes_the_focus_nor_the_line_in_hand(admin, site):
    admin.set_viewport_size({"width": 1280, "height": 600})
    admin.goto(f"{site.address}/setup/objects/deal/fields/new?type=formula")
    admin.locator("x-expression .cm-content").wait_for()
    admin.locator("[name='label.en']").focus()
    bottom, top = "document.activeElement.getBoundingClientRect().bottom", "document.querySelector('.formfoot').getBoundingClientRect().top"
    for _ in range(12):
        admin.keyboard.press("Tab")
        assert admin.evaluate(f"{bottom} <= {top}")
    write(admin, "formula", "\n" * 30)
    admin.keyboard.type("am")
    expect(admin.locator(".cm-tooltip-autocomplete li").first).to_be_in_viewport()
    caret = admin.locator(".cm-cursor").bounding_box()
    assert caret["y"] + caret["height"] <= admin.locator(".formfoot").bounding_box()["y"]


def test_a_new_example_of_a_change_takes_the_values_before(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    write(admin, "error_when", "ISCHANGED(amount) && amount < 5")
    admin.click("button:has-text('New example')")
    admin.get_by_label("Amount", exact=True).fill("4")
    expect(admin.locator(".examples .tag")).to_have_text("Passes")
    admin.get_by_label("Amount (before)").fill("4")
    expect(admin.locator(".examples .tag")).to_have_text("Fails")


def test_an_expression_is_tried_on_a_record_and_its_parts_say_what_they_come_to(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    write(admin, "error_when", "amount / 1000 > 100")
    admin.locator(".xe-status:has-text('true for 1 of 2 records')").wait_for()
    admin.click("details.try summary")
    admin.get_by_label("Record", exact=True).fill("cell")
    admin.locator("x-lookup [role=option]:has-text('Cell line 4')").click()
    admin.locator(".try dd b:has-text('true: the save is refused')").wait_for()
    admin.locator("x-expression .cm-content").press("Home")
    expect(admin.locator(".xe-help .part")).to_contain_text("412,000")
    for _ in range(len("amount /")):
        admin.keyboard.press("ArrowRight")
    admin.locator(".xe-help .part:has(code:text-is('amount / 1000')):has-text('412')").wait_for()
    admin.locator(".cm-line").hover(position={"x": 20, "y": 8})
    admin.locator(".cm-part:has-text('412,000')").wait_for()
    admin.click("button:has-text('Add as example')")
    expect(admin.locator(".examples .tag")).to_have_text("Passes")
    admin.get_by_label("Amount", exact=True).fill("5")
    expect(admin.locator(".examples .tag")).to_have_text("Fails")
    admin.get_by_label("Expected").select_option("accepted")
    expect(admin.locator(".examples .tag")).to_have_text("Passes")


def test_a_lookup_filter_is_tried_on_two_records_and_a_default_on_none(admin, site):
    site.create("account", name="Kestrel", city="Basel")
    admin.goto(f"{site.address}/setup/objects/deal/fields/new?type=lookup")
    admin.select_option("[name=to]", "deal")
    write(admin, "filter", "NOT(ISBLANK(city))")
    admin.locator(".xe-status:has-text('There is no field \"city\" on Deal.')").wait_for()
    tried = admin.locator(".expression:has([name=filter]) .try")
    tried.locator("summary").click()
    admin.get_by_label("Record to choose").fill("vial")
    admin.locator("x-lookup [role=option]:has-text('Vial pilot')").click()
    admin.select_option("[name=to]", "account")
    admin.locator(".xe-status .okline").wait_for()
    expect(admin.get_by_label("Record to choose")).to_have_value("")  # a deal is no account
    admin.get_by_label("Record to choose").fill("kes")
    admin.locator("x-lookup [role=option]:has-text('Kestrel')").click()
    expect(tried.locator("dd b")).to_have_text("true: the record may be chosen")
    expect(admin.get_by_label("Deal with the lookup")).to_be_hidden()
    admin.locator(".expression:has([name=filter]) .cm-content").press("Control+End")
    admin.keyboard.insert_text(" && $Record.amount < 5")
    expect(tried.locator("dd b")).to_have_text("Choose the record that has the lookup, too.")
    admin.get_by_label("Deal with the lookup").fill("cell")
    admin.locator("x-lookup [role=option]:has-text('Cell line 4')").click()
    expect(tried.locator("dd b")).to_have_text("false: the record may not be chosen")
    tried.get_by_text("Add as example").click()
    expect(admin.locator(".examples .tag")).to_have_text("Passes")
    admin.get_by_label("City", exact=True).fill("")
    expect(admin.locator(".examples .tag")).to_have_text("Passes")
    admin.get_by_label("Deal · Amount", exact=True).fill("4")
    admin.get_by_label("City", exact=True).fill("Bern")
    expect(admin.locator(".examples .tag")).to_have_text("Fails")
    admin.goto(f"{site.address}/setup/objects/deal/fields/new?type=text")
    write(admin, "default", "=stage & TEXT(1 / amount)")
    admin.locator(".try summary").click()
    expect(admin.locator(".try .out")).to_contain_text("Of a new record, before anything is typed.")
    expect(admin.locator(".try dd b")).to_have_text("open")


def test_an_example_of_a_roll_ups_figure_is_a_list_of_records(admin, site):
    admin.goto(f"{site.address}/setup/objects/account/fields/new?type=roll_up")
    admin.select_option("[name=relation]", "deal.account")
    admin.select_option("[name=function]", "sum")
    admin.select_option("[name=field]", "amount")
    write(admin, "filter", 'stage = "won"')
    admin.locator(".xe-status .okline").wait_for()
    admin.click("button:has-text('New example of the figure')")
    for row, (amount, stage) in enumerate((("40", "won"), ("5", "won"), ("7", "lost"))):
        if row:
            admin.click("button:has-text('Add a record')")
        admin.locator(".examples li li").nth(row).get_by_label("Amount").fill(amount)
        admin.locator(".examples li li").nth(row).get_by_label("Stage").fill(stage)
    expect(admin.locator(".examples .outcome")).to_have_text("FailsComes to 45.")
    admin.get_by_label("Remove: 2").click()
    admin.get_by_label("Expected").fill("40")
    expect(admin.locator(".examples .tag")).to_have_text("Passes")
    rows = [{"stage": "won", "amount": "40"}, {"stage": "lost", "amount": "7"}]
    assert json.loads(admin.input_value("[name=examples]")) == [{"related": {"deal.account": rows}, "expect": "40"}]


def test_the_editor_helps_with_arguments_values_and_mistakes(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/fields/new?type=formula")
    admin.locator("x-expression .cm-content").click()
    admin.keyboard.type('IF(stage = "')
    admin.locator(".cm-tooltip-autocomplete li:has-text('won')").wait_for()
    assert admin.locator(".xe-help mark").inner_text() == "condition"
    admin.wait_for_timeout(300)  # the list takes no key in its first moment, lest one chooses unseen
    admin.keyboard.press("Enter")
    admin.keyboard.type(", amuont, 0")
    admin.locator(".xe-help mark:text-is('y')").wait_for()
    admin.click(".xe-status button.btn:has-text('amount')")
    admin.click(".xe-status button.btn:has-text('Change the result to: Currency')")
    admin.locator(".xe-status .okline").wait_for()
    assert admin.locator("x-expression textarea").input_value() == 'IF(stage = "open", amount, 0)'
    assert (admin.locator("#f-returns").input_value(), admin.locator("#f-scale").input_value()) == ("currency", "2")


def test_an_example_shows_moments_in_the_readers_zone_and_keeps_them_in_utc(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    area = admin.locator("[name=examples]")
    area.evaluate(
        """area => {
          area.dataset.zone = "America/New_York";
          area.value = JSON.stringify([{ record: {}, now: "2026-07-01T03:30:05Z", expect: "refused" }]);
          area.dispatchEvent(new Event("restored"));
        }"""
    )
    now = admin.get_by_label("Now (America/New_York)")
    assert (now.get_attribute("type"), now.input_value()) == ("datetime-local", "2026-06-30T23:30:05")
    assert admin.get_by_label("Today", exact=True).count() == 0
    for typed, kept in (
        ("2026-01-15T08:00", "2026-01-15T13:00:00Z"),
        ("2026-11-01T01:30", "2026-11-01T05:30:00Z"),  # the hour that comes twice: the first
        ("2026-11-01T02:30", "2026-11-01T07:30:00Z"),
        ("2026-03-08T03:30", "2026-03-08T07:30:00Z"),  # after the hour that is left out
    ):
        now.fill(typed)
        assert f'"now":"{kept}"' in area.input_value()


@pytest.mark.parametrize("examples", ["", '[{"record": {"amount": "5"}, "expect": "refused"}]'], ids=["of the expression", "of an example"])
def test_what_a_plan_refuses_first_is_in_sight_and_has_the_focus(admin, site, complaints, examples):
    """Editors stand for the controls that were refused: they take the focus that the page and the links of its summary give."""
    complaints.expect("422")  # the browser reports refused requests
    admin.goto(f"{site.address}/setup/objects/deal/rules/new")
    write(admin, "error_when", "amount < 0" if examples else "amuont < 0")
    for name, text in (("label.en", "Small"), ("message.en", "Too small.")):
        admin.fill(f"[name='{name}']", text)
    admin.locator("[name=examples]").evaluate("(area, text) => (area.value = text)", examples)
    admin.click("button.pri")
    said = admin.locator(".errs .err:visible, .xe-status .err:visible").first
    focused = admin.locator(".xe-examples input:focus" if examples else ".cm-content:focus")
    focused.wait_for()
    expect(said).to_be_in_viewport()
    expect(admin.locator(".err:visible")).to_have_count(1)  # told once, though the editor finds it, too
    assert examples or focused.get_attribute("aria-description") in said.inner_text()
    if examples:
        expect(admin.locator(".xe-examples .given label")).to_have_text("Amount")
    admin.locator("[data-errors] h2").evaluate("each => each.scrollIntoView()")
    admin.locator("[name='label.en']").focus()
    admin.locator("[data-errors] a").click()
    focused.wait_for()
    expect(said).to_be_in_viewport()


def test_a_layout_is_arranged_with_mouse_and_keys_and_undone(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/layouts/deal_main")
    admin.click("[data-add-section]")
    admin.fill(".sec:last-of-type input.name", "Money")
    admin.focus(".bf[data-name=amount]")
    admin.keyboard.press("Alt+ArrowRight")
    admin.locator(".sec[aria-label=Money] .bf[data-name=amount]").wait_for()
    admin.click(".bf[data-name=net] >> nth=0")
    admin.locator("[data-properties] .cm-content").first.click()
    admin.keyboard.insert_text("amount > 5")
    admin.click("header.top button:has-text('Publish')")
    admin.locator(".toast:has-text('Layout published')").wait_for()
    layout = site.org.holder.newest().find("page_layout", "deal_main", "deal")
    assert [item.field for item in layout.tabs[0].sections[1].items] == ["amount"]
    assert next(item for item in layout.items() if item.field == "net").visible_when == "amount > 5"
    admin.click(".toast button:has-text('Undo')")
    admin.locator(".toast:has-text('Change undone')").wait_for()
    assert len(site.org.holder.newest().find("page_layout", "deal_main", "deal").tabs[0].sections) == 1


def test_a_field_is_added_and_in_the_form_of_the_next_page(admin, site):
    admin.goto(f"{site.address}/setup/objects/deal/fields/new")
    admin.click("a[href$='type=picklist']")
    admin.fill("#f-label-en", "Size")
    admin.fill("#f-values_new", "Small\nLarge")
    admin.click("button:has-text('Show the plan')")
    assert "Adds the field Size to Deal." in admin.inner_text("ol.plan")
    admin.click("#plan-form button.pri")
    admin.locator(".toast:has-text('Field added')").wait_for()
    admin.goto(f"{site.address}/o/deal/new")
    assert admin.locator("#f-size option").all_inner_texts()[1:] == ["Small", "Large"]


PLACES = [
    "/setup", "/setup?q=deal", "/setup/objects", "/setup/objects/new", "/setup/objects/deal", "/setup/objects/deal/settings",
    "/setup/objects/deal/remove", "/setup/objects/deal/fields/new", "/setup/objects/deal/fields/stage", "/setup/objects/deal/fields/net",
    "/setup/objects/deal/fields/account", "/setup/objects/deal/fields/new?type=roll_up", "/setup/objects/deal/layouts",
    "/setup/objects/deal/layouts/deal_main", "/setup/objects/deal/views", "/setup/objects/deal/views/every", "/setup/objects/deal/rules",
    "/setup/objects/deal/rules/won_needs_amount", "/setup/objects/deal/types", "/setup/objects/deal/types/new", "/setup/changes",
    "/setup/changes/1",
]  # fmt: skip


@pytest.mark.parametrize(("width", "username"), [(1280, "admin"), (390, "hans")])
def test_every_page_of_setup_is_accessible_and_stays_inside_the_window(new_page, site, width, username):
    page = sign_in(new_page(viewport={"width": width, "height": 844}), site, username)
    assert [each for place in PLACES for each in faults_of(page, site.address + place, without=("target-size",))] == []
