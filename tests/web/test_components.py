"""The components in a real browser: accessible in every theme and width, within the policy, and doing what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.component_page import serving

pytestmark = pytest.mark.browser
AXE = (Path(__file__).resolve().parents[1] / "support" / "vendor" / "axe.js").read_text(encoding="utf-8")
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .map(each => `${each.id}: ${each.nodes.map(node => node.html.slice(0, 120)).join(" | ")}`)"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as at:
        yield at


@pytest.fixture
def components(page: Any, address: str) -> Any:
    """The page with its elements alive."""
    return _open(page, f"{address}/ui")


def _open(page: Any, url: str) -> Any:
    page.goto(url)
    for part in ("x-expression .cm-content", ".ProseMirror", ".sec", "x-import-progress progress"):
        page.locator(part).first.wait_for()
    for name in ("x-board", "x-depends", "x-form", "x-lookup", "x-selection"):
        page.locator(f"{name}:defined").first.wait_for(state="attached")
    return page


def _violations(page: Any) -> list[str]:
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN_AXE)
    return found


@pytest.mark.parametrize(
    ("width", "theme", "language"),
    [
        (320, "light", "en"),
        (390, "light", "zh-Hans"),
        (390, "dark", "en"),
        (880, "light", "en"),
        (1440, "light", "zh-Hans"),
        (1440, "dark", "en"),
    ],
)
def test_every_component_is_accessible_and_fits(new_page: Any, address: str, width: int, theme: str, language: str) -> None:
    page = _open(new_page(viewport={"width": width, "height": 900}), f"{address}/ui?theme={theme}&lang={language}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert _violations(page) == []


def test_what_opens_is_accessible(components: Any) -> None:
    for opener in ("[data-open=dlg1]", "[data-open=drw1]", "[data-open=palette]", "[popovertarget=me-menu]", "[popovertarget=flt]"):
        components.locator(opener).first.click()
        components.wait_for_timeout(250)  # the opening movement
        assert _violations(components) == [], opener
        components.keyboard.press("Escape")


def test_a_lookup_finds_by_keyboard_and_sends_the_id(components: Any) -> None:
    box = components.locator("#f-contact")
    box.click()
    box.press_sequentially("kes")
    components.locator("x-lookup .options mark").first.wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    box.press("Enter")
    assert (box.input_value(), components.locator("input[name=contact]").input_value()) == ("Kestrel Aerospace", "c1")
    box.press_sequentially("x")
    assert components.locator("input[name=contact]").input_value() == ""  # another text is another record, or none


def test_a_dependent_picklist_offers_what_the_other_field_allows(components: Any) -> None:
    offered = components.locator("#f-reason option")
    assert offered.all_inner_texts() == ["–", "Price", "Timing"]
    components.select_option("#f-stage", "open")
    assert offered.all_inner_texts() == ["–"]


def test_a_card_moves_by_key_and_comes_back_by_undo(components: Any) -> None:
    components.locator(".kc a.t").first.press("Alt+ArrowRight")
    components.locator(".toast", has_text="Moved to Proposal").wait_for()
    assert _cards(components) == {"q": 1, "p": 2, "v": 0}
    assert components.locator("section.col", has_text="Proposal").locator(".sum").inner_text() == "after q1"
    components.locator(".toast button", has_text="Undo").click()
    expect(components.locator("ol[data-list=q] .kc")).to_have_count(2)


def test_a_refused_card_goes_back_and_says_why(components: Any, complaints: Any) -> None:
    complaints.expect("422")  # the browser reports refused requests
    components.locator(".kc [data-move]").first.press("Enter")  # by keyboard: elsewhere on this page things come and push others down
    components.locator(".menu:popover-open button", has_text="Verbal").press("Enter")
    components.locator(".toast", has_text="needs a signed quote").wait_for()
    expect(components.locator("ol[data-list=q] .kc")).to_have_count(2)
    assert _cards(components) == {"q": 2, "p": 1, "v": 0}


def _cards(page: Any) -> dict[str, int]:
    lists = page.locator("ol[data-list]").all()
    return {each.get_attribute("data-list"): each.locator(".kc").count() for each in lists}


def test_a_layout_is_built_by_keyboard_and_undone(components: Any) -> None:
    def items() -> list[list[str]]:
        return [section["items"] for section in json.loads(components.locator("input[data-layout]").input_value())["sections"]]

    components.locator("[data-palette] .add").first.click()
    assert items() == [["name", "amount", "close_date"], ["margin"]]
    components.locator(".bf[data-name=name]").press("Alt+ArrowDown")
    assert items() == [["amount", "name", "close_date"], ["margin"]]
    components.locator(".bf[data-name=name]").press("Alt+ArrowRight")
    assert items() == [["amount", "close_date"], ["name", "margin"]]
    components.locator(".bf[data-name=name]").press("Control+z")
    assert items() == [["amount", "name", "close_date"], ["margin"]]


def test_an_expression_shows_the_error_under_its_characters(components: Any) -> None:
    editor = components.locator("x-expression .cm-content")
    editor.click()
    components.keyboard.press("Control+a")
    components.keyboard.insert_text("annu > 1 OR 𝒳 = 'annu'")  # a letter of two code units comes after
    marked = components.locator("x-expression .cm-lintRange-error")
    marked.wait_for()
    assert marked.inner_text() == "annu"
    assert "Line 1, column 1: There is no field" in components.locator(".xe-status").inner_text()
    assert components.locator("#f-formula").input_value() == "annu > 1 OR 𝒳 = 'annu'"


def test_an_expression_completes_names_through_a_lookup(components: Any) -> None:
    components.locator("x-expression .cm-content").click()
    components.keyboard.press("Control+a")
    components.keyboard.type("account.an")
    components.locator(".cm-tooltip-autocomplete li", has_text="annual_revenue").wait_for()
    components.wait_for_timeout(100)  # the list ignores keys in its first moment, lest one typed for the text chooses
    components.keyboard.press("Enter")
    assert components.locator("#f-formula").input_value() == "account.annual_revenue"


def test_single_letters_act_on_the_page_but_not_on_what_one_types(components: Any) -> None:
    components.locator("#f-name").press_sequentially("j?c")
    assert not components.locator("#shortcuts").is_visible()
    components.evaluate("document.activeElement.blur()")
    components.keyboard.press("j")
    components.keyboard.press("j")
    assert components.locator("tr.cursor").get_attribute("id") == "row-2"
    components.keyboard.press("?")
    assert components.locator("#shortcuts").is_visible()


def test_the_palette_finds_records_and_pages(components: Any) -> None:
    components.keyboard.press("Control+k")
    components.keyboard.type("kes")
    components.locator("#palette .opt mark", has_text="Kes").wait_for()
    components.keyboard.press("Enter")
    assert components.url.endswith("#kestrel")


def test_what_was_typed_is_marked_as_unsaved_and_kept(components: Any) -> None:
    components.on("dialog", lambda dialog: dialog.accept())
    components.fill("#f-name", "Typed and not saved")
    components.wait_for_timeout(900)  # it is kept once the typing pauses
    assert "Typed and not saved" in components.evaluate("localStorage.getItem('draft:maya@example.com:dev-form')")
    assert components.locator("[data-dirty]").first.is_visible()


def test_ticked_rows_bring_the_bar_of_actions(components: Any) -> None:
    every = components.locator("input[data-select-all]")
    every.check()
    assert components.locator("[data-bulk] [data-count]").inner_text() == "4"
    components.locator("[data-select-none]").click()
    assert not components.locator("[data-bulk]").is_visible()
