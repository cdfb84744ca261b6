"""An org with a web surface for tests: published from documents, with people who can sign in, asked through Flask's client.

Here: `Site` and `Visitor`. Not here: documents of objects (`orgs.obj`), rights (`worlds`), a real browser (`browser.py`).
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from waitress import create_server
from werkzeug.test import TestResponse

from fieldstone import app as assembly
from fieldstone.auth import csrf, passwords, sessions
from fieldstone.auth.cookies import SESSION
from fieldstone.auth.logins import user_called
from fieldstone.auth.rate import Rate
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import read, write
from fieldstone.metadata import publish, store
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.holder import Holder
from fieldstone.metadata.plan import plan
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal, assign
from fieldstone.settings import Settings
from fieldstone.web import rates
from fieldstone.wsgi import application
from tests.support import worlds

PASSWORD = "four quiet horses read"
BUILDER = Principal.internal("builder")
SECRET = "tests only 8dKq2ZpW5vRt7yBn3xLm9"

DEAL: dict[str, Any] = {
    "kind": "object",
    "api_name": "deal",
    "label": {"en": "Deal", "zh-Hans": "商机", "zh-Hant": "商機"},
    "plural": {"en": "Deals", "zh-Hans": "商机", "zh-Hant": "商機"},
    "icon": "handshake",
    "color": "emerald",
    "fields": {
        "name": {"type": "text", "label": {"en": "Name", "zh-Hans": "名称"}, "required": True, "searchable": True},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "stage": {
            "type": "picklist",
            "label": {"en": "Stage", "zh-Hans": "阶段"},
            "required": True,
            "history": True,
            "values": [
                {"api_name": "open", "label": {"en": "Open", "zh-Hans": "进行中"}, "color": "blue", "default": True},
                {"api_name": "won", "label": {"en": "Won", "zh-Hans": "赢单"}, "color": "green"},
                {"api_name": "lost", "label": "Lost", "color": "red"},
            ],
        },
        "reason": {"type": "text", "label": "Reason"},
        "amount": {"type": "currency", "label": {"en": "Amount", "zh-Hans": "金额"}, "scale": 2, "min": 0, "history": True},
        "close_date": {"type": "date", "label": "Close date", "default": "=TODAY() + 30"},
        "secret": {"type": "text", "label": "Secret note"},
        "net": {"type": "formula", "label": "Net", "returns": "currency", "scale": 2, "formula": "amount * 0.9"},
    },
}
ACCOUNT: dict[str, Any] = {
    "kind": "object",
    "api_name": "account",
    "label": {"en": "Account", "zh-Hans": "客户"},
    "plural": {"en": "Accounts", "zh-Hans": "客户"},
    "icon": "building-2",
    "color": "blue",
    "default_access": "read",
    "fields": {"name": {"type": "text", "label": "Name", "required": True, "searchable": True}, "city": {"type": "text", "label": "City"}},
}
LAYOUT: dict[str, Any] = {
    "kind": "page_layout",
    "object": "deal",
    "api_name": "deal_main",
    "label": "Deal",
    "tabs": [
        {
            "id": "main",
            "label": {"en": "Details", "zh-Hans": "详情"},
            "sections": [
                {
                    "id": "key",
                    "label": "Key facts",
                    "items": [
                        {"field": "name", "width": 2},
                        {"field": "account"},
                        {"field": "stage"},
                        {"field": "reason", "visible_when": 'stage = "lost"', "required_when": 'stage = "lost"'},
                        {"field": "amount"},
                        {"field": "close_date"},
                        {"field": "secret"},
                        {"field": "net"},
                    ],
                }
            ],
        }
    ],
    "path": {"field": "stage", "guidance": {"open": {"fields": ["amount"], "text": "Find out the budget."}}},
    "buttons": {"page": ["edit", "clone"], "more": ["transfer", "delete"]},
}
VIEWS: list[dict[str, Any]] = [
    {
        "kind": "list_view",
        "object": "deal",
        "api_name": "every",
        "label": {"en": "Every deal", "zh-Hans": "全部商机"},
        "columns": [{"field": "name"}, {"field": "account"}, {"field": "stage"}, {"field": "amount", "total": "sum"}, {"field": "secret"}],
        "sort": [{"field": "name"}],
        "board": {"group_by": "stage", "totals": ["amount"], "card": ["account", "amount"]},
    },
    {
        "kind": "list_view",
        "object": "deal",
        "api_name": "mine",
        "label": "My deals",
        "columns": [{"field": "name"}, {"field": "amount"}],
        "filter": "owner = $User.Id",
        "order": 200,
    },
]
RULE = worlds.rule(
    "deal",
    "won_needs_amount",
    'AND(stage = "won", ISBLANK(amount))',
    {"en": "Enter the amount of a won deal.", "zh-Hans": "请填写赢单金额。"},
    at="amount",
)
APP: dict[str, Any] = {
    "kind": "app",
    "api_name": "sales",
    "label": {"en": "Sales", "zh-Hans": "销售"},
    "icon": "trending-up",
    "items": [{"object": "deal"}, {"object": "account"}],
}


class Compiled(BytecodeCache):
    """Templates compiled once for all the applications of a test run."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what another application compiled."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it for the next."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()
