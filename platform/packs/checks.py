"""Checks of packs: a story as data, told in a scratch org, and what has to come of it.

Here: the format, running it, comparing.
Not here: the scratch org (`scratch.py`), examples of single definitions (`metadata/checks/examples.py`).

A suite names people, records that are there (`given`) and cases. Verbs of a case: `create` [object, values, name], `save` [record, values],
`delete` record, `submit` [record, process], `decide` [record, "approve" or "reject"], `see` {object, filter, total}. Each step has `as`: a
person of the suite or of the sample data, or "system". Expected: `problems` of the last step, `values` of records, open `tasks`, `rows` of
the last `see`. A record is called by its name in the suite or by its `$id` in the sample; moments are written as in samples.
Source: spec/packs.md, section 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fieldstone.db.transaction import read as reading
from fieldstone.db.transaction import write
from fieldstone.errors import FieldstoneError, NotAllowed, Problem, Refused
from fieldstone.metadata import documents as texts
from fieldstone.metadata import store as metadata_store
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.metadata.load import build
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.packs.moments import is_moment, resolve
from fieldstone.packs.read import Pack
from fieldstone.packs.scratch import Scratch, scratch
from fieldstone.records import principal
from fieldstone.records.changes import Change, Outcome
from fieldstone.records.principal import Principal
from fieldstone.records.query import Query, Reference
from fieldstone.workflow.approvals.states import TaskState, Verdict
from fieldstone.workflow.approvals.store import INSTANCE, TASK, VISIT

SYSTEM = Principal.internal("checks")
VERBS = ("create", "save", "delete", "submit", "decide", "see")
EXPECTED = ("problems", "values", "tasks", "rows")
SUITE = ("suite", "needs", "people", "sample", "zone", "given", "cases")
CASE = ("name", "given", "do", "expect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one case. `problem` is None if all came out as expected."""

    pack: str
    path: str
    suite: str
    case: str
    problem: Problem | None = None


class FailedError(Exception):
    """A case came out otherwise than expected, or could not be told."""


def snapshot_of(documents: Mapping[str, texts.Document]) -> Snapshot:
    """Return the snapshot of checked documents that stand in no database."""
    return build(documents, metadata_store.NOTHING)


def run(names: Sequence[str], offered: Mapping[str, Pack]) -> tuple[Result, ...]:
    """Run every check of the packs `names` in scratch orgs that hold them and what they require; return what became of each case.

    Raises Refused when the packs cannot be installed or a file of checks is not understood.
    """
    suites = [(offered[name], path, suite) for name in names for path, suite in suites_of(offered[name])]
    results: list[Result] = []
    for sample in (False, True):
        chosen = [each for each in suites if bool(each[2].get("sample")) is sample]
        if chosen:
            with scratch(names, offered, sample=sample) as org:
                for pack, path, suite in chosen:
                    results += _suite(org, pack, path, suite)
    return tuple(results)


def suites_of(pack: Pack) -> Iterator[tuple[str, texts.Document]]:
    """Yield the suites of a pack with their paths. Raises Refused for keys that a suite does not have."""
    for path in sorted(pack.files):
        if path.startswith("checks/"):
            suite = pack.json(path)
            assert suite is not None
            problems = [problem.at(document=path) for problem in _misunderstood(suite)]
            if problems:
                raise Refused(problems, code="pack_invalid")
            yield path, suite


