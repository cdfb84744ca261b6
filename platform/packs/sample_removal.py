"""Sample records leave again: those that nobody has changed and nothing that stays refers to; the others are listed.

Here: what would go and what would stay, removing it. Not here: loading (`sample.py`), how a delete works (`records/steps/deletion.py`).

A record counts as changed if it was written after its sample was loaded, be it by a roll-up over somebody's own records. People of a
sample become inactive, not deleted: the history names them. Source: spec/packs.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection, delete, select

from fieldstone.db.transaction import Transaction, retrying
from fieldstone.limits import TRANSACTION_RECORDS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Relation, Snapshot
from fieldstone.packs.sample import SAMPLE_RECORD, SECONDS
from fieldstone.records import audit
from fieldstone.records.changes import Change
from fieldstone.records.gate.read import Gate
from fieldstone.records.gate.sharing import reader
from fieldstone.records.gate.write import pointing
from fieldstone.records.opening import open_for_writing
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.workflow.approvals.commands import cancel_deleted
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.run import Desk, engine_gate

PEOPLE = "user"


class Reason(Enum):
    """Why a sample record stays."""

    CHANGED = "changed"
    USED = "used"  # something that stays refers to it
    SIGNS_IN = "signs_in"  # a person who can


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A sample record that stays."""

    object: str
    record: str
    name: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What leaves, by object; people of the sample become inactive. `gone`: ids whose records are not there any more."""

    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many records are deleted."""
        return sum(map(len, self.records.values()))


def preview(records: Records, by: Principal) -> Removal:
    """Return what removing the sample data would do now. Writes nothing."""

    with records.reading(_on_behalf(by)) as gate:
        return _Looking(gate).removal()


def remove(records: Records, notices: Notices, by: Principal) -> Removal:
    """Move the sample data to the recycle bin, in one transaction, and return what went and what stays.

    Approvals that wait on such a record end with it. Raises Refused, and removes nothing, if a record cannot be deleted.
    """

    def work(tx: Transaction) -> Removal:
        snapshot, acting = open_for_writing(tx, records.holder, _on_behalf(by))
        removal = _Looking(Gate(tx, reader(snapshot, acting), records.cursors)).removal()
        gate = engine_gate(tx, snapshot, records.cursors)
        desk = Desk(tx=tx, snapshot=snapshot, acting=acting, channel="import", gate=gate, save_in=records.save_in, notices=notices)
        cancel_deleted(desk, [record for ids in removal.records.values() for record in ids])
        along = _taken_along(desk.gate, removal.records)
        for name in _in_order(snapshot, removal.records):
            changes = [Change(object=name, action="delete", id=record) for record in removal.records[name] if record not in along]
            records.save_in(tx, snapshot, acting, changes, channel="import")
        leaving = [Change(object=PEOPLE, action="update", id=person, values={"active": False}) for person in removal.people]
        if leaving:
            records.save_in(tx, snapshot, acting, leaving, channel="import")
        gone = [*removal.gone, *removal.people, *(record for ids in removal.records.values() for record in ids)]
        tx.connection.execute(delete(SAMPLE_RECORD).where(SAMPLE_RECORD.c.record.in_(gone)))
        audit.note(tx, by, "sample.removed", details={"records": removal.count})
        return removal

    return retrying(records.engine, work, statement_seconds=SECONDS)


def is_there(connection: Connection) -> bool:
    """Whether any sample record is noted."""
    return connection.execute(select(SAMPLE_RECORD.c.record).limit(1)).first() is not None


def _on_behalf(by: Principal) -> Principal:
    """Return the platform acting for who removes: they need no right to each of the objects."""
    return replace(by, kind="internal", unrestricted=True)


