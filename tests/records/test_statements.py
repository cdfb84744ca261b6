"""How many statements an operation costs, whatever the number of records. Source: spec/api.md, section 12."""

from __future__ import annotations

import pytest

from fieldstone.records.changes import Change
from fieldstone.records.query import Expand, Query, Sort
from tests.support.orgs import obj, picklist
from tests.support.statements import counting
from tests.support.worlds import World, everything, profile, rights, role, rule, world

ACCOUNT = obj("account", {"industry": picklist("it", "bank")})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account", "children": "deals"},
        "contact": {"type": "lookup", "label": "Contact", "to": "contact"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2, "history": True},
        "stage": picklist("open", "won", history=True),
        "erp_no": {"type": "text", "label": "ERP", "length": 20, "external_id": True},
        "code": {"type": "auto_number", "label": "No", "pattern": "D-{0000}"},
        "net": {"type": "formula", "label": "Net", "returns": "currency", "scale": 2, "formula": "amount * 0.9"},
    },
)
CONTACT = obj("contact", {"account": {"type": "lookup", "label": "Account", "to": "account"}})
PLAIN = obj("plain", {"amount": {"type": "currency", "label": "Amount", "scale": 2, "history": True}, "stage": picklist("open", "won")})
RULES = [rule("deal", f"r{n}", f'AND(amount = {n}, account.industry = "bank", contact.account.name = "x")') for n in range(10)]
PLAIN_RULES = [rule("plain", f"r{n}", f"amount = -{n + 1}") for n in range(10)]
DOCUMENTS = [
    *(ACCOUNT, CONTACT, DEAL, PLAIN, *RULES, *PLAIN_RULES),
    *(role("boss"), role("rep", "boss")),
    profile(
        "seller",
        {each["api_name"]: everything(each) for each in (ACCOUNT, CONTACT, DEAL, PLAIN)} | {"user": rights("read", read=["name"])},
    ),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller", role="rep")
    made.person("Boss", profile="seller", role="boss")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("statements", people)


def deals(org: World, count: int) -> list[str]:
    account = org.create("account", {"name": "Acme"}, "Rep")
    contact = org.create("contact", {"name": "Ann", "account": account}, "Rep")
    values = [
        {"name": f"d{n}", "account": account, "contact": contact, "amount": 100 + n, "erp_no": f"{account}"[-8:] + str(n)}
        for n in range(count)
    ]
    return [each.id or "" for each in org.save("Rep", *(Change(object="deal", action="create", values=value) for value in values))]


def test_reading_one_record_costs_the_principal_and_the_record(org):
    (deal,) = deals(org, 1)
    for who in ("Rep", "Boss"):
        with counting(org.engine) as seen:
            org.get("deal", deal, who)
        assert len(seen) == 2, seen.statements


@pytest.mark.parametrize("many", [1, 50])
def test_a_list_costs_the_principal_and_the_page(org, many):
    deals(org, many)
    query = Query(object="deal", filter='AND(amount > 1, account.industry <> "bank")', sort=(Sort(field="amount"),))
    with counting(org.engine) as seen, org.reading("Boss") as gate:
        gate.read(query)
    assert len(seen) == 2, seen.statements
    with counting(org.engine) as seen, org.reading("Rep") as gate:
        gate.read(Query(object="account", count="capped", expand={"deals": Expand()}))
    assert len(seen) == 4, seen.statements


def test_a_plain_record_costs_few_statements(org):
    change = Change(object="plain", action="create", values={"name": "x", "amount": 5, "stage": "won"})
    principal = org.principal("Rep")
    lock = 1 if org.engine.dialect.name == "postgresql" else 0
    with counting(org.engine) as seen:
        (outcome,) = org.records.save(principal, [change])
    assert len(seen) == 3 + lock, seen.statements  # state, record, search index
    with counting(org.engine) as seen:
        org.records.save(principal, [Change(object="plain", action="update", id=outcome.id, values={"amount": 6})])
    assert len(seen) == 4 + lock, seen.statements  # state, lock, record, history


@pytest.mark.parametrize("action", ["create", "update"])
def test_saves_cost_the_same_whatever_the_batch(org, action):
    made = deals(org, 100)
    account = org.create("account", {"name": "Other"}, "Rep")
    contact = org.create("contact", {"name": "Bob", "account": account}, "Rep")
    principal = org.principal("Rep")

    def cost(first: int, count: int) -> int:
        values = [
            {"name": f"n{first + n}", "account": account, "contact": contact, "amount": 500 + n, "erp_no": f"n{first + n}"}
            for n in range(count)
        ]
        ids = made[first : first + count] if action == "update" else [None] * count
        changes = [Change(object="deal", action=action, id=id, values=each) for id, each in zip(ids, values, strict=True)]
        with counting(org.engine) as seen:
            org.records.save(principal, changes)
        assert len(seen) <= 12, seen.statements
        return len(seen)

    assert cost(0, 1) == cost(1, 99)
