"""A real browser for tests: headless Chromium, driven by Playwright, that fails a test over what a person would only see in its console.

Here: finding Chromium, starting it, a page that keeps a list of complaints. Not here: what a test clicks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CHROMIUM = "FIELDSTONE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
CHROMIUM_MISSING = f"no Chromium to test with: run  apt-get install chromium  or set {CHROMIUM} to the path of one"

# It asks nobody on the network for anything, and runs as root in a container.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def chromium_program() -> str:
    """Return the path of Chromium. Raises RuntimeError with the command that installs one."""
    given = os.environ.get(CHROMIUM)
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None or not os.access(found, os.X_OK):
        raise RuntimeError(CHROMIUM_MISSING)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start headless Chromium for the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """What the pages of one test complained about: errors in the console, uncaught exceptions, refused resources (CSP)."""

    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """Accept complaints that contain `part`: the test is about them."""
        self.expected.append(part)

    def watch(self, page: Page) -> None:
        """Listen to `page` from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"exception: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        """Return the complaints nobody expected."""
        return [text for text in self.found if not any(part in text for part in self.expected)]
