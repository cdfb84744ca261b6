"""Step 14: roll-ups and the stored formulas that read them, upward, level by level.

Parents are locked by id first and recomputed in a statement that begins after the lock, so that children others have committed
meanwhile count. Parents that do not differ are not written.
Source: spec/workflow.md, section 1; spec/metadata.md, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fieldstone.errors import Problem, Refused
from fieldstone.limits import DERIVED_LEVELS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import RollUp, Snapshot
from fieldstone.records.changes import Action, Batch, Change, Derived, Item, Step
from fieldstone.records.evaluation import Evaluation, fit
from fieldstone.records.gate.roll_ups import recompute
from fieldstone.records.gate.sharing import Reader, reader
from fieldstone.records.gate.storage import storage
from fieldstone.records.gate.write import Locked, lock
from fieldstone.records.look_up import LookUp
from fieldstone.records.principal import Principal
from fieldstone.records.steps import deletion, formulas, parents, validation_rules, write

ROLL_UP = Principal.internal("roll_up")


@dataclass(frozen=True)
class Moved:
    """One record that changed: its images (None: it was not there, or is not any more), and which records of the call caused it."""

    prior: Mapping[str, Any] | None
    image: Mapping[str, Any] | None
    changed: frozenset[str]
    causes: frozenset[int]  # indexes of items of the batch


@dataclass
class Touched:
    """A parent whose roll-ups may differ."""

    causes: set[int] = field(default_factory=set)


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if no roll-up looks at the object, and it has none of its own to restore."""
    above = snapshot.roll_ups(definition.name)
    own = own_roll_ups(snapshot, definition) if action == "restore" else ()
    if not above and not own:
        return None

    def derive(batch: Batch) -> None:
        asking = reader(batch.snapshot, ROLL_UP)
        if own:
            ids = {item.id: Touched({item.index}) for item in batch.live}
            _recompute_parents(batch, asking, definition, own, ids, 1)
        climb(batch, asking, definition, [_moved(batch, item) for item in batch.live], 1)

    return derive


def own_roll_ups(snapshot: Snapshot, definition: ObjectDef) -> tuple[RollUp, ...]:
    """Return the stored roll-ups that the object itself has."""
    children = {relation.child.name for relation in snapshot.children(definition.name)}
    return tuple(roll_up for child in sorted(children) for roll_up in snapshot.roll_ups(child) if roll_up.parent.name == definition.name)


def _moved(batch: Batch, item: Item) -> Moved:
    gone, back = batch.action == "delete", batch.action == "restore"
    return Moved(None if back else item.prior, None if gone else item.image, frozenset(item.changed), frozenset({item.index}))


def climb(batch: Batch, asking: Reader, definition: ObjectDef, moved: list[Moved], level: int) -> None:
    """Bring the parents of what `moved` up to date, then theirs."""
    by_parent: dict[str, tuple[list[RollUp], dict[str, Touched]]] = {}
    for roll_up in batch.snapshot.roll_ups(definition.name):
        touched = _touched(asking, roll_up, moved)
        if touched:
            roll_ups, ids = by_parent.setdefault(roll_up.parent.name, ([], {}))
            roll_ups.append(roll_up)
            for parent, causes in touched.items():
                ids.setdefault(parent, Touched()).causes.update(causes)
    for name, (roll_ups, ids) in sorted(by_parent.items()):
        if level > DERIVED_LEVELS:
            raise Refused(Problem(code="limit_exceeded", params={"name": "derived_levels", "count": level, "limit": DERIVED_LEVELS}))
        _recompute_parents(batch, asking, batch.snapshot.objects[name], tuple(roll_ups), ids, level)


def _touched(asking: Reader, roll_up: RollUp, moved: Iterable[Moved]) -> dict[str, set[int]]:
    """Parents whose `roll_up` may differ: those of records that came, went, moved over, or changed in what it reads."""
    reads = reads_of(asking.snapshot, roll_up)
    lookup = roll_up.lookup.name
    found: dict[str, set[int]] = {}
    for each in moved:
        if each.prior is not None and each.image is not None and not reads & each.changed:
            continue
        for image in (each.prior, each.image):
            parent = image.get(lookup) if image is not None else None
            if parent is not None:
                found.setdefault(parent, set()).update(each.causes)
    return found


def reads_of(snapshot: Snapshot, roll_up: RollUp) -> frozenset[str]:
    """Return the fields of the child that a roll-up reads, its lookup included."""
    found = {roll_up.lookup.name}
    if roll_up.field.field is not None:
        found.add(roll_up.field.field)
    if roll_up.field.filter is not None:
        found |= {path[0] for path in snapshot.expression(roll_up.field.filter, roll_up.child.name, "rollup_filter").reads}
    return frozenset(found)