def _misunderstood(suite: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _others(suite, SUITE, "")
    for index, case in enumerate(suite.get("cases", ())):
        place = f"/cases/{index}"
        yield from _others(case, CASE, place)
        yield from _others(case.get("expect", {}), EXPECTED, f"{place}/expect")
        for number, step in enumerate(case.get("do", ())):
            yield from _others(step, ("as", *VERBS), f"{place}/do/{number}")


def _others(part: Mapping[str, Any], allowed: Sequence[str], place: str) -> Iterator[Problem]:
    for key in part:
        if key not in allowed:
            yield Problem(code="check_form", params={"what": key, "allowed": ", ".join(allowed)}, pointer=f"{place}/{key}")


def _suite(org: Scratch, pack: Pack, path: str, suite: Mapping[str, Any]) -> Iterator[Result]:
    for case in suite["cases"]:
        told = {"pack": pack.name, "path": path, "suite": suite["suite"], "case": case["name"]}
        try:
            Story(org, ZoneInfo(suite.get("zone", "UTC"))).tell(suite, case)
            yield Result(**told)
        except FailedError as failed:
            params = {"suite": suite["suite"], "case": case["name"], "reason": str(failed)}
            yield Result(**told, problem=Problem(code="check_failed", params=params, document=path))
        finally:
            org.restore()


@dataclass
class Story:
    """One case on its way: who its people and records are by now."""

    org: Scratch
    zone: ZoneInfo
    ids: dict[str, str] = field(default_factory=dict)  # people and records by name
    objects: dict[str, str] = field(default_factory=dict)  # of the records the case has made
    seen: Mapping[str, Any] = field(default_factory=dict)  # what the last `see` showed
    refused: tuple[Problem, ...] | None = None  # of the last step; None: it went well

    def tell(self, suite: Mapping[str, Any], case: Mapping[str, Any]) -> None:
        """Tell the case. Raises FailedError with what is otherwise than expected."""
        self.ids |= self.org.ids
        self._people(suite.get("people", {}))
        for each in (*suite.get("given", ()), *case.get("given", ())):
            self._go(each)
            if self.refused is not None:
                raise FailedError(f"given {_brief(each)} was refused: {_spelled(self.refused)}")
        steps = case.get("do", ())
        for number, step in enumerate(steps, 1):
            self._go(step)
            if self.refused is not None and not (number == len(steps) and "problems" in case["expect"]):
                raise FailedError(f"step {number} was refused: {_spelled(self.refused)}")
        self._compare(case["expect"])

    # --- people ---------------------------------------------------------------------------------------------------------------

    def _people(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        for name, person in people.items():
            values = {"name": name, "profile": person.get("profile", "standard_user"), "role": person.get("role"), "active": True}
            (made,) = self._saved([Change(object="user", action="create", values=values)])
            self.ids[name] = made.id or ""
        led = {name: person["manager"] for name, person in people.items() if "manager" in person}
        changes = [
            Change(object="user", action="update", id=self.ids[name], values={"manager": self.ids[head]}) for name, head in led.items()
        ]
        if changes:
            self._saved(changes)
        with write(self.org.engine) as transaction:
            connection, snapshot = transaction.connection, self.org.holder.current(transaction.connection)
            members: dict[str, list[str]] = {}
            for name, person in people.items():
                principal.assign(connection, self.ids[name], person.get("sets", ()))
                for queue in person.get("queues", ()):
                    members.setdefault(queue, []).append(self.ids[name])
            for queue, users in members.items():
                found = snapshot.find("queue", queue)
                if found is None:
                    raise FailedError(f"there is no queue {queue}")
                principal.set_queue_members(connection, found.id, users)

    def _saved(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        return self.org.records.save(SYSTEM, changes, channel="import")

    def _as(self, name: str) -> Principal:
        return SYSTEM if name == "system" else self.org.records.principal(self._id(name))

    def _id(self, name: str) -> str:
        if name not in self.ids:
            raise FailedError(f"nobody and nothing here is called {name}")
        return self.ids[name]

    # --- steps ----------------------------------------------------------------------------------------------------------------

    def _go(self, step: Mapping[str, Any]) -> None:
        """Do one step; keep what it was refused for."""
        actor = self._as(step.get("as", "system"))
        self.refused = None
        verb = next(verb for verb in VERBS if verb in step)
        try:
            getattr(self, f"_{verb}")(actor, step[verb])
        except Refused as refused:
            self.refused = refused.problems
        except FieldstoneError as refused:
            right = {"right": refused.right} if isinstance(refused, NotAllowed) else {}
            self.refused = (Problem(code=refused.code, params=right),)

    def _create(self, actor: Principal, step: Sequence[Any]) -> None:
        object_name, values, *name = step
        given = dict(values)
        record_type = given.pop("record_type", None)
        change = Change(object=object_name, action="create", values=self._values(object_name, given), record_type=record_type)
        (made,) = self.org.records.save(actor, [change], channel="web")
        if name:
            self.ids[name[0]], self.objects[name[0]] = made.id or "", object_name

    def _save(self, actor: Principal, step: Sequence[Any]) -> None:
        name, values = step
        object_name = self._object(name)
        self.org.records.save(
            actor, [Change(object=object_name, action="update", id=self._id(name), values=self._values(object_name, values))], channel="web"
        )

    def _delete(self, actor: Principal, name: str) -> None:
        self.org.records.save(actor, [Change(object=self._object(name), action="delete", id=self._id(name))], channel="web")

    def _submit(self, actor: Principal, step: Sequence[str]) -> None:
        name, *process = step
        self.org.approvals.submit(actor, self._object(name), self._id(name), process=process[0] if process else None)

    def _decide(self, actor: Principal, step: Sequence[str]) -> None:
        name, verdict = step
        waiting = [task for task in self.org.panels.open_tasks(actor) if task.record == self._id(name)]
        if not waiting:
            raise FailedError(f"{actor.name} has nothing to decide about {name}")
        self.org.approvals.decide(
            actor,
            waiting[0].id,
            Verdict.APPROVED if verdict == "approve" else Verdict.REJECTED,
            evidence_hash=waiting[0].evidence_hash,
            comment="Checked.",
        )

    def _see(self, actor: Principal, step: Mapping[str, Any]) -> None:
        query = Query(object=step["object"], select=("id",), filter=step.get("filter"), limit=200)
        with self.org.records.reading(actor) as gate:
            found: dict[str, Any] = {"count": gate.count(query, None).value, "ids": set()}
            cursor: str | None = ""
            while cursor is not None and found["count"] <= 1_000:
                page = gate.read(Query(object=query.object, select=("id",), filter=query.filter, limit=200, cursor=cursor or None))
                found["ids"] |= {record["id"] for record in page.records}
                cursor = page.next
            for name in step.get("total", ()):
                found[name] = gate.totals(query, {"total": ("sum", name)})["total"]
        self.seen = found

    def _values(self, object_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Replace names of people and records by their ids, and moments by days and times."""
        definition = self._definition(object_name)
        found = {}
        for name, value in values.items():
            made = definition.field(name)
            if isinstance(value, str) and is_moment(value):
                found[name] = self._moment(value)
            elif isinstance(value, str) and made is not None and (made.type in LOOKUPS or name == "owner"):
                found[name] = self._id(value)
            else:
                found[name] = value
        return found

    def _moment(self, text: str) -> str:
        with reading(self.org.engine) as transaction:
            resolved = resolve(text, transaction.now, self.zone)
        if resolved is None:
            raise FailedError(f"{text} is no moment")
        return resolved

    def _definition(self, object_name: str) -> ObjectDef:
        return self.org.holder.newest().object(object_name)

    def _object(self, name: str) -> str:
        """Return the object of the record called `name`."""
        if name not in self.objects:
            from fieldstone.packs.sample import SAMPLE_RECORD

            with reading(self.org.engine) as transaction:
                found = transaction.connection.scalar(select(SAMPLE_RECORD.c.object).where(SAMPLE_RECORD.c.key == name))
            if found is None:
                raise FailedError(f"no record here is called {name}")
            self.objects[name] = found
        return self.objects[name]

    # --- what came of it ------------------------------------------------------------------------------------------------------

    def _compare(self, expect: Mapping[str, Any]) -> None:
        if "problems" in expect:
            self._compare_problems(expect["problems"])
        for name, values in expect.get("values", {}).items():
            self._compare_values(name, values)
        if "tasks" in expect:
            self._compare_tasks(expect["tasks"])
        if "rows" in expect:
            self._compare_rows(expect["rows"])

    def _compare_problems(self, wanted: Sequence[Mapping[str, str]]) -> None:
        if self.refused is None:
            raise FailedError(f"nothing was refused, expected {_brief(wanted)}")
        found = [{"rule": problem.rule, "code": problem.code, "at": problem.field} for problem in self.refused]
        for each in wanted:
            if not any(all(one[key] == value for key, value in each.items()) for one in found):
                raise FailedError(f"expected {_brief(each)}, refused for {_spelled(self.refused)}")
        if len(found) != len(wanted):
            raise FailedError(f"expected {len(wanted)} problems, refused for {_spelled(self.refused)}")

    def _compare_values(self, name: str, wanted: Mapping[str, Any]) -> None:
        definition = self._definition(self._object(name))
        with self.org.records.reading(SYSTEM) as gate:
            record = gate.get(definition.name, self._id(name))
        for key, value in self._values(definition.name, wanted).items():
            if not _same(record.get(key), value):
                raise FailedError(f"{key} of {name} is {_json(record.get(key))}, expected {value}")

    def _compare_tasks(self, wanted: Sequence[Mapping[str, Any]]) -> None:
        statement = (
            select(VISIT.c.node, TASK.c.user_id, TASK.c.group_key)
            .join(VISIT, VISIT.c.id == TASK.c.visit_id)
            .join(INSTANCE, INSTANCE.c.id == TASK.c.instance_id)
            .where(TASK.c.state == TaskState.OPEN.value, INSTANCE.c.record_id.in_([self._id(name) for name in self.objects]))
        )
        names = {user: name for name, user in self.ids.items()}
        found: dict[str, list[str]] = {}
        with reading(self.org.engine) as transaction:
            snapshot = self.org.holder.current(transaction.connection)
            queues = {queue.id: queue.name for queue in snapshot.all("queue")}
            for row in transaction.connection.execute(statement):
                group = re.sub(r"^\w+:", "", row.group_key or "")
                who = names.get(row.user_id, row.user_id) if row.user_id is not None else queues.get(group, group)
                found.setdefault(row.node, []).append(who)
        expected = {each["node"]: sorted(each["people"]) for each in wanted}
        if {node: sorted(people) for node, people in found.items()} != expected:
            raise FailedError(f"open tasks are {found}, expected {expected}")

    def _compare_rows(self, wanted: Mapping[str, Any]) -> None:
        for key, value in wanted.items():
            match key:
                case "has" | "lacks":
                    for name in value:
                        if (self._id(name) in self.seen["ids"]) is not (key == "has"):
                            raise FailedError(f"{name} is {'missing' if key == 'has' else 'shown'}")
                case _ if not _same(self.seen.get(key), value):
                    raise FailedError(f"{key} is {_json(self.seen.get(key))}, expected {value}")


def _same(found: Any, wanted: Any) -> bool:
    """Whether a typed value is what a check wrote as JSON: numbers by value, moments by their text, lookups by id."""
    plain = _json(found)
    if isinstance(plain, Decimal) or (isinstance(plain, int) and not isinstance(plain, bool)):
        return not isinstance(wanted, bool) and wanted is not None and Decimal(str(wanted)) == plain
    return bool(plain == wanted)


def _json(value: Any) -> Any:
    match value:
        case Reference():
            return value.id
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
    return value


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"


def _spelled(problems: Iterable[Problem]) -> str:
    return "; ".join(
        " ".join(
            part
            for part in (problem.code, problem.rule or "", f"at {problem.field}" if problem.field else "", str(dict(problem.params)))
            if part
        )
        for problem in problems
    )
