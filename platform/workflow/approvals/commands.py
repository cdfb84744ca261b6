"""Submit, approve, reject, recall, transfer, resume: each locks, loads, has it decided, stores and tells, in one transaction.

Here: `Approvals`, the commands by their numbers in the specification. Not here: decisions (`decide.py`), people (`people.py`), the run
through the nodes (`run.py`), pages (`panel.py`).

Lock order is record, instance, tasks. Of two people at once, the second sees the state that the first left.
Source: spec/workflow.md, sections 13, 14 and 17.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from fieldstone.db import faults
from fieldstone.db.column_types import is_id
from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.errors import NotAllowed, NotVisible, Problem, Refused
from fieldstone.metadata.definitions import ApprovalProcessDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate import Gate
from fieldstone.records.gate.sharing import Reader, reader
from fieldstone.records.gate.write import lock as lock_rows
from fieldstone.records.opening import open_for_writing
from fieldstone.records.principal import Principal
from fieldstone.records.query import Reference
from fieldstone.records.save import Records
from fieldstone.workflow.approvals import events, locks, store
from fieldstone.workflow.approvals.conditions import Conditions
from fieldstone.workflow.approvals.decide import Decision, Transfer, decide, require_recall, transfer
from fieldstone.workflow.approvals.evidence import gather
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.run import ENGINE, Desk, Run, engine_gate
from fieldstone.workflow.approvals.states import Instance, InstanceState, Verdict
from fieldstone.workflow.approvals.versions import document_of, process_of

COMMENT_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The commands on approvals. Shared by all threads; every call is a transaction of its own unless its name ends in `_in`."""

    records: Records
    notices: Notices
    also: Callable[[Transaction, Instance], None] | None = None  # what is written in the transaction of a command, such as its key

    # --- T1 ---

    def submit(
        self,
        principal: Principal,
        object_name: str,
        record_id: str,
        *,
        process: str | None = None,
        comment: str | None = None,
        channel: str = "web",
    ) -> Instance:
        """Submit a record; without `process`, to the matching one with the smallest priority. Return the instance as it is afterwards.

        Raises NotVisible, NotAllowed, or Refused: no_process, already_live, already_approved, record_locked, rule_fault, or what the submit
        actions ran into. Nothing has been written then.
        """
        self._require_comment(comment)

        def work(tx: Transaction, snapshot: Snapshot, acting: Principal) -> Instance:
            desk = self._desk(tx, snapshot, acting, channel)
            return submit_in(desk, object_name, record_id, process=process, comment=comment, submitter=acting.user_id or "")

        return self._transaction(principal, work)

    # --- T3, T4 ---

    def decide(
        self, principal: Principal, task_id: str, verdict: Verdict, *, evidence_hash: str, comment: str | None = None, channel: str = "web"
    ) -> Instance:
        """Approve or reject a task on the evidence whose hash the person was shown; return the instance as it is afterwards.

        Raises NotVisible, or Refused: not_your_task, already_closed (naming who was faster), already_applied, self_approval,
        evidence_changed, a missing comment, or what an action ran into. Nothing has been written then.
        """
        self._require_comment(comment)

        def work(tx: Transaction, snapshot: Snapshot, acting: Principal) -> Instance:
            run = self._run_of_task(tx, snapshot, acting, channel, task_id)
            faults.point("decision.locked")
            before = run.visit_of(task_id)
            node = run.node(before.node)
            evidence = run.evidence()
            decision = Decision(
                task=task_id,
                verdict=verdict,
                actor=run.actor,
                evidence_hash=evidence_hash,
                comment=comment,
                at=tx.now,
            )
            decided = decide(before, decision, node, run.around(evidence.hash, visit=before))
            store.change_visit(tx, run.instance.id, before, decided.visit)
            run.seen(evidence)
            run.note(verdict.value, node=node.id, visit=before.id, task=task_id, evidence_hash=evidence.hash, comment=comment)
            run.replace_visit(decided.visit)
            faults.point("decision.stored")
            if decided.verdict is not None:
                run.go_on(node, decided.verdict)
            run.finish_command()
            faults.point("decision.before_commit")
            return run.instance

        done = self._transaction(principal, work)
        faults.point("decision.committed")
        return done

    def approve(
        self, principal: Principal, task_id: str, *, evidence_hash: str, comment: str | None = None, channel: str = "web"
    ) -> Instance:
        """Approve a task; see `decide`."""
        return self.decide(principal, task_id, Verdict.APPROVED, evidence_hash=evidence_hash, comment=comment, channel=channel)

    def reject(self, principal: Principal, task_id: str, *, evidence_hash: str, comment: str, channel: str = "web") -> Instance:
        """Reject a task with a reason; see `decide`."""
        return self.decide(principal, task_id, Verdict.REJECTED, evidence_hash=evidence_hash, comment=comment, channel=channel)

    # --- T8 ---

    def recall(self, principal: Principal, instance_id: str, *, comment: str | None = None, channel: str = "web") -> Instance:
        """Take a submission back. Raises NotVisible, NotAllowed, or Refused: already_closed, recall_too_late."""
        self._require_comment(comment)

        def work(tx: Transaction, snapshot: Snapshot, acting: Principal) -> Instance:
            run = self._run(tx, snapshot, acting, channel, instance_id)
            require_recall(run.instance, run.visits, run.actor, run.process.recall)
            identity = "user" if acting.user_id == run.instance.submitter else "forced"
            run.note("recalled", identity=identity, comment=comment)
            run.end(InstanceState.RECALLED)
            run.finish_command()
            return run.instance

        return self._transaction(principal, work)

    # --- T9, T18 ---

    def transfer(self, principal: Principal, task_id: str, to_user: str, *, comment: str | None = None, channel: str = "web") -> Instance:
        """Hand a task to another person. A manager of approvals may do so with anybody's, giving the reason as comment.

        Raises NotVisible, NotAllowed, or Refused: not_your_task, already_closed, self_approval, transfer_….
        """
        self._require_comment(comment)

        def work(tx: Transaction, snapshot: Snapshot, acting: Principal) -> Instance:
            run = self._run_of_task(tx, snapshot, acting, channel, task_id)
            before = run.visit_of(task_id)
            task = before.task(task_id)
            forced = run.actor.manager and not task.held_by(run.actor.user, run.actor.groups)
            if forced and not (comment or "").strip():
                raise Refused(Problem(code="reason_required", field="comment", pointer="/comment"))
            person = run.directory.person(to_user)
            if person is None:
                raise Refused(Problem(code="record_not_found", field="to", pointer="/to", params={"target_object": "user"}))
            asked = Transfer(task=task_id, actor=run.actor, to=to_user, to_active=person.active, new_task=new_id())
            after = transfer(before, asked, run.node(before.node), run.around("", visit=before, also=to_user))
            store.change_visit(tx, run.instance.id, before, after)
            identity = "forced" if forced else "user"
            data = {"to": person.id, "name": person.name}
            run.note("transferred", node=before.node, visit=before.id, task=task_id, identity=identity, comment=comment, data=data)
            run.replace_visit(after)
            run.tell_task([person])
            run.finish_command()
            return run.instance

        return self._transaction(principal, work)

    # --- T18: what is left of a suspended instance ---

    def resume(self, principal: Principal, instance_id: str, *, comment: str, channel: str = "web") -> Instance:
        """Look for people again at the node where nobody was found. Only a manager of approvals, with a reason.

        Raises NotVisible, NotAllowed, or Refused: reason_required, not_suspended.
        """
        self._require_comment(comment)

        def work(tx: Transaction, snapshot: Snapshot, acting: Principal) -> Instance:
            run = self._run(tx, snapshot, acting, channel, instance_id)
            if not run.actor.manager:
                raise NotAllowed("setup.manage_approvals")
            if not comment.strip():
                raise Refused(Problem(code="reason_required", field="comment", pointer="/comment"))
            if run.instance.state is not InstanceState.SUSPENDED:
                raise Refused(Problem(code="not_suspended"))
            run.note("resumed", identity="forced", comment=comment)
            run.resume()
            run.finish_command()
            return run.instance

        return self._transaction(principal, work)

    # --- T17 ---

    def hand_over(self, instance_id: str, user: str) -> None:
        """Give the open tasks of a person who is no longer active to others; nothing happens if they are active again.

        Where what follows is refused, because an action of the process runs into something, the approval waits for a manager of approvals.
        Source: spec/workflow.md, section 13, T17.
        """

        def attempt(tx: Transaction, *, block: bool = False) -> None:
            snapshot, acting = open_for_writing(tx, self.records.holder, Principal.automation("approval"))
            run = self._run(tx, snapshot, acting, "engine", instance_id)
            person = run.directory.person(user)
            if run.instance.state.live and (person is None or not person.active):
                run.hand_over(user, block=block)
                run.finish_command()

        try:
            retrying(self.records.engine, attempt)
        except Refused:
            retrying(self.records.engine, partial(attempt, block=True))

    # --- shared ---

    def _transaction(self, principal: Principal, work: Callable[[Transaction, Snapshot, Principal], Instance]) -> Instance:
        def attempt(tx: Transaction) -> Instance:
            snapshot, acting = open_for_writing(tx, self.records.holder, principal)
            if acting.user_id is None:
                raise NotAllowed("approval")  # a decision is always somebody's
            done = work(tx, snapshot, acting)
            if self.also is not None:
                self.also(tx, done)
            return done

        return retrying(self.records.engine, attempt)

    def _desk(self, tx: Transaction, snapshot: Snapshot, acting: Principal, channel: str) -> Desk:
        return Desk(
            tx=tx,
            snapshot=snapshot,
            acting=acting,
            channel=channel,
            gate=engine_gate(tx, snapshot, self.records.cursors),
            save_in=self.records.save_in,
            notices=self.notices,
        )

    def _run_of_task(self, tx: Transaction, snapshot: Snapshot, acting: Principal, channel: str, task_id: str) -> Run:
        instance_id = store.instance_of_task(tx, task_id) if is_id(task_id) else None
        if instance_id is None:
            raise NotVisible("approval_task")
        return self._run(tx, snapshot, acting, channel, instance_id)

    def _run(self, tx: Transaction, snapshot: Snapshot, acting: Principal, channel: str, instance_id: str) -> Run:
        """Lock record and instance, in this order, and load the rest."""
        found = store.instance(tx, snapshot, instance_id) if is_id(instance_id) else None
        if found is None:
            raise NotVisible("approval_instance")
        desk = self._desk(tx, snapshot, acting, channel)
        lock_record(desk, found.object, found.record)
        instance = store.instance(tx, snapshot, instance_id, lock=True)
        assert instance is not None  # nobody deletes one
        process = process_of(snapshot, tx, instance)
        return Run(desk=desk, process=process, instance=instance, visits=store.visits(tx, [instance_id])[instance_id])

    def _require_comment(self, comment: str | None) -> None:
        if comment is not None and len(comment) > COMMENT_CHARACTERS:
            params = {"limit": COMMENT_CHARACTERS}
            raise Refused(Problem(code="comment_too_long", params=params, field="comment", pointer="/comment"))


