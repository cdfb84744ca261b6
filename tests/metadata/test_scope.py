"""What names in an expression mean."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.errors import Refused
from fieldstone.metadata.documents import parse
from fieldstone.metadata.load import load
from fieldstone.metadata.scope import scope, setup_values, steps_of
from fieldstone.rules import Use, ValueType, check
from tests.metadata.deal import documents

SETTING = '{"kind": "custom_setting", "api_name": "crm", "label": "C", "values": {"days": 9}, "fields": {"days": {"type": "number", "label": "D"}}}'  # noqa: E501
TABLE = """{"kind": "custom_metadata", "api_name": "tax", "label": "Tax", "records": {"de": {"rate": 19}, "cn": {"rate": "13", "note": "增值税"}},
  "fields": {"rate": {"type": "percent", "label": "Rate"}, "note": {"type": "text", "label": "Note"}}}"""  # noqa: E501
LABEL = '{"kind": "custom_label", "api_name": "greeting", "label": "G", "text": {"en": "Hello", "zh-Hans": "你好"}}'
QUEUE = '{"kind": "queue", "api_name": "tier2", "label": {"en": "Tier 2", "zh-Hans": "二线"}, "objects": ["deal"]}'
DEFINITIONS = load(documents(SETTING, TABLE, LABEL, QUEUE))


@pytest.mark.parametrize(
    ("name", "path", "type_"),
    [
        ("amount", "amount", ValueType.NUMBER),
        ("AMOUNT", "amount", ValueType.NUMBER),
        ("stage", "stage", ValueType.PICKLIST),
        ("account", "account", ValueType.ID),
        ("AccountId", "account", ValueType.ID),
        ("account.id", "account", ValueType.ID),
        ("Account__r.Name", "account.name", ValueType.TEXT),
        ("account.industry", "account.industry", ValueType.PICKLIST),
        ("contact.account.name", "contact.account.name", ValueType.TEXT),
        ("owner.name", "owner.name", ValueType.TEXT),
        ("Owner:User.Email", "owner.email", ValueType.TEXT),
        ("Owner:Queue.Name", "owner", ValueType.TEXT),
        ("owner:queue.QueueName", "owner", ValueType.TEXT),
        ("Owner:Queue.DeveloperName", "owner", ValueType.TEXT),
        ("Owner:Queue.Id", "owner", ValueType.ID),
        ("contact.Owner:Queue.api_name", "contact.owner", ValueType.TEXT),
        ("Owner:User.Id", "owner", ValueType.ID),
        ("created_by.manager.name", "created_by.manager.name", ValueType.TEXT),
        ("OwnerId", "owner", ValueType.ID),
        ("CreatedDate", "created_at", ValueType.DATETIME),
        ("IsDeleted", "deleted_at", ValueType.BOOLEAN),
        ("account.isDeleted", "account.deleted_at", ValueType.BOOLEAN),
        ("approval_status", "approval_status", ValueType.PICKLIST),
        ("$User.Id", "$User.Id", ValueType.ID),
        ("$user.email", "$User.Email", ValueType.TEXT),
        ("$Permission.Edit_Won_Deals", "$Permission.edit_won_deals", ValueType.BOOLEAN),
        ("$Setup.crm.days", "$Setup.crm.days", ValueType.NUMBER),
        ("$Organization.Name", "$Organization.Name", ValueType.TEXT),
        ("$CustomMetadata.Tax.DE.Rate", "$CustomMetadata.tax.de.rate", ValueType.NUMBER),
        ("$CustomMetadata.tax.cn.note", "$CustomMetadata.tax.cn.note", ValueType.TEXT),
        ("$label.Greeting", "$Label.greeting", ValueType.TEXT),
    ],
)
def test_a_name_stands_for_a_path(name: str, path: str, type_: ValueType) -> None:
    found = scope(DEFINITIONS, "deal").resolve(name)
    assert found is not None
    assert (".".join(found.path), found.type) == (path, type_)
    assert found.user_dependent is name.startswith("$")
    assert found.own is ("." not in name and not name.startswith("$"))


def test_a_field_of_any_record_is_given_to_look_ups() -> None:
    found = scope(DEFINITIONS, "deal").resolve("$ObjectType.Account.Fields.industry")
    assert found is not None
    assert (found.path, found.type) == (("$ObjectType", "account", "Fields", "industry"), ValueType.FIELD)
    assert (found.holds, found.key) == (ValueType.PICKLIST, False)
    name = scope(DEFINITIONS, "deal").resolve("$objecttype.account.fields.name")
    assert name is not None and name.key
    for gone in ("$ObjectType.account", "$ObjectType.account.industry", "$ObjectType.acount.Fields.name", "$ObjectType.account.Fields.x"):
        assert scope(DEFINITIONS, "deal").resolve(gone) is None


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("amuont", "amount"),
        ("Betrag", None),
        ("acount.name", "account.name"),
        ("account.industri", "account.industry"),
        ("$User.Emial", "$User.Email"),
        ("Owner:User.Emial", "Owner:User.email"),
        ("Owner:Queue.Nmae", "Owner:Queue.name"),
        ("contact.Owner:Queu.name", "contact.Owner:Queue.name"),
        ("Owner:Queue", "Owner:Queue.name"),
        ("Owner:Queue.Email", None),
        ("$CustomMetadata.tax.de.raet", "$CustomMetadata.tax.de.rate"),
        ("$Label.greting", "$Label.greeting"),
        ("$Permission.edit_won_deal", "$Permission.edit_won_deals"),
        ("Close date", "close_date"),
        ("amount.name", None),
        ("$Record.amount", None),
        ("record_type", None),
    ],
)
def test_an_unknown_name_has_a_nearest_one_if_any_comes_close(name: str, nearest: str | None) -> None:
    names = scope(DEFINITIONS, "deal")
    assert names.resolve(name) is None
    assert names.nearest(name) == nearest


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("amuont", ("amuont", "Deal")),
        ("account.industri", ("industri", "Account")),
        ("contact.account.x", ("x", "Account")),
        ("contact.accuont.x", ("accuont.x", "Contact")),
        ("amount.name", ("amount.name", "Deal")),
        ("owner.emial", ("emial", "User")),
        ("$Label.greting", ("$Label.greting", "")),
        ("$Record.x", ("$Record.x", "")),
    ],
)
def test_an_unknown_name_is_unknown_to_the_object_that_its_last_lookup_leads_to(name: str, lacking: tuple[str, str]) -> None:
    assert scope(DEFINITIONS, "deal").lacking(name) == lacking


def test_in_a_lookup_filter_the_edited_record_may_lack_something_too() -> None:
    names = scope(DEFINITIONS, "contact", Use.LOOKUP_FILTER, record="deal")
    assert names.lacking("$Record.account.x") == ("x", "Account")


def test_percent_fields_say_that_rows_hold_points() -> None:
    found = scope(DEFINITIONS, "deal").resolve("discount")
    assert found is not None
    assert (found.percent, found.number_field) == (True, True)


def test_in_a_lookup_filter_the_edited_record_is_called_record() -> None:
    names = scope(DEFINITIONS, "contact", Use.LOOKUP_FILTER, record="deal")
    checked = check("account = $Record.account", names, Use.LOOKUP_FILTER)
    assert checked.reads == {("account",), ("$Record", "account")}


def test_a_formula_reads_another_one_s_own_fields_and_a_rule_its_column() -> None:
    formula = check("net + 1", scope(DEFINITIONS, "deal", Use.FORMULA), Use.FORMULA)
    assert formula.reads == {("amount",), ("discount",)}
    rule = check("net > 1", scope(DEFINITIONS, "deal", Use.VALIDATION_RULE), Use.VALIDATION_RULE)
    assert rule.reads == {("net",)}
    live = check("days_left > 1", scope(DEFINITIONS, "deal", Use.VALIDATION_RULE), Use.VALIDATION_RULE)
    assert live.reads == {("close_date",)}
    assert live.uses_now


def test_formulas_in_a_circle_end() -> None:
    found = documents()
    found["objects/deal.json"]["fields"]["net"]["formula"] = "net + 1"
    with pytest.raises(Refused):
        check("ISBLANK(nat)", scope(load(found), "deal"), Use.FORMULA)
    assert scope(load(found), "deal").resolve("net") is not None


def test_without_an_object_there_are_globals_only() -> None:
    names = scope(DEFINITIONS, None, Use.TEMPLATE)
    assert names.resolve("amount") is None
    assert names.resolve("$User.Name") is not None
    assert names.object_label == ""


def test_the_fields_of_a_path() -> None:
    found = steps_of(DEFINITIONS, "deal", "account.industry")
    assert found is not None
    assert [field.name for field in found] == ["account", "industry"]
    assert steps_of(DEFINITIONS, "deal", "account.nothing") is None


def test_of_a_queue_nothing_is_read_but_the_owner() -> None:
    found = check("Owner:Queue.Name & Owner:User.Name", scope(DEFINITIONS, "deal"), Use.FORMULA)
    assert found.reads == {("owner",), ("owner", "name")}
    assert not found.user_dependent
    steps = steps_of(DEFINITIONS, "deal", "Owner:Queue.DeveloperName")
    assert steps is not None
    assert [field.name for field in steps] == ["owner", "api_name"]


def test_only_what_a_queue_may_own_is_read_through_one() -> None:
    by_people = documents(QUEUE)
    by_people["objects/deal.json"]["owned_by"] = "user"
    names = scope(load(by_people), "deal")
    assert names.resolve("Owner:Queue.Name") is None
    assert names.resolve("Owner:User.Name") is not None
    assert {name for name, _ in names.names() if name.lower().startswith("owner")} == {"owner"}


def test_settings_have_values_for_expressions() -> None:
    assert setup_values(DEFINITIONS, None, "zh-Hant") == {
        "$Setup.crm.days": 9,
        "$CustomMetadata.tax.de.rate": D("19"),
        "$CustomMetadata.tax.de.note": None,
        "$CustomMetadata.tax.cn.rate": D("13"),
        "$CustomMetadata.tax.cn.note": "增值税",
        "$Label.greeting": "你好",
    }


def test_an_editor_is_offered_every_name() -> None:
    offered = {name for name, _ in scope(DEFINITIONS, "contact", Use.LOOKUP_FILTER, record="deal").names()}
    assert {
        "account",
        "owner",
        "Owner:User",
        "Owner:Queue",
        "$Record.amount",
        "$Record.Owner:Queue",
        "$User.Id",
        "$Setup.crm.days",
        "$Permission.edit_won_deals",
    } <= offered


def test_custom_names_of_an_imported_org_are_followed() -> None:
    imported = parse(
        '{"kind": "object", "api_name": "Visit__c", "label": "V", "fields": {"name": {"type": "text", "label": "N"},'
        ' "Site__c": {"type": "lookup", "label": "S", "to": "account"}, "AccountId": {"type": "lookup", "label": "A", "to": "account"}}}'
    )
    names = scope(load(documents(imported)), "visit__c")
    for spelling, path in (("Site__r.Name", "Site__c.name"), ("site__c", "Site__c"), ("Account.Name", "AccountId.name")):
        found = names.resolve(spelling)
        assert found is not None
        assert ".".join(found.path) == path
