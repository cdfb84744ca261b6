"""Keeps the search index in step with the metadata: a field made searchable is found in records that nobody saved since.

Here: which objects' fields the index has, and bringing the rest in.
Not here: the index (`search.py`), when to look (`workflow/housekeeping.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy import Column, select

from fieldstone.db.column_types import Id, PlainText
from fieldstone.db.insert import insert_new
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction, read, write
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.records.opening import open_for_writing
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.records.search import searched

INDEXED = system_table(
    "indexed",
    Column("object", Id, primary_key=True),  # id of its definition
    Column("fields", PlainText, nullable=False),  # digest of the fields whose words the index holds
)
BY = Principal.internal("search index")


def catch_up(records: Records, pause: Callable[[], None] = lambda: None) -> int:
    """Index every object whose searched fields are not those the index was made for; return how many records were read.

    `pause` is called between objects. Saves go on meanwhile: they write their own words.
    """
    done = 0
    for definition in _behind(records):
        done += records.reindex(definition.name)
        with write(records.engine) as tx:
            _note(tx, definition)
        pause()
    return done


def _behind(records: Records) -> list[ObjectDef]:
    with write(records.engine) as tx:
        snapshot, _ = open_for_writing(tx, records.holder, BY)
    with read(records.engine) as tx:
        known = {row.object: row.fields for row in tx.connection.execute(select(INDEXED))}
    return [each for each in snapshot.objects.values() if searched(each) and known.get(each.id) != _digest(each)]


def _digest(definition: ObjectDef) -> str:
    return hashlib.sha256(",".join(sorted(found.id for found in searched(definition).values())).encode()).hexdigest()


def _note(tx: Transaction, definition: ObjectDef) -> None:
    values = {"object": definition.id, "fields": _digest(definition)}
    if not insert_new(tx, INDEXED, values):
        tx.connection.execute(INDEXED.update().where(INDEXED.c.object == definition.id).values(fields=values["fields"]))
