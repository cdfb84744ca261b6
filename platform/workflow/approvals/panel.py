"""What pages and the API show of approvals: a person's open tasks, the panel of a record, one instance with its history.

Here: reading, and which commands the reader may use now. Not here: the commands (`commands.py`), templates.

Whoever sees a record sees the panel of its approvals; values of the evidence go to whom an open task entitles, and, as they were
then, to whoever has decided; to others only as far as their field rights go.
Source: spec/workflow.md, sections 13 and 14; spec/api.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fieldstone.db.column_types import is_id
from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions import ApprovalProcessDef, ApproveNodeDef, ObjectDef
from fieldstone.metadata.definitions.approval_processes import Node
from fieldstone.metadata.definitions.definition import Label
from fieldstone.records.gate import Gate
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.workflow.approvals import events, locks, store
from fieldstone.workflow.approvals.commands import approved_unchanged, matching, may_submit
from fieldstone.workflow.approvals.decide import Actor, Circumstances, may_decide, may_recall
from fieldstone.workflow.approvals.directory import OrgDirectory
from fieldstone.workflow.approvals.events import Event
from fieldstone.workflow.approvals.evidence import Evidence, gather, gather_all
from fieldstone.workflow.approvals.run import Asked, actor, engine_gate
from fieldstone.workflow.approvals.states import DECIDED, Instance, InstanceState, Task, TaskState, Visit
from fieldstone.workflow.approvals.versions import process_of

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """One decision that waits for the reader, with what it rests on."""

    id: str
    instance: str
    node: str
    node_label: Label
    process: str
    process_label: Label
    object: str
    record: str
    record_name: str
    submitter: str
    submitter_name: str
    since: datetime
    submitted_at: datetime
    evidence_hash: str
    evidence: Mapping[str, Any]  # as `Evidence.shown`
    commands: tuple[str, ...]  # "approve", "reject", "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One person's part at a node, as the panel shows it."""

    task: str
    state: str
    person: str | None  # user id; None for a group nobody of which has decided
    name: str  # of the person or the group
    decided_at: datetime | None
    comment: str | None
    mine: bool  # the reader may decide it now


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """One node on the way: passed, waiting, or still to come. `state` is that of its visit, "upcoming" before one."""

    node: str
    label: Label
    type: str
    mode: str
    state: str
    since: datetime | None
    seats: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One event in words' ingredients: who did what, when, with which comment."""

    kind: str
    at: datetime
    actor: str | None
    actor_name: str
    identity: str
    node_label: Label
    comment: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceView:
    """One approval of a record: its nodes in order, its history, and what the reader may do now."""

    instance: Instance
    process_label: Label
    submitter_name: str
    nodes: tuple[NodeState, ...]
    history: tuple[HistoryLine, ...]
    commands: tuple[str, ...]  # "recall", "resume" and, of tasks of the reader, "approve", "reject", "transfer"
    my_task: str | None = None
    evidence: Evidence | None = None  # for whom a task or a decision of theirs entitles


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The approvals of one record."""

    instances: tuple[InstanceView, ...]  # newest first
    processes: tuple[tuple[str, Label], ...] = ()  # which the reader may submit it to now, best first
    locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """What is shown of approvals. Every call is one reading transaction."""

    records: Records

    def open_tasks(self, principal: Principal, *, limit: int = PAGE) -> Sequence[OpenTask]:
        """Return what the principal may decide now, oldest first. Their own submissions are left out where they may not decide them."""
        with self.records.reading(principal) as own:
            if principal.user_id is None:
                return ()
            acting = actor(own.snapshot, principal)
            engine = engine_gate(own.tx, own.snapshot, self.records.cursors)
            rows = own.tx.connection.execute(store.open_tasks(acting.user, acting.groups).limit(limit)).all()
            return self._open_tasks(own, engine, acting, rows)

    def task(self, principal: Principal, task_id: str) -> OpenTask:
        """Return one open task of the principal. Raises NotVisible for every other."""
        with self.records.reading(principal) as own:
            acting = actor(own.snapshot, principal)
            engine = engine_gate(own.tx, own.snapshot, self.records.cursors)
            statement = store.open_tasks(acting.user, acting.groups).where(store.TASK.c.id == task_id)
            row = own.tx.connection.execute(statement).one_or_none() if is_id(task_id) else None
            found = self._open_tasks(own, engine, acting, [row] if row is not None else [])
            if not found:
                raise NotVisible("approval_task")
            return found[0]

    def panel(self, principal: Principal, object_name: str, record_id: str) -> Panel:
        """Return the approvals of a record. Raises NotVisible if the principal cannot see the record."""
        with self.records.reading(principal) as own:
            definition = own.rights.object(object_name)
            own.get(definition.name, record_id, select=("id",))
            engine = engine_gate(own.tx, own.snapshot, self.records.cursors)
            instances = store.of_record(own.tx, own.snapshot, record_id)
            views = self._views(own, engine, instances)
            held = locks.of_records(own.tx, [record_id])
            return Panel(instances=views, processes=self._processes(own, engine, definition, record_id, instances), locked=bool(held))

    def instance(self, principal: Principal, instance_id: str) -> InstanceView:
        """Return one approval, for who sees its record, holds or held a task of it, or submitted it. Raises NotVisible."""
        with self.records.reading(principal) as own:
            found = store.instance(own.tx, own.snapshot, instance_id) if is_id(instance_id) else None
            if found is None:
                raise NotVisible("approval_instance")
            engine = engine_gate(own.tx, own.snapshot, self.records.cursors)
            (view,) = self._views(own, engine, (found,))
            if view.evidence is None and principal.user_id != found.submitter:
                own.get(found.object, found.record, select=("id",))  # raises NotVisible
            return view

    # --- parts ---

    def _open_tasks(self, reader: Gate, engine: Gate, acting: Actor, rows: Sequence[Any]) -> list[OpenTask]:
        """The tasks in these rows with what they rest on; the statements grow with the processes among them, not with their number."""
        instances = {row.id: store.instance_of(Asked(row), engine.snapshot) for row in rows}  # type: ignore[arg-type]
        groups: dict[str, list[Instance]] = {}
        for instance in instances.values():
            groups.setdefault(instance.process_hash, []).append(instance)
        directory = OrgDirectory(engine)
        names = directory.names(instance.submitter for instance in instances.values())
        shown: dict[str, OpenTask] = {}
        for group in groups.values():
            process = process_of(engine.snapshot, engine.tx, group[0])
            ids = sorted({instance.record for instance in group})
            evidence = gather_all(engine, process, ids)
            definition = engine.snapshot.object(group[0].object)
            titles = _titles(engine, definition, ids) if reader.rights.tells_names(definition) else {}
            for row in rows:
                instance = instances[row.id]
                own = acting.user == instance.submitter and process.self_approval != "allow"
                if instance in group and not own and instance.record in evidence:
                    shown[row.id] = _open_task(row, instance, process, evidence[instance.record], titles, names)
        return [shown[row.id] for row in rows if row.id in shown]

    def _views(self, own: Gate, engine: Gate, instances: Sequence[Instance]) -> tuple[InstanceView, ...]:
        if not instances:
            return ()
        visits = store.visits(own.tx, [each.id for each in instances])
        return tuple(self._view(own, engine, each, visits[each.id]) for each in instances)

    def _view(self, own: Gate, engine: Gate, instance: Instance, visits: tuple[Visit, ...]) -> InstanceView:
        process = process_of(own.snapshot, own.tx, instance)
        chain = events.chain(own.tx, instance.id)
        comments = events.comments(own.tx, instance.id)
        directory = OrgDirectory(engine)
        names = directory.names([instance.submitter, *(each.actor for each in chain), *_users(visits)])
        reader = _Reader(actor(own.snapshot, own.principal), instance, process, visits)
        mine = reader.my_task()
        commands = [*(_task_commands(process, visits, mine) if mine is not None else ())]
        if may_recall(instance, visits, reader.acting, process.recall):
            commands.append("recall")
        if instance.state is InstanceState.SUSPENDED and reader.acting.manager:
            commands.append("resume")
        said = {each.task_id: comments[each.seq] for each in chain if each.task_id is not None and each.seq in comments}
        if mine is not None:
            evidence: Evidence | None = gather(engine, process, instance.record)
        else:
            evidence = _decided_on(engine, instance, visits, reader.acting.user)
        return InstanceView(
            instance=instance,
            process_label=process.label,
            submitter_name=names.get(instance.submitter, ""),
            nodes=tuple(_nodes(process, visits, chain, names, said, reader, own)),
            history=tuple(_history(chain, comments, names, process)),
            commands=tuple(commands),
            my_task=mine.id if mine is not None else None,
            evidence=evidence,
        )

    def _processes(
        self, own: Gate, engine: Gate, definition: ObjectDef, record_id: str, instances: Sequence[Instance]
    ) -> tuple[tuple[str, Label], ...]:
        """The processes to which the reader may submit the record now."""
        if own.principal.user_id is None or not own.snapshot.all("approval_process", definition.name):
            return ()
        live = {each.exclusive_group for each in instances if each.state.live}
        found = matching(engine, own.asking, definition.name, record_id)
        return tuple(
            (each.name, each.label)
            for each in found
            if each.exclusive_group not in live
            and may_submit(engine, own.principal, each, record_id)
            and not approved_unchanged(engine, each, record_id, instances)
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who looks at an instance, and what they may decide of it."""

    acting: Actor
    instance: Instance
    process: ApprovalProcessDef
    visits: tuple[Visit, ...]
    _kept: dict[str, bool] = field(default_factory=dict)

    def may_decide(self, visit: Visit, task: Task) -> bool:
        if not self.instance.state.live or task.state is not TaskState.OPEN:
            return False
        decided = {
            each.decided_by
            for other in self.visits
            if other.round == visit.round and other.id != visit.id
            for each in other.tasks
            if each.state in DECIDED and each.decided_by is not None
        }
        around = Circumstances(
            submitter=self.instance.submitter,
            self_approval=self.process.self_approval,
            distinct=self.process.distinct,
            decided_in_round=frozenset(decided),
        )
        return may_decide(visit, task, self.acting, around)

    def my_task(self) -> Task | None:
        return next((task for visit in self.visits for task in visit.tasks if self.may_decide(visit, task)), None)


