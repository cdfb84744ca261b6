"""Who is to decide at a node: from its sources to seats, with the reason for every step.

Here: `resolve`, pure: it asks a `Directory` and writes nothing. Not here: the directory's statements (`directory.py`), tasks.

The order is the specification's: sources, flatten, remove doubles, (standing delegation), inactive, self rule, `distinct`, cap,
`on_empty`. Source: spec/workflow.md, section 15.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from fieldstone.errors import Problem, Refused
from fieldstone.limits import APPROVAL_PEOPLE, MANAGER_LEVELS
from fieldstone.metadata.definitions import ApproveNodeDef, PersonSource

ADMINS = "right:manage_approvals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the engine knows of a user."""

    id: str
    name: str
    active: bool = True
    manager: str | None = None  # user id


class Directory(Protocol):
    """Where people are looked up."""

    def person(self, user_id: str) -> Person | None:
        """Return the user, active or not; None if there is none."""

    def by_username(self, username: str) -> Person | None:
        """Return the user of that name."""

    def members(self, group: str) -> tuple[Person, ...]:
        """Return the active users of "role:x", "queue:<id>" or "right:x", ordered by id."""

    def group_of(self, source: PersonSource) -> str:
        """Return the key of the group that a role or queue source names."""

    def is_queue(self, holder_id: str) -> bool:
        """Tell whether an owner is a queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the sources of a node refer to."""

    submitter: str
    owner: str | None = None  # user or queue id
    last_approver: str | None = None  # who approved last in this round; at the first node nobody
    self_approval: str = "manager"
    approvers: tuple[str, ...] = ()  # who has decided in this round, for recipients called "approvers"
    decided: frozenset[str] = frozenset()  # users who decided in this round, if `distinct` leaves them out
    value: Callable[[PersonSource], str | None] = lambda source: None  # of "field" and "formula" sources: a user or queue id


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One vote: of one person, or of whoever is in the group when deciding."""

    user: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Seats, or what is to be done without any: `empty` is "skip_approve", "reject" or "block". `reasons` go into the history."""

    seats: tuple[Seat, ...] = ()
    empty: str | None = None
    reasons: tuple[dict[str, str], ...] = ()


@dataclass(slots=True)
class _Search:
    """Seats found so far and why; a person or group is found once."""

    around: Around
    directory: Directory
    users: dict[str, None] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    reasons: list[dict[str, str]] = field(default_factory=list)
    left_out_self: bool = False

    def note(self, why: str, person: Person | None = None, **more: str) -> None:
        self.reasons.append({"why": why} | ({"user": person.id, "name": person.name} if person else {}) | more)

    def add(self, person: Person | None, why: str, **more: str) -> None:
        """Take a person from a source through the steps inactive, self rule, distinct."""
        if person is None:
            self.note("nobody", None, kind=why, **more)
            return
        self.note(why, person, **more)
        person = self._active(person)
        if person is not None:
            person = self._other_than_submitter(person)
        if person is None or person.id in self.users:
            return
        if person.id in self.around.decided:
            self.note("decided_already", person)
            return
        self.users[person.id] = None

    def add_group(self, group: str, why: str) -> None:
        """Take a group as one seat, unless nobody is in it who could decide."""
        members = self.directory.members(group)
        able = [person for person in members if self._may_decide(person)]
        self.note(why, group=group)
        if able:
            self.groups[group] = None
        elif any(person.id == self.around.submitter for person in members):
            self.add(self.directory.person(self.around.submitter), "only_member", group=group)
        else:
            self.note("group_empty", group=group)

    def _may_decide(self, person: Person) -> bool:
        own = person.id == self.around.submitter and self.around.self_approval != "allow"
        return not own and person.id not in self.around.decided

    def _active(self, person: Person) -> Person | None:
        """The person, or the first active one above them."""
        if person.active:
            return person
        stand_in = next((above for above in managers(person, self.directory) if above.active), None)
        self.note("inactive", person, instead=stand_in.name if stand_in else "")
        return stand_in

    def _other_than_submitter(self, person: Person) -> Person | None:
        if person.id != self.around.submitter or self.around.self_approval == "allow":
            return person
        stand_in = None
        if self.around.self_approval == "manager":
            above = managers(person, self.directory)
            stand_in = next((each for each in above if each.active and each.id != self.around.submitter), None)
        self.left_out_self |= stand_in is None
        self.note("own_submission", person, instead=stand_in.name if stand_in else "")
        return stand_in

    def seats(self) -> tuple[Seat, ...]:
        """The seats, doubles removed: a group whose members all have a seat of their own gets none."""
        groups = [
            group
            for group in self.groups
            if any(person.id not in self.users for person in self.directory.members(group) if self._may_decide(person))
        ]
        return (*(Seat(user=user) for user in self.users), *(Seat(group=group) for group in groups))


