"""The editor of a list's filter by an expression: what a reader is offered and told, which is what they may read and no more."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.support import pages

CODE = {"type": "formula", "label": "Code", "returns": "checkbox", "formula": 'REGEX(account.name, "K.*")'}
PERMISSION = {"kind": "custom_permission", "api_name": "skip_stages", "label": "Skip stages"}


@pytest.fixture
def asked(site):
    """Ask as a person: GET what with a path, or POST an expression."""
    for name, stage in (("Alpha", "open"), ("Beta", "lost")):
        site.create("deal", name=name, stage=stage, owner=site.user("rep"))
    site.create("deal", name="Gamma", owner=site.user("admin"))

    def ask(who, what, text=""):
        visitor = site.visitor(who)
        if what != "check":
            return visitor.get(f"/o/deal/expressions/{what}?path={text}").json[{"complete": "names"}.get(what, what)]
        visitor.get("/o/deal")
        return visitor.send("/o/deal/expressions/check", {"source": text}).json

    return ask


def names(found):
    return {each["name"]: each["label"] for each in found}


def test_the_fields_one_may_read_are_offered_with_their_labels(asked):
    found = names(asked("rep", "complete"))
    assert found["close_date"] == "Close date"
    assert "$User.Id" in found
    assert "secret" not in found
    assert names(asked("admin", "complete"))["secret"] == "Secret note"
    assert names(asked("rep", "complete", "account"))["city"] == "City"
    assert names(asked("reader", "complete", "account")) == {}


def test_what_no_filter_can_ask_for_is_not_offered(site, asked):
    held = next(each for each in pages.documents() if each["api_name"] == "sales_rep")
    held["objects"]["deal"]["fields"]["code"] = "read"
    site.publish({**pages.DEAL, "fields": {**pages.DEAL["fields"], "code": CODE}}, PERMISSION, held)
    found = names(asked("rep", "complete"))
    assert "net" in found
    assert "code" not in found
    assert not [name for name in found if name.startswith("$Permission")]
    functions = {each["name"] for each in asked("rep", "functions")}
    assert "TODAY" in functions
    assert not functions & {"REGEX", "ISCHANGED"}
    (problem,) = asked("rep", "check", "code")["problems"]
    assert problem["severity"] == "error"


@pytest.mark.parametrize(("who", "path", "count"), [("rep", "stage", 3), ("rep", "secret", 0), ("rep", "nothing", 0)])
def test_values_of_a_picklist_are_offered(asked, who, path, count):
    assert len(asked(who, "values", path)) == count


def test_a_filter_is_told_for_how_many_of_ones_own_records_it_holds(asked):
    assert asked("rep", "check", 'stage = "lost"') == {"ok": True, "problems": [], "note": "true for 1 of 2 records"}
    assert asked("admin", "check", 'stage = "lost"')["note"] == "true for 1 of 3 records"


def test_every_mistake_is_told_at_its_place_with_what_was_meant(asked):
    answer = asked("rep", "check", 'amont > 5 && stge = "won"')
    assert not answer["ok"]
    assert [(each["start"], each["end"], each["fix"]) for each in answer["problems"]] == [(0, 5, "amount"), (13, 17, "stage")]
    (warning,) = asked("rep", "check", 'stage <> "Lost"')["problems"]
    assert (warning["severity"], warning["fix"]) == ("warning", '"lost"')


@pytest.mark.parametrize(
    ("typed", "meant"), [("金额 > 5", ["amount"]), ("Close Date < TODAY()", ["close_date"]), ('stage = "赢单"', ["won"])]
)
def test_what_is_called_by_its_label_is_found_if_one_may_read_it(asked, typed, meant):
    found = asked("rep", "check", typed)["problems"]
    assert [each["fix"].strip('"') for each in found if "fix" in each] == meant
    assert asked("admin", "check", 'Secret note = "a"')["problems"][0]["fix"] == "secret"


@pytest.mark.parametrize(("hidden", "missing"), [("secret", "secrxt"), ("Secret note", "Secrxt note"), ("secrte", "sxcrte")])
def test_a_hidden_field_is_told_like_one_that_is_not_there(asked, hidden, missing):
    def told(name):
        text = str(asked("rep", "check", f'{name} = "a"'))
        for word in name.split():
            text = text.replace(word, "NAME")
        return text

    assert told(hidden) == told(missing)


def test_who_does_not_see_the_object_is_told_nothing(site, asked):
    reader = site.visitor("reader")
    assert reader.get("/o/account/expressions/complete").status_code == 404
    assert reader.get("/o/nothing/expressions/complete").status_code == 404


def test_a_wrong_expression_comes_back_at_its_box_with_all_that_is_wrong(asked, site):
    answer = site.visitor("rep").get("/o/deal?view=every&x=amont+%3E+5+%26%26+stge+%3D+1")
    assert answer.status_code == 422
    dialog = re.search(r'<dialog[^>]* id="expression"[^>]* open>.*?</dialog>', answer.text, re.S)[0]
    told = re.findall(r"Line 1, column \d+: There is no field &#34;\w+&#34; on Deal", dialog)
    assert [unescape(each) for each in told] == [
        'Line 1, column 1: There is no field "amont" on Deal',
        'Line 1, column 14: There is no field "stge" on Deal',
    ]
    assert "amont &gt; 5 &amp;&amp; stge = 1</textarea>" in dialog


@pytest.mark.parametrize("shape", ["list", "board"])
def test_what_an_expression_may_not_mean_stands_above_the_records(asked, site, shape):
    answer = site.visitor("rep").get(f"/o/deal?view=every&as={shape}&x=stage+%3C%3E+%22Lost%22")
    assert answer.status_code == 200
    assert "is no value of this picklist" in answer.text
    assert "Alpha" in answer.text
    assert ' id="expression" aria-labelledby="expression-h">' in answer.text