class _Looking:
    """Finds out what may leave. `gate`: one that sees everything."""

    def __init__(self, gate: Gate) -> None:
        self.gate, self.snapshot = gate, gate.asking.snapshot
        self.kept: list[Kept] = []
        self.names: dict[str, str] = {}

    def removal(self) -> Removal:
        """Return it."""
        found = {(row.object, row.record): row.at for row in self.gate.tx.connection.execute(select(SAMPLE_RECORD))}
        going: dict[str, set[str]] = {}
        there: set[str] = set()
        for name, ids in self._by_object(found).items():
            there |= set(ids)
            going[name] = self._unchanged(self.snapshot.object(name), ids)
        people = going.pop(PEOPLE, set())
        self._keep_used(going)
        staying = self._people_in_use(people, going)
        return Removal(
            records={name: tuple(sorted(ids)) for name, ids in going.items() if ids},
            people=tuple(sorted(people - staying)),
            kept=tuple(self.kept),
            gone=tuple(sorted({record for _, record in found} - there)),
        )

    def _by_object(self, found: Mapping[tuple[str, str], datetime]) -> dict[str, dict[str, datetime]]:
        """Return the live ones of the records with the time of their loading. An object may have another name by now."""
        noted: dict[str, dict[str, datetime]] = {}
        for (name, record), at in found.items():
            noted.setdefault(name, {})[record] = at
        there: dict[str, dict[str, datetime]] = {}
        for name, ids in noted.items():
            definition = self.snapshot.find("object", name)
            for each in [definition] if isinstance(definition, ObjectDef) else list(self.snapshot.objects.values()):
                live = [record["id"] for record in self.gate.records(each.name, list(ids), ("id",))]
                if live:
                    there.setdefault(each.name, {}).update({record: ids[record] for record in live})
        return there

    def _unchanged(self, definition: ObjectDef, ids: Mapping[str, datetime]) -> set[str]:
        wanted = ["id", definition.name_field, "updated_at", *(["username", "active"] if definition.name == PEOPLE else [])]
        unchanged = set()
        for record in self.gate.records(definition.name, list(ids), tuple(wanted)):
            self.names[record["id"]] = str(record[definition.name_field] or "")
            if record.get("username"):
                self._keep(definition.name, record["id"], Reason.SIGNS_IN)
            elif record["updated_at"] > ids[record["id"]]:
                self._keep(definition.name, record["id"], Reason.CHANGED)
            else:
                unchanged.add(record["id"])
        return unchanged

    def _keep(self, name: str, record: str, reason: Reason) -> None:
        self.kept.append(Kept(object=name, record=record, name=self.names[record], reason=reason))

    def _keep_used(self, going: dict[str, set[str]]) -> None:
        """Take out of `going` what something refers to that stays, until nothing more does."""
        changed = True
        while changed:
            changed = False
            for name, ids in going.items():
                for record in sorted(self._referred(self.snapshot.children(name), ids, going)):
                    ids.discard(record)
                    self._keep(name, record, Reason.USED)
                    changed = True

    def _referred(self, relations: Iterable[Relation], ids: set[str], going: Mapping[str, set[str]]) -> set[str]:
        relations = tuple(relations)
        if not ids or not relations:
            return set()
        found = pointing(self.gate.tx, self.gate.asking, relations, ids, TRANSACTION_RECORDS)
        return {each.target for each in found if each.id not in going.get(relations[each.relation].child.name, ())}

    def _people_in_use(self, people: set[str], going: Mapping[str, set[str]]) -> set[str]:
        """Return who owns something that stays, or is named by it; people who leave together may name one another."""
        staying: set[str] = set()
        for definition in self.snapshot.objects.values():
            if people and "owner" in definition.system_fields:
                owned = self.gate.having(definition.name, "owner", people)
                staying |= {person for person, ids in owned.items() if set(ids) - going.get(definition.name, set())}
        while more := self._referred(self.snapshot.children(PEOPLE), people - staying, {**going, PEOPLE: people - staying}):
            staying |= more
        for person in sorted(staying):
            self._keep(PEOPLE, person, Reason.USED)
        return staying


def _taken_along(gate: Gate, going: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the records that a delete of others takes along: deleted by themselves, they would be missed in totals and rules."""
    snapshot, found = gate.asking.snapshot, set[str]()
    for name, ids in going.items():
        relations = tuple(each for each in snapshot.children(name) if each.field.on_delete == "cascade")
        found |= {each.id for each in pointing(gate.tx, gate.asking, relations, ids, TRANSACTION_RECORDS)}
    return found


def _in_order(snapshot: Snapshot, names: Iterable[str]) -> Iterator[str]:
    """Yield objects so that what refers to a record is deleted before it, as far as they do not refer to one another."""
    waiting = list(names)
    with_along = {name: _with_along(snapshot, name) for name in waiting}

    def held_by(name: str) -> int:
        holders = {each.child.name for each in snapshot.children(name) if each.field.on_delete != "cascade"}
        return sum(bool(holders & with_along[other]) for other in waiting if other != name)

    while waiting:
        chosen = min(waiting, key=held_by)
        waiting.remove(chosen)
        yield chosen


def _with_along(snapshot: Snapshot, name: str) -> frozenset[str]:
    """Return the object and those whose records its delete takes along."""
    found, left = {name}, [name]
    while left:
        below = {each.child.name for each in snapshot.children(left.pop()) if each.field.on_delete == "cascade"} - found
        found |= below
        left += below
    return frozenset(found)
