"""The small form of a new record over another form: what it asks for, what comes back, who may."""

from __future__ import annotations

import re

from tests.support.pages import HIDDEN


def test_a_lookup_offers_a_new_record_to_who_may_make_one(site, rep):
    assert 'create="/o/account/quick" create-label="New account"' in rep.get("/o/deal/new").text
    assert "/o/user/quick" not in rep.get("/o/deal/new").text


def test_the_form_begins_with_what_was_typed_and_asks_for_the_first_fields(rep):
    text = rep.get("/o/account/quick?name=Umber+Paints").text
    assert re.findall(r'data-field="(\w+)"', text) == ["name", "city"]
    assert 'value="Umber Paints"' in text
    assert "<html" not in text


def test_a_new_record_comes_back_with_its_id_and_name_and_a_form_sent_twice_makes_one(site, rep):
    form = dict(HIDDEN.findall(rep.get("/o/account/quick").text))
    answers = [rep.post("/o/account/quick", form, name="Umber Paints", city="Leeds") for _ in range(2)]
    assert [each.json for each in answers] == [{"id": answers[0].json["id"], "text": "Umber Paints"}] * 2
    assert site.get("account", answers[0].json["id"])["city"] == "Leeds"


def test_what_is_wrong_stands_at_its_field_with_what_was_typed(rep):
    form = dict(HIDDEN.findall(rep.get("/o/account/quick").text))
    answer = rep.post("/o/account/quick", form, name="", city="Leeds")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'value="Leeds"' in answer.text


def test_who_may_not_make_one_gets_no_form(site):
    reader = site.visitor("reader")
    assert reader.get("/o/deal/quick").status_code == 403
    assert reader.post("/o/deal/quick", name="Mine").status_code == 403
