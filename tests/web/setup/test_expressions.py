"""What the expression editor is told: names, functions, problems under their characters, values for a record."""

from __future__ import annotations

import pytest

from tests.web.setup.conftest import words

ABOUT = "object=deal&use=formula"


def checked(builder, source, about=ABOUT):
    return builder.visitor.send(f"/setup/expressions/check?{about}", {"source": source}).json


def test_fields_functions_and_words_are_offered(builder):
    answer = builder.get(f"/setup/expressions/complete?{ABOUT}&path=").json
    names = {each["name"]: each for each in answer["names"]}
    assert names["amount"] == {"name": "amount", "type": "Number", "label": "Amount", "relation": False}
    assert names["account"]["relation"]
    assert "$User.Id" in names
    functions = {each["name"]: each for each in answer["functions"]}
    assert functions["LEFT"]["signature"].startswith("LEFT(")
    assert functions["LEFT"]["example"]
    assert functions["LEFT"]["doc"]
    assert "+" not in functions


def test_fields_of_a_parent_are_offered_behind_its_dot(builder):
    names = [each["name"] for each in builder.get(f"/setup/expressions/complete?{ABOUT}&path=account").json["names"]]
    assert "city" in names
    assert builder.get(f"/setup/expressions/complete?{ABOUT}&path=amount").json["names"] == []


def test_an_error_stands_under_its_characters_with_what_was_meant(builder):
    answer = checked(builder, "1 + amuont")
    assert not answer["ok"]
    (problem,) = answer["problems"]
    assert (problem["start"], problem["end"], problem["severity"], problem["fix"]) == (4, 10, "error", "amount")
    assert 'There is no field "amuont" on Deal.' in problem["text"]


@pytest.mark.parametrize(
    ("about", "source", "type_"),
    [
        ("object=deal&use=formula", "amount * 2", "Number"),
        ("object=deal&use=formula", "account.city", "Text"),
        ("object=deal&use=validation_rule", "ISBLANK(amount)", "Yes or no"),
        ("object=account&use=lookup_filter&record=deal", "city = $Record.reason", "Yes or no"),
    ],
)
def test_a_right_expression_has_a_type(builder, about, source, type_):
    answer = checked(builder, source, about)
    assert (answer["ok"], answer["type"]) == (True, type_)


def test_a_condition_says_for_how_many_records_it_holds(builder, site):
    for name, amount in (("A", "5.00"), ("B", "50.00"), ("C", None)):
        site.create("deal", name=name, stage="open", amount=amount)
    assert checked(builder, "amount > 10", "object=deal&use=validation_rule")["note"] == "true for 1 of 3 records"


def test_nothing_typed_is_no_error(builder):
    assert checked(builder, "  ") == {"ok": False, "problems": []}


def test_an_expression_is_tried_on_a_record(builder, site):
    deal = site.create("deal", name="A", stage="open", amount="40.00")
    sent = {"formula": "amount * 2 + 1", "try_record": deal}
    text = words(builder.plan(f"/setup/expressions/try?{ABOUT}&source=formula", sent))
    assert "Number 81.00" in text
    assert "Amount 40.00" in text


@pytest.mark.parametrize(
    ("source", "said"),
    [("amount / 0", "cannot be worked out"), ("amuont", "There is no field"), ("amount +", "")],
)
def test_an_expression_that_fails_says_why(builder, site, source, said):
    deal = site.create("deal", name="A", stage="open", amount="40.00")
    answer = builder.plan(f"/setup/expressions/try?{ABOUT}&source=formula", {"formula": source, "try_record": deal})
    assert answer.status_code == 200
    assert said in words(answer)
    assert 'role="alert"' in answer.text


def test_only_records_that_one_may_see_are_tried_on(builder):
    answer = builder.plan(f"/setup/expressions/try?{ABOUT}&source=formula", {"formula": "1", "try_record": "0" * 36})
    assert "Choose a record that you may see." in words(answer)


def test_records_are_suggested_by_name(builder, site):
    site.create("deal", name="Cell line", stage="open")
    assert [each["text"] for each in builder.get("/setup/expressions/records?object=deal&q=cell").json["results"]] == ["Cell line"]


@pytest.mark.parametrize("about", ["object=nothing&use=formula", "object=deal&use=nothing", "object=deal&use=formula&blanks=none"])
def test_an_editor_of_a_place_that_does_not_exist_is_not_found(builder, about):
    assert builder.get(f"/setup/expressions/complete?{about}").status_code == 404


def test_the_editor_is_for_those_who_build(site, rep):
    assert rep.get(f"/setup/expressions/complete?{ABOUT}").status_code == 403
