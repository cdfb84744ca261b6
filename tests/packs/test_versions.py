"""Versions are ordered and ranges are read as SemVer has it."""

from __future__ import annotations

import pytest

from fieldstone.packs.versions import in_range, is_range, parse_version


def test_precedence_follows_the_standard():
    order = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.10.0",
        "2.0.0",
    ]
    versions = [parse_version(text) for text in order]
    shuffled = versions[5:] + versions[:5]
    assert sorted(shuffled) == versions


@pytest.mark.parametrize("text", ["1", "1.2", "01.2.3", "1.2.3.4", "v1.2.3", ""])
def test_what_is_no_version(text):
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("version", "range_", "inside"),
    [
        ("1.4.0", "^1.1", True),
        ("2.0.0", "^1.1", False),
        ("0.3.0", "^0.2.1", False),
        ("0.2.9", "^0.2.1", True),
        ("1.2.9", "~1.2", True),
        ("1.3.0", "~1.2", False),
        ("1.9.9", ">=1.2 <2", True),
        ("2.0.0", ">=1.2 <2", False),
        ("3.1.4", "*", True),
        ("1.2.3", "=1.2.3", True),
        ("2.0.0-rc.1", ">=1.2 <3", False),
        ("2.0.0-rc.2", ">=2.0.0-rc.1 <3", True),
    ],
)
def test_ranges(version, range_, inside):
    assert is_range(range_)
    assert in_range(parse_version(version), range_) is inside


@pytest.mark.parametrize("text", ["", "latest", ">=x", "1.2 ||"])
def test_what_is_no_range(text):
    assert not is_range(text)
