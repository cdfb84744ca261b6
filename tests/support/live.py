"""A whole org as a newcomer gets it, served to a browser: founded with the shipped packs and sample data, with its background work.

Here: `living`. Not here: small orgs for one page (`pages`), the browser itself (`browser`).
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress import create_server

from fieldstone import app
from fieldstone.settings import Settings
from fieldstone.wsgi import application

CHOSEN = "a horse reads slowly"
Page = Any  # Playwright's; tests without a browser do not load it


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """An org that answers at `address`, and the passwords of those who may sign in, by username."""

    org: app.Org
    address: str
    passwords: dict[str, str]

    def sign_in(self, page: Page, username: str) -> Page:
        """Sign somebody in on a page, and return it at the home page. A password for one login is exchanged for another."""
        page.goto(f"{self.address}/login")
        page.fill("[name=username]", username)
        page.fill("[name=password]", self.passwords[username])
        page.click("button.pri")
        page.wait_for_url(re.compile(r"/(password)?$"))
        if page.url.endswith("/password"):
            self._choose(page, username)
        return page

    def _choose(self, page: Page, username: str) -> None:
        page.fill("[name=old]", self.passwords[username])
        self.passwords[username] = CHOSEN
        for name in ("password", "again"):
            page.fill(f"[name={name}]", CHOSEN)
        page.click("button.pri")
        page.wait_for_url(re.compile(r"/$"))


@contextmanager
def living(folder: Path, *, name: str = "Halden Robotics") -> Iterator[Living]:
    """Found an org in `folder` and serve it on a free port of this machine for the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    org = app.open_org(Settings.from_environment({}, data=folder, port=port))
    logins = app.found(org, name=name)
    server = create_server(application(org), host="127.0.0.1", port=port, threads=8, ident=None)
    background = app.Background(org)
    background.start()
    thread = threading.Thread(target=server.run, name="living", daemon=True)
    thread.start()
    try:
        yield Living(org=org, address=org.settings.address, passwords={each.username: each.password for each in logins})
    finally:
        server.close()
        thread.join(5)
        background.stop()
        org.close()
