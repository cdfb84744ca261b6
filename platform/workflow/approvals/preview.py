"""What a process would do with a record, without doing it: the nodes it would enter, who would be asked at each, how it would end.

Here: `preview`, which writes nothing. It takes the record as it is (values that actions of the process would set are not played), and at
every approval the answer yes. Not here: running a process (`run.py`), the page that draws the way (`web/setup`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fieldstone.metadata.definitions import ApprovalProcessDef, ApproveNodeDef, BranchNodeDef, CcNodeDef, PersonSource
from fieldstone.metadata.definitions.approval_processes import Node
from fieldstone.records.gate import Gate
from fieldstone.records.query import Reference
from fieldstone.workflow.approvals.conditions import Conditions
from fieldstone.workflow.approvals.directory import OrgDirectory
from fieldstone.workflow.approvals.people import Around, Seat, people, resolve

End = Literal["", "approved", "rejected", "blocked"]
ENDS: dict[str, End] = {"reject": "rejected", "block": "blocked"}  # of an approval for which nobody was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One node on the way: who sits there, or that its condition keeps the record from it."""

    node: str
    skipped: bool = False
    seats: tuple[Seat, ...] = ()
    empty: str | None = None  # of an approval for which nobody was found: "skip_approve", "reject" or "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The way of one record. `fits`: the record meets the entry; if not, nothing else is told."""

    fits: bool
    met: tuple[Met, ...] = ()
    end: End = ""


def preview(own: Gate, engine: Gate, process: ApprovalProcessDef, record_id: str, submitter: str) -> Preview:
    """Return the way of a record through `process`, submitted by the user `submitter`.

    Conditions are asked through `own`, so that nobody learns from them what they may not read; people are found through `engine`.
    Raises NotVisible for a record or a value that the reader may not see, Refused for a condition that cannot be worked out.
    """
    return _Walk(own, engine, process, record_id, submitter).walk()


class _Walk:
    def __init__(self, own: Gate, engine: Gate, process: ApprovalProcessDef, record_id: str, submitter: str) -> None:
        self._process = process
        self._conditions = Conditions(own, own.asking, process.object or "", record_id)
        self._directory = OrgDirectory(engine)
        definition = own.snapshot.object(process.object or "")
        owner = own.get(definition.name, record_id, select=("owner",))["owner"] if "owner" in definition.system_fields else None
        self._around = Around(
            submitter=submitter,
            owner=owner.id if isinstance(owner, Reference) else None,
            self_approval=process.self_approval,
            value=self._value,
        )

    def walk(self) -> Preview:
        """The nodes in their order, a branch node followed by those of the way it takes."""
        if not self._conditions.true(self._process.entry.criteria, f"{self._process.name}/entry"):
            return Preview(fits=False)
        waiting, met = list(self._process.nodes), list[Met]()
        end: End = "approved"
        while waiting and end == "approved":
            node = waiting.pop(0)
            if not self._true(node.when, node):
                met.append(Met(node=node.id, skipped=True))
                continue
            if isinstance(node, BranchNodeDef):
                taken = next((way for way in node.branches if self._true(way.when, node)), None)
                waiting[:0] = taken.nodes if taken is not None else ()
            met.append(self._enter(node))
            end = ENDS.get(met[-1].empty or "", end)
        return Preview(fits=True, met=tuple(met), end=end)

    def _enter(self, node: Node) -> Met:
        if isinstance(node, CcNodeDef):
            return Met(node=node.id, seats=tuple(Seat(user=user) for user in people(node.to, self._around, self._directory)))
        if not isinstance(node, ApproveNodeDef):
            return Met(node=node.id)
        found = resolve(node, self._around, self._directory)
        users = tuple(seat.user for seat in found.seats if seat.user is not None)
        asked = users if node.mode == "all" else users[:1]
        self._around = replace(
            self._around,
            last_approver=asked[-1] if asked else self._around.last_approver,
            approvers=(*self._around.approvers, *asked),
            decided=self._around.decided | set(asked) if self._process.distinct else self._around.decided,
        )
        return Met(node=node.id, seats=found.seats, empty=found.empty)

    def _true(self, source: str | None, node: Node) -> bool:
        return self._conditions.true(source, f"{self._process.name}/{node.id}")

    def _value(self, source: PersonSource) -> str | None:
        value = self._conditions.value(source.value, f"{self._process.name}/{source.kind}")
        return value if isinstance(value, str) else None
