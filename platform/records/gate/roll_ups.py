"""Roll-up summaries computed by the database: stored ones for the save that writes them, live ones as part of a query.

Here: one aggregate per roll-up over the children that count. Not here: when a stored one is recomputed (`steps/derived.py`).
Source: spec/metadata.md, section 4 "Roll-up".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import Id
from fieldstone.db.transaction import Transaction
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.snapshot import RollUp
from fieldstone.records.gate import tables
from fieldstone.records.gate.expressions import Terms
from fieldstone.records.gate.sharing import Reader
from fieldstone.records.gate.sources import Sources
from fieldstone.records.gate.tables import marked

PARENTS = bindparam("parents", type_=Id, expanding=True)


def recompute(tx: Transaction, asking: Reader, roll_ups: Sequence[RollUp], parents: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the values of `roll_ups` (of one parent object) for each of `parents`: by id, by field. One statement per lookup."""
    values: dict[str, dict[str, Any]] = {parent: {each.field.name: of_no_rows(each.field) for each in roll_ups} for parent in parents}
    by_lookup: dict[tuple[str, str], list[RollUp]] = {}
    for each in roll_ups:
        by_lookup.setdefault((each.child.name, each.lookup.name), []).append(each)
    for key, group in sorted(by_lookup.items()):
        made_for = ("roll_up", key, tuple(each.field.name for each in group), tx.dialect)
        statement = asking.rights.compiled.get(made_for)
        if statement is None:  # filters of stored roll-ups look at neither clock nor person
            statement = asking.rights.compiled[made_for] = _statement(asking, group, Terms(tx, asking))
        for row in tx.connection.execute(statement, {"parents": list(parents)}):
            for index, each in enumerate(group):
                values[row[0]][each.field.name] = row[index + 1] if row[index + 1] is not None else of_no_rows(each.field)
    return values


def _statement(asking: Reader, group: Sequence[RollUp], terms: Terms) -> Select[Any]:
    child = group[0].child
    table = tables.table(asking.snapshot, child.name)
    sources = Sources(asking, child, table, terms, raw=True)
    holder = tables.column(table, group[0].lookup)
    columns = [aggregate(sources, each.field) for each in group]
    statement = (
        select(holder, *columns).select_from(sources.origin).where(holder.in_(PARENTS), table.c.deleted_at.is_(None)).group_by(holder)
    )
    return marked(statement, "roll_up")


def aggregate(sources: Sources, found: FieldDef) -> ColumnElement[Any]:
    """Return the aggregate of roll-up `found` over the rows of `sources`, which are its children."""
    counts: ColumnElement[bool] | None = None
    if found.filter is not None:
        counts = sources.condition(sources.asking.snapshot.expression(found.filter, sources.definition.name, "rollup_filter"))
    if found.function == "count":
        return func.count(literal(1) if counts is None else case((counts, 1)))
    field = sources.definition.field(found.field or "")
    assert field is not None
    value = sources.value((field.name,))
    counted = value if counts is None else case((counts, value))
    match found.function:
        case "min":
            return func.min(counted, type_=value.type)
        case "max":
            return func.max(counted, type_=value.type)
    return func.sum(counted, type_=value.type)


def live(sources: Sources, holder: Any, found: FieldDef) -> ColumnElement[Any]:
    """Return a live roll-up as a subquery on the children of the row whose id is `holder`."""
    assert found.relation is not None
    name, _, lookup = found.relation.partition(".")
    child = sources.asking.snapshot.objects[name]
    link = child.field(lookup)
    assert link is not None
    table = tables.table(sources.asking.snapshot, child.name).alias()
    inner = Sources(sources.asking, child, table, sources.terms, raw=True)
    value = aggregate(inner, found)
    condition = and_(tables.column(table, link) == holder, table.c.deleted_at.is_(None))
    result: ColumnElement[Any] = select(value).select_from(inner.origin).where(condition).correlate_except(*inner.tables).scalar_subquery()
    if found.function not in ("count", "sum"):
        return result
    if found.function == "sum":
        result = func.coalesce(result, literal(Decimal(0), value.type), type_=value.type)
    return case((holder.is_not(None), result))  # blank where there is no parent, 0 where one has no children


def of_no_rows(found: FieldDef) -> Any:
    """Return what a roll-up is without children: count and sum 0, the others blank."""
    return Decimal(0) if found.function in ("count", "sum") else None
