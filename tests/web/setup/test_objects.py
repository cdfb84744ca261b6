"""Objects in Setup: made, changed, renamed, removed, restored, each by its plan."""

from __future__ import annotations

import re

import pytest

from tests.web.setup.conftest import carried, error_at, steps, words

VISIT = {
    "label.en": "Site visit",
    "label.zh-Hans": "现场拜访",
    "plural.en": "Site visits",
    "icon": "map-pin",
    "color": "teal",
    "name_kind": "text",
    "owned_by": "user",
    "default_access": "private",
    "hierarchy": "1",
    "feature.history": "1",
    "feature.approvals": "1",
    "feature.search": "1",
}


def test_the_list_shows_every_object_with_its_records(builder, site):
    site.create("account", name="Kestrel Aerospace")
    text = words(builder.get("/setup/objects"))
    assert "Account account" in text
    assert "Deal deal" in text
    assert "Account" not in words(builder.get("/setup/objects?q=dea")).split("Objects")[-1]


def test_an_object_is_planned_in_words_before_it_is_there(builder):
    shown = builder.plan("/setup/objects/new", VISIT, app="apps/sales.json")
    assert steps(shown)[0] == "Adds the object Site visit with 1 field and a table of its own. can be undone"
    assert any("Changes the app" in step for step in steps(shown))
    assert builder.snapshot.find("object", "site_visit") is None


def test_an_object_is_made_with_its_name_field_rights_and_place_in_an_app(builder):
    answer = builder.publish("/setup/objects/new", VISIT, app="apps/sales.json", **{"grant.permission_sets/sales_rep.json": "work"})
    assert answer.headers["Location"] == "/setup/objects/site_visit"
    made = builder.snapshot.object("site_visit")
    assert (made.icon, made.color, made.owned_by, made.owner) == ("map-pin", "teal", "user", "org")
    assert dict(made.label) == {"en": "Site visit", "zh-Hans": "现场拜访"}
    assert made.fields["name"].required
    rights = builder.snapshot.find("permission_set", "sales_rep").objects["site_visit"].rights
    assert rights == {"create", "read", "edit", "delete"}
    assert [item.target for item in builder.snapshot.find("app", "sales").items][-1] == "site_visit"
    assert "Object created" in words(builder.get(answer.headers["Location"]))


def test_records_may_be_called_by_a_number(builder):
    builder.publish("/setup/objects/new", VISIT | {"name_kind": "auto_number", "name_pattern": "V-{0000}"})
    name = builder.snapshot.object("site_visit").fields["name"]
    assert (name.type, name.pattern, name.label["en"]) == ("auto_number", "V-{0000}", "Number")


@pytest.mark.parametrize(
    ("label", "name"),
    [("Site visit", "site_visit"), ("Größe & Maß", "groe_ma"), ("3D model", "x_3d_model"), ("Deal", "deal_2")],
)
def test_the_api_name_follows_from_the_label(builder, label, name):
    builder.publish("/setup/objects/new", VISIT | {"label.en": label})
    assert builder.snapshot.find("object", name) is not None


def test_a_chinese_label_gives_its_name_by_pinyin(builder):
    builder.publish("/setup/objects/new", {key: text for key, text in VISIT.items() if key != "label.en"})
    assert builder.snapshot.find("object", "xian_chang_bai_fang") is not None


@pytest.mark.parametrize(
    ("typed", "control", "said"),
    [
        ({"label.en": "", "label.zh-Hans": ""}, "label", "Fill this in."),
        ({"api_name": "deal"}, "api_name", "deal"),
        ({"api_name": "Not a name"}, "api_name", "Not a name"),
        ({"name_kind": "auto_number", "name_pattern": "V"}, "name_pattern", "at least 3 needed"),
    ],
)
def test_a_problem_stands_at_its_control_and_nothing_typed_is_lost(builder, typed, control, said):
    shown = builder.plan("/setup/objects/new", VISIT | typed)
    assert shown.status_code == 422
    assert said in " ".join(error_at(shown, control)), words(shown)
    assert 'value="Site visits"' in shown.text
    assert builder.snapshot.find("object", "site_visit") is None


def test_one_goes_back_from_the_plan_to_what_was_typed(builder):
    shown = builder.plan("/setup/objects/new", VISIT)
    back = builder.plan("/setup/objects/new", [*carried(shown), ("edit", "1")])
    assert back.status_code == 200
    assert 'value="Site visit"' in back.text
    assert 'value="map-pin"' in back.text


def test_settings_keep_what_the_form_does_not_show(builder):
    builder.publish(
        "/setup/objects/deal/settings",
        {"label.en": "Chance", "icon": "target", "color": "red", "owned_by": "user_or_queue", "default_access": "read", "hierarchy": "1"},
    )
    deal = builder.snapshot.object("deal")
    assert (deal.label["en"], deal.icon, deal.default_access) == ("Chance", "target", "read")
    assert "amount" in deal.fields


def test_opening_an_object_to_more_people_is_said_in_the_plan(builder):
    shown = builder.plan(
        "/setup/objects/deal/settings",
        {"label.en": "Deal", "icon": "handshake", "color": "emerald", "owned_by": "user_or_queue", "default_access": "read"},
    )
    assert any("Opens Deal to more people" in step for step in steps(shown))


def test_a_renamed_object_is_renamed_wherever_it_is_used(builder):
    builder.publish("/setup/objects/deal/rename", to="chance")
    assert builder.snapshot.find("object", "deal") is None
    assert builder.snapshot.find("validation_rule", "won_needs_amount", "chance") is not None
    assert builder.get("/setup/objects/chance").status_code == 200


def test_where_an_object_is_used_is_shown_before_it_is_removed(builder):
    text = words(builder.get("/setup/objects/account/remove"))
    assert "Deal · Account Field" in text
    assert "needs it" in text


def test_an_object_that_others_look_up_is_not_removed(builder):
    answer = builder.plan("/setup/objects/account/remove")
    assert answer.status_code == 422
    assert builder.snapshot.find("object", "account") is not None


def test_a_removed_object_comes_back_with_its_records(builder, site):
    deal = site.create("deal", name="Cell line", stage="open")
    builder.publish("/setup/objects/deal/remove")
    assert builder.snapshot.find("object", "deal") is None
    assert [item.target for item in builder.snapshot.find("app", "sales").items] == ["account"]
    assert "Restore" in words(builder.get("/setup/objects"))
    builder.publish("/setup/objects/restore", name="deal")
    assert site.get("deal", deal)["name"] == "Cell line"


def test_undo_of_a_removal_brings_rights_and_places_back_too(builder, site):
    site.create("deal", name="Cell line", stage="open")
    builder.publish("/setup/objects/deal/remove")
    builder.publish(f"/setup/changes/{builder.snapshot.version}/undo")
    assert "Cell line" in builder.get("/o/deal").text


def test_without_the_right_to_customize_there_are_no_objects(site, rep):
    assert rep.get("/setup/objects").status_code == 403
    assert rep.get("/setup/objects/deal").status_code == 403


def test_an_object_that_is_not_there_is_not_found(builder):
    assert builder.get("/setup/objects/nothing").status_code == 404


def test_a_missing_label_is_the_only_thing_told(builder):
    answer = builder.plan("/setup/objects/new", {"label.en": "", "api_name": "", "name_kind": "text"})
    assert answer.status_code == 422
    assert re.findall(r'<li><a href="#([^"]+)">', answer.text) == ["f-label-en"]
