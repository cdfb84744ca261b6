"""Approval processes (meta-schema: approval_process.json; spec/workflow.md, section 12).

Here: entry, evidence, lock, nodes and actions of a process. Not here: instances, visits, decisions (`workflow/approvals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar, TypeAlias

from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.steps import PersonSource, Step

MOMENTS = ("submit", "approved", "rejected", "recalled")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDef:
    """Who may submit what. `submitters`: "owner", "creator", "anyone", "role:x", "queue:x", "permission_set:x", "profile:x"."""

    criteria: str | None = None
    submitters: tuple[str, ...] = ("owner",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockDef:
    """What nobody edits while the process runs: the whole record, some fields, or nothing; and children by their relation."""

    mode: str = "full"  # "full", "fields", "none"
    fields: tuple[str, ...] = ()
    children: tuple[str, ...] = ()  # as "child.lookup"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedDef:
    """Values of a field that only actions of this process may set."""

    field: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveNodeDef:
    """People decide. `on_empty`: "admins", "user:x", "manager_of_last", "reject", "skip_approve", "block"."""

    type: ClassVar[str] = "approve"

    id: str
    label: Label = made(default_factory=dict)
    when: str | None = None  # false: the node is skipped
    approvers: tuple[PersonSource, ...] = ()
    mode: str = "any"  # "any", "all"
    on_empty: str = "block"
    reject: str = "end"
    transfer: bool = True  # may an approver hand the task on


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBranch:
    """One way of a branch node; `when` None is the compulsory else, always last."""

    when: str | None = None
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchNodeDef:
    """The first branch whose condition is true is gone along; its nodes, then what follows the branch node."""

    type: ClassVar[str] = "branch"

    id: str
    label: Label = made(default_factory=dict)
    when: str | None = None
    branches: tuple[NodeBranch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionNodeDef:
    """Steps that run when the process comes by."""

    type: ClassVar[str] = "action"

    id: str
    label: Label = made(default_factory=dict)
    when: str | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CcNodeDef:
    """People who are told, and decide nothing."""

    type: ClassVar[str] = "cc"

    id: str
    label: Label = made(default_factory=dict)
    when: str | None = None
    to: tuple[PersonSource, ...] = ()


Node: TypeAlias = ApproveNodeDef | BranchNodeDef | ActionNodeDef | CcNodeDef


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalProcessDef(Definition):
    """One approval process of `object`. Of those whose entry a record meets, the smallest `priority` wins."""

    kind: ClassVar[str] = "approval_process"

    active: bool = True
    exclusive_group: str = ""  # one live instance per record and group; the object's name unless given
    priority: int = 100
    entry: EntryDef = EntryDef()
    evidence: tuple[str, ...] = ()  # fields and children relations ("child.lookup") the decision rests on
    lock: LockDef = LockDef()
    guarded: tuple[GuardedDef, ...] = ()
    recall: str = "until_first_decision"  # "any_time", "until_first_decision", "never"
    self_approval: str = "manager"  # "forbid", "manager", "skip", "allow"
    dedupe: str = "none"  # "none", "consecutive", "any_earlier"
    distinct: bool = False
    actions: Mapping[str, tuple[Step, ...]] = made(default_factory=dict)  # by MOMENTS
    nodes: tuple[Node, ...] = ()

    def all_nodes(self) -> Iterator[Node]:
        """Every node, those inside branches after their branch node."""
        return _walk(self.nodes)


def _walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if isinstance(node, BranchNodeDef):
            for branch in node.branches:
                yield from _walk(branch.nodes)
