"""Approval processes (meta-schema: approval_process.json; spec/workflow.md, section 12).

Here: entry, evidence, lock, nodes and actions of a process. Not here: instances, visits, decisions (`workflow/approvals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, ClassVar, TypeAlias

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.loading import Document, Loading, typed
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.definitions.step_loaders import load_people, load_steps, person
from fieldstone.metadata.definitions.steps import PersonSource, Step

MOMENTS = ("submit", "approved", "rejected", "recalled")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDef:
    """Who may submit what. `submitters`: "owner", "creator", "anyone", "role:x", "queue:x", "permission_set:x", "profile:x"."""

    criteria: str | None = None
    submitters: tuple[str, ...] = ("owner",)
    auto_submit: bool = False  # a save that comes to meet the criteria submits the record by itself
    resubmit_unchanged: bool = False  # an approved record may be submitted again although its evidence is what it was


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


def load_approval_process(document: Document, loading: Loading) -> ApprovalProcessDef:
    """Build an approval process from its document."""
    of, parent = loading.object(document), document["object"]
    entry, lock = document.get("entry", {}), document.get("lock", {})
    return ApprovalProcessDef(
        **loading.head(document),
        active=document.get("active", True),
        exclusive_group=document.get("exclusive_group", parent),
        priority=int(document.get("priority", 100)),
        entry=EntryDef(
            criteria=entry.get("criteria"),
            submitters=tuple(entry.get("submitters", ("owner",))),
            auto_submit=entry.get("auto_submit", False),
            resubmit_unchanged=entry.get("resubmit_unchanged", False),
        ),
        evidence=tuple(_evidence(name, of, parent, loading) for name in document["evidence"]),
        lock=LockDef(
            mode=lock.get("mode", "full"),
            fields=tuple(lock.get("fields", ())),
            children=tuple(loading.relation(parent, name) for name in lock.get("children", ())),
        ),
        guarded=tuple(_guarded(part, of) for part in document.get("guarded", ())),
        recall=document.get("recall", {}).get("allow", "until_first_decision"),
        self_approval=document.get("self_approval", "manager"),
        dedupe=document.get("dedupe", "none"),
        distinct=document.get("distinct", False),
        actions={moment: load_steps(document.get("actions", {}).get(moment, ()), of) for moment in MOMENTS},
        nodes=tuple(_node(node, of) for node in document["nodes"]),
    )


def _evidence(name: str, of: ObjectDef | None, parent: str, loading: Loading) -> str:
    return name if of is not None and of.field(name) is not None else loading.relation(parent, name)


def _guarded(part: Document, of: ObjectDef | None) -> GuardedDef:
    field = of.field(part["field"]) if of else None
    return GuardedDef(field=part["field"], values=tuple(typed(value, field) for value in part["values"]))


def _node(part: Document, of: ObjectDef | None) -> Node:
    head: dict[str, Any] = {"id": part["id"], "label": labels.of(part.get("label")), "when": part.get("when")}
    match part["type"]:
        case "approve":
            return ApproveNodeDef(
                **head,
                approvers=tuple(person(source) for source in part["approvers"]),
                mode=part.get("mode", "any"),
                on_empty=part["on_empty"],
                reject=part["reject"],
                transfer=part.get("can", {}).get("transfer", True),
            )
        case "branch":
            return BranchNodeDef(**head, branches=tuple(_way(way, of) for way in part["branches"]))
        case "action":
            return ActionNodeDef(**head, steps=load_steps(part["steps"], of))
    return CcNodeDef(**head, to=load_people(part["to"]))


def _way(part: Document, of: ObjectDef | None) -> NodeBranch:
    return NodeBranch(when=part.get("when"), nodes=tuple(_node(node, of) for node in part["nodes"]))
