"""Who decided which leaf of a pack's document: what lets an upgrade keep the customer's changes.

Here: the rows of `fs_ownership`, written in the transaction of the publish that caused them, and reading them.
Not here: what a leaf is (`leaves`), merging packs (`packs/merge.py`).

No row: the pack owns the leaf. A leaf with a row counts as the org's even where its value equals the base: deriving ownership from
differences alone loses a decision when the vendor goes 1 → 2 → 1 around an org that chose 2.
Source: spec/packs.md, section 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from fieldstone.metadata.leaves import changed_leaves, leaves
from fieldstone.metadata.store import OWNERSHIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One leaf that somebody other than its pack decided: who, when, why, by which publish."""

    document: str
    definition: str
    leaf: str
    owner: str
    pinned: bool
    by: str | None
    at: datetime
    reason: str
    publish: int


def record(
    connection: Connection,
    *,
    definition: str,
    document: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    base: Mapping[str, Any],
    owner: str,
    author: str | None,
    at: datetime,
    reason: str,
    publish: int,
    undoes: int | None = None,
) -> None:
    """Note the leaves of a pack's document that `owner` changed from `before` to `after` (None: removed).

    `base` is the pack's own text. A publish that undoes another gives back what only that other one had decided.
    """
    changed = [change.pointer for change in changed_leaves(before, after)]
    if not changed:
        return
    kept = {row.leaf: row for row in connection.execute(select(OWNERSHIP).where(OWNERSHIP.c.definition == definition))}
    given_back: list[str] = []
    if undoes is not None:
        now, own = (leaves(after) if after is not None else {}), leaves(base)
        given_back = [leaf for leaf in changed if leaf in kept and kept[leaf].publish == undoes and now.get(leaf) == own.get(leaf)]
    _delete(connection, definition, [leaf for leaf in changed if leaf in kept])
    rows = [
        {
            "definition": definition,
            "leaf": leaf,
            "document": document,
            "owner": owner,
            "pinned": False,
            "by": author,
            "at": at,
            "reason": reason,
            "publish": publish,
        }
        for leaf in changed
        if leaf not in given_back
    ]
    if rows:
        connection.execute(insert(OWNERSHIP), rows)


def _delete(connection: Connection, definition: str, decided: Sequence[str]) -> None:
    for start in range(0, len(decided), 500):  # far below what one statement may bind
        some = decided[start : start + 500]
        connection.execute(delete(OWNERSHIP).where(OWNERSHIP.c.definition == definition, OWNERSHIP.c.leaf.in_(some)))


def decisions(connection: Connection, document: str | None = None) -> tuple[Decision, ...]:
    """Return what was decided here about packs' documents, or about one of them, by document and leaf."""
    wanted = select(OWNERSHIP).order_by(OWNERSHIP.c.document, OWNERSHIP.c.leaf)
    if document is not None:
        wanted = wanted.where(OWNERSHIP.c.document == document)
    return tuple(
        Decision(
            document=row.document,
            definition=row.definition,
            leaf=row.leaf,
            owner=row.owner,
            pinned=row.pinned,
            by=row.by,
            at=row.at,
            reason=row.reason,
            publish=row.publish,
        )
        for row in connection.execute(wanted)
    )
