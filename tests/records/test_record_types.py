"""Record types, composite keys, and values from cells: what else an input can say."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.errors import Refused
from fieldstone.metadata.field_types import CellFormat
from fieldstone.records.changes import Change
from tests.support.orgs import obj, picklist
from tests.support.worlds import World, everything, profile, rights, world

DEAL = obj(
    "deal",
    {
        "stage": picklist("open", "won", "lost"),
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "day": {"type": "date", "label": "Day"},
        "region": {"type": "text", "label": "Region"},
        "open_list": {**picklist("a", "b"), "restricted": False},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
    },
    keys=[{"api_name": "one", "fields": ["region", "name"], "ignore_case": True}],
)
ACCOUNT = obj("account", {"erp": {"type": "text", "label": "ERP", "external_id": True}})
TYPE = {"kind": "record_type", "object": "deal", "label": "T"}
DOCUMENTS = [
    *(ACCOUNT, DEAL),
    {**TYPE, "api_name": "small", "values": {"stage": ["open", "won"]}, "defaults": {"region": "north"}, "default": True},
    {**TYPE, "api_name": "large"},
    profile("seller", {"deal": everything(DEAL), "account": everything(ACCOUNT), "user": rights("read", read=["name"])}),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("record_types", people)


def test_a_record_type_gives_defaults_and_narrows_values(org):
    deal = org.create("deal", {"name": "x"}, "Rep")
    record = org.get("deal", deal, "Rep")
    assert (record["record_type"], record["region"]) == ("small", "north")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"stage": "lost"}, "Rep")
    assert [problem.code for problem in refused.value.problems] == ["not_in_record_type"]
    org.update("deal", deal, {"stage": "lost"}, "Rep", record_type="large")
    with pytest.raises(Refused):
        org.update("deal", deal, {}, "Rep", record_type="small")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "y"}, "Rep", record_type="huge")
    assert [problem.code for problem in refused.value.problems] == ["unknown_record_type"]


def test_a_composite_key_ignores_case_and_blank_parts(org):
    org.create("deal", {"name": "One", "region": "South"}, "Rep")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "one", "region": "SOUTH"}, "Rep")
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("region", "not_unique_key")]
    for _ in range(2):
        org.create("deal", {"name": "One", "region": None}, "Rep")


def test_cells_are_read_as_the_import_says(org):
    org.create("account", {"name": "Acme", "erp": "A-1"}, "Rep")
    values = {"name": "x", "amount": "1,234.50", "day": "3/14/2026", "stage": "Won", "account": "Acme", "region": ""}
    formats = {"day": CellFormat(date="M/D/Y")}
    deal = org.create("deal", values, "Rep", given="cell", options={"cell_formats": formats})
    record = org.get("deal", deal, "Rep")
    assert (record["amount"], str(record["day"]), record["stage"], record["account"].name) == (D("1234.50"), "2026-03-14", "won", "Acme")
    assert record["region"] == "north"  # an empty cell is absent: the default applies
    other = org.create("deal", {"name": "y", "account.erp": "A-1", "region": "#N/A"}, "Rep", given="cell")
    record = org.get("deal", other, "Rep")
    assert (record["account"].name, record["region"]) == ("Acme", None)
    org.create("account", {"name": "Acme"}, "Rep")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "z", "account": "Acme"}, "Rep", given="cell")
    assert [problem.code for problem in refused.value.problems] == ["several_records"]


def test_an_open_list_takes_what_it_does_not_have(org):
    deal = org.create("deal", {"name": "x", "open_list": "other"}, "Rep")
    assert org.get("deal", deal)["open_list"] == "other"


def test_an_import_may_leave_out_what_may_not_be_written(org):
    change = Change(object="deal", action="create", values={"name": "x", "row_version": 5}, options={"ignore_forbidden": True})
    (outcome,) = org.save("Rep", change)
    assert outcome.row_version == 1
