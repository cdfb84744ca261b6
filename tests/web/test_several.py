"""Several records of a list at once: those ticked or all that the list shows, deleted, restored, handed over."""

from __future__ import annotations

import re

import pytest

from fieldstone.web import several


@pytest.fixture
def deals(site):
    """Sixty deals of the representative, of which twenty are won."""
    owner = site.user("rep")
    rows = [{"name": f"Deal {number:02}", "stage": "won" if number % 3 == 0 else "open", "amount": "10.00"} for number in range(60)]
    return [site.create("deal", owner=owner, **row) for row in rows]


@pytest.fixture
def deal(site):
    return site.create("deal", name="Cell line 4", owner=site.user("rep"))


def left(site):
    """How many deals there are outside the recycle bin."""
    text = site.visitor("admin").get("/o/deal?view=every").text
    found = re.search(r"<b>(\d+)</b> deals", text)
    return int(found[1]) if found else 0


def test_several_ticked_records_are_deleted_together_and_come_back_together(site, deal, rep):
    other = site.create("deal", name="Second", owner=site.user("rep"))
    rep.get("/o/deal")
    assert rep.post("/o/deal/delete", [("select", deal), ("select", other)]).status_code == 303
    undo = re.search(r'undo="([^"]+)"', rep.get("/o/deal").text)[1].replace("&amp;", "&")
    assert rep.send(undo, {}).status_code == 200
    assert "Second" in rep.get("/o/deal?view=every").text
    assert rep.post("/o/deal/delete").status_code == 422


def test_the_boxes_of_the_rows_belong_to_the_form_of_the_bar(deal, rep):
    text = rep.get("/o/deal?view=every").text
    form = re.search(r'<form id="bulk" .*?</form>', text, re.DOTALL)[0]
    assert 'formaction="/o/deal/delete"' in form
    assert 'name="view" value="every"' in form
    assert re.findall(r'name="select" value="([^"]+)" form="bulk"', text) == [deal]


def test_all_of_a_list_are_offered_when_there_are_more_than_it_shows(deals, rep):
    assert "Select all 60" in rep.get("/o/deal?view=every").text
    assert "Select all" not in rep.get("/o/deal?view=every&f.1=stage&o.1=in&v.1.won=1").text.replace("Select all rows", "")


def test_all_of_a_list_are_those_that_meet_its_conditions(site, deals, rep):
    rep.get("/o/deal?view=every")
    conditions = {"view": "every", "f.1": "stage", "o.1": "in", "v.1.open": "1"}
    answer = rep.post("/o/deal/delete", conditions, select_all="1", select=deals[0])
    assert answer.headers["Location"] == "/o/deal?view=every&f.1=stage&o.1=in&v.1.open=1"
    assert "40 records deleted" in rep.get("/o/deal?view=every").text
    assert left(site) == 20


def test_all_of_a_list_get_a_new_owner(site, deals, rep):
    rep.get("/o/deal")
    asked = rep.post("/o/deal/owner", {"view": "every"}, select_all="1")
    assert "60 records get a new owner." in asked.text
    assert 'name="select_all" value="1"' in asked.text
    answer = rep.post("/o/deal/owner", {"view": "every"}, select_all="1", owner=site.user("admin"), owner__text="Ada Admin")
    assert answer.status_code == 303
    assert left(site) == 60
    assert {site.get("deal", each)["owner"].name for each in (deals[0], deals[59])} == {"Ada Admin"}


def test_sets_before_a_refused_one_stand_and_the_next_page_says_so(site, deals, admin, monkeypatch):
    monkeypatch.setattr(several, "SET", 20)
    line = {"kind": "object", "api_name": "line", "label": "Line", "plural": "Lines", "fields": {}}
    line["fields"] = {
        "name": {"type": "text", "label": "Name"},
        "deal": {"type": "lookup", "label": "Deal", "to": "deal", "on_delete": "restrict"},
    }
    site.publish(line)
    site.create("line", name="Holds it", deal=deals[45])
    admin.get("/o/deal")
    assert admin.post("/o/deal/delete", {"view": "every", "sort": "name"}, select_all="1").status_code == 303
    said = admin.get("/o/deal?view=every").text
    assert "Only 40 of 60 records: then it was refused." in said
    assert left(site) == 20


def test_a_record_is_handed_over_to_somebody_else(site, deal, rep):
    rep.get(f"/o/deal/{deal}/owner")
    answer = rep.post("/o/deal/owner", select=deal, owner="", owner__text="Nobody")
    assert answer.status_code == 422
    answer = rep.post("/o/deal/owner", select=deal, owner=site.user("admin"), owner__text="Ada Admin")
    assert answer.headers["Location"].startswith("/o/deal?"), "the representative sees the record no more"
    assert site.get("deal", deal)["owner"].name == "Ada Admin"
    assert rep.get(f"/o/deal/{deal}").status_code == 404
