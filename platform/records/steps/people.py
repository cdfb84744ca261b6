"""Step 13 for users: who changes what somebody may do, makes every principal that was loaded before out of date."""

from __future__ import annotations

from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Step
from fieldstone.records.principal import bump_epoch

RIGHTS = frozenset({"profile", "role", "active", "deleted_at"})


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None for every object but `user`."""
    return bump if definition.name == "user" and action != "create" else None


def bump(batch: Batch) -> None:
    """Move the epoch if rights of one of these users change."""
    if any(RIGHTS & item.changed for item in batch.live):
        bump_epoch(batch.tx.connection)
