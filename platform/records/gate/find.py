"""Global search: words over all objects the principal may read, in the fields they may read, of the records they may see.

Here: one statement over the index and the objects' tables, and its condition for one object. Not here: the index (`records/search.py`).
Order uses nothing hidden: name equal, name begins, all words in the name, elsewhere; then the latest first.
Source: spec/data.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, cast, func, literal, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import PlainText
from fieldstone.limits import SEARCH_HITS_AN_OBJECT
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types.keys import match_key
from fieldstone.records.gate import sharing, tables
from fieldstone.records.gate.sources import name_of
from fieldstone.records.gate.tables import marked
from fieldstone.records.query import Hit
from fieldstone.records.search import SEARCH, holding, searched
from fieldstone.records.tokens import Phrase, phrases

if TYPE_CHECKING:
    from fieldstone.records.gate.read import Gate

ELSEWHERE = 3  # tier of what holds the words in other fields than its name


def search(gate: Gate, text: str, objects: Iterable[str] | None = None, limit: int = SEARCH_HITS_AN_OBJECT) -> list[Hit]:
    """Return what holds every word of `text`, at most `limit` records of each object, in one statement. Nothing for no words."""
    words = phrases(text)
    if not any(not word.excluded for word in words):
        return []
    names = [gate.rights.object(name).name for name in objects] if objects is not None else sorted(gate.rights.visible_objects)
    arms = []
    for place, name in enumerate(names):
        definition = gate.snapshot.objects[name]
        fields = {field: found for field, found in searched(definition).items() if field in gate.rights.readable(name)}
        if fields:
            arms.append(_arm(gate, definition, place, list(fields.values()), words, text, limit))
    if not arms:
        return []
    every = union_all(*(select(arm.subquery()) for arm in arms)).subquery()
    statement = select(every).order_by(every.c.tier, every.c.place, every.c.moved.desc(), every.c.id)
    rows = gate.tx.connection.execute(marked(statement, "search"), gate.asking.parameters)
    return [Hit(object=names[row.place], id=row.id, name=row.name or "", tier=row.tier) for row in rows]


def _arm(
    gate: Gate, definition: ObjectDef, place: int, fields: Sequence[FieldDef], words: Sequence[Phrase], typed: str, limit: int
) -> Select[Any]:
    table = tables.table(gate.snapshot, definition.name)
    column = name_of(gate.asking, definition, table)
    tier = _tier(gate, definition, table, words, typed) if gate.rights.tells_names(definition) else literal(ELSEWHERE)
    wanted = _words(gate, table, words, fields)
    seen = sharing.condition(gate.asking, definition, table)
    if seen is not None:
        wanted.append(seen)
    statement = select(
        tier.label("tier"), literal(place).label("place"), table.c.id.label("id"), column.label("name"), table.c.updated_at.label("moved")
    )
    return statement.where(table.c.deleted_at.is_(None), *wanted).order_by(tier, table.c.updated_at.desc(), table.c.id).limit(limit)


def _tier(gate: Gate, definition: ObjectDef, table: Any, words: Sequence[Phrase], typed: str) -> ColumnElement[int]:
    name = definition.name_fielddef
    compared = tables.key_column(table, name, "match")
    if compared is None:
        compared = func.lower(cast(tables.column(table, name), PlainText))
    key = match_key(typed.strip()) or ""
    in_name = and_(*(_among(gate, table, word, [name]) for word in words if not word.excluded))
    return case((compared == key, 0), (compared.startswith(key, autoescape=True), 1), (in_name, 2), else_=ELSEWHERE)


def holds(gate: Gate, definition: ObjectDef, table: Any, text: str) -> ColumnElement[bool] | None:
    """Return the condition that a row of `table` would be found by searching for `text`; None where nothing can be looked for."""
    words = phrases(text)
    fields = [found for name, found in searched(definition).items() if name in gate.rights.readable(definition.name)]
    if not fields or all(word.excluded for word in words):
        return None
    return and_(*_words(gate, table, words, fields))


def _words(gate: Gate, table: Any, words: Sequence[Phrase], fields: Sequence[FieldDef]) -> list[ColumnElement[bool]]:
    return [~_among(gate, table, word, fields) if word.excluded else _among(gate, table, word, fields) for word in words]


def _among(gate: Gate, table: Any, word: Phrase, fields: Sequence[FieldDef]) -> Any:
    return table.c.id.in_(select(SEARCH.c.record).where(holding(gate.tx, word, fields)).scalar_subquery())
