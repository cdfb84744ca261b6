"""Highlight panels in Setup: facts in order, the stage path with what to do, for whom."""

from __future__ import annotations

from tests.web.setup.conftest import error_at, words

NEW = "/setup/objects/deal/panels/new"
URL = "/setup/objects/deal/panels/top"
TOP = {"label.en": "Top", "api_name": "top", "fact.0": "amount", "fact.2": "close_date", "path_field": "stage"}


def test_a_panel_decides_what_stands_at_the_top_of_a_record(site, builder):
    builder.publish(NEW, TOP)
    made = builder.snapshot.find("highlight_panel", "top", "deal")
    assert (made.fields, made.path_def.field) == (("amount", "close_date"), "stage")
    deal = site.create("deal", name="Line 4", amount="10.00")
    facts = words(builder.get(f"/o/deal/{deal}")).partition("Amount")[2]
    assert "$10.00" in facts


def test_what_to_do_at_a_stage_is_kept_and_goes_with_another_path(builder):
    builder.publish_at_once(NEW, TOP)
    builder.publish_at_once(URL, {**TOP, "guidance.open.en": "Find out the budget."})
    assert builder.snapshot.find("highlight_panel", "top", "deal").path_def.guidance["open"].text["en"] == "Find out the budget."
    assert "Find out the budget." in builder.get(URL).text
    builder.publish_at_once(URL, {**TOP, "path_field": ""})
    assert builder.snapshot.find("highlight_panel", "top", "deal").path_def is None


def test_a_panel_without_facts_is_refused_at_the_facts(builder):
    refused = builder.plan(NEW, {"label.en": "Empty"})
    assert refused.status_code == 422
    assert error_at(refused, "fact.0")


def test_panels_are_for_who_customizes(rep):
    assert rep.get("/setup/objects/deal/panels").status_code == 403
    assert rep.post(NEW, TOP).status_code == 403
