"""Defaults by expressions: what does not fit its field is left blank, and a record is not refused for what nobody typed."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, world

NOTE = obj(
    "note_of",
    {
        "name": {"type": "text", "label": "Name", "length": 200},
        "code": {"type": "text", "label": "Code", "length": 5, "default": "=name"},
        "story": {"type": "long_text", "label": "Story", "length": 5, "default": '=name & "!"'},
        "phone": {"type": "phone", "label": "Phone", "default": "=name"},
        "figure": {"type": "number", "label": "Figure", "precision": 4, "scale": 0, "default": "=LEN(name) * 1000"},
        "short": {"type": "text", "label": "Short", "length": 2, "default": '=IF(ISBLANK(code), "no", code)'},
    },
)


def people(engine) -> World:
    made = world(engine, NOTE, profile("writer", {"note_of": everything(NOTE)}))
    made.person("Ada", profile="writer")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("defaults", people)


FIELDS = ("code", "story", "phone", "figure", "short")


@pytest.mark.parametrize(
    ("name", "made"),
    [("abcd", ("abcd", "abcd!", "abcd", 4000, None)), ("a name of more than forty characters is too long", (None, None, None, None, "no"))],
)
def test_a_default_that_does_not_fit_its_field_is_left_blank(org, name, made):
    record = org.get("note_of", org.create("note_of", {"name": name}, "Ada"), "Ada")
    assert tuple(record[each] for each in FIELDS) == made


def test_what_somebody_gave_is_refused_where_it_is_too_long(org):
    with pytest.raises(Refused) as refused:
        org.create("note_of", {"name": "a", "code": "abcdef"}, "Ada")
    assert [(each.field, each.code) for each in refused.value.problems] == [("code", "too_long")]
