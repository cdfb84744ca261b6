"""What running approvals hold of the metadata: asked whenever a change of it is planned, and again when it is published.

Here: `problems`, one statement where nothing runs. Not here: planning and publishing (`metadata`), which are handed this function.

An instance goes by the version it started with. So a process with running instances stays, so do the fields their versions use and the
kinds of lock they hold; a process that is switched off lets them run to their end.
Source: spec/workflow.md, sections 14 and 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from fieldstone.errors import Problem
from fieldstone.metadata.definitions import ApprovalProcessDef
from fieldstone.metadata.identities import LIVE
from fieldstone.metadata.places import Names, places
from fieldstone.metadata.references import fields_read
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.workflow.approvals.store import INSTANCE, IS_LIVE, VERSION, object_names
from fieldstone.workflow.approvals.versions import definition_of, in_names_of_today


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How many instances run on one version of a process."""

    process: str  # definition id
    object: str  # by the name of today
    text: str
    count: int


def problems(connection: Connection, current: Snapshot, proposed: Snapshot) -> Iterator[Problem]:
    """Yield what stands against going from `current` to `proposed` as long as approvals run; warnings where they only are to be known."""
    running = _running(connection, current)
    if not running:
        return
    totals: dict[str, int] = {}
    for each in running:
        totals[each.process] = totals.get(each.process, 0) + each.count
    kept = {each.id: each for each in proposed.all("approval_process") if isinstance(each, ApprovalProcessDef)}
    for process_id, count in totals.items():
        yield from _of_process(current, process_id, kept.get(process_id), count)
    for each in running:
        if each.process in kept:
            yield from _locks_given_up(current, proposed, each, kept[each.process])
    yield from _fields_that_go(current, proposed, running)


def _running(connection: Connection, current: Snapshot) -> list[Running]:
    names = current.once(object_names)
    rows = connection.execute(
        select(INSTANCE.c.process, INSTANCE.c.object, VERSION.c.text, func.count().label("running"))
        .join(VERSION, VERSION.c.hash == INSTANCE.c.process_hash)
        .where(IS_LIVE)
        .group_by(INSTANCE.c.process, INSTANCE.c.object, VERSION.c.text)
        .order_by(INSTANCE.c.process, VERSION.c.text)
    )
    return [Running(process=row.process, object=names.get(row.object, row.object), text=row.text, count=row.running) for row in rows]


def _of_process(current: Snapshot, process_id: str, after: ApprovalProcessDef | None, count: int) -> Iterator[Problem]:
    before = next((each for each in current.all("approval_process") if each.id == process_id), None)
    if not isinstance(before, ApprovalProcessDef):
        return
    params = {"process": before.name, "object": before.object or "", "count": count}
    if after is None:
        yield Problem(code="version_in_use", params=params, document=before.path)
    elif before.active and not after.active:
        yield Problem(code="approvals_go_on", params=params, document=after.path, pointer="/active", warning=True)


def _locks_given_up(current: Snapshot, proposed: Snapshot, running: Running, after: ApprovalProcessDef) -> Iterator[Problem]:
    """A save asks for locks of the kinds that the processes in force can take: those that are held must stay among them."""
    before = definition_of(current, running.object, running.text)
    lost = _locked_children(current, running.object, before) - _locked_children(proposed, after.object or "", after)
    if lost or (before.lock.mode == "fields" and after.lock.mode != "fields"):
        params = {"process": after.name, "object": running.object, "count": running.count}
        yield Problem(code="approval_locks_held", params=params, document=after.path, pointer="/lock")


def _locked_children(snapshot: Snapshot, object_name: str, process: ApprovalProcessDef) -> set[str]:
    """The lookups, by definition id, whose records are locked along with their parent."""
    return {found.field.id for name in process.lock.children if (found := snapshot.relation(object_name, name)) is not None}


def _fields_that_go(current: Snapshot, proposed: Snapshot, running: list[Running]) -> Iterator[Problem]:
    gone = {
        (identity.object.lower(), identity.name.lower()): identity
        for identity in current.identities.values()
        if identity.kind == "field" and ((after := proposed.identities.by_id(identity.id)) is None or after.state != LIVE)
    }
    if not gone:
        return
    names = Names(current.parsed)
    for each in running:
        for key in sorted(_reads(current, each, names) & gone.keys()):
            identity = gone[key]
            params: Mapping[str, object] = {"object": identity.object, "field": identity.name, "count": each.count}
            yield Problem(code="field_in_approvals", params=params, document=identity.path, pointer=f"/fields/{identity.name}")


def _reads(current: Snapshot, running: Running, names: Names) -> set[tuple[str, str]]:
    document = in_names_of_today(current, running.object, running.text)
    return {field for place in places(document, names) for field in fields_read(place, names)}
