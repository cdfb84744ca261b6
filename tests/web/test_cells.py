"""One field edited in its cell of a list: who may, what comes back, what is refused where."""

from __future__ import annotations

import re

import pytest

from tests.support import pages
from tests.support.pages import HIDDEN


@pytest.fixture
def deal(site):
    account = site.create("account", name="Kestrel Aerospace")
    return site.create("deal", name="Cell line 4", amount="100.00", account=account, owner=site.user("rep"))


def cell(deal, name, query=""):
    return f"/o/deal/{deal}/cell/{name}{query}"


def test_a_list_names_the_columns_that_can_be_edited(site, deal, rep):
    script = re.compile(r'<x-cells[^>]*><script type="application/json">(.*?)</script>')
    assert script.search(rep.get("/o/deal?view=every").text)[1] == '{"1": "account", "2": "stage", "3": "amount"}'
    assert script.search(site.visitor("reader").get("/o/deal?view=every").text)[1] == "{}"


def test_a_cell_is_saved_and_the_whole_row_comes_back(site, deal, rep):
    form = dict(HIDDEN.findall(rep.get(cell(deal, "amount")).text))
    answer = rep.post(cell(deal, "amount", "?view=every&cols=amount,net"), form, amount="200")
    assert answer.status_code == 200
    assert re.findall(r"\$[\d.]+", answer.text) == ["$200.00", "$180.00"]  # the formula follows
    assert site.get("deal", deal)["amount"] == 200


def test_what_is_wrong_stands_at_the_cell_with_what_was_typed(deal, rep):
    form = dict(HIDDEN.findall(rep.get(cell(deal, "amount")).text))
    answer = rep.post(cell(deal, "amount"), form, amount="lots")
    assert answer.status_code == 422
    assert 'value="lots"' in answer.text
    assert "&#34;lots&#34; is not a number. Write it in digits, such as 1250.50." in answer.text


def test_a_rule_that_speaks_of_another_field_names_it(site, rep):
    deal = site.create("deal", name="No amount", owner=site.user("rep"))
    answer = rep.post(cell(deal, "stage"), dict(HIDDEN.findall(rep.get(cell(deal, "stage")).text)), stage="won")
    assert answer.status_code == 422
    assert "Amount: Enter the amount of a won deal." in answer.text


def test_somebody_who_was_faster_is_shown_and_can_be_overruled(site, deal, rep):
    form = dict(HIDDEN.findall(rep.get(cell(deal, "amount")).text))
    rep.post(cell(deal, "amount"), form, amount="150")
    late = rep.post(cell(deal, "amount"), form, amount="175")
    assert late.status_code == 409
    assert "here it says: $150.00" in late.text
    assert 'value="175"' in late.text
    assert rep.post(cell(deal, "amount"), dict(HIDDEN.findall(late.text)), amount="175").status_code == 200
    assert site.get("deal", deal)["amount"] == 175


def test_a_person_is_told_by_name_alone(site, deal, admin):
    held = next(each for each in pages.documents() if each["api_name"] == "administrator")
    held["objects"]["deal"]["fields"]["boss"] = "edit"
    site.publish({**pages.DEAL, "fields": {**pages.DEAL["fields"], "boss": {"type": "user", "label": "Boss"}}}, held)
    admin.get(cell(deal, "boss"))
    admin.post(cell(deal, "boss"), row_version="1", boss=site.user("rep"))
    assert "here it says: Rita Rep. Save" in admin.post(cell(deal, "boss"), row_version="1", boss=site.user("admin")).text


@pytest.mark.parametrize(("who", "field"), [("rep", "net"), ("rep", "secret"), ("rep", "nothing"), ("reader", "stage")])
def test_what_one_may_not_write_has_no_cell_to_edit(site, deal, who, field):
    visitor = site.visitor(who)
    assert visitor.get(cell(deal, field)).status_code == 404
    assert visitor.post(cell(deal, field), {field: "x"}).status_code == 404


def test_a_record_of_somebody_else_is_not_there_to_edit(site, rep):
    other = site.create("deal", name="Other", owner=site.user("admin"))
    assert rep.get(cell(other, "amount")).status_code == 404
    assert rep.post(cell(other, "amount"), amount="1").status_code == 404
