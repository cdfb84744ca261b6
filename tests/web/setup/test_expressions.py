"""What the expression editor is told: names, functions, values, problems under their characters, what comes out for a record."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest
import time_machine

from fieldstone.auth import passwords
from fieldstone.db.engine import is_postgresql
from fieldstone.db.transaction import write
from fieldstone.metadata import documents
from fieldstone.rules import FUNCTIONS
from tests.support import pages, worlds
from tests.web.setup.conftest import Builder, error_at, steps, words

# One org for the file, on SQLite: editors write nothing, and that both databases read alike is told elsewhere.


@pytest.fixture(scope="module")
def site(sqlite_databases):
    url = sqlite_databases.copy("pages", pages.prepare)
    opened = pages.open_site(sqlite_databases.engine(url))
    yield opened
    opened.close()
    sqlite_databases.remove(url)


@pytest.fixture(scope="module")
def builder(site):
    return a_builder(site, "admin")


def a_builder(site, username):
    visitor = site.visitor(username)
    visitor.get("/setup")
    return Builder(site, visitor)


LISTS = re.compile(r'<textarea [^>]*name="((?:default_)?examples)"[^>]*>\s*(.*?)</textarea>', re.DOTALL)
FORMULA = "object=deal&use=formula"
RULE = "object=deal&use=validation_rule"


def told(builder, source, about=FORMULA, **more):
    return builder.visitor.send(f"/setup/expressions/check?{about}", {"source": source, **more}).json


# --- what is offered -------------------------------------------------------------------------------------------------


def names(builder, path="", about=FORMULA):
    return {each["name"]: each for each in builder.get(f"/setup/expressions/complete?{about}&path={path}").json["names"]}


def functions(builder, about=FORMULA):
    return {each["name"]: each for each in builder.get(f"/setup/expressions/functions?{about}").json["functions"]}


def test_fields_and_globals_are_offered_with_label_and_type(builder):
    found = names(builder)
    assert found["amount"] == {"name": "amount", "type": "Number", "label": "Amount", "relation": False}
    assert found["account"]["relation"]
    assert "$User.Id" in found


def test_fields_of_a_parent_are_offered_behind_its_dot(builder):
    assert "city" in names(builder, "account")
    assert "city" in names(builder, "$Record.account", "object=account&use=lookup_filter&record=deal")
    assert names(builder, "amount") == {}


def test_an_owner_is_offered_as_a_person_and_as_a_queue(builder):
    found = names(builder)
    assert all(found[name]["relation"] for name in ("owner", "Owner:User", "Owner:Queue"))
    assert names(builder, "Owner:Queue").keys() == {"id", "name", "api_name"}
    assert "Owner:Queue" in names(builder, "account")
    assert "email" in names(builder, "account.Owner:User")


def test_a_function_is_offered_with_arguments_doc_and_examples_by_subject(builder):
    found = functions(builder)
    assert found["LEFT"]["group"] == "Texts"
    (left,) = found["LEFT"]["calls"]
    assert left["signature"] == "LEFT(t, n)"
    assert [each["name"] for each in left["params"]] == ["t", "n"]
    assert left["examples"][0] == 'LEFT("Fieldstone", 5) → "Field"'
    assert left["doc"] and left["type"] == "Text"
    assert "+" not in found
    assert len(found["DATEVALUE"]["calls"]) == 2


def test_what_a_function_does_is_told_in_the_readers_language(site):
    (left,) = functions(a_builder(site, "hans"))["LEFT"]["calls"]
    assert left["doc"] == "`t` 的前 `n` 个字符；`n` 小于 1 时为空。"


@pytest.mark.parametrize(
    ("about", "missing"), [(FORMULA, "ISCHANGED"), ("object=deal&use=list_filter", "REGEX"), ("object=deal&use=approval", "ISNEW")]
)
def test_a_function_without_a_meaning_there_is_not_offered(builder, about, missing):
    assert missing in functions(builder, RULE)
    assert missing not in functions(builder, about)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("stage", [("open", "Open"), ("won", "Won"), ("lost", "Lost")]), ("STAGE", [("open", "Open"), ("won", "Won"), ("lost", "Lost")]),
     ("name", []), ("nowhere", []), ("account.city", [])],
)  # fmt: skip
def test_a_picklist_offers_its_values_in_their_order(builder, path, expected):
    answer = builder.get(f"/setup/expressions/values?{FORMULA}&path={path}").json["values"]
    assert [(each["name"], each["label"]) for each in answer] == expected


@pytest.fixture(scope="module")
def half_blind(site):
    """Somebody who may build, but reads only name and stage of deals, and no accounts."""
    may_read = {"deal": worlds.rights("read", "view_all", read=["name", "stage"])}
    site.publish(worlds.profile("blind_builder", may_read, setup=["view_setup", "customize"]))
    user = site.create("user", name="Bea", username="bea", email="bea@example.com", profile="blind_builder", language="en", active=True)
    with write(site.org.engine) as tx:
        passwords.store_password(tx, user, pages.PASSWORD)
    return a_builder(site, "bea")


def test_only_what_the_person_may_read_is_offered(half_blind):
    found = names(half_blind)
    assert {"name", "stage"} <= found.keys()
    assert not {"amount", "secret", "net", "account"} & found.keys()
    assert names(half_blind, "account") == {}
    assert names(half_blind, about="object=account&use=formula").keys() & {"name", "city"} == set()
    assert half_blind.get("/setup/expressions/values?object=account&use=lookup_filter&record=deal&path=$Record.stage").json["values"]


def test_nobody_builds_on_what_they_may_not_read(half_blind):
    field = {"type": "formula", "label.en": "Extra", "returns": "text", "formula": "TEXT(amount)"}
    shown = half_blind.plan("/setup/objects/deal/fields/new", field)
    assert "amount, which you may not read yourself" in " ".join(error_at(shown, "formula"))
    shown = half_blind.plan("/setup/objects/deal/fields/new", {**field, "formula": "TEXT(stage)"})
    assert "which you may not read" not in words(shown)
    assert steps(shown)


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_an_error_stands_under_its_characters_with_what_was_meant(builder):
    answer = told(builder, "1 + amuont")
    assert not answer["ok"]
    (problem,) = answer["problems"]
    assert (problem["start"], problem["end"], problem["severity"], problem["fix"]) == (4, 10, "error", "amount")
    assert 'There is no field "amuont" on Deal.' in problem["text"]


def test_all_errors_are_told_at_once(builder):
    assert [each["start"] for each in told(builder, "amuont + nmae + 1")["problems"]] == [0, 9]


def test_a_value_that_was_meant_keeps_its_quotation_marks(builder):
    (problem,) = told(builder, 'stage = "Won"', RULE)["problems"]
    assert (problem["severity"], problem["fix"]) == ("warning", '"won"')


@pytest.mark.parametrize(
    ("source", "fixes"),
    [
        ("=IF(amount > 5, 1, 0)", {"=": ""}),
        ("金额 * 2", {"金额": "amount"}),
        ("IF(amount ≥ 5； 1； 0)", {"≥": ">=", "；": ","}),
        ("PROPER(name)", {"PROPER": "INITCAP"}),
    ],
)
def test_what_a_newcomer_types_can_be_mended_by_a_click(builder, source, fixes):
    assert {source[each["start"] : each["end"]]: each["fix"] for each in told(builder, source)["problems"]} == fixes


@pytest.mark.parametrize(
    ("about", "source", "type_"),
    [
        ("object=deal&use=formula", "amount * 2", "Number"),
        ("object=deal&use=formula", "account.city", "Text"),
        ("object=deal&use=validation_rule", "ISBLANK(amount)", "Yes or no"),
        ("object=account&use=lookup_filter&record=deal", "city = $Record.reason", "Yes or no"),
        ("object=deal&use=lookup_filter&record=deal&to=account", "city = $Record.reason", "Yes or no"),
        ("object=account&use=rollup_filter&relation=deal.account", "amount > 5", "Yes or no"),
    ],
)
def test_a_right_expression_has_a_type(builder, about, source, type_):
    answer = told(builder, source, about)
    assert (answer["ok"], answer["type"]) == (True, type_)


@pytest.mark.parametrize(
    ("source", "returns"), [("IF(amount > 1000, amount * 0.1, 0)", "currency"), ("LEN(name)", "number"), ("amount > 5", "checkbox")]
)
def test_a_result_of_another_type_says_which_field_would_take_it(builder, source, returns):
    (problem,) = told(builder, source, f"{FORMULA}&returns=text")["problems"]
    assert problem["returns"] == returns


def test_a_type_has_one_name_in_message_fix_and_choice(builder):
    (problem,) = told(builder, "amount > 5", f"{FORMULA}&returns=text")["problems"]
    assert problem["text"] == "The result is of type Yes or no; Text is needed here."
    assert problem["returns_text"] == told(builder, "amount > 5")["type"] == "Yes or no"
    assert '<option value="checkbox">Yes or no</option>' in builder.get("/setup/objects/deal/fields/new?type=formula").text


@pytest.mark.parametrize(
    ("returns", "source", "right"),
    [
        *(("email", "$User.Email", True), ("email", "5", False), ("text_area", "amount", False), ("multi_picklist", "TODAY()", False)),
        *(("user", "owner", True), ("user", "amount", False), ("lookup", "account", True)),
    ],
)
def test_a_default_is_right_where_its_field_takes_it(builder, returns, source, right):
    assert told(builder, source, f"object=deal&use=default&returns={returns}")["ok"] is right


def test_a_condition_says_for_how_many_records_it_holds(builder, site):
    for name, amount in (("A", "5.00"), ("B", "50.00"), ("C", None)):
        site.create("account", name=name, city=amount)
    about = "object=account&use=validation_rule"
    assert told(builder, 'name = "B" || BEGINS(city, "5.")', about)["note"].startswith("true for 2 of ")


def test_nothing_typed_is_no_error(builder):
    assert told(builder, "  ") == {"ok": False, "problems": []}


# --- what comes out --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deal(site):
    """The id of a deal of 40.00 with an account."""
    account = site.create("account", name="Kestrel", city="Basel")
    return site.create("deal", name="Cell line", stage="open", amount="40.00", account=account)


def values(answer, source):
    return {source[each["start"] : each["end"]]: each["value"] for each in answer["tried"]["parts"]}


@pytest.mark.parametrize(
    ("about", "source", "result"),
    [
        (FORMULA, "amount * 2 + 1", "81"),
        (f"{FORMULA}&returns=currency&scale=2", "amount / 3", "$13.33"),
        (f"{FORMULA}&returns=percent&scale=1", "amount / 300", "13.3%"),
        (f"{FORMULA}&returns=text", "account.city", "Basel"),
        (f"{FORMULA}&returns=text", "reason", "blank"),
        (RULE, "amount > 10", "true: the save is refused"),
        (RULE, "amount > 100", "false: the save is accepted"),
    ],
)
def test_a_record_gives_the_result_as_its_place_shows_it(builder, deal, about, source, result):
    assert told(builder, source, about, record=deal)["tried"]["result"] == result


def test_a_result_that_its_field_does_not_take_is_shown_all_the_same(builder, deal):
    answer = told(builder, "amount * 2", f"{FORMULA}&returns=text", record=deal)
    assert (answer["ok"], answer["tried"]["result"]) == (False, "80")
    assert "tried" not in told(builder, "amuont * 2", record=deal)
    lookup = told(builder, "amount * 2", RULE, record=deal)  # a condition is always asked for one
    assert not lookup["ok"] and "tried" not in lookup


def test_each_part_has_its_value(builder, deal):
    source = 'IF(amount > 10 && stage = "open", amount / 3, 1 / 0)'
    assert values(told(builder, source, record=deal), source) == {
        source: "13.3333333333333", 'amount > 10 && stage = "open"': "true", "amount / 3": "13.3333333333333", "1 / 0": "not evaluated",
        "amount > 10": "true", 'stage = "open"': "true", "amount": "40", "stage": '"open"',
    }  # fmt: skip


def test_an_error_is_told_at_the_part_in_which_it_arose(builder, deal):
    source = "1 + amount / (amount - 40)"
    tried = told(builder, source, record=deal)["tried"]
    assert tried["problem"] == "Division by zero."
    assert [source[each["start"] : each["end"]] for each in tried["parts"] if each.get("error") == "here"] == ["amount / (amount - 40)"]


def test_what_was_read_is_told_with_its_label(builder, deal):
    reads = told(builder, "account.city & TEXT(amount)", record=deal)["tried"]["reads"]
    assert [(each["label"], each["value"]) for each in reads] == [("Account · City", "Basel"), ("Amount", "$40.00")]


def test_only_records_that_one_may_see_are_tried_on(builder):
    assert told(builder, "1", record="0" * 36)["tried"]["problem"] == "Choose a record that you may see."


def test_nothing_is_read_that_the_person_may_not_read(half_blind, deal):
    for source in ("amount * 2", "account.city", "net", "secret"):
        tried = told(half_blind, source, record=deal)["tried"]
        assert tried["problem"].startswith("You may not read ") and tried["parts"] == []
    assert told(half_blind, 'stage & "!"', record=deal)["tried"]["result"] == '"open!"'


def test_values_and_parts_are_written_in_the_readers_language(site, deal):
    answer = a_builder(site, "hans").visitor.send(f"/setup/expressions/check?{RULE}", {"source": "ISBLANK(amount)", "record": deal}).json
    assert answer["tried"]["parts"][0]["value"] == "否"


def test_trying_writes_nothing(builder, site, deal):
    before = site.get("deal", deal)
    told(builder, "IF(ISCHANGED(amount), 1, amount) > 1", RULE, record=deal)
    assert site.get("deal", deal) == before


def test_records_are_suggested_by_name(builder, deal):
    assert [each["text"] for each in builder.get("/setup/expressions/records?object=deal&q=cell").json["results"]] == ["Cell line"]


CHOICE = "object=account&use=lookup_filter&record=deal"
COUNTED = "object=account&use=rollup_filter&relation=deal.account"


@pytest.mark.parametrize(
    ("about", "source", "result"),
    [
        (COUNTED, "amount > 10", "true: the record is counted"),
        (COUNTED, 'stage = "won"', "false: the record is not counted"),
        ("object=deal&use=default&returns=currency&scale=2", "amount / 3", "$13.33"),
        ("object=deal&use=default&returns=text", "account.city", "Basel"),
    ],
)
def test_filters_of_roll_ups_and_defaults_are_tried_on_a_record(builder, deal, about, source, result):
    assert told(builder, source, about, record=deal)["tried"]["result"] == result


@pytest.mark.parametrize(
    ("source", "city", "result"),
    [
        ('city = "Basel"', "Basel", "true: the record may be chosen"),
        ('city = "Basel"', "Bern", "false: the record may not be chosen"),
        ("$Record.account.city = city", "Basel", "true: the record may be chosen"),
        ("$record.Account.City <> city", "Basel", "false: the record may not be chosen"),
    ],
)
def test_a_lookup_filter_is_tried_on_the_record_to_choose_and_on_the_one_that_has_the_lookup(builder, site, deal, source, city, result):
    account = site.create("account", name="Tried", city=city)
    answer = told(builder, source, CHOICE, record=account, edited=deal)
    assert answer["tried"]["result"] == result
    assert answer.get("edited") == ("Deal with the lookup" if "record" in source.lower() else None)


def test_a_lookup_filter_asks_for_the_record_that_has_the_lookup_where_it_reads_it(builder, site, deal):
    account = site.create("account", name="Tried", city="Basel")
    answer = told(builder, "$Record.amount > 30", CHOICE, record=account)
    assert (answer["edited"], answer["tried"]["problem"]) == ("Deal with the lookup", "Choose the record that has the lookup, too.")
    tried = told(builder, "$Record.amount > 30 && NOT(ISBLANK(city))", CHOICE, record=account, edited=deal)["tried"]
    assert [(each["label"], each["value"]) for each in tried["reads"]] == [("Deal · Amount", "$40.00"), ("City", "Basel")]


def test_what_the_record_with_the_lookup_hides_is_not_read(half_blind, site, deal):
    account = site.create("account", name="Tried", city="Basel")
    tried = told(half_blind, "ISBLANK($Record.secret)", CHOICE, record=account, edited=deal)["tried"]
    assert tried["problem"] == "You may not read Deal · Secret note, so it cannot be tried."


def test_a_default_is_tried_on_a_new_record_with_the_defaults_of_other_fields(builder):
    about = "object=deal&use=default&returns=text"
    for source, result in (("stage", '"open"'), ("owner.username", "admin"), ("account.city", "blank"), ("TEXT(amount)", "blank")):
        tried = told(builder, source, about)["tried"]
        assert (tried["result"], tried["of"]) == (result.strip('"'), "Of a new record, before anything is typed.")
    tried = told(builder, "close_date + 1 > TODAY() + 30", "object=deal&use=default&returns=checkbox")["tried"]
    assert tried["parts"][0]["value"] == "true"
    assert "tried" not in told(builder, "amount", FORMULA)


@pytest.mark.parametrize(
    ("about", "then"),
    [
        (RULE, "The save is refused."), (COUNTED, "The record is not counted."), ("object=deal&use=list_filter", "The record is left out."),
        ("object=deal&use=default&returns=checkbox", "The field is left blank."), (FORMULA, ""),
    ],
)  # fmt: skip
def test_what_becomes_of_an_error_is_told(builder, deal, about, then):
    tried = told(builder, "1 / (amount - 40) > 0", about, record=deal)["tried"]
    assert (tried["problem"], tried["then"]) == ("Division by zero.", then)


@pytest.mark.parametrize(
    ("about", "names"),
    [(f"{CHOICE}&q=kes", ["Kestrel"]), (f"{CHOICE}&of=edited&q=cell", ["Cell line"]), (f"{COUNTED}&q=cell", ["Cell line"])],
)
def test_records_are_suggested_of_the_object_that_the_form_names(builder, deal, about, names):
    assert [each["text"] for each in builder.get(f"/setup/expressions/records?{about}").json["results"]] == names
    assert builder.get("/setup/expressions/records?object=deal&of=edited").status_code == 404


# --- examples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "source", "example"),
    [
        (f"{FORMULA}&returns=currency&scale=2", "amount / 3", {"record": {"amount": "40.00"}, "expect": "13.33"}),
        (RULE, 'stage = "open" && ISBLANK(account.city)', {"record": {"stage": "open", "account.city": "Basel"}, "expect": "accepted"}),
        (RULE, "ISCHANGED(amount)", {"record": {"amount": "40.00"}, "prior": {"amount": "40.00"}, "expect": "accepted"}),
        ("object=deal&use=list_filter", "amount > 5", {"record": {"amount": "40.00"}, "expect": True}),
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


def test_the_queues_that_may_own_such_records_are_offered(site, builder):
    for name, of in (("deal_desk", "deal"), ("intake", "account")):
        site.publish({"kind": "queue", "api_name": name, "label": name.title(), "objects": [of]})
    for path, expected in (("Owner:Queue.DeveloperName", "deal_desk"), ("account.owner:queue.api_name", "intake")):
        answer = builder.get(f"/setup/expressions/values?{FORMULA}&path={path}").json["values"]
        assert {each["name"] for each in answer} & {"deal_desk", "intake"} == {expected}


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


# --- for whom --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("about", ["object=nothing&use=formula", "object=deal&use=nothing", "object=deal&use=formula&blanks=none"])
def test_an_editor_of_a_place_that_does_not_exist_is_not_found(builder, about):
    assert builder.get(f"/setup/expressions/complete?{about}").status_code == 404


@pytest.mark.parametrize("what", ["complete", "functions", "values", "records"])
def test_the_editor_is_for_those_who_build(site, rep, what):
    assert rep.get(f"/setup/expressions/{what}?{FORMULA}").status_code == 403


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
