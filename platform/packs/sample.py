"""Sample records of packs: tables and people become records that look as if the org had been at work for a while.

Here: reading the tables, the order of loading, people, moments, what was loaded.
Not here: what relative moments mean (`moments.py`), saving (`records/save.py`), who may sign in (`auth`).

All of it is one transaction through gate and save pipeline, with audited options: automations before the save are left out, `created_at`
is set, values that an approval guards may be there from the start. Lookups that point backwards, and the cells of `sample/then/`, are set
by an update once every record is there: a quote is sent only after it has lines. A cell `$submit` there names an approval process to
which the record is submitted, by the person in `$by` or its owner. Source: spec/packs.md, section 5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, insert, select, update

from fieldstone.db.column_types import Id, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.field_types.date import moment as moment_of
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.packs.moments import is_moment, resolve
from fieldstone.packs.read import Pack
from fieldstone.records import audit, principal
from fieldstone.records.changes import Change
from fieldstone.records.gate.people import load as load_principal
from fieldstone.records.gate.read import Gate
from fieldstone.records.gate.sharing import reader
from fieldstone.records.opening import open_for_writing
from fieldstone.records.principal import PERMISSION_ASSIGNMENT, QUEUE_MEMBER, Principal
from fieldstone.records.save import Records
from fieldstone.workflow.approvals.commands import submit_in
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.run import Desk, engine_gate

# Every record that came from a sample, so that they can be found and removed.
SAMPLE_RECORD = system_table(
    "sample_record",
    Column("pack", PlainText, primary_key=True),
    Column("key", PlainText, primary_key=True),  # `$id` in the pack's tables
    Column("object", PlainText, nullable=False),
    Column("record", Id, nullable=False, index=True),
    Column("at", UtcMoment, nullable=False),
)

PEOPLE = "sample/people.json"
PROFILE = "standard_user"
BY = Principal.internal("sample data")
OPTIONS: Mapping[str, Any] = {"leave_out_automations": True, "approved_before": True}  # and `stamps`, where a row has `created_at`
SECONDS = 60.0  # of one statement: a sample is loaded in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The sample rows of one object. `later`: columns that are set by an update, once all records are there."""

    pack: str
    path: str
    object: ObjectDef
    rows: tuple[Mapping[str, str], ...]
    later: frozenset[str] = frozenset()
    then: tuple[Mapping[str, str], ...] = ()  # by `$id`: cells that replace those of `rows` afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was loaded: user id by person, record id by `$id`, number of records by object."""

    people: Mapping[str, str]
    ids: Mapping[str, str]
    records: Mapping[str, int]


def load(records: Records, notices: Notices, packs: Sequence[Pack], *, people: Mapping[str, str] | None = None) -> Loaded:
    """Load the sample records of `packs`, which are installed, in one transaction.

    `people` maps persons of `people.json` to users that exist; the others become users who cannot sign in. References to samples of
    packs that were loaded earlier are resolved. `notices` tells people what is submitted to them. Raises Refused with every problem of
    every record; then nothing was loaded.
    """

    def work(tx: Transaction) -> Loaded:
        snapshot, acting = open_for_writing(tx, records.holder, BY)
        known = loaded(tx.connection)
        tables = prepare(snapshot, packs, known)
        untouched = _untouched(Gate(tx, reader(snapshot, acting), records.cursors))
        loading = _Loading(tx=tx, snapshot=snapshot, acting=acting, records=records, ids=dict(known))
        loading.take_people(packs, people or {})
        counts = {table.object.name: loading.create(table) for table in tables}
        for table in tables:
            loading.update(table)
        for table in tables:
            loading.submit(table, notices)
        # What this sample has moved in earlier ones, such as totals, is no change that a person made.
        tx.connection.execute(update(SAMPLE_RECORD).where(SAMPLE_RECORD.c.record.in_(untouched)).values(at=tx.now))
        options = {"packs": [pack.name for pack in packs], "options": ["stamps", *OPTIONS], "records": sum(counts.values())}
        audit.note(tx, acting, "sample.loaded", details=options)
        return Loaded(people=loading.people, ids=loading.ids, records=counts)

    return retrying(records.engine, work, statement_seconds=SECONDS)


def loaded(connection: Connection) -> dict[str, str]:
    """Return the records that samples have brought, by `$id`."""
    return {row.key: row.record for row in connection.execute(select(SAMPLE_RECORD.c.key, SAMPLE_RECORD.c.record))}