def lock_record(desk: Desk, object_name: str, record_id: str) -> bool:
    """Lock the record's row first, as every writer does, and say whether it is there (not deleted)."""
    definition = desk.snapshot.object(object_name)
    return bool(lock_rows(desk.tx, desk.gate.asking, definition, [record_id]))


def submit_in(
    desk: Desk,
    object_name: str,
    record_id: str,
    *,
    submitter: str,
    process: str | None = None,
    comment: str | None = None,
    identity: str = "user",
) -> Instance:
    """Submit a record inside a transaction that is open already; see `Approvals.submit`."""
    definition = desk.snapshot.object(object_name)
    own = Gate(desk.tx, reader(desk.snapshot, desk.acting), desk.gate.cursors)
    own.get(definition.name, record_id, select=("id",))  # raises NotVisible for a record the person cannot see
    lock_record(desk, definition.name, record_id)
    chosen = _choose(desk, definition.name, record_id, process)
    if identity == "user" and not may_submit(desk.gate, desk.acting, chosen, record_id):
        raise NotAllowed(f"approval.submit.{chosen.name}")
    live = store.of_record(desk.tx, desk.snapshot, record_id, live=True)
    if any(each.exclusive_group == chosen.exclusive_group for each in live):
        raise Refused(Problem(code="already_live"))
    if approved_unchanged(desk.gate, chosen, record_id, store.of_record(desk.tx, desk.snapshot, record_id)):
        raise Refused(Problem(code="already_approved"))
    if any(lock.mode == "full" for lock in locks.of_records(desk.tx, [record_id])):
        raise Refused(Problem(code="record_locked_submit"), code="record_locked")
    text = document_of(desk.snapshot, chosen)
    instance = Instance(
        id=new_id(),
        process=chosen.name,
        process_hash=hashlib.sha256(text.encode()).hexdigest(),
        exclusive_group=chosen.exclusive_group,
        object=definition.name,
        record=record_id,
        submitter=submitter,
        submitted_at=desk.tx.now,
    )
    store.add_instance(desk.tx, desk.snapshot, instance, text)
    run = Run(desk=desk, process=chosen, instance=instance, visits=())
    run.note("submitted", identity=identity, comment=comment, data={"process": chosen.name})
    run.start()
    run.finish_command()
    return run.instance


