"""Step 13: one statement for all records of the batch, changed columns only, with their stamps."""

from __future__ import annotations

from fieldstone.errors import TryAgain
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Status, Step
from fieldstone.records.gate.storage import storage
from fieldstone.records.gate.write import change, create

BECOMES: dict[Action, Status] = {
    "create": "created",
    "update": "updated",
    "transfer": "updated",
    "delete": "deleted",
    "restore": "restored",
}


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return the step."""
    return insert if action == "create" else update


def insert(batch: Batch) -> None:
    """Write new records."""
    create(batch.tx, storage(batch.snapshot, batch.object.name), [item.image for item in batch.live])


def update(batch: Batch) -> None:
    """Write what differs, in the version after the one that was locked."""
    now, user = batch.now, batch.principal.user_id
    items = batch.live
    for item in items:
        if batch.action in ("delete", "restore"):
            deleted = batch.action == "delete"
            item.image |= {"deleted_at": now if deleted else None, "deleted_by": user if deleted else None}
            item.changed = {"deleted_at", "deleted_by"} | item.changed
        item.image |= {"row_version": item.image["row_version"] + 1, "updated_at": now, "updated_by": user}
    names = set().union(*(item.changed for item in items))
    written = change(batch.tx, storage(batch.snapshot, batch.object.name), [item.image for item in items], names)
    if written != len(items):  # the rows are locked: only a right or a version lost in between can do this
        raise TryAgain("changed")
