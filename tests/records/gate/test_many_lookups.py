"""An object with more lookups than one statement joins is read like every other, and hides what every other hides."""

from __future__ import annotations

import pytest

from fieldstone.limits import NAMES_JOINED, QUERY_JOINS
from fieldstone.records.query import HIDDEN, Expand, Query
from tests.support.orgs import obj
from tests.support.statements import counting
from tests.support.worlds import World, everything, permission_set, world

LOOKUPS = [f"look_{number:02}" for number in range(QUERY_JOINS + 10)]
ACCOUNT = obj("account")
CASE = obj("case", {name: {"type": "lookup", "label": name, "to": "account"} for name in LOOKUPS}, default_access="read")
STEP = obj(
    "step", {"case": {"type": "lookup", "label": "Case", "to": "case", "children": "steps"}, **CASE["fields"]}, default_access="read"
)


def people(engine) -> World:
    sales = permission_set("sales", {each["api_name"]: everything(each) for each in (ACCOUNT, CASE, STEP)})
    made = world(engine, ACCOUNT, CASE, STEP, sales)
    for name in ("Rep", "Peer"):
        made.person(name, sets=["sales"])
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("many lookups", people)


@pytest.fixture
def case(org) -> str:
    """A case whose lookups lead to an account of Rep and one of Peer by turns, the last one to nothing."""
    mine, theirs = org.create("account", {"name": "Mine"}, "Rep"), org.create("account", {"name": "Theirs"}, "Peer")
    values = {name: (mine, theirs)[number % 2] for number, name in enumerate(LOOKUPS[:-1])}
    return org.create("case", {"name": "C", **values})


def shown(record) -> list[str | None]:
    return [each if each is None else "hidden" if each is HIDDEN else each.name for each in (record[name] for name in LOOKUPS)]


EXPECTED = [*(("Mine", "hidden")[number % 2] for number in range(len(LOOKUPS) - 1)), None]


def test_one_record(org, case):
    assert shown(org.get("case", case, "Rep")) == EXPECTED


def test_a_page_and_its_children_in_statements_that_do_not_grow(org, case):
    org.create("step", {"name": "S", "case": case, **{name: org.get("case", case)[name].id for name in LOOKUPS[:-1]}})
    with counting(org.engine) as seen, org.reading("Rep") as gate:
        before = len(seen.statements)
        (record,) = gate.read(Query(object="case", expand={"steps": Expand(select=tuple(LOOKUPS))})).records
        assert len(seen.statements) - before == 4  # the page, its names, the children, their names
    assert shown(record) == EXPECTED
    assert shown(record["steps"].records[0]) == EXPECTED


def test_few_lookups_are_named_in_the_statement_itself(org, case):
    with counting(org.engine) as seen, org.reading("Rep") as gate:
        before = len(seen.statements)
        gate.get("case", case, LOOKUPS[:NAMES_JOINED])
        assert len(seen.statements) - before == 1
