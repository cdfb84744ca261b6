"""A formula or roll-up means the same wherever it is asked for, and whether the platform keeps its value or computes it when asked."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
import time_machine

from fieldstone.errors import Refused
from fieldstone.records.failed_formulas import failed_formulas
from fieldstone.records.query import Group, Query, Sort
from fieldstone.records.steps.layout import State
from tests.support.orgs import obj, picklist
from tests.support.statements import counting
from tests.support.worlds import World, everything, profile, rights, rule, world

LIVE = "+ 0 * YEAR(TODAY())"  # changes no number, and keeps the platform from storing it
DAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


def formula(returns: str, source: str, **options) -> dict:
    return {"type": "formula", "label": "Formula", "returns": returns, "formula": source, **options}


COMPANY = obj(
    "company",
    {
        "industry": picklist("it", "bank"),
        "parent": {"type": "lookup", "label": "Parent", "to": "company"},
        "group": formula("text", "TEXT(parent.industry)"),
        "coming": {
            "type": "roll_up",
            "label": "Coming",
            "relation": "deal.company",
            "function": "sum",
            "field": "amount",
            "filter": "due > TODAY()",
        },
        "open_deals": {"type": "roll_up", "label": "Open", "relation": "deal.company", "function": "count", "filter": "days > 0"},
        "each_deal": formula("number", "100 / open_deals"),
    },
)
DEAL = obj(
    "deal",
    {
        "company": {"type": "lookup", "label": "Company", "to": "company"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "due": {"type": "date", "label": "Due"},
        "note": {"type": "text", "label": "Note"},
        "third": formula("percent", "amount / 3 / 100", scale=1),
        "third_live": formula("percent", f"amount / 3 / 100 {LIVE}", scale=1),
        "ratio": formula("number", "100 / amount", scale=1),
        "ratio_live": formula("number", f"100 / amount {LIVE}", scale=1),
        "open_ratio": formula("number", "100 / amount", declassified={"reason": "tells nothing of the amount"}),
        "thousandfold": formula("number", "amount * 1000"),
        "hot": formula("checkbox", 'note = "hot"'),
        "small": formula("number", "amount / 7 * 10", precision=4, scale=1),
        "small_live": formula("number", f"amount / 7 * 10 {LIVE}", precision=4, scale=1),
        "part": formula("percent", "amount / 7 / 100", precision=4, scale=1),
        "part_live": formula("percent", f"amount / 7 / 100 {LIVE}", precision=3, scale=1),
        "brief": formula("text", 'TEXT(amount) & "!"', length=2),
        "brief_live": formula("text", f'TEXT(amount {LIVE}) & "!"', length=2),
        "large": formula("checkbox", "100 / amount < 1"),
        "large_live": formula("checkbox", f"100 / amount {LIVE} < 1"),
        "thirds": formula("number", "third * 300", scale=2),
        "days": formula("number", "due - TODAY()", blanks="blank"),
        "late": formula("checkbox", "due < TODAY()"),
        "mine": formula("checkbox", "owner = $User.Id"),
        "of_group": formula("text", "company.parent.name"),
    },
)
LAYOUT = {
    "kind": "page_layout",
    "object": "deal",
    "api_name": "standard",
    "label": "Standard",
    "tabs": [
        {
            "id": "main",
            "label": "Main",
            "sections": [
                {"id": "key", "label": "Key", "items": [{"field": "name"}, {"field": "company"}]},
                {"id": "bank", "label": "Bank", "visible_when": 'company.industry = "bank"', "items": [{"field": "amount"}]},
                {"id": "more", "label": "More", "items": [{"field": "note", "required_when": "company.coming > 100"}]},
            ],
        }
    ],
}
LABEL = obj("label", {"amount": DEAL["fields"]["amount"], "name": formula("text", "TEXT(100 / amount)")})
DOCUMENTS = [
    *(COMPANY, DEAL, LAYOUT, LABEL),
    rule("company", "cap", "coming > 1000", "too much is coming: {{ coming }}"),
    rule("deal", "cap", "AND(company.coming > 500, ISNEW())", "enough"),
    rule("deal", "tenth", 'AND(note = "asks", third_live = 0.333, ratio_live = 1, NOT(large_live))', "asked"),
    profile("seller", {"company": everything(COMPANY), "deal": everything(DEAL)}),
    profile("blind", {"deal": rights("read", "view_all", read=["name", "open_ratio"])}),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller")
    made.person("Peer", profile="seller")
    made.person("Blind", profile="blind")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("computed fields", people)


@pytest.fixture
def many(org) -> World:
    for name, amount in (("a", None), ("b", "100.00"), ("c", "200.00"), ("d", "0.00")):
        org.create("deal", {"name": name, "amount": amount}, "Rep")
    return org


def found(org: World, condition: str, who: str = "Rep") -> str:
    with org.reading(who) as gate:
        query = Query(object="deal", select=("name",), filter=condition, sort=(Sort(field="name"),))
        return "".join(each["name"] for each in gate.read(query).records)


@pytest.mark.parametrize(
    ("name", "shown", "filters"),
    [
        pytest.param(
            "third",
            [D("0.0"), D("33.3"), D("66.7"), D("0.0")],
            {"{0} = 0.333": "b", "{0} = 0": "ad", "{0} * 3 = 0.999": "b", "NOT(ISBLANK({0}))": "abcd", "{0} > 0.6666": "c"},
            id="a rounded number, blank amounts read as zero",
        ),
        pytest.param(
            "ratio",
            [None, D("1.0"), D("0.5"), None],
            {"ISBLANK({0})": "ad", "BLANKVALUE({0}, 7) = 7": "ad", "{0} = 0.5": "c", "NOT({0} = 1)": "c"},
            id="a failing one is blank",
        ),
        pytest.param(
            "small",
            [D("0.0"), D("142.9"), D("285.7"), D("0.0")],
            {"{0} > 0": "bc", "{0} < 142.9": "ad", "NOT({0} >= 142.9)": "ad", "{0} * 2 > 400": "c", "{0} > 999.96": ""},
            id="a number that fits",
        ),
        pytest.param(
            "brief",
            ["0!", None, None, "0!"],
            {"ISBLANK({0})": "bc", '{0} = "0!"': "ad", "LEN({0}) = 4": "", 'CONTAINS({0}, "!")': "ad"},
            id="a text that is too long is blank",
        ),
        pytest.param(
            "large",
            [None, False, True, None],
            {"{0}": "c", "NOT({0})": "abd", "{0} = FALSE": "abd"},
            id="a failing checkbox is blank for readers, and not ticked for conditions",
        ),
    ],
)
@pytest.mark.parametrize("kept", ["", "_live"], ids=["stored", "live"])
def test_stored_or_live_is_no_difference_to_anybody(many, name, shown, filters, kept):
    field = name + kept
    assert (many.snapshot.object("deal").fields[field].stored) is (kept == "")
    with many.reading("Rep") as gate:
        records = gate.read(Query(object="deal", sort=(Sort(field="name"),))).records
        groups = gate.groups(Query(object="deal"), [Group(field=field)], {"n": ("count", None)})
        ordered = gate.read(Query(object="deal", sort=(Sort(field=field, descending=True), Sort(field="name")))).records
    assert [str(each[field]) for each in records] == [str(each) for each in shown]
    assert {source: found(many, source.format(field)) for source in filters} == filters
    kept_values = [each or False if name == "large" else each for each in shown]
    assert sorted((str(row[field]), row["n"]) for row in groups) == sorted(
        (str(each), kept_values.count(each)) for each in set(kept_values)
    )
    values = [each[field] or False if name == "large" else each[field] for each in ordered]
    assert values == [*sorted((each for each in values if each is not None), reverse=True), *(each for each in values if each is None)]
    if name not in ("large", "brief"):
        with many.reading("Rep") as gate:
            assert gate.totals(Query(object="deal"), {"sum": ("sum", field)}) == {"sum": sum(each for each in shown if each is not None)}


@pytest.mark.parametrize("name", ["small", "small_live"])
def test_a_number_with_more_digits_than_its_field_is_blank_for_conditions_too(many, name):
    for record, amount in (("e", "699.9"), ("f", "699.97"), ("g", "700"), ("h", "-699.97"), ("i", "70000")):
        many.create("deal", {"name": record, "amount": amount}, "Rep")
    asked = {
        "{0} > 200": "ce", "200 <= {0}": "ce", "{0} < 1": "adx", "{0} <= 999.8": "abcdx", "NOT({0} > 200)": "abdx", "ISBLANK({0})": "fghi",
        "{0} * 2 > 400": "ce", "{0} > 100000": "", "NOT({0} < 100000)": "", "OR({0} > 200, ISBLANK({0}))": "cefghi", "{0} = 999.9": "e",
    }  # fmt: skip
    many.create("deal", {"name": "x", "amount": "-70"}, "Rep")
    assert {source: found(many, source.format(name)) for source in asked} == asked


def test_a_formula_in_a_formula_gives_all_its_digits(many):
    with many.reading("Rep") as gate:
        records = gate.read(Query(object="deal", select=("thirds",), sort=(Sort(field="name"),))).records
    assert [each["thirds"] for each in records] == [D("0.00"), D("100.00"), D("200.00"), D("0.00")]


def test_a_rule_reads_a_live_formula_as_people_see_it(many):
    with pytest.raises(Refused) as refused:
        many.create("deal", {"name": "x", "amount": 100, "note": "asks"}, "Rep")
    assert [problem.rule for problem in refused.value.problems] == ["tenth"]


def test_a_formula_of_today_is_true_on_every_day_and_no_day_writes_anything(org):
    for name, due in (("a", "2026-11-20"), ("b", "2026-11-22"), ("c", None)):
        org.create("deal", {"name": name, "due": due}, "Rep")
    seen = []
    for day in (DAY, DAY.replace(day=22), DAY.replace(day=23, hour=0), DAY):
        with time_machine.travel(day, tick=False), org.reading("Rep") as gate:
            records = gate.read(Query(object="deal", sort=(Sort(field="days"), Sort(field="name")))).records
            late = gate.count(Query(object="deal", filter="late")).value
            summed = gate.totals(Query(object="deal"), {"sum": ("sum", "days")})["sum"]
            seen.append(([(each["name"], each["days"], each["late"], each["row_version"]) for each in records], late, summed))
    assert seen[0] == ([("a", -1, True, 1), ("b", 1, False, 1), ("c", None, False, 1)], 1, 0)
    assert seen[1] == ([("a", -2, True, 1), ("b", 0, False, 1), ("c", None, False, 1)], 1, -2)
    assert seen[2] == ([("a", -3, True, 1), ("b", -1, True, 1), ("c", None, False, 1)], 2, -4)
    assert seen[3] == seen[0]


def test_midnight_is_where_the_reader_is(org):
    org.create("deal", {"name": "a", "due": "2026-11-22"}, "Rep")
    org.update("user", org.people["Peer"], {"zone": "Asia/Shanghai", "profile": "seller"})
    deal = org.create("deal", {"name": "b", "due": "2026-11-22"}, "Peer")
    with time_machine.travel(DAY.replace(hour=20), tick=False):
        with org.reading("Rep") as gate:
            assert [each["days"] for each in gate.read(Query(object="deal")).records] == [1]
        with org.reading("Peer") as gate:
            assert gate.get("deal", deal)["days"] == 0


def test_a_formula_of_the_user_is_each_readers_own(org):
    deal = org.create("deal", {"name": "a"}, "Rep")
    assert (org.get("deal", deal, "Rep")["mine"], org.get("deal", deal)["mine"]) == (True, False)
    assert (found(org, "mine"), found(org, "mine", "builder")) == ("a", "")


def test_a_live_roll_up_follows_the_clock_and_is_blank_behind_no_parent(org):
    company = org.create("company", {"name": "c"}, "Rep")
    for due in ("2026-11-22", "2026-11-23"):
        org.create("deal", {"name": due, "company": company, "amount": 5, "due": due}, "Rep")
    org.create("deal", {"name": "alone"}, "Rep")
    for hours, expected in ((0, 10), (24, 5), (48, 0)):
        with time_machine.travel(DAY.timestamp() + hours * 3600, tick=False), org.reading("Rep") as gate:
            record = gate.get("company", company)
            assert (record["coming"], record["open_deals"]) == (expected, expected / 5)
            assert gate.count(Query(object="company", filter=f"coming = {expected}")).value == 1
            through = gate.read(Query(object="deal", select=("company.coming",), sort=(Sort(field="name"),))).records
            assert [each["company.coming"] for each in through] == [expected, expected, None]


def test_a_rule_may_ask_for_a_live_roll_up_of_the_record_and_of_its_parent(org):
    company = org.create("company", {"name": "c"}, "Rep")
    first = org.create("deal", {"name": "x", "company": company, "amount": 600, "due": "2999-01-01"}, "Rep")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "y", "company": company}, "Rep")
    assert [problem.rule for problem in refused.value.problems] == ["cap"]
    assert org.update("company", company, {"name": "d"}, "Rep").status == "updated"
    org.update("deal", first, {"amount": 2000}, "Rep")
    with pytest.raises(Refused) as refused:
        org.update("company", company, {"name": "e"}, "Rep")
    assert [problem.message[""] for problem in refused.value.problems] == ["too much is coming: $2,000.00"]


def failed(org: World, who: str, *select: str) -> dict[str, dict[str, str]]:
    """The formulas of deals that end in an error, by the name of the deal."""
    with org.reading(who) as gate:
        records = gate.read(Query(object="deal", select=("name", *select) if select else None)).records
        found = failed_formulas(gate, gate.snapshot.object("deal"), records)
        return {each["name"]: found.get(each["id"], {}) for each in records}


def test_pages_know_which_formulas_end_in_an_error(org):
    company, hidden = org.create("company", {"name": "c"}, "Rep"), org.create("company", {"name": "h"}, "Peer")
    org.create("deal", {"name": "failing", "amount": 0, "company": company}, "Rep")
    blind = org.create("deal", {"name": "blind", "amount": 3}, "Rep")
    org.update("deal", blind, {"company": hidden})
    org.create("deal", {"name": "blank", "amount": 3, "due": None}, "Rep")
    zero = "division_by_zero"
    every = dict.fromkeys(("ratio", "ratio_live", "open_ratio", "large", "large_live"), zero)
    assert failed(org, "Rep") == {"failing": every, "blind": {}, "blank": {}}
    assert failed(org, "Rep", "ratio", "days") == {"failing": {"ratio": zero}, "blind": {}, "blank": {}}
    assert failed(org, "Rep", "amount") == {"failing": {}, "blind": {}, "blank": {}}
    through = failed(org, "Rep", "company.each_deal", "company.group")
    assert through == {"failing": {"company.each_deal": zero}, "blind": {}, "blank": {}}


def test_a_number_that_no_field_can_hold_is_an_error(org):
    org.create("deal", {"name": "tiny", "amount": "0.01"}, "Rep")
    org.create("deal", {"name": "huge", "amount": "9999999999999999.99"}, "Rep")
    assert failed(org, "Rep", "thousandfold") == {"tiny": {}, "huge": {"thousandfold": "out_of_range"}}


def test_a_checkbox_that_cannot_fail_is_its_column_and_no_more(many):
    with many.reading("Rep") as gate, counting(many.engine) as log:
        for name, inputs in (("hot", 0), ("large", 1)):
            gate.read(Query(object="deal", select=(name,)))
            assert ("amount" in log.statements[-1]) is bool(inputs)
            assert ("CASE" in log.statements[-1].partition(" FROM ")[0]) is bool(inputs)


def test_a_name_that_fails_is_an_error_too(org):
    org.create("label", {"amount": 0}, "builder")
    org.create("label", {"amount": 50}, "builder")
    with org.reading("builder") as gate:
        records = gate.read(Query(object="label", sort=(Sort(field="amount"),))).records
        found = failed_formulas(gate, gate.snapshot.object("label"), records)
    assert [(each["name"], found.get(each["id"])) for each in records] == [(None, {"name": "division_by_zero"}), ("2", None)]


def test_what_failed_costs_one_statement_for_a_page_and_none_where_nothing_is_blank(many):
    with many.reading("Rep") as gate:
        definition = gate.snapshot.object("deal")
        records = gate.read(Query(object="deal", select=("name", "ratio"))).records
        for some, statements in ((records, 1), ([each for each in records if each["ratio"] is not None], 0)):
            with counting(many.engine) as log:
                found = failed_formulas(gate, definition, some)
            assert (len(log), len(found)) == (statements, 2 * statements)


def test_of_a_formula_over_what_one_may_not_read_nothing_is_told(org):
    org.create("deal", {"name": "failing", "amount": 0}, "Rep")
    assert failed(org, "Rep", "open_ratio") == {"failing": {"open_ratio": "division_by_zero"}}
    assert failed(org, "Blind", "open_ratio") == {"failing": {}}


def test_a_draft_knows_which_formulas_end_in_an_error(org):
    company, hidden = org.create("company", {"name": "c"}, "Rep"), org.create("company", {"name": "h"}, "Peer")
    zero = dict.fromkeys(("ratio", "ratio_live", "open_ratio", "large", "large_live"), "division_by_zero")
    draft = org.records.draft(org.principal("Rep"), "deal", None, {"name": "x", "amount": "0", "company": company})
    assert (dict(draft.failed), draft.values["ratio"], draft.values["large"]) == (zero, None, None)
    deal = org.create("deal", {"name": "x", "amount": 0}, "Rep")
    assert org.records.draft(org.principal("Rep"), "deal", deal, {"amount": "4"}).failed == {}
    org.update("deal", deal, {"company": hidden, "amount": "4"})
    assert org.records.draft(org.principal("Rep"), "deal", deal, {}).failed == {}


def test_a_form_shows_live_fields_as_the_saved_record_will(org):
    company = org.create("company", {"name": "c", "industry": "bank"}, "Rep")
    deal = org.create("deal", {"name": "x", "company": company, "amount": 200, "due": "2999-01-01"}, "Rep")
    names = ("coming", "open_deals", "group")
    draft = org.records.draft(org.principal("Rep"), "company", company, {"name": "d"})
    saved = org.get("company", company, "Rep")
    assert {name: draft.values[name] for name in names} == {name: saved[name] for name in names}
    draft = org.records.draft(org.principal("Rep"), "deal", deal, {"amount": "100"}, layout="standard")
    assert (draft.values["third_live"], draft.values["ratio_live"], draft.values["large_live"]) == (D("33.3"), D("1.0"), False)
    assert (draft.states["amount"], draft.states["note"]) == (State(), State(required=True))


def test_a_condition_on_a_section_reads_through_lookups(org):
    it, bank = (org.create("company", {"name": name, "industry": name}, "Rep") for name in ("it", "bank"))
    for company, visible in ((it, False), (bank, True), (None, False)):
        draft = org.records.draft(org.principal("Rep"), "deal", None, {"company": company}, "json", layout="standard")
        assert draft.states["amount"].visible is visible
    deal = org.create("deal", {"name": "x", "company": it}, "Rep")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"amount": "5"}, "Rep", given="form", options={"layout": "standard"})
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("amount", "not_editable_now")]
    saved = org.update("deal", deal, {"amount": "5", "company": bank}, "Rep", given="form", options={"layout": "standard"})
    assert saved.status == "updated"


CODED = obj(
    "coded",
    {
        "company": {"type": "lookup", "label": "Company", "to": "company"},
        "note": {"type": "text", "label": "Note"},
        "kept": formula("checkbox", 'REGEX(note, "a+")'),
        "cheap": formula("checkbox", 'VALUE(JSONVALUE(note, "price")) < 10'),
        "dear": formula("checkbox", "NOT(cheap)"),
        "live": formula("checkbox", 'REGEX(company.name, "a+")'),
        "over": formula("text", 'IF(live, "yes", company.name & "!")'),
        "late": formula("number", 'IF(REGEX(note, "a+"), 10, 20) / 3 + 0 * YEAR(TODAY())', scale=1),
    },
)


def coded_people(engine) -> World:
    made = world(engine, COMPANY, DEAL, CODED, profile("seller", {"company": everything(COMPANY), "coded": everything(CODED)}))
    made.person("Rep", profile="seller")
    made.person("Peer", profile="seller")
    return made


def test_a_kept_checkbox_that_no_database_can_ask_again_is_blank_where_it_failed(a_world):
    org = a_world("computed behind the query", coded_people)
    company = org.create("company", {"name": "c"}, "Rep")
    for note in ('{"price": "5"}', '{"price": "50"}', '{"price": "cheap"}', None):
        org.create("coded", {"name": note or "none", "note": note, "company": company}, "Rep")
    with org.reading("Rep") as gate:
        assert gate.snapshot.object("coded").fields["cheap"].stored
        with counting(org.engine) as log:
            records = gate.read(Query(object="coded", select=("name", "cheap", "dear"), sort=(Sort(field="name"),))).records
        assert len(log) == 1
        shown = {each["name"]: (each["cheap"], each["dear"]) for each in records}
        price = {5: '{"price": "5"}', 50: '{"price": "50"}', "cheap": '{"price": "cheap"}'}
        assert shown == {price[5]: (True, False), price[50]: (False, True), price["cheap"]: (None, None), "none": (False, True)}
        assert gate.count(Query(object="coded", filter="cheap")).value == 1
        assert gate.count(Query(object="coded", filter="NOT(cheap)")).value == 3
        found = failed_formulas(gate, gate.snapshot.object("coded"), records)
    assert [set(each.items()) for each in found.values()] == [{("cheap", "number_format"), ("dear", "number_format")}]


def test_a_formula_that_no_database_can_do_is_computed_behind_the_query(a_world):
    org = a_world("computed behind the query", coded_people)
    ids = {name: org.create("company", {"name": name}, who) for name, who in (("aaa", "Rep"), ("b", "Rep"), ("aa", "Peer"))}
    for company in ("aaa", "b", "aa", None):
        made = org.create("coded", {"name": str(company), "note": "aa", "owner": org.people["Rep"]})
        org.update("coded", made, {"company": ids.get(company)})
    with org.reading("Rep") as gate:
        records = gate.read(Query(object="coded", sort=(Sort(field="name"),))).records
        shown = {each["name"]: (each["kept"], each["live"], each["over"], each["late"]) for each in records}
        assert shown == {
            "None": (True, False, "!", D("3.3")),
            "aa": (True, None, None, D("3.3")),
            "aaa": (True, True, "yes", D("3.3")),
            "b": (True, False, "b!", D("3.3")),
        }
        assert gate.count(Query(object="coded", filter="kept")).value == 4
        for query in (
            Query(object="coded", filter="live"),
            Query(object="coded", filter='over = "yes"'),
            Query(object="coded", filter={"field": "live", "op": "eq", "value": True}),
            Query(object="coded", sort=(Sort(field="over"),)),
        ):
            with pytest.raises(Refused) as refused:
                gate.read(query)
            assert [(each.code, each.params.get("function")) for each in refused.value.problems] == [("expression_not_filterable", "REGEX")]
        for each in records:
            draft = org.records.draft(org.principal("Rep"), "coded", each["id"])
            assert [draft.values[name] for name in ("live", "over", "late")] == [each[name] for name in ("live", "over", "late")]
