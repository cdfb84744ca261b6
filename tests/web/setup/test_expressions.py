"""What the expression editor is told: names, functions, values, problems under their characters, what comes out for a record."""

from __future__ import annotations

import html
import re

import pytest

from fieldstone.auth import passwords
from fieldstone.db.transaction import write
from tests.support import pages, worlds
from tests.web.setup.conftest import CHOICE, COUNTED, FORMULA, RULE, a_builder, error_at, steps, told, words


@pytest.fixture(scope="module")
def site(quiet_site):
    return quiet_site


@pytest.fixture(scope="module")
def builder(site):
    return a_builder(site, "admin")


# --- what is offered -------------------------------------------------------------------------------------------------


def names(builder, path="", about=FORMULA):
    return {each["name"]: each for each in builder.get(f"/setup/expressions/complete?{about}&path={path}").json["names"]}


def functions(builder, about=FORMULA):
    return {each["name"]: each for each in builder.get(f"/setup/expressions/functions?{about}").json["functions"]}


def test_fields_and_globals_are_offered_with_label_and_type(builder):
    found = names(builder)
    assert found["amount"] == {"name": "amount", "type": "Number", "label": "Amount", "relation": False}
    assert found["account"]["relation"]
    assert found["$User.Email"] == {"name": "$User.Email", "type": "Text", "label": "Email of the person", "relation": False}


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


def test_the_queues_that_may_own_such_records_are_offered(site, builder):
    for name, of in (("deal_desk", "deal"), ("intake", "account")):
        site.publish({"kind": "queue", "api_name": name, "label": name.title(), "objects": [of]})
    for path, expected in (("Owner:Queue.DeveloperName", "deal_desk"), ("account.owner:queue.api_name", "intake")):
        answer = builder.get(f"/setup/expressions/values?{FORMULA}&path={path}").json["values"]
        assert {each["name"] for each in answer} & {"deal_desk", "intake"} == {expected}


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_an_error_stands_under_its_characters_with_what_was_meant(builder):
    answer = told(builder, "1 + amuont")
    assert not answer["ok"]
    (problem,) = answer["problems"]
    assert (problem["start"], problem["end"], problem["severity"], problem["fix"]) == (4, 10, "error", "amount")
    assert 'There is no field "amuont" on Deal.' in problem["text"]


def test_an_object_is_called_by_its_label_in_the_readers_language(site):
    (problem,) = told(a_builder(site, "hans"), "amuont")["problems"]
    assert problem["text"].startswith("“商机”上没有字段“amuont”。")


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
        ('IF(close_date < "2026-01-01", 1, 0)', {'"2026-01-01"': "DATE(2026, 1, 1)"}),
        ("ＩＦ(amount > １０００, 1, 0)", {"ＩＦ": "IF", "１０００": "1000"}),
        ("amount — １．５", {"—": "-", "１．５": "1.5"}),
        ("Close Date - TODAY()", {"Close Date": "close_date"}),
        ("TODAY() -\n Close date + 金额 + nmae", {"Close date": "close_date", "金额": "amount", "nmae": "name"}),
        ('IF(stage = "赢单", 1, 0)', {'"赢单"': '"won"'}),
        ('CASE(account.name, "Open", 1, 0) + IF(ISPICKVAL(stage, "进行中"), 1, 0)', {'"进行中"': '"open"'}),
    ],
)
def test_what_a_newcomer_types_can_be_mended_by_a_click(builder, source, fixes):
    assert {source[each["start"] : each["end"]]: each["fix"] for each in told(builder, source)["problems"]} == fixes


@pytest.mark.parametrize(
    ("source", "fixes"),
    [
        ('interests = "robots"', {'interests = "robots"': 'INCLUDES(interests, "robots")'}),
        ('ISPICKVAL(interests, "robots")', {"ISPICKVAL": "INCLUDES"}),
    ],
)
def test_several_values_asked_as_one_are_offered_as_they_are_asked(builder, site, source, fixes):
    values = [{"api_name": "robots", "label": "Robots"}]
    account = {**site.org.holder.newest().parsed["objects/account.json"]}
    fields = {**account["fields"], "interests": {"type": "multi_picklist", "label": "Interests", "values": values}}
    site.publish({**account, "fields": fields})
    told_of = told(builder, source, "object=account&use=validation_rule")["problems"]
    assert {source[each["start"] : each["end"]]: each["fix"] for each in told_of} == fixes
    assert told(builder, source.replace(*next(iter(fixes.items()))), "object=account&use=validation_rule")["ok"]


def test_the_record_type_is_offered_by_its_name_in_expressions(builder, site):
    site.publish({"kind": "record_type", "object": "account", "api_name": "partner", "label": "Partner", "active": True})
    (problem,) = told(builder, 'RecordType.Name = "partner"', "object=account&use=validation_rule")["problems"]
    assert problem["fix"] == "$RecordType.Name"


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


@pytest.mark.parametrize(
    ("returns", "value", "fixes"),
    [("date", "close_date + 7", ["=close_date + 7"]), ("date", "2026-03-01", []), ("number", "12.5", []), ("text", "TODAY()", [])],
)
def test_a_default_that_lacks_its_sign_is_offered_with_it(builder, returns, value, fixes):
    answer = builder.visitor.send(f"/setup/expressions/check?object=deal&use=default&returns={returns}", {"value": value}).json
    assert [each["fix"] for each in answer["problems"]] == fixes


@pytest.mark.parametrize(
    "type_", ["text", "long_text", "number", "currency", "percent", "date", "datetime", "user", "email", "lookup", "phone"]
)
def test_the_default_that_a_form_gives_as_an_example_is_right(builder, type_):
    hint = re.search(
        r"For new records\. A value, or = and an expression(?: such as =([^<]+))?<",
        builder.get(f"/setup/objects/deal/fields/new?type={type_}").text,
    )
    assert hint[1] is None or told(builder, html.unescape(hint[1]), f"object=deal&use=default&returns={type_}")["ok"]


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
        (
            f"{FORMULA}&returns=text",
            'HYPERLINK("https://example.com?a=1&b=" & name, "See " & name)',
            "See Cell line (https://example.com?a=1&b=Cell%20line)",
        ),
        (RULE, "amount > 10", "true: the save is refused"),
        (RULE, "amount > 100", "false: the save is accepted"),
        ("object=deal&use=list_filter", "amount > 100", "false: the record is left out"),
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


# --- for whom --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("about", ["object=nothing&use=formula", "object=deal&use=nothing", "object=deal&use=formula&blanks=none"])
def test_an_editor_of_a_place_that_does_not_exist_is_not_found(builder, about):
    assert builder.get(f"/setup/expressions/complete?{about}").status_code == 404


@pytest.mark.parametrize("what", ["complete", "functions", "values", "records"])
def test_the_editor_is_for_those_who_build(site, rep, what):
    assert rep.get(f"/setup/expressions/{what}?{FORMULA}").status_code == 403
