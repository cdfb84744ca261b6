"""What pages call a record whose name a formula makes: its name, what says that the formula failed, or nothing that one may not know."""

from __future__ import annotations

import re

import pytest

from fieldstone.records.changes import Change
from tests.support import pages
from tests.support.statements import counting

CRATE = {
    "kind": "object",
    "api_name": "crate",
    "label": "Crate",
    "fields": {
        "name": {"type": "formula", "label": "Name", "returns": "text", "formula": '"Lot " & TEXT(100 / amount)'},
        "amount": {"type": "number", "label": "Amount"},
        "tag": {"type": "text", "label": "Tag", "searchable": True},
        "inside": {"type": "lookup", "label": "Inside", "to": "crate"},
    },
}
RIGHTS = ["read", "create", "edit", "delete", "view_all", "modify_all"]
LOOKUP = "/o/crate/lookup/inside?q=wood"
JSON = {"Accept": "application/json"}


@pytest.fixture
def crates(site) -> dict[str, str]:
    """Two crates, the second inside the first: the name of the first fails."""
    held = {each["api_name"]: each for each in pages.documents()}
    held["sales_rep"]["objects"]["crate"] = {"rights": RIGHTS, "fields": {"amount": "edit", "tag": "edit", "inside": "edit"}}
    held["administrator"]["objects"]["crate"] = held["sales_rep"]["objects"]["crate"]
    held["reader"]["objects"]["crate"] = {"rights": RIGHTS, "fields": {"tag": "edit", "inside": "edit"}}
    site.publish(CRATE, held["sales_rep"], held["reader"], held["administrator"], {**held["sales"], "items": [{"object": "crate"}]})
    outer = site.create("crate", amount=0, tag="wood", owner=site.user("rep"))
    return {"outer": outer, "inner": site.create("crate", amount=50, tag="tin", inside=outer, owner=site.user("rep"))}


def places(crates) -> dict[str, str]:
    """Where the outer crate is named on a page that names it and the inner one alone."""
    outer, inner = crates["outer"], crates["inner"]
    return {
        "its page": f"/o/crate/{outer}",
        "a lookup": f"/o/crate/{inner}",
        "a lookup in a list": "/o/crate?cols=tag,inside&f.1=tag&o.1=eq&v.1=tin",
        "a form": f"/o/crate/{inner}/edit",
        "a filter": f"/o/crate?f.1=inside&o.1=eq&v.1={outer}&cols=tag",
        "the search page": "/search?q=wood",
        "home": "/",
    }


def test_a_name_that_failed_is_called_so_everywhere(site, rep, crates):
    assert [place for place, url in places(crates).items() if "#Error!" not in rep.get(url).text] == []
    assert [place for place, url in places(crates).items() if "Unnamed" in rep.get(url).text] == []
    assert [each["text"] for each in rep.get(LOOKUP).json["results"]] == ["#Error!"]
    assert [each["text"] for each in rep.get("/search?q=wood", **JSON).json["groups"][0]["results"]] == ["#Error!"]
    site.org.records.save(pages.BUILDER, [Change(object="crate", action="delete", id=crates["outer"])])
    assert "#Error!" in rep.get("/recycle-bin?object=crate").text


@pytest.mark.parametrize(("approver", "called"), [("admin", "#Error!"), ("reader", "Unnamed")])
def test_an_approver_reads_the_name_that_is_theirs_to_read(site, crates, approver, called):
    entry = {"criteria": "amount = 0", "submitters": ["owner"]}
    node = {"id": "look", "type": "approve", "label": "Look", "approvers": [{"user": approver}], "on_empty": "admins", "reject": "end"}
    process = {"kind": "approval_process", "object": "crate", "api_name": "checked", "label": "Checked", "entry": entry, "nodes": [node]}
    site.publish({**process, "exclusive_group": "crates", "priority": 1, "evidence": ["tag"], "lock": {"mode": "full"}})
    crate, submitter = site.create("crate", amount=0, owner=site.user("rep")), site.visitor("rep")
    submitter.get(f"/o/crate/{crate}")
    assert submitter.post(f"/o/crate/{crate}/submit").status_code == 303
    inbox = site.visitor(approver).get("/approvals").text
    task = re.search(r'href="(/approvals/tasks/[0-9a-f-]{36})">([^<]*)</a>', inbox)
    assert task[2] == called
    assert f"<title>{called}" in site.visitor(approver).get(task[1]).text


def test_who_may_not_read_what_a_name_is_made_of_works_with_records_that_have_none(site, crates):
    reader = site.visitor("reader")
    pages_of = {
        place: reader.get(url)
        for place, url in (places(crates) | {"a list": "/o/crate?q=wood", "the bin": "/recycle-bin?object=crate"}).items()
    }
    assert {place: answer.status_code for place, answer in pages_of.items() if answer.status_code != 200} == {}
    assert [place for place, answer in pages_of.items() if "#Error!" in answer.text or re.search(r"Lot \d", answer.text)] == []
    assert [each["text"] for each in reader.get(LOOKUP).json["results"]] == ["Unnamed"]


def test_an_expression_is_tried_on_a_record_whose_name_one_may_not_read(site, crates):
    held = next(each for each in pages.documents() if each["api_name"] == "administrator")
    held["objects"]["crate"] = {"rights": RIGHTS, "fields": {"tag": "read"}}
    site.publish(held)
    admin = site.visitor("admin")
    admin.get("/")
    sent = {"source": 'tag = "tin"', "record": crates["inner"]}
    answer = admin.send("/setup/expressions/check?object=crate&use=validation_rule", sent)
    assert (answer.json["tried"]["result"], "Lot" in answer.text) == ("true: the save is refused", False)


def test_names_that_failed_cost_one_statement_for_all_of_a_page_and_others_none(site, rep, crates):
    for _ in range(3):
        site.create("crate", amount=50, tag="tin", inside=crates["outer"], owner=site.user("rep"))
    costs = {}
    for inside in ("outer", "inner"):
        url = f"/o/crate?cols=tag,inside&f.1=inside&o.1=eq&v.1={crates[inside]}"
        site.create("crate", amount=5, tag="tin", inside=crates[inside], owner=site.user("rep"))
        rep.get(url)
        with counting(site.org.engine) as log:
            rep.get(url)
        costs[inside] = len(log)
    assert costs["outer"] == costs["inner"] + 2  # one for the page, one for the words of the condition
