"""What a formula shows is as secret as what it reads: nobody learns a hidden value through a formula, wherever it is asked for."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.errors import Refused
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.records.gate.access import rights as rights_of
from fieldstone.records.gate.authors import rights_of_author
from fieldstone.records.principal import Principal
from fieldstone.records.query import Group, Query, Sort
from tests.support.orgs import Org, found, obj
from tests.support.worlds import World, everything, permission_set, profile, rule, world


def formula(source: str, returns: str = "number", **options) -> dict:
    return {"type": "formula", "label": "Formula", "returns": returns, "formula": source, **options}


OPEN = {"declassified": {"reason": "everybody may know"}}
COMPANY = obj(
    "company",
    {
        "code": {"type": "text", "label": "Code"},
        "hidden": {"type": "number", "label": "Hidden"},
        "parent": {"type": "lookup", "label": "Parent", "to": "company"},
        "own": formula("hidden * 2"),
    },
)
DEAL = obj(
    "deal",
    {
        "company": {"type": "lookup", "label": "Company", "to": "company", "children": "deals"},
        "amount": {"type": "number", "label": "Amount"},
        "hidden": {"type": "number", "label": "Hidden"},
        "stored": formula("hidden * 2"),
        "live": formula("hidden * 2 + 0 * YEAR(TODAY())"),
        "nested": formula("stored + 1"),
        "not_granted": formula("amount + 1"),
        "over_not_granted": formula("not_granted + 1"),
        "through": formula("company.hidden"),
        "through_formula": formula("company.own"),
        "opened": formula("hidden + 7", **OPEN),
        "over_opened": formula("opened * 1000"),
        "far": formula("company.parent.code", "text"),
        "near": formula("company.code", "text"),
        "mine": formula("IF(owner = $User.Id, amount, 0)"),
    },
)
SECRET = ("hidden", "stored", "live", "nested", "not_granted", "over_not_granted", "through", "through_formula", "over_opened")
SHOWN = ("amount", "opened", "far", "near", "mine")
DEAL_RIGHTS, COMPANY_RIGHTS = everything(DEAL), everything(COMPANY)
for name in ("hidden", "not_granted"):
    del DEAL_RIGHTS["fields"][name]
del COMPANY_RIGHTS["fields"]["hidden"]
VIEW = {"kind": "list_view", "object": "deal", "label": "View", "columns": [{"field": "name"}, {"field": "nested"}, {"field": "amount"}]}
VIEWS = (
    {**VIEW, "api_name": "plain"},
    {**VIEW, "api_name": "filtered", "filter": "nested > 1"},
    {**VIEW, "api_name": "sorted", "sort": [{"field": "through_formula"}]},
)
DOCUMENTS = [
    *(COMPANY, DEAL, *VIEWS),
    rule("deal", "told", "amount > 900", "{{ stored }}|{{ nested + 1 }}|{{ through }}|{{ over_opened }}|{{ opened }}|{{ far }}"),
    profile("seller", {"company": COMPANY_RIGHTS, "deal": DEAL_RIGHTS}),
    permission_set("hidden", {"deal": {"rights": ["read"], "fields": {"hidden": "read"}}}),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller")
    made.person("Peer", profile="seller")
    made.person("Trusted", profile="seller", sets=["hidden"])
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("formulas and rights", people)


def deal(org: World, **values) -> str:
    top = org.create("company", {"name": "Top", "code": "TOPSECRET"}, "Peer")
    company = org.create("company", {"name": "Acme", "code": "A", "hidden": 41}, "builder")
    org.update("company", company, {"parent": top})
    given = {"name": "x", "amount": 5, "hidden": 3, "company": company, "owner": org.people["Rep"], **values}
    return org.create("deal", given)


def test_who_may_read_a_formula_may_read_all_that_it_reads(org):
    readable = {who: org.principal(who) for who in ("Rep", "Trusted")}
    held = {who: rights_of(org.snapshot, principal).readable("deal") for who, principal in readable.items()}
    assert not set(SECRET) & held["Rep"]
    assert set(SHOWN) <= held["Rep"]
    assert {"stored", "live", "nested", "over_opened"} <= held["Trusted"]
    assert not {"not_granted", "over_not_granted", "through", "through_formula"} & held["Trusted"]


@pytest.mark.parametrize("name", SECRET)
def test_a_formula_over_what_is_hidden_is_to_its_reader_like_one_that_does_not_exist(org, name):
    record = deal(org)
    nobodys = name[:-1] + "q"
    questions = [
        lambda gate, field: gate.get("deal", record, select=(field,)),
        lambda gate, field: gate.read(Query(object="deal", filter=f"{field} > 1")),
        lambda gate, field: gate.read(Query(object="deal", filter={"field": field, "op": "gt", "value": 1})),
        lambda gate, field: gate.count(Query(object="deal", filter=f"IFERROR({field}, 1) = 1")),
        lambda gate, field: gate.read(Query(object="deal", sort=(Sort(field=field),))),
        lambda gate, field: gate.totals(Query(object="deal"), {"n": ("sum", field)}),
        lambda gate, field: gate.groups(Query(object="deal"), [Group(field=field)], {"n": ("count", None)}),
        lambda gate, field: gate.read(Query(object="company", filter={"related": "deals", "where": {"expression": f"{field} > 1"}})),
    ]
    with org.reading("Rep") as gate:
        assert name not in gate.get("deal", record)
    for question in questions:
        said = []
        for field in (name, nobodys):
            with org.reading("Rep") as gate, pytest.raises(Refused) as refused:
                question(gate, field)
            said.append([(each.code, str(dict(each.params)).replace(field, "?")) for each in refused.value.problems])
        assert said[0] == said[1]


def test_a_draft_shows_no_formula_over_what_is_hidden(org):
    record = deal(org)
    for draft in (
        org.records.draft(org.principal("Rep"), "deal", record, {"amount": "6"}),
        org.records.draft(org.principal("Rep"), "deal", None, {"amount": "6"}),
    ):
        assert not set(SECRET) & draft.values.keys()
    shown = org.records.draft(org.principal("Rep"), "deal", record, {"amount": "6"}).values
    assert (shown["opened"], shown["mine"], shown["far"]) == (D(10), D(6), None)
    assert "TOPSECRET" not in str(shown)
    assert org.records.draft(org.principal("Trusted"), "deal", None, {"amount": "6"}).values["nested"] == D(1)


def test_a_formula_through_a_record_that_its_reader_cannot_see_is_blank_wherever_it_is_asked_for(org):
    record = deal(org)
    hidden, seen = (
        org.create("company", {"name": "H", "code": "HIDDEN"}, "Peer"),
        org.create("company", {"name": "S", "code": "SEEN"}, "Rep"),
    )
    org.update("deal", record, {"company": hidden})
    assert org.get("deal", record, "Rep")["near"] is None
    asked = ['near = "HIDDEN"', 'LEFT(near, 1) = "H"', "NOT(ISBLANK(near))", 'NOT(near = "")', "LEN(near) > 0"]
    with org.reading("Rep") as gate:
        assert [gate.count(Query(object="deal", filter=each)).value for each in asked] == [0] * len(asked)
        assert gate.count(Query(object="deal", filter="ISBLANK(near)")).value == 1
        assert [row["near"] for row in gate.groups(Query(object="deal"), [Group(field="near")], {"n": ("count", None)})] == [None]
        assert [each["near"] for each in gate.read(Query(object="deal", sort=(Sort(field="near"),))).records] == [None]
    assert org.records.draft(org.principal("Rep"), "deal", record).values["near"] is None
    org.update("deal", record, {"company": seen})
    assert org.get("deal", record, "Rep")["near"] == org.records.draft(org.principal("Rep"), "deal", record).values["near"] == "SEEN"


def test_a_message_tells_no_formula_over_what_is_hidden(org):
    record = deal(org)
    for who, said in (("Rep", "||||10|"), ("builder", "6|8|41|10,000|10|TOPSECRET")):
        with pytest.raises(Refused) as refused:
            org.update("deal", record, {"amount": 901}, who)
        assert [problem.message[""] for problem in refused.value.problems] == [said]


def test_a_view_leaves_hidden_formulas_out_and_does_not_run_where_it_rests_on_one(org):
    deal(org)
    with org.reading("Rep") as gate:
        (record,) = gate.read(Query(object="deal", view="plain")).records
        assert record.keys() & {"name", "nested", "amount"} == {"name", "amount"}
        for view in ("filtered", "sorted"):
            with pytest.raises(Refused) as refused:
                gate.read(Query(object="deal", view=view))
            assert [(each.code, dict(each.params)) for each in refused.value.problems] == [("view_not_available", {"view": view})]


CUSTOMIZER = profile("customizer", {"deal": {"rights": ["read"], "fields": {"amount": "read"}}}, setup=["customize"])
GUARD = profile("guard", {"deal": {"rights": ["read"], "fields": {"amount": "read"}}}, setup=["customize", "manage_security"])


@pytest.mark.parametrize(
    ("who", "part", "expected"),
    [
        ("customizer", formula("amount + 1"), []),
        ("customizer", formula("hidden + 1"), [("author_cannot_read", "/fields/new/formula", "hidden")]),
        ("customizer", formula("amount + 1", **OPEN), [("right_missing", "/fields/new/declassified", "manage_security")]),
        ("guard", formula("amount + 1", **OPEN), []),
        ("guard", formula("hidden + 1", **OPEN), [("author_cannot_read", "/fields/new/formula", "hidden")]),
        (
            "guard",
            {"type": "number", "label": "New", "default": "=hidden + amount"},
            [("author_cannot_read", "/fields/new/default", "hidden")],
        ),
        ("guard", {"type": "text", "label": "New", "default": "=TEXT(amount)"}, []),
    ],
)
def test_nobody_opens_to_others_what_they_may_not_read(prepared, who, part, expected):
    def publish(engine) -> None:
        found(engine)
        fields = {"amount": {"type": "number", "label": "Amount"}, "hidden": {"type": "number", "label": "Hidden"}}
        Org(engine).publish(obj("deal", fields), CUSTOMIZER, GUARD)

    org = Org(prepared("an org of authors", publish))
    held = rights_of(org.snapshot, Principal(kind="user", user_id="u", name="U", profile=who))
    with org.engine.connect() as connection:
        changes = ChangeSet(put=(org.with_fields("deal", new=part),))
        planned = plan(org.snapshot, changes, connection, rights=rights_of_author(org.snapshot, held, changes))
    said = [(each.code, each.pointer, *each.params.values()) for each in planned.problems if not each.warning]
    assert said == expected
