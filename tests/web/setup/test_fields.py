"""Fields in Setup: one of every type, with its places and rights in one plan."""

from __future__ import annotations

import json
import re

import pytest

from fieldstone.db.transaction import read
from fieldstone.metadata import publish
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from tests.support.pages import ACCOUNT
from tests.web.setup.conftest import carried, error_at, steps, words

NEW = "/setup/objects/deal/fields/new"


def add(builder, type_, label, **options):
    return builder.publish(NEW, {"type": type_, "label.en": label, **options})


@pytest.mark.parametrize(
    ("type_", "options", "expected"),
    [
        ("text", {"length": "40", "required": "1"}, {"length": 40, "required": True}),
        ("text_area", {}, {}),
        ("long_text", {}, {}),
        ("rich_text", {}, {}),
        ("email", {"unique": "1"}, {"unique": True}),
        ("phone", {}, {}),
        ("url", {}, {}),
        ("checkbox", {"default": "1"}, {"default": True}),
        ("number", {"scale": "2", "precision": "9", "min": "0"}, {"scale": 2, "precision": 9}),
        ("currency", {"scale": "2", "history": "1"}, {"scale": 2, "history": True}),
        ("percent", {"scale": "1", "max": "100"}, {"scale": 1}),
        ("date", {"default": "=TODAY() + 7"}, {"default_formula": "TODAY() + 7"}),
        ("datetime", {}, {}),
        ("picklist", {"values_new": "Small\nLarge"}, {"restricted": False}),
        ("multi_picklist", {"values_new": "Red | 红 | 紅\nBlue", "restricted": "1"}, {"restricted": True}),
        ("lookup", {"to": "account", "on_delete": "restrict"}, {"to": "account", "on_delete": "restrict"}),
        ("user", {"active_only": "1"}, {"to": "user"}),
        ("auto_number", {"pattern": "D-{000}"}, {"pattern": "D-{000}"}),
        ("formula", {"returns": "currency", "scale": "2", "formula": "amount * 2"}, {"formula": "amount * 2", "stored": True}),
    ],
)
def test_a_field_of_each_type_is_added(builder, type_, options, expected):
    options = {"restricted": "0", **options} if type_ == "picklist" else options
    add(builder, type_, "Extra", **options)
    field = builder.snapshot.object("deal").fields["extra"]
    assert field.type == type_
    assert {key: getattr(field, key) for key in expected} == expected


def test_a_roll_up_is_added(builder):
    add_to = "/setup/objects/account/fields/new"
    sent = {"type": "roll_up", "label.en": "Volume", "relation": "deal.account", "function": "sum", "field": "amount"}
    refused = builder.plan(add_to, sent)
    assert refused.status_code == 422
    assert error_at(refused, "declassified")[0].startswith("A reader may not see all these records: say why")
    builder.publish(add_to, sent | {"declassified": "Sales figures are no secret"})
    field = builder.snapshot.object("account").fields["volume"]
    assert (field.relation, field.function, field.field) == ("deal.account", "sum", "amount")


def test_existing_records_get_the_default_if_one_says_so(builder, site):
    deal = site.create("deal", name="Old", stage="open", amount="10.00")
    add(builder, "number", "Rating", default="3", fill_existing="1")
    add(builder, "number", "Double", default="=amount * 2", fill_existing="1")
    add(builder, "number", "Later", default="3", fill_existing="0")
    found = site.get("deal", deal)
    assert (found["rating"], found["double"], found["later"]) == (3, 20, None)


@pytest.mark.parametrize("typed", ["many", "1.5"])
def test_a_control_asks_for_a_whole_number_in_words(builder, typed):
    refused = builder.plan(NEW, {"type": "number", "label.en": "Rating", "scale": typed})
    assert error_at(refused, "scale") == ["Type a whole number in digits."]


def test_every_type_has_a_card_and_a_form(builder):
    cards = re.findall(r'href="(/setup/objects/deal/fields/new\?type=\w+)"', builder.get(NEW).text)
    assert len(cards) == 21
    assert [builder.get(url).status_code for url in cards] == [200] * 21