def _task_commands(process: ApprovalProcessDef, visits: tuple[Visit, ...], mine: Task) -> tuple[str, ...]:
    visit = next(each for each in visits if mine in each.tasks)
    return ("approve", "reject", "transfer") if _node(process, visit.node).transfer else ("approve", "reject")


def _decided_on(engine: Gate, instance: Instance, visits: tuple[Visit, ...], user: str) -> Evidence | None:
    """What somebody's last decision on an instance rested on, as it was then: nothing that was changed since is theirs to see."""
    decided = [task for visit in visits for task in visit.tasks if task.decided_by == user and task.evidence_hash is not None]
    if not decided:
        return None
    seen = max(decided, key=lambda task: (str(task.decided_at), task.id)).evidence_hash or ""
    shown = store.evidence(engine.tx, instance.id).get(seen)
    return Evidence(hash=seen, shown=shown) if shown is not None else None


def _open_task(
    row: Any, instance: Instance, process: ApprovalProcessDef, evidence: Evidence, titles: Mapping[str, str], names: Mapping[str, str]
) -> OpenTask:
    node = _node(process, row.node)
    return OpenTask(
        id=row.id,
        instance=instance.id,
        node=node.id,
        node_label=node.label,
        process=process.name,
        process_label=process.label,
        object=instance.object,
        record=instance.record,
        record_name=titles.get(instance.record, ""),
        submitter=instance.submitter,
        submitter_name=names.get(instance.submitter, ""),
        since=row.opened_at,
        submitted_at=instance.submitted_at,
        evidence_hash=evidence.hash,
        evidence=evidence.shown,
        commands=("approve", "reject", "transfer") if node.transfer else ("approve", "reject"),
    )


