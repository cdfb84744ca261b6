"""Columns that a plan is filling: what a save writes into them before anybody sees them.

Here: which columns they are, and their values for one record that is being saved.
Not here: filling the records that nobody saves meanwhile (`fills`), asking for it (the save pipeline, through the snapshot).
Source: spec/metadata.md, section 8, "Open".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from fieldstone import rules
from fieldstone.db.transaction import Transaction
from fieldstone.metadata import changes as change_sets
from fieldstone.metadata.ddl import column_values
from fieldstone.metadata.definitions import ObjectDef
from fieldstone.metadata.fills import OLD, evaluated, never_blank, value_of, write_roll_ups
from fieldstone.metadata.origins import Origin
from fieldstone.metadata.plan import Given, outline
from fieldstone.metadata.snapshot import Snapshot


def proposals(snapshot: Snapshot) -> tuple[tuple[Snapshot, tuple[Origin, ...]], ...]:
    """Return, for each plan at work, the snapshot it leads to and the columns it is filling (for `Snapshot.once`)."""
    found = []
    for plan in snapshot.stored.plans:
        outlined = outline(snapshot, change_sets.from_json({**plan.changes, "based_on": {}}), Given.from_json(plan.given))
        found.append((outlined.proposed, outlined.transition.origins))
    return tuple(found)


def origins(snapshot: Snapshot) -> dict[str, tuple[Origin, ...]]:
    """Return the columns being filled by API name of their object today (for `Snapshot.once`)."""
    found: dict[str, tuple[Origin, ...]] = {}
    names = {definition.id: definition.name for definition in snapshot.objects.values()}
    for proposed, filled in snapshot.once(proposals):
        for origin in filled:
            name = names.get(proposed.objects[origin.object].id)
            if name is not None:
                found[name] = (*found.get(name, ()), origin)
    return found


def values(
    snapshot: Snapshot, definition: ObjectDef, image: Mapping[str, object], context: rules.Context, connection: Connection
) -> dict[str, object]:
    """Return the values of the hidden columns of one record, by physical name; those of roll-ups are their own step's."""
    found: dict[str, object] = {}
    for proposed, filled in snapshot.once(proposals):
        after = next((other for other in proposed.objects.values() if other.id == definition.id), None)
        if after is None:
            continue
        seen = dict(image)
        names = {made.id: made.name for made in after.fields.values()}
        seen |= {names[made.id]: image.get(made.name) for made in definition.fields.values() if made.id in names}
        for origin in filled:
            if origin.object != after.name or origin.how == "roll_up":
                continue
            if origin.old is not None:
                seen[OLD + origin.field.name] = image.get(origin.old.name)
            value = evaluated(value_of(connection, proposed, origin), seen, context)
            seen[origin.field.name] = value
            found |= column_values(origin.field, never_blank(origin.field, value))
    return found


def settle(snapshot: Snapshot, child: ObjectDef, images: Iterable[Mapping[str, object]], transaction: Transaction) -> None:
    """Compute anew the roll-ups being filled that count records of `child`, for the parents that `images` name."""
    some = list(images)
    for proposed, filled in snapshot.once(proposals):
        for origin in filled:
            if origin.how != "roll_up":
                continue
            relation = proposed.relation(origin.object, origin.field.relation or "")
            if relation is None or relation.child.id != child.id:
                continue
            today = next((made.name for made in child.fields.values() if made.id == relation.field.id), relation.field.name)
            parents = sorted({str(image[today]) for image in some if image.get(today) is not None})
            if parents:
                write_roll_ups(transaction, proposed, origin, parents)
