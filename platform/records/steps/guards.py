"""Step 3: may they do this at all, with this record? Object right first, then the access to each record.

The locks of approvals are workflow's step `locks`, which follows.
"""

from __future__ import annotations

from fieldstone.errors import NotAllowed
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.gate.access import EDIT, FULL

RIGHT_FOR = {"create": "create", "update": "edit", "transfer": "edit", "delete": "delete", "restore": "delete"}
ACCESS_FOR = {"create": 0, "update": EDIT, "transfer": FULL, "delete": FULL, "restore": FULL}


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return the step."""
    return guard


def guard(batch: Batch) -> None:
    """Refuse what is visible but not granted."""
    if not batch.rights.can(batch.object.name, RIGHT_FOR[batch.action]):
        raise NotAllowed(f"{batch.object.name}.{RIGHT_FOR[batch.action]}")
    needed = ACCESS_FOR[batch.action]
    if batch.action == "transfer" and batch.rights.setup("transfer_any"):
        needed = 0
    for item in batch.live:
        if item.access < needed and not _takes_from_queue(batch, item):
            item.refuse("forbidden", pointer="", own="forbidden", right=batch.action, object=batch.object.name)


def _takes_from_queue(batch: Batch, item: Item) -> bool:
    """Whether a member of the owning queue takes the record for themselves."""
    if batch.action != "transfer" or item.prior is None or item.prior.get("owner") not in batch.principal.queues:
        return False
    return item.change.values.get("owner") in (batch.principal.user_id, {"id": batch.principal.user_id})
