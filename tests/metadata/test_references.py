"""Who names whom; renames that touch every place and nothing else; what goes along with a field."""

from __future__ import annotations

from typing import Any

import pytest

from fieldstone.metadata.changes import Place, Rename
from fieldstone.metadata.check import check
from fieldstone.metadata.documents import parse
from fieldstone.metadata.references import renamed, where_used, without_mentions
from tests.metadata.deal import documents

DEAL = "objects/deal.json"
LAYOUT = "layouts/deal/deal_standard.json"
VIEW = "list_views/deal/closing_soon.json"
RULE = "validation_rules/deal/won_needs_amount.json"
TRANSLATION = {"kind": "translation", "language": "fr", "texts": {DEAL: {"/fields/amount/label": "Montant"}}}


def places(kind: str, name: str, of: str | None = None) -> set[tuple[str, str, str]]:
    return {(use.document, use.pointer, use.does) for use in where_used(documents(), kind, name, of)}


def test_where_a_field_is_used() -> None:
    assert places("field", "amount", "deal") == {
        (DEAL, "/fields/net/formula", "reads"),
        (LAYOUT, "/tabs/0/sections/0/items/5/field", "shows"),
        (LAYOUT, "/path/guidance/open/fields/0", "shows"),
        (VIEW, "/columns/2/field", "shows"),
        (VIEW, "/sort/1/field", "reads"),
        (VIEW, "/board/totals/0", "shows"),
        (VIEW, "/board/card/1", "shows"),
        (RULE, "/error_when", "reads"),
        (RULE, "/at", "refers"),
        ("permission_sets/sales_user.json", "/objects/deal/fields/amount", "grants"),
    }


@pytest.mark.parametrize(
    ("kind", "name", "of", "expected"),
    [
        ("value_set", "industry", None, {("objects/account.json", "/fields/industry/value_set", "refers")}),
        ("permission_set", "sales_user", None, {(LAYOUT, "/for/permission_sets/0", "refers")}),
        ("role", "sales", None, {(VIEW, "/visible_to/roles/0", "refers")}),
        (
            "custom_permission",
            "edit_won_deals",
            None,
            {
                (LAYOUT, "/tabs/0/sections/0/items/5/read_only_when", "reads"),
                ("permission_sets/sales_user.json", "/permissions/0", "grants"),
            },
        ),
        ("field", "industry", "account", {(VIEW, "/columns/1/field", "shows")}),
        (
            "field",
            "cancelled",
            "deal_line",
            {(DEAL, "/fields/line_total/filter", "filters"), (LAYOUT, "/tabs/1/related_lists/0/filter", "filters")},
        ),
        ("field", "account", "contact", {(DEAL, "/fields/contact/filter", "filters")}),
    ],
)
def test_where_other_things_are_used(kind: str, name: str, of: str | None, expected: set[Any]) -> None:
    assert places(kind, name, of) == expected


def test_a_translated_message_follows_a_rename_and_is_checked_like_the_message() -> None:
    texts = {RULE: {"/message": "{{ amount }} manque à {{ name }}"}, DEAL: {"/fields/amount/label": "{{ amount }}"}}
    before = documents({"kind": "translation", "language": "fr", "texts": texts})
    (path,) = [path for path, document in before.items() if document["kind"] == "translation"]
    assert [use.document for use in where_used(before, "field", "amount", "deal") if use.document == path] == [path]
    after = renamed(before, Rename(place=Place(kind="field", object="deal", name="amount"), to="value"))
    assert after[path]["texts"] == {RULE: {"/message": "{{ value }} manque à {{ name }}"}, DEAL: {"/fields/value/label": "{{ amount }}"}}
    before[path]["texts"][RULE]["/message"] = "{{ amuont }}"
    (problem,) = [each for each in check(before) if not each.warning]
    assert (problem.code, problem.document, problem.suggestion) == ("expression_unknown_name", path, "amount")