def _titles(engine: Gate, definition: ObjectDef, ids: Sequence[str]) -> dict[str, str]:
    """The names of records, by id."""
    found = engine.records(definition.name, ids, (definition.name_field,))
    return {each["id"]: str(each[definition.name_field] or "") for each in found}


def _node(process: ApprovalProcessDef, node_id: str) -> ApproveNodeDef:
    found = next(node for node in process.all_nodes() if node.id == node_id)
    assert isinstance(found, ApproveNodeDef)
    return found


def _users(visits: Iterable[Visit]) -> list[str | None]:
    return [user for visit in visits for task in visit.tasks for user in (task.user, task.decided_by)]


def _nodes(
    process: ApprovalProcessDef,
    visits: tuple[Visit, ...],
    chain: tuple[Event, ...],
    names: Mapping[str, str],
    said: Mapping[str, str],
    reader: _Reader,
    own: Gate,
) -> list[NodeState]:
    """The approve nodes in their order: those visited as they went, then those that may still come, branches not yet chosen included."""
    entered = {each.visit_id: each.at for each in chain if each.visit_id is not None and each.kind in ("entered", "empty", "skipped")}
    latest = {visit.node: visit for visit in visits}
    shown = []
    for node in process.all_nodes():
        if not isinstance(node, ApproveNodeDef):
            continue
        visit = latest.get(node.id)
        if visit is None and (not reader.instance.state.live or _passed_by(process, node, visits, chain)):
            continue  # on a branch that was not taken, or never reached
        shown.append(_node_state(node, visit, entered, names, said, reader, own))
    return shown


