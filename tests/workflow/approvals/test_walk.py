"""What comes after a node: the rest of its branch, then what follows the branch node."""

from __future__ import annotations

import pytest

from fieldstone.metadata.definitions import ApprovalProcessDef, ApproveNodeDef, BranchNodeDef, CcNodeDef, NodeBranch
from fieldstone.workflow.approvals.walk import following

INNER = BranchNodeDef(id="inner", branches=(NodeBranch(when="a", nodes=(ApproveNodeDef(id="deep"),)), NodeBranch()))
BRANCH = BranchNodeDef(
    id="size", branches=(NodeBranch(when="big", nodes=(ApproveNodeDef(id="cfo"), INNER, ApproveNodeDef(id="board"))), NodeBranch())
)
PROCESS = ApprovalProcessDef(name="p", label={}, nodes=(ApproveNodeDef(id="lead"), BRANCH, CcNodeDef(id="tell")))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("lead", ["size", "tell"]),
        ("size", ["tell"]),
        ("cfo", ["inner", "board", "tell"]),
        ("deep", ["board", "tell"]),
        ("board", ["tell"]),
        ("tell", []),
    ],
)
def test_following(node, expected):
    assert [each.id for each in following(PROCESS, node)] == expected


def test_a_node_the_process_does_not_have_is_our_bug():
    with pytest.raises(ValueError, match="p has no node gone"):
        following(PROCESS, "gone")