RESTING: dict[Settings, list[Flask]] = {}  # making an application takes longer than most tests of it: all its routes are compiled


def documents() -> list[dict[str, Any]]:
    """Return the documents of a small sales org: an administrator, a representative who may not see one field, a reader."""
    rep = {
        "deal": worlds.rights(
            "create", "read", "edit", "delete", edit=["name", "account", "stage", "reason", "amount", "close_date"], read=["net"]
        ),
        "account": worlds.everything(ACCOUNT, "create", "read", "edit"),
        "user": worlds.rights("read", "view_all", read=["name", "username", "active", "email", "title"]),
    }
    reader = {
        "deal": worlds.rights("read", "view_all", read=["name", "stage"]),
        "user": worlds.rights("read", "view_all", read=["name", "active"]),
    }
    admin = {
        "deal": worlds.everything(DEAL, "create", "read", "edit", "delete", "view_all", "modify_all"),
        "account": worlds.everything(ACCOUNT, "create", "read", "edit", "delete", "view_all", "modify_all"),
        "user": worlds.rights("read", "view_all", read=["name", "username", "active", "email", "title", "language"]),
    }
    setup = [
        *("view_setup", "customize", "manage_users", "manage_security", "manage_automation", "manage_packs", "view_audit", "transfer_any"),
        "import",
    ]
    return [
        worlds.core_document("objects/user.json"),
        ACCOUNT,
        DEAL,
        LAYOUT,
        *VIEWS,
        RULE,
        APP,
        worlds.profile("administrator", admin, setup=setup, apps=["sales"]),
        worlds.profile("standard_user"),
        worlds.permission_set("sales_rep", rep, apps=["sales"]),
        worlds.permission_set("reader", reader, apps=["sales"]),
    ]


def prepare(engine: Engine) -> None:
    """Make the small sales org with its people: admin, rep and reader, who all have the same password."""
    migrate(engine)
    with write(engine) as tx:
        store.found_org(tx.connection, name="Halden Robotics", language="en", zone="UTC", now=tx.now)
    holder = Holder(engine)
    with read(engine) as tx:
        planned = plan(holder.current(tx.connection), ChangeSet(put=tuple(documents())), tx.connection)
    publish.publish(engine, planned.require(), author=publish.Author(id=None, reason="test"), snapshots=holder)
    site = open_site(engine)
    for username, name, profile, sets, language in (
        ("admin", "Ada Admin", "administrator", (), "en"),
        ("rep", "Rita Rep", "standard_user", ("sales_rep",), "en"),
        ("reader", "Rob Reader", "standard_user", ("reader",), "en"),
        ("hans", "韩梅", "administrator", (), "zh_hans"),
    ):
        user = site.create(
            "user", name=name, username=username, email=f"{username}@example.com", profile=profile, language=language, active=True
        )
        with write(engine) as tx:
            assign(tx.connection, user, sets)
            passwords.store_password(tx, user, PASSWORD)


def open_site(engine: Engine, **settings: Any) -> Site:
    """Return the web application on an engine that `prepare` has prepared (or a copy of it)."""
    chosen = Settings(data=Path("unused"), secret_key=SECRET, **{"port": 80, **settings})
    org = assembly.assembled(chosen, engine)
    return Site(org)


