"""What a page has against itself: axe's findings in light and in dark, and whether it sticks out of the window.

Here: asking one page. Not here: which pages (the tests), the browser (`browser.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.js").read_text(encoding="utf-8")
FINDINGS = """options => axe.run(document, {...options, resultTypes: ['violations']})
    .then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120))]))"""


def faults_of(page: Page, url: str, *, without: Sequence[str] = ()) -> list[str]:
    """Open `url` and return what is wrong with it: every rule of axe but `without` in light, contrast in dark, and the width."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # colours change at once
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE)
    found = page.evaluate(FINDINGS, {"rules": {rule: {"enabled": False} for rule in without}})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += page.evaluate(FINDINGS, {"runOnly": ["color-contrast"]})
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*([f"{url}: sticks out"] if wide else []), *(f"{url}: {rule}: {nodes[:2]}" for rule, nodes in found)]
