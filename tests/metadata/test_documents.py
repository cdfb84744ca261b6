"""JSON text in and out: exact numbers, every oddity named, one text for one meaning."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.errors import Refused
from fieldstone.metadata.documents import canonical, content_hash, parse, path_of, schema_reference
from fieldstone.metadata.kind_names import FOLDERS
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.meta_schemas import published, resolved
from tests.metadata.deal import DEAL, LAYOUT, RULE, VIEW, documents


def test_numbers_keep_their_digits() -> None:
    assert parse('{"a": 0.10, "b": 12345678901234567890, "c": 1e2}') == {"a": D("0.10"), "b": 12345678901234567890, "c": D(100)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", [("malformed", "")]),
        ("[1]", [("wrong_type", "")]),
        ('{"a": NaN}', [("not_a_number", "")]),
        ('{"a": 1e400}', [("not_a_number", "")]),
        ('{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}', [("duplicate_key", "/a"), ("duplicate_key", "/b/c")]),
        ('{"a": "\\u0000", "b": ["\\ud800"]}', [("bad_text", "/a"), ("bad_text", "/b/0")]),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", [("too_deep", "")]),
        ('{"a": "' + "x" * (1 << 20) + '"}', [("limit_exceeded", "")]),
        (b"\xff{}", [("not_utf8", "")]),
    ],
)
def test_every_oddity_of_a_text_is_named(text: str | bytes, expected: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as refused:
        parse(text, path="objects/x.json")
    assert sorted((problem.code, problem.pointer) for problem in refused.value.problems) == expected  # type: ignore[type-var]
    assert {problem.document for problem in refused.value.problems} == {"objects/x.json"}


def test_a_malformed_text_says_where() -> None:
    with pytest.raises(Refused) as refused:
        parse('{\n  "a": 1,\n}')
    params = refused.value.problems[0].params
    assert params["line"] == 3 or (params["line"], params["column"]) == (2, 9)


@pytest.mark.parametrize("text", [DEAL, LAYOUT, VIEW, RULE])
def test_canonical_text_is_a_fixed_point(text: str) -> None:
    first = canonical(parse(text))
    assert canonical(parse(first)) == first
    assert first.endswith("}\n")
    assert all(len(line) <= 100 or "[" not in line for line in first.splitlines())


def test_documents_that_differ_only_in_form_are_equal() -> None:
    document = parse(DEAL)
    other: dict[str, Any] = dict(reversed(document.items()))
    other["hierarchy"] = True  # the default
    other["fields"] = {name: dict(reversed(part.items())) for name, part in document["fields"].items()}
    other["fields"]["amount"]["min"] = D("0.00")
    other["$schema"] = "elsewhere.json"
    assert content_hash(other) == content_hash(document)
    assert canonical({**other, "$schema": document["$schema"]}) == canonical(document)


def test_the_order_of_birth_is_kept_and_sets_are_sorted() -> None:
    fields = '{"b": {"type": "text", "label": "B"}, "a": {"type": "date", "label": "A"}}'
    document = parse(f'{{"kind": "object", "api_name": "x", "label": "X", "fields": {fields}}}')
    assert list(parse(canonical(document))["fields"]) == ["b", "a"]
    view = parse(VIEW)
    view["visible_to"] = {"roles": ["b", "a"]}
    assert '"roles": ["a", "b"]' in canonical(view)


def test_canonical_text_reads_well() -> None:
    rule = parse(
        '{"label": "Ü", "kind": "validation_rule", "object": "deal", "api_name": "r", "message": {"en": "No"},'
        ' "error_when": "a > 1", "record_types": ["x"], "active": true}'
    )
    assert canonical(rule) == (
        "{\n"
        '  "kind": "validation_rule",\n'
        '  "object": "deal",\n'
        '  "api_name": "r",\n'
        '  "label": "Ü",\n'
        '  "error_when": "a > 1",\n'
        '  "record_types": ["x"],\n'
        '  "message": {\n'
        '    "en": "No"\n'
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize("path", list(documents()))
def test_each_document_knows_where_it_belongs(path: str) -> None:
    document = documents()[path]
    assert path_of(document) == path
    assert path.split("/", maxsplit=1)[0] == KINDS[document["kind"]].folder


def test_an_editor_finds_the_meta_schema() -> None:
    assert schema_reference("layouts/deal/standard.json", "page_layout") == "../../.schemas/page_layout.json"


@pytest.mark.parametrize("kind", list(FOLDERS))
def test_each_kind_has_a_published_meta_schema(kind: str) -> None:
    schema = published(kind)
    assert schema["$id"] == f"urn:fieldstone:1:{kind}" == KINDS[kind].schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    first = [key for key in schema["properties"] if key in ("$schema", "kind", "object", "api_name", "label")]
    assert list(schema["properties"])[: len(first)] == first
    assert resolved(kind)["properties"]["kind"] == {"const": kind}


def _nodes(node: Any) -> Any:
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("default", "x-by", "if", "then", "else", "allOf", "required", "enum"):
                yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)


@pytest.mark.parametrize("kind", [*FOLDERS, "field", "common", "pack"])
def test_every_array_and_object_says_how_it_merges(kind: str) -> None:
    for node in _nodes(published(kind)):
        if node.get("type") in ("array", "object") and "x-by" not in node:
            assert "x-merge" in node, node


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=4) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["kind", "api_name", "fields", "label", "x"]), JSON))
@settings(max_examples=300, deadline=None)
def test_any_document_has_one_text(document: dict[str, Any]) -> None:
    text = canonical(document)
    assert canonical(parse(text)) == text
