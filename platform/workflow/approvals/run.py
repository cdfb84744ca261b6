"""One instance on its way through the nodes, inside one command.

Here: `Run`: entering nodes, branches, actions, telling, finishing; what it notes for the history.
Not here: guards of the commands (`commands.py`), who decides what (`decide.py`, `people.py`).
Source: spec/workflow.md, section 13, T1, T2 and T21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.metadata.definitions import (
    ActionNodeDef,
    ApprovalProcessDef,
    ApproveNodeDef,
    BranchNodeDef,
    CcNodeDef,
    EmailStep,
    NotifyStep,
    ObjectDef,
    PersonSource,
    Step,
    UpdateStep,
)
from fieldstone.metadata.definitions.approval_processes import Node
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Change, Outcome
from fieldstone.records.cursor import Cursors
from fieldstone.records.evaluation import fit
from fieldstone.records.failed_formulas import failed_names
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import rights
from fieldstone.records.gate.people import load
from fieldstone.records.gate.sharing import reader
from fieldstone.records.principal import Principal
from fieldstone.records.query import Reference
from fieldstone.records.shown import ERROR
from fieldstone.workflow.approvals import locks, messages, store
from fieldstone.workflow.approvals.conditions import Conditions
from fieldstone.workflow.approvals.decide import Actor, Circumstances, counted, withdrawn
from fieldstone.workflow.approvals.directory import Colleague, OrgDirectory, groups_of
from fieldstone.workflow.approvals.events import Event, append
from fieldstone.workflow.approvals.evidence import Evidence, gather
from fieldstone.workflow.approvals.notices import About, Notices
from fieldstone.workflow.approvals.people import Around, Resolution, people, resolve, successor
from fieldstone.workflow.approvals.states import (
    DECIDED,
    Instance,
    InstanceState,
    Task,
    TaskState,
    Verdict,
    Visit,
    VisitState,
)
from fieldstone.workflow.approvals.walk import following

SaveIn = Callable[..., tuple[Outcome, ...]]

ENGINE = "system:engine"
DEDUPE = "system:dedupe"
EMPTY = "system:empty"
GONE = "system:gone"


def engine_gate(tx: Transaction, snapshot: Snapshot, cursors: Cursors) -> Gate:
    """Return the gate through which the engine reads: all fields, on behalf of no person."""
    return Gate(tx, reader(snapshot, Principal.automation("approval", language=snapshot.language, zone=snapshot.zone)), cursors)


def actor(snapshot: Snapshot, principal: Principal) -> Actor:
    """Return a person as decisions see them."""
    manager = rights(snapshot, principal).setup("manage_approvals")
    return Actor(user=principal.user_id or "", groups=groups_of(snapshot, principal), manager=manager)


class Asked:
    """A row in which an instance stands beside other things: its columns without their prefix."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"of_{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one command works with: its transaction, metadata, who acts, and the ways to read, save and tell."""

    tx: Transaction
    snapshot: Snapshot
    acting: Principal
    channel: str
    gate: Gate  # of the engine
    save_in: SaveIn
    notices: Notices


@dataclass(slots=True, kw_only=True)
class Run:
    """One instance in the hands of one command. Ends with `finish_command`, which writes the instance and its history."""

    desk: Desk
    process: ApprovalProcessDef
    instance: Instance
    visits: tuple[Visit, ...]
    directory: OrgDirectory = field(init=False)
    actor: Actor = field(init=False)
    _before: Instance = field(init=False)
    _events: list[tuple[Event, str | None]] = field(default_factory=list, init=False)
    _evidence: Evidence | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.directory = OrgDirectory(self.desk.gate)
        self.actor = actor(self.desk.snapshot, self.desk.acting)
        self._before = self.instance

    # --- what is asked of it ---

    def node(self, node_id: str) -> ApproveNodeDef:
        """Return the approve node of that id."""
        found = next(node for node in self.process.all_nodes() if node.id == node_id)
        assert isinstance(found, ApproveNodeDef)
        return found

    def visit_of(self, task_id: str) -> Visit:
        """Return the visit that a task belongs to."""
        return next(visit for visit in self.visits if any(task.id == task_id for task in visit.tasks))

    def replace_visit(self, changed: Visit) -> None:
        """Take over what was written of a visit."""
        self.visits = tuple(changed if visit.id == changed.id else visit for visit in self.visits)

    def evidence(self) -> Evidence:
        """Return the evidence as it is now; read again after every write of this run."""
        if self._evidence is None:
            self._evidence = gather(self.desk.gate, self.process, self.instance.record)
        return self._evidence

    def seen(self, shown: Evidence) -> None:
        """Keep what a decision rested on."""
        store.keep_evidence(self.desk.tx, self.instance.id, shown.hash, shown.shown)

    def around(self, evidence_hash: str, *, visit: Visit, also: str | None = None) -> Circumstances:
        """Return what holds around a visit for somebody who acts on it."""
        involved = [task.decided_by for each in self.visits for task in each.tasks]
        return Circumstances(
            submitter=self.instance.submitter,
            self_approval=self.process.self_approval,
            distinct=self.process.distinct,
            decided_in_round=self._decided(besides=visit.id),
            evidence_hash=evidence_hash,
            names=self.directory.names([*involved, also]),
        )

    def note(
        self,
        kind: str,
        *,
        identity: str = "user",
        node: str | None = None,
        visit: str | None = None,
        task: str | None = None,
        evidence_hash: str | None = None,
        comment: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Note one event; it is written by `finish_command`."""
        happened = Event(
            instance_id=self.instance.id,
            seq=0,
            kind=kind,
            at=self.desk.tx.now,
            actor=None if identity.startswith("system:") else self.desk.acting.user_id,
            identity=identity,
            channel=self.desk.channel,
            round=self.instance.round,
            node=node,
            visit_id=visit,
            task_id=task,
            evidence_hash=evidence_hash,
            version=self.instance.process_hash,
            data=dict(data or {}),
        )
        self._events.append((happened, (comment or "").strip() or None))

    def finish_command(self) -> None:
        """Write the instance as it is now and the events of this command, in order."""
        store.change_instance(self.desk.tx, self._before, self.instance)
        self._before = self.instance
        for happened, comment in self._events:
            append(self.desk.tx, [happened], comment)
        self._events.clear()

    # --- the way ---

    def start(self) -> None:
        """T1: submit actions, then the evidence as the first node sees it, the lock, and the first node."""
        self._act(self.process.actions.get("submit", ()), {"approval_status": InstanceState.RUNNING.value})
        evidence = self.evidence()
        self.seen(evidence)
        self.instance = replace(self.instance, evidence_hash=evidence.hash)
        locks.take(self.desk.tx, self.desk.snapshot, self.process, self.instance.record, self.instance.id)
        self._advance(self.process.nodes)

    def go_on(self, node: ApproveNodeDef, verdict: Verdict) -> None:
        """Go where a closed visit of `node` leads."""
        if verdict is Verdict.REJECTED:
            self.end(InstanceState.REJECTED)  # `reject`: "end" is what there is until returning is built
        else:
            self._advance(following(self.process, node.id))

    def resume(self) -> None:
        """Enter the node again at which nobody was found."""
        open_visit = next(visit for visit in self.visits if visit.state is VisitState.OPEN)
        self._close(open_visit, VisitState.CANCELLED)
        self.instance = replace(self.instance, state=InstanceState.RUNNING)
        self._act((), {"approval_status": InstanceState.RUNNING.value})
        node = self.node(open_visit.node)
        verdict = self._enter(node)
        if verdict is not None:
            self.go_on(node, verdict)

    def hand_over(self, user: str, *, block: bool = False) -> None:
        """T17: give the open tasks of somebody who is no longer active to their manager, or as the node says for nobody.

        With `block` an approval for which nobody is found waits for a manager of approvals, whatever the node says.
        """
        for task in [task for visit in self.visits for task in visit.tasks if task.state is TaskState.OPEN and task.user == user]:
            visit = self.visit_of(task.id)
            if visit.state is VisitState.OPEN:  # the task before this one may have closed it
                self._hand_over(visit, visit.task(task.id), user, block)

    def _hand_over(self, visit: Visit, task: Task, user: str, block: bool) -> None:
        node = self.node(visit.node)
        others = [each for each in visit.seats if each.id != task.id]
        seated = {person for each in others for person in (each.user, each.decided_by) if person is not None}
        found = successor(user, node, self._around_people(), self.directory, seated)
        said = {"from": user, "people": list(found.reasons)}
        if found.seats:
            (seat,) = found.seats
            taken = Task(id=new_id(), seat=task.seat, user=seat.user, group=seat.group, hops=task.hops)
            after = visit.with_task(replace(task, state=TaskState.TRANSFERRED), taken)
            self._change(visit, after)
            said = {**said, "to": seat.user or seat.group or ""}
            self.note("handed_over", identity=GONE, node=node.id, visit=visit.id, task=task.id, data=said)
            self.tell_task(self._waited_for(replace(after, tasks=(taken,))))
        elif not block and (found.empty == "skip_approve" or (node.mode == "any" and others)):
            decided = withdrawn(visit, task, node)
            self._change(visit, decided.visit)
            self.note("withdrawn", identity=GONE, node=node.id, visit=visit.id, task=task.id, data=said)
            if decided.verdict is not None:
                self.go_on(node, decided.verdict)
        else:
            self._close(visit, VisitState.CANCELLED)
            verdict = self._enter_empty(node, replace(found, empty="block") if block else found)
            if verdict is not None:
                self.go_on(node, verdict)

    def _change(self, before: Visit, after: Visit) -> None:
        store.change_visit(self.desk.tx, self.instance.id, before, after)
        self.replace_visit(after)

    def _advance(self, nodes: tuple[Node, ...]) -> None:
        waiting = list(nodes)
        while waiting:
            node = waiting.pop(0)
            if not self._conditions().true(node.when, f"{self.process.name}/{node.id}"):
                self._skip(node)
                continue
            match node:
                case BranchNodeDef():
                    waiting[:0] = self._branch(node)
                case ActionNodeDef():
                    self._act(node.steps, {})
                    self.note("acted", identity=ENGINE, node=node.id)
                case CcNodeDef():
                    self._tell_cc(node)
                case ApproveNodeDef():
                    verdict = self._enter(node)
                    if verdict is None:
                        return  # people decide, or somebody has to look for them
                    if verdict is Verdict.REJECTED:
                        self.end(InstanceState.REJECTED)
                        return
        self.end(InstanceState.APPROVED)

    def _skip(self, node: Node) -> None:
        if isinstance(node, ApproveNodeDef):
            self._add_visit(node, (), VisitState.SKIPPED)
        self.note("skipped", identity=ENGINE, node=node.id, data={"why": "condition"})

    def _branch(self, node: BranchNodeDef) -> tuple[Node, ...]:
        """The nodes of the first branch whose condition holds; the compulsory else is last."""
        conditions = self._conditions()
        for place, branch in enumerate(node.branches):
            if conditions.true(branch.when, f"{self.process.name}/{node.id}/{place}"):
                self.note("branched", identity=ENGINE, node=node.id, data={"branch": place})
                return branch.nodes
        raise Refused(Problem(code="rule_fault", params={"place": f"{self.process.name}/{node.id}", "category": "no_branch"}))

    def _enter(self, node: ApproveNodeDef) -> Verdict | None:
        """T2: find the people, make their tasks; return a verdict if the visit closes at once."""
        found = resolve(node, self._around_people(), self.directory)
        if found.empty is not None:
            return self._enter_empty(node, found)
        tasks = tuple(Task(id=new_id(), seat=place, user=seat.user, group=seat.group) for place, seat in enumerate(found.seats, 1))
        before = self._add_visit(node, tasks)
        self.note("entered", identity=ENGINE, node=node.id, visit=before.id, data={"people": list(found.reasons)})
        decided = counted(self._deduplicated(before), node)
        store.change_visit(self.desk.tx, self.instance.id, before, decided.visit)
        self.replace_visit(decided.visit)
        if decided.verdict is None:
            self.tell_task(self._waited_for(decided.visit))
        return decided.verdict

    def _enter_empty(self, node: ApproveNodeDef, found: Resolution) -> Verdict | None:
        """Nobody is there to decide: what the node says for that case."""
        state, verdict = {
            "skip_approve": (VisitState.SKIPPED, Verdict.APPROVED),
            "reject": (VisitState.REJECTED, Verdict.REJECTED),
            "block": (VisitState.OPEN, None),
        }[found.empty or "block"]
        visit = self._add_visit(node, (), state)
        self.note("empty", identity=EMPTY, node=node.id, visit=visit.id, data={"people": list(found.reasons), "then": found.empty})
        if verdict is None:
            self.instance = replace(self.instance, state=InstanceState.SUSPENDED)
            self._act((), {"approval_status": InstanceState.SUSPENDED.value})
            self._tell(self.directory.members("right:manage_approvals"), "approval_suspended", node=dict(node.label) or node.id)
        return verdict

    def _deduplicated(self, visit: Visit) -> Visit:
        """Approve by reference what the same person approved earlier in this round on equal evidence."""
        if self.process.dedupe == "none":
            return visit
        earlier = [each for each in self.visits if each.round == visit.round and each.id != visit.id and each.tasks]
        if self.process.dedupe == "consecutive":
            earlier = earlier[-1:]
        approved = {
            (task.decided_by, task.evidence_hash): task.id for each in earlier for task in each.tasks if task.state is TaskState.APPROVED
        }
        now = self.evidence().hash if approved else ""
        for task in visit.tasks:
            reference = approved.get((task.user, now)) if task.user is not None else None
            if reference is not None:
                visit = visit.with_task(
                    replace(
                        task,
                        state=TaskState.APPROVED,
                        decided_by=task.user,
                        decided_at=self.desk.tx.now,
                        evidence_hash=now,
                        identity=DEDUPE,
                    )
                )
                self.seen(self.evidence())
                data = {"by": task.user, "earlier": reference}
                self.note("approved", identity=DEDUPE, node=visit.node, visit=visit.id, task=task.id, evidence_hash=now, data=data)
        return visit

    def end(self, state: InstanceState, *, write: bool = True) -> None:
        """T8, T19, T21: close what is open, unlock, then run the final actions; `write` is False where the record is gone."""
        for visit in self.visits:
            if visit.state is VisitState.OPEN:
                self._close(visit, VisitState.CANCELLED)
        self.instance = replace(self.instance, state=state, ended_at=self.desk.tx.now)
        locks.give_back(self.desk.tx, self.instance.id)
        if write:
            self._act(self.process.actions.get(state.value, ()), {"approval_status": state.value})
        data = {"verdict": state.value}
        if state is InstanceState.APPROVED:
            data["evidence"] = self.evidence().hash  # what is approved, as the final actions left it
        self.note("finished", identity=ENGINE, evidence_hash=self.instance.evidence_hash, data=data)
        if state in (InstanceState.APPROVED, InstanceState.REJECTED):
            self._tell(self._people([self.instance.submitter]), f"approval_{state.value}", by=self.desk.acting.name)

    def _close(self, visit: Visit, state: VisitState) -> None:
        closed = visit.closed(state, TaskState.CANCELLED)
        store.change_visit(self.desk.tx, self.instance.id, visit, closed)
        self.replace_visit(closed)

    def _add_visit(self, node: ApproveNodeDef, tasks: tuple[Task, ...], state: VisitState = VisitState.OPEN) -> Visit:
        visit = Visit(id=new_id(), node=node.id, number=len(self.visits) + 1, round=self.instance.round, state=state, tasks=tasks)
        store.add_visit(self.desk.tx, self.instance.id, visit)
        self.visits = (*self.visits, visit)
        return visit

    # --- actions ---

    def _act(self, steps: Iterable[Step], status: Mapping[str, Any]) -> None:
        """Run steps in order; `status` goes with the first update, so that rules see both at once."""
        waiting = dict(status)
        for each in steps:
            match each:
                case UpdateStep():
                    self._write({name: self._assigned(name, each) for name in each.set} | waiting)
                    waiting = {}
                case NotifyStep():
                    messages.notify(self.desk, self._about(), each, self._named(each.to))
                case EmailStep():
                    messages.email(self.desk, self._about(), each, self._named(each.to))
                case _:
                    raise ValueError(f"an approval has no step {each.type}")
        if waiting:
            self._write(waiting)

    def _assigned(self, name: str, step: UpdateStep) -> Any:
        given = step.set[name]
        if given.formula is None:
            return given.value
        found = self.desk.snapshot.object(self.instance.object).field(name)
        assert found is not None  # the check saw to it
        place = f"{self.process.name}/{step.id}/{name}"
        try:
            return fit(found, self._conditions().value(given.formula, place))
        except ValueError as fault:
            raise Refused(Problem(code="rule_fault", params={"place": place, "category": "out_of_range"})) from fault

    def _write(self, values: Mapping[str, Any]) -> None:
        """Save values of the record through the pipeline, on behalf of the process, caused by this instance."""
        definition = self.desk.snapshot.object(self.instance.object)
        wanted = {name: value for name, value in values.items() if definition.field(name) is not None}
        if not wanted:
            return  # an object without the feature approvals has no status
        change = Change(object=definition.name, action="update", id=self.instance.record, values=wanted, given="typed")
        self.desk.save_in(
            self.desk.tx,
            self.desk.snapshot,
            replace(self.desk.acting, kind="automation", unrestricted=True, scopes=None, scope_objects=None),
            [change],
            channel="approval",
            cause=locks.cause(self.instance.id),
        )
        self._evidence = None

    # --- people and words ---

    def tell_task(self, told: Iterable[Colleague]) -> None:
        """Tell people that a decision waits for them."""
        submitter = self.directory.person(self.instance.submitter)
        self._tell(told, "approval_task", submitter=submitter.name if submitter is not None else "")

    def _waited_for(self, visit: Visit) -> list[Colleague]:
        found: dict[str, Colleague] = {}
        for task in visit.tasks:
            if task.state is TaskState.OPEN:
                members = self._people([task.user]) if task.user is not None else self.directory.members(task.group or "")
                found |= {each.id: each for each in members if each.id != self.instance.submitter or self.process.self_approval == "allow"}
        return list(found.values())

    def _people(self, ids: Iterable[str]) -> tuple[Colleague, ...]:
        return tuple(self.directory.people(ids).values())

    def _named(self, sources: Iterable[PersonSource]) -> list[Colleague]:
        return list(self._people(people(sources, self._around_people(), self.directory)))

    def _tell_cc(self, node: CcNodeDef) -> None:
        told = self._named(node.to)
        self._tell(told, "approval_cc")
        self.note("told", identity=ENGINE, node=node.id, data={"people": [each.id for each in told]})

    def _tell(self, told: Iterable[Colleague], kind: str, **params: Any) -> None:
        """Tell people. Of a name that a formula makes they are told as much as of what it reads."""
        definition = self.desk.snapshot.object(self.instance.object)
        groups: dict[bool, list[Colleague]] = {}
        for person in told:
            groups.setdefault(not definition.name_fielddef.computed or self._tells_names(definition, person), []).append(person)
        for named, people_told in groups.items():
            record = self._title(definition) if named else messages.unnamed()
            self.desk.notices.tell(self.desk.tx, people_told, kind, self._about(), record=record, **params)

    def _tells_names(self, definition: ObjectDef, person: Colleague) -> bool:
        try:
            principal = load(self.desk.tx.connection, person.id)
        except NotVisible:  # no longer active
            return False
        return rights(self.desk.snapshot, principal).tells_names(definition)

    def _title(self, definition: ObjectDef) -> str | Mapping[str, str]:
        """The name of the record, as pages have it where it has none."""
        name = self.desk.gate.get(definition.name, self.instance.record, select=(definition.name_field,))[definition.name_field]
        if name:
            return str(name)
        reference = Reference(self.instance.record, None, definition.name)
        return ERROR if failed_names(self.desk.gate, [reference]) else messages.unnamed()

    def _about(self) -> About:
        definition = self.desk.snapshot.object(self.instance.object)
        shown = {
            "process": messages.words(self.desk.snapshot, self.process.label, self.process.name),
            "object": messages.words(self.desk.snapshot, definition.label, definition.name),
        }
        link = f"/approvals/{self.instance.id}"
        return About(instance=self.instance.id, object=definition.name, record=self.instance.record, link=link, params=shown)

    # --- what expressions and sources see ---

    def _conditions(self) -> Conditions:
        return Conditions(self.desk.gate, reader(self.desk.snapshot, self.desk.acting), self.instance.object, self.instance.record)

    def _around_people(self) -> Around:
        definition = self.desk.snapshot.object(self.instance.object)
        owner = None
        if "owner" in definition.system_fields:
            owner = self.desk.gate.get(definition.name, self.instance.record, select=("owner",))["owner"]
        approvers = [task for visit in self.visits for task in visit.tasks if task.state is TaskState.APPROVED]
        last = max(approvers, key=lambda task: (str(task.decided_at), task.id), default=None)
        return Around(
            submitter=self.instance.submitter,
            owner=owner.id if isinstance(owner, Reference) else owner,
            last_approver=last.decided_by if last is not None else None,
            self_approval=self.process.self_approval,
            approvers=tuple(sorted(self._decided())),
            decided=self._decided() if self.process.distinct else frozenset(),
            value=self._source_value,
        )

    def _source_value(self, source: PersonSource) -> str | None:
        value = self._conditions().value(source.value, f"{self.process.name}/{source.kind}")
        return value if isinstance(value, str) else None

    def _decided(self, besides: str = "") -> frozenset[str]:
        return frozenset(
            task.decided_by
            for visit in self.visits
            if visit.round == self.instance.round and visit.id != besides
            for task in visit.tasks
            if task.state in DECIDED and task.decided_by is not None
        )