def _untouched(gate: Gate) -> list[str]:
    """Return the sample records that nobody has written since they were loaded."""
    loaded_at: dict[str, dict[str, datetime]] = {}
    for row in gate.tx.connection.execute(select(SAMPLE_RECORD)):
        loaded_at.setdefault(row.object, {})[row.record] = row.at
    found = []
    for name, ids in loaded_at.items():
        if gate.asking.snapshot.find("object", name) is not None:
            records = gate.records(name, list(ids), ("id", "updated_at"))
            found += [record["id"] for record in records if record["updated_at"] <= ids[record["id"]]]
    return found


# --- what is to be loaded (pure) ----------------------------------------------------------------------------------------------


def prepare(snapshot: Snapshot, packs: Sequence[Pack], known: Iterable[str] = ()) -> tuple[Table, ...]:
    """Return the tables in the order of loading. Raises Refused with every table, column and reference that leads nowhere.

    `snapshot` has the packs' objects; `known` are the `$id`s loaded earlier.
    """
    tables = [table for pack in packs for table in _tables(snapshot, pack)]
    problems = [problem for pack in packs for problem in _unknown_objects(snapshot, pack)]
    ids = {row["$id"] for table in tables for row in table.rows} | set(known) | {person["$id"] for person in people_of(packs)}
    for table in tables:
        problems += _check(table, ids)
    if problems:
        raise Refused(problems, code="pack_invalid")
    return tuple(_ordered(tables))


def people_of(packs: Iterable[Pack]) -> tuple[dict[str, Any], ...]:
    """Return the persons of `packs`, each once: a later pack adds role, manager, permission sets and queues."""
    found: dict[str, dict[str, Any]] = {}
    for pack in packs:
        for person in (pack.json(PEOPLE) or {}).get("people", ()):
            one = found.setdefault(person["$id"], {"permission_sets": [], "queues": [], "pack": pack.name})
            lists = {key: [*one[key], *person.get(key, ())] for key in ("permission_sets", "queues")}
            one |= {**person, **lists}
    return tuple(found.values())


def _names(pack: Pack) -> Iterator[str]:
    for path in sorted(pack.files):
        folder, _, name = path.rpartition("/")
        if folder == "sample" and name.endswith(".csv"):
            yield name.removesuffix(".csv")


def _unknown_objects(snapshot: Snapshot, pack: Pack) -> Iterator[Problem]:
    for name in _names(pack):
        if snapshot.find("object", name) is None:
            path = f"sample/{name}.csv"
            yield Problem(code="sample_object", params={"path": path, "object": name}, document=path)


def _tables(snapshot: Snapshot, pack: Pack) -> Iterator[Table]:
    for name in _names(pack):
        definition = snapshot.find("object", name)
        if isinstance(definition, ObjectDef):
            path = f"sample/{name}.csv"
            rows = _overlaid(pack.table(path), _overlay(snapshot.language, pack, name))
            yield Table(pack=pack.name, path=path, object=definition, rows=rows, then=pack.table(f"sample/then/{name}.csv"))


def _overlay(language: str, pack: Pack, name: str) -> Sequence[Mapping[str, str]]:
    """The table of the org's language; an org in either Chinese script is better served by the other than by English."""
    if not language.startswith("zh"):
        return ()
    return pack.table(f"sample/{language}/{name}.csv") or pack.table(f"sample/zh-Hans/{name}.csv")


