"""What the seats of a visit add up to: the formula of the specification, line by line.

Here: `count`. Not here: who may decide (`decide.py`), what follows a verdict (`commands.py`).
Source: spec/workflow.md, section 13, "Count". A mode is one more case; its numbers are integers.
"""

from __future__ import annotations

from collections.abc import Iterable

from fieldstone.workflow.approvals.states import Task, TaskState, Verdict


def count(seats: Iterable[Task], mode: str) -> Verdict | None:
    """Return the verdict of a visit whose seats stand so; None while others are still to decide.

    n = seats not withdrawn or abstained, a = approvals, r = rejections. `all`: approved if a = n, rejected at the first rejection.
    `any`: the first answer decides. Without a seat there is no verdict: the node's `on_empty` is asked.
    """
    states = [seat.state for seat in seats if seat.state is not TaskState.ABSTAINED]
    n, a, r = len(states), states.count(TaskState.APPROVED), states.count(TaskState.REJECTED)
    if n == 0:
        return None
    match mode:
        case "all":
            if r >= 1:
                return Verdict.REJECTED
            return Verdict.APPROVED if a == n else None
        case "any":
            if a >= 1:
                return Verdict.APPROVED
            return Verdict.REJECTED if r >= 1 else None
    raise ValueError(f"no such mode: {mode}")