def test_values_typed_one_a_line_get_names_labels_and_colours(builder):
    add(builder, "picklist", "Size", values_new="Small | 小 | 小\nExtra large")
    values = builder.snapshot.object("deal").fields["size"].values
    assert [(each.name, each.label.get("zh-Hans"), each.color) for each in values] == [
        ("small", "小", "blue"),
        ("extra_large", None, "violet"),
    ]


def test_a_field_comes_with_its_places_and_rights_in_one_plan(builder):
    sent = {"type": "text", "label.en": "Rating", "grant.permission_sets/sales_rep.json": "edit"}
    sent["grant.permission_sets/reader.json"] = "read"
    before = builder.snapshot.version
    shown = builder.plan(NEW, [*sent.items(), ("add_to", "layouts/deal/deal_main.json"), ("add_to", "list_views/deal/every.json")])
    assert steps(shown)[0].startswith("Adds the field Rating to Deal.")
    builder.plan(NEW, [*carried(shown), ("publish", "1")])
    after = builder.snapshot
    assert after.version == before + 1
    assert "rating" in [item.field for item in after.find("page_layout", "deal_main", "deal").items()]
    assert after.find("list_view", "every", "deal").columns[-1].field == "rating"
    assert after.find("permission_set", "sales_rep").objects["deal"].fields["rating"] == "edit"
    assert after.find("permission_set", "reader").objects["deal"].fields["rating"] == "read"


def test_a_new_field_is_in_the_form_of_the_next_request(builder, site):
    add(builder, "text", "Rating", add_to="layouts/deal/deal_main.json")
    assert 'name="rating"' in builder.get("/o/deal/new").text


@pytest.mark.parametrize(
    ("type_", "typed", "control"),
    [
        ("text", {"length": "9999"}, "length"),
        ("text", {"length": "many"}, "length"),
        ("text", {"api_name": "amount"}, "api_name"),
        ("text", {"api_name": "owner"}, "api_name"),
        ("text", {"label.en": ""}, "label"),
        ("text", {"pattern": "("}, "pattern"),
        ("number", {"scale": "40"}, "scale"),
        ("lookup", {"to": ""}, "to"),
        ("auto_number", {"pattern": "none"}, "pattern"),
        ("formula", {"returns": "currency", "formula": "amuont * 2"}, "formula"),
        ("formula", {"returns": "date", "formula": "amount * 2"}, "formula"),
        ("date", {"default": "=NOPE()"}, "default"),
    ],
)
def test_a_problem_stands_at_its_control(builder, type_, typed, control):
    shown = builder.plan(NEW, {"type": type_, "label.en": "Extra", "help.en": "Kept", **typed})
    assert shown.status_code == 422
    assert error_at(shown, control), words(shown)
    assert 'value="Kept"' in shown.text
    assert "extra" not in builder.snapshot.object("deal").fields


@pytest.mark.parametrize(
    ("type_", "typed", "told"),
    [
        ("date", "close_date + 7", 'one is written as 2026-03-01. What is worked out begins with =. Did you mean "=close_date + 7"?'),
        ("date", "soon", "one is written as 2026-03-01. What is worked out begins with =."),
        ("currency", "amount * 2", 'one is written as 12.5. What is worked out begins with =. Did you mean "=amount * 2"?'),
        ("user", "owner", 'What is worked out begins with =. Did you mean "=owner"?'),
    ],
)
def test_a_default_that_is_no_value_is_told_how_one_is_written(builder, type_, typed, told):
    shown = builder.plan(NEW, {"type": type_, "label.en": "Extra", "default": typed})
    (error,) = error_at(shown, "default")
    assert error.startswith(f'"{typed}" is no value of this field')
    assert error.endswith(told)


def test_the_error_in_a_formula_names_what_was_meant(builder):
    shown = builder.plan(NEW, {"type": "formula", "label.en": "Extra", "returns": "currency", "formula": "amuont * 2"})
    assert 'Did you mean "amount"?' in " ".join(error_at(shown, "formula"))


def test_changing_a_field_keeps_what_the_form_does_not_show(builder):
    builder.publish(
        "/setup/objects/deal/fields/amount", {"label.en": "Volume", "label.zh-Hans": "金额", "scale": "2", "min": "0", "history": "1"}
    )
    field = builder.snapshot.object("deal").fields["amount"]
    assert (field.label["en"], field.label["zh-Hans"], field.history) == ("Volume", "金额", True)