def _choose(desk: Desk, object_name: str, record_id: str, named: str | None) -> ApprovalProcessDef:
    """The process for the record: the named one if it matches, else the matching one with the smallest priority."""
    found = matching(desk.gate, reader(desk.snapshot, desk.acting), object_name, record_id, named)
    if not found:
        raise Refused(Problem(code="no_process", params={"object": object_name}))
    return found[0]


def matching(engine: Gate, asking: Reader, object_name: str, record_id: str, named: str | None = None) -> list[ApprovalProcessDef]:
    """Return the active processes whose entry the record meets, in order of their priority; `asking` is whom `$User` means."""
    conditions = Conditions(engine, asking, object_name, record_id)
    candidates = sorted(
        (
            each
            for each in engine.snapshot.all("approval_process", object_name)
            if isinstance(each, ApprovalProcessDef) and each.active and named in (None, each.name)
        ),
        key=lambda each: (each.priority, each.name),
    )
    return [each for each in candidates if conditions.true(each.entry.criteria, f"{each.name}/entry")]


def approved_unchanged(engine: Gate, process: ApprovalProcessDef, record_id: str, instances: Iterable[Instance]) -> bool:
    """Tell whether a process need not be asked again: it approved the record last, and what that rests on is as it was then.

    `instances`: of the record, newest first.
    """
    last = next((each for each in instances if each.process == process.name), None)
    if process.entry.resubmit_unchanged or last is None or last.state is not InstanceState.APPROVED:
        return False
    kept = events.chain(engine.tx, last.id)[-1].data.get("evidence")
    return kept is not None and kept == gather(engine, process, record_id).hash


