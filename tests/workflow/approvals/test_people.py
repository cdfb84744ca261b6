"""From sources to seats: flattening, doubles, people who left, the submitter, nobody left."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from fieldstone.errors import Refused
from fieldstone.metadata.definitions import ApproveNodeDef, PersonSource
from fieldstone.workflow.approvals.people import ADMINS, Around, Person, Seat, managers, people, resolve

# sue → bob → cid → dan (top); eve left, her manager is cid; finance has bob and eve's successor fay; sales has only sue
PEOPLE = {
    person.id: person
    for person in [
        Person(id="sue", name="Sue", manager="bob"),
        Person(id="bob", name="Bob", manager="cid"),
        Person(id="cid", name="Cid", manager="dan"),
        Person(id="dan", name="Dan"),
        Person(id="eve", name="Eve", active=False, manager="cid"),
        Person(id="fay", name="Fay", manager="cid"),
        Person(id="loop1", name="Loop", manager="loop2"),
        Person(id="loop2", name="Loop", manager="loop1"),
    ]
}
MEMBERS = {"role:finance": ("bob", "fay"), "role:sales": ("sue",), "queue:q1": ("fay",), ADMINS: ("dan",), "role:nobody": ()}


@dataclass
class Office:
    """A directory of a few people."""

    admins: tuple[str, ...] = ("dan",)
    members_of: dict = field(default_factory=lambda: dict(MEMBERS))

    def person(self, user_id):
        return PEOPLE.get(user_id)

    def by_username(self, username):
        return PEOPLE.get(username)

    def members(self, group):
        ids = self.admins if group == ADMINS else self.members_of.get(group, ())
        return tuple(PEOPLE[each] for each in ids)

    def group_of(self, source):
        return f"{source.kind}:{source.value}"

    def is_queue(self, holder_id):
        return holder_id == "q1"


def source(text: str) -> PersonSource:
    """ "user eve", "role finance", "role finance as group", "manager_of submitter 2", "field buyer", "owner"."""
    kind, _, rest = text.partition(" ")
    value, _, group = rest.partition(" as ")
    value, _, level = value.partition(" ")
    return PersonSource(kind=kind, value=value, level=int(level or 1), seat=group or "each")


def node(*sources: str, on_empty: str = "block", mode: str = "all") -> ApproveNodeDef:
    return ApproveNodeDef(id="n", approvers=tuple(map(source, sources)), on_empty=on_empty, mode=mode)


def around(**values) -> Around:
    return Around(**{"submitter": "sue", "owner": "fay"} | values)


@pytest.mark.parametrize(
    ("sources", "given", "expected"),
    [
        pytest.param(["user dan"], {}, ["dan"], id="a user"),
        pytest.param(["role finance"], {}, ["bob", "fay"], id="a role, each a seat"),
        pytest.param(["role finance as group"], {}, ["role:finance"], id="a role as one seat"),
        pytest.param(["queue q1"], {}, ["fay"], id="a queue"),
        pytest.param(["manager_of submitter"], {}, ["bob"], id="the manager"),
        pytest.param(["manager_of submitter 2"], {}, ["cid"], id="the manager's manager"),
        pytest.param(["manager_of owner"], {}, ["cid"], id="the owner's manager"),
        pytest.param(["manager_of approver"], {"last_approver": "cid"}, ["dan"], id="the manager of who approved last"),
        pytest.param(["manager_of approver"], {}, ["bob"], id="at the first node that of the submitter"),
        pytest.param(["owner"], {}, ["fay"], id="the owner"),
        pytest.param(["owner"], {"owner": "q1"}, ["fay"], id="the members of the owning queue"),
        pytest.param(["field buyer"], {"value": lambda source: "cid"}, ["cid"], id="the user in a field"),
        pytest.param(["role finance", "user fay", "user dan"], {}, ["bob", "fay", "dan"], id="doubles once, in order"),
        pytest.param(["user fay", "queue q1 as group"], {}, ["fay"], id="a group whose members all sit already has no seat"),
        pytest.param(["user eve"], {}, ["cid"], id="who has left is stood in for by the manager"),
        pytest.param(["user sue"], {}, ["bob"], id="the submitter is replaced by the manager"),
        pytest.param(["user sue", "user bob"], {}, ["bob"], id="who may have a seat already"),
        pytest.param(["user sue"], {"self_approval": "allow"}, ["sue"], id="or decides where that is allowed"),
        pytest.param(["user sue", "user fay"], {"self_approval": "forbid"}, ["fay"], id="or is left out"),
        pytest.param(["role sales as group"], {}, ["bob"], id="the submitter alone in a group is replaced too"),
        pytest.param(["role finance"], {"decided": frozenset({"bob"})}, ["fay"], id="distinct: who decided this round is left out"),
    ],
)
def test_seats(sources, given, expected):
    found = resolve(node(*sources), around(**given), Office())
    assert [seat.user or seat.group for seat in found.seats] == expected
    assert found.empty is None


@pytest.mark.parametrize(
    ("on_empty", "given", "seats", "empty"),
    [
        ("admins", {}, [Seat(group=ADMINS)], None),
        ("user:fay", {}, [Seat(user="fay")], None),
        ("user:gone", {}, [], "block"),
        ("manager_of_last", {"last_approver": "bob"}, [Seat(user="cid")], None),
        ("manager_of_last", {"last_approver": "dan"}, [], "block"),
        ("reject", {}, [], "reject"),
        ("skip_approve", {}, [], "skip_approve"),
        ("block", {}, [], "block"),
    ],
)
def test_nobody_left(on_empty, given, seats, empty):
    found = resolve(node("role nobody", "user gone", on_empty=on_empty), around(**given), Office())
    assert (list(found.seats), found.empty) == (seats, empty)


def test_without_a_manager_of_approvals_there_is_an_alert_rather_than_a_task_for_nobody():
    assert resolve(node("role nobody", on_empty="admins"), around(), Office(admins=())).empty == "block"


def test_the_self_rule_skip_passes_a_node_at_which_only_the_submitter_would_decide():
    assert resolve(node("user sue"), around(self_approval="skip"), Office()).empty == "skip_approve"


def test_every_step_leaves_its_reason():
    reasons = resolve(node("user eve", "user sue"), around(), Office()).reasons
    assert [(each["why"], each.get("name"), each.get("instead")) for each in reasons] == [
        ("user", "Eve", None),
        ("inactive", "Eve", "Cid"),
        ("user", "Sue", None),
        ("own_submission", "Sue", "Bob"),
    ]


def test_a_chain_of_managers_stops_at_a_loop():
    assert [person.id for person in managers(PEOPLE["loop1"], Office())] == ["loop2"]


def test_over_fifty_people_the_command_is_refused():
    office = Office()
    for number in range(51):
        PEOPLE[f"p{number}"] = Person(id=f"p{number}", name="P")
    office.members_of["role:crowd"] = tuple(f"p{number}" for number in range(51))
    with pytest.raises(Refused) as refused:
        resolve(node("role crowd"), around(), office)
    assert refused.value.code == "limit_exceeded"


def test_who_is_only_told_may_be_the_submitter():
    assert people([source("submitter"), source("role finance"), source("user eve")], around(), Office()) == ("sue", "bob", "fay")
