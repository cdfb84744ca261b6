"""The bell: what a person is told inside the app, until they have read it.

Here: `fs_notification`, putting a line in people's inboxes, reading, counting, marking as read.
Not here: the words (texts `notice.<kind>` of `i18n`), mails (`mail.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, delete, func, select, update

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.i18n import texts
from fieldstone.i18n.languages import fallbacks

NOTIFICATION = system_table(
    "notification",
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("params", JsonText, nullable=False),
    Column("object", PlainText),
    Column("record_id", Id),
    Column("link", PlainText),  # path inside the app
    Column("at", UtcMoment, nullable=False),
    Column("read_at", UtcMoment),
    Index("ix_fs_notification_user_id", "user_id", "read_at", "id"),
)

KEPT_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What somebody is told. `kind` has a text `notice.<kind>` in every language; kind "text" carries its own in `params`."""

    kind: str
    params: Mapping[str, Any]
    object: str | None = None
    record: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One line of an inbox, in its reader's language."""

    id: str
    kind: str
    text: str
    object: str | None
    record: str | None
    link: str | None
    at: datetime
    read: bool


def put(tx: Transaction, users: Iterable[str], notice: Notice) -> None:
    """Tell each of `users` once; it stands exactly if the transaction commits."""
    rows = [
        {
            "id": new_id(),
            "user_id": user,
            "kind": notice.kind,
            "params": dict(notice.params),
            "object": notice.object,
            "record_id": notice.record,
            "link": notice.link,
            "at": tx.now,
        }
        for user in dict.fromkeys(users)
    ]
    if rows:
        tx.connection.execute(NOTIFICATION.insert(), rows)


def unread(tx: Transaction, user: str, cap: int = 100) -> int:
    """Return how many lines are unread, counting no further than `cap`."""
    found = select(NOTIFICATION.c.id).where(NOTIFICATION.c.user_id == user, NOTIFICATION.c.read_at.is_(None)).limit(cap).subquery()
    return int(tx.connection.execute(select(func.count()).select_from(found)).scalar_one())


def page(tx: Transaction, user: str, language: str, *, before: str | None = None, limit: int = 50) -> Sequence[Notification]:
    """Return the newest lines of an inbox, those older than the line `before`."""
    found = select(NOTIFICATION).where(NOTIFICATION.c.user_id == user).order_by(NOTIFICATION.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(NOTIFICATION.c.id < before)
    return [
        Notification(
            id=row.id,
            kind=row.kind,
            text=wording(row.kind, row.params, language),
            object=row.object,
            record=row.record_id,
            link=row.link,
            at=row.at,
            read=row.read_at is not None,
        )
        for row in tx.connection.execute(found)
    ]


def mark_read(tx: Transaction, user: str, ids: Sequence[str] | None = None) -> int:
    """Mark these lines of the user's inbox as read, all of them without `ids`; return how many were not before."""
    mine = update(NOTIFICATION).where(NOTIFICATION.c.user_id == user, NOTIFICATION.c.read_at.is_(None))
    if ids is not None:
        mine = mine.where(NOTIFICATION.c.id.in_(list(ids)))
    return int(tx.connection.execute(mine.values(read_at=tx.now)).rowcount)


def purge(tx: Transaction) -> int:
    """Remove lines older than 90 days; return how many."""
    old = delete(NOTIFICATION).where(NOTIFICATION.c.at < tx.now - timedelta(days=KEPT_DAYS))
    return int(tx.connection.execute(old).rowcount)


def wording(kind: str, params: Mapping[str, Any], language: str) -> str:
    """Return the words of a notice in `language`; a parameter that is a text by language is chosen by it too."""
    chosen = {name: in_language(value, language) for name, value in params.items()}
    if kind == "text":
        return str(chosen.get("text", ""))
    return texts.text(f"notice.{kind}", language, **chosen)


def in_language(value: Any, language: str) -> Any:
    """Return the text for `language` of a value that is a text by language; any other value as it is."""
    if not isinstance(value, Mapping):
        return value
    return next((value[tag] for tag in fallbacks(language) if value.get(tag)), None) or next(iter(value.values()), "")
