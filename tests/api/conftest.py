"""Fixtures of the API's tests: a small org on both databases, and programs with tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from fieldstone.auth import tokens
from fieldstone.db.transaction import write
from tests.support import pages

EVERYTHING = ("records:read", "records:write", "records:delete", "metadata:read", "metadata:write")

PROCESS = {
    "kind": "approval_process",
    "object": "deal",
    "api_name": "large_deal",
    "label": "Large deal",
    "entry": {"criteria": "amount > 1000", "submitters": ["owner"]},
    "evidence": ["name", "amount"],
    "lock": {"mode": "full"},
    "recall": {"allow": "until_first_decision"},
    "nodes": [
        {"id": "first", "type": "approve", "approvers": [{"user": "admin"}], "mode": "any", "on_empty": "block", "reject": "end"},
    ],
}


@dataclass
class Program:
    """A client with a token."""

    site: pages.Site
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Any:
        """Send one request below /api/v1; a body is JSON."""
        sent = {"Authorization": f"Bearer {self.token}", **self.headers, **{key.replace("_", "-"): text for key, text in headers.items()}}
        data = raw if raw is not None else None if body is None else json.dumps(body, default=str).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        return self.site.app.test_client(use_cookies=False).open(f"/api/v1{path}", method=method, data=data, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)


def exact(answer: Any) -> Any:
    """The JSON of an answer with its numbers as they were written."""
    return json.loads(answer.data, parse_float=Decimal)


@pytest.fixture
def site(prepared):
    """The small sales org of the pages' tests."""
    opened = pages.open_site(prepared("pages", pages.prepare), api_rate=0)
    yield opened
    opened.close()


@pytest.fixture
def program(site):
    """Return a maker of programs: for a username, with scopes."""

    def make(username: str, *scopes: str) -> Program:
        user = site.user(username)
        with write(site.org.engine) as tx:
            _, key = tokens.create(tx, user, name="tests", scopes=scopes or EVERYTHING, by=user)
            tokens.notice(tx, _)
        return Program(site, key)

    return make


@pytest.fixture
def admin(program):
    """A program of the administrator."""
    return program("admin")


@pytest.fixture
def rep(program):
    """A program of a representative, who may not see the field `secret`."""
    return program("rep")


@pytest.fixture
def approved_deals(site, admin):
    """The process, published as an administrator would."""
    planned = admin.post("/metadata/plans", {"put": [PROCESS]})
    assert planned.status_code == 201, planned.text
    confirm = [each["confirm"] for each in planned.json["confirm"]]
    assert admin.post(f"/metadata/plans/{planned.json['id']}/publish", {"confirm": confirm}).status_code == 200