def test_values_are_reordered_switched_off_and_added(builder):
    rows = {}
    for number, (name, label) in enumerate((("open", "Open"), ("won", "Won"), ("lost", "Lost"))):
        rows |= {f"value.{number}.name": name, f"value.{number}.label.en": label, f"value.{number}.active": "1" if name != "lost" else "0"}
    sent = {"label.en": "Stage", "required": "1", "restricted": "1", "value_order": "[2, 0, 1]"}
    sent |= {"value_default": "0", "values_new": "Paused"}
    builder.publish("/setup/objects/deal/fields/stage", sent | rows)
    values = builder.snapshot.object("deal").fields["stage"].values
    assert [(each.name, each.active, each.default) for each in values] == [
        ("lost", False, False), ("open", True, True), ("won", True, False), ("paused", True, False),
    ]  # fmt: skip


def test_a_value_in_use_asks_what_replaces_it(builder, site):
    deal = site.create("deal", name="Gone", stage="lost")
    sent = {"label.en": "Stage", "required": "1", "restricted": "1"}
    for number, name in enumerate(("open", "won", "lost")):
        sent |= {f"value.{number}.name": name, f"value.{number}.label.en": name.title(), f"value.{number}.active": "1"}
    sent["value.2.gone"] = "1"
    asked = builder.plan("/setup/objects/deal/fields/stage", sent)
    assert asked.status_code == 422
    assert 'name="replace.lost"' in asked.text
    builder.publish("/setup/objects/deal/fields/stage", sent | {"replace.lost": "won"})
    assert site.get("deal", deal)["stage"] == "won"


def test_records_without_a_value_are_asked_about_when_a_field_becomes_required(builder, site):
    deal = site.create("deal", name="Blank", stage="open")
    sent = {"label.en": "Reason", "required": "1"}
    asked = builder.plan("/setup/objects/deal/fields/reason", sent)
    assert asked.status_code == 422
    assert "Records that are there already" in words(asked)
    builder.publish("/setup/objects/deal/fields/reason", sent | {"answer": "fill", "answer_fill": "Unknown"})
    assert site.get("deal", deal)["reason"] == "Unknown"


def test_a_type_is_changed_by_a_plan_that_converts_the_values(builder, site):
    deal = site.create("deal", name="Seven", stage="open", reason="7")
    form = builder.get("/setup/objects/deal/fields/reason?type=number")
    assert "This field becomes: Number." in words(form)
    builder.publish("/setup/objects/deal/fields/reason", {"type": "number", "label.en": "Reason", "scale": "0"})
    assert builder.snapshot.object("deal").fields["reason"].type == "number"
    assert site.get("deal", deal)["reason"] == 7


def test_values_that_do_not_convert_are_asked_about(builder, site):
    deal = site.create("deal", name="Words", stage="open", reason="many")
    sent = {"type": "number", "label.en": "Reason", "scale": "0"}
    asked = builder.plan("/setup/objects/deal/fields/reason", sent)
    assert asked.status_code == 422
    assert "What becomes of them" in words(asked)
    builder.publish("/setup/objects/deal/fields/reason", sent | {"answer": "blank"})
    assert site.get("deal", deal)["reason"] is None


def test_a_field_is_renamed_in_every_formula_that_reads_it(builder):
    builder.publish("/setup/objects/deal/fields/amount/rename", to="volume")
    deal = builder.snapshot.object("deal")
    assert deal.fields["net"].formula == "volume * 0.9"
    assert deal.fields["volume"].was == ("amount",)


def test_a_field_that_a_formula_reads_is_not_removed(builder):
    text = words(builder.get("/setup/objects/deal/fields/amount/remove"))
    assert "needs it" in text
    assert builder.plan("/setup/objects/deal/fields/amount/remove").status_code == 422


