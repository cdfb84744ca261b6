"""What saves of users mean for rights: the last who manages security stays; changed rights make loaded principals out of date.

Here: the steps of the object `user` before and after the write. Not here: giving rights (`auth/users.py`), what they mean
(`gate/access.py`).
Source: spec/security.md, section 2.
"""

from __future__ import annotations

from dataclasses import replace

from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.gate.access import rights
from fieldstone.records.gate.people import principal_of, select_principal
from fieldstone.records.principal import Principal, bump_epoch

RIGHTS = frozenset({"profile", "role", "active", "deleted_at"})
SECURITY = "manage_security"


def keep_security(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that refuses to lose everybody who manages security; None for every object but `user`."""
    return _refuse_losing_all if definition.name == "user" else None


def _refuse_losing_all(batch: Batch) -> None:
    concerned = [item for item in batch.live if batch.action == "delete" or {"active", "profile"} & item.changed]
    if not concerned:
        return
    people = [principal_of(row) for row in batch.tx.connection.execute(select_principal())]
    managers = {each.user_id: each for each in people if _manages(batch.snapshot, each)}
    losing = [item for item in concerned if item.id in managers and not _still(batch, item, managers[item.id])]
    if losing and len(losing) == len(managers):
        for item in losing:
            item.refuse("last_security_manager", pointer="")


def _still(batch: Batch, item: Item, person: Principal) -> bool:
    """Whether the person manages security after the save too."""
    if batch.action == "delete" or not item.image.get("active"):
        return False
    return _manages(batch.snapshot, replace(person, profile=item.image.get("profile")))


def _manages(snapshot: Snapshot, person: Principal) -> bool:
    return rights(snapshot, person).setup(SECURITY)


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step after the write; None for every object but `user`."""
    return bump if definition.name == "user" and action != "create" else None


def bump(batch: Batch) -> None:
    """Move the epoch if rights of one of these users change."""
    if any(RIGHTS & item.changed for item in batch.live):
        bump_epoch(batch.tx.connection)
