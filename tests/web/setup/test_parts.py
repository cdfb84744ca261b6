"""Layouts, list views, validation rules and record types in Setup."""

from __future__ import annotations

import html
import json
import re

import pytest

from tests.support import pages
from tests.web.setup.conftest import error_at, steps, words

LAYOUT = "/setup/objects/deal/layouts/deal_main"
HEAD = {"label.en": "Deal"}


def hidden(answer, name):
    return html.unescape(re.search(rf'name="{name}"[^>]* value="([^"]*)"', answer.text)[1])


def opened(builder, url=LAYOUT):
    """The form of a layout as the editor opens it."""
    shown = builder.get(url)
    return {name: hidden(shown, name) for name in ("tabs", "tab", "layout")} | {"order": "100", "path_field": "stage", **HEAD}


def with_sections(form, change):
    layout = json.loads(form["layout"])
    change(layout["sections"])
    return form | {"layout": json.dumps(layout)}


def test_a_layout_that_was_not_touched_plans_nothing_but_its_buttons(builder):
    form = opened(builder)
    sent = [*form.items(), ("buttons.page", "edit"), ("buttons.page", "clone"), ("buttons.more", "transfer"), ("buttons.more", "delete")]
    assert "The org is like this already." in words(builder.plan(LAYOUT, sent))


def test_fields_are_moved_into_a_new_section(builder):
    def change(sections):
        amount = sections[0]["items"].pop(4)
        sections.append({"label": "Money", "columns": 1, "items": ["net" if amount == "net" else amount]})

    builder.publish_at_once(LAYOUT, with_sections(opened(builder), change))
    layout = builder.snapshot.find("page_layout", "deal_main", "deal")
    sections = layout.tabs[0].sections
    assert [(each.id, each.label.get("en"), each.columns) for each in sections] == [("key", None, 2), ("section_1", "Money", 1)]
    assert [item.field for item in sections[1].items] == ["amount"]


def test_conditions_of_an_item_are_published(builder):
    def change(sections):
        sections[0]["items"][4] = {"field": "amount", "required_when": 'stage = "won"', "width": "2"}

    builder.publish_at_once(LAYOUT, with_sections(opened(builder), change))
    item = next(each for each in builder.snapshot.find("page_layout", "deal_main", "deal").items() if each.field == "amount")
    assert (item.required_when, item.width) == ('stage = "won"', 2)


def test_a_wrong_condition_is_refused_and_the_layout_kept(builder):
    def change(sections):
        sections[0]["items"][4] = {"field": "amount", "visible_when": "stag = 1"}

    answer = builder.plan(LAYOUT, with_sections(opened(builder), change), publish="1")
    assert answer.status_code == 422
    assert 'There is no field "stag" on Deal. Did you mean "stage"?' in words(answer)
    assert "stag = 1" in hidden(answer, "layout")


def test_what_is_not_published_travels_from_tab_to_tab(builder):
    def change(sections):
        sections[0]["items"] = [item for item in sections[0]["items"] if item["field"] != "reason"]

    added = builder.plan(LAYOUT, with_sections(opened(builder), change), add_tab="1")
    assert hidden(added, "tab") == "tab_1"
    form = {name: hidden(added, name) for name in ("tabs", "tab", "layout")} | HEAD
    form |= {"tab_label.en": "Money", "layout": json.dumps({"sections": [{"label": "Why", "items": ["reason"]}]})}
    builder.publish_at_once(LAYOUT, form)
    tabs = builder.snapshot.find("page_layout", "deal_main", "deal").tabs
    assert [(each.id, each.label["en"]) for each in tabs] == [("main", "Details"), ("tab_1", "Money")]
    assert [item.field for item in tabs[1].sections[0].items] == ["reason"]


def test_a_related_list_is_shown_in_a_tab(builder):
    url = "/setup/objects/account/layouts/new"
    form = opened(builder, url) | {"label.en": "Account", "api_name": "account_main", "path_field": ""}
    related = {"related.1.relation": "deal.account", "related.1.on": "1", "related.1.columns": "name, stage", "related.1.rows": "7"}
    builder.publish_at_once(url, form | related)
    found = next(builder.snapshot.find("page_layout", "account_main", "account").related_lists())
    assert (found.relation, found.columns, found.rows) == ("deal.account", ("name", "stage"), 7)


def test_without_scripts_fields_are_placed_by_section_and_number(builder):
    form = opened(builder) | {"plain": "1", "new_section": "Later", "layout": ""}
    form |= {"place.name": "0", "order.name": "2", "place.amount": "0", "order.amount": "1", "place.stage": "1", "order.stage": "1"}
    builder.publish_at_once(LAYOUT, form | {"path_field": ""})
    sections = builder.snapshot.find("page_layout", "deal_main", "deal").tabs[0].sections
    assert [[item.field for item in each.items] for each in sections] == [["amount", "name"], ["stage"]]


@pytest.mark.parametrize("broken", ["", "[]", '{"tabs": 3}', '{"tabs": [3]}', "{", '{"tabs": [{"id": "main"}]}'])
def test_a_layout_form_that_nobody_sends_is_no_error_of_ours(builder, broken):
    answer = builder.plan(LAYOUT, {"tabs": broken, "tab": "main", "layout": "nonsense", **HEAD}, publish="1")
    assert answer.status_code == 422


def test_a_rule_is_published_and_stops_a_save(builder):
    sent = {"label.en": "No small deals", "error_when": "amount < 5", "message.en": "{{ name }} is too small."}
    sent |= {"at": "amount", "active": "1"}
    answer = builder.publish_at_once("/setup/objects/deal/rules/new", sent)
    assert answer.headers["Location"] == "/setup/objects/deal/rules/no_small_deals"
    refused = builder.plan("/o/deal/new", {"name": "Tiny", "stage": "open", "amount": "4"})
    assert refused.status_code == 422
    assert "Tiny is too small." in refused.text


