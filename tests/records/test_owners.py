"""`Owner:User` and `Owner:Queue` mean the same in rules, drafts, formulas, filters, sorts and groups, on every database."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.query import Group, Query, Sort
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, queue, rights, rule, world


def formula(source: str, returns: str = "text") -> dict:
    return {"type": "formula", "label": "Formula", "returns": returns, "formula": source}


CASE = obj(
    "case",
    {
        "note": {"type": "text", "label": "Note", "default": '=BLANKVALUE(Owner:Queue.Name, "by hand")'},
        "person": formula("Owner:User.Name"),
        "person_id": formula("Owner:User.Id"),
        "line": formula("Owner:Queue.Name"),
        "line_name": formula("Owner:Queue.DeveloperName"),
        "line_id": formula("Owner:Queue.QueueId"),
        "either": formula("IF(ISBLANK(Owner:User.Name), Owner:Queue.Name, Owner:User.Name)"),
        "waits": formula("NOT(ISBLANK(Owner:Queue.Id))", "checkbox"),
    },
)
TASK = obj(
    "task",
    {
        "about": {"type": "lookup", "label": "About", "to": "case"},
        "line": formula("about.Owner:Queue.Name"),
        "person": formula("about.Owner:User.Id"),
    },
)
OTHERS = [queue(f"line_{number}", "case") for number in range(70)]  # more than one CASE takes


def prepare(engine) -> World:
    made = world(
        engine,
        CASE,
        TASK,
        {**queue("tier2", "case"), "label": {"en": 'Tier "2"', "zh-Hans": "二线"}},
        *OTHERS,
        profile(
            "agent",
            {
                "case": everything(CASE, "create", "read", "edit", "view_all"),
                "task": everything(TASK, "create", "read", "view_all"),
                "user": rights("read"),
            },
        ),
        profile("clerk", {"case": rights("read", "view_all", read=["line", "either"])}),
        rule("case", "tier2_notes", 'AND(Owner:Queue.api_name = "tier2", ISBLANK(note))', "{{ Owner:Queue.Name }} wants a note", at="note"),
    )
    made.person("Ada", profile="agent")
    made.person("Wei", profile="agent", language="zh_hans")
    made.person("Cleo", profile="clerk")
    for name, owner in (("A", made.people["Ada"]), ("B", made.queue("tier2", [])), ("C", made.queue("line_69", ["Ada"]))):
        about = made.create("case", {"name": name, "owner": owner})
        made.create("task", {"name": f"of {name}", "about": about, "owner": made.people["Ada"]})
    return made


@pytest.fixture
def desk(a_world) -> World:
    return a_world("owners", prepare)


def rows(made: World, who: str, *select: str, of: str = "case", **query) -> list[tuple]:
    with made.reading(who) as gate:
        found = gate.read(Query(object=of, select=select, sort=(Sort(field="name"),), **query)).records
    return [tuple(record[name] for name in select) for record in found]


@pytest.mark.parametrize("who", ["Ada", "Wei"])
def test_an_owner_is_a_person_or_a_queue_to_every_reader(desk, who):
    ada, tier2, last = desk.people["Ada"], desk.queue("tier2", []), desk.queue("line_69", ["Ada"])
    assert rows(desk, who, "name", "person", "person_id", "line", "line_name", "line_id", "either", "waits") == [
        ("A", "Ada", ada, None, None, None, "Ada", False),
        ("B", None, None, 'Tier "2"', "tier2", tier2, 'Tier "2"', True),
        ("C", None, None, "Line_69", "line_69", last, "Line_69", True),
    ]
    assert rows(desk, who, "name", "line", "person", of="task") == [
        ("of A", None, ada),
        ("of B", 'Tier "2"', None),
        ("of C", "Line_69", None),
    ]


FILTERS = [
    ("Owner:Queue.Name = 'Tier \"2\"'", ["B"]),
    ('OWNER:QUEUE.developername = "tier2"', ["B"]),
    ("ISBLANK(Owner:Queue.Name)", ["A"]),
    ("ISBLANK(Owner:User.Id)", ["B", "C"]),
    ("Owner:User.Id = $User.Id", ["A"]),
    ('BEGINS(Owner:Queue.Name & Owner:User.Name, "A")', ["A"]),
    ("waits", ["B", "C"]),
    ('either = "Ada"', ["A"]),
]


def test_records_are_found_by_their_owner(desk):
    for source, expected in FILTERS:
        assert [name for (name,) in rows(desk, "Ada", "name", filter=source)] == expected, source
    assert rows(desk, "Ada", "name", of="task", filter='about.Owner:Queue.Name = "Line_69"') == [("of C",)]


def test_records_are_sorted_and_grouped_by_the_queue_that_owns_them(desk):
    with desk.reading("Ada") as gate:
        found = gate.read(Query(object="case", select=("name",), sort=(Sort(field="line", descending=True),))).records
        groups = gate.groups(Query(object="case"), [Group(field="line")], {"n": ("count", None)})
    assert [record["name"] for record in found] == ["B", "C", "A"]
    assert {row["line"]: row["n"] for row in groups} == {None: 1, "Line_69": 1, 'Tier "2"': 1}


def test_rules_defaults_and_messages_know_the_queue(desk):
    tier2 = desk.queue("tier2", [])
    with pytest.raises(Refused) as refused:
        desk.create("case", {"name": "D", "owner": tier2, "note": None}, "Ada")
    assert [problem.message[""] for problem in refused.value.problems] == ['Tier "2" wants a note']
    desk.create("case", {"name": "D", "owner": desk.people["Ada"], "note": None}, "Ada")
    assert rows(desk, "Ada", "name", "note") == [("A", "by hand"), ("B", 'Tier "2"'), ("C", "Line_69"), ("D", None)]


def test_a_draft_shows_what_the_saved_record_will(desk):
    shown = ("person", "person_id", "line", "line_name", "line_id", "either", "waits", "note")
    for owner in (desk.people["Wei"], desk.queue("tier2", [])):
        values = {"name": "D", "owner": owner}
        draft = desk.records.draft(desk.principal("Ada"), "case", None, values, "json").values
        saved = desk.get("case", desk.create("case", values, "Ada"), "Ada")
        assert {name: draft[name] for name in shown} == {name: saved[name] for name in shown}


def test_whoever_reads_the_owner_reads_the_queue_and_no_more_of_people_than_they_may(desk):
    assert rows(desk, "Cleo", "name", "line") == [("A", None), ("B", 'Tier "2"'), ("C", "Line_69")]
    for hidden in ("either", "person"):
        with pytest.raises(Refused):
            rows(desk, "Cleo", hidden)
