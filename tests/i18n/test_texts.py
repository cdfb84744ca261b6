"""Keys become sentences, complete in three languages, with labels in the reader's own."""

from __future__ import annotations

import json
import re
import string
from dataclasses import dataclass, field
from decimal import Decimal as D
from pathlib import Path

import pytest

from fieldstone.errors import Problem
from fieldstone.i18n import texts
from fieldstone.i18n.languages import LANGUAGES

I18N = Path(texts.__file__).parent
FILES = sorted([*I18N.glob("problems/*.json"), *I18N.glob("sentences/*.json")])


def plain(text: str) -> str:
    """Return a text without the words that go with a number: `{rows?record|records}` has two in English, in Chinese one without them."""
    return re.sub(r"\{\w+\?[^|{}]*\|[^|{}]*\}", "", text)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_text_is_there_in_three_languages_with_the_same_holes(file):
    wrong = []
    for key, entry in json.loads(file.read_text(encoding="utf-8")).items():
        holes = [{name for _, name, _, _ in string.Formatter().parse(plain(entry.get(language, ""))) if name} for language in LANGUAGES]
        if set(entry) != set(LANGUAGES) or not all(entry.values()) or holes.count(holes[0]) != len(holes):
            wrong.append(key)
    assert wrong == []


def test_a_key_stands_in_one_file_only():
    keys = [key for file in FILES for key in json.loads(file.read_text(encoding="utf-8"))]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


@dataclass
class Field:
    label: dict[str, str]


@dataclass
class Object:
    label: dict[str, str]
    fields: dict[str, Field] = field(default_factory=dict)

    def field(self, name):
        return self.fields.get(name)


@dataclass
class Snapshot:
    objects: dict[str, Object]
    language: str = "en"


DEAL = Object({"en": "Deal", "zh-Hans": "商机"}, {"amount": Field({"en": "Amount", "zh-Hans": "金额"})})


@pytest.fixture
def snapshot(monkeypatch):
    made = {
        "too_small": {"en": "{field} of {object} is {value}: at least {limit}.", "zh-Hans": "{object}的{field}为{value}，至少{limit}。"},
        "nothing_filled": {"en": "Plain.", "zh-Hans": "直说。"},
        "did_you_mean": {"en": 'Did you mean "{suggestion}"?', "zh-Hans": "您是不是要找“{suggestion}”？"},
    }
    monkeypatch.setattr(texts, "tables", lambda: made)
    return Snapshot({"deal": DEAL})


PROBLEM = Problem(code="too_small", field="amount", params={"object": "deal", "value": D("1234.5"), "limit": 10000})


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Amount of Deal is 1,234.5: at least 10,000."),
        ("zh-Hans", "商机的金额为1,234.5，至少10,000。"),
        ("zh-Hant", "商机的金额为1,234.5，至少10,000。"),
    ],
)
def test_a_problem_is_worded_with_labels_and_numbers_of_the_readers_language(snapshot, language, sentence):
    assert texts.word(PROBLEM, language, snapshot) == sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "This must be text / whole number, not list."),
        ("zh-Hans", "此处应为 文本 / 整数，而不是 列表。"),
        ("zh-Hant", "此處應為 文字 / 整數，而不是 清單。"),
    ],
)
def test_types_are_named_in_the_readers_language(language, sentence):
    assert texts.word(Problem(code="wrong_type", params={"expected": "text / integer", "found": "array"}), language) == sentence


def test_the_object_may_come_from_the_caller(snapshot):
    problem = Problem(code="too_small", field="amount", params={"value": 1, "limit": 2})
    assert texts.word(problem, "en", snapshot, "deal") == "Amount of Deal is 1: at least 2."


def test_a_suggestion_is_added_as_a_question(snapshot):
    problem = Problem(code="nothing_filled", suggestion="name")
    assert texts.word(problem, "en", snapshot) == 'Plain. Did you mean "name"?'
    assert texts.word(problem, "zh-Hans", snapshot) == "直说。您是不是要找“name”？"


def test_a_text_that_is_suggested_stands_in_one_pair_of_quotation_marks_of_its_kind(snapshot):
    problem = Problem(code="nothing_filled", suggestion='"won"')
    assert texts.word(problem, "en", snapshot) == 'Plain. Did you mean "won"?'
    assert texts.word(problem, "zh-Hans", snapshot) == '直说。您是不是要找“"won"”？'


def test_a_customers_own_message_goes_before_ours(snapshot):
    problem = Problem(code="rule", message={"en": "Enter its amount.", "zh-Hans": "请填写金额。"})
    assert texts.word(problem, "zh-Hant", snapshot) == "请填写金额。"


@pytest.mark.parametrize(
    ("label", "language", "default", "shown"),
    [
        ({"en": "Deal", "zh-Hans": "商机"}, "zh-Hant", "en", "商机"),
        ({"": "Geschäft", "zh-Hans": "商机"}, "en", "de", "Geschäft"),
        ({"": "Deal", "zh-Hans": "商机"}, "en", "en", "Deal"),
        ({"fr": "Affaire"}, "en", "de", "Affaire"),
        ({}, "en", "en", ""),
    ],
)
def test_a_label_falls_back_in_the_order_of_the_specification(label, language, default, shown):
    assert texts.chosen(label, language, default) == shown


def test_a_hole_takes_a_parameter_by_its_plain_name_only(monkeypatch):
    monkeypatch.setattr(texts, "tables", lambda: {"x": {"en": "{value.__class__} {value[0]} {value}"}})
    assert texts.text("x", "en", value="v") == "{value.__class__} {value[0]} v"


def test_an_unknown_key_is_shown_rather_than_lost():
    assert texts.text("no_such_key", "en") == "no_such_key"


@pytest.mark.parametrize(
    ("code", "params", "language", "expected"),
    [
        (
            "result_type",
            {"found": "Boolean", "expected": "Datetime"},
            "en",
            "The result is of type Yes or no; Date and time is needed here.",
        ),
        ("result_type", {"found": "Id", "expected": "Number | Text"}, "zh-Hans", "结果是“记录”类型，此处需要“数字 / 文本”类型。"),
        ("not_comparable", {"function": "IN", "found": "Multipicklist"}, "zh-Hant", "IN 不能比較「多個選項值」類型的值。"),
        ("value_expected", {"found": "Id"}, "en", "A field, a number, a text or a function is expected before Id."),
    ],
)
def test_types_of_expressions_are_named_in_words_and_what_was_written_is_not(code, params, language, expected):
    problem = Problem(code=f"expression_{code}", params=params)
    assert texts.word(problem, language) == expected
    assert problem.params == params


def test_every_type_of_an_expression_has_words():
    from fieldstone.rules import ValueType

    assert [each for each in ValueType if f"value_type.{each.value}" not in texts.tables()] == []
