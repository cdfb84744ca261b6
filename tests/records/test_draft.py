"""What a form shows before it is saved."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.errors import NotVisible
from fieldstone.records.query import HIDDEN
from fieldstone.records.steps.layout import State
from tests.support.orgs import obj, picklist
from tests.support.statements import counting
from tests.support.worlds import World, everything, profile, rights, role, world

ACCOUNT = obj("account", {"industry": picklist("it", "bank")})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "contact": {
            "type": "lookup",
            "label": "Contact",
            "to": "contact",
            "filter": "account = $Record.account",
            "filter_message": "Choose a contact of this account.",
        },
        "stage": picklist("open", "lost"),
        "reason": picklist("price", "timing", controlled_by="stage", allowed={"lost": ["price", "timing"]}),
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "close_date": {"type": "date", "label": "Close", "default": "=TODAY() + 30"},
        "net": {"type": "formula", "label": "Net", "returns": "currency", "scale": 2, "formula": "amount * 0.9"},
        "days": {"type": "formula", "label": "Days", "returns": "number", "formula": "close_date - TODAY()"},
        "branch": {"type": "formula", "label": "Branch", "returns": "text", "formula": "account.industry"},
    },
)
CONTACT = obj("contact", {"account": {"type": "lookup", "label": "Account", "to": "account"}}, default_access="read")
LAYOUT = {
    "kind": "page_layout",
    "object": "deal",
    "api_name": "standard",
    "label": "Standard",
    "tabs": [
        {
            "id": "main",
            "label": "Main",
            "sections": [
                {
                    "id": "key",
                    "label": "Key",
                    "items": [
                        {"field": "name"},
                        {"field": "stage"},
                        {"field": "account"},
                        {"field": "reason", "visible_when": 'stage = "lost"', "required_when": 'stage = "lost"'},
                        {"field": "amount", "read_only_when": 'AND(NOT(ISNEW()), account.industry = "bank")'},
                    ],
                }
            ],
        }
    ],
}
DOCUMENTS = [
    *(ACCOUNT, CONTACT, DEAL, LAYOUT, role("rep")),
    profile("seller", {each["api_name"]: everything(each) for each in (ACCOUNT, CONTACT, DEAL)} | {"user": rights("read", read=["name"])}),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller", role="rep")
    made.person("Other", profile="seller", role="rep")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("drafts", people)


def test_a_new_form_shows_defaults_and_formulas_and_writes_nothing(org):
    principal = org.principal("Rep")
    with counting(org.engine) as seen:
        draft = org.records.draft(principal, "deal", values={"amount": "1,000.50", "name": ""}, layout="standard")
    assert len(seen) <= 2, seen.statements
    assert (draft.values["amount"], draft.values["net"], draft.values["days"]) == (D("1000.50"), D("900.45"), D(30))
    assert draft.values["owner"].name is not None or draft.values["owner"].id == org.people["Rep"]
    assert (draft.states["reason"], draft.choices["reason"]) == (State(visible=False), ())
    assert org.names("deal", "Rep") == []


def test_what_is_typed_lies_over_what_is_stored(org):
    account = org.create("account", {"name": "Acme", "industry": "bank"}, "Rep")
    deal = org.create("deal", {"name": "x", "account": account, "amount": 5}, "Rep")
    principal = org.principal("Rep")
    with counting(org.engine) as seen:
        draft = org.records.draft(principal, "deal", deal, {"stage": "lost", "amount": "abc"}, layout="standard")
    assert len(seen) <= 2, seen.statements
    assert draft.states["reason"] == State(visible=True, required=True)
    assert draft.states["amount"] == State(read_only=True)
    assert draft.choices["reason"] == ("price", "timing")
    assert (draft.values["account"].name, draft.values["branch"]) == ("Acme", "bank")
    assert [(problem.field, problem.code) for problem in draft.problems] == [("amount", "not_a_number")]


def test_page_and_save_agree_on_the_layouts_conditions(org):
    from fieldstone.errors import Refused

    account = org.create("account", {"name": "Acme", "industry": "bank"}, "Rep")
    deal = org.create("deal", {"name": "x", "account": account, "amount": 5}, "Rep")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"stage": "lost", "amount": "6"}, "Rep", given="form", options={"layout": "standard"})
    assert sorted((problem.field, problem.code) for problem in refused.value.problems) == [
        ("amount", "not_editable_now"),
        ("reason", "required"),
    ]
    assert org.update("deal", deal, {"stage": "lost", "amount": "6"}, "Rep", given="json").status == "updated"


def test_a_draft_of_an_invisible_record_is_none(org):
    deal = org.create("deal", {"name": "x"}, "Rep")
    with pytest.raises(NotVisible):
        org.records.draft(org.principal("Other"), "deal", deal)


def test_a_hidden_parent_stays_hidden_in_the_form(org):
    account = org.create("account", {"name": "Secret", "industry": "it"}, "Other")
    deal = org.create("deal", {"name": "x", "account": account, "owner": org.people["Rep"]})
    draft = org.records.draft(org.principal("Rep"), "deal", deal)
    assert (draft.values["account"], draft.values["branch"]) == (HIDDEN, None)


def test_a_lookup_filter_is_checked_when_the_lookup_or_what_it_reads_changes(org):
    from fieldstone.errors import Refused

    a, b = (org.create("account", {"name": name}, "Rep") for name in "ab")
    contact = org.create("contact", {"name": "Ann", "account": a}, "Rep")
    deal = org.create("deal", {"name": "x", "account": a, "contact": contact}, "Rep")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"account": b}, "Rep")
    assert [(problem.field, problem.code, problem.message) for problem in refused.value.problems] == [
        ("contact", "lookup_filter", {"": "Choose a contact of this account."})
    ]
    assert org.update("deal", deal, {"account": b, "contact": None}, "Rep").status == "updated"
    with org.reading("Rep") as gate:
        assert [each.name for each in gate.suggest("contact", "a", filter={"field": "account", "op": "eq", "value": a})] == ["Ann"]


def test_a_picker_offers_what_the_filter_allows(org):
    a, b = (org.create("account", {"name": name}, "Rep") for name in "ab")
    for name, account in (("Ann", a), ("Andy", b), ("Bo", a)):
        org.create("contact", {"name": name, "account": account}, "Rep")
    with org.reading("Rep") as gate:
        assert [each.name for each in gate.candidates("deal", "contact", "an", {"account": a})] == ["Ann"]
        assert [each.name for each in gate.candidates("deal", "contact", "", {"account": a})] == ["Ann", "Bo"]
        assert gate.candidates("deal", "contact", "an", {}) == []
