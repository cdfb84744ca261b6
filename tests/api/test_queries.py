"""Lists through the API."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from tests.api.conftest import exact


@pytest.fixture
def deals(admin):
    """Nine deals; every third has no amount."""
    records = [{"name": f"Deal {n}", "stage": "open", "amount": None if n % 3 == 0 else n * 10.25} for n in range(9)]
    assert admin.post("/records/deal/batch", {"operation": "create", "records": records}).json["counts"]["created"] == 9
    return records


def test_get_and_post_give_the_same_bytes(admin, deals):
    query = {"select": ["name", "amount"], "filter": "amount > 20", "sort": ["-amount", "name"], "limit": 3, "count": "exact"}
    asked = urlencode({**query, "select": "name,amount", "sort": "-amount,name"})
    got, posted = admin.get(f"/records/deal?{asked}"), admin.post("/records/deal/query", query)
    assert got.data == posted.data
    assert [each["amount"] for each in exact(got)["records"]] == [Decimal("82.00"), Decimal("71.75"), Decimal("51.25")]
    assert got.json["count"] == {"value": 5, "exact": True}


def test_a_tree_finds_what_its_expression_finds(admin, deals):
    tree = {"and": [{"field": "amount", "op": "gt", "value": 20}, {"field": "name", "op": "contains", "value": "deal"}]}
    by_tree = admin.get("/records/deal?" + urlencode({"filter": json.dumps(tree)}))
    by_text = admin.get("/records/deal?" + urlencode({"filter": 'AND(amount > 20, CONTAINS(LOWER(name), "deal"))'}))
    assert by_tree.status_code == 200, by_tree.text
    assert by_tree.json["records"] == by_text.json["records"]


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 200])
def test_pages_are_the_whole_set_in_order(admin, deals, limit):
    whole = [each["id"] for each in admin.get("/records/deal?sort=-amount&limit=200").json["records"]]
    paged, cursor = [], ""
    while cursor is not None:
        answer = admin.get(f"/records/deal?sort=-amount&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        paged += [each["id"] for each in answer.json["records"]]
        cursor = answer.json["next"]
        assert cursor is None or len(answer.json["records"]) == limit
    assert paged == whole


def test_a_cursor_opens_for_nobody_else_and_for_no_other_query(admin, rep, deals):
    cursor = admin.get("/records/deal?limit=2&sort=name").json["next"]
    for answer in (
        rep.get(f"/records/deal?limit=2&sort=name&cursor={cursor}"),
        admin.get(f"/records/deal?limit=2&sort=-name&cursor={cursor}"),
        admin.get(f"/records/deal?limit=2&sort=name&cursor={cursor}x"),
    ):
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")


def test_groups_and_totals(admin, deals):
    asked = {"group": ["stage"], "aggregate": {"n": "count()", "total": "sum(amount)"}}
    (row,) = exact(admin.post("/records/deal/query", asked))["groups"]
    assert row == {"stage": "open", "n": 9, "total": Decimal("276.75")}


def test_child_lists_come_along(admin):
    account = admin.post("/records/account", {"name": "Acme"}).json["id"]
    admin.post("/records/deal", {"name": "Pilot", "stage": "open", "account": account})
    relation = next(each.name for each in admin.site.org.holder.newest().children("account") if each.child.name == "deal")
    answer = admin.post("/records/account/query", {"expand": {relation: {"select": ["name"]}}})
    assert [each["name"] for each in answer.json["records"][0][relation]["records"]] == ["Pilot"], answer.text
    related = admin.get(f"/records/account/{account}/related/{relation}?select=name")
    assert [each["name"] for each in related.json["records"]] == ["Pilot"]
    assert admin.get(f"/records/account/{account}/related/nothing").status_code == 404


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("colour=red", 400, "unknown_parameter"),
        ("limit=2&limit=3", 400, "malformed"),
        ("limit=0", 400, "malformed"),
        ("limit=201", 400, "malformed"),
        ("limit=many", 400, "malformed"),
        ("sort=nothing", 400, "invalid_filter"),
        ("filter=amount%20%3E", 400, "invalid_filter"),
        ("filter=%7B%22and%22%3A1%7D", 400, "invalid_filter"),
        ("select=nothing", 400, "invalid_filter"),
        ("cursor=x", 400, "invalid_cursor"),
        ("expand=nothing", 400, "invalid_filter"),
        ("view=nothing", 404, "not_found"),
        ("group=stage&sort=name", 400, "invalid_filter"),
    ],
)
def test_what_no_list_can_answer_is_refused(admin, query, status, code):
    answer = admin.get(f"/records/deal?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text


def test_a_hidden_field_in_a_query_is_one_that_does_not_exist(rep):
    for part in ("filter=secret%3D%22x%22", "sort=secret", "select=secret"):
        hidden = rep.get(f"/records/deal?{part}")
        unknown = rep.get(f"/records/deal?{part.replace('secret', 'sicret')}")
        assert hidden.status_code == unknown.status_code == 400
        strip = lambda answer, name: answer.text.replace(answer.headers["Request-Id"], "").replace(name, "x")  # noqa: E731
        assert strip(hidden, "secret") == strip(unknown, "sicret")
