"""Forms and pages whose parts come, go, freeze and fill themselves by expressions: of fields, parents, the person, hidden values."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.support import pages
from tests.support.orgs import picklist

PROJECT = {
    "kind": "object",
    "api_name": "project",
    "label": "Project",
    "fields": {
        "name": {"type": "text", "label": "Name", "required": True},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "phase": picklist("new", "renewal", "lost"),
        "budget": {"type": "currency", "label": "Budget", "scale": 2},
        "region": {"type": "text", "label": "Region", "default": "=account.city"},
        "boss": {"type": "user", "label": "Boss", "default": "=$User.Id"},
        "partner": {"type": "lookup", "label": "Partner", "to": "account", "default": "=account"},
        "finish": {"type": "date", "label": "Finish"},
        "start": {"type": "date", "label": "Start", "default": "=DATE(2026, 1, 1)"},
        "reason": {"type": "text", "label": "Reason"},
        "inner": {"type": "text", "label": "Inner"},
        "cost": {"type": "formula", "label": "Cost", "returns": "currency", "scale": 2, "formula": "budget * 0.5"},
    },
}
KEY = ["name", "account", "phase", "region", "boss", "partner", "start", "finish", "cost"]
LAYOUT = {
    "kind": "page_layout",
    "object": "project",
    "api_name": "project_main",
    "label": "Project",
    "tabs": [
        {
            "id": "main",
            "label": "Main",
            "sections": [
                {
                    "id": "key",
                    "label": "Key",
                    "items": [*({"field": each} for each in KEY), {"field": "budget", "read_only_when": 'phase = "renewal"'}],
                },
                {
                    "id": "lost",
                    "label": "Lost ones",
                    "visible_when": 'phase = "lost"',
                    "items": [
                        {"field": "reason", "required_when": 'phase = "lost"'},
                        {"component": "text", "text": "It was large.", "visible_when": "budget > 100"},
                    ],
                },
                {"id": "inside", "label": "Insiders", "visible_when": "account.margin > 10", "items": [{"field": "inner"}]},
            ],
        }
    ],
}
LONG = {"kind": "record_type", "object": "project", "api_name": "long", "label": "Long", "defaults": {"finish": "=start + 300"}}
BOX = re.compile(r'<input[^>]* name="([\w.]+)"[^>]*? value="([^"]*)"')


@pytest.fixture
def account(site) -> str:
    """An account with a margin that the representative may not read; projects, which they may."""
    held = {each["api_name"]: each for each in pages.documents()}
    margin = {"type": "number", "label": "Margin"}
    grants = {name: "read" if name == "cost" else "edit" for name in PROJECT["fields"] if name != "name"}
    held["sales_rep"]["objects"]["project"] = {"rights": ["create", "read", "edit"], "fields": grants}
    site.publish({**held["account"], "fields": {**held["account"]["fields"], "margin": margin}}, PROJECT, LAYOUT, LONG, held["sales_rep"])
    return site.create("account", name="Kestrel", city="Toulouse", margin=50, owner=site.user("rep"))


def boxes(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in BOX.findall(text)}


def shown(text: str) -> set[str]:
    return set(re.findall(r'data-field="(\w+)"', text))


def react(rep, form: dict[str, str], **typed: str):
    return rep.post("/o/project/draft", {**form, **typed})


def test_a_default_follows_what_it_reads_until_somebody_touches_it(site, rep, account):
    form = boxes(rep.get("/o/project/new?record_type=long").text)
    assert (form["boss"], form["boss__text"], form["finish"]) == (site.user("rep"), "Rita Rep", "2026-10-28")
    form = boxes(react(rep, form, name="x", account=account).text)
    assert (form["boss"], form["partner"], form["partner__text"], form["region"]) == (site.user("rep"), account, "Kestrel", "Toulouse")
    form = boxes(react(rep, form, region="Nantes", start="2027-01-01").text)
    assert (form["region"], form["finish"]) == ("Nantes", "2027-10-28")
    form = boxes(react(rep, form, account="", partner="", partner__text="").text)
    assert (form["region"], form["partner"], form["partner__text"]) == ("Nantes", "", "")


def test_a_default_is_no_less_one_after_the_form_was_refused(site, rep, account):
    form = boxes(rep.get("/o/project/new?record_type=long").text)
    refused = rep.post("/o/project/new", {**form, "name": "", "account": account})
    assert refused.status_code == 422
    form = boxes(refused.text)
    assert (form["region"], form["d.region"], form["partner"], form["d.partner"]) == ("Toulouse", "Toulouse", account, account)
    saved = rep.post("/o/project/new", {**form, "name": "x", "region": "", "start": "2027-01-01"})
    project = site.get("project", saved.headers["Location"].rpartition("/")[2])
    assert (project["region"], project["partner"].name, str(project["finish"])) == (None, "Kestrel", "2027-10-28")


def test_what_was_typed_into_a_lookup_with_a_default_is_no_default(rep, account):
    form = boxes(rep.get("/o/project/new?record_type=long").text)
    assert boxes(react(rep, form, partner__text="nobody").text)["partner__text"] == "nobody"


def test_what_is_frozen_shows_what_the_save_leaves_in_it(rep, account):
    form = boxes(rep.get("/o/project/new?record_type=long").text)
    open_ = react(rep, form, budget="500", phase="new").text
    frozen = react(rep, boxes(open_), budget="500", phase="renewal").text
    assert ("$250.00" in open_, "$250.00" in frozen) == (True, False)
    assert ("budget" in boxes(open_), "budget" in boxes(frozen), "budget" in shown(frozen)) == (True, False, True)


def test_a_text_of_the_layout_shows_by_its_condition(rep, account):
    form = boxes(rep.get("/o/project/new?record_type=long").text)
    tried = [("lost", "500"), ("lost", "50"), ("new", "500")]
    assert ["It was large." in react(rep, form, phase=phase, budget=budget).text for phase, budget in tried] == [True, False, False]


@pytest.mark.parametrize("phase", ["new", "renewal"])
def test_a_value_for_what_the_layout_does_not_offer_is_refused_for_new_records_too(rep, account, phase):
    form = boxes(rep.get("/o/project/new?record_type=long").text)
    sent = {"new": {"reason": "too dear"}, "renewal": {"budget": "5"}}[phase]
    refused = rep.post("/o/project/new", {**form, "name": "x", "phase": phase, **sent})
    assert (refused.status_code, "can&#39;t be changed at the moment" in refused.text) == (422, True)
    assert rep.post("/o/project/new", {**form, "name": "x", "phase": phase}).status_code == 303


def test_page_and_form_show_the_same_by_what_their_reader_may_not_read(site, rep, account):
    poor = site.create("account", name="Poor", margin=1, owner=site.user("rep"))
    for parent, inside in ((account, True), (poor, False), (None, False)):
        project = site.create("project", name="x", account=parent, owner=site.user("rep"), record_type="long")
        texts = [rep.get(f"/o/project/{project}{more}").text for more in ("", "/edit")]
        assert [">Insiders<" in text for text in texts] == [inside, inside]
        assert [text for text in texts if "argin" in re.sub("margin-", "", text)] == []


def test_the_small_form_reacts_and_asks_for_what_the_large_one_asks_for(site, rep, account):
    text = rep.get("/o/project/quick?name=Small").text
    assert 'react="/o/project/quick/draft"' in text
    assert 'id="q-project-name"' in text  # the form below it has an f-name
    assert "reason" not in shown(text)
    text = rep.post("/o/project/quick/draft", {**boxes(text), "phase": "lost", "account": account}).text
    assert ("reason" in shown(text), boxes(text)["region"]) == (True, "Toulouse")
    refused = rep.post("/o/project/quick", {**boxes(text), "phase": "lost"})
    assert (refused.status_code, boxes(refused.text)["d.region"]) == (422, "Toulouse")
    made = rep.post("/o/project/quick", {**boxes(refused.text), "phase": "lost", "reason": "price"})
    assert (made.json["text"], site.get("project", made.json["id"])["region"]) == ("Small", "Toulouse")


def test_who_may_not_make_one_gets_no_reaction_of_the_small_form_either(site):
    assert site.visitor("reader").post("/o/deal/quick/draft", name="x").status_code == 403


def test_the_small_form_is_that_of_the_record_type_that_is_meant_where_none_is_named(site, rep, account):
    other = {**LONG, "api_name": "other", "label": "Other", "order": 5, "default": True}
    layout = {**LAYOUT, "api_name": "of_others", "order": 1, "for": {"record_types": ["other"]}, "tabs": [{"id": "main", "label": "Main"}]}
    layout["tabs"][0]["sections"] = [{"id": "key", "label": "Key", "items": [{"field": "name"}, {"field": "inner"}]}]
    site.publish(other, layout)
    text = rep.get("/o/project/quick").text
    assert shown(text) == {"name", "inner"}
    made = rep.post("/o/project/quick", {**boxes(text), "name": "x"})
    assert site.get("project", made.json["id"])["record_type"] == "other"
