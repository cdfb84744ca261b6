"""Documents become definitions: what several make together, what is stored, what is live."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any, cast

import pytest

from fieldstone.errors import NotVisible
from fieldstone.metadata import labels
from fieldstone.metadata.definitions import (
    ApprovalProcessDef,
    ApproveNodeDef,
    AutomationDef,
    CustomSettingDef,
    FieldDef,
    Identity,
    ListViewDef,
    ObjectDef,
    PageLayoutDef,
    PermissionSetDef,
    RecordTypeDef,
)
from fieldstone.metadata.documents import parse
from fieldstone.metadata.load import load
from fieldstone.metadata.scope import scope
from fieldstone.rules import Use, check
from tests.metadata.deal import documents

DEAL = "objects/deal.json"


def field(definition: ObjectDef, name: str) -> FieldDef:
    found = definition.field(name)
    assert found is not None
    return found


def test_a_field_has_the_options_its_type_has_by_default() -> None:
    deal = load(documents()).object("deal")
    assert (deal.field("erp_no").length, deal.field("amount").precision, deal.field("code").start) == (20, 18, 1)  # type: ignore[union-attr]
    assert field(deal, "account").on_delete == "restrict"
    assert field(deal, "contact").on_delete == "set_null"
    assert field(deal, "stage").default == "open"
    assert (field(deal, "close_date").default, field(deal, "close_date").default_formula) == (None, "TODAY() + 30")
    assert (field(deal, "amount").min, field(deal, "discount").max) == (D("0.00"), D("100.0"))
    assert field(load(documents()).object("account"), "industry").values[0].name == "retail"


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Amount", "amount"),
        ("AccountId", "account"),
        ("account__r", "account"),
        ("OwnerId", "owner"),
        ("CreatedDate", "created_at"),
        ("LastModifiedById", "updated_by"),
        ("Name", "name"),
    ],
)
def test_a_field_is_found_by_any_accepted_spelling(spelling: str, name: str) -> None:
    assert field(load(documents()).object("deal"), spelling).name == name


def test_an_exact_name_wins_over_an_alias() -> None:
    found = documents()
    found[DEAL]["fields"]["accountid"] = {"type": "text", "label": "Their id"}
    assert field(load(found).object("deal"), "AccountId").type == "text"


def test_name_means_the_name_field_where_no_field_is_called_so() -> None:
    fields = {"number": {"type": "auto_number", "label": "No", "pattern": "{000}"}}
    case = {"kind": "object", "api_name": "case", "label": "Case", "name_field": "number", "fields": fields}
    assert field(load({"objects/case.json": case}).object("case"), "name").name == "number"


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("amount * 2", None),
        ("net * 2", None),
        ("line_total", None),
        ("IF(ISBLANK(name), 1, 2)", None),
        ("account.name", "parent"),
        ("owner.name", "parent"),
        ("TODAY() - close_date", "clock"),
        ("days_left * 2", "live_field"),
        ("IF($User.Id = owner, 1, 0)", "user"),
        ("IF($Permission.edit_won_deals, 1, 0)", "user"),
        ("TEXT(created_at)", None),
        ("TEXT(LastModifiedDate)", "stamp"),
        ("TEXT(row_version)", "stamp"),
        ('IF(IsDeleted, "gone", "")', "stamp"),
        ('"TODAY()" & name /* account.name */', None),
    ],
)
def test_the_platform_decides_what_is_stored(formula: str, why: str | None) -> None:
    found = documents()
    found[DEAL]["fields"]["made"] = {"type": "formula", "label": "M", "returns": "text", "formula": formula}
    made = field(load(found).object("deal"), "made")
    assert (made.stored, made.why_live, made.column) == (why is None, why, "made" if why is None else None)


def test_what_tokens_say_of_a_formula_is_what_the_checker_says() -> None:
    definitions = load(documents())
    for item in definitions.object("deal").fields.values():
        if item.formula is not None:
            checked = check(item.formula, scope(definitions, "deal"), Use.FORMULA)
            live = checked.uses_now or checked.user_dependent or any(len(path) > 1 for path in checked.reads)
            assert item.stored is not live


def test_a_roll_up_has_the_type_of_what_it_sums() -> None:
    deal = load(documents()).object("deal")
    total = field(deal, "line_total")
    assert (total.returns, total.precision, total.scale, total.relation) == ("currency", 18, 2, "deal_line.deal")


def test_a_roll_up_of_what_each_save_writes_last_is_live() -> None:
    found = documents()
    found[DEAL]["fields"]["line_total"] |= {"function": "max", "field": "updated_at"}
    assert field(load(found).object("deal"), "line_total").why_live == "stamp"


def test_a_roll_up_of_a_live_field_is_live() -> None:
    found = documents()
    late = {"type": "formula", "label": "L", "returns": "number", "formula": "TODAY() - TODAY()"}
    found["objects/deal_line.json"]["fields"]["late"] = late
    found[DEAL]["fields"]["line_total"]["field"] = "late"
    assert field(load(found).object("deal"), "line_total").why_live == "live_field"


def test_a_relation_may_be_given_by_either_name() -> None:
    found = documents()
    found["objects/deal_line.json"]["fields"]["deal"]["children"] = "lines"
    found[DEAL]["fields"]["line_total"]["relation"] = "Lines"
    found["layouts/deal/deal_standard.json"]["tabs"][1]["related_lists"][0]["relation"] = "lines"
    definitions = load(found)
    assert field(definitions.object("deal"), "line_total").relation == "deal_line.deal"
    layout = cast("PageLayoutDef", definitions.find("page_layout", "deal_standard", "deal"))
    assert [related.relation for related in layout.related_lists()] == ["deal_line.deal"]


def test_extensions_of_several_owners_are_laid_over_an_object() -> None:
    fields = '{"tier": {"type": "text", "label": "T"}}'
    sales = parse(f'{{"kind": "object_extension", "object": "account", "api_name": "sales", "fields": {fields}}}')
    more = parse('{"kind": "object_extension", "object": "contact", "fields": {}, "values": {}}')
    identities = {
        ("object_extension", "account", "sales"): Identity(id="e", owner="sales"),
        ("field", "account", "tier"): Identity(id="f", owner="sales", physical="tier_2"),
        ("object", "", "account"): Identity(id="a", owner="crm", physical="account_2"),
    }
    definitions = load(documents(sales, more), identities)
    account = definitions.object("account")
    tier = field(account, "tier")
    assert (tier.owner, tier.column, tier.id, tier.path) == ("sales", "tier_2", "f", "extensions/account/sales.json")
    assert (account.table, account.owner, account.id) == ("account_2", "crm", "a")


def test_an_extension_adds_picklist_values() -> None:
    values = '{"stage": [{"api_name": "frozen", "label": "F"}]}'
    more = parse(f'{{"kind": "object_extension", "object": "deal", "fields": {{}}, "values": {values}}}')
    assert [value.name for value in field(load(documents(more)).object("deal"), "stage").values] == ["open", "won", "lost", "frozen"]


def test_record_types_are_values_of_a_system_field() -> None:
    person = {"kind": "record_type", "object": "account", "api_name": "person", "label": "Person", "default": True}
    definitions = load(documents({**person, "defaults": {"name": '="New"', "industry": "retail"}}))
    account = definitions.object("account")
    assert account.record_types == ("person",)
    assert field(account, "RecordTypeId").default == "person"
    assert "record_type" not in definitions.object("deal").system_fields
    found = cast("RecordTypeDef", definitions.find("record_type", "person", "account"))
    assert (found.defaults, found.default_formulas) == ({"industry": "retail"}, {"name": '"New"'})


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("zh-Hans", "金额"), ("zh-Hant", "金额"), ("en", "Amount"), ("de", "Amount")],
)
def test_translations_are_laid_over_labels(asked: str, shown: str) -> None:
    texts = {DEAL: {"/fields/amount/label": "金额", "/fields/stage/values/won/label": "赢单"}}
    definitions = load(documents({"kind": "translation", "language": "zh-Hans", "texts": texts}))
    deal = definitions.object("deal")
    assert labels.text(field(deal, "amount").label, asked, "en") == shown
    won = field(deal, "stage").value("won")
    assert won is not None
    assert labels.text(won.label, "zh-Hans", "en") == "赢单"


@pytest.mark.parametrize(
    ("label", "asked", "default", "shown"),
    [
        ({"en": "A", "zh-Hans": "B"}, "zh-Hant", "en", "B"),
        ({"en": "A", "zh-Hans": "B"}, "fr", "zh-Hans", "B"),
        ({"": "A", "zh-Hans": "B"}, "fr", "fr", "A"),
        ({"zh-Hans": "B", "": "A"}, "en", "en", "A"),
        ({"de": "C"}, "en", "fr", "C"),
        ({}, "en", "en", "api_name"),
    ],
)
def test_a_label_falls_back(label: dict[str, str], asked: str, default: str, shown: str) -> None:
    assert labels.text(label, asked, default, "api_name") == shown


def test_rights_are_completed_with_those_they_imply() -> None:
    found = cast("PermissionSetDef", load(documents()).find("permission_set", "sales_user"))
    assert found.objects["deal"].rights == {"create", "read", "edit"}
    assert found.objects["deal"].fields == {"amount": "edit", "net": "read"}


def test_a_setting_is_overridden_per_profile_and_per_user() -> None:
    text = """{"kind": "custom_setting", "api_name": "crm", "label": "CRM", "values": {"days": 90}, "profiles": {"sales": {"days": "60"}},
      "users": {"Ada@example.com": {"days": 30}, "ben": {"on": false}, "cleo": {"days": null}},
      "fields": {"days": {"type": "number", "label": "Days"}, "on": {"type": "checkbox", "label": "On", "default": true}}}"""
    setting = cast("CustomSettingDef", load(documents(text)).find("custom_setting", "crm"))
    assert (setting.value("days"), setting.value("days", "sales"), setting.value("on")) == (D(90), D(60), True)
    assert [setting.value("days", "sales", name) for name in ("ada@example.com", "ADA@example.com", "ben", "cleo")] == [30, 30, 60, None]
    assert [setting.value("on", "sales", name) for name in ("ada@example.com", "ben", "nobody", None)] == [True, False, True, True]


def test_a_list_view_is_read() -> None:
    view = cast("ListViewDef", load(documents()).find("list_view", "closing_soon", "deal"))
    assert [(column.field, column.total) for column in view.columns][2] == ("amount", "sum")
    assert view.board is not None
    assert view.visible_to.roles == {"sales"}
    assert [key.descending for key in view.sort] == [False, True]


def test_automations_and_approvals_are_read() -> None:
    automation = """{"kind": "automation", "object": "deal", "api_name": "a", "label": "A", "timing": "before_save",
      "trigger": {"type": "record"}, "paths": [{"id": "now", "steps": [
        {"id": "s", "type": "assign", "set": {"discount": 5, "close_date": "=TODAY()", "stage": "won"}}]}]}"""
    process = """{"kind": "approval_process", "object": "deal", "api_name": "p", "label": "P", "evidence": ["amount", "deal_line.deal"],
      "actions": {"approved": [{"id": "x", "type": "update", "set": {"stage": "won"}}]},
      "nodes": [{"id": "b", "type": "branch", "branches": [{"when": "amount > 1", "nodes": [
          {"id": "n", "type": "approve", "approvers": [{"manager_of": "submitter"}, {"role": "sales", "seat": "group"}],
           "on_empty": "admins", "reject": "end"}]}, {"else": true, "nodes": []}]}]}"""
    definitions = load(documents(automation, process))
    step = cast("AutomationDef", definitions.find("automation", "a", "deal")).steps[0]
    assert {name: (one.value, one.formula) for name, one in step.set.items()} == {  # type: ignore[union-attr]
        "discount": (D("5.0"), None),
        "close_date": (None, "TODAY()"),
        "stage": ("won", None),
    }
    found = cast("ApprovalProcessDef", definitions.find("approval_process", "p", "deal"))
    node = next(node for node in found.all_nodes() if isinstance(node, ApproveNodeDef))
    assert [(source.kind, source.value, source.seat) for source in node.approvers] == [
        ("manager_of", "submitter", "each"),
        ("role", "sales", "group"),
    ]
    assert found.exclusive_group == "deal"


def test_what_is_equal_is_taken_over_from_before() -> None:
    found = documents()
    before = load(found)
    changed = copy.deepcopy(found)
    changed[DEAL]["fields"]["amount"]["label"] = "Value"
    after = load(changed, previous=before)
    assert after.object("account") is before.object("account")
    assert after.object("deal") is not before.object("deal")
    with pytest.raises(NotVisible):
        after.object("nothing")


def test_bounds_of_moments_are_typed() -> None:
    found = documents()
    found[DEAL]["fields"]["seen"] = {"type": "datetime", "label": "Seen", "min": "2026-01-01T08:00:00+08:00"}
    assert field(load(found).object("deal"), "seen").min == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_org_of_a_hundred_objects_of_forty_fields_is_loaded() -> None:
    parts = list(documents()[DEAL]["fields"].values())
    many: dict[str, Any] = {
        f"objects/o{n}.json": {
            "kind": "object",
            "api_name": f"o{n}",
            "label": "O",
            "fields": {f"f{i}": dict(parts[i % 13]) for i in range(40)},
        }
        for n in range(100)
    }
    assert len(load(many).objects) == 100
