"""Step 16, our part: field history of what changed, directly or through a child."""

from __future__ import annotations

from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records import history
from fieldstone.records.changes import Action, Batch, Step


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if neither the object nor what its roll-ups move keeps a history."""
    parents = {roll_up.parent.name: roll_up.parent for roll_up in snapshot.roll_ups(definition.name)}
    own = history.tracked(definition)
    if not own and not parents:
        return None

    def note(batch: Batch) -> None:
        if own and batch.action in ("update", "transfer"):
            for item in batch.live:
                assert item.prior is not None
                history.collect(batch, definition.name, own, item.id, item.prior, item.image)
        for each in batch.derived:
            history.collect(batch, each.object, history.tracked(batch.snapshot.objects[each.object]), each.id, each.prior, each.image)
        history.write(batch)

    return note
