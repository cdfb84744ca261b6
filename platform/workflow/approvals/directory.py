"""Looking people up for approvals: users, members of roles and queues, holders of a Setup right, managers.

Here: `OrgDirectory`, which reads on behalf of the engine and keeps what it read for the length of one command.
Not here: who is to decide (`people.py`), principals (`records/gate/people.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fieldstone.db.column_types import is_id
from fieldstone.i18n.languages import closest
from fieldstone.limits import PAGE_RECORDS
from fieldstone.metadata.definitions import PermissionSetDef, PersonSource, ProfileDef, QueueDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import rights
from fieldstone.records.principal import PERMISSION_ASSIGNMENT, QUEUE_MEMBER, Principal
from fieldstone.records.query import Query, Record
from fieldstone.workflow.approvals.people import ADMINS, Person

FIELDS = ("name", "username", "email", "active", "manager", "language", "zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague(Person):
    """A person with what is needed to write to them."""

    username: str | None = None
    email: str | None = None
    language: str = "en"
    zone: str = "UTC"


class OrgDirectory:
    """The people of the org as they are in one transaction. `gate` must be one that sees every user."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._known: dict[str, Colleague | None] = {}
        self._members: dict[str, tuple[Colleague, ...]] = {}

    def person(self, user_id: str) -> Colleague | None:
        """Return the user, active or not; None if there is none."""
        return self.people([user_id]).get(user_id)

    def people(self, ids: Iterable[str]) -> dict[str, Colleague]:
        """Return these users by id, in one statement for those not yet known."""
        wanted = sorted({each for each in ids if is_id(each)})
        missing = [each for each in wanted if each not in self._known]
        if missing:
            self._known |= dict.fromkeys(missing)
            for record in self._gate.records("user", missing, FIELDS):
                self._keep(record)
        return {each: found for each in wanted if (found := self._known[each]) is not None}

    def names(self, ids: Iterable[str | None]) -> dict[str, str]:
        """Return the names of these users by id."""
        return {each: found.name for each, found in self.people(one for one in ids if one is not None).items()}

    def by_username(self, username: str) -> Colleague | None:
        """Return the user of that name."""
        found = self._read({"field": "username", "op": "eq", "value": username})
        return found[0] if found else None

    def members(self, group: str) -> tuple[Colleague, ...]:
        """Return the active users of "role:x", "queue:<id>" or "right:x", ordered by id."""
        if group not in self._members:
            kind, _, name = group.partition(":")
            match kind:
                case "role":
                    found = self._read({"field": "role", "op": "eq", "value": name})
                case "queue":
                    table = QUEUE_MEMBER
                    found = tuple(self.people(self._ids(select(table.c.user_id).where(table.c.queue_id == name))).values())
                case _:
                    found = self._holders(name)
            self._members[group] = tuple(sorted((each for each in found if each.active), key=lambda each: each.id))
        return self._members[group]

    def group_of(self, source: PersonSource) -> str:
        """Return the key of the group that a role or queue source names; of a queue by its id, which stays when it is renamed."""
        if source.kind == "queue":
            queue = self._gate.snapshot.find("queue", source.value)
            return f"queue:{queue.id if queue is not None else ''}"
        return f"role:{source.value}"

    def is_queue(self, holder_id: str) -> bool:
        """Tell whether an owner is a queue."""
        return holder_id in self._gate.snapshot.once(_queue_ids)

    def _holders(self, right: str) -> tuple[Colleague, ...]:
        """The users whose profile or permission sets hold a Setup right."""
        profiles, sets = _granting(self._gate.snapshot, right)
        table = PERMISSION_ASSIGNMENT
        assigned = self._ids(select(table.c.user_id).where(table.c.permission_set.in_(sorted(sets)))) if sets else []
        found = {each.id: each for each in self.people(assigned).values()}
        if profiles:
            found |= {each.id: each for each in self._read({"field": "profile", "op": "in", "value": sorted(profiles)})}
        return tuple(found.values())

    def _ids(self, statement: object) -> list[str]:
        return list(self._gate.tx.connection.execute(statement).scalars())  # type: ignore[call-overload]

    def _read(self, wanted: dict[str, object]) -> tuple[Colleague, ...]:
        found: list[Colleague] = []
        cursor: str | None = None
        while True:
            page = self._gate.read(Query(object="user", select=FIELDS, filter=wanted, limit=PAGE_RECORDS, cursor=cursor))
            found += [self._keep(record) for record in page.records]
            cursor = page.next
            if cursor is None:
                return tuple(found)

    def _keep(self, record: Record) -> Colleague:
        manager = record["manager"]
        made = Colleague(
            id=record["id"],
            name=record["name"] or record["username"] or "",
            active=bool(record["active"]),
            manager=manager.id if manager is not None else None,
            username=record["username"],
            email=record["email"],
            language=closest(record["language"]) or self._gate.snapshot.language,
            zone=record["zone"] or self._gate.snapshot.zone,
        )
        self._known[made.id] = made
        return made


def _queue_ids(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(queue.id for queue in snapshot.all("queue") if isinstance(queue, QueueDef))


def _granting(snapshot: Snapshot, right: str) -> tuple[frozenset[str], frozenset[str]]:
    """The profiles and the permission sets that grant a Setup right."""
    profiles = frozenset(each.name for each in snapshot.all("profile") if isinstance(each, ProfileDef) and right in each.setup)
    sets = frozenset(each.name for each in snapshot.all("permission_set") if isinstance(each, PermissionSetDef) and right in each.setup)
    return profiles, sets


def groups_of(snapshot: Snapshot, principal: Principal) -> frozenset[str]:
    """Return the keys of the groups whose seats are the principal's too."""
    groups = {f"queue:{queue}" for queue in principal.queues}
    if principal.role is not None:
        groups.add(f"role:{principal.role}")
    if rights(snapshot, principal).setup("manage_approvals"):
        groups.add(ADMINS)
    return frozenset(groups)


def zone_of(person: Colleague) -> ZoneInfo:
    """Return a person's time zone; UTC for one that the installed data does not know."""
    try:
        return ZoneInfo(person.zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
