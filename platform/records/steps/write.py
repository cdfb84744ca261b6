"""Step 13: one statement for all records of the batch, changed columns only, with their stamps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fieldstone.errors import TryAgain
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Status, Step
from fieldstone.records.evaluation import Evaluation
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
    items = batch.live
    create(batch.tx, storage(batch.snapshot, batch.object.name), [item.image for item in items], pending(batch, items))


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
    if write(batch, items, names) != len(items):  # the rows are locked: only a right or a version lost in between can do this
        raise TryAgain("changed")


def write(batch: Batch, items: list[Item], names: Iterable[str]) -> int:
    """Write the fields `names` of locked records, and what plans at work want beside them; return how many were written."""
    store = storage(batch.snapshot, batch.object.name)
    return change(batch.tx, store, [item.image for item in items], names, pending(batch, items))


def pending(batch: Batch, items: list[Item]) -> list[dict[str, Any]]:
    """Return for each record what goes into columns that a plan is filling; nearly always nothing.

    Source: spec/metadata.md, section 8, "Open": every save fills them, so that the plan's own filling cannot race with writers.
    """
    snapshot, name = batch.snapshot, batch.object.name
    if name not in snapshot.pending:
        return []
    evaluation = Evaluation(batch)
    return [snapshot.pending_values(name, item.image, evaluation.context(item), batch.tx.connection) for item in items]


def settle_pending(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that brings roll-ups which plans are filling up to date; None while no plan is at work."""
    if not snapshot.pending:
        return None

    def settle(batch: Batch) -> None:
        images = [image for item in batch.live for image in (item.prior, item.image) if image is not None]
        snapshot.settle_pending(definition.name, images, batch.tx)

    return settle