def _overlaid(rows: Iterable[Mapping[str, str]], overlay: Iterable[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
    cells = {row["$id"]: {name: cell for name, cell in row.items() if cell} for row in overlay}
    return tuple({**row, **cells.get(row["$id"], {})} for row in rows)


def _check(table: Table, ids: set[str]) -> Iterator[Problem]:
    columns = {name for row in (*table.rows[:1], *table.then[:1]) for name in row} - {
        "$id",
        "$submit",
        "$by",
        "record_type",
        "owner",
        "created_at",
    }
    for name in sorted(columns):
        if table.object.field(name) is None:
            yield Problem(code="unknown_field", params={"name": name, "object": table.object.name}, document=table.path, field=name)
    missing: dict[str, list[str]] = {}
    for row in table.rows:
        for name, cell in row.items():
            found = table.object.fields.get(name)
            points = (found is not None and found.type in LOOKUPS) or (name == "owner" and not cell.startswith("queue:"))
            if cell and points and cell not in ids:
                missing.setdefault(name, []).append(cell)
    for name, cells in missing.items():
        wrong = {"path": table.path, "column": name, "id": cells[0], "rows": len(cells)}
        yield Problem(code="sample_reference", params=wrong, document=table.path, field=name)


def _ordered(tables: list[Table]) -> Iterator[Table]:
    """Yield each table behind those it points at; where tables point at one another, a lookup that may wait is set later."""
    waiting = list(tables)
    while waiting:
        left = {table.object.name for table in waiting}
        chosen = min(waiting, key=lambda table: len(_pointing(table, left - {table.object.name}, required=False)))
        waiting.remove(chosen)
        yield Table(
            pack=chosen.pack,
            path=chosen.path,
            object=chosen.object,
            rows=chosen.rows,
            then=chosen.then,
            later=_pointing(chosen, left, required=True),
        )


def _pointing(table: Table, objects: set[str], *, required: bool) -> frozenset[str]:
    """Return the columns that point at one of `objects`; with `required` only those that a record can do without at first."""
    columns = table.rows[0] if table.rows else {}
    return frozenset(
        name
        for name, found in table.object.fields.items()
        if name in columns and found.type in LOOKUPS and found.to in objects and not (required and found.required)
    )


# --- loading ------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Loading:
    """One load on its way: what has an id by now."""

    tx: Transaction
    snapshot: Snapshot
    acting: Principal
    records: Records
    ids: dict[str, str]
    people: dict[str, str] = field(default_factory=dict)

    # people

    def take_people(self, packs: Sequence[Pack], given: Mapping[str, str]) -> None:
        """Make a user of each person who is none yet, then give all of them manager, permission sets and queues."""
        persons = people_of(packs)
        self.ids |= dict(given.items())
        new = [person for person in persons if person["$id"] not in self.ids]
        made = self._save([self._user(person) for person in new], PEOPLE, [person["$id"] for person in new])
        self.ids |= {person["$id"]: record for person, record in zip(new, made, strict=True)}
        self._note([(person["pack"], person["$id"], "user", self.ids[person["$id"]]) for person in new])
        self.people = {person["$id"]: self.ids[person["$id"]] for person in persons}
        placed = [person for person in persons if {"role", "manager"} & set(person)]
        self._save([self._position(person) for person in placed], PEOPLE, [person["$id"] for person in placed])
        self._grant(persons)

    def _user(self, person: Mapping[str, Any]) -> Change:
        name = labels.text(labels.of(person["name"]), self.snapshot.language, "en", person["$id"])
        values = {
            "name": name,
            **{key: person.get(key) for key in ("title", "email")},
            "profile": person.get("profile", PROFILE),
            "active": True,
        }
        return Change(object="user", action="create", values=values)

    def _position(self, person: Mapping[str, Any]) -> Change:
        values: dict[str, Any] = {}
        if "role" in person:
            values["role"] = person["role"]
        if "manager" in person:
            values["manager"] = self.ids[person["manager"]]
        return Change(object="user", action="update", id=self.ids[person["$id"]], values=values)

    def _grant(self, persons: Iterable[Mapping[str, Any]]) -> None:
        connection = self.tx.connection
        members: dict[str, set[str]] = {}
        for person in persons:
            user = self.ids[person["$id"]]
            held = connection.scalars(select(PERMISSION_ASSIGNMENT.c.permission_set).where(PERMISSION_ASSIGNMENT.c.user_id == user))
            principal.assign(connection, user, {*held, *person["permission_sets"]})
            for queue in person["queues"]:
                members.setdefault(self._queue(queue), set()).add(user)
        for queue_id, users in members.items():
            present = connection.scalars(select(QUEUE_MEMBER.c.user_id).where(QUEUE_MEMBER.c.queue_id == queue_id))
            principal.set_queue_members(connection, queue_id, {*present, *users})

    def _queue(self, name: str) -> str:
        found = self.snapshot.find("queue", name)
        if found is None:
            raise Refused(Problem(code="unknown_name", params={"kind": "queue", "name": name}, document=PEOPLE))
        return found.id

    # records

    def create(self, table: Table) -> int:
        """Create the records of a table; return how many."""
        cells = _Cells(table, self)
        changes = [cells.create(row) for row in table.rows]
        keys = [row["$id"] for row in table.rows]
        made = self._save(changes, table.path, keys)
        self.ids |= dict(zip(keys, made, strict=True))
        self._note([(table.pack, key, table.object.name, record) for key, record in zip(keys, made, strict=True)])
        return len(made)

    def update(self, table: Table) -> None:
        """Set what had to wait until every record was there."""
        cells = _Cells(table, self)
        later: dict[str, dict[str, str]] = {}
        for row in table.rows:
            waiting = {name: row[name] for name in table.later if row[name]}
            if waiting:
                later[row["$id"]] = waiting
        for row in table.then:
            cells_then = {name: cell for name, cell in row.items() if cell and not name.startswith("$")}
            if cells_then:
                later.setdefault(row["$id"], {}).update(cells_then)
        self._save([cells.update(key, row) for key, row in later.items()], table.path, list(later))

    def submit(self, table: Table, notices: Notices) -> None:
        """Submit what the sample leaves in approval, each record in the name of its owner."""
        owners = {row["$id"]: row.get("owner", "") for row in table.rows}
        for row in table.then:
            if row.get("$submit"):
                person = row.get("$by") or owners[row["$id"]]
                acting = load_principal(self.tx.connection, self.ids[person])
                desk = Desk(
                    tx=self.tx,
                    snapshot=self.snapshot,
                    acting=acting,
                    channel="import",
                    gate=engine_gate(self.tx, self.snapshot, self.records.cursors),
                    save_in=self.records.save_in,
                    notices=notices,
                )
                submit_in(desk, table.object.name, self.ids[row["$id"]], submitter=acting.user_id or "", process=row["$submit"])

    def _save(self, changes: Sequence[Change], path: str, keys: Sequence[str]) -> list[str]:
        """Save the changes of the rows called `keys` and return the records' ids."""
        if not changes:
            return []
        try:
            outcomes = self.records.save_in(self.tx, self.snapshot, self.acting, changes, channel="import")
        except Refused as refused:
            raise Refused((_placed(problem, path, keys) for problem in refused.problems), code="pack_invalid") from refused
        return [outcome.id or "" for outcome in outcomes]

    def _note(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        noted = [{"pack": pack, "key": key, "object": of, "record": record, "at": self.tx.now} for pack, key, of, record in rows]
        if noted:
            self.tx.connection.execute(insert(SAMPLE_RECORD), noted)

    def owner(self, cell: str) -> str:
        """Return the id of the person or queue that an owner cell names."""
        return self._queue(cell.removeprefix("queue:")) if cell.startswith("queue:") else self.ids[cell]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.snapshot.zone)

    @property
    def now(self) -> datetime:
        return self.tx.now


def _placed(problem: Problem, path: str, keys: Sequence[str]) -> Problem:
    """Say of which row a problem is: the pipeline counts the records of a call."""
    found = re.match(r"/records/(\d+)(.*)", problem.pointer or "")
    key = keys[int(found[1])] if found is not None else keys[0]
    return replace(problem, document=path, pointer=f"/{key}{found[2] if found is not None else problem.pointer or ''}")


class _Cells:
    """Reads the cells of one table into changes."""

    def __init__(self, table: Table, loading: _Loading) -> None:
        self.table, self.loading = table, loading
        self.fields: Mapping[str, FieldDef] = table.object.fields

    def create(self, row: Mapping[str, str]) -> Change:
        special = ("$id", "record_type", "created_at", *self.table.later)
        values = {name: self._value(name, cell) for name, cell in row.items() if cell and name not in special}
        options: dict[str, Any] = dict(OPTIONS)
        if row.get("created_at"):
            options["stamps"] = {
                "created_at": moment_of(str(self._moment(row["created_at"]))),
                "created_by": self._person(row.get("owner", "")),
            }
        return Change(
            object=self.table.object.name, action="create", values=values, record_type=row.get("record_type") or None, options=options
        )

    def update(self, key: str, row: Mapping[str, str]) -> Change:
        values = {name: self._value(name, cell) for name, cell in row.items()}
        return Change(object=self.table.object.name, action="update", id=self.loading.ids[key], values=values, options=OPTIONS)

    def _person(self, owner: str) -> str | None:
        return self.loading.ids[owner] if owner and not owner.startswith("queue:") else None

    def _value(self, name: str, cell: str) -> Any:
        """Return a cell as the JSON value of its field."""
        if name == "owner":
            return self.loading.owner(cell)
        found = self.fields.get(name)
        if found is None:
            return cell
        if found.type in LOOKUPS:
            return self.loading.ids[cell]
        if is_moment(cell):
            return self._moment(cell)
        match found.type:
            case "checkbox":
                return json.loads(cell) if cell in ("true", "false") else cell
            case "multi_picklist":
                return cell.split(";")
            case "number" | "currency" | "percent":
                return Decimal(cell) if cell.replace(".", "", 1).lstrip("-").isdigit() else cell
        return cell

    def _moment(self, cell: str) -> str:
        if not is_moment(cell):
            return cell
        return resolve(cell, self.loading.now, self.loading.zone) or cell