@contextmanager
def served(engine: Engine, **settings: Any) -> Iterator[Site]:
    """Serve the application on a free port of this machine for the block; `site.address` is where."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = open_site(engine, port=port, **settings)
    server = create_server(site.app, host="127.0.0.1", port=port, threads=4, ident=None)
    thread = threading.Thread(target=server.run, name="pages", daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.close()
        thread.join(5)
        site.close()


@dataclass
class Site:
    """An org and its web application."""

    org: assembly.Org
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        resting = RESTING.setdefault(self.org.settings, [])
        self.app = resting.pop() if resting else application(self.org)
        self.app.jinja_env.bytecode_cache = COMPILED
        for surface in (self.app, self.app.extensions["api"]):
            surface.config["ORG"] = self.org
        self.app.extensions["api"].config["RATE"] = Rate(self.org.settings.api_rate)
        rates.install(self.app)

    def close(self) -> None:
        """Close the org; its application rests until another org of the same settings is opened."""
        self.org.close()
        RESTING[self.org.settings].append(self.app)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return self.org.settings.address

    def publish(self, *documents: Mapping[str, Any]) -> None:
        """Publish more documents."""
        with read(self.org.engine) as tx:
            planned = plan(self.org.holder.current(tx.connection), ChangeSet(put=tuple(dict(each) for each in documents)), tx.connection)
        publish.publish(self.org.engine, planned.require(), author=publish.Author(id=None), snapshots=self.org.holder)

    def create(self, object_name: str, /, **values: Any) -> str:
        """Create a record as the platform and return its id."""
        (outcome,) = self.org.records.save(BUILDER, [Change(object=object_name, action="create", values=values)])
        assert outcome.id is not None
        return outcome.id

    def user(self, username: str) -> str:
        """Return the id of a user."""
        from fieldstone.records.query import Query

        with self.org.records.reading(BUILDER) as gate:
            return str(gate.read(Query(object="user", filter={"field": "username", "op": "eq", "value": username})).records[0]["id"])

    def get(self, object_name: str, record_id: str) -> dict[str, Any]:
        """Read a record as the platform."""
        with self.org.records.reading(BUILDER) as gate:
            return gate.get(object_name, record_id)

    def visitor(self, username: str | None = None, **headers: str) -> Visitor:
        """Return somebody with a browser, in a session if named. (The login page before it has tests of its own.)"""
        found = Visitor(self, self.app.test_client(), headers)
        if username is not None:
            found.begin_session(username)
        return found


HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Visitor:
    """One browser: keeps cookies, sends what a browser sends, finds the token of a page."""

    site: Site
    client: FlaskClient
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""

    def begin_session(self, username: str) -> None:
        """Be somebody who has signed in, with the token of a page."""
        org = self.site.org
        with write(org.engine) as tx:
            user = user_called(tx.connection, username)
            assert user is not None
            key = sessions.begin(tx, user, address=None, agent=None)
        self.client.set_cookie(SESSION.name(org.settings), key)
        self.token = csrf.token(org.settings.secret_key, key)

    def sign_in(self, username: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        """Fill in the login form."""
        self.get("/login")
        answer = self.post("/login", username=username, password=password, **fields)
        if answer.status_code == 303:
            self.get("/password" if answer.headers["Location"] == "/password" else "/me")
        return answer

    def get(self, url: str, **headers: str) -> TestResponse:
        """Open a page, and take its token for what follows."""
        answer = self.client.get(url, headers={**self.headers, **headers})
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', answer.text) if answer.mimetype == "text/html" else None
        if found is not None:
            self.token = found[1]
        return answer

    def fragment(self, url: str) -> TestResponse:
        """Ask as htmx does."""
        return self.get(url, **{"HX-Request": "true"})

    def post(self, url: str, /, fields: Mapping[str, Any] | Iterable[tuple[str, str]] | None = None, **more: Any) -> TestResponse:
        """Send a form with the token of the last page; files and lists go as Werkzeug takes them."""
        from werkzeug.datastructures import MultiDict

        sent = MultiDict(fields or {})
        sent.update(more)
        sent.setdefault("csrf_token", self.token)
        return self.client.post(url, data=sent, headers={**self.headers, "Sec-Fetch-Site": "same-origin"})

    def send(self, url: str, value: Any, **headers: str) -> TestResponse:
        """Send JSON as a script of a page does."""
        return self.client.post(
            url, json=value, headers={**self.headers, "X-CSRFToken": self.token, "X-Requested-With": "fetch", **headers}
        )

    def form(self, url: str) -> dict[str, str]:
        """Open a page with a record form and return its hidden fields."""
        return dict(HIDDEN.findall(self.get(url).text))
