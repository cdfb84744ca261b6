"""Values out of JSON: scalars as text, blank for everything that is not there; no text makes them fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.rules.functions.json_texts import by_path, member

DOCUMENT = '{"a": {"b c": [1, 2.50, {"d": "x"}], "e\\"f": null}, "n": 1e2, "t": true, "s": "", "big": 1e5000, "商": "机"}'


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("n", "100"),
        ("t", "true"),
        ("s", ""),
        ("a", None),
        ("gone", None),
        ("", None),
        (None, None),
        ("big", None),
        ("商", "机"),
        ("N", None),
    ],
)
def test_a_member_by_its_name(key: str | None, expected: str | None) -> None:
    assert member(DOCUMENT, key) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ('$.a["b c"][1]', "2.5"),
        ("$.a['b c'][2].d", "x"),
        ('$.a["e\\"f"]', None),
        ("$.a['b c'][3]", None),
        ("$.a['b c'][-1]", None),
        ("$.商", "机"),
        ("$", None),
        ("$.n.m", None),
        ("n", None),
        ("$n", None),
        ("$..n", None),
        ("", None),
        (None, None),
    ],
)
def test_a_value_by_its_path(path: str | None, expected: str | None) -> None:
    assert by_path(DOCUMENT, path) == expected


@pytest.mark.parametrize("text", ["", None, "no JSON", "{", "NaN", "Infinity", "[" * 100_000, '{"n": ' * 20_000, '"\\ud800"', '"\\u0000"'])
def test_what_is_no_json_holds_nothing(text: str | None) -> None:
    assert member(text, "n") is None
    assert by_path(text, "$") is None


@given(st.text('{}[]":,.0123456789eE+-tfn\\u \n', max_size=30), st.text('$.a[0]"\\', max_size=10))
def test_no_text_makes_them_fail(text: str, path: str) -> None:
    assert isinstance(by_path(text, path), str | None)
    assert isinstance(member(text, path), str | None)
