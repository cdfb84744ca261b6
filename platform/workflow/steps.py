"""What workflow adds to the save pipeline, handed in by `app.py`.

Here: the table of those steps: locks (3), before-save automations (7), guarded values (10), settle (16).
Not here: what they do (`approvals/locks.py`, `automations/before_save.py`, `approvals/settle.py`), the pipeline (`records/save.py`).
Source: spec/workflow.md, section 1.
"""

from __future__ import annotations

from fieldstone.records.save import StepTable
from fieldstone.workflow.approvals import locks, settle
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.automations import before_save


def steps(notices: Notices) -> StepTable:
    """Return workflow's steps; `notices` is where approvals that a save starts or ends tell people."""
    return StepTable(
        locks=locks.step,
        before_save=before_save.step,
        guarded=locks.guarded_step,
        settle=settle.factory(notices),
    )
