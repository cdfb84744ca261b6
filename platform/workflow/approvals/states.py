"""What an approval, a visit of a node and a person's task can be, as values.

Here: the states of spec/workflow.md, section 13, and frozen `Instance`, `Visit`, `Task`.
Not here: what leads from one to the next (`decide.py`, `count.py`), rows (`store.py`).

Votes, returning, adding signers and waiting for answers use the same states; until they are built nothing enters RETURNED (but the
state of an instance may be read as such), ABSTAINED, WAITING or EXPIRED.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class InstanceState(StrEnum):
    """The state of one approval of one record."""

    RUNNING = "running"
    RETURNED = "returned"
    SUSPENDED = "suspended"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECALLED = "recalled"
    CANCELLED = "cancelled"

    @property
    def live(self) -> bool:
        """Whether it still goes on. A state that is not live never changes again."""
        return self in LIVE


LIVE = frozenset({InstanceState.RUNNING, InstanceState.RETURNED, InstanceState.SUSPENDED})
LOCKING = frozenset({InstanceState.RUNNING, InstanceState.SUSPENDED})  # a returned one is the submitter's to change


class VisitState(StrEnum):
    """The state of one entry into a node."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """The state of one person's part in a seat."""

    WAITING = "waiting"
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    ABSTAINED = "abstained"
    TRANSFERRED = "transferred"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What a visit, and in the end an instance, comes to."""

    APPROVED = "approved"
    REJECTED = "rejected"


DECIDED = frozenset({TaskState.APPROVED, TaskState.REJECTED})
LEFT = frozenset({TaskState.TRANSFERRED, TaskState.CANCELLED, TaskState.EXPIRED})  # the task no longer stands for its seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One person's part in a seat. Of a group's seat, `user` is None until somebody of `group` decides."""

    id: str
    seat: int  # of the visit; a transferred seat has several tasks, one of them not transferred
    state: TaskState = TaskState.OPEN
    user: str | None = None  # user id
    group: str | None = None  # "role:finance", "queue:<id>" or "right:manage_approvals"
    hops: int = 0  # times this seat was transferred
    decided_by: str | None = None
    decided_at: datetime | None = None
    evidence_hash: str | None = None
    identity: str = "user"  # "user", or of decisions nobody made by hand "system:dedupe"

    def held_by(self, user: str | None, groups: frozenset[str]) -> bool:
        """Tell whether the seat is that user's to decide."""
        return self.user == user if self.user is not None else self.group in groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One entry of an instance into an approve node."""

    id: str
    node: str
    number: int  # of the instance's visits, from 1
    round: int
    state: VisitState = VisitState.OPEN
    tasks: tuple[Task, ...] = ()

    def task(self, task_id: str) -> Task:
        """Return the task `task_id` of this visit."""
        return next(task for task in self.tasks if task.id == task_id)

    @property
    def seats(self) -> tuple[Task, ...]:
        """The one task of each seat that stands for it now."""
        return tuple(task for task in self.tasks if task.state not in LEFT)

    def with_task(self, changed: Task, *added: Task) -> Visit:
        """Return the visit with one task changed, and more at its end."""
        return replace(self, tasks=(*(changed if task.id == changed.id else task for task in self.tasks), *added))

    def closed(self, state: VisitState, others: TaskState = TaskState.SUPERSEDED) -> Visit:
        """Return the visit closed as `state`; its tasks that are still open become `others`."""
        tasks = tuple(replace(task, state=others) if task.state is TaskState.OPEN else task for task in self.tasks)
        return replace(self, state=state, tasks=tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One approval of one record."""

    id: str
    process: str  # API name
    process_hash: str  # of the document it started with
    exclusive_group: str
    object: str
    record: str
    submitter: str
    submitted_at: datetime
    state: InstanceState = InstanceState.RUNNING
    round: int = 1
    evidence_hash: str | None = None  # of the snapshot taken at submission
    ended_at: datetime | None = None
