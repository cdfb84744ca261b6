"""Step 16, the search index: the words of what was written can be found when the save commits."""

from __future__ import annotations

from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records import search
from fieldstone.records.changes import Action, Batch, Step


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if nothing of the object is searched, or the action moves no words."""
    fields = search.searched(definition)
    if not fields or action == "transfer":
        return None

    def keep(batch: Batch) -> None:
        match batch.action:
            case "create" | "restore":
                search.keep(batch.tx, definition, fields, [item.image for item in batch.live], new=True)
            case "delete":
                search.remove(batch.tx, fields, [item.id for item in batch.live])
            case "update":
                changed = {name: found for name, found in fields.items() if any(name in item.changed for item in batch.live)}
                if changed:
                    images = [item.image for item in batch.live if changed.keys() & item.changed]
                    search.keep(batch.tx, definition, changed, images, new=False)

    return keep
