"""Saving: what a change has to pass, in which order, and what it leaves behind."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest

from fieldstone.errors import Conflict, NotAllowed, NotVisible, Refused
from fieldstone.i18n.texts import word
from fieldstone.records.changes import Change
from tests.support.orgs import obj, picklist
from tests.support.worlds import World, everything, profile, queue, rights, role, rule, world

ACCOUNT = obj(
    "account",
    {
        "industry": picklist("it", "bank"),
        "total": {"type": "roll_up", "label": "Total", "relation": "deal.account", "function": "sum", "field": "amount"},
        "deals": {"type": "roll_up", "label": "Deals", "relation": "deal.account", "function": "count"},
        "won": {
            "type": "roll_up",
            "label": "Won",
            "relation": "deal.account",
            "function": "max",
            "field": "amount",
            "filter": 'stage = "won"',
        },
        "double": {"type": "formula", "label": "Double", "returns": "currency", "scale": 2, "formula": "total * 2"},
    },
)
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account", "on_delete": "restrict"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2, "min": 0, "history": True},
        "stage": picklist("open", "won", "lost", history=True),
        "reason": picklist("price", "timing", controlled_by="stage", allowed={"lost": ["price", "timing"]}),
        "discount": {"type": "percent", "label": "Discount", "scale": 1, "precision": 5},
        "code": {"type": "auto_number", "label": "No", "pattern": "D-{0000}"},
        "erp_no": {"type": "text", "label": "ERP", "length": 20, "external_id": True, "ignore_case": True},
        "close_date": {"type": "date", "label": "Close", "default": "=TODAY() + 30"},
        "net": {"type": "formula", "label": "Net", "returns": "currency", "scale": 2, "formula": "amount * (1 - discount)"},
        "title": {"type": "formula", "label": "Title", "returns": "text", "formula": 'code & " " & name'},
        "short": {"type": "formula", "label": "Short", "returns": "text", "formula": "UPPER(LEFT(title, 8))"},
        "hidden": {"type": "text", "label": "Hidden"},
    },
)
LINE = obj(
    "line",
    {"deal": {"type": "master_detail", "label": "Deal", "to": "deal", "children": "lines"}, "price": {"type": "number", "label": "Price"}},
    default_access="by_parent",
    owned_by="none",
)
DEAL_RIGHTS = everything(DEAL)
del DEAL_RIGHTS["fields"]["hidden"]
DOCUMENTS = [
    ACCOUNT,
    DEAL,
    LINE,
    role("boss"),
    role("rep", "boss"),
    queue("inbound", "deal"),
    profile(
        "seller",
        {"account": everything(ACCOUNT), "deal": DEAL_RIGHTS, "line": everything(LINE), "user": rights("read", read=["name"])},
    ),
    profile("reader", {"deal": rights("read", "view_all", read=["amount"])}),
    rule("deal", "won_amount", 'AND(stage = "won", ISBLANK(amount))', "{{ name }} is won: enter its amount.", at="amount"),
    rule("deal", "poor_bank", 'AND(account.industry = "bank", amount > 1000)', "Banks are poor.", at="amount"),
    rule("deal", "steep", "amount / (1 - discount) > 10000000", label={"en": "Too steep", "zh-Hans": "折扣过大"}, at="discount"),
    rule("account", "rich", "total > 100000", "Too rich."),
]


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    for name, job in (("Ada", "rep"), ("Bob", "rep"), ("Eve", "boss")):
        made.person(name, profile="seller", role=job)
    made.person("Rea", profile="reader")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("deals", people)


def codes(refused) -> list[tuple[str | None, str]]:
    return sorted((problem.field or problem.pointer, problem.code) for problem in refused.value.problems)


def test_a_new_record_gets_defaults_numbers_formulas_and_stamps(org):
    account = org.create("account", {"name": "Acme"}, "Ada")
    deal = org.create("deal", {"name": "Pilot", "account": account, "amount": "999.50", "discount": 15}, "Ada")
    record = org.get("deal", deal, "Ada")
    assert (record["amount"], record["net"], record["code"], record["row_version"]) == (D("999.50"), D("849.58"), "D-0001", 1)
    assert record["owner"].id == record["created_by"].id == org.people["Ada"]
    assert record["account"].name == "Acme"
    assert record["close_date"] == record["created_at"].date() + timedelta(days=30)


def test_every_error_is_told_at_once_at_its_field(org):
    with pytest.raises(Refused) as refused:
        org.create("deal", {"amount": -1, "stage": "wn", "foo": 1, "code": "X", "name": "N" * 300, "discount": "1.25"}, "Ada")
    assert codes(refused) == [
        ("/foo", "unknown_field"),
        ("amount", "below_minimum"),
        ("code", "read_only"),
        ("discount", "too_precise"),
        ("name", "too_long"),
        ("stage", "unknown_choice"),
    ]


def test_formulas_know_the_number_that_a_new_record_gets(org):
    for number in (1, 2):
        record = org.get("deal", org.create("deal", {"name": f"deal {number}"}, "Ada"))
        assert [record[name] for name in ("code", "title", "short")] == [
            f"D-000{number}",
            f"D-000{number} deal {number}",
            f"D-000{number} D",
        ]


def test_a_field_that_may_not_be_seen_is_told_as_one_that_does_not_exist(org):
    problems = []
    for name in ("hidden", "hiddem"):
        with pytest.raises(Refused) as refused:
            org.create("deal", {"name": "x", name: "y"}, "Ada")
        problems.append(refused.value.problems[0])
    assert [(each.code, each.suggestion) for each in problems] == [("unknown_field", None)] * 2


def test_rules_tell_their_message_with_values_and_read_through_lookups(org):
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "Pilot", "stage": "won"}, "Ada")
    assert refused.value.problems[0].message == {"": "Pilot is won: enter its amount."}
    bank = org.create("account", {"name": "Bank", "industry": "bank"}, "Ada")
    with pytest.raises(Refused):
        org.create("deal", {"name": "x", "account": bank, "amount": 1001}, "Ada")
    deal = org.create("deal", {"name": "x", "amount": 5000}, "Ada")
    with pytest.raises(Refused):
        org.update("deal", deal, {"account": bank}, "Ada")


def test_a_rule_that_fails_blocks_the_save_and_is_named(org):
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "Pilot", "amount": 1, "discount": 100}, "Ada")
    (problem,) = refused.value.problems
    assert (refused.value.code, problem.rule, problem.field) == ("rule_fault", "steep", "discount")
    end = "Correct the record, or have an administrator correct the expression."
    assert word(problem, "en") == f'"Too steep" cannot be evaluated for this record: Division by zero (/, line 1, column 1). {end}'
    assert word(problem, "zh-Hans").startswith("“折扣过大”无法对该记录求值：除以零（/，第 1 行第 1 列）。")


def test_nothing_changed_is_nothing_written(org):
    deal = org.create("deal", {"name": "Pilot", "amount": "100.00"}, "Ada")
    outcome = org.update("deal", deal, {"amount": 100}, "Ada")
    assert (outcome.status, org.get("deal", deal)["row_version"]) == ("unchanged", 1)


def test_a_stale_version_is_a_conflict_that_shows_both_values(org):
    deal = org.create("deal", {"name": "Pilot", "amount": 1}, "Ada")
    org.update("deal", deal, {"amount": 2}, "Ada", row_version=1)
    with pytest.raises(Conflict) as conflict:
        org.update("deal", deal, {"amount": 3}, "Ada", row_version=1)
    assert (conflict.value.current, conflict.value.given, conflict.value.row_version) == ({"amount": D("2.00")}, {"amount": 3}, 2)


@pytest.mark.parametrize(
    ("who", "action", "error"),
    [
        ("Ada", "update", None),
        ("Eve", "update", None),
        ("Bob", "update", NotVisible),
        ("Rea", "update", NotAllowed),
        ("Bob", "delete", NotVisible),
        ("Eve", "delete", None),
        ("Rea", "delete", NotAllowed),
    ],
)
def test_who_may_change_a_private_record(org, who, action, error):
    deal = org.create("deal", {"name": "Pilot"}, "Ada")
    change = Change(object="deal", action=action, id=deal, values={"name": "New"} if action == "update" else {})
    if error is None:
        (outcome,) = org.save(who, change)
        assert outcome.status in ("updated", "deleted")
    else:
        with pytest.raises(error):
            org.save(who, change)


def test_a_lookup_to_an_invisible_record_is_refused_like_one_to_none(org):
    other = org.create("account", {"name": "Secret"}, "Bob")
    said = []
    for target in (other, "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(Refused) as refused:
            org.create("deal", {"name": "x", "account": target}, "Ada")
        said.append(codes(refused))
    assert said == [[("account", "record_not_found")]] * 2


def test_a_lookup_may_be_given_by_a_key_of_its_target(org):
    org.create("account", {"name": "Acme"}, "Ada")
    deal = org.create("deal", {"name": "x", "account": {"name": "Acme"}}, "Ada")
    assert org.get("deal", deal)["account"].name == "Acme"
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "x", "account": {"name": "Nobody"}}, "Ada")
    assert codes(refused) == [("account", "record_not_found")]


def test_dependent_values_follow_their_control(org):
    deal = org.create("deal", {"name": "x", "stage": "lost", "reason": "price"}, "Ada")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"stage": "won"}, "Ada")
    assert ("reason", "not_with_control") in codes(refused)
    org.update("deal", deal, {"stage": "open", "reason": None}, "Ada")


def test_unique_values_are_unique_without_case_in_the_batch_and_in_the_table(org):
    first = org.create("deal", {"name": "x", "erp_no": "A-1"}, "Ada")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "y", "erp_no": "a-1"}, "Ada")
    assert codes(refused) == [("erp_no", "not_unique")]
    twice = [Change(object="deal", action="create", values={"name": "z", "erp_no": no}) for no in ("B-1", "b-1")]
    with pytest.raises(Refused) as refused:
        org.save("Ada", *twice)
    assert [problem.pointer for problem in refused.value.problems] == ["/records/1/erp_no"]
    org.delete("deal", first, "Ada")
    second = org.create("deal", {"name": "y", "erp_no": "a-1"}, "Ada")
    with pytest.raises(Refused):
        org.restore("deal", first, "Ada")
    org.update("deal", second, {"erp_no": None}, "Ada")
    assert org.restore("deal", first, "Ada").status == "restored"


def test_partial_sets_the_refused_aside(org):
    changes = [Change(object="deal", action="create", values={"name": "a", "amount": amount}) for amount in (1, -1, 2)]
    outcomes = org.save("Ada", *changes, mode="partial")
    assert [each.status for each in outcomes] == ["created", "refused", "created"]
    assert org.names("deal", "Ada") == ["a", "a"]
    with pytest.raises(Refused):
        org.save("Ada", *changes)
    assert len(org.names("deal", "Ada")) == 2


def test_a_dry_run_says_what_would_be_and_writes_nothing(org):
    (outcome,) = org.save("Ada", Change(object="deal", action="create", values={"name": "a"}), dry_run=True)
    assert (outcome.status, org.names("deal", "Ada")) == ("created", [])


def test_the_same_record_twice_is_refused(org):
    deal = org.create("deal", {"name": "x"}, "Ada")
    changes = [Change(object="deal", action="update", id=deal, values={"name": name}) for name in "ab"]
    with pytest.raises(Refused) as refused:
        org.save("Ada", *changes)
    assert [problem.code for problem in refused.value.problems] == ["duplicate_in_batch"]


def test_the_form_of_a_new_record_holds_roll_ups_as_a_record_without_children_does(org):
    draft = org.records.draft(org.principal("Ada"), "account", None, {})
    account = org.create("account", {"name": "Acme"}, "Ada")
    with org.reading("Ada") as gate:
        stored = gate.get("account", account, select=["total", "deals"])
    assert [repr(draft.values[name]) for name in ("total", "deals")] == [repr(stored[name]) for name in ("total", "deals")]


def test_roll_ups_follow_their_children(org):
    a, b = (org.create("account", {"name": name}, "Ada") for name in "ab")
    deal = org.create("deal", {"name": "x", "account": a, "amount": 10, "stage": "won"}, "Ada")
    org.create("deal", {"name": "y", "account": a, "amount": 20, "stage": "open"}, "Ada")
    record = org.get("account", a)
    assert (record["total"], record["deals"], record["won"], record["double"]) == (D("30.00"), D(2), D("10.00"), D("60.00"))
    org.update("deal", deal, {"account": b}, "Ada")
    assert [org.get("account", each)["total"] for each in (a, b)] == [D("20.00"), D("10.00")]
    org.delete("deal", deal, "Ada")
    record = org.get("account", b)
    assert (record["total"], record["deals"], record["won"]) == (D(0), D(0), None)
    org.restore("deal", deal, "Ada")
    assert org.get("account", b)["total"] == D("10.00")


def test_a_parents_rule_refuses_the_childs_save(org):
    account = org.create("account", {"name": "a"}, "Ada")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "x", "account": account, "amount": 100001}, "Ada")
    assert [(problem.code, problem.rule) for problem in refused.value.problems] == [("validation_rule", "rich")]
    changes = [Change(object="deal", action="create", values={"name": "x", "account": account, "amount": n}) for n in (100001, 5)]
    assert [each.status for each in org.save("Ada", *changes, mode="partial")] == ["refused", "created"]
    assert org.get("account", account)["total"] == D("5.00")


def test_delete_is_restricted_by_children_and_counts_the_visible_ones(org):
    account = org.create("account", {"name": "a"}, "Ada")
    deal = org.create("deal", {"name": "x", "account": account}, "Ada")
    with pytest.raises(Refused) as refused:
        org.delete("account", account, "Ada")
    assert refused.value.problems[0].params["count"] == 1
    org.delete("deal", deal, "Ada")
    assert org.delete("account", account, "Ada").status == "deleted"
    with pytest.raises(NotVisible):
        org.get("account", account, "Ada")


def test_details_go_with_their_master_and_come_back_with_it(org):
    deal = org.create("deal", {"name": "x"}, "Ada")
    line = org.create("line", {"name": "l", "deal": deal, "price": 1}, "Ada")
    org.delete("deal", deal, "Ada")
    with pytest.raises(NotVisible):
        org.get("line", line)
    org.restore("deal", deal, "Ada")
    assert org.get("line", line, "Ada")["deal"].id == deal


def test_a_detail_needs_the_right_to_edit_its_master(org):
    deal = org.create("deal", {"name": "x"}, "Ada")
    with pytest.raises(Refused) as refused:
        org.create("line", {"name": "l", "deal": deal}, "Bob")
    assert codes(refused) == [("deal", "record_not_found")]
    assert org.create("line", {"name": "l", "deal": deal}, "Eve")


def test_history_keeps_who_changed_what(org):
    deal = org.create("deal", {"name": "x", "amount": 1}, "Ada")
    org.update("deal", deal, {"amount": 2, "stage": "won"}, "Eve")
    with org.reading("Ada") as gate:
        entries = gate.history("deal", deal)
    assert sorted((each.field, each.old, each.new, each.by_name) for each in entries) == [
        ("amount", "1.00", "2.00", "Eve"),
        ("stage", None, "won", "Eve"),
    ]


def test_transfer_changes_the_owner(org):
    deal = org.create("deal", {"name": "x"}, "Ada")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"owner": org.people["Bob"]}, "Ada")
    assert codes(refused) == [("owner", "owner_by_transfer")]
    org.save("Ada", Change(object="deal", action="transfer", id=deal, values={"owner": org.people["Bob"]}))
    assert org.get("deal", deal, "Bob")["owner"].name == "Bob"
    with pytest.raises(NotVisible):
        org.get("deal", deal, "Ada")


def test_a_queue_may_own_and_its_members_may_edit(org):
    inbound = org.queue("inbound", ["Bob"])
    deal = org.create("deal", {"name": "x", "owner": inbound}, "Ada")
    assert org.get("deal", deal, "Bob")["owner"].name == "Inbound"
    assert org.update("deal", deal, {"name": "y"}, "Bob").status == "updated"
    with pytest.raises(NotVisible):
        org.get("deal", deal, "Ada")
