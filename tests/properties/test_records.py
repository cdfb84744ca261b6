"""Laws of saving and reading, over random records: on both databases.

Sources: spec/workflow.md 19 (2, 4, 10, 37), spec/api.md 3 "Laws of paging", spec/expressions.md 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldstone import rules
from fieldstone.db.transaction import write
from fieldstone.errors import Refused
from fieldstone.records.changes import Change
from fieldstone.records.query import Query, Sort
from tests.support.databases import Databases
from tests.support.orgs import obj, picklist
from tests.support.worlds import World, rule, world

TEAM = obj(
    "team",
    {
        "total": {"type": "roll_up", "label": "Total", "relation": "account.team", "function": "sum", "field": "total"},
        "rich": {"type": "roll_up", "label": "Rich", "relation": "account.team", "function": "count", "filter": "double > 20"},
    },
)
ACCOUNT = obj(
    "account",
    {
        "team": {"type": "lookup", "label": "Team", "to": "team"},
        "total": {"type": "roll_up", "label": "Total", "relation": "deal.account", "function": "sum", "field": "amount"},
        "won": {"type": "roll_up", "label": "Won", "relation": "deal.account", "function": "count", "filter": 'stage = "won"'},
        "least": {"type": "roll_up", "label": "Least", "relation": "deal.account", "function": "min", "field": "net"},
        "last": {"type": "roll_up", "label": "Last", "relation": "deal.account", "function": "max", "field": "day", "filter": "amount > 5"},
        "double": {"type": "formula", "label": "Double", "returns": "currency", "scale": 2, "formula": "total * 2"},
    },
)
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2, "indexed": True},
        "discount": {"type": "percent", "label": "Discount", "scale": 1, "precision": 5},
        "net": {
            "type": "formula",
            "label": "Net",
            "returns": "currency",
            "scale": 2,
            "formula": "amount * (1 - discount)",
            "blanks": "blank",
        },
        "stage": picklist("open", "won", "lost"),
        "day": {"type": "date", "label": "Day", "indexed": True},
        "called": {"type": "datetime", "label": "Called"},
        "vip": {"type": "checkbox", "label": "Vip"},
        "tags": {**picklist("a", "b", "c"), "type": "multi_picklist"},
        "code": {"type": "text", "label": "Code", "length": 10, "unique": True, "ignore_case": True},
    },
)
RULES = [
    rule("deal", "won_amount", 'AND(stage = "won", ISBLANK(amount))', at="amount"),
    rule("deal", "vip_account", 'AND(vip, account.name = "acct1")', at="vip"),
]
DOCUMENTS = (TEAM, ACCOUNT, DEAL, *RULES)

AMOUNTS = st.none() | st.decimals(min_value=-50, max_value=50, places=2)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.none() | st.text(alphabet="abÄz浦东 ", max_size=6),
    "amount": AMOUNTS,
    "discount": st.none() | st.decimals(min_value=0, max_value=100, places=1),
    "stage": st.none() | st.sampled_from(["open", "won", "lost", "nonsense"]),
    "day": st.none() | st.dates().map(str),
    "called": st.none() | st.integers(0, 10**9).map(lambda n: f"20{n % 90 + 10}-03-0{n % 9 + 1}T1{n % 10}:00:00Z"),
    "vip": st.booleans(),
    "tags": st.none() | st.lists(st.sampled_from("abc"), max_size=3),
    "code": st.none() | st.sampled_from(["x", "X", "y", "z", "long long long"]),
}
ROW = st.fixed_dictionaries({}, optional=VALUES)
SETTINGS = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def org(request) -> Iterator[World]:
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")
    url = databases.fresh()
    yield world(databases.engine(url), *DOCUMENTS)
    databases.remove(url)


def emptied(org: World) -> World:
    """Forget all records; what a database did before must not matter."""
    with write(org.engine) as tx:
        for name in ("deal", "account", "team", "fs_search", "fs_deleted", "fs_cleared"):
            tx.connection.exec_driver_sql(f"DELETE FROM {name}")
    return org


def accounts(org: World) -> list[str]:
    team = org.create("team", {"name": "team"})
    return [org.create("account", {"name": f"acct{n}", "team": team}) for n in range(3)]


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what differs between two saves of the same thing."""
    ids = ("id", "created_at", "updated_at")
    return {name: str(value) if name in ("account", "team") else value for name, value in record.items() if name not in ids}


