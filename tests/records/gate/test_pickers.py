"""A picker finds records by name and by what a search finds, and reads along what tells them apart, for those it offers alone."""

from __future__ import annotations

import pytest

from fieldstone.records.query import HIDDEN
from tests.support.orgs import obj
from tests.support.statements import counting
from tests.support.worlds import World, everything, permission_set, rights, world

ACCOUNT = obj("account")
CASE = obj(
    "case",
    {
        "number": {"type": "auto_number", "label": "Number", "pattern": "C-{00000}"},
        "key": {"type": "text", "label": "Key", "external_id": True},
        "note": {"type": "text", "label": "Note"},
        "tier": {"type": "text", "label": "Tier"},
        "sorted": {"type": "text", "label": "Sorted"},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
    },
    default_access="read",
)


def people(engine) -> World:
    agent = permission_set("agent", {each["api_name"]: everything(each) for each in (ACCOUNT, CASE)})
    made = world(engine, ACCOUNT, CASE, agent, permission_set("reader", {"case": rights("read", read=["name", "note"])}))
    made.person("Agent", sets=["agent"])
    made.person("Reader", sets=["reader"])
    return made


@pytest.fixture
def org(a_world) -> World:
    made = a_world("pickers", people)
    account = made.create("account", {"name": "Hidden"})
    for name in ("Battery", "Battery", "Screen C-00001"):
        made.create("case", {"name": name, "key": f"erp-{len(made.names('case', 'builder'))}", "account": account})
    return made


def offered(org: World, who: str, text: str) -> list[tuple[str | None, str | None]]:
    with org.reading(who) as gate:
        return [(each.name, each.tells.get("number")) for each in gate.suggest("case", text, tells=("number",))]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param("C-00002", ["C-00002"], id="a number in full"),
        pytest.param("c-0000", ["C-00003", "C-00001", "C-00002"], id="its beginning, after the name that holds it"),
        pytest.param("c-00001", ["C-00003", "C-00001"], id="in the name, then in the number"),
        pytest.param("erp-1", ["C-00002"], id="a key"),
        pytest.param("attery", ["C-00001", "C-00002"], id="the middle of a name"),
        pytest.param("", ["C-00001", "C-00002", "C-00003"], id="nothing typed"),
        pytest.param("zzz", [], id="nothing found"),
    ],
)
def test_a_record_is_found_by_name_number_and_key(org, text, numbers):
    assert [number for _name, number in offered(org, "Agent", text)] == numbers


def test_what_the_reader_may_not_read_is_neither_searched_nor_told(org):
    assert offered(org, "Reader", "erp-1") == offered(org, "Reader", "C-00002") == []
    assert offered(org, "Reader", "battery") == [("Battery", None), ("Battery", None)]
    with org.reading("Agent") as gate:
        assert {each.tells["account"] for each in gate.suggest("case", "", tells=("account",))} == {HIDDEN}


def test_a_field_may_be_called_as_the_order_of_what_is_offered_is(org):
    with org.reading("Agent") as gate:
        assert [each.tells for each in gate.suggest("case", "screen", tells=("tier", "sorted"))] == [{"tier": None, "sorted": None}]


def test_what_tells_records_apart_comes_in_the_same_statement(org):
    with org.reading("Agent") as gate, counting(org.engine) as seen:
        found = gate.suggest("case", "batt", tells=("number", "account", "owner", "created_at"))
    assert [len(each.tells) for each in found] == [4, 4]
    assert len([each for each in seen.statements if "FROM" in each]) == 1, seen.statements
