"""What a lookup's picker offers: visible records of its target by name, as far as the lookup's filter allows them.

Here: `candidates` for a lookup of a record being edited, `suggest` for any object. Not here: search over all objects (`find.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.metadata.field_types.keys import match_key
from fieldstone.records.gate import conditions, tables
from fieldstone.records.gate.sources import Sources
from fieldstone.records.gate.tables import marked
from fieldstone.records.query import Query, Reference

if TYPE_CHECKING:
    from fieldstone.records.gate.read import Gate


def candidates(gate: Gate, object_name: str, field: str, text: str, record: Mapping[str, Any], limit: int = 10) -> list[Reference]:
    """Return what the picker of a lookup offers: visible records of its target that its filter allows for `record`.

    `record`: typed values of the record being edited, by field; ids for lookups. People who are not active are left out where the
    field says so. Raises NotVisible for what is no lookup of this reader.
    """
    definition = gate.rights.object(object_name)
    found = definition.field(field)
    known = gate.rights.readable(definition.name) | gate.rights.editable(definition.name)
    if found is None or found.name not in known or found.type not in LOOKUPS or found.to is None:
        raise NotVisible(field)

    def allowed(sources: Sources) -> list[ColumnElement[bool]]:
        conditions_of = [] if found.filter is None else [conditions.lookup_filter(sources, definition, found, record)]
        if found.type == "user" and found.active_only:
            conditions_of.append(sources.value(("active",)))
        return conditions_of

    return suggest(gate, found.to, text, limit, allowed=allowed)


def suggest(
    gate: Gate,
    object_name: str,
    text: str,
    limit: int = 10,
    filter: str | Mapping[str, Any] | None = None,
    *,
    allowed: Callable[[Sources], list[ColumnElement[bool]]] | None = None,
) -> list[Reference]:
    """Return records whose name holds `text`, those that begin with it first; one statement. `allowed` adds conditions of our own."""
    definition = gate.rights.object(object_name)
    name = definition.name_fielddef
    table = tables.table(gate.snapshot, definition.name)
    sources = Sources(gate.asking, definition, table, gate.terms())
    compared = tables.key_column(table, name, "match")
    wanted = gate.wanted(sources, Query(object=definition.name, filter=filter)) + (allowed(sources) if allowed is not None else [])
    column = tables.column(table, name)
    key = match_key(text.strip()) or ""
    against = func.lower(column) if compared is None else compared
    if key:
        wanted.append(against.contains(key, autoescape=True))
    order = sources.sortable((name.name,))
    first = against.startswith(key, autoescape=True) if key else literal(True)
    statement = select(table.c.id, column).select_from(sources.origin).where(*wanted)
    statement = statement.order_by(case((first, 0), else_=1), order.asc().nulls_last(), table.c.id).limit(limit)
    rows = gate.tx.connection.execute(marked(statement, "suggest"), gate.asking.parameters)
    return [Reference(row[0], row[1], definition.name) for row in rows]
