"""The way through the nodes of a process.

Here: what follows a node. Not here: conditions and people (the caller evaluates them as it goes), tokens of parallel branches.
"""

from __future__ import annotations

from fieldstone.metadata.definitions import ApprovalProcessDef, BranchNodeDef
from fieldstone.metadata.definitions.approval_processes import Node


def following(process: ApprovalProcessDef, node_id: str) -> tuple[Node, ...]:
    """Return the nodes that come after `node_id`, in order: the rest of its branch, then what follows the branch node, outward.

    A branch node among them stands for itself: which of its branches is taken is known when it is reached.
    """
    found = _after(process.nodes, node_id)
    if found is None:
        raise ValueError(f"{process.name} has no node {node_id}")
    return found


def _after(nodes: tuple[Node, ...], node_id: str) -> tuple[Node, ...] | None:
    for place, node in enumerate(nodes):
        rest = nodes[place + 1 :]
        if node.id == node_id:
            return rest
        if isinstance(node, BranchNodeDef):
            for branch in node.branches:
                inner = _after(branch.nodes, node_id)
                if inner is not None:
                    return (*inner, *rest)
    return None
