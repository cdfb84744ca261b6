"""Examples of definitions: run in Python and on the databases at hand, one statement an expression, before anything is published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fieldstone.db.engine import is_postgresql
from fieldstone.db.transaction import read
from fieldstone.errors import Refused
from fieldstone.metadata.changes import Place, Rename
from fieldstone.rules import FUNCTIONS
from tests.support.orgs import Org, found, obj, picklist
from tests.support.statements import counting


def formula(returns: str, source: str, *examples: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"type": "formula", "label": "F", "returns": returns, "formula": source, "examples": list(examples), **options}


COMPANY = obj("company", {"industry": picklist("it", "bank"), "rating": {"type": "number", "label": "Rating", "scale": 2}})
FIELDS = {
    "company": {"type": "lookup", "label": "Company", "to": "company"},
    "amount": {"type": "currency", "label": "Amount", "scale": 2},
    "share": {"type": "percent", "label": "Share", "scale": 1},
    "due": {"type": "date", "label": "Due"},
    "called_at": {"type": "datetime", "label": "Called"},
    "hot": {"type": "checkbox", "label": "Hot"},
    "tags": {**picklist("a", "b"), "type": "multi_picklist"},
    "note": {"type": "text", "label": "Note"},
}
TRUE_ONES = {
    "net": formula(
        "currency", "amount * (1 - share)", {"record": {"amount": "99.90", "share": "15.0"}, "expect": "84.92"}, {"expect": "0.00"}, scale=2
    ),
    "third": formula("percent", "amount / 3", {"record": {"amount": "1.00"}, "expect": "33.3"}, scale=1),
    "days": formula(
        "number",
        "due - TODAY()",
        {"today": "2026-11-21", "record": {"due": "2026-12-01"}, "expect": 10},
        {"today": "2026-12-24", "record": {"due": "2026-12-01"}, "expect": -23},
        {"expect": None},
        blanks="blank",
    ),
    "grade": formula(
        "text",
        'IF(company.industry = "bank", "B", "-") & TEXT(company.rating) & IF(hot, "!", "") & IF(INCLUDES(tags, "a"), "a", "")',
        {"record": {"hot": True, "tags": ["a"]}, "related": {"company": {"industry": "bank", "rating": "2.50"}}, "expect": "B2.5!a"},
        {"record": {}, "expect": "-0"},
        blanks="zero",
    ),
    "mine": formula(
        "checkbox",
        "owner = $User.Id",
        {"record": {"owner": "u1"}, "user": {"id": "u1"}, "expect": True},
        {"user": {"id": "u1"}, "expect": False},
    ),
    "hour": formula("number", "HOUR(TIMEVALUE(called_at))", {"record": {"called_at": "2026-01-01T23:59:59Z"}, "expect": 23}),
    "coded": formula("checkbox", 'REGEX(note, "[a-z]+")', {"record": {"note": "abc"}, "expect": True}, {"expect": False}),
}


@pytest.fixture
def org(prepared) -> Org:
    def publish(engine) -> None:
        found(engine)
        Org(engine).publish(COMPANY, obj("deal", FIELDS))

    return Org(prepared("an org for examples", publish))


def problems(org: Org, *documents: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(each.code, each.pointer, each.params.get("engine")) for each in org.plan(*documents).problems if not each.warning]


def test_examples_hold_on_every_engine(org):
    assert problems(org, org.with_fields("deal", **TRUE_ONES)) == []


@pytest.mark.parametrize(
    ("index", "expect", "got"), [(0, "84.91", "84.92"), (0, None, "84.92"), (1, None, "0.00"), (1, 0.001, "0.00")], ids=str
)
def test_one_that_does_not_hold_refuses_the_publish_with_what_was_expected_and_what_came(org, index, expect, got):
    net = {**TRUE_ONES["net"], "examples": [dict(each) for each in TRUE_ONES["net"]["examples"]]}
    net["examples"][index]["expect"] = expect
    version = org.snapshot.version
    with pytest.raises(Refused) as refused:
        org.publish_plan(org.plan(org.with_fields("deal", net=net)).require())
    (problem,) = refused.value.problems
    assert (problem.code, problem.pointer) == ("example_failed", f"/fields/net/examples/{index}")
    assert (problem.params["got"], problem.params["name"]) == (got, str(index + 1))
    assert org.snapshot.version == version


def test_a_database_that_disagrees_with_python_is_told_by_its_name(org, monkeypatch):
    (absolute,) = FUNCTIONS["ABS"]
    wrong = replace(absolute, sql=lambda n: f"({n} + 1)", sqlite=lambda n: f"({n} + 1)")
    monkeypatch.setitem(FUNCTIONS, "ABS", (wrong,))
    examples = [{"name": "two", "record": {"amount": "-2.00"}, "expect": 2}, {"record": {"amount": None}, "expect": None}]
    document = org.with_fields("deal", size=formula("number", "ABS(amount)", *examples, blanks="blank"))
    with read(org.engine) as tx:
        engines = ["SQLite", "PostgreSQL"] if is_postgresql(tx.connection) else ["SQLite"]
    assert problems(org, document) == [("example_failed_on", "/fields/size/examples/0", engine) for engine in engines]


def test_an_owner_in_an_example_is_a_queue_by_its_name_even_before_it_is_published(org):
    tier2 = {"kind": "queue", "api_name": "tier2", "label": {"en": "Tier 2", "zh-Hans": "二线"}, "objects": ["deal"]}
    of_tier2 = {"record": {"owner": "queue:tier2"}}
    fields = {
        "line": formula("text", "Owner:Queue.Name", {**of_tier2, "expect": "Tier 2"}, {"record": {"owner": "u1"}, "expect": None}),
        "who": formula("text", "Owner:User.Id", {**of_tier2, "expect": None}, {"record": {"owner": "u1"}, "expect": "u1"}),
    }
    assert problems(org, tier2, org.with_fields("deal", **fields)) == []
    org.publish(tier2, org.with_fields("deal", **fields))
    assert problems(org, {**tier2, "label": "Second line"}) == [("example_failed", "/fields/line/examples/0", None)]
    by_name = {**fields["line"], "examples": [{"record": {"Owner:Queue.Name": "Tier 2"}, "expect": "Tier 2"}]}
    assert problems(org, org.with_fields("deal", line=by_name)) == [
        ("bad_example", "/fields/line/examples/0/record/Owner:Queue.Name", None)
    ]


CHOICES = {
    **FIELDS,
    "company": {**FIELDS["company"], "filter": "rating > $Record.amount", "default": '=IF(hot, "c1", NULL)'},
    "close": {"type": "date", "label": "Close", "default": "=due + 30"},
}
CHOSEN = {"record": {"amount": "10.00"}, "related": {"company": {"rating": "20.00"}}, "expect": True}
COUNTED = {"type": "roll_up", "label": "Hot", "relation": "deal.company", "function": "sum", "field": "amount", "filter": "hot"}
COUNTED |= {"declassified": {"reason": "Shown to all."}}


@pytest.mark.parametrize(
    ("name", "example", "got"),
    [
        ("close", {"record": {"due": "2026-01-01"}, "expect": "2026-01-31"}, None),
        ("close", {"record": {"due": "2026-01-01"}, "expect": "2026-02-01"}, "2026-01-31"),
        ("company", CHOSEN, None),
        ("company", {**CHOSEN, "related": {"company": {"rating": "10.00"}}}, "false"),
        ("company", {"record": {"hot": True}, "expect": "c1"}, None),
        ("company", {"expect": None}, None),
        ("company", {"record": {"hot": True}, "expect": "c2"}, "c1"),
        ("sum", {"related": {"deal.company": {"hot": True}}, "expect": True}, None),
        ("sum", {"related": {"deal.company": {"hot": False}}, "expect": True}, "false"),
        ("sum", {"related": {"deal.company": [{"hot": True, "amount": 5}, {"amount": 1}]}, "expect": 5}, None),
        ("sum", {"related": {"deal.company": [{"hot": True, "amount": 5}, {"amount": 1}]}, "expect": 6}, "5"),
        ("sum", {"related": {"deal.company": []}, "expect": 0}, None),
    ],
)
def test_an_example_of_a_field_is_about_its_filter_if_it_expects_true_or_false(org, name, example, got):
    if name == "sum":
        document = org.with_fields("company", hot_sum={**COUNTED, "examples": [example]})
    else:
        document = org.with_fields("deal", **{name: {**CHOICES[name], "examples": [example]}})
    found = [each for each in org.plan(document).problems if not each.warning]
    assert [(each.code, each.params["got"]) for each in found] == ([] if got is None else [("example_failed", got)])


def test_what_filters_and_defaults_say_is_asked_of_databases_too(org, monkeypatch):
    (begins,) = FUNCTIONS["BEGINS"]
    wrong = replace(begins, sql=lambda *_: "(1 = 0)", sqlite=lambda *_: "(1 = 0)", write_sql=None)
    monkeypatch.setitem(FUNCTIONS, "BEGINS", (wrong,))
    source, row = 'BEGINS(note, "a")', {"note": "abc"}
    fields = {
        "twin": {"type": "lookup", "label": "T", "to": "deal", "filter": source, "examples": [{"related": {"twin": row}, "expect": True}]},
        "fits": {"type": "checkbox", "label": "Fits", "default": f"={source}", "examples": [{"record": row, "expect": True}]},
    }
    examples = [{"related": {"deal.company": row}, "expect": True}, {"related": {"deal.company": [{**row, "amount": 5}, {}]}, "expect": 5}]
    counted = {**COUNTED, "filter": source, "examples": examples}
    found = problems(org, org.with_fields("deal", **fields), org.with_fields("company", hot_sum=counted))
    assert {(code, pointer) for code, pointer, _engine in found} == {
        ("example_failed_on", f"/fields/{name}/examples/{index}")
        for name, index in (("twin", 0), ("fits", 0), ("hot_sum", 0), ("hot_sum", 1))
    }


def test_examples_of_a_roll_up_follow_a_rename_of_its_relation(org):
    examples = [{"related": {"deal.company": {"hot": True}}, "expect": True}, {"related": {"deal.company": [{}]}, "expect": 0}]
    org.publish(org.with_fields("company", hot_sum={**COUNTED, "examples": examples}))
    rename = Rename(place=Place(kind="field", object="deal", name="company"), to="firm")
    org.publish_plan(org.plan(rename=(rename,)).require())
    kept = org.document("objects/company.json")["fields"]["hot_sum"]["examples"]
    assert [list(each["related"]) for each in kept] == [["deal.firm"], ["deal.firm"]]


def test_all_examples_of_an_expression_take_one_statement_and_settled_ones_none(org):
    org.publish(org.with_fields("deal", **TRUE_ONES))
    changed = {**TRUE_ONES["net"], "formula": "amount - amount * share"}
    renamed = org.document("objects/company.json") | {"label": "Firm"}
    with read(org.engine) as tx:
        on_org = is_postgresql(tx.connection)
    for document, expected in ((org.with_fields("deal", net=changed), 1), (renamed, 0)):
        with counting(org.engine) as seen:
            assert problems(org, document) == []
        asked = [each for each in seen.statements if "CASE WHEN" in each and "FROM" in each]
        assert len([each for each in asked if "UNION ALL" in each]) == (expected if on_org else 0)
