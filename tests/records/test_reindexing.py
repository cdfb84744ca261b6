"""A field that is made searchable is found in records that nobody has saved since."""

from __future__ import annotations

from fieldstone.records.reindexing import catch_up
from tests.support.orgs import obj
from tests.support.worlds import Fixed, built, core_document, world

PLAIN = {"name": {"type": "text", "label": "Name"}, "remark": {"type": "text", "label": "Remark"}}
SEARCHED = {**PLAIN, "remark": {"type": "text", "label": "Remark", "searchable": True}}


def found(org, text: str) -> list[str]:
    with org.reading() as gate:
        return [hit.name for hit in gate.search(text)]


def test_records_are_indexed_once_for_each_set_of_searched_fields(database):
    org = world(database, obj("note", PLAIN))
    org.create("note", {"name": "first", "remark": "heliotrope"})
    assert catch_up(org.records) == 1
    assert catch_up(org.records) == 0
    assert found(org, "heliotrope") == []
    now_searched = built([obj("note", SEARCHED), core_document("objects/user.json")])
    org.records.holder = Fixed({0: now_searched})
    org.snapshot = now_searched
    assert catch_up(org.records) == 1
    assert found(org, "heliotrope") == ["first"]
    assert catch_up(org.records) == 0