def test_through_a_queue_the_owner_is_used_and_nothing_of_people() -> None:
    team = parse('{"kind": "object_extension", "object": "user", "api_name": "user", "fields": {"name": {"type": "text", "label": "N"}}}')
    found = documents(team)
    found[DEAL]["fields"]["net"]["formula"] = "LEN(account.Owner:Queue.Name & account.Owner:User.Name)"

    def uses(name: str, of: str) -> list[str]:
        return [use.pointer for use in where_used(found, "field", name, of) if use.document == DEAL and "net" in use.pointer]

    assert uses("owner", "account") == uses("name", "user") == uses("account", "deal") == ["/fields/net/formula"]
    after = renamed(found, Rename(place=Place(kind="field", object="user", name="name"), to="called"))
    assert after[DEAL]["fields"]["net"]["formula"] == "LEN(account.Owner:Queue.Name & account.Owner:User.called)"
    after = renamed(found, Rename(place=Place(kind="field", object="deal", name="account"), to="firm"))
    assert after[DEAL]["fields"]["net"]["formula"] == "LEN(firm.Owner:Queue.Name & firm.Owner:User.Name)"


def test_a_renamed_field_is_called_so_everywhere() -> None:
    before = documents(TRANSLATION)
    before[DEAL]["fields"]["net"]["formula"] = "Amount  *  ( 1 - discount ) /* amount */"
    after = renamed(before, Rename(place=Place(kind="field", object="deal", name="amount"), to="value"))
    assert list(after[DEAL]["fields"])[7] == "value"  # in its old place
    assert after[DEAL]["fields"]["value"]["was"] == ["amount"]
    assert after[DEAL]["fields"]["net"]["formula"] == "value  *  ( 1 - discount ) /* amount */"
    assert after[LAYOUT]["tabs"][0]["sections"][0]["items"][5]["field"] == "value"
    assert after[VIEW]["board"] == {"group_by": "stage", "totals": ["value"], "card": ["account", "value", "close_date"]}
    assert after[RULE]["error_when"] == 'AND(stage = "won", BLANKVALUE(value, 0) <= 0)'
    assert after["permission_sets/sales_user.json"]["objects"]["deal"]["fields"] == {"value": "edit", "net": "read"}
    assert after["translations/fr.json"]["texts"] == {DEAL: {"/fields/value/label": "Montant"}}
    assert not where_used(after, "field", "amount", "deal")
    assert after["objects/account.json"] is before["objects/account.json"]


def test_a_renamed_lookup_is_followed_in_paths_and_aliases() -> None:
    before = documents()
    before[RULE]["error_when"] = 'AND(account.name = "x", ISBLANK(AccountId), Account__r.industry = "retail")'
    after = renamed(before, Rename(place=Place(kind="field", object="deal", name="account"), to="customer"))
    assert after[RULE]["error_when"] == 'AND(customer.name = "x", ISBLANK(customerId), customer__r.industry = "retail")'
    assert after[VIEW]["columns"][1]["field"] == "customer.industry"
    assert after[DEAL]["fields"]["contact"]["filter"] == "account = $Record.customer"  # the contact's own account stays
    assert after[DEAL]["keys"][0]["fields"] == ["customer", "name"]


def test_fields_of_other_objects_are_followed_in_look_ups() -> None:
    before = documents()
    look_up = "VLOOKUP($ObjectType.Account.Fields.industry, $objecttype.account.fields.Name, name)"
    before[RULE]["error_when"] = f'{look_up} = "retail"'
    used = where_used(before, "field", "industry", "account")
    assert (RULE, "/error_when") in {(use.document, use.pointer) for use in used}
    assert (RULE, "/error_when") in {(use.document, use.pointer) for use in where_used(before, "object", "account")}
    field = renamed(before, Rename(place=Place(kind="field", object="account", name="industry"), to="branch"))
    assert field[RULE]["error_when"] == look_up.replace("industry", "branch") + ' = "retail"'
    moved = renamed(before, Rename(place=Place(kind="object", name="account"), to="company"))
    assert moved[RULE]["error_when"] == look_up.replace("Account", "company").replace("account", "company") + ' = "retail"'


def test_a_renamed_object_moves_its_documents() -> None:
    before = documents(TRANSLATION)
    after = renamed(before, Rename(place=Place(kind="object", name="deal"), to="opportunity"))
    assert after["objects/opportunity.json"]["was"] == ["deal"]
    assert after["objects/deal_line.json"]["fields"]["deal"]["to"] == "opportunity"
    assert after["layouts/opportunity/deal_standard.json"]["object"] == "opportunity"
    assert list(after["permission_sets/sales_user.json"]["objects"]) == ["opportunity"]
    assert list(after["translations/fr.json"]["texts"]) == ["objects/opportunity.json"]
    assert not any(path.split("/")[1].startswith("deal.") for path in after if path.startswith(("objects/deal.", "layouts/deal/")))