def test_what_a_change_breaks_elsewhere_is_named_with_the_way_there(builder):
    example = json.dumps([{"record": {"amount": "100"}, "expect": "25.00"}])
    add(builder, "formula", "Half", returns="number", scale="2", formula="amount / 2")
    add(builder, "formula", "Quarter", returns="number", scale="2", formula="half / 2", examples=example)
    shown = builder.plan(
        "/setup/objects/deal/fields/half", {"label.en": "Half", "returns": "number", "scale": "2", "formula": "amount / 4"}
    )
    assert shown.status_code == 422
    assert '<a href="/setup/objects/deal/fields/quarter">Field “Quarter” of Deal</a>: Example 1 gives 12.50, but 25.00' in shown.text
    removed = builder.plan("/setup/objects/deal/fields/half/remove")
    assert "Field “Quarter” of Deal" in words(removed)


def test_what_uses_a_field_is_named_with_the_way_there(builder):
    add(builder, "formula", "Half", returns="number", scale="2", formula="amount / 2")
    used = builder.get("/setup/objects/deal/fields/amount/remove")
    assert '<a href="/setup/objects/deal/fields/half">Deal · Half</a><small>Field · reads it</small>' in used.text
    assert '<a href="/setup/objects/deal/layouts/deal_main">' in used.text


def test_a_removed_field_leaves_its_places_and_comes_back(builder, site):
    deal = site.create("deal", name="Kept", stage="open", secret="psst")
    shown = builder.plan("/setup/objects/deal/fields/secret/remove")
    assert "Also goes from" in words(shown)
    builder.publish("/setup/objects/deal/fields/secret/remove")
    assert "secret" not in builder.snapshot.object("deal").fields
    assert "secret" not in [item.field for item in builder.snapshot.find("page_layout", "deal_main", "deal").items()]
    builder.publish("/setup/objects/deal/fields/restore", name="secret")
    assert site.get("deal", deal)["secret"] == "psst"


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(builder, site):
    form = builder.get("/setup/objects/deal/fields/reason")
    base = re.search(r'name="base_version" value="(\d+)"', form.text)[1]
    builder.publish("/setup/objects/deal/fields/amount", {"label.en": "Volume", "scale": "2"})
    late = builder.plan("/setup/objects/deal/fields/reason", {"label.en": "Why", "base_version": base})
    assert late.status_code == 422
    assert "changed by somebody else" in words(late)
    assert 'value="Why"' in late.text
    again = re.search(r'name="base_version" value="(\d+)"', late.text)[1]
    builder.publish("/setup/objects/deal/fields/reason", {"label.en": "Why", "base_version": again})
    assert builder.snapshot.object("deal").fields["amount"].label["en"] == "Volume"


def test_a_field_of_the_orgs_object_goes_into_its_document(builder):
    assert add(builder, "text", "Rating").headers["Location"] == "/setup/objects/deal"
    assert builder.snapshot.object("deal").fields["rating"].path == "objects/deal.json"


def test_fields_of_a_packs_object_go_into_the_orgs_own_extension_of_it(builder, site):
    document = {**ACCOUNT, "api_name": "machine", "label": "Machine"}
    with read(site.org.engine) as tx:
        planned = plan(site.org.holder.current(tx.connection), ChangeSet(put=(document,), owner="machines"), tx.connection)
    publish.publish(site.org.engine, planned.require(), author=publish.Author(id=None), snapshots=site.org.holder)
    for label in ("Serial", "Hours"):
        builder.publish("/setup/objects/machine/fields/new", {"type": "text", "label.en": label})
    machine = builder.snapshot.object("machine")
    assert (machine.owner, machine.fields["serial"].owner, machine.fields["serial"].path) == ("machines", "org", "extensions/machine.json")
    for name in ("serial", "hours"):
        builder.publish(f"/setup/objects/machine/fields/{name}/remove")
    assert "extensions/machine.json" not in builder.snapshot.parsed


def test_a_roll_up_takes_a_field_of_the_records_it_is_about(builder):
    page = builder.get("/setup/objects/account/fields/new?type=roll_up").text
    allowed = re.search(r'<x-depends on="relation"><script type="application/json">(.*?)</script>\s*<select[^>]* name="field"', page)
    assert json.loads(allowed[1]) == {"deal.account": ["amount", "close_date", "net"]}


def test_the_reason_stays_on_the_page_of_the_plan(builder):
    shown = builder.plan("/setup/objects/deal/fields/reason", {"label.en": "Why", "reason": "Sales asked for it"})
    assert re.findall(r'<input[^>]* name="reason"[^>]* value="([^"]*)"', shown.text) == ["Sales asked for it"]
