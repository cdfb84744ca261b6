"""The packs that ship are sealed, whole in three languages, laid out, and every rule, formula and approval of theirs is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fieldstone.metadata import meta_schemas
from fieldstone.metadata.check import check
from fieldstone.packs import checks, install, read, seal
from fieldstone.packs.manifest import FILE

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
# Fields on no layout, with the reason.
NOT_SHOWN = {
    ("opportunity", "stage_rank"): "a number for the rules on stages",
    ("opportunity", "is_closed"): "said by the stage; lists and rules filter by it",
    ("opportunity", "is_won"): "said by the stage; lists filter by it",
}
# Words that belong together: zh-Hant is written, not converted from zh-Hans.
GLOSSARY = {"account": ("客户", "客戶"), "opportunity": ("商机", "商機"), "quote": ("报价单", "報價單"), "case": ("工单", "工單")}

PACKS = {name: read.shipped(name) for name in read.SHIPPED}
DOCUMENTS = {path: document for pack in PACKS.values() for path, document in pack.documents.items()}
each_pack = pytest.mark.parametrize("name", read.SHIPPED)


@each_pack
def test_it_is_sealed_in_canonical_text(name, tmp_path):
    pack = PACKS[name]
    assert pack.manifest.files is not None
    for path, content in pack.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    assert seal.seal(tmp_path) == ()


@each_pack
def test_it_has_every_text_in_three_languages(name):
    pack = PACKS[name]
    missing = [(path, *each) for path, document in pack.documents.items() for each in untranslated(document, document["kind"])]
    missing += [(FILE, *each) for each in untranslated(pack.manifest.source, "pack")]
    assert missing == []


def untranslated(document: dict[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    """Yield each label, found by the meta-schema, that lacks a language."""
    yield from _labels(document, meta_schemas.resolved(kind), "")


def _labels(value: Any, schema: Any, pointer: str) -> Iterator[tuple[str, str]]:
    schema = meta_schemas.part_of(schema, value)
    if schema.get("title") == "One text, or one per language":
        for language in LANGUAGES:
            if not isinstance(value, dict) or not value.get(language):
                yield pointer, language
    elif isinstance(value, dict):
        for key, member in value.items():
            inside = meta_schemas.inside(schema, key)
            if inside is not None:
                yield from _labels(member, inside, f"{pointer}/{key}")
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _labels(item, schema["items"], f"{pointer}/{index}")


def test_a_missing_text_would_be_found():
    whole = DOCUMENTS["objects/quote.json"]
    partial = {**whole, "plural": {"en": "Quotes", "zh-Hans": "报价单"}}
    assert list(untranslated(partial, "object")) == [("/plural", "zh-Hant")]


@pytest.mark.parametrize(("object_name", "words"), GLOSSARY.items())
def test_the_traditional_text_is_written_with_its_own_words(object_name, words):
    label = DOCUMENTS[f"objects/{object_name}.json"]["label"]
    assert (label["zh-Hans"], label["zh-Hant"]) == words


def test_no_simplified_character_is_left_in_traditional_texts():
    simplified = set("户单价报审标签状态负责销产线数据为这时间创请选择称号电话邮联员务项额类级进")
    found = [(path, text) for path, document in DOCUMENTS.items() for text in _texts(document, "zh-Hant") if simplified & set(text)]
    assert found == []


def _texts(value: Any, language: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key == language and isinstance(member, str):
                yield member
            else:
                yield from _texts(member, language)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, language)


def test_every_field_is_on_a_layout_or_has_a_reason():
    shown: dict[str, set[str]] = {}
    for document in DOCUMENTS.values():
        if document["kind"] == "page_layout":
            items = [item for tab in document["tabs"] for section in tab.get("sections", ()) for item in section["items"]]
            shown.setdefault(document["object"], set()).update(item["field"] for item in items if "field" in item)
    objects = {document["api_name"]: document for document in DOCUMENTS.values() if document["kind"] == "object"}
    hidden = {(name, field) for name, document in objects.items() for field in document["fields"] if field not in shown.get(name, ())}
    assert hidden == set(NOT_SHOWN)


def test_every_field_can_be_read_by_somebody():
    given: dict[str, set[str]] = {}
    for document in DOCUMENTS.values():
        if document["kind"] in ("permission_set", "profile"):
            for name, rights in document.get("objects", {}).items():
                given.setdefault(name, set()).update(rights.get("fields", ()))
    objects = {document["api_name"]: document for document in DOCUMENTS.values() if document["kind"] == "object"}
    unread = {
        (name, field)
        for name, document in objects.items()
        for field in document["fields"]
        if field not in given.get(name, ()) and field != document.get("name_field", "name")
    }
    assert unread == set()


@pytest.mark.parametrize("names", [("core", "crm"), ("core", "crm", "sales"), ("core", "crm", "service"), ("core", "crm", "marketing")])
def test_it_leans_on_nothing_but_what_it_requires(names):
    documents = {path: document for name in names for path, document in PACKS[name].documents.items()}
    assert check(documents) == ()


# --- checks -------------------------------------------------------------------------------------------------------------------


@each_pack
def test_its_checks_pass(name):
    results = checks.run([name], install.at_hand())
    assert [(result.suite, result.case, result.problem) for result in results if result.problem is not None] == []
    assert len(results) >= 5


def cases() -> Iterator[dict[str, Any]]:
    for pack in PACKS.values():
        for _, suite in checks.suites_of(pack):
            yield from suite["cases"]


def test_every_rule_is_seen_to_refuse():
    refused = {problem.get("rule") for case in cases() for problem in case["expect"].get("problems", ())}
    rules = {document["api_name"] for document in DOCUMENTS.values() if document["kind"] == "validation_rule"}
    examples = {
        document["api_name"]
        for document in DOCUMENTS.values()
        if document["kind"] == "validation_rule" and any(each["expect"] == "refused" for each in document.get("examples", ()))
    }
    assert rules - refused - examples == set()


def test_every_formula_and_roll_up_is_compared_with_a_value():
    told = json.dumps(list(cases()), default=str)
    computed = {
        field
        for document in DOCUMENTS.values()
        if document["kind"] == "object"
        for field, made in document["fields"].items()
        if made["type"] in ("formula", "roll_up")
    }
    assert {field for field in computed if f'"{field}"' not in told} == set()


def test_every_approval_is_approved_and_rejected():
    told = [(step["submit"][1], case) for case in cases() for step in case.get("do", ()) if "submit" in step]
    for document in DOCUMENTS.values():
        if document["kind"] == "approval_process":
            verdicts = {
                step["decide"][1] for process, case in told if process == document["api_name"] for step in case["do"] if "decide" in step
            }
            assert verdicts == {"approve", "reject"}, document["api_name"]


def test_a_check_that_fails_says_what_was_otherwise():
    suite = {
        "suite": "people",
        "people": {"clerk": {}},
        "cases": [
            {"name": "wrong", "do": [{"create": ["user", {"name": "Kim"}, "kim"]}], "expect": {"values": {"kim": {"name": "Lee"}}}},
            {"name": "refused", "do": [{"create": ["user", {}]}], "expect": {}},
            {"name": "not refused", "do": [{"create": ["user", {"name": "Kim"}]}], "expect": {"problems": [{"code": "required"}]}},
        ],
    }
    core = PACKS["core"]
    changed = read.Pack(manifest=core.manifest, documents=core.documents, files={"checks/people.json": json.dumps(suite).encode()})
    reasons = [result.problem.params["reason"] for result in checks.run(["core"], {"core": changed})]
    assert reasons[0] == "name of kim is Kim, expected Lee"
    assert reasons[1].startswith("step 1 was refused: required at name")
    assert reasons[2] == "nothing was refused, expected [{'code': 'required'}]"


def test_a_check_with_an_unknown_verb_is_refused():
    suite = {"suite": "s", "cases": [{"name": "c", "do": [{"seve": []}], "expect": {}}]}
    core = PACKS["core"]
    changed = read.Pack(manifest=core.manifest, documents=core.documents, files={"checks/people.json": json.dumps(suite).encode()})
    with pytest.raises(read.Refused) as refused:
        list(checks.suites_of(changed))
    assert (refused.value.problems[0].code, refused.value.problems[0].pointer) == ("check_form", "/cases/0/do/0/seve")