def everything(org: World, name: str = "deal") -> list[dict[str, Any]]:
    with org.reading() as gate:
        return [plain(record) for record in gate.read(Query(object=name, limit=200)).records]


def outcome_of(org: World, changes: list[Change], mode: str) -> list[tuple[str, list[str]]]:
    return [
        (each.status, sorted(f"{problem.field}:{problem.code.removesuffix('_in_batch')}" for problem in each.problems))
        for each in org.save("builder", *changes, mode=mode)
    ]


@SETTINGS
@given(rows=st.lists(st.tuples(ROW, st.integers(0, 3)), min_size=1, max_size=6))
def test_a_batch_of_n_is_n_batches_of_one(org, rows):
    results = []
    for singly in (True, False):
        targets = [*accounts(emptied(org)), None]
        changes = [Change(object="deal", action="create", values={**row, "account": targets[to]}) for row, to in rows]
        saved = [outcome_of(org, [change], "partial")[0] for change in changes] if singly else outcome_of(org, changes, "partial")
        statuses = [status for status, _ in saved]
        results.append((statuses, everything(org), everything(org, "account"), everything(org, "team")))
    single, batch = results
    assert batch[:2] == single[:2]
    for one, other in zip(single[2] + single[3], batch[2] + batch[3], strict=True):
        assert {**one, "row_version": 0} == {**other, "row_version": 0}


def recomputed(deals: list[dict[str, Any]]) -> dict[str, Any]:
    amounts = [deal["amount"] for deal in deals if deal["amount"] is not None]
    days = [deal["day"] for deal in deals if deal["day"] is not None and deal["amount"] is not None and deal["amount"] > 5]
    nets = [deal["net"] for deal in deals if deal["net"] is not None]
    return {
        "total": sum(amounts, D(0)),
        "won": D(sum(deal["stage"] == "won" for deal in deals)),
        "least": min(nets, default=None),
        "last": max(days, default=None),
        "double": sum(amounts, D(0)) * 2,
    }


STEP = st.tuples(st.sampled_from(["create", "update", "move", "delete", "restore"]), ROW, st.integers(0, 3), st.integers(0, 9))


@SETTINGS
@given(steps=st.lists(STEP, min_size=1, max_size=12))
def test_roll_ups_equal_a_full_recomputation_after_every_commit(org, steps):
    targets = [*accounts(emptied(org)), None]
    live: list[str] = []
    gone: list[str] = []
    for kind, row, to, which in steps:
        row.pop("code", None)
        change = None
        if kind == "create":
            change = Change(object="deal", action="create", values={**row, "account": targets[to]})
        elif kind in ("update", "move") and live:
            values = row if kind == "update" else {"account": targets[to]}
            change = Change(object="deal", action="update", id=live[which % len(live)], values=values)
        elif kind == "delete" and live:
            gone.append(live.pop(which % len(live)))
            change = Change(object="deal", action="delete", id=gone[-1])
        elif kind == "restore" and gone:
            live.append(gone.pop(which % len(gone)))
            change = Change(object="deal", action="restore", id=live[-1])
        if change is None:
            continue
        (outcome,) = org.save("builder", change, mode="partial")
        if kind == "create" and outcome.id is not None and outcome.status == "created":
            live.append(outcome.id)
    with org.reading() as gate:
        deals = gate.read(Query(object="deal", limit=200)).records
        found = {record["id"]: record for record in gate.read(Query(object="account")).records}
        (team,) = gate.read(Query(object="team")).records
    for account in targets[:3]:
        expected = recomputed([deal for deal in deals if deal["account"] is not None and deal["account"].id == account])
        assert {name: found[account][name] for name in expected} == expected
    assert team["total"] == sum((each["total"] for each in found.values()), D(0))
    assert team["rich"] == sum(each["double"] > 20 for each in found.values())


SORTS = st.lists(
    st.sampled_from(["name", "amount", "day", "stage", "called", "vip", "net", "account", "account.total", "created_at"]),
    max_size=2,
    unique=True,
)


