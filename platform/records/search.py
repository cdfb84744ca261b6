"""The search index: the words of searchable fields, kept in the save's own transaction; what is saved is found at once.

Here: the table, keeping it, the condition that a record holds the words. Asking goes through the gate (`gate/find.py`).
Not here: what a word is (`tokens.py`).
SQLite keeps the tokens in FTS5 beside the table, PostgreSQL as a `tsvector` with positions; neither uses its own tokenizer's ideas.
Source: spec/data.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, bindparam, delete, event, insert, select, text
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import Id, PlainText
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.records.history import key
from fieldstone.records.tokens import Phrase, tokens

SEARCH = system_table(
    "search",
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("record", Id, nullable=False),
    Column("field", PlainText, nullable=False),  # definition id: stays when the field is renamed
    Column("tokens", PlainText().with_variant(TSVECTOR, "postgresql"), nullable=False),
)
Index("ix_fs_search_record", SEARCH.c.record)
Index("ix_fs_search_tokens", SEARCH.c.tokens, postgresql_using="gin").ddl_if(dialect="postgresql")

# What FTS5 finds is the row of the table; the triggers keep the two in step. Folding is ours, so its own is off.
for statement in (
    "CREATE VIRTUAL TABLE IF NOT EXISTS fs_search_text USING fts5"
    "(tokens, content='fs_search', content_rowid='row', detail='full', tokenize=\"unicode61 remove_diacritics 0\")",
    "CREATE TRIGGER IF NOT EXISTS fs_search_in AFTER INSERT ON fs_search BEGIN"
    " INSERT INTO fs_search_text(rowid, tokens) VALUES (new.row, new.tokens); END",
    "CREATE TRIGGER IF NOT EXISTS fs_search_out AFTER DELETE ON fs_search BEGIN"
    " INSERT INTO fs_search_text(fs_search_text, rowid, tokens) VALUES ('delete', old.row, old.tokens); END",
):
    event.listen(SEARCH, "after_create", DDL(statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]

INSERT = insert(SEARCH)
DELETE = delete(SEARCH).where(
    SEARCH.c.record.in_(bindparam("records", type_=Id, expanding=True)),
    SEARCH.c.field.in_(bindparam("fields", type_=PlainText, expanding=True)),
)
MATCH = text("SELECT rowid FROM fs_search_text WHERE fs_search_text MATCH :asked")
ALWAYS = frozenset({"email", "phone", "auto_number"})  # types that are searched unless the object's search is off


def searched(definition: ObjectDef) -> Mapping[str, FieldDef]:
    """Return the fields of an object whose words are found: its name, those marked searchable, keys, mail addresses and numbers."""
    if "search" not in definition.features:
        return {}
    return {
        name: found
        for name, found in definition.fields.items()
        if found.column is not None and (name == definition.name_field or found.searchable or found.external_id or found.type in ALWAYS)
    }


def keep(tx: Transaction, definition: ObjectDef, fields: Mapping[str, FieldDef], images: Sequence[Mapping[str, Any]], *, new: bool) -> None:
    """Bring the words of `fields` of these records into the index: one statement for new records, two for others."""
    if not new:
        remove(tx, fields, [image["id"] for image in images])
    rows = [
        {"record": image["id"], "field": key(found), "tokens": _stored(tx, found, definition, str(image[name]))}
        for image in images
        for name, found in fields.items()
        if image.get(name) is not None
    ]
    if rows:
        tx.connection.execute(INSERT, rows)


def remove(tx: Transaction, fields: Mapping[str, FieldDef], records: Iterable[str]) -> None:
    """Take records out of the index."""
    tx.connection.execute(DELETE, {"records": sorted(records), "fields": sorted(key(found) for found in fields.values())})


def _stored(tx: Transaction, found: FieldDef, definition: ObjectDef, value: str) -> str:
    words = tokens(value, name=found.name == definition.name_field)
    if not tx.on_postgresql:
        return " ".join(words)
    return " ".join(f"'{word}':{place}" for place, word in enumerate(words, start=1))  # a token has no quotation marks


def holding(tx: Transaction, phrase: Phrase, fields: Iterable[FieldDef]) -> ColumnElement[bool]:
    """Return the condition that a row of the index holds `phrase` in one of `fields`."""
    named = SEARCH.c.field.in_([key(found) for found in fields])
    if tx.on_postgresql:
        words = " <-> ".join(f"'{token}'" + (":*" if phrase.prefix and token is phrase.tokens[-1] else "") for token in phrase.tokens)
        return named & SEARCH.c.tokens.op("@@")(bindparam(None, words, type_=TSQUERY))
    asked = '"' + " ".join(phrase.tokens) + '"' + ("*" if phrase.prefix else "")
    rows = MATCH.bindparams(bindparam("asked", asked, unique=True)).columns(rowid=Integer)
    return named & SEARCH.c.row.in_(select(rows.subquery().c.rowid))
