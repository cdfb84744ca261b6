"""Values of every type: from JSON, from a form, from a cell of a file; what does not fit says why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.db.column_types import ExactNumber
from fieldstone.metadata.definitions import FieldDef
from fieldstone.metadata.definitions.fields import load_field
from fieldstone.metadata.field_types import FIELD_TYPES, HIDDEN, BadValue, CellFormat, RecordKey, Typed
from fieldstone.metadata.field_types.keys import match_key, phone_key, sort_key
from fieldstone.metadata.meta_schemas import published

ID = "0198c0de-0000-7000-8000-000000000001"
VALUES = [
    {"api_name": "new", "label": {"en": "New", "zh-Hans": "新建"}},
    {"api_name": "old", "label": {"en": "Old", "zh-Hans": "旧"}, "active": False},
    {"api_name": "b", "label": "Blue"},
    {"api_name": "c", "label": "Blue"},
]
BERLIN = ZoneInfo("Europe/Berlin")
CHINESE = Typed(language="zh-Hans", zone=ZoneInfo("Asia/Shanghai"), today=date(2026, 11, 21))
GERMAN = Typed(language="de", zone=BERLIN, today=date(2026, 11, 21))
ENGLISH = Typed(language="en", zone=ZoneInfo("UTC"), today=date(2026, 11, 21))


def made(type_: str, **options: Any) -> FieldDef:
    return load_field({"type": type_, "label": "F", **options}, name="f", of="x", path="objects/x.json", column="f")


def refusal(call: Any) -> tuple[str, str | None]:
    with pytest.raises(BadValue) as bad:
        call()
    return bad.value.code, bad.value.suggestion


@pytest.mark.parametrize(
    ("type_", "options", "given", "typed"),
    [
        ("text", {}, "  Zoe\u0308 ", "Zoë"),
        ("text", {}, "   ", None),
        ("text", {"pattern": "[A-Z]+"}, "ABC", "ABC"),
        ("text", {"pattern": "[A-Z]+"}, "", None),
        ("long_text", {}, " a\r\nb\rc \n", " a\nb\nc"),
        ("rich_text", {}, '<p onclick="x">Hi<script>1</script></p>', "<p>Hi</p>"),
        ("rich_text", {}, '<a href="javascript:1">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ("rich_text", {}, "<p> </p>", None),
        ("email", {}, "Ann@EXAMPLE.com", "Ann@example.com"),
        ("email", {}, "王@例子.中国", "王@例子.中国"),
        ("phone", {}, "+86 138 0013 8000", "+86 138 0013 8000"),
        ("url", {}, "https://example.com/a?b#c", "https://example.com/a?b#c"),
        ("url", {}, "mailto:a@b.c", "mailto:a@b.c"),
        ("checkbox", {}, None, False),
        ("number", {"scale": 2}, D("1.5"), D("1.50")),
        ("number", {"scale": 2}, "-0.00", D("0.00")),
        ("currency", {}, 7, D("7.00")),
        ("percent", {}, "15", D("15.00")),
        ("date", {}, "2024-02-29", date(2024, 2, 29)),
        ("datetime", {}, "2026-11-21T17:59:20.987+08:00", datetime(2026, 11, 21, 9, 59, 20, tzinfo=UTC)),
        ("picklist", {"values": VALUES}, "", None),
        ("picklist", {"values": VALUES, "restricted": False}, "brand new", "brand new"),
        ("multi_picklist", {"values": VALUES}, ["c", "new", "c"], ("new", "c")),
        ("multi_picklist", {"values": VALUES}, [], None),
        ("lookup", {"to": "y"}, ID.upper(), ID),
        ("lookup", {"to": "y"}, {"id": ID, "name": "N"}, ID),
        ("lookup", {"to": "y"}, {"hidden": True}, HIDDEN),
        ("user", {}, {"username": "ann"}, RecordKey(field="username", value="ann")),
    ],
)  # fmt: skip
def test_a_json_value_becomes_a_typed_one(type_: str, options: dict[str, Any], given: Any, typed: Any) -> None:
    assert FIELD_TYPES[type_].from_json(made(type_, **options), given) == typed


@pytest.mark.parametrize(
    ("type_", "options", "given", "code", "suggestion"),
    [
        ("text", {}, 5, "wrong_type", None),
        ("text", {"length": 3}, "abcd", "too_long", None),
        ("text", {"pattern": "[A-Z]+"}, "ABc", "bad_pattern", None),
        ("text", {}, "a\tb", "control_characters", None),
        ("email", {}, "ann@localhost", "bad_email", None),
        ("email", {}, "a b@example.com", "bad_email", None),
        ("url", {}, "javascript:alert(1)", "bad_url", None),
        ("url", {}, "https://user:pw@example.com", "bad_url", None),
        ("url", {}, "example.com/x", "bad_url", "https://example.com/x"),
        ("checkbox", {}, 1, "wrong_type", None),
        ("number", {}, 1.5, "wrong_type", None),
        ("number", {"scale": 1}, "1.25", "too_precise", "1.3"),
        ("number", {"scale": 1}, f"{10**34}.25", "too_precise", f"{10**34}.3"),
        ("number", {}, "１２", "not_a_number", None),
        ("number", {"precision": 3}, 1000, "too_large", None),
        ("number", {"max": 5}, 6, "above_maximum", None),
        ("date", {}, "2023-02-29", "not_a_date", None),
        ("date", {"min": "2026-01-01"}, "2025-12-31", "below_minimum", None),
        ("datetime", {}, "2026-11-21T17:59:20", "offset_missing", "2026-11-21T17:59:20Z"),
        ("datetime", {}, "yesterday", "not_a_datetime", None),
        ("picklist", {"values": VALUES}, "New", "unknown_choice", "new"),
        ("picklist", {"values": VALUES}, "old", "inactive_value", None),
        ("multi_picklist", {"values": VALUES}, ["new", "nope"], "unknown_choice", None),
        ("multi_picklist", {"values": VALUES, "max_chosen": 1}, ["new", "b"], "too_many_chosen", None),
        ("lookup", {"to": "y"}, "17", "record_not_found", None),
        ("formula", {"returns": "number", "formula": "1"}, 1, "read_only", None),
    ],
)
def test_a_json_value_that_does_not_fit_says_why(
    type_: str, options: dict[str, Any], given: Any, code: str, suggestion: str | None
) -> None:
    assert refusal(lambda: FIELD_TYPES[type_].from_json(made(type_, **options), given)) == (code, suggestion)


@pytest.mark.parametrize(
    ("type_", "options", "text", "typed", "value"),
    [
        ("number", {"scale": 1}, "1,234.5", ENGLISH, D("1234.5")),
        ("number", {"scale": 1}, "1.234,5", GERMAN, D("1234.5")),
        ("number", {}, "１２３", CHINESE, D(123)),
        ("currency", {}, "€ 12,50", GERMAN, D("12.50")),
        ("percent", {}, "15%", ENGLISH, D("15.00")),
        ("date", {}, "2026年11月21日", CHINESE, date(2026, 11, 21)),
        ("date", {}, "21.11.2026", GERMAN, date(2026, 11, 21)),
        ("date", {}, "2026-11-21", GERMAN, date(2026, 11, 21)),
        ("datetime", {}, "2026-11-21T08:30", CHINESE, datetime(2026, 11, 21, 0, 30, tzinfo=UTC)),
        ("datetime", {}, "2026-11-21 下午3:30", CHINESE, datetime(2026, 11, 21, 7, 30, tzinfo=UTC)),
        ("datetime", {}, "11/21/2026 3:30 pm", ENGLISH, datetime(2026, 11, 21, 15, 30, tzinfo=UTC)),
        ("datetime", {}, "25.10.2026 02:30", GERMAN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("checkbox", {}, "on", ENGLISH, True),
        ("checkbox", {}, "", ENGLISH, False),
        ("checkbox", {}, "是", CHINESE, True),
        ("text", {}, " a\tb ", ENGLISH, "a b"),
        ("long_text", {"length": 3}, "a\r\nb", ENGLISH, "a\nb"),
        ("url", {}, "example.com", ENGLISH, "https://example.com"),
        ("picklist", {"values": VALUES}, "", ENGLISH, None),
        ("multi_picklist", {"values": VALUES}, ["b", "", "new"], ENGLISH, ("new", "b")),
        ("lookup", {"to": "y"}, "", ENGLISH, None),
        ("number", {}, "", ENGLISH, None),
    ],
)
def test_what_a_person_types_is_read_in_their_language(type_: str, options: dict[str, Any], text: Any, typed: Typed, value: Any) -> None:
    assert FIELD_TYPES[type_].from_form(made(type_, **options), text, typed) == value


def test_an_hour_that_the_clocks_skip_is_refused() -> None:
    assert refusal(lambda: FIELD_TYPES["datetime"].from_form(made("datetime"), "2026-03-29T02:30", GERMAN)) == ("hour_skipped", None)


@pytest.mark.parametrize(
    ("type_", "options", "text", "form", "value"),
    [
        ("number", {"scale": 2}, "1,234.50", None, D("1234.50")),
        ("number", {"scale": 2}, "1.234,5", CellFormat(decimal=","), D("1234.50")),
        ("number", {"scale": 1}, "1.25", CellFormat(round=True), D("1.3")),
        ("date", {}, "3/4/2026", "M/D/Y", date(2026, 3, 4)),
        ("date", {}, "3.4.2026", "D.M.Y", date(2026, 4, 3)),
        ("date", {}, "115/3/4", "ROC", date(2026, 3, 4)),
        ("date", {}, "2026年3月4日", "Y年M月D日", date(2026, 3, 4)),
        ("date", {}, "2026-03-04", "M/D/Y", date(2026, 3, 4)),
        ("date", {}, "#N/A", None, None),
        ("datetime", {}, "2026-03-04 10:00", CellFormat(zone=BERLIN), datetime(2026, 3, 4, 9, tzinfo=UTC)),
        ("checkbox", {}, "X", None, True),
        ("picklist", {"values": VALUES}, "新建", None, "new"),
        ("picklist", {"values": VALUES}, "NEW", None, "new"),
        ("multi_picklist", {"values": VALUES}, "New; b", None, ("new", "b")),
        ("lookup", {"to": "y"}, "Acme", None, RecordKey(field="name", value="Acme")),
        ("lookup", {"to": "y"}, ID, None, ID),
        ("rich_text", {}, "a < b\nc", None, "<p>a &lt; b<br>c</p>"),
    ],
)
def test_a_cell_is_read_in_the_format_of_its_column(type_: str, options: dict[str, Any], text: str, form: Any, value: Any) -> None:
    assert FIELD_TYPES[type_].from_cell(made(type_, **options), text, form) == value


def test_a_long_number_in_a_cell_is_rounded_before_it_is_refused() -> None:
    cell = CellFormat(round=True)
    assert refusal(lambda: FIELD_TYPES["number"].from_cell(made("number", scale=1), f"{10**34}.25", cell)) == ("too_large", None)


@pytest.mark.parametrize(("text", "form"), [("3/4/2026", None), ("3/4/2026", "D.M.Y"), ("31/4/2026", "D/M/Y"), ("2026", "M/D/Y")])
def test_a_date_is_never_guessed(text: str, form: str | None) -> None:
    assert refusal(lambda: FIELD_TYPES["date"].from_cell(made("date"), text, form))[0] == "not_a_date"


def test_two_labels_that_fit_choose_nothing() -> None:
    assert refusal(lambda: FIELD_TYPES["picklist"].from_cell(made("picklist", values=VALUES), "Blue"))[0] == "unknown_choice"


@given(st.decimals(min_value=1 - 10**15, max_value=10**15 - 1, places=3))
def test_a_number_goes_out_and_comes_back(value: D) -> None:
    field = made("number", precision=18, scale=3)
    out = FIELD_TYPES["number"].to_json(field, value)
    assert FIELD_TYPES["number"].from_json(field, out) == value == FIELD_TYPES["number"].from_json(field, format(out, "f"))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_moments_and_days_go_out_and_come_back(value: datetime) -> None:
    moment = value.replace(microsecond=0, tzinfo=UTC)
    for name, typed in (("datetime", moment), ("date", moment.date())):
        kind = FIELD_TYPES[name]
        assert kind.from_json(made(name), kind.to_json(made(name), typed)) == typed


def test_every_published_type_is_in_the_table_and_the_other_way_round() -> None:
    assert set(published("field")["x-by"]["parts"]) == set(FIELD_TYPES) - {"id", "owner"}


@pytest.mark.parametrize(
    ("type_", "options", "suffixes"),
    [
        ("text", {}, ["", "__sort"]),
        ("text", {"ignore_case": True}, ["", "__sort", "__match"]),
        ("text", {"sort": "code_point"}, [""]),
        ("email", {}, ["", "__match"]),
        ("long_text", {}, [""]),
        ("formula", {"returns": "number", "formula": "1"}, [""]),
    ],
)
def test_columns(type_: str, options: dict[str, Any], suffixes: list[str]) -> None:
    assert [spec.suffix for spec in FIELD_TYPES[type_].columns(made(type_, **options))] == suffixes


def test_a_number_column_has_the_field_s_digits() -> None:
    (spec,) = FIELD_TYPES["percent"].columns(made("percent", precision=5, scale=1))
    assert isinstance(spec.type, ExactNumber)
    assert (spec.type.precision, spec.type.scale) == (5, 1)


def test_keys_are_equal_for_what_looks_equal() -> None:
    assert match_key("ＡＢＣ ﬁ") == match_key("abc FI")
    assert phone_key("138 0013 8000", "CN") == phone_key("+86-13800138000", None) == "+8613800138000"
    assert phone_key("ext. 5", None) == "5"
    assert sort_key(None) is match_key("") is None


def test_sort_keys_order_as_people_do() -> None:
    names = ["Zoe", "émile", "Emil", "张三", "李四", "阿里", "apple"]
    assert sorted(names, key=lambda name: sort_key(name) or "") == ["阿里", "apple", "Emil", "émile", "李四", "张三", "Zoe"]
    assert sort_key("北京") != sort_key("背景")
