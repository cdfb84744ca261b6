"""Columns find their fields by name, label, synonym or values, each with the reason."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fieldstone.data.column_formats import profile
from fieldstone.data.near_misses import near
from fieldstone.data.suggestions import plain, suggest
from tests.support.orgs import obj, picklist
from tests.support.worlds import built

DEAL = obj(
    "deal",
    {
        "name": {"type": "text", "label": {"en": "Name", "zh-Hans": "名称"}},
        "account": {"type": "lookup", "label": "Account", "to": "deal"},
        "stage": picklist("open", "won", "lost"),
        "amount": {"type": "currency", "label": {"en": "Amount", "zh-Hans": "金额"}},
        "close_date": {"type": "date", "label": "Close date"},
    },
)


def suggested(header: list[str], *rows: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    definition = built([DEAL]).objects["deal"]
    rights = SimpleNamespace(editable=lambda name: frozenset(definition.fields))
    return {name: (each.field, each.reason) for name, each in suggest(definition, rights, profile(header, rows)).items()}


def test_api_name_label_synonym_and_object_name_are_recognised():
    found = suggested(["Deal ID", "Customer", "close_date", "金额"], ("A-1", "Acme", "2026-01-02", "10"))
    assert found == {
        "Deal ID": ("name", "synonym"),
        "Customer": ("account", "synonym"),
        "close_date": ("close_date", "name"),
        "金额": ("amount", "label"),
    }


def test_the_values_of_a_list_give_it_away():
    assert suggested(["How is it?"], ("Won",), ("Open",)) == {"How is it?": ("stage", "values")}


def test_a_column_whose_values_cannot_fit_is_not_suggested():
    assert suggested(["Amount"], ("a lot",)) == {}


def test_a_field_is_suggested_once():
    found = suggested(["Amount", "Value"], ("1", "2"))
    assert found == {"Amount": ("amount", "name")}


@pytest.mark.parametrize(("header", "expected"), [("Sales_Agent ", "sales agent"), ("closeDate", "close date"), ("负责人", "负责人")])
def test_a_header_is_read_as_words(header, expected):
    assert plain(header) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("GTXPro", "GTX Pro"),
        ("gtx-pro", "GTX Pro"),
        ("GTX Prp", "GTX Pro"),
        ("MG Specail", "MG Special"),
        ("GTX", None),
        ("Twins", None),
        ("something else", None),
    ],
)
def test_a_near_miss_is_one_edit_or_a_sign_away_and_never_one_of_two(value, expected):
    assert near(value, ["GTX Pro", "MG Special", "Twina", "Twinb"]) == expected