def _node_state(
    node: ApproveNodeDef,
    visit: Visit | None,
    entered: Mapping[str, datetime],
    names: Mapping[str, str],
    said: Mapping[str, str],
    reader: _Reader,
    own: Gate,
) -> NodeState:
    if visit is None:
        return NodeState(node=node.id, label=node.label, type=node.type, mode=node.mode, state="upcoming", since=None)
    seats = tuple(
        Seat(
            task=task.id,
            state=task.state.value,
            person=task.decided_by or task.user,
            name=names.get(task.decided_by or task.user or "", "") or _group_name(own, task.group),
            decided_at=task.decided_at,
            comment=said.get(task.id),
            mine=reader.may_decide(visit, task),
        )
        for task in visit.tasks
    )
    return NodeState(
        node=node.id, label=node.label, type=node.type, mode=node.mode, state=visit.state.value, since=entered.get(visit.id), seats=seats
    )


def _group_name(own: Gate, group: str | None) -> str:
    """The label of a group whose seat nobody has taken, in the reader's language."""
    from fieldstone.metadata import labels

    kind, _, name = (group or "").partition(":")
    definitions = own.snapshot.all(kind) if kind in ("role", "queue") else ()
    found = next((each for each in definitions if name in (each.id, each.name)), None)
    return labels.text(found.label, own.principal.language, own.snapshot.language, found.name) if found is not None else name


def _passed_by(process: ApprovalProcessDef, node: Node, visits: tuple[Visit, ...], chain: tuple[Event, ...]) -> bool:
    """Whether a node without a visit lies before one that has been visited: its branch was not taken."""
    order = [each.id for each in process.all_nodes()]
    reached = [order.index(each.node) for each in chain if each.node in order]
    return (bool(reached) and order.index(node.id) < max(reached)) or _not_taken(process, node, chain)


def _not_taken(process: ApprovalProcessDef, node: Node, chain: tuple[Event, ...]) -> bool:
    """Whether the node stands in a branch that was not chosen."""
    from fieldstone.metadata.definitions import BranchNodeDef

    chosen = {each.node: each.data["branch"] for each in chain if each.kind == "branched"}
    for branching in process.all_nodes():
        if isinstance(branching, BranchNodeDef) and branching.id in chosen:
            for place, branch in enumerate(branching.branches):
                if place != chosen[branching.id] and _within(branch.nodes, node.id):
                    return True
    return False


def _within(nodes: tuple[Node, ...], node_id: str) -> bool:
    from fieldstone.metadata.definitions import BranchNodeDef

    return any(
        each.id == node_id or (isinstance(each, BranchNodeDef) and any(_within(branch.nodes, node_id) for branch in each.branches))
        for each in nodes
    )


def _history(
    chain: tuple[Event, ...], comments: Mapping[int, str], names: Mapping[str, str], process: ApprovalProcessDef
) -> list[HistoryLine]:
    nodes = {node.id: node.label for node in process.all_nodes()}
    return [
        HistoryLine(
            kind=each.kind,
            at=each.at,
            actor=each.actor,
            actor_name=names.get(each.actor or "", ""),
            identity=each.identity,
            node_label=nodes.get(each.node or "") or {"": each.node or ""},
            comment=comments.get(each.seq),
            data=each.data,
        )
        for each in chain
    ]