def resolve(node: ApproveNodeDef, around: Around, directory: Directory) -> Resolution:
    """Return the seats of `node`, or what its `on_empty` says, with the reasons.

    Raises Refused (limit_exceeded) over 50 people. An unresolved name never becomes a seat.
    """
    search = _Search(around, directory)
    for source in node.approvers:
        _take(source, search)
    seats = search.seats()
    if not seats and search.left_out_self and around.self_approval == "skip":
        return Resolution(empty="skip_approve", reasons=tuple(search.reasons))
    if not seats:
        empty = _when_empty(node.on_empty, search)
        seats = search.seats()
        if not seats:
            return Resolution(empty=empty, reasons=tuple(search.reasons))
    if len(seats) > APPROVAL_PEOPLE:
        raise Refused(Problem(code="limit_exceeded", params={"limit": "approval_people", "value": APPROVAL_PEOPLE}))
    return Resolution(seats=seats, reasons=tuple(search.reasons))


def successor(gone: str, node: ApproveNodeDef, around: Around, directory: Directory, seated: Iterable[str]) -> Resolution:
    """Return the one seat of who decides instead of `gone`, a user who is no longer active: their manager, else whom `on_empty` names.

    `seated` decide at this node already and get no second seat. Without anybody `empty` says what is to be done, as from `resolve`.
    Source: spec/workflow.md, section 13, T17.
    """
    search = _Search(around, directory, users=dict.fromkeys(seated))
    there = set(search.users)
    search.add(directory.person(gone), "gone")
    if there == search.users.keys():
        empty = _when_empty(node.on_empty, search)
        found = tuple(seat for seat in search.seats() if seat.user not in there)
        return Resolution(seats=found[:1], empty=None if found else empty, reasons=tuple(search.reasons))
    return Resolution(seats=tuple(Seat(user=user) for user in search.users if user not in there), reasons=tuple(search.reasons))


def people(sources: Iterable[PersonSource], around: Around, directory: Directory) -> tuple[str, ...]:
    """Return the users that `sources` name, each once, for cc nodes and notices: the submitter stays in, groups are flattened."""
    found: dict[str, None] = {}
    for source in sources:
        for person in _found(source, around, directory):
            if person is not None and person.active:
                found[person.id] = None
    return tuple(found)


def _take(source: PersonSource, search: _Search) -> None:
    if source.kind in ("role", "queue"):
        group = search.directory.group_of(source)
        if source.seat == "group":
            search.add_group(group, source.kind)
            return
    for person in _found(source, search.around, search.directory):
        search.add(person, source.kind, source=source.value)


def _found(source: PersonSource, around: Around, directory: Directory) -> tuple[Person | None, ...]:
    """The people one source names, inactive ones included where it names a person."""
    match source.kind:
        case "user":
            return (directory.by_username(source.value),)
        case "role" | "queue":
            return directory.members(directory.group_of(source))
        case "manager_of":
            start = {"submitter": around.submitter, "owner": around.owner, "approver": around.last_approver or around.submitter}
            return (_manager(start[source.value], source.level, directory),)
        case "submitter":
            return (directory.person(around.submitter),)
        case "owner":
            return _holder(around.owner, directory)
        case "approvers":
            return tuple(directory.person(user) for user in around.approvers)
        case "field" | "formula":
            return _holder(around.value(source), directory)
    raise ValueError(f"no such source of people: {source.kind}")


def _holder(holder_id: str | None, directory: Directory) -> tuple[Person | None, ...]:
    """The person behind an id in an owner or user field; of a queue its members."""
    if holder_id is None:
        return (None,)
    if directory.is_queue(holder_id):
        return directory.members(f"queue:{holder_id}")
    return (directory.person(holder_id),)


def _manager(user_id: str | None, level: int, directory: Directory) -> Person | None:
    """The manager `level` steps above a user; None if the chain is shorter."""
    person = directory.person(user_id) if user_id is not None else None
    if person is None:
        return None
    above = managers(person, directory)
    return above[level - 1] if len(above) >= level else None


def managers(person: Person, directory: Directory) -> tuple[Person, ...]:
    """Return the managers above a person, nearest first; the chain stops at a loop and after 20 levels."""
    chain: list[Person] = []
    seen = {person.id}
    at: Person | None = person
    while at is not None and at.manager is not None and at.manager not in seen and len(chain) < MANAGER_LEVELS:
        seen.add(at.manager)
        at = directory.person(at.manager)
        if at is not None:
            chain.append(at)
    return tuple(chain)


def _when_empty(on_empty: str, search: _Search) -> str:
    """Add the people that `on_empty` names, and return what it says if there are none of them either."""
    match on_empty.partition(":"):
        case ("admins", _, _):
            search.add_group(ADMINS, "admins")
        case ("user", _, username):
            search.add(search.directory.by_username(username), "on_empty", source=username)
        case ("manager_of_last", _, _):
            last = search.around.last_approver or search.around.submitter
            search.add(_manager(last, 1, search.directory), "manager_of_last")
        case (("reject" | "skip_approve") as outcome, _, _):
            search.note("nobody_left")
            return outcome
    return "block"