def may_submit(engine: Gate, acting: Principal, process: ApprovalProcessDef, record_id: str) -> bool:
    """Tell whether `acting` is among the submitters of the process for this record."""
    definition = engine.snapshot.object(process.object or "")
    fields = [name for name in ("owner", "created_by") if name in definition.system_fields]
    record = engine.get(definition.name, record_id, select=fields)
    return any(_allows(each, acting, record, engine.snapshot) for each in process.entry.submitters)


def _allows(rule: str, acting: Principal, record: Mapping[str, object], snapshot: Snapshot) -> bool:
    kind, _, name = rule.partition(":")
    match kind:
        case "anyone":
            return True
        case "owner":
            holder = _bare(record.get("owner"))
            return holder is not None and (holder == acting.user_id or holder in acting.queues)
        case "creator":
            return _bare(record.get("created_by")) == acting.user_id
        case "role":
            return acting.role == name
        case "queue":
            queue = snapshot.find("queue", name)
            return queue is not None and queue.id in acting.queues
        case "permission_set":
            return name in acting.permission_sets
        case "profile":
            return acting.profile == name
    return False


def _bare(value: object) -> object:
    return value.id if isinstance(value, Reference) else value


def cancel_deleted(desk: Desk, ids: list[str]) -> None:
    """End the live approvals of records that are being deleted (T19); their fields are not touched any more."""
    for instance in store.live_of_records(desk.tx, desk.snapshot, ids):
        process = process_of(desk.snapshot, desk.tx, instance)
        run = Run(desk=desk, process=process, instance=instance, visits=store.visits(desk.tx, [instance.id])[instance.id])
        run.note("record_deleted", identity=ENGINE)
        run.end(InstanceState.CANCELLED, write=False)
        run.finish_command()
