"""Before-save automations: when they fire, what they assign, how they refuse. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from fieldstone.errors import Refused
from fieldstone.i18n.texts import word
from fieldstone.records.changes import Change
from fieldstone.workflow.steps import steps
from tests.support.company import notices_of
from tests.support.databases import Databases
from tests.support.worlds import World, reopened, world

DEAL: dict[str, Any] = {
    "kind": "object",
    "api_name": "deal",
    "label": "Deal",
    "fields": {
        "name": {"type": "text", "label": "Name"},
        "stage": {"type": "picklist", "label": "Stage", "values": [{"api_name": each, "label": each} for each in ("open", "won", "lost")]},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "probability": {"type": "percent", "label": "Probability", "scale": 0},
        "double": {"type": "formula", "label": "Double", "returns": "number", "scale": 2, "formula": "amount * 2"},
        "closed_on": {"type": "date", "label": "Closed on"},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "note": {"type": "text", "label": "Note"},
        "count": {"type": "number", "label": "Count", "scale": 0},
    },
}
ACCOUNT: dict[str, Any] = {
    "kind": "object",
    "api_name": "account",
    "label": "Account",
    "fields": {"name": {"type": "text", "label": "Name"}, "rating": {"type": "text", "label": "Rating"}},
}


def automation(*step_list: dict[str, Any], name: str = "rule", order: int = 100, active: bool = True, **trigger: Any) -> dict[str, Any]:
    return {
        "kind": "automation",
        "object": "deal",
        "api_name": name,
        "label": name,
        "order": order,
        "active": active,
        "trigger": {"type": "record", **trigger},
        "timing": "before_save",
        "paths": [{"id": "now", "steps": list(step_list)}],
    }


def assign(**values: Any) -> dict[str, Any]:
    return {"id": "a", "type": "assign", "set": values}


@pytest.fixture
def org(prepared: Callable[..., Engine], databases: Databases) -> Callable[..., World]:
    def make(*automations: dict[str, Any]) -> World:
        key = f"deals {automations!r}"

        def prepare(engine: Engine) -> World:
            return world(engine, DEAL, ACCOUNT, *automations, steps=steps(notices_of([])))

        return reopened(prepared(key, prepare), databases.returned(key, prepare), steps=steps(notices_of([])))

    return make


def test_it_assigns_before_the_record_is_validated_and_formulas_follow(org):
    made = org(automation(assign(amount="=BLANKVALUE(amount, 0) + 10", note="set"), on=["create"]))
    deal = made.get("deal", made.create("deal", {"name": "D"}))
    assert (deal["amount"], deal["double"], deal["note"]) == (10, 20, "set")


def test_later_ones_see_what_earlier_ones_did(org):
    made = org(
        automation(assign(count="=count * 3"), name="second", order=20),
        automation(assign(count=2), name="first", order=10),
        automation(assign(count=99), name="off", order=30, active=False),
    )
    assert made.get("deal", made.create("deal", {"name": "D"}))["count"] == 6


def test_the_first_branch_that_holds_is_taken(org):
    branch = {
        "id": "b",
        "type": "branch",
        "branches": [
            {"when": 'stage = "won"', "steps": [assign(probability="=1")]},
            {"when": "amount > 100", "steps": [assign(probability="=0.5")]},
            {"else": True, "steps": [assign(probability=10)]},
        ],
    }
    made = org(automation(branch))
    values = [{"stage": "won", "amount": "500"}, {"stage": "open", "amount": "500"}, {"stage": "open", "amount": "5"}]
    assert [made.get("deal", made.create("deal", each))["probability"] for each in values] == [100, 50, 10]


@pytest.mark.parametrize(
    ("trigger", "edits", "fired"),
    [
        pytest.param({"on": ["create"]}, [{"name": "x"}], 1, id="only on create"),
        pytest.param({"on": ["update"]}, [{"name": "x"}, {"name": "y"}], 2, id="only on update"),
        pytest.param(
            {"when": "changed", "watch": ["stage"]},
            [{"name": "x"}, {"stage": "won"}, {"stage": "won", "name": "z"}],
            2,
            id="a watched field",
        ),
        pytest.param(
            {"when": "changed_to_meet", "criteria": 'stage = "won"'},
            [{"stage": "won"}, {"name": "x"}, {"stage": "lost"}, {"stage": "won"}],
            2,
            id="each time it comes to meet the criteria",
        ),
        pytest.param({"criteria": 'stage = "won"'}, [{"stage": "won"}, {"name": "x"}], 2, id="always while it meets them"),
    ],
)
def test_when_it_fires(org, trigger, edits, fired):
    made = org(automation(assign(count="=BLANKVALUE(count, 0) + 1"), **trigger))
    deal = made.create("deal", {"name": "D", "stage": "open"})
    for edit in edits:
        made.update("deal", deal, edit)
    assert (made.get("deal", deal)["count"] or 0) == fired


def test_it_reads_what_a_lookup_leads_to(org):
    made = org(automation(assign(note="=account.rating"), when="changed", watch=["account"]))
    account = made.create("account", {"name": "A", "rating": "hot"})
    deal = made.create("deal", {"name": "D", "account": {"id": account}})
    assert made.get("deal", deal)["note"] == "hot"
    made.update("deal", deal, {"account": None})
    assert made.get("deal", deal)["note"] is None


def test_an_error_step_refuses_at_its_field_in_the_readers_language(org):
    error = {
        "id": "e",
        "type": "error",
        "at": "amount",
        "message": {"en": "{{ name }} needs an amount.", "zh-Hans": "{{ name }} 需要金额。"},
    }
    made = org(automation(error, criteria="ISBLANK(amount)"))
    with pytest.raises(Refused) as refused:
        made.create("deal", {"name": "D"})
    [problem] = refused.value.problems
    assert (problem.field, word(problem, "en"), word(problem, "zh-Hans")) == ("amount", "D needs an amount.", "D 需要金额。")
    made.create("deal", {"name": "D", "amount": "1"})


def test_a_fault_refuses_and_is_never_taken_as_false(org):
    made = org(automation(assign(note="x"), criteria="1 / amount > 0"))
    with pytest.raises(Refused) as refused:
        made.create("deal", {"name": "D", "amount": "0"})
    assert refused.value.code == "rule_fault"
    assert word(refused.value.problems[0], "en").startswith('"rule" cannot be evaluated for this record: Division by zero. ')


def test_a_batch_is_treated_record_by_record(org):
    made = org(automation(assign(note="=name"), criteria="amount > 1"))
    changes = [Change(object="deal", action="create", values={"name": f"D{n}", "amount": str(n)}) for n in range(4)]
    ids = [outcome.id for outcome in made.save("builder", *changes)]
    assert [made.get("deal", each)["note"] for each in ids] == [None, None, "D2", "D3"]