def test_a_rule_with_a_mistake_keeps_what_was_typed(builder):
    sent = {"label.en": "Rule", "error_when": "amount > ", "message.en": "Kept message"}
    answer = builder.plan("/setup/objects/deal/rules/new", sent, publish="1")
    assert answer.status_code == 422
    assert error_at(answer, "error_when")
    assert "Kept message" in answer.text


def test_two_rules_of_one_name_are_refused_at_the_name(builder):
    sent = {"label.en": "Same", "api_name": "won_needs_amount", "error_when": "FALSE", "message.en": "No"}
    answer = builder.plan("/setup/objects/deal/rules/new", sent, publish="1")
    assert answer.status_code == 422
    assert error_at(answer, "api_name")
    assert builder.snapshot.find("validation_rule", "won_needs_amount", "deal").error_when != "FALSE"


def test_a_rule_is_switched_off_and_removed(builder):
    url = "/setup/objects/deal/rules/won_needs_amount"
    builder.publish_at_once(url, {"label.en": "Amount", "error_when": "ISBLANK(amount)", "message.en": "No", "active": "0"})
    assert not builder.snapshot.find("validation_rule", "won_needs_amount", "deal").active
    builder.publish_at_once(f"{url}/remove")
    assert builder.snapshot.find("validation_rule", "won_needs_amount", "deal") is None


def test_a_view_is_published_with_columns_in_their_order(builder):
    sent = {"label.en": "Large deals", "column.0.field": "name", "column.1.field": "amount", "column.1.total": "sum", "column.2.field": ""}
    sent |= {"column.3.field": "account.city", "column_order": "[1, 3, 0]", "filter": "amount > 1000", "sort.0.field": "amount"}
    sent |= {"sort.0.direction": "desc", "board.group_by": "stage", "board.card": "account, amount", "start_in": "board"}
    builder.publish_at_once("/setup/objects/deal/views/new", [*sent.items(), ("for.permission_sets", "reader")])
    view = builder.snapshot.find("list_view", "large_deals", "deal")
    assert [(each.field, each.total) for each in view.columns] == [("amount", "sum"), ("account.city", None), ("name", None)]
    assert (view.sort[0].field, view.sort[0].descending) == ("amount", True)
    assert (view.board.group_by, view.board.card, view.start_in) == ("stage", ("account", "amount"), "board")
    assert view.visible_to.permission_sets == {"reader"}


def test_a_wrong_column_stands_at_its_row(builder):
    sent = {"label.en": "Wrong", "column.0.field": "name", "column.4.field": "amuont"}
    answer = builder.plan("/setup/objects/deal/views/new", sent, publish="1")
    assert answer.status_code == 422
    assert re.search(r'id="f-column\.4\.field"[^>]*aria-invalid', answer.text)


def test_a_view_that_sorts_or_totals_by_what_sql_cannot_do_is_refused_at_the_control(builder):
    coded = {"type": "formula", "label": "Coded", "returns": "number", "formula": 'IF(REGEX(account.name, "a+"), 1, 2)'}
    builder.site.publish({**pages.DEAL, "fields": {**pages.DEAL["fields"], "coded": coded}})
    sent = {"label.en": "Coded", "column.0.field": "name", "column.1.field": "coded", "column.1.total": "sum", "sort.0.field": "coded"}
    sent |= {"board.group_by": "stage", "board.totals": "coded"}
    answer = builder.plan("/setup/objects/deal/views/new", sent, publish="1")
    assert answer.status_code == 422
    assert words(answer).count("REGEX cannot run inside the database") == 6  # each above the form and at its control
    assert len(error_at(answer, "board.totals")) == 1
    for control in ("column.1.field", "sort.0.field"):
        assert re.search(rf'id="f-{re.escape(control)}"[^>]*aria-invalid', answer.text)


def test_a_view_that_is_filtered_by_what_sql_cannot_do_is_refused(builder):
    answer = builder.plan("/setup/objects/deal/views/new", {"label.en": "X", "column.0.field": "name", "filter": "amount"}, publish="1")
    assert answer.status_code == 422
    assert error_at(answer, "filter")


def test_a_record_type_offers_some_values(builder):
    sent = [("label.en", "Renewal"), ("active", "1"), ("values.stage", "open"), ("values.stage", "won"), ("default.0.field", "reason")]
    builder.publish_at_once("/setup/objects/deal/types/new", [*sent, ("default.0.value", "Renewed")])
    made = builder.snapshot.find("record_type", "renewal", "deal")
    assert dict(made.values) == {"stage": ("open", "won")}
    assert dict(made.defaults) == {"reason": "Renewed"}
    assert "Renewal" in words(builder.get("/setup/objects/deal/types"))


def test_the_plan_of_a_part_is_shown_on_demand(builder):
    shown = builder.plan("/setup/objects/deal/rules/new", {"label.en": "Rule", "error_when": "FALSE", "message.en": "No", "active": "1"})
    assert steps(shown) == ["Adds the validation rule Rule (rule) of Deal. can be undone"]


@pytest.mark.parametrize("tab", ["layouts", "views", "rules", "types"])
def test_every_list_of_parts_has_an_empty_state(builder, tab):
    assert "New" in words(builder.get(f"/setup/objects/account/{tab}"))


@pytest.mark.parametrize("tab", ["layouts", "views", "rules", "types", "fields"])
def test_a_part_that_is_not_there_is_not_found(builder, tab):
    assert builder.get(f"/setup/objects/deal/{tab}/nothing").status_code == 404
