"""The five-minute test: an administrator builds "Site visit" in Setup, a representative uses it on a phone, the manager approves.

Here: the walk, step by step as people click it. `tools/screenshots.py` walks the same way for its pictures. Nothing is restarted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.live import Living, living

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Page = Any
Picture = Callable[[Page, str], None]

DESK = {"width": 1440, "height": 900}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SETS = {"sales_rep": "work", "sales_manager": "work"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A new org with the four packs, as the first start makes it."""
    with living(tmp_path_factory.mktemp("site_visits")) as served:
        yield served


def no_picture(page: Page, name: str) -> None:
    """Take none."""


def publish(page: Page) -> None:
    """Confirm the plan."""
    page.click("#plan-form button.pri")
    page.locator(".toast").first.wait_for()


def build_object(admin: Page, site: Living, picture: Picture) -> None:
    """Setup: the object, found in the Sales app, with rights for representatives and managers."""
    admin.goto(f"{site.address}/setup/objects")
    admin.click("a:has-text('New object')")
    admin.fill("#f-label-en", "Site visit")
    admin.fill("#f-plural-en", "Site visits")
    admin.fill("[name='label.zh-Hans']", "现场拜访")
    admin.fill("[name=icon]", "map-pin")
    admin.check("label.choice:has-text('Sales') input[name=app]")
    for name, level in SETS.items():
        admin.select_option(f"[name='grant.permission_sets/{name}.json']", level)
    admin.click("button:has-text('Show the plan')")
    picture(admin, "object-plan")
    publish(admin)


def add_field(
    admin: Page, site: Living, type_: str, label: str, fill: Callable[[], None] | None = None, picture: Callable[[], None] | None = None
) -> None:
    """Setup: one field; whoever has the object gets it."""
    admin.goto(f"{site.address}/setup/objects/site_visit/fields/new")
    admin.click(f"a[href*='type={type_}']")
    admin.fill("#f-label-en", label)
    if fill is not None:
        fill()
    if picture is not None:
        picture()
    admin.click("button:has-text('Show the plan')")
    publish(admin)


def type_expression(admin: Page, name: str, source: str) -> None:
    """Type into the editor of an expression."""
    admin.locator(f"x-expression:has([name={name}]) .cm-content").click()
    admin.keyboard.insert_text(source)


def build_fields(admin: Page, site: Living, picture: Picture) -> None:
    """Setup: seven fields beside the name: lookup, picklist, date, number, money, a formula, notes."""

    def with_formula() -> None:
        admin.select_option("[name=returns]", "currency")
        admin.fill("[name=scale]", "2")
        type_expression(admin, "formula", "hours * hourly_rate")
        admin.locator("x-expression:has([name=formula]) .xe-status:has-text('Number')").wait_for()

    add_field(admin, site, "lookup", "Account", lambda: (admin.select_option("[name=to]", "account"), admin.check("#f-required")))
    add_field(admin, site, "picklist", "Purpose", lambda: admin.fill("[name=values_new]", "Survey\nInstallation\nAcceptance"))
    add_field(admin, site, "date", "Visit date", lambda: type_expression(admin, "default", "=TODAY() + 7"))
    add_field(admin, site, "number", "Hours", lambda: admin.fill("[name=scale]", "1"))
    add_field(admin, site, "currency", "Hourly rate")
    add_field(admin, site, "formula", "Cost", with_formula, lambda: picture(admin, "formula"))
    add_field(admin, site, "long_text", "Notes")


def build_layout(admin: Page, site: Living, picture: Picture) -> None:
    """Setup: a page layout of its own, arranged in the editor."""
    admin.goto(f"{site.address}/setup/objects/site_visit/layouts/new")
    admin.fill("#f-label-en", "Site visit")
    admin.click("[data-add-section]")
    admin.fill(".sec:last-of-type input.name", "Money")
    for name in ("cost", "hourly_rate", "hours"):  # each goes to the top of the section after
        admin.focus(f".bf[data-name={name}]")
        admin.keyboard.press("Alt+ArrowRight")
    admin.locator(".sec[aria-label=Money] .bf").nth(2).wait_for()
    assert admin.locator(".sec[aria-label=Money] .bf small").all_inner_texts() == ["Hours", "Hourly rate", "Cost"]
    picture(admin, "layout")
    admin.click("button:has-text('Publish')")
    admin.locator(".toast").first.wait_for()


