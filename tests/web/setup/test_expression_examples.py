"""Examples of expressions: made of a record that was tried, run as at a publish, kept with what they are examples of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest
import time_machine

from fieldstone.db.engine import is_postgresql
from fieldstone.metadata import documents
from fieldstone.rules import FUNCTIONS
from tests.support import pages
from tests.web.setup.conftest import CHOICE, COUNTED, FORMULA, RULE, a_builder, error_at, told, words

LISTS = re.compile(r'<textarea [^>]*name="((?:default_)?examples)"[^>]*>\s*(.*?)</textarea>', re.DOTALL)


@pytest.fixture(scope="module")
def site(quiet_site):
    return quiet_site


@pytest.fixture(scope="module")
def builder(site):
    return a_builder(site, "admin")


@pytest.fixture(scope="module")
def deal(site):
    """The id of a deal of 40.00 with an account."""
    account = site.create("account", name="Kestrel", city="Basel")
    return site.create("deal", name="Cell line", stage="open", amount="40.00", account=account)


# --- made of a record ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "source", "example"),
    [
        (f"{FORMULA}&returns=currency&scale=2", "amount / 3", {"record": {"amount": "40.00"}, "expect": "13.33"}),
        (RULE, 'stage = "open" && ISBLANK(account.city)', {"record": {"stage": "open", "account.city": "Basel"}, "expect": "accepted"}),
        (RULE, "ISCHANGED(amount)", {"record": {"amount": "40.00"}, "prior": {"amount": "40.00"}, "expect": "accepted"}),
        ("object=deal&use=list_filter", "amount > 5", {"record": {"amount": "40.00"}, "expect": True}),
        ("object=deal&use=approval", "amount > 50", {"record": {"amount": "40.00"}, "expect": False}),
        ("object=deal&use=default&returns=currency&scale=2", "amount / 3", {"record": {"amount": "40.00"}, "expect": "13.33"}),
        ("object=deal&use=default&returns=percent&scale=1", "amount / 300", {"record": {"amount": "40.00"}, "expect": "13.3"}),
        (COUNTED, "amount > 50", {"record": {}, "related": {"deal.account": {"amount": "40.00"}}, "expect": False}),
    ],
)
def test_a_record_makes_an_example_that_holds(builder, deal, about, source, example):
    made = told(builder, source, about, record=deal)["tried"]["example"]
    assert made == {"name": "Cell line", **example}
    assert told(builder, source, about, examples=[made])["examples"] == [{"ok": True, "text": ""}]


@pytest.mark.parametrize("name", ["account", ""])
def test_a_record_to_choose_makes_an_example_of_a_lookup_filter(builder, site, deal, name):
    account, about = site.create("account", name="Tried", city="Basel"), f"{CHOICE}&name={name}"
    made = told(builder, '$Record.amount > 30 && city = "Basel"', about, record=account, edited=deal)
    example = made["tried"]["example"]
    assert example == {"name": "Tried", "record": {"amount": "40.00"}, "related": {name: {"city": "Basel"}}, "expect": True}
    assert [(each["in"], each["path"]) for each in made["reads"]] == [(["record"], "amount"), (["related", name], "city")]
    answers = told(builder, "ISBLANK(city)", about, examples=[example, {**example, "related": {}}])["examples"]
    assert answers == [{"ok": False, "text": "Comes to false."}, {"ok": True, "text": ""}]


def test_a_roll_up_has_examples_of_its_filter_and_of_its_figure(builder):
    rows = {"deal.account": [{"amount": 5}, {"amount": 50}]}
    examples = [{"related": {"deal.account": {"amount": 5}}, "expect": False}, {"related": rows, "expect": 50}]
    about = f"{COUNTED}&function=sum&field=amount"
    assert [each["ok"] for each in told(builder, "amount > 10", about, examples=examples)["examples"]] == [True, True]
    answers = told(builder, "amount > 1", about, examples=examples)["examples"]
    assert [each["text"] for each in answers] == ["Comes to true.", "Comes to 55."]
    for function, read in (("sum", [("stage", False), ("amount", True)]), ("count", [("stage", False)])):
        reads = told(builder, 'stage = "won"', f"{COUNTED}&function={function}&field=amount")["reads"]
        assert [(each["path"], "figure" in each) for each in reads] == read
        assert [(each["name"], each["label"]) for each in reads[0]["values"]] == [("open", "Open"), ("won", "Won"), ("lost", "Lost")]


def test_a_roll_up_without_a_filter_has_examples_of_its_figure(builder):
    rows = {"deal.account": [{"amount": "5"}, {"amount": "50"}]}
    examples = [{"related": rows, "expect": "55"}, {"related": rows, "expect": "50"}]
    answer = told(builder, "", f"{COUNTED}&function=sum&field=amount", examples=examples)
    assert [(each["path"], each["figure"]) for each in answer["reads"]] == [("amount", True)]
    assert answer["examples"] == [{"ok": True, "text": ""}, {"ok": False, "text": "Comes to 55."}]
    assert told(builder, "", f"{COUNTED}&function=count", examples=[{"related": rows, "expect": 2}])["examples"][0]["ok"]
    assert "examples" not in told(builder, "", FORMULA, examples=examples)


def test_what_an_example_gives_besides_has_its_label(builder):
    examples = [{"record": {"amount": "5", "stage": "won", "nowhere": 1}, "expect": 5}]
    found = told(builder, "amount", examples=examples)["reads"]
    assert [(each["path"], each["label"], "given" in each) for each in found] == [("amount", "Amount", False), ("stage", "Stage", True)]


def test_people_who_are_not_active_may_not_be_chosen_whatever_the_filter_says(builder, site):
    gone = site.create("user", name="Gone", username="gone", profile="standard_user", active=False)
    about = "object=user&use=lookup_filter&record=deal&name=seller&active_only="
    for active_only, result, then in (("1", "may not be chosen", "Only active people may be chosen."), ("0", "may be chosen", None)):
        tried = told(builder, 'username = "gone"', about + active_only, record=gone)["tried"]
        assert tried["result"].endswith(f"the record {result}") and tried.get("then") == then
        assert tried["example"]["expect"] is True and list(tried["example"]["related"]["seller"]) == ["username"]


def test_an_example_carries_the_day_and_the_person_it_depends_on(builder, deal):
    about = f"{FORMULA}&returns=text"
    made = told(builder, 'IF(TODAY() > DATE(2020, 1, 1), $User.Username, "")', about, record=deal)["tried"]["example"]
    assert made["user"] == {"username": "admin"} and made["expect"] == "admin"
    assert told(builder, 'IF(TODAY() > DATE(2020, 1, 1), $User.Username, "")', about, examples=[made])["examples"][0]["ok"]


@pytest.mark.parametrize(
    ("source", "clocks"),
    [
        ("IF(NOW() > DATETIMEVALUE(DATE(2020, 1, 1)), 1, 0)", {"now"}),
        ("HOUR(TIMENOW())", {"now"}),
        ("YEAR(TODAY())", {"today"}),
        ("YEAR(TODAY()) + HOUR(TIMENOW())", {"today", "now"}),
        ("amount", set()),
    ],
)
def test_an_example_says_only_what_the_expression_asks_the_clock_for(builder, deal, source, clocks):
    made = told(builder, source, f"{FORMULA}&returns=number", record=deal)["tried"]["example"]
    assert made.keys() & {"today", "now"} == clocks


def test_an_example_holds_where_the_readers_day_is_not_the_day_of_utc(site):
    made = site.create("deal", name="Late", stage="open")
    site.create("user", name="Kiri", username="kiri", profile="administrator", zone="Pacific/Kiritimati", language="en", active=True)
    about = f"{FORMULA}&returns=date"
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        kiri = a_builder(site, "kiri")
        tried = told(kiri, "DATEVALUE(NOW())", about, record=made)["tried"]
        assert (tried["result"], tried["example"]["expect"]) == ("2 Mar 2026", "2026-03-01")
        assert tried["differs"] == "As an example it comes to 2026-03-01: examples run by the clock of UTC."
        assert told(kiri, "DATEVALUE(NOW())", about, examples=[tried["example"]])["examples"] == [{"ok": True, "text": ""}]
        assert "differs" not in told(kiri, "DATEVALUE(NOW() - 0.1)", about, record=made)["tried"]


def test_what_no_field_holds_makes_no_example(builder, deal):
    tried = told(builder, "amount * 1000000000000000000000", f"{FORMULA}&returns=number", record=deal)["tried"]
    assert tried["result"] == "too many digits for the field" and "example" not in tried


def test_an_example_of_what_the_org_defines_says_whose_values_it_has(site, deal):
    limits = {"days": {"type": "number", "label": "Days"}}
    site.publish(
        {
            "kind": "custom_setting",
            "api_name": "limits",
            "label": "L",
            "fields": limits,
            "values": {"days": 1},
            "users": {"hans": {"days": 3}},
        },
        {"kind": "custom_label", "api_name": "greeting", "label": "G", "text": {"en": "Hello", "zh-Hans": "你好"}},
        {"kind": "queue", "api_name": "tier2", "label": "Tier 2", "objects": ["deal"]},
    )
    hans = a_builder(site, "hans")
    source = "Owner:Queue.Name & $Label.greeting & TEXT($Setup.limits.days)"
    queued = site.create("deal", name="Queued", owner=site.org.holder.newest().find("queue", "tier2").id)
    for record, owner, expect in ((deal, None, "你好3"), (queued, "queue:tier2", "Tier 2你好3")):
        made = told(hans, source, f"{FORMULA}&returns=text", record=record)["tried"]["example"]
        assert made["user"] == {"username": "hans", "profile": "administrator", "language": "zh-Hans"}
        assert (made["expect"], owner in (None, made["record"]["owner"])) == (expect, True)
        assert told(hans, source, f"{FORMULA}&returns=text", examples=[made])["examples"] == [{"ok": True, "text": ""}]


# --- run -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ({"record": {"amount": "10.00"}, "expect": "21.00"}, "Comes to 20.00."),
        ({"record": {"nowhere": "1"}, "expect": "1"}, "nowhere"),
        ({"record": {"amount": "1"}}, "expect"),
        ("no example", ""),
        ({"record": {}, "today": "tomorrow", "expect": 0}, ""),
    ],
)
def test_an_example_that_fails_says_why(builder, example, said):
    (outcome,) = told(builder, "amount * 2", f"{FORMULA}&returns=currency&scale=2", examples=[example])["examples"]
    assert not outcome["ok"] and outcome["text"]
    assert said in outcome["text"]


def test_examples_run_on_every_engine_that_a_publish_asks(prepared, monkeypatch):
    (absolute,) = FUNCTIONS["ABS"]
    monkeypatch.setitem(FUNCTIONS, "ABS", (replace(absolute, sql=lambda n: f"({n} + 1)", sqlite=lambda n: f"({n} + 1)"),))
    site = pages.open_site(prepared("pages", pages.prepare))
    examples = [
        {"record": {"amount": "-2.00"}, "expect": 2},
        {"record": {"amount": None}, "expect": 0},
        {"record": {"amount": 1}, "expect": 2},
    ]
    outcomes = told(a_builder(site, "admin"), "ABS(amount)", f"{FORMULA}&returns=number", examples=examples)["examples"]
    engines = ["SQLite", "PostgreSQL"] if is_postgresql(site.org.engine) else ["SQLite"]
    site.close()
    assert [each["ok"] for each in outcomes] == [False, False, False]
    assert [engine for engine in ("SQLite", "PostgreSQL") if f"on {engine}" in outcomes[0]["text"]] == engines
    assert outcomes[2]["text"] == "Comes to 1."


# --- kept ------------------------------------------------------------------------------------------------------------


def test_examples_of_a_formula_are_kept_with_it_and_shown_again(builder):
    examples = [{"name": "small", "record": {"amount": "10.00"}, "expect": "20.00"}]
    form = {"type": "formula", "label.en": "Twice", "returns": "currency", "scale": "2", "blanks": "zero", "formula": "amount * 2"}
    builder.publish("/setup/objects/deal/fields/new", {**form, "examples": json.dumps(examples)})
    assert documents.parse(builder.snapshot.documents["objects/deal.json"])["fields"]["twice"]["examples"] == examples
    assert "&#34;small&#34;" in builder.get("/setup/objects/deal/fields/twice").text
    builder.publish("/setup/objects/deal/fields/twice", {**form, "examples": ""})
    assert "examples" not in documents.parse(builder.snapshot.documents["objects/deal.json"])["fields"]["twice"]


@pytest.mark.parametrize("examples", ['[{"record": {"amount": "10.00"}, "expect": "21.00"}]', "[{", '{"expect": 1}'])
def test_a_wrong_example_stands_at_the_examples_of_the_form(builder, examples):
    form = {"type": "formula", "label.en": "Twice", "returns": "currency", "scale": "2", "blanks": "zero", "formula": "amount * 2"}
    answer = builder.plan("/setup/objects/deal/fields/new", {**form, "examples": examples})
    assert answer.status_code == 422
    assert error_at(answer, "examples"), words(answer)


def examples_of(builder, field):
    return documents.parse(builder.snapshot.documents["objects/deal.json"])["fields"][field].get("examples")


def test_examples_of_a_filter_and_of_a_default_stand_together_in_the_field_and_apart_in_its_form(builder):
    chosen = {"record": {}, "related": {"": {"city": "Basel"}}, "expect": True}
    form = {"type": "lookup", "label.en": "Payer", "to": "account", "filter": 'city = "Basel"', "default": "=account"}
    typed = {**form, "examples": json.dumps([chosen]), "default_examples": '[{"record": {"account": "a1"}, "expect": "a1"}]'}
    builder.publish("/setup/objects/deal/fields/new", typed)
    named = {**chosen, "related": {"payer": {"city": "Basel"}}}
    assert examples_of(builder, "payer") == [named, {"record": {"account": "a1"}, "expect": "a1"}]
    page, change = builder.get("/setup/objects/deal/fields/payer").text, "/setup/objects/deal/fields/payer"
    lists = {name: json.loads(unescape(text)) for name, text in LISTS.findall(page)}
    assert lists == {"examples": [named], "default_examples": [{"record": {"account": "a1"}, "expect": "a1"}]}
    for control, wrong in (("examples", {**named, "expect": False}), ("default_examples", {"record": {}, "expect": "a1"})):
        answer = builder.plan(change, {**typed, "examples": json.dumps([named]), control: json.dumps([wrong])})
        assert [name for name in lists if error_at(answer, name)] == [control]
        answer = builder.plan(change, {**typed, "examples": json.dumps([named]), control: "[{"})
        assert [name for name in lists if error_at(answer, name)] == [control]
    builder.publish(change, {**form, "filter": ""})  # an expression that goes takes its examples along
    assert examples_of(builder, "payer") == [{"record": {"account": "a1"}, "expect": "a1"}]


def test_the_default_of_a_checkbox_is_chosen_or_an_expression(builder):
    begun = builder.get("/setup/objects/deal/fields/new?type=checkbox").text
    assert re.search(r'<select[^>]* name="default".*?<option value="0" selected>Not ticked</option><option value="=">', begun)
    examples = [{"record": {"amount": "9.00"}, "expect": True}]
    form = {"type": "checkbox", "label.en": "Big one", "default": "=", "default_examples": json.dumps(examples)}
    refused = builder.plan("/setup/objects/deal/fields/new", {**form, "default_expression": "amuont > 5"})
    assert 'There is no field "amuont"' in " ".join(error_at(refused, "default_expression"))
    assert error_at(builder.plan("/setup/objects/deal/fields/new", form), "default_expression")
    builder.publish("/setup/objects/deal/fields/new", {**form, "default_expression": "amount > 5"})
    assert builder.snapshot.object("deal").fields["big_one"].default_formula == "amount > 5"
    assert examples_of(builder, "big_one") == examples
    change = "/setup/objects/deal/fields/big_one"
    kept = builder.get(change).text
    assert '<option value="=" selected>By an expression' in kept and "amount &gt; 5</textarea>" in kept
    builder.publish(change, {"label.en": "Big one", "default": "1", "default_expression": "amount > 5"})
    field = builder.snapshot.object("deal").fields["big_one"]
    assert (field.default, field.default_formula, examples_of(builder, "big_one")) == (True, None, None)


def test_examples_of_a_rule_and_of_a_view_are_kept(builder):
    rule = {"label.en": "Big", "error_when": "amount > 100", "message.en": "Too much.", "active": "1"}
    examples = [{"record": {"amount": "500"}, "expect": "refused"}]
    builder.publish_at_once("/setup/objects/deal/rules/new", {**rule, "examples": json.dumps(examples)})
    assert documents.parse(builder.snapshot.documents["validation_rules/deal/big.json"])["examples"] == examples
    builder.publish_at_once("/setup/objects/deal/rules/big", rule)  # a form without them leaves them alone
    assert documents.parse(builder.snapshot.documents["validation_rules/deal/big.json"])["examples"] == examples
    view = {"label.en": "Big", "column.0.field": "name", "filter": "amount > 100", "order": "100"}
    builder.publish_at_once("/setup/objects/deal/views/new", {**view, "examples": '[{"record": {"amount": "5"}, "expect": false}]'})
    assert documents.parse(builder.snapshot.documents["list_views/deal/big.json"])["examples"][0]["expect"] is False
