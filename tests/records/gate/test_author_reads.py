"""Whoever defines something that takes values out of records must be able to read them, whatever kind of thing it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fieldstone.metadata.changes import Answer, ChangeSet, Place, Rename
from fieldstone.metadata.check import check
from fieldstone.metadata.propose import propose
from fieldstone.records.gate.access import rights
from fieldstone.records.gate.authors import rights_of_author
from fieldstone.records.principal import Principal
from tests.support.orgs import obj, picklist
from tests.support.worlds import built, core_document, path_of, profile, rule
from tests.support.worlds import rights as granted

NUMBER = {"type": "number", "label": "N"}
TEXT = {"type": "text", "label": "T"}
ACCOUNT = obj("account", {"open": NUMBER, "hidden": NUMBER, "wide": {**NUMBER, "default": "=hidden"}})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "A", "to": "account", "children": "deals"},
        "open": NUMBER,
        "hidden": NUMBER,
        "note": TEXT,
        "stage": picklist("new", "won"),
        "lawyer": {"type": "user", "label": "L"},
        "secret_lawyer": {"type": "user", "label": "S"},
        "doubled": {"type": "formula", "label": "D", "returns": "number", "formula": "hidden * 2"},
        "told": {"type": "formula", "label": "D", "returns": "number", "formula": "hidden * 3", "declassified": {"reason": "known"}},
    },
)
LINE = obj("line", {"deal": {"type": "master_detail", "label": "D", "to": "deal"}, "open": NUMBER, "hidden": NUMBER}, owned_by="none",
           default_access="by_parent")  # fmt: skip
RULE = rule("deal", "old_rule", "hidden > 1", "{{ hidden }} is too much")
SETUP = ["customize", "manage_automation", "manage_templates", "manage_security"]
READS = {
    "deal": granted("read", "create", "edit", edit=["account", "open", "note", "stage", "lawyer"], read=["doubled", "told"]),
    "account": granted("read", read=["open"]),
    "line": granted("read", read=["deal", "open"]),
    "user": granted("read"),
}
SNAPSHOT = built(
    [ACCOUNT, DEAL, LINE, RULE, core_document("objects/user.json"), profile("author", READS, setup=SETUP),
     profile("clerk", {}, setup=["customize"]), profile("admin", {}, setup=[*SETUP, "modify_all_data"])]
)  # fmt: skip


def refused(changes: ChangeSet, who: str = "author") -> list[tuple[str, Any, Any]]:
    held = rights(SNAPSHOT, Principal(kind="user", user_id="u", name="U", profile=who))
    found = rights_of_author(SNAPSHOT, held, changes)(propose(SNAPSHOT, changes).documents)
    return [(each.code, each.pointer, *each.params.values()) for each in found]


def put(document: dict[str, Any]) -> ChangeSet:
    return ChangeSet(put=(document,))


def deal(**fields: dict[str, Any]) -> dict[str, Any]:
    return {**DEAL, "fields": {**DEAL["fields"], **fields}}


def of_deal(kind: str, **parts: Any) -> dict[str, Any]:
    return {"kind": kind, "object": "deal", "api_name": "made", "label": "Made", **parts}


def automation(*steps: dict[str, Any], **trigger: Any) -> dict[str, Any]:
    return of_deal(
        "automation",
        timing="before_save",
        trigger={"type": "record", **trigger},
        paths=[{"id": "now", "steps": [{"id": "s", **each} for each in steps]}],
    )


def process(**parts: Any) -> dict[str, Any]:
    node = {"id": "n", "type": "approve", "approvers": [{"role": "boss"}], "on_empty": "admins", "reject": "end", **parts.pop("node", {})}
    return of_deal("approval_process", **{"evidence": ["open"], "nodes": [node], **parts})


def layout(**item: Any) -> dict[str, Any]:
    section = {"id": "s", "label": "S", "items": [{"field": "note", **item}]}
    return of_deal("page_layout", tabs=[{"id": "t", "label": "T", "sections": [section]}])


def related(**parts: Any) -> dict[str, Any]:
    tab = {"id": "t", "label": "T", "related_lists": [{"relation": "line.deal", "columns": ["name"], **parts}]}
    return of_deal("page_layout", tabs=[tab])


def formula(source: str, **more: Any) -> dict[str, Any]:
    return {"type": "formula", "label": "F", "returns": "number", "formula": source, **more}


def roll_up(**more: Any) -> dict[str, Any]:
    return {"type": "roll_up", "label": "R", "relation": "line.deal", "function": "count", **more}


# What takes the value of a field, as a function of its name, and where it says so.
KINDS = {
    "a formula": (lambda name: deal(new=formula(f"{name} + 1")), "/fields/new/formula"),
    "a formula over a parent": (lambda name: deal(new=formula(f"account.{name}")), "/fields/new/formula"),
    "a default": (lambda name: deal(new={**NUMBER, "default": f"={name}"}), "/fields/new/default"),
    "what a roll-up sums": (lambda name: deal(new=roll_up(function="sum", field=name)), "/fields/new/field"),
    "the filter of a roll-up": (lambda name: deal(new=roll_up(filter=f"{name} > 1")), "/fields/new/filter"),
    "a lookup filter": (
        lambda name: deal(new={"type": "lookup", "label": "L", "to": "account", "filter": f"{name} > 1"}),
        "/fields/new/filter",
    ),
    "the edited record in a lookup filter": (
        lambda name: deal(new={"type": "lookup", "label": "L", "to": "account", "filter": f"open = $Record.{name}"}),
        "/fields/new/filter",
    ),
    "a default of a record type": (lambda name: of_deal("record_type", defaults={"note": f"=TEXT({name})"}), "/defaults/note"),
    "a validation rule": (lambda name: rule("deal", "made", f"{name} > 1"), "/error_when"),
    "its message": (lambda name: rule("deal", "made", "open > 1", {"en": f"{{{{ {name} }}}}"}), "/message/en"),
    "the criteria of an automation": (lambda name: automation(criteria=f"{name} > 1"), "/trigger/criteria"),
    "what an automation watches": (lambda name: automation(watch=[name], when="changed"), "/trigger/watch/0"),
    "what an automation sets": (
        lambda name: automation({"type": "assign", "set": {"note": f"=TEXT({name})"}}),
        "/paths/0/steps/0/set/note",
    ),
    "a branch of an automation": (
        lambda name: automation({"type": "branch", "branches": [{"when": f"{name} > 1", "steps": []}]}),
        "/paths/0/steps/0/branches/0/when",
    ),
    "what an automation says": (lambda name: automation({"type": "error", "message": f"{{{{ {name} }}}}"}), "/paths/0/steps/0/message"),
    "entry into an approval": (lambda name: process(entry={"criteria": f"{name} > 1"}), "/entry/criteria"),
    "evidence of an approval": (lambda name: process(evidence=["note", name]), "/evidence/1"),
    "when a node is entered": (lambda name: process(node={"when": f"{name} > 1"}), "/nodes/0/when"),
    "who approves, by a field": (
        lambda name: process(node={"approvers": [{"field": "lawyer" if name == "open" else "secret_lawyer"}]}),
        "/nodes/0/approvers/0/field",
    ),
    "an action of an approval": (
        lambda name: process(actions={"approved": [{"id": "x", "type": "update", "set": {"note": f"=TEXT({name})"}}]}),
        "/actions/approved/0/set/note",
    ),
    "its message in another language": (
        lambda name: {
            "kind": "translation", "language": "fr", "texts": {"validation_rules/deal/old_rule.json": {"/message": f"{{{{ {name} }}}}"}}
        },
        "/texts/validation_rules~1deal~1old_rule.json/~1message",
    ),
    "an email template": (
        lambda name: {
            "kind": "email_template", "object": "deal", "api_name": "made", "label": "M",
            "subject": "S", "body": {"en": f"{{{{ {name} }}}}"}
        },
        "/body/en",
    ),
    "the filter of a list view": (lambda name: of_deal("list_view", columns=[{"field": "name"}], filter=f"{name} > 1"), "/filter"),
    "the order of a list view": (
        lambda name: of_deal("list_view", columns=[{"field": "name"}], sort=[{"field": name}]),
        "/sort/0/field",
    ),
    "a condition of a layout": (lambda name: layout(visible_when=f"{name} > 1"), "/tabs/0/sections/0/items/0/visible_when"),
    "the filter of a related list": (lambda name: related(filter=f"{name} > 1"), "/tabs/0/related_lists/0/filter"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_author_reads_what_the_definition_reads(kind):
    make, pointer = KINDS[kind]
    assert refused(put(make("open"))) == []
    ((code, where, name),) = refused(put(make("hidden")))
    assert (code, where) == ("author_cannot_read", pointer)
    assert "hidden" in name or name == "secret_lawyer"
    assert refused(put(make("hidden")), "admin") == []


def test_a_formula_is_read_with_all_it_is_made_of_but_for_one_that_was_declassified():
    assert refused(put(deal(new=formula("doubled")))) == [("author_cannot_read", "/fields/new/formula", "doubled")]
    assert refused(put(deal(new=formula("told")))) == []


def test_what_only_shows_a_field_leaves_it_to_the_right_of_whoever_looks():
    assert refused(put(of_deal("list_view", columns=[{"field": "hidden"}]))) == []
    assert refused(put(layout(field="hidden"))) == []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (deal(hidden={**NUMBER, "label": "Other"}, new=formula("open")), []),
        ({**RULE, "message": "no", "label": "Other"}, []),
        ({**RULE, "error_when": "hidden > 2"}, [("author_cannot_read", "/error_when", "hidden")]),
        (deal(doubled={**DEAL["fields"]["doubled"], "label": "Other"}), []),
        (
            deal(doubled={**DEAL["fields"]["doubled"], "declassified": {"reason": "now"}}),
            [("author_cannot_read", "/fields/doubled/formula", "hidden")],
        ),
        (
            {**ACCOUNT, "fields": {**ACCOUNT["fields"], "new": {**NUMBER, "default": "=hidden"}}},
            [("author_cannot_read", "/fields/new/default", "hidden")],
        ),
        (deal(fresh=NUMBER, new=formula("fresh + 1")), []),
    ],
)
def test_only_what_changed_is_judged_and_what_comes_with_it_is_nobodys_yet(document, expected):
    assert refused(put(document)) == expected


def test_steps_that_only_move_stay_whoever_moves_them():
    first = automation({"type": "assign", "set": {"note": "=TEXT(hidden)"}})
    snapshot = built([*(copy.deepcopy(dict(each)) for each in SNAPSHOT.parsed.values()), first])
    held = rights(snapshot, Principal(kind="user", user_id="u", name="U", profile="author"))
    moved, twice = copy.deepcopy(first), copy.deepcopy(first)
    plain = {"id": "p", "type": "assign", "set": {"open": 1}}
    moved["paths"][0]["steps"].insert(0, plain)
    twice["paths"][0]["steps"].append({**twice["paths"][0]["steps"][0], "id": "again"})
    for document, expected in ((moved, []), (twice, ["/paths/0/steps/1/set/note"])):
        changes = put(document)
        found = rights_of_author(snapshot, held, changes)({**snapshot.parsed, path_of(document): document})
        assert [each.pointer for each in found] == expected


RENAMES = (
    Rename(place=Place(kind="field", object="deal", name="hidden"), to="plain"),
    Rename(place=Place(kind="object", name="deal"), to="offer"),
)


def test_a_rename_defines_nothing_and_asks_for_its_own_right_alone():
    for who in ("author", "clerk"):  # the clerk may not touch profiles, which name the field
        assert refused(ChangeSet(rename=RENAMES), who) == []
    permission = Rename(place=Place(kind="profile", name="admin"), to="boss")
    assert refused(ChangeSet(rename=(permission,)), "clerk") == [("right_missing", None, "manage_security")]


def test_under_another_name_a_field_is_what_it_was():
    renamed = propose(SNAPSHOT, ChangeSet(rename=RENAMES)).documents
    offer, author = renamed["objects/offer.json"], renamed["profiles/author.json"]
    reading = {**offer, "fields": {**offer["fields"], "new": formula("plain + 1")}}
    assert refused(ChangeSet(rename=RENAMES, put=(reading,))) == [("author_cannot_read", "/fields/new/formula", "plain")]
    part = author["objects"]["offer"]
    granting = {**author, "objects": {**author["objects"], "offer": {**part, "fields": {**part["fields"], "plain": "read"}}}}
    assert refused(ChangeSet(rename=RENAMES, put=(granting,))) == [("right_not_held", "/objects/offer/fields/plain", "offer.plain.read")]


def test_what_records_are_filled_with_is_read_by_its_author():
    answers = {"objects/deal.json#/fields/note": Answer(fill="=TEXT(hidden)")}
    changes = ChangeSet(put=(deal(note={**TEXT, "required": True}),), answers=answers)
    assert refused(changes) == [("author_cannot_read", "/fields/note", "hidden")]
    answers = {"objects/deal.json#/fields/note": Answer(fill="=TEXT(open)")}
    assert refused(ChangeSet(put=changes.put, answers=answers)) == []


def test_documents_of_no_sensible_shape_are_refused_for_that():
    changes = ChangeSet(put=({**DEAL, "fields": ["hidden"]}, {**RULE, "error_when": 1}))
    held = rights(SNAPSHOT, Principal(kind="user", user_id="u", name="U", profile="author"))
    found = check(propose(SNAPSHOT, changes).documents, current=SNAPSHOT, rights=rights_of_author(SNAPSHOT, held, changes))
    assert {(each.document, each.code) for each in found if each.pointer in ("/fields", "/error_when")} == {
        ("put/0.json", "wrong_type"),
        ("validation_rules/deal/old_rule.json", "wrong_type"),
    }