def build_rule(admin: Page, site: Living, picture: Picture) -> None:
    """Setup: an acceptance without notes is refused, at the notes."""
    admin.goto(f"{site.address}/setup/objects/site_visit/rules/new")
    type_expression(admin, "error_when", 'AND(purpose = "acceptance", ISBLANK(notes))')
    admin.fill("#f-message-en", "Say in the notes what was accepted.")
    admin.select_option("[name=at]", "notes")
    admin.fill("#f-label-en", "Acceptance needs notes")
    picture(admin, "rule")
    admin.click("button:has-text('Publish rule')")
    admin.locator(".toast").first.wait_for()


def build_approval(admin: Page, site: Living, picture: Picture) -> None:
    """Setup: above a cost of 500 the submitter's manager decides, which is what a new process begins with."""
    admin.goto(f"{site.address}/setup/objects/site_visit/approvals/new")
    admin.fill("#f-label-en", "Visit approval")
    type_expression(admin, "criteria", "cost > 500")
    for box in admin.locator("input[name=evidence]").all():
        box.set_checked(box.get_attribute("value") in ("cost", "purpose"))
    admin.click("button.node:has-text('1 ·')")
    admin.locator("[name='source.0.who']").wait_for()
    assert admin.locator("[name='source.0.who'] option:checked").inner_text() == "Manager of who submits"
    picture(admin, "process")
    admin.click("header button:has-text('Publish')")
    admin.locator(".toast").first.wait_for()


def build(admin: Page, site: Living, picture: Picture) -> None:
    """All that the administrator does."""
    build_object(admin, site, picture)
    build_fields(admin, site, picture)
    build_layout(admin, site, picture)
    build_rule(admin, site, picture)
    build_approval(admin, site, picture)


def visit(phone: Page, site: Living, picture: Picture) -> str:
    """The representative creates a visit, meets the rule at the notes, corrects, submits. Return the address of the record."""
    phone.goto(f"{site.address}/o/site_visit/new")
    phone.fill("#f-name", "Acceptance of line 4")
    phone.fill("#f-account", "lum")
    phone.locator("x-lookup [role=option]").first.click()
    phone.select_option("#f-purpose", "acceptance")
    phone.fill("#f-hours", "6")
    phone.fill("#f-hourly_rate", "120")
    phone.click("button.pri:has-text('Save')")
    error = phone.locator("[data-field=notes] .err:has-text('Say in the notes what was accepted.')")
    error.wait_for()
    assert phone.input_value("#f-name") == "Acceptance of line 4"
    picture(phone, "phone-rule")
    phone.fill("#f-notes", "Line 4 runs at 60 parts a minute; signed by the plant manager.")
    phone.click("button.pri:has-text('Save')")
    phone.wait_for_url(re.compile(r"/o/site_visit/[0-9a-f-]{36}"))
    assert "$720.00" in phone.inner_text("section[aria-label=Money]")
    phone.click("button:has-text('Submit for approval')")
    phone.fill("#f-submit-comment", "Two of us for half a day.")
    phone.click("#submit-approval button:has-text('Submit')")
    phone.locator(".tag:has-text('Locked for approval')").wait_for()
    picture(phone, "phone-submitted")
    return str(phone.url).split("?")[0]


def approve(manager: Page, site: Living, picture: Picture) -> None:
    """The manager finds the visit among what waits, looks at the facts and approves."""
    manager.goto(f"{site.address}/approvals")
    task = manager.locator("article.task:has-text('Acceptance of line 4')")
    assert "$720.00" in task.inner_text()
    picture(manager, "approvals")
    task.locator("button:has-text('Approve')").click()
    task.wait_for(state="detached")


def shows_approved(page: Page, record: str, picture: Picture) -> None:
    """The record says that it is approved, and by whom."""
    page.goto(record)
    page.locator(".rec-title .tag:has-text('Approved')").wait_for()
    page.locator("#approval .tag:has-text('Approved')").first.wait_for()
    assert "Marco Bellini" in page.inner_text("#approval")
    assert page.locator(".tag:has-text('Locked for approval')").count() == 0
    picture(page, "approved")


def test_an_object_is_built_used_and_approved_without_code_or_restart(new_page, site, complaints):
    complaints.expect("422")
    admin = site.sign_in(new_page(viewport=DESK), "admin")
    build(admin, site, no_picture)
    phone = site.sign_in(new_page(**PHONE), "priya")
    record = visit(phone, site, no_picture)
    approve(site.sign_in(new_page(viewport=DESK), "marco"), site, no_picture)
    shows_approved(phone, record, no_picture)
