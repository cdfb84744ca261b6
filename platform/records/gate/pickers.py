"""What a lookup's picker offers: visible records of its target by name or another searched field, as far as the lookup's filter allows.

Here: `candidates` for a lookup of a record being edited, `suggest` for any object. Not here: search over all objects (`find.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.field_types.keys import match_key
from fieldstone.records.gate import conditions, find, tables
from fieldstone.records.gate.names import Named
from fieldstone.records.gate.projection import Projection, needed_columns
from fieldstone.records.gate.sources import Sources, name_of
from fieldstone.records.gate.tables import marked
from fieldstone.records.query import Candidate, Query

if TYPE_CHECKING:
    from fieldstone.records.gate.read import Gate

TIER, SORTED = "_tier", "_sorted"  # no column begins like that


def candidates(
    gate: Gate, object_name: str, field: str, text: str, record: Mapping[str, Any], limit: int = 10, tells: Sequence[str] = ()
) -> list[Candidate]:
    """Return what the picker of a lookup offers: visible records of its target that its filter allows for `record`.

    `record`: typed values of the record being edited, by field; ids for lookups. People who are not active are left out where the
    field says so. `tells`: see `suggest`. Raises NotVisible for what is no lookup of this reader.
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

    return suggest(gate, found.to, text, limit, tells=tells, allowed=allowed)


def suggest(
    gate: Gate,
    object_name: str,
    text: str,
    limit: int = 10,
    filter: str | Mapping[str, Any] | None = None,
    *,
    tells: Sequence[str] = (),
    allowed: Callable[[Sources], list[ColumnElement[bool]]] | None = None,
) -> list[Candidate]:
    """Return records whose name holds `text`, those that begin with it first, then those that a search for it finds; one statement.

    `tells`: fields to read along, of the object itself; those that the principal may not read are left out. `allowed` adds conditions
    of our own.
    """
    definition = gate.rights.object(object_name)
    name, told = definition.name_fielddef, gate.rights.tells_names(definition)
    table = tables.table(gate.snapshot, definition.name)
    sources = Sources(gate.asking, definition, table, gate.terms())
    compared = tables.key_column(table, name, "match") if told else None
    wanted = gate.wanted(sources, Query(object=definition.name, filter=filter)) + (allowed(sources) if allowed is not None else [])
    key = match_key(text.strip()) or ""
    against = func.lower(name_of(gate.asking, definition, table)) if compared is None else compared
    tier: ColumnElement[int] = literal(0)
    if key:
        named, begun = against.contains(key, autoescape=True), against.startswith(key, autoescape=True)
        elsewhere = find.holds(gate, definition, table, text)
        wanted.append(named if elsewhere is None else or_(named, elsewhere))
        tier = case((begun, 0), (named, 1), else_=2)
    readable = gate.rights.readable(definition.name)
    shown = tuple(Named((each.name,), each, definition) for each in _fields(definition, tells) if each.name in readable)
    kept = [table.c[column] for column in sorted(needed_columns(gate.asking, definition, shown) | {tables.column(table, name).name})]
    places = (tier.label(TIER), (sources.sortable((name.name,)) if told else name_of(gate.asking, definition, table)).label(SORTED))
    inner = select(*kept, *places).select_from(sources.origin).where(*wanted)
    rows = inner.order_by(places[0], places[1].asc().nulls_last(), table.c.id).limit(limit).subquery("offered")
    outer = Sources(gate.asking, definition, rows, sources.terms)  # what is read along is computed for those that are offered alone
    projection = Projection(outer, shown)
    statement = select(rows.c.id, name_of(gate.asking, definition, rows), *projection.columns).select_from(outer.origin)
    statement = statement.order_by(rows.c[TIER], rows.c[SORTED].asc().nulls_last(), rows.c.id)
    found = gate.tx.connection.execute(marked(statement, "suggest"), gate.asking.parameters).all()
    records = [projection.record(row, 2) for row in found]
    projection.name(records, gate.names)
    return [Candidate(id=row[0], name=row[1], tells=record) for row, record in zip(found, records, strict=True)]


def _fields(definition: ObjectDef, names: Sequence[str]) -> list[FieldDef]:
    return [found for name in names if (found := definition.field(name)) is not None]
