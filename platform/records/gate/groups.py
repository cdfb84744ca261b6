"""Sums and groups over all records that a query finds, computed by the database in one statement.

Here: `aggregate`, one function per kind of group and aggregate. Not here: which records count (`read.py`), reports.
Source: spec/api.md, section 3 "group"; sums are exact decimals, an average is the exact sum by the count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.limits import GROUP_ROWS
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.records.gate import conditions, tables
from fieldstone.records.gate.expressions import NUMERIC, bucket
from fieldstone.records.gate.names import Named, resolve
from fieldstone.records.gate.projection import queue_names
from fieldstone.records.gate.sources import Sources, name_of
from fieldstone.records.gate.tables import marked
from fieldstone.records.query import HIDDEN, Group, Query, Reference

if TYPE_CHECKING:
    from fieldstone.records.gate.read import Gate

FUNCTIONS = ("count", "count_distinct", "sum", "avg", "min", "max")


@dataclass(frozen=True)
class Grouped:
    """One group: its columns, what it is ordered by, and the value of its cells."""

    key: str
    columns: list[ColumnElement[Any]]
    order: ColumnElement[Any]
    value: Callable[[Sequence[Any]], Any]


def _aggregate_row(
    row: Sequence[Any], grouped: list[Grouped], aggregates: Mapping[str, tuple[list[Any], Callable[[Sequence[Any]], Any]]]
) -> dict[str, Any]:
    made, at = {}, 0
    for group in grouped:
        made[group.key] = group.value(row[at : at + len(group.columns)])
        at += len(group.columns)
    for name, (columns, value) in aggregates.items():
        made[name] = value(row[at : at + len(columns)])
        at += len(columns)
    return made


def aggregate(gate: Gate, query: Query, by: tuple[Group, ...], wanted: Mapping[str, tuple[str, str | None]]) -> list[dict[str, Any]]:
    definition = gate.rights.object(query.object)
    query = gate.with_view(definition, query)
    table = tables.table(gate.snapshot, definition.name)
    sources = Sources(gate.asking, definition, table, gate.terms())
    grouped = [_grouped(gate, sources, each, index) for index, each in enumerate(by)]
    aggregates = {name: _aggregated(gate, sources, name, *each) for name, each in wanted.items()}
    columns = [column for group in grouped for column in group.columns] + [column for each in aggregates.values() for column in each[0]]
    conditions_met = gate.wanted(sources, query)  # first: a condition over a parent joins it to the origin
    statement = select(*columns).select_from(sources.origin).where(*conditions_met)
    if grouped:
        keys = [column for group in grouped for column in group.columns]
        ordered = [group.order.asc().nulls_last() for group in grouped]
        statement = statement.group_by(*keys, *(group.order for group in grouped)).order_by(*ordered).limit(GROUP_ROWS + 1)
    rows = gate.tx.connection.execute(marked(statement, "groups"), gate.asking.parameters).all()
    if len(rows) > GROUP_ROWS:
        raise Refused(Problem(code="too_expensive", params={"limit": GROUP_ROWS}), code="too_expensive")
    return [_aggregate_row(row, grouped, aggregates) for row in rows]


def _grouped(gate: Gate, sources: Sources, group: Group, index: int) -> Grouped:
    named = resolve(gate.asking, sources.definition, group.field, pointer=f"/group/{index}")
    value = sources.value(named.path)
    kind = named.field.result_type
    if group.by != "value":
        if kind not in ("date", "datetime"):
            raise Refused(Problem(code="not_in_periods", params={"field": named.name}, pointer=f"/group/{index}"), code="invalid_filter")
        day = value if kind == "date" else conditions.local_day(sources, named)
        cut = bucket(day, group.by, gate.tx.dialect)
        return Grouped(group.key, [cut], cut, lambda row: row[0])
    if named.field.type in LOOKUPS or named.field.name == "owner":
        return _grouped_reference(gate, sources, group, named, value)
    return Grouped(group.key, [value], sources.sortable(named.path), lambda row: row[0])


def _grouped_reference(gate: Gate, sources: Sources, group: Group, named: Named, value: ColumnElement[Any]) -> Grouped:
    target = gate.snapshot.objects[named.field.to or "user"]
    person = named.field.system
    if not person and target.name not in gate.rights.visible_objects:
        raise NotVisible(target.name)
    value = value if person else sources.reference(named.path)
    _, alias = sources.parent(named.path, open_to_all=person)
    name = name_of(gate.asking, target, alias)
    queues = queue_names(gate.snapshot, gate.principal.language)

    def made(row: Sequence[Any]) -> Reference | None:
        if row[0] is None:
            return None
        if row[2] is not None:
            return Reference(row[0], row[1], target.name)
        return Reference(row[0], queues[row[0]], "queue") if row[0] in queues else HIDDEN

    return Grouped(group.key, [value, name, alias.c.id], name, made)


def _aggregated(
    gate: Gate, sources: Sources, name: str, function: str, field: str | None
) -> tuple[list[ColumnElement[Any]], Callable[[Sequence[Any]], Any]]:
    if function not in FUNCTIONS:
        raise Refused(Problem(code="unknown_aggregate", params={"name": function}, pointer=f"/aggregate/{name}"), code="invalid_filter")
    if field is None:
        if function != "count":
            raise Refused(Problem(code="aggregate_field", params={"name": function}, pointer=f"/aggregate/{name}"), code="invalid_filter")
        return [func.count()], lambda row: row[0]
    named = resolve(gate.asking, sources.definition, field, pointer=f"/aggregate/{name}")
    value, kind = sources.reference(named.path), named.field.result_type
    if function in ("count", "count_distinct"):
        return [func.count(value if function == "count" else value.distinct())], lambda row: row[0]
    if (function in ("sum", "avg") and kind not in NUMERIC) or kind not in (*NUMERIC, "date", "datetime"):
        raise Refused(
            Problem(code="not_summable", params={"field": named.name, "name": function}, pointer=f"/aggregate/{name}"),
            code="invalid_filter",
        )
    if function == "avg":
        unit = Decimal(1).scaleb(-(named.field.scale or 0))
        return [
            func.sum(value, type_=value.type),
            func.count(value),
        ], lambda row: None if not row[1] else (row[0] / row[1]).quantize(unit, rounding=ROUND_HALF_UP)
    if function == "sum":
        return [func.sum(value, type_=value.type)], lambda row: row[0] if row[0] is not None else Decimal(0)
    return [getattr(func, function)(value, type_=value.type)], lambda row: row[0]