def test_a_renamed_child_is_renamed_in_relations() -> None:
    after = renamed(documents(), Rename(place=Place(kind="object", name="deal_line"), to="line"))
    assert after[DEAL]["fields"]["line_total"]["relation"] == "line.deal"
    assert after[LAYOUT]["tabs"][1]["related_lists"][0]["relation"] == "line.deal"
    after = renamed(documents(), Rename(place=Place(kind="field", object="deal_line", name="deal"), to="parent"))
    assert after[DEAL]["fields"]["line_total"]["relation"] == "deal_line.parent"


@pytest.mark.parametrize(
    ("kind", "of", "name"),
    [
        ("field", "deal", "amount"),
        ("field", "deal", "account"),
        ("field", "deal", "name"),
        ("field", "deal", "stage"),
        ("field", "deal_line", "deal"),
        ("field", "account", "industry"),
        ("object", "", "deal"),
        ("object", "", "deal_line"),
        ("object", "", "account"),
        ("value_set", "", "industry"),
        ("permission_set", "", "sales_user"),
        ("custom_permission", "", "edit_won_deals"),
        ("role", "", "sales"),
        ("validation_rule", "deal", "won_needs_amount"),
    ],
)
def test_after_a_rename_everything_is_as_right_as_before(kind: str, of: str, name: str) -> None:
    before = documents()
    before[DEAL]["name_field"] = "name"
    after = renamed(before, Rename(place=Place(kind=kind, object=of, name=name), to="quite_new"))
    left = [problem for problem in check(after) if not problem.warning]
    if (kind, name) == ("field", "name"):
        left = [problem for problem in left if problem.pointer != "/calendar/title"]
    assert left == []
    back = renamed(after, Rename(place=Place(kind=kind, object="quite_new" if of == name else of, name="quite_new"), to=name))
    assert set(back) == set(before)


def test_settings_are_renamed_in_expressions() -> None:
    setting = parse('{"kind": "custom_setting", "api_name": "crm", "label": "C", "fields": {"days": {"type": "number", "label": "D"}}}')
    before = documents(setting)
    before[RULE]["error_when"] = "amount > $Setup.crm.days"
    after = renamed(before, Rename(place=Place(kind="custom_setting", name="crm"), to="ours"))
    assert after[RULE]["error_when"] == "amount > $Setup.ours.days"
    assert "settings/ours.json" in after


def test_plain_mentions_of_a_field_go_with_it_and_expressions_stay() -> None:
    before = documents()
    del before[DEAL]["fields"]["amount"]
    after = without_mentions(before, frozenset({("deal", "amount")}))
    assert "amount" not in str(after[LAYOUT]["tabs"][0]["sections"][0]["items"]).replace("won_deals", "")
    assert len(after[LAYOUT]["tabs"][0]["sections"][0]["items"]) == 7
    assert after[LAYOUT]["path"]["guidance"]["open"]["fields"] == ["close_date"]
    assert [column["field"] for column in after[VIEW]["columns"]] == ["name", "account.industry", "days_left"]
    assert after[VIEW]["board"] == {"group_by": "stage", "totals": [], "card": ["account", "close_date"]}
    assert after["permission_sets/sales_user.json"]["objects"]["deal"]["fields"] == {"net": "read"}
    assert after[RULE] is before[RULE]
    left = {(problem.document, problem.pointer) for problem in check(after) if not problem.warning}
    assert left == {(DEAL, "/fields/net/formula"), (RULE, "/error_when"), (RULE, "/at")}


def test_what_means_nothing_without_its_field_goes_whole() -> None:
    before = documents()
    after = without_mentions(before, frozenset({("deal", "stage"), ("deal", "close_date"), ("deal_line", "deal")}))
    assert "path" not in after[LAYOUT]
    assert "related_lists" not in str(after[LAYOUT]["tabs"][1]) or after[LAYOUT]["tabs"][1]["related_lists"] == []
    assert "board" not in after[VIEW]
    assert "calendar" not in after[VIEW]


def test_documents_nobody_has_checked_do_no_harm() -> None:
    broken: dict[str, Any] = {"layouts/x/y.json": {"kind": "page_layout", "object": 5, "tabs": 7}, "x.json": {"kind": []}, "y.json": {}}
    assert without_mentions(broken, frozenset({("a", "b")})) == broken