@SETTINGS
@given(
    rows=st.lists(ROW, max_size=14),
    sorts=SORTS,
    downward=st.lists(st.booleans(), min_size=2, max_size=2),
    limit=st.integers(1, 5),
)
def test_pages_one_after_the_other_are_the_whole_list(org, rows, sorts, downward, limit):
    targets = accounts(emptied(org))
    for number, row in enumerate(rows):
        row.pop("code", None)
        if row.get("stage") == "nonsense":
            del row["stage"]
        target = targets[number % 3] if number % 4 else None
        org.save("builder", Change(object="deal", action="create", values={**row, "account": target}), mode="partial")
    order = tuple(Sort(field=name, descending=down) for name, down in zip(sorts, downward, strict=False))
    with org.reading() as gate:
        whole = [record["id"] for record in gate.read(Query(object="deal", sort=order, limit=200)).records]
        paged, cursor, pages = [], None, 0
        while True:
            page = gate.read(Query(object="deal", sort=order, limit=limit, cursor=cursor))
            paged += [record["id"] for record in page.records]
            cursor, pages = page.next, pages + 1
            assert len(page.records) == limit or cursor is None
            if cursor is None:
                break
        assert paged == whole
        assert pages == max(1, -(-len(whole) // limit))
        assert gate.count(Query(object="deal")).value == len(whole)
        values = (
            [gate.get("deal", each) for each in whole] if len(order) == 1 and order[0].field in ("amount", "day", "net", "called") else []
        )
    held = [record[order[0].field] for record in values]
    known = [value for value in held if value is not None]
    assert held == sorted(known, reverse=order[0].descending) + [None] * (len(held) - len(known)) if values else True


FILTERS = [
    "amount > 5",
    "amount <> 5",
    "ISBLANK(amount)",
    "NOT(amount > 5)",
    'stage = "won"',
    'stage <> "won"',
    "OR(vip, amount * 2 > discount)",
    "day < DATE(2000, 1, 1)",
    'INCLUDES(tags, "a")',
    'CONTAINS(LOWER(name), "ä")',
    "IF(ISBLANK(discount), amount < 0, amount / discount > 1)",
    'account.name = "acct1"',
    "account.total > 3",
    "net >= amount",
    'AND(LEN(name) > 2, OR(stage = "open", ISBLANK(called)))',
    'called > DATETIMEVALUE("2050-01-01 00:00:00")',
]


@SETTINGS
@given(rows=st.lists(ROW, min_size=1, max_size=8), filters=st.lists(st.sampled_from(FILTERS), min_size=1, max_size=5, unique=True))
def test_a_filter_finds_what_python_says(org, rows, filters):
    targets = accounts(emptied(org))
    for number, row in enumerate(rows):
        row.pop("code", None)
        target = targets[number % 3] if number % 4 else None
        org.save("builder", Change(object="deal", action="create", values={**row, "account": target}), mode="partial")
    with org.reading() as gate:
        records = gate.read(Query(object="deal", select=(*VALUES, "net", "account.name", "account.total"), limit=200)).records
        for source in filters:
            compiled = org.snapshot.expression(source, "deal", "list_filter")
            context = rules.Context(now=gate.tx.now, today=gate.today, zone=gate.principal.zone)
            expected = {record["id"] for record in records if compiled.python(record, context) is True}
            found = {record["id"] for record in gate.read(Query(object="deal", filter=source, limit=200)).records}
            assert found == expected, source


@SETTINGS
@given(row=ROW)
def test_what_a_read_gave_can_be_sent_back_unchanged(org, row):
    targets = accounts(emptied(org))
    try:
        deal = org.create("deal", {**row, "account": targets[0]})
    except Refused:
        return
    from fieldstone.metadata.field_types import FIELD_TYPES

    record = org.get("deal", deal)
    fields = org.snapshot.objects["deal"].fields
    back = {
        name: {"id": value.id, "name": value.name} if name == "account" else FIELD_TYPES[fields[name].type].to_json(fields[name], value)
        for name, value in record.items()
        if name in fields and not fields[name].read_only
    }
    assert org.update("deal", deal, back).status == "unchanged"