def _recompute_parents(
    batch: Batch, asking: Reader, definition: ObjectDef, roll_ups: tuple[RollUp, ...], ids: Mapping[str, Touched], level: int
) -> None:
    live = parents.needs(batch.snapshot, definition).live
    staying = ids.keys() - batch.work.shared.get(deletion.GOING, frozenset())
    locked = lock(batch.tx, asking, definition, staying, live=live)  # parents in the recycle bin are brought up to date when they come back
    if not locked:
        return
    values = recompute(batch.tx, asking, roll_ups, sorted(locked))
    items = _differing(batch, asking, definition, locked, values, ids)
    if not items:
        return
    # Judged and written for the one who saves: rules ask for their permissions, messages show what they may read.
    above = Batch(tx=batch.tx, asking=batch.asking, object=definition, action="update", items=items, work=batch.work)
    _judge(batch, above, ids)
    if any(item.problems for item in items):
        return
    _write(batch, above)
    moved = [Moved(item.prior, item.image, frozenset(item.changed), frozenset(ids[item.id].causes)) for item in items]
    climb(batch, asking, definition, moved, level + 1)


def _differing(
    batch: Batch,
    asking: Reader,
    definition: ObjectDef,
    locked: Mapping[str, Locked],
    values: Mapping[str, Mapping[str, Any]],
    ids: Mapping[str, Touched],
) -> list[Item]:
    """The parents in which a roll-up has another value now, with their stored formulas computed anew."""
    computed = formulas.formulas_of(batch.snapshot, definition)
    stored = tuple(storage(batch.snapshot, definition.name).fields)
    evaluation = Evaluation(Batch(tx=batch.tx, asking=asking, object=definition, action="update", items=[], work=batch.work))
    items = []
    for parent, held in sorted(locked.items()):
        item = Item(min(ids[parent].causes), Change(object=definition.name, action="update", id=parent), id=parent)
        item.prior, item.image, item.access = held.image, dict(held.image), held.access
        for name, value in values[parent].items():
            item.image[name] = fit(definition.fields[name], value)
        if any(item.image[name] != held.image.get(name) for name in values[parent]):
            formulas.compute(computed, item, evaluation)
            item.changed = formulas.differences(stored, item.prior, item.image)
            items.append(item)
    return items


def _judge(batch: Batch, above: Batch, ids: Mapping[str, Touched]) -> None:
    """Ask the parents' rules that read what differs; what they have against it is told at the records that caused it."""
    changed = set().union(*(item.changed for item in above.items))
    rules = validation_rules.rules_of(above.snapshot, above.object, changed)
    if not rules:
        return
    parents.look_up(above, parents.needs(above.snapshot, above.object))
    saving = replace(above, asking=batch.asking)  # $User and $Permission are those of who saves
    evaluation = Evaluation(saving, LookUp(saving))
    for item in above.items:
        validation_rules.ask(rules, saving, item, evaluation)
        for cause in batch.items:
            if item.problems and cause.index in ids[item.id].causes:
                cause.code = cause.code or item.code
                cause.problems += [Problem(code=p.code, params=p.params, rule=p.rule, message=p.message, pointer="") for p in item.problems]


def _write(batch: Batch, above: Batch) -> None:
    now, user = batch.now, batch.principal.user_id
    for item in above.items:
        item.image |= {"row_version": item.image["row_version"] + 1, "updated_at": now, "updated_by": user}
    names = set().union(*(item.changed for item in above.items))
    write.write(above, above.items, names)
    for item in above.items:
        _note(batch, above.object.name, item)


def _note(batch: Batch, object_name: str, item: Item) -> None:
    """Add the difference to the batch's; a record that is met twice counts from its first image to its last."""
    assert item.prior is not None
    for index, each in enumerate(batch.derived):
        if (each.object, each.id) == (object_name, item.id):
            changed = each.changed | item.changed
            batch.derived[index] = Derived(
                object=object_name,
                id=item.id,
                prior=each.prior,
                image=item.image,
                changed=frozenset(changed),
                row_version=item.image["row_version"],
            )
            return
    batch.derived.append(
        Derived(
            object=object_name,
            id=item.id,
            prior=item.prior,
            image=item.image,
            changed=frozenset(item.changed),
            row_version=item.image["row_version"],
        )
    )
