"""A formula over a field that its reader may not see, on every page and every answer of the API: neither its value nor its name."""

from __future__ import annotations

import re

import pytest

from fieldstone.auth import tokens
from fieldstone.db.transaction import write
from fieldstone.records.principal import assign
from tests.support import pages, worlds

NAME, LABEL, CANARY = "loud_whisper", "Loud whisper", "QZXCANARYQZX"
FORMULA = {"type": "formula", "label": LABEL, "returns": "text", "formula": 'UPPER(secret) & IF(TODAY() = TODAY(), "", "")'}
KEPT = {**FORMULA, "label": f"{LABEL} kept", "formula": "UPPER(secret)", "searchable": True}
DEAL = {**pages.DEAL, "fields": {**pages.DEAL["fields"], NAME: FORMULA, f"{NAME}_kept": KEPT}}
FIELDS = (NAME, f"{NAME}_kept")
LAYOUT = {**pages.LAYOUT, "api_name": "loud", "order": 1, "tabs": [{**pages.LAYOUT["tabs"][0]}]}
LAYOUT["tabs"][0]["sections"] = [
    {
        "id": "key",
        "label": "Key facts",
        "items": [{"field": "name"}, {"field": "stage", "read_only_when": f'{NAME} = "nothing"'}, *({"field": each} for each in FIELDS)],
    }
]
PANEL = {"kind": "highlight_panel", "object": "deal", "api_name": "loud", "label": "Loud", "fields": ["stage", *FIELDS]}
VIEW = {
    "kind": "list_view",
    "object": "deal",
    "api_name": "loud",
    "label": "Loud",
    "columns": [{"field": "name"}, *({"field": each} for each in FIELDS)],
    "board": {"group_by": "stage", "card": [*FIELDS]},
}
GRANTED = worlds.permission_set("loud", {"deal": worlds.rights("read", read=FIELDS)})
TRUSTED = worlds.permission_set("trusted", {"deal": worlds.rights("read", read=["secret"])})


def prepare(engine) -> None:
    pages.prepare(engine)
    site = pages.open_site(engine)
    site.publish(DEAL, LAYOUT, PANEL, VIEW, GRANTED, TRUSTED)
    with write(engine) as tx:
        assign(tx.connection, site.user("rep"), ["sales_rep", "loud"])
        assign(tx.connection, site.user("reader"), ["reader", "loud", "trusted"])
    site.create("deal", name="Pilot", stage="open", secret=CANARY.lower(), owner=site.user("rep"))
    site.org.close()


@pytest.fixture
def site(prepared):
    opened = pages.open_site(prepared("formulas on surfaces", prepare), api_rate=0)
    yield opened
    opened.org.close()


def record_of(site) -> str:
    found = re.search(r"/o/deal/([0-9a-f-]{36})", site.visitor("admin").get("/o/deal").text)
    assert found is not None
    return found[1]


def on_pages(site, username: str) -> dict[str, str]:
    """What somebody's pages say, by address."""
    visitor, record = site.visitor(username), record_of(site)
    asked = ["/", "/o/deal?view=loud", "/o/deal?view=loud&as=board", f"/o/deal/{record}", f"/search?q={CANARY}"]
    if username == "rep":
        asked += [f"/o/deal/{record}/edit", f"/o/deal/{record}/clone", "/o/deal/new"]
    found = {path: visitor.get(path).text for path in asked}
    if username == "rep":
        found["reaction"] = visitor.post(f"/o/deal/draft?record={record}", name="Typed", stage="open", changed="stage").text
        found["reaction to a new one"] = visitor.post("/o/deal/draft", name="Typed", stage="open", changed="stage").text
    return found


def from_api(site, username: str) -> dict[str, str]:
    """What the API answers to somebody's program, by question."""
    user, record = site.user(username), record_of(site)
    with write(site.org.engine) as tx:
        _, key = tokens.create(tx, user, name="tests", scopes=("records:read", "records:write", "metadata:read"), by=user)
        tokens.notice(tx, _)
    client, headers = site.app.test_client(use_cookies=False), {"Authorization": f"Bearer {key}"}
    asked = {
        "get": f"/records/deal/{record}",
        "list": "/records/deal",
        "view": "/records/deal?view=loud",
        "describe": "/objects/deal",
        "schema": "/objects/deal/schema",
        "openapi": "/openapi.json",
        "search": f"/search?q={CANARY}",
    }
    found = {name: client.get(f"/api/v1{path}", headers=headers) for name, path in asked.items()}
    for name in FIELDS:
        for what, query in (("select", f"select={name}"), ("filter", f"filter={name}%20%3D%20%22{CANARY}%22"), ("sort", f"sort={name}")):
            found[f"{what} {name}"] = client.get(f"/api/v1/records/deal?{query}", headers=headers)
    return {name: answer.text for name, answer in found.items()}


def test_who_may_not_see_the_input_meets_neither_value_nor_name_of_the_formula(site):
    shown, answered = on_pages(site, "rep"), from_api(site, "rep")
    said = {path: text for path, text in (shown | answered).items() if not path.startswith(("/search", "filter", "search"))}
    assert [path for path, text in said.items() if CANARY in text] == []  # the others repeat the question
    assert [path for path, text in shown.items() if LABEL in text or NAME in text] == []
    about = ("get", "list", "view", "describe", "schema", "openapi")
    assert [name for name in about if NAME in answered[name] or LABEL in answered[name]] == []
    assert "Pilot" not in shown[f"/search?q={CANARY}"] and "Pilot" not in answered["search"]
    assert all("unknown_field" in answered[key] or "unknown_name" in answered[key] for key in answered if " " in key)


def test_who_may_see_the_input_meets_the_formula_everywhere(site):
    shown, answered = on_pages(site, "reader"), from_api(site, "reader")
    assert [path for path in ("/o/deal?view=loud", "/o/deal?view=loud&as=board") if CANARY not in shown[path]] == []
    assert [name for name in ("get", "list", "view") if CANARY not in answered[name]] == []
    assert [name for name in ("describe", "schema", "openapi") if NAME not in answered[name]] == []
