"""Delete and restore: restrict, then set null, then cascade; and the way back.

Records that go along, and those whose lookup is cleared, pass the pipeline like every other change, on behalf of the one who deletes.
Source: spec/workflow.md, section 1 "Delete"; spec/metadata.md, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fieldstone.db.ids import new_id
from fieldstone.errors import Problem, Refused
from fieldstone.limits import CASCADE_RECORDS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Relation, Snapshot
from fieldstone.records import recycle_bin
from fieldstone.records.changes import Action, Batch, Cause, Change, Item, Step
from fieldstone.records.gate.sharing import reader
from fieldstone.records.gate.write import Pointing, lock, pointing
from fieldstone.records.principal import Principal
from fieldstone.records.recycle_bin import ClearedLookup, DeletedRecord

TOGETHER = "deletion"  # key in `Work.shared`: the command that all deletions of this transaction belong to
GOING = "going"  # key: ids that this command deletes; what goes along is written before what it belongs to
POINTING = "pointing"  # key: what points at the records of the batch that is being deleted
RESTORING = "restoring"  # key: ids that are being restored with one command


def refuse_blocked(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that looks what points at the records, and refuses what may not lose them; None if nothing can."""
    relations = snapshot.children(definition.name)
    if not relations:
        return None

    def refuse(batch: Batch) -> None:
        ids = {item.id for item in batch.live}
        found = pointing(batch.tx, batch.asking, relations, ids, CASCADE_RECORDS + 1) if ids else []
        if len(found) > CASCADE_RECORDS:
            raise Refused(Problem(code="limit_exceeded", params={"name": "cascade_records", "count": len(found), "limit": CASCADE_RECORDS}))
        for item in batch.live:
            _refuse(item, relations, [each for each in found if each.target == item.id and not _goes_too(batch, relations, each, ids)])
        batch.work.shared[POINTING, definition.name] = found

    return refuse


def _goes_too(batch: Batch, relations: tuple[Relation, ...], each: Pointing, ids: set[str]) -> bool:
    return relations[each.relation].child.name == batch.object.name and each.id in ids


def _refuse(item: Item, relations: tuple[Relation, ...], found: list[Pointing]) -> None:
    """Tell which children hold the record; of those that the principal cannot see only that there are some."""
    for index, relation in enumerate(relations):
        blocking = [each for each in found if each.relation == index]
        if blocking and relation.field.on_delete == "restrict":
            visible = sum(each.visible for each in blocking)
            code = "delete_restricted" if visible else "delete_restricted_unseen"
            item.refuse(code, pointer="", count=visible, child_object=relation.child.name if visible else "")


