"""Step 2: lock the rows in their order, keep the image before, refuse what is gone and what has moved on."""

from __future__ import annotations

from fieldstone.db.ids import new_id
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.gate.access import FULL
from fieldstone.records.gate.roll_ups import of_no_rows
from fieldstone.records.gate.write import lock
from fieldstone.records.steps import parents


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return the step: a new record gets its id, others are locked by id."""
    if action == "create":
        return begin
    live = parents.needs(snapshot, definition).live if action == "update" else ()
    return lambda batch: load(batch, live)


def begin(batch: Batch) -> None:
    """Give each new record its id and its stamps: defaults and rules may read them."""
    now, user = batch.now, batch.principal.user_id
    for item in batch.items:
        item.id = new_id()
        item.access = FULL
        item.image = {
            "id": item.id,
            "row_version": 1,
            "created_at": now,
            "created_by": user,
            "updated_at": now,
            "updated_by": user,
            "deleted_at": None,
            "deleted_by": None,
        }
        item.image |= {name: of_no_rows(batch.object.fields[name]) for name in parents.live_roll_ups(batch.object)}
        if "stamps" in item.change.options:
            _set_stamps(batch, item)


def _set_stamps(batch: Batch, item: Item) -> None:
    """Take over when a record was made, and by whom, from the system it comes from. Source: spec/data.md, section 1."""
    rights = batch.rights
    if not (rights.unrestricted or (rights.setup("import") and rights.setup("modify_all_data"))):
        item.refuse("field_forbidden", field="created_at", object=batch.object.name)
        return
    stamps = item.change.options["stamps"]
    item.image |= {"created_at": stamps["created_at"], "created_by": stamps.get("created_by")}
    item.image |= {"updated_at": item.image["created_at"], "updated_by": item.image["created_by"]}


def load(batch: Batch, live: tuple[str, ...] = ()) -> None:
    """Lock the records of the batch, with these roll-ups that are not stored; unknown and invisible records are told alike."""
    seen: set[str] = set()
    for item in batch.items:
        item.id = (item.change.id or "").lower()
        if item.id in seen:
            item.refuse("duplicate_in_batch", pointer="/id", own="duplicate_in_batch")
        seen.add(item.id)
    wanted = (item.id for item in batch.live)
    found = lock(batch.tx, batch.asking, batch.object, wanted, deleted=batch.action == "restore", live=live)
    for item in batch.live:
        locked = found.get(item.id)
        if locked is None:
            item.refuse("not_found", pointer="", own="not_found")
            continue
        item.prior, item.image, item.access = locked.image, dict(locked.image), locked.access
        if item.change.row_version is not None and item.change.row_version != locked.image["row_version"]:
            _conflict(batch, item)


def _conflict(batch: Batch, item: Item) -> None:
    """Somebody was faster: show both values of the given fields, as far as they may be read."""
    readable = batch.rights.readable(batch.object.name)
    current, given = {}, {}
    for name, value in item.change.values.items():
        found = batch.object.field(name)
        if found is not None and found.name in readable and found.name in item.image:
            current[found.name], given[found.name] = item.image[found.name], value
    item.conflict = (current, given)
    item.refuse("conflict", pointer="/row_version", own="conflict", row_version=item.image["row_version"])
