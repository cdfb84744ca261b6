"""One JSON Schema per object, and a decoder that accepts the same documents."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.metadata.documents import parse
from fieldstone.metadata.field_types import HIDDEN, RecordKey
from fieldstone.metadata.load import load
from fieldstone.metadata.record_schema import Reader, reader, record_schema
from tests.metadata.deal import documents

ID = "0198c0de-0000-7000-8000-000000000001"
DEAL = load(documents())


@pytest.fixture
def create() -> Reader:
    return reader(DEAL, "deal", "create")


def test_the_deal_has_the_schema_that_the_specification_prints() -> None:
    printed = parse((Path(__file__).parent / "deal_record_schema.json").read_text("utf-8"))
    assert record_schema(DEAL, "deal") == printed


def test_it_is_cut_to_what_the_reader_may_see_and_write() -> None:
    cut = record_schema(DEAL, "deal", readable={"name", "amount"}, editable={"amount"})["$defs"]
    assert list(cut["writable"]["properties"]) == ["amount"]
    assert "discount" not in cut["read"]["properties"]
    assert {"id", "row_version", "name", "amount", "created_at"} <= set(cut["read"]["properties"])
    assert "required" not in cut["create"]


def test_a_good_record_becomes_typed_values(create: Reader) -> None:
    assert create.values(
        {
            "name": " Big deal ",
            "account": {"id": ID, "name": "Acme"},
            "contact": {"erp_no": "A-17"},
            "loss_reason": "",
            "amount": D("1200.5"),
            "discount": "15",
            "close_date": "2026-11-21",
            "erp_no": "",
            "owner": {"hidden": True},
        }
    ) == {
        "name": "Big deal",
        "account": ID,
        "contact": RecordKey(field="erp_no", value="A-17"),
        "amount": D("1200.50"),
        "discount": D("15.0"),
        "close_date": date(2026, 11, 21),
        "erp_no": None,
        "loss_reason": None,
        "owner": HIDDEN,
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": D("12.345")}, [("too_precise", "/amount", "12.35")]),
        ({"amount": "12.345"}, [("too_precise", "/amount", "12.35")]),
        ({"amount": D("1e17")}, [("too_large", "/amount", None)]),
        ({"amount": D(-1)}, [("below_minimum", "/amount", None)]),
        ({"amount": True}, [("wrong_type", "/amount", None)]),
        ({"discount": 101}, [("above_maximum", "/discount", None)]),
        ({"stge": "won"}, [("unknown_field", "/stge", "stage")]),
        ({"Stage": "won"}, [("unknown_field", "/Stage", "stage")]),
        ({"net": 1}, [("read_only", "/net", None)]),
        ({"code": "x"}, [("read_only", "/code", None)]),
        ({"stage": "opne"}, [("unknown_choice", "/stage", "open")]),
        ({"stage": None}, [("required", "/stage", None)]),
        ({"name": None}, [("required", "/name", None)]),
        ({"name": "a\nb"}, [("control_characters", "/name", None)]),
        ({"name": "x" * 121}, [("too_long", "/name", None)]),
        ({"account": "A-17"}, [("record_not_found", "/account", None)]),
        ({"account": {}}, [("required", "/account", None)]),
        ({"close_date": "21.11.2026"}, [("not_a_date", "/close_date", None)]),
        ({"close_date": "2026-02-30"}, [("not_a_date", "/close_date", None)]),
        (
            {"amount": "x", "stage": "y", "foo": 1},
            [("not_a_number", "/amount", None), ("unknown_choice", "/stage", None), ("unknown_field", "/foo", None)],
        ),
    ],
)  # fmt: skip
def test_every_problem_of_a_bad_record_has_its_place(create: Reader, change: dict[str, Any], expected: list[Any]) -> None:
    document = {"name": "Deal", "account": ID} | change
    assert create.values(document) is None
    _, problems = create.problems(document)
    got = sorted((problem.code, problem.pointer, problem.suggestion) for problem in problems)
    if change == {"account": {}}:
        assert [pointer for _, pointer, _ in got] == ["/account"]
    else:
        assert got == sorted(expected)


def test_what_is_missing_on_create_is_named_and_not_asked_for_on_update(create: Reader) -> None:
    assert create.values({"amount": 1}) is None
    problems = create.problems({"amount": 1})[1]
    assert [(problem.code, problem.field) for problem in problems] == [("required", "name"), ("required", "account")]
    assert reader(DEAL, "deal", "update").values({"amount": 1}) == {"amount": D("1.00")}


def test_an_inactive_value_may_be_sent_back_unchanged() -> None:
    changed = documents()
    changed["objects/deal.json"]["fields"]["stage"]["values"][1]["active"] = False
    update = reader(load(changed), "deal", "update")
    assert update.values({"stage": "won"}) is None
    assert update.problems({"stage": "won"}, stored={"stage": "won"})[1] == ()
    assert [problem.code for problem in update.problems({"stage": "won"}, stored={"stage": "open"})[1]] == ["inactive_value"]


def test_former_names_are_read(create: Reader) -> None:
    changed = documents()
    changed["objects/deal.json"]["fields"]["amount"]["was"] = ["value"]
    values, problems = reader(load(changed), "deal", "update").problems({"value": 5})
    assert values == {"amount": D("5.00")}
    assert problems == ()


TEXTS = st.one_of(st.text(max_size=130), st.sampled_from(["", " ", "Deal", "a\n", "x" * 120 + " ", "\ufdfa", "e\u0301" * 61]))
NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.decimals(min_value=0, max_value=200, places=2),
    st.integers(-5, 10**17),
    st.from_regex(r"\A-?[0-9]{0,18}(\.[0-9]{0,3})?\Z"),
    st.sampled_from([D("-0"), D("-0.00"), "-0", "", "1.", ".5", "1e2", "９", D("1e2"), D("1e-2"), D("1.500"), True, "1\n"]),
)
DAYS = ["2026-02-30", "0001-01-01", "9999-12-31", "0000-01-01", "2026-1-1", "", "２０２６-01-01"]
WHEN = st.one_of(st.dates().map(str), st.sampled_from(DAYS))
MAPS: list[Any] = [{}, {"id": ID}, {"id": "x"}, {"erp_no": "1"}, {"a": 1, "b": 2}, {"hidden": True}, {"id": 5}]
LOOKUPS = st.one_of(st.sampled_from([ID, ID.upper(), "x", "", 7, [], *MAPS]))
CHOICES = st.sampled_from(["open", "won", "Open", "", "nothing", 5, ["open"]])
ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2))
KEYS = {"name": TEXTS, "erp_no": TEXTS, "account": LOOKUPS, "contact": LOOKUPS, "stage": CHOICES, "loss_reason": CHOICES, "amount": NUMBERS}
KEYS |= {"discount": NUMBERS, "close_date": WHEN, "owner": LOOKUPS, "net": NUMBERS, "other": TEXTS}
RECORDS = st.fixed_dictionaries({}, optional={name: st.one_of(strategy, ANY) for name, strategy in KEYS.items()})


@pytest.mark.parametrize("mode", ["create", "update"])
@given(record=RECORDS)
@settings(max_examples=600, deadline=None)
def test_decoder_and_schema_accept_the_same_records(mode: str, record: dict[str, Any]) -> None:
    read = reader(DEAL, "deal", mode)
    values = read.values(record)
    beyond = {"one_key", "record_not_found"}  # what the lookups' schema leaves to the gate
    if values is None:
        problems = read.problems(record)[1]
        assert problems
        if not {problem.code for problem in problems} & beyond:
            assert not read.accepts(record)
        assert "bad_value" not in {problem.code for problem in problems} or not read.accepts(record)
    else:
        assert read.accepts(record)