def take_along(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that clears lookups, deletes what goes along and writes the bin's books."""
    relations = snapshot.children(definition.name)

    def take(batch: Batch) -> None:
        chosen = TOGETHER not in batch.work.shared
        together = batch.work.shared.setdefault(TOGETHER, new_id())
        live = {item.id for item in batch.live}
        batch.work.shared.setdefault(GOING, set()).update(live)
        found = [each for each in batch.work.shared.pop((POINTING, definition.name), []) if each.target in live]
        found = [each for each in found if not _goes_too(batch, relations, each, live)]
        _clear(batch, together, relations, [each for each in found if relations[each.relation].field.on_delete == "set_null"])
        _cascade(batch, relations, [each for each in found if relations[each.relation].field.on_delete == "cascade"])
        rows = [DeletedRecord(record=item.id, object=definition.name, together=together, chosen=chosen) for item in batch.live]
        recycle_bin.note_deleted(batch.tx, rows, batch.principal.user_id)
        if chosen:
            del batch.work.shared[TOGETHER], batch.work.shared[GOING]

    return take


def on_behalf(principal: Principal) -> Principal:
    """Return the platform acting for `principal`: what a delete takes along needs no right of its own, but is stamped with their name."""
    return replace(principal, kind="internal", unrestricted=True)


def _save(batch: Batch, changes: list[Change]) -> None:
    if changes:
        assert batch.work.save_in is not None
        cause = batch.work.cause or Cause(kind="cascade", id=batch.items[0].id)
        batch.work.save_in(
            batch.tx, batch.snapshot, on_behalf(batch.principal), changes, channel=batch.work.channel, cause=cause, work=batch.work
        )


def _clear(batch: Batch, together: str, relations: tuple[Relation, ...], found: list[Pointing]) -> None:
    by_record: dict[tuple[str, str], dict[str, None]] = {}
    for each in found:
        relation = relations[each.relation]
        by_record.setdefault((relation.child.name, each.id), {})[relation.field.name] = None
    if not found:
        return
    rows = [
        ClearedLookup(
            object=relations[each.relation].child.name, record=each.id, field=relations[each.relation].field.name, target=each.target
        )
        for each in found
    ]
    recycle_bin.note_cleared(batch.tx, together, rows)
    changes = [
        Change(object=name, action="update", id=record, values=values, given="typed")
        for (name, record), values in sorted(by_record.items())
    ]
    _save(batch, changes)


def _cascade(batch: Batch, relations: tuple[Relation, ...], found: list[Pointing]) -> None:
    going = sorted({(relations[each.relation].child.name, each.id) for each in found})
    _save(batch, [Change(object=name, action="delete", id=record) for name, record in going])


def prepare_restore(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that refuses to restore a child whose master stays in the bin; None without a master."""
    masters = tuple(found for found in definition.fields.values() if found.type == "master_detail" and found.to is not None)
    if not masters:
        return None

    def prepare(batch: Batch) -> None:
        restoring = batch.work.shared.get(RESTORING, frozenset())
        for found in masters:
            assert found.to is not None
            above = {item.image[found.name] for item in batch.live if item.image.get(found.name) is not None} - restoring
            there = lock(batch.tx, batch.asking, snapshot.objects[found.to], above)
            for item in batch.live:
                parent = item.image.get(found.name)
                if parent is not None and parent not in there and parent not in restoring:
                    item.refuse("parent_deleted", field=found.name, target_object=found.to)

    return prepare


def link_again(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return the step that restores what went along and links again what the deletion cleared, where it is still blank."""
    return _link_again


def _link_again(batch: Batch) -> None:
    if RESTORING in batch.work.shared:  # somebody further up does it for all
        return
    roots = {item.id for item in batch.live}
    together = recycle_bin.deleted_together(batch.tx, roots)
    along = [each for each in together if each.record not in roots and not each.chosen and _same_command(together, roots, each)]
    every = roots | {each.record for each in along}
    batch.work.shared[RESTORING] = frozenset(every)
    _save(batch, [Change(object=each.object, action="restore", id=each.record) for each in sorted(along, key=lambda each: each.object)])
    _relink(batch, every)
    recycle_bin.forget(batch.tx, every)
    del batch.work.shared[RESTORING]


def _same_command(together: list[DeletedRecord], roots: set[str], each: DeletedRecord) -> bool:
    """What went along returns only with everything that was chosen in its command, so that no half of it comes back orphaned."""
    return any(root.together == each.together and root.chosen and root.record in roots for root in together)


def _relink(batch: Batch, restored: set[str]) -> None:
    cleared: dict[str, dict[str, dict[str, str]]] = {}
    for each in recycle_bin.cleared_by(batch.tx, restored):
        cleared.setdefault(each.object, {}).setdefault(each.record, {})[each.field] = each.target
    changes = []
    for name, records in sorted(cleared.items()):
        if name not in batch.snapshot.objects:
            continue
        changes += _still_blank(batch, name, records)
    _save(batch, changes)


def _still_blank(batch: Batch, name: str, records: Mapping[str, Mapping[str, str]]) -> list[Change]:
    definition = batch.snapshot.objects[name]
    there = lock(batch.tx, reader(batch.snapshot, on_behalf(batch.principal)), definition, records)
    changes = []
    for record, held in sorted(there.items()):
        values = {
            field: target for field, target in records[record].items() if field in definition.fields and held.image.get(field) is None
        }
        if values:
            changes.append(Change(object=name, action="update", id=record, values=values, given="typed"))
    return changes
