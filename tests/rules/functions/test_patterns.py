"""Patterns: bounds count what the author wrote, and one engine serves both kinds."""

from __future__ import annotations

import pytest

from fieldstone.rules.functions.patterns import weight
from tests.support import expressions as ex
from tests.support.expressions import Evaluate


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("abc", "%" * 300, True),
        ("abc", "_%" * 300, False),
        ("a" * 900, "_" * 900, True),
        ("a%c", "a\\%c", True),
        ("abc", "a\\%c", False),
        ("a\nc", "a_c", True),
        (".*", ".*", True),
        ("ab", ".*", False),
        ("ab", "ab\\", False),
        ("ab\\", "ab\\", True),
    ],
)
def test_like_means_the_same_everywhere(evaluate: Evaluate, text: str, pattern: str, expected: bool) -> None:
    assert evaluate("LIKE(nick, city)", {"nick": text, "city": pattern}) is expected


def test_a_pattern_beyond_the_bound_is_an_error_everywhere(evaluate: Evaluate) -> None:
    result = evaluate("LIKE(nick, city)", {"nick": "a", "city": "%" * 1001})
    assert isinstance(result, tuple)
    assert result[0] == ex.ERROR


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", 0),
        ("abc", 3),
        ("a{7}", 7),
        ("a{2,7}b", 8),
        ("a{7,}", 8),
        ("a{0}", 1),
        ("(ab){3}", 6),
        ("((a{10}){10}){10}", 1000),
        ("[^,]{255}", 255),
        ("\\pL{10}", 4000),
        ("\\p{Greek}", 400),
        ("[a-z\\pN]{2}", 800),
        ("\\{3}", 3),
        ("a|b", 3),
        ("(((", 0),
        (")))", 3),
    ],
)
def test_a_pattern_weighs_what_it_is_when_written_out(pattern: str, expected: int) -> None:
    assert weight(pattern) == expected
