"""The history of an approval: events in a chain, each sealed with the hash of the one before.

Here: `Event`, its hash, verifying a chain, the rows of `fs_approval_event` and of comments.
Not here: which events a command writes (`commands.py`), showing them (`panel.py`).

A comment is stored apart with a random salt and enters the chain as a hash, so that erasing personal data keeps the chain valid.
Source: spec/workflow.md, section 18.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, Integer, select

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.db.triggers import on_create

EVENT = system_table(
    "approval_event",
    Column("instance_id", Id, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", PlainText, nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("actor", Id),
    Column("acted_for", Id),
    Column("identity", PlainText, nullable=False),
    Column("channel", PlainText, nullable=False),
    Column("round", Integer, nullable=False),
    Column("node", PlainText),
    Column("visit_id", Id),
    Column("task_id", Id),
    Column("evidence_hash", PlainText),
    Column("version", PlainText, nullable=False),
    Column("comment_hash", PlainText),
    Column("data", JsonText, nullable=False),
    Column("previous", PlainText, nullable=False),
    Column("hash", PlainText, nullable=False),
)
COMMENT = system_table(
    "approval_comment",
    Column("instance_id", Id, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("salt", PlainText, nullable=False),
    Column("text", PlainText, nullable=False),
)

# Append-only by the database itself, whoever is connected.
for _what in ("UPDATE", "DELETE"):
    _name = f"fs_approval_event_no_{_what.lower()}"
    on_create(
        EVENT,
        sqlite=f"CREATE TRIGGER {_name} BEFORE {_what} ON fs_approval_event BEGIN SELECT RAISE(ABORT, 'append-only'); END",
        postgresql=(
            "CREATE OR REPLACE FUNCTION fs_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$body$ BEGIN RAISE EXCEPTION 'append-only'; END $body$",
            f"CREATE TRIGGER {_name} BEFORE {_what} ON fs_approval_event FOR EACH ROW EXECUTE FUNCTION fs_append_only()",
        ),
    )

FIRST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to an approval: who, for whom, in what capacity, when, on what evidence."""

    instance_id: str
    seq: int  # from 1, without gaps
    kind: str  # "submitted", "entered", "skipped", "approved", "rejected", "transferred", "recalled", "finished", …
    at: datetime
    actor: str | None
    acted_for: str | None = None
    identity: str = "user"  # "user", "forced", "system:auto_submit", "system:dedupe", "system:empty", "system:engine"
    channel: str
    round: int
    node: str | None = None
    visit_id: str | None = None
    task_id: str | None = None
    evidence_hash: str | None = None
    version: str  # hash of the process the instance runs on
    comment_hash: str | None = None
    data: Mapping[str, Any]
    previous: str = FIRST
    hash: str = ""


SEALED = tuple(each.name for each in fields(Event) if each.name != "hash")


def sealed(happened: Event, previous: str) -> Event:
    """Return `happened` linked to the event whose hash is `previous`, with its own hash."""
    linked = replace(happened, previous=previous)
    return replace(linked, hash=hash_of(linked))


def hash_of(happened: Event) -> str:
    """Return the hash of an event: SHA-256 of its canonical text, all fields, the time in microseconds as text."""
    values: dict[str, Any] = {name: getattr(happened, name) for name in SEALED}
    values["at"] = happened.at.isoformat(timespec="microseconds")
    values["data"] = dict(happened.data)
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


def comment_hash(salt: str, text: str) -> str:
    """Return what stands in the chain for a comment."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def verify(events: Iterable[Event]) -> str | None:
    """Return what is wrong with a chain, None if nothing is: a gap, a link to another event, a changed field."""
    previous, expected = FIRST, 1
    for each in events:
        if each.seq != expected:
            return f"event {expected} is missing"
        if each.previous != previous:
            return f"event {each.seq} does not follow event {each.seq - 1}"
        if each.hash != hash_of(each):
            return f"event {each.seq} was changed"
        previous, expected = each.hash, expected + 1
    return None


def append(tx: Transaction, happened: Iterable[Event], comment: str | None = None) -> None:
    """Write events of one instance at the end of its chain; the caller holds the instance's lock.

    Their `seq` is given here. `comment` belongs to the first of them.
    """
    waiting = list(happened)
    if not waiting:
        return
    instance = waiting[0].instance_id
    head = tx.connection.execute(
        select(EVENT.c.seq, EVENT.c.hash).where(EVENT.c.instance_id == instance).order_by(EVENT.c.seq.desc()).limit(1)
    ).first()
    seq, previous = (head.seq, head.hash) if head is not None else (0, FIRST)
    rows = []
    for place, each in enumerate(waiting):
        seq += 1
        salt = secrets.token_hex(16)
        text = comment if place == 0 and comment else None
        if text is not None:
            tx.connection.execute(COMMENT.insert().values(instance_id=instance, seq=seq, salt=salt, text=text))
        linked = sealed(replace(each, seq=seq, comment_hash=comment_hash(salt, text) if text is not None else None), previous)
        previous = linked.hash
        rows.append({each.name: getattr(linked, each.name) for each in fields(Event)} | {"data": dict(linked.data)})
    tx.connection.execute(EVENT.insert(), rows)


def chain(tx: Transaction, instance_id: str) -> tuple[Event, ...]:
    """Return the events of one instance in order."""
    rows = tx.connection.execute(select(EVENT).where(EVENT.c.instance_id == instance_id).order_by(EVENT.c.seq)).mappings()
    return tuple(Event(**row) for row in rows)


def comments(tx: Transaction, instance_id: str) -> Mapping[int, str]:
    """Return the comments of one instance by the number of their event."""
    rows = tx.connection.execute(select(COMMENT.c.seq, COMMENT.c.text).where(COMMENT.c.instance_id == instance_id))
    return {row.seq: row.text for row in rows}


def verify_all(tx: Transaction) -> Mapping[str, str]:
    """Return the broken chains of the org: instance id → what is wrong, comments that no longer match their hash included."""
    broken: dict[str, str] = {}
    for instance_id in tx.connection.execute(select(EVENT.c.instance_id).distinct()).scalars():
        events = chain(tx, instance_id)
        wrong = verify(events) or _changed_comment(tx, instance_id, events)
        if wrong is not None:
            broken[instance_id] = wrong
    return broken


def _changed_comment(tx: Transaction, instance_id: str, events: tuple[Event, ...]) -> str | None:
    hashes = {each.seq: each.comment_hash for each in events}
    for row in tx.connection.execute(select(COMMENT).where(COMMENT.c.instance_id == instance_id)):
        if comment_hash(row.salt, row.text) != hashes.get(row.seq):
            return f"the comment of event {row.seq} was changed"
    return None
