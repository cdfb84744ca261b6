"""Reading through the gate: who sees which records, fields and names, whatever the question."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.errors import NotVisible, Refused
from fieldstone.records.query import HIDDEN, Expand, Group, Query, Sort
from tests.support.orgs import obj, picklist
from tests.support.worlds import World, everything, permission_set, profile, queue, rights, role, world

ACCOUNT = obj("account", {"industry": picklist("it", "bank"), "secret": {"type": "text", "label": "Secret"}})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account", "children": "deals"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "discount": {"type": "percent", "label": "Discount", "scale": 1, "precision": 5},
        "stage": picklist("open", "won", "lost"),
        "close_date": {"type": "date", "label": "Close", "indexed": True},
        "called_at": {"type": "datetime", "label": "Called"},
        "tags": {**picklist("a", "b", "c"), "type": "multi_picklist"},
        "cost": {"type": "currency", "label": "Cost", "scale": 2},
        "margin": {"type": "formula", "label": "Margin", "returns": "currency", "scale": 2, "formula": "amount - cost"},
        "share": {"type": "formula", "label": "Share", "returns": "percent", "scale": 1, "formula": "IF(amount > 0, cost / amount, NULL)"},
        "branch": {"type": "formula", "label": "Branch", "returns": "text", "formula": "account.industry"},
        "days": {"type": "formula", "label": "Days", "returns": "number", "formula": "close_date - TODAY()", "blanks": "blank"},
        "mine": {"type": "formula", "label": "Mine", "returns": "checkbox", "formula": "owner = $User.Id"},
        "live_total": {
            "type": "roll_up",
            "label": "Live",
            "relation": "line.deal",
            "function": "sum",
            "field": "price",
            "filter": 'CONTAINS(deal.name, "i")',
        },
    },
)
LINE = obj(
    "line",
    {
        "deal": {"type": "master_detail", "label": "Deal", "to": "deal", "children": "lines"},
        "price": {"type": "number", "label": "Price", "scale": 2},
        "half": {"type": "formula", "label": "Half", "returns": "number", "scale": 1, "formula": "price / 2"},
    },
    default_access="by_parent",
    owned_by="none",
)
PLACE = obj("place", {"account": {"type": "lookup", "label": "Account", "to": "account"}}, default_access="read")
SELLER = everything(DEAL)
for name in ("cost",):
    del SELLER["fields"][name]
ACCOUNT_RIGHTS = everything(ACCOUNT)
del ACCOUNT_RIGHTS["fields"]["secret"]
VIEW = {
    "kind": "list_view",
    "object": "deal",
    "api_name": "cheap",
    "label": "Cheap",
    "columns": [{"field": "name"}, {"field": "cost"}],
    "filter": "amount < 100",
    "sort": [{"field": "amount"}],
}
HIDDEN_VIEW = {**VIEW, "api_name": "costly", "filter": "cost > 1"}
DOCUMENTS = [
    *(ACCOUNT, DEAL, LINE, PLACE, VIEW, HIDDEN_VIEW),
    *(role("boss"), role("lead", "boss"), role("rep", "lead"), role("other", "boss")),
    queue("inbound", "deal"),
    profile(
        "seller",
        {
            "account": ACCOUNT_RIGHTS,
            "deal": SELLER,
            "line": everything(LINE),
            "place": everything(PLACE),
            "user": rights("read", read=["name", "role"]),
        },
    ),
    profile("nobody", {"place": rights("read", read=["account"])}),
    permission_set("see_all", {"deal": rights("read", "view_all")}),
    permission_set("costs", {"deal": rights("read", read=["cost"])}),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    for name, job in (("Rep", "rep"), ("Lead", "lead"), ("Boss", "boss"), ("Other", "other"), ("Peer", "rep")):
        made.person(name, profile="seller", role=job)
    made.person("Auditor", profile="seller", role="other", sets=["see_all", "costs"])
    made.person("Nobody", profile="nobody")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("reading", people)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("Rep", True),
        ("Lead", True),
        ("Boss", True),
        ("Peer", False),
        ("Other", False),
        ("Auditor", True),
        ("Nobody", False),
        ("builder", True),
    ],
)
def test_a_private_record_is_seen_by_its_owner_those_above_and_who_may_view_all(org, who, sees):
    deal = org.create("deal", {"name": "Pilot", "amount": 5}, "Rep")
    with org.reading(who) as gate:
        if "deal" not in gate.rights.visible_objects:
            with pytest.raises(NotVisible):
                gate.get("deal", deal)
            return
        assert (len(gate.read(Query(object="deal")).records) == 1) is sees
        assert (gate.count(Query(object="deal")).value == 1) is sees
        assert (gate.totals(Query(object="deal"), {"n": ("count", None)})["n"] == 1) is sees
        assert (len(gate.groups(Query(object="deal"), [Group(field="stage")], {"n": ("count", None)})) == 1) is sees
        assert (len(gate.search("pilot")) == 1) is sees
        assert (len(gate.suggest("deal", "pil")) == 1) is sees
        assert bool(gate.names("deal", [deal])) is sees
        assert bool(gate.access("deal", deal)) is sees
        if sees:
            assert gate.get("deal", deal)["name"] == "Pilot"
        else:
            with pytest.raises(NotVisible):
                gate.get("deal", deal)


def test_invisible_and_missing_are_told_alike(org):
    deal = org.create("deal", {"name": "Pilot"}, "Rep")
    said = []
    for record in (deal, "00000000-0000-7000-8000-000000000000", "nonsense"):
        with org.reading("Peer") as gate, pytest.raises(NotVisible) as refusal:
            gate.get("deal", record)
        said.append(str(refusal.value))
    assert len(set(said)) == 1


def test_a_lookup_to_an_invisible_record_shows_neither_id_nor_name(org):
    account = org.create("account", {"name": "Acme"}, "Rep")
    place = org.create("place", {"name": "Hall", "account": account}, "Rep")
    assert org.get("place", place, "Rep")["account"].name == "Acme"
    assert org.get("place", place, "Peer")["account"] == HIDDEN
    assert org.get("place", place, "Nobody")["account"] == HIDDEN
    with org.reading("Peer") as gate:
        assert gate.read(Query(object="place", filter='account.name = "Acme"')).records == ()
        assert gate.read(Query(object="place", select=("account.name",))).records[0]["account.name"] is None


def test_unreadable_fields_are_absent_and_their_names_mean_nothing(org):
    deal = org.create("deal", {"name": "Pilot", "amount": 10, "cost": 4, "owner": org.people["Rep"]})
    record = org.get("deal", deal, "Rep")
    assert not {"cost", "margin", "share"} & record.keys()
    assert org.get("deal", deal, "Auditor")["margin"] == D("6.00")
    said = []
    for name in ("cost", "cosy"):
        for query in (
            Query(object="deal", select=(name,)),
            Query(object="deal", filter=f"{name} > 1"),
            Query(object="deal", filter={"field": name, "op": "gt", "value": 1}),
            Query(object="deal", sort=(Sort(field=name),)),
        ):
            with org.reading("Rep") as gate, pytest.raises(Refused) as refused:
                gate.read(query)
            (problem,) = refused.value.problems
            said.append((problem.code, problem.suggestion, str(problem.params).replace(name, "?")))
    assert said[:4] == said[4:]


def test_formulas_are_computed_in_the_query_exactly(org):
    deal = org.create("deal", {"name": "Pilot", "amount": "10.00", "cost": "3.33"})
    org.create("line", {"name": "l", "deal": deal, "price": "1.25"})
    org.create("line", {"name": "m", "deal": deal, "price": "2.50"})
    record = org.get("deal", deal, "builder")
    assert (record["margin"], record["share"], record["live_total"]) == (D("6.67"), D("33.3"), D("3.75"))
    with org.reading() as gate:
        assert gate.totals(Query(object="deal", filter="share > 0.3"), {"s": ("sum", "live_total")}) == {"s": D("3.75")}


def test_sums_and_groups_are_filtered_through_a_parent(org):
    for name, industry in (("Acme", "it"), ("Bolt", None)):
        account = org.create("account", {"name": name, "industry": industry}, "Rep")
        org.create("deal", {"name": f"of {name}", "account": account, "amount": "2.00", "stage": "open"}, "Rep")
    query = Query(object="deal", filter='account.industry = "it"')
    with org.reading("Rep") as gate:
        assert gate.totals(query, {"s": ("sum", "amount"), "n": ("count", None)}) == {"s": D("2.00"), "n": 1}
        assert [row["n"] for row in gate.groups(query, [Group(field="stage")], {"n": ("count", None)})] == [1]


def test_a_formula_through_an_invisible_parent_is_blank(org):
    account = org.create("account", {"name": "Acme", "industry": "it"}, "Peer")
    deal = org.create("deal", {"name": "Pilot", "account": account, "owner": org.people["Rep"]})
    assert org.get("deal", deal, "Boss")["branch"] == "it"
    assert org.get("deal", deal, "Rep")["branch"] is None


@pytest.fixture
def many(org) -> World:
    account = org.create("account", {"name": "Acme", "industry": "bank"}, "Rep")
    rows = [
        {"name": "Alpha", "amount": 10, "stage": "open", "close_date": "2026-01-15", "account": account, "tags": ["a", "b"]},
        {"name": "Beta", "amount": 20, "stage": "won", "close_date": "2026-02-15", "tags": ["b"], "called_at": "2026-02-15T23:30:00Z"},
        {"name": "Gamma", "amount": None, "stage": "won", "close_date": None, "account": account},
        {"name": "delta", "amount": "20.50", "stage": None, "close_date": "2026-02-28"},
    ]
    for row in rows:
        org.create("deal", row, "Rep")
    return org


def found(org: World, filter, who: str = "Rep") -> list[str]:
    with org.reading(who) as gate:
        return [
            each["name"] for each in gate.read(Query(object="deal", select=("name",), filter=filter, sort=(Sort(field="name"),))).records
        ]


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ('stage = "won"', ["Beta", "Gamma"]),
        ('AND(stage = "won", amount > 15)', ["Beta"]),
        ("ISBLANK(amount)", ["Gamma"]),
        ('account.industry = "bank"', ["Alpha", "Gamma"]),
        ("owner = $User.Id", ["Alpha", "Beta", "delta", "Gamma"]),
        ("close_date < TODAY()", ["Alpha", "Beta", "delta"]),
        ({"field": "stage", "op": "eq", "value": "won"}, ["Beta", "Gamma"]),
        ({"field": "stage", "op": "ne", "value": "won"}, ["Alpha", "delta"]),
        ({"field": "amount", "op": "ge", "value": 20}, ["Beta", "delta"]),
        ({"field": "amount", "op": "between", "value": [10, 20]}, ["Alpha", "Beta"]),
        ({"field": "stage", "op": "in", "value": ["open", None]}, ["Alpha", "delta"]),
        ({"field": "stage", "op": "not_in", "value": ["open", "lost"]}, ["Beta", "delta", "Gamma"]),
        ({"field": "name", "op": "contains", "value": "ET"}, ["Beta"]),
        ({"field": "name", "op": "starts_with", "value": "d"}, ["delta"]),
        ({"field": "name", "op": "ends_with", "value": "LTA"}, ["delta"]),
        ({"field": "name", "op": "not_contains", "value": "a"}, []),
        ({"field": "amount", "op": "blank"}, ["Gamma"]),
        ({"field": "account", "op": "not_blank"}, ["Alpha", "Gamma"]),
        ({"field": "close_date", "op": "eq", "value": "2026-02-15"}, ["Beta"]),
        ({"field": "called_at", "op": "lt", "value": "2026-02-16T00:30:00+01:00"}, []),
        ({"field": "tags", "op": "includes_any", "value": ["a", "c"]}, ["Alpha"]),
        ({"field": "tags", "op": "includes_all", "value": ["b"]}, ["Alpha", "Beta"]),
        ({"field": "owner", "op": "me"}, ["Alpha", "Beta", "delta", "Gamma"]),
        ({"field": "owner", "op": "my_team"}, ["Alpha", "Beta", "delta", "Gamma"]),
        ({"and": [{"field": "stage", "op": "eq", "value": "won"}, {"not": {"field": "amount", "op": "blank"}}]}, ["Beta"]),
        ({"or": [{"expression": "amount = 10"}, {"field": "name", "op": "eq", "value": "delta"}]}, ["Alpha", "delta"]),
        ({"field": "close_date", "op": "lt", "value": {"expression": "DATE(2026, 2, 1)"}}, ["Alpha"]),
    ],
)
def test_filters(many, filter, names):
    assert sorted(found(many, filter), key=str.lower) == sorted(names, key=str.lower)


def test_filters_on_children(many):
    deal = many.records and found(many, None)
    assert len(deal) == 4
    with many.reading("Rep") as gate:
        (alpha,) = gate.read(Query(object="deal", filter='name = "Alpha"')).records
    many.create("line", {"name": "l", "deal": alpha["id"], "price": 3}, "Rep")
    assert found(many, {"related": "lines", "match": "some"}) == ["Alpha"]
    assert found(many, {"related": "lines", "match": "some", "where": {"field": "price", "op": "gt", "value": 5}}) == []
    assert "Alpha" not in found(many, {"related": "lines", "match": "none"})
    with many.reading("Rep") as gate:
        assert [each["name"] for each in gate.related("deal", alpha["id"], "lines").records] == ["l"]
        page = gate.read(Query(object="deal", sort=(Sort(field="name"),), expand={"lines": Expand(select=("name", "half"))}))
        assert [[line["half"] for line in each["lines"].records] for each in page.records] == [[D("1.5")], [], [], []]


@pytest.mark.parametrize(
    "filter",
    [
        "amount >",
        "nonsense = 1",
        'REGEX(name, "a+")',
        {"field": "amount", "op": "near", "value": 1},
        {"field": "amount", "op": "eq", "value": "x"},
        {"and": []},
        {"field": "amount"},
        {"field": "close_date", "op": "in_period", "value": "some_day"},
        {"related": "nothing"},
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_its_place(many, filter):
    with many.reading("Rep") as gate, pytest.raises(Refused) as refused:
        gate.read(Query(object="deal", filter=filter))
    assert refused.value.code == "invalid_filter"
    assert all((problem.pointer or "").startswith("/filter") for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("amount", ["Alpha", "Beta", "delta", "Gamma"]),
        ("-amount", ["delta", "Beta", "Alpha", "Gamma"]),
        ("close_date", ["Alpha", "Beta", "delta", "Gamma"]),
        ("-close_date", ["delta", "Beta", "Alpha", "Gamma"]),
        ("stage", ["Alpha", "Beta", "Gamma", "delta"]),
        ("name", ["Alpha", "Beta", "delta", "Gamma"]),
        ("-name", ["Gamma", "delta", "Beta", "Alpha"]),
        ("account", ["Alpha", "Gamma", "Beta", "delta"]),
        ("days", ["Alpha", "Beta", "delta", "Gamma"]),
    ],
)
def test_blanks_come_last_in_both_directions(many, sort, names):
    with many.reading("Rep") as gate:
        records, cursor = [], None
        while True:
            page = gate.read(Query(object="deal", sort=(Sort.parse(sort),), limit=1, cursor=cursor))
            records += page.records
            cursor = page.next
            if cursor is None:
                break
        whole = gate.read(Query(object="deal", sort=(Sort.parse(sort),))).records
    assert [each["name"] for each in records] == [each["name"] for each in whole] == names


def test_a_cursor_opens_only_for_who_and_what_it_was_made(many):
    query = Query(object="deal", sort=(Sort(field="amount"),), limit=1)
    with many.reading("Rep") as gate:
        cursor = gate.read(query).next
    for who, other in (
        ("Lead", query),
        ("Rep", Query(object="deal", limit=1)),
        ("Rep", Query(object="deal", sort=query.sort, filter="amount > 1", limit=1)),
    ):
        with many.reading(who) as gate, pytest.raises(Refused) as refused:
            gate.read(Query(object="deal", sort=other.sort, filter=other.filter, limit=1, cursor=cursor))
        assert refused.value.code == "invalid_cursor"
    with many.reading("Rep") as gate, pytest.raises(Refused):
        gate.read(Query(object="deal", sort=query.sort, limit=1, cursor=(cursor or "")[:-3] + "abc"))


def test_a_view_gives_filter_sort_and_columns_without_hidden_ones(many):
    with many.reading("Rep") as gate:
        page = gate.read(Query(object="deal", view="cheap", count="exact"))
        assert [(each["name"], "cost" in each) for each in page.records] == [("Alpha", False), ("Beta", False), ("delta", False)]
        assert page.count is not None and page.count.value == 3
        with pytest.raises(Refused) as refused:
            gate.read(Query(object="deal", view="costly"))
    assert [problem.code for problem in refused.value.problems] == ["view_not_available"]
    with many.reading("Auditor") as gate:
        assert gate.read(Query(object="deal", view="costly")).records == ()


def test_groups_and_totals_are_exact(many):
    with many.reading("Rep") as gate:
        by_stage = gate.groups(
            Query(object="deal"), [Group(field="stage")], {"n": ("count", None), "total": ("sum", "amount"), "mid": ("avg", "amount")}
        )
        assert [(row["stage"], row["n"], row["total"], row["mid"]) for row in by_stage] == [
            ("open", 1, D("10.00"), D("10.00")),
            ("won", 2, D("20.00"), D("20.00")),
            (None, 1, D("20.50"), D("20.50")),
        ]
        months = gate.groups(Query(object="deal"), [Group(field="close_date", by="month", name="m")], {"n": ("count", None)})
        assert [(str(row["m"]), row["n"]) for row in months] == [("2026-01-01", 1), ("2026-02-01", 2), ("None", 1)]
        assert [row["account"] and row["account"].name for row in gate.groups(Query(object="deal"), [Group(field="account")], {})] == [
            "Acme",
            None,
        ]
        assert gate.totals(Query(object="deal"), {"least": ("min", "close_date"), "kinds": ("count_distinct", "stage")})["kinds"] == 2


def test_search_finds_words_names_and_codes(org):
    org.create("deal", {"name": "浦东发展银行"}, "Rep")
    org.create("deal", {"name": "Green-Tech AB-12 Größe"}, "Rep")
    with org.reading("Rep") as gate:
        for text in ("浦东", "发展", "浦", "pudong", "pdfzyh", "浦东发展", "发展银"):
            assert [hit.name for hit in gate.search(text)] == ["浦东发展银行"], text
        for text in ("green", "tech gre", "ab12", "ab-12", "größe", "grosse", '"tech ab"', "green -pudong"):
            assert len(gate.search(text)) == 1, text
        for text in ("浦发", "tech -green", '"ab tech"', "", "-", "zzz"):
            assert gate.search(text) == [], text


def test_the_index_can_be_made_anew(org):
    from fieldstone.db.transaction import write
    from fieldstone.records.search import SEARCH

    org.create("deal", {"name": "Pilot"}, "Rep")
    with write(org.engine) as tx:
        tx.connection.execute(SEARCH.delete())
    with org.reading("Rep") as gate:
        assert gate.search("pilot") == []
    assert org.records.reindex("deal") == 1
    with org.reading("Rep") as gate:
        assert [hit.name for hit in gate.search("pilot")] == ["Pilot"]
