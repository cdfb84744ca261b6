"""The gate's reading side: get, list, count, totals, groups, related lists, lookup suggestions. Rights are part of every statement.

Here: `Gate`. Order of every question: object right, then names, then the access condition in SQL, then the mask.
Not here: conditions (`conditions.py`, `sharing.py`), columns (`projection.py`, `sources.py`), writing (`write.py`).
Source: spec/security.md, section 3; spec/api.md, section 3.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Integer, Select, bindparam, case, func, literal, select, true, union_all
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import Id, is_id
from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.limits import COUNT_CAP, PAGE_RECORDS, SEARCH_HITS_AN_OBJECT
from fieldstone.metadata.definitions.list_views import ListViewDef
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.tables import is_unique
from fieldstone.records.cursor import Cursors
from fieldstone.records.gate import conditions, groups, paging, pickers, sharing, tables
from fieldstone.records.gate.access import Rights
from fieldstone.records.gate.expressions import Terms
from fieldstone.records.gate.find import search
from fieldstone.records.gate.names import Named, resolve
from fieldstone.records.gate.paging import Level
from fieldstone.records.gate.projection import Projection, needed_columns
from fieldstone.records.gate.sharing import Reader
from fieldstone.records.gate.sources import Sources
from fieldstone.records.gate.tables import marked
from fieldstone.records.gate.write import compared, find_by_key
from fieldstone.records.history import HistoryEntry, entries
from fieldstone.records.principal import Principal
from fieldstone.records.query import HIDDEN, Candidate, Count, Expand, Group, Hit, Page, Query, Record, Reference, Sort, refuse_query

KEPT = 500  # statements for one set of rights
LIMIT = bindparam("page_limit", type_=Integer)
FUNCTIONS = ("count", "count_distinct", "sum", "avg", "min", "max")
NUMERIC = frozenset({"number", "currency", "percent"})


@dataclass(frozen=True)
class Prepared:
    """A statement made once for a shape of query, and what belongs to it."""

    statement: Select[Any]
    lasting: bool = True  # false: it holds the clock or the person, and serves only this once
    projection: Projection | None = None
    levels: tuple[Level, ...] = ()


class Gate:
    """Everything `asking` may read, in one transaction."""

    def __init__(self, tx: Transaction, asking: Reader, cursors: Cursors) -> None:
        self.tx = tx
        self.asking = asking
        self.cursors = cursors

    @property
    def snapshot(self) -> Snapshot:
        """The metadata this gate works on."""
        return self.asking.snapshot

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.asking.principal

    @property
    def rights(self) -> Rights:
        """What they may do with objects and fields."""
        return self.asking.rights

    @property
    def today(self) -> date:
        """The day it is for the principal."""
        return self.tx.now.astimezone(self.principal.zone).date()

    # --- one record ---

    def get(self, object_name: str, record_id: str, select: Sequence[str] | None = None, *, deleted: bool = False) -> Record:
        """Return one record, in one statement. Raises NotVisible when there is none for this principal, whatever the reason."""
        definition = self.rights.object(object_name)
        found = self._by_ids(definition, select, [record_id], deleted)
        if not found:
            raise NotVisible(object_name)
        return found[0]

    def records(self, object_name: str, ids: Sequence[str], select: Sequence[str] | None = None, *, deleted: bool = False) -> list[Record]:
        """Return the visible ones of these records, in no order, in one statement; `deleted`: of those in the recycle bin."""
        definition = self.rights.object(object_name)
        return self._by_ids(definition, select, ids, deleted)

    def having(self, object_name: str, field: str, values: Iterable[Any]) -> dict[Any, list[str]]:
        """Return the ids of the visible records whose stored field has one of `values`, by the value as given; one statement.

        The values are typed, those of a lookup ids; of a field in which case does not count they may be in any.
        Raises NotVisible for a field that the principal may not read.
        """
        definition = self.rights.object(object_name)
        found = definition.field(field)
        if found is None or found.column is None or not self._readable(definition, field):
            raise NotVisible
        wanted = {value: compared(found, value) for value in values}
        ids = find_by_key(self.tx, self.asking, definition, found, set(wanted.values()))
        return {value: ids[key] for value, key in wanted.items() if key in ids}

    def names(self, object_name: str, ids: Sequence[str]) -> dict[str, Reference]:
        """Return references to the visible ones of these records by id."""
        definition = self.rights.object(object_name)
        name = definition.name_field
        found = self._by_ids(definition, ("id", name) if self.rights.tells_names(definition) else ("id",), ids, False)
        return {each["id"]: Reference(each["id"], each.get(name), definition.name) for each in found}

    def access(self, object_name: str, record_id: str) -> int:
        """Return what the principal may do with one record: NONE, READ, EDIT or FULL, objects rights apart; one statement."""
        definition = self.rights.object(object_name)
        prepared = self._prepared(("access", definition.name), lambda: self._access_statement(definition))
        if not is_id(record_id):
            return 0
        level = self.tx.connection.execute(prepared.statement, {**self.asking.parameters, "record_id": record_id}).scalar()
        return int(level or 0)

    def _access_statement(self, definition: ObjectDef) -> Prepared:
        table = tables.table(self.snapshot, definition.name)
        edit, full = (true() if each is None else each for each in sharing.level_of(self.asking, definition, table))
        statement = select(case((full, 3), (edit, 2), else_=1)).where(
            table.c.id == bindparam("record_id", type_=Id), table.c.deleted_at.is_(None)
        )
        seen = sharing.condition(self.asking, definition, table)
        return Prepared(marked(statement if seen is None else statement.where(seen), "access"))

    def _by_ids(self, definition: ObjectDef, wanted: Sequence[str] | None, ids: Sequence[str], deleted: bool) -> list[Record]:
        asked = [each for each in ids if is_id(each)]
        if not asked:
            return []
        single = len(asked) == 1
        key = ("ids", definition.name, wanted if wanted is None else tuple(wanted), single, deleted)
        prepared = self._prepared(key, lambda: self._ids_statement(definition, self._named(definition, wanted), single, deleted))
        parameters = self.asking.parameters | {"ids": asked[0] if single else asked}
        assert prepared.projection is not None
        rows = self.tx.connection.execute(prepared.statement, parameters).all()
        records = [prepared.projection.record(row) for row in rows]
        prepared.projection.name(records, self.names)
        return records

    def _ids_statement(self, definition: ObjectDef, named: tuple[Named, ...], single: bool, deleted: bool) -> Prepared:
        table = tables.table(self.snapshot, definition.name)
        sources = Sources(self.asking, definition, table, self.terms())
        projection = Projection(sources, named)
        chosen = table.c.id == bindparam("ids", type_=Id) if single else table.c.id.in_(bindparam("ids", type_=Id, expanding=True))
        statement = select(*projection.columns).select_from(sources.origin).where(chosen, _kept(table, "only" if deleted else "exclude"))
        seen = sharing.condition(self.asking, definition, table)
        return Prepared(marked(statement if seen is None else statement.where(seen), "get"), sources.terms.lasting, projection)

    def _named(self, definition: ObjectDef, wanted: Sequence[str] | None) -> tuple[Named, ...]:
        """The fields of a select, resolved; None is all that may be read. `id` and `row_version` always come along."""
        if wanted is None:
            readable = self.rights.readable(definition.name)
            return tuple(Named((each.name,), each, definition) for each in definition.all_fields if each.name in readable)
        names = dict.fromkeys(["id", "row_version", *wanted])
        return tuple({(named := resolve(self.asking, definition, name, pointer="/select")).name: named for name in names}.values())

    # --- lists ---

    def read(self, query: Query) -> Page:
        """Return a page of the records that match `query` and that the principal may see, in one statement.

        One more for each expanded child list and one for a count. Naming a field that may not be read raises Refused in the very
        words for one that does not exist. `next` is a signed cursor, None on the last page.
        """
        definition = self.rights.object(query.object)
        query = self.with_view(definition, query)
        if not 1 <= query.limit <= PAGE_RECORDS:
            raise refuse_query("page_size", limit=PAGE_RECORDS)
        after = self._after(definition, query)
        blanks = None if after is None else tuple(value is None for value in after)
        key = ("page", definition.name, query.select, _shape(query), blanks)
        prepared = self._prepared(key, lambda: self._page_statement(definition, query, after), keep=query.ids is None)
        parameters = self.asking.parameters | {"page_limit": query.limit + 1}
        if after is not None:
            parameters |= paging.parameters(after)
        assert prepared.projection is not None
        rows = self.tx.connection.execute(prepared.statement, parameters).all()
        places = len(prepared.levels) + 1
        records = tuple(prepared.projection.record(row, places) for row in rows[: query.limit])
        prepared.projection.name(records, self.names)
        for name, expand in query.expand.items():
            self._expand(definition, records, name, expand)
        following = None
        if len(rows) > query.limit:
            last = rows[query.limit - 1]
            following = self.cursors.seal(self._bound_to(definition, query), [paging.packed(value) for value in last[:places]])
        return Page(records=records, next=following, count=self._counted(definition, query))

    def count(self, query: Query, cap: int | None = COUNT_CAP) -> Count:
        """Return how many records match, counting no further than `cap`; one statement."""
        definition = self.rights.object(query.object)
        query = self.with_view(definition, query)
        prepared = self._prepared(
            ("count", definition.name, _shape(query), cap is None), lambda: self._count_statement(definition, query, cap is None)
        )
        parameters = self.asking.parameters | ({} if cap is None else {"page_limit": cap + 1})
        value = int(self.tx.connection.execute(prepared.statement, parameters).scalar_one())
        return Count(value=value) if cap is None or value <= cap else Count(value=cap, exact=False)

    def _counted(self, definition: ObjectDef, query: Query) -> Count | None:
        if query.count == "none":
            return None
        return self.count(replace(query, view=None), COUNT_CAP if query.count == "capped" else None)

    def _count_statement(self, definition: ObjectDef, query: Query, exact: bool) -> Prepared:
        table = tables.table(self.snapshot, definition.name)
        sources = Sources(self.asking, definition, table, self.terms())
        wanted = self.wanted(sources, query)
        if exact:
            statement = select(func.count()).select_from(sources.origin).where(*wanted)
        else:
            inner = select(literal(1)).select_from(sources.origin).where(*wanted).limit(LIMIT).subquery()
            statement = select(func.count()).select_from(inner)
        return Prepared(marked(statement, "count"), sources.terms.lasting)

    def with_view(self, definition: ObjectDef, query: Query) -> Query:
        """Start from a list view: its columns, sort and filter, as far as the query does not say otherwise; filters add up.

        A view whose filter or sort names a field hidden from the reader does not run, and does not say which. Hidden columns are left out.
        """
        if query.view is None:
            return query
        view = self.snapshot.find("list_view", query.view, definition.name)
        if not isinstance(view, ListViewDef):
            raise NotVisible(query.view)
        sort = query.sort or tuple(Sort(field=each.field, descending=each.descending) for each in view.sort)
        try:
            if view.filter is not None:
                conditions.compiled(self.asking, definition, view.filter)
            for each in sort:
                resolve(self.asking, definition, each.field)
        except Refused:
            raise Refused(Problem(code="view_not_available", params={"view": view.name}), code="invalid_filter") from None
        select = query.select
        if select is None:
            select = tuple(column.field for column in view.columns if self._readable(definition, column.field))
        parts = [each for each in (view.filter, query.filter) if each]
        combined: Any = parts[0] if len(parts) == 1 else None
        if len(parts) == 2:
            combined = {"and": [{"expression": each} if isinstance(each, str) else each for each in parts]}
        return replace(query, view=None, select=select, sort=sort, filter=combined)

    def _readable(self, definition: ObjectDef, name: str) -> bool:
        try:
            resolve(self.asking, definition, name)
        except Refused:
            return False
        return True

    def wanted(self, sources: Sources, query: Query) -> list[ColumnElement[bool]]:
        """Everything a row must fulfil: alive, visible, in scope, filtered."""
        table = sources.base
        wanted: list[ColumnElement[bool]] = []
        if query.deleted != "include":
            wanted.append(_kept(table, query.deleted))
        seen = sharing.condition(self.asking, sources.definition, table)
        if seen is not None:
            wanted.append(seen)
        if query.scope == "mine":
            wanted.append(table.c.owner == sharing.ME)
        elif query.scope == "team":
            wanted.append(conditions.team(self.asking, table.c.owner))
        if query.ids is not None:
            wanted.append(table.c.id.in_([each for each in query.ids if is_id(each)]))
        if query.filter:
            wanted.append(conditions.condition(sources, query.filter, self.today))
        return wanted

    def _levels(self, sources: Sources, query: Query) -> tuple[Level, ...]:
        found = []
        for index, sort in enumerate(query.sort):
            named = resolve(self.asking, sources.definition, sort.field, pointer=f"/sort/{index}")
            field = named.field
            if field.name == "id" and not named.hops:
                found.append(Level(sources.value(named.path), sort.descending, nullable=False))
                break  # nothing can tie
            if not _sortable(field.result_type):
                raise Refused(
                    Problem(code="not_sortable", params={"field": named.name, "type": field.result_type}, pointer=f"/sort/{index}"),
                    code="invalid_filter",
                )
            nullable = bool(named.hops) or (
                field.name not in ("row_version", "created_at", "updated_at") and field.result_type != "checkbox"
            )
            indexed = (
                not named.hops
                and field.column is not None
                and (
                    field.indexed
                    or is_unique(field)
                    or field.type in LOOKUPS
                    or field.name in ("updated_at", "owner", sources.definition.name_field)
                )
            )
            found.append(Level(sources.sortable(named.path), sort.descending, nullable, indexed and field.type not in LOOKUPS))
        return tuple(found)

    def _page_statement(self, definition: ObjectDef, query: Query, after: Sequence[Any] | None) -> Prepared:
        """The rows of the page first, then what their records show: names and formulas are computed for the page alone."""
        dialect = self.tx.dialect
        table = tables.table(self.snapshot, definition.name)
        inner = Sources(self.asking, definition, table, self.terms())
        named = self._named(definition, query.select)
        levels = self._levels(inner, query)
        wanted = self.wanted(inner, query)
        kept = [table.c[name] for name in sorted(needed_columns(self.asking, definition, named))]
        labelled = [level.expression.label(f"sort_{index}") for index, level in enumerate(levels)]

        def arm(*more: ColumnElement[bool], filled: bool = False) -> Select[Any]:
            ordered = [level.ordered(level.expression) for level in levels]
            if filled:
                ordered[0] = levels[0].directed(levels[0].expression)
            found = select(*kept, *labelled).select_from(inner.origin).where(*wanted, *more)
            return found.order_by(*ordered, paging.by_id(levels, table.c.id)).limit(LIMIT)

        blanks = None if after is None else [value is None for value in after[:-1]]
        rows = _ranges(arm, levels, table.c.id, blanks, dialect).subquery("page")
        outer = Sources(self.asking, definition, rows, inner.terms)
        projection = Projection(outer, named)
        ordered = [level.ordered(rows.c[f"sort_{index}"]) for index, level in enumerate(levels)]
        places = [rows.c[f"sort_{index}"] for index in range(len(levels))]
        statement = select(*places, rows.c.id, *projection.columns).select_from(outer.origin)
        statement = statement.order_by(*ordered, paging.by_id(levels, rows.c.id))
        return Prepared(marked(statement, "list"), outer.terms.lasting, projection, levels)

    def _after(self, definition: ObjectDef, query: Query) -> list[Any] | None:
        if query.cursor is None:
            return None
        values = [paging.unpacked(value) for value in self.cursors.open(query.cursor, self._bound_to(definition, query))]
        if not values or not is_id(values[-1]):
            raise refuse_query("invalid_cursor")
        return values

    def _bound_to(self, definition: ObjectDef, query: Query) -> list[str]:
        """What a cursor belongs to: person, question and the fields it sorts by as they are defined now."""
        asked = orjson.dumps([_shape(query), list(query.select or ()), query.ids], default=str, option=orjson.OPT_SORT_KEYS).decode()
        sorted_by = [repr(resolve(self.asking, definition, each.field).field.type) for each in query.sort]
        return [self.principal.fingerprint, definition.id or definition.name, asked, *sorted_by]

    # --- children ---

    def related(self, object_name: str, record_id: str, relation: str, query: Query | None = None) -> Page:
        """Return a page of the children of one record. Raises NotVisible if the record or the relation is not for this principal."""
        definition = self.rights.object(object_name)
        found = self.snapshot.relation(definition.name, relation)
        if found is None or found.field.name not in self.rights.readable(found.child.name):
            raise NotVisible(relation)
        if not is_id(record_id) or not self._by_ids(definition, ("id",), [record_id], False):
            raise NotVisible(object_name)
        asked = query or Query(object=found.child.name)
        link: dict[str, Any] = {"field": found.field.name, "op": "eq", "value": record_id}
        parts = [{"expression": asked.filter} if isinstance(asked.filter, str) else asked.filter] if asked.filter else []
        return self.read(replace(asked, object=found.child.name, filter={"and": [link, *parts]}))

    def _expand(self, definition: ObjectDef, records: Sequence[Record], name: str, expand: Expand) -> None:
        """Read the children of all records of a page in one statement, and put them into the records."""
        relation = self.snapshot.relation(definition.name, name)
        if relation is None or relation.field.name not in self.rights.readable(relation.child.name):
            params = {"name": name, "object": definition.name}
            raise Refused(Problem(code="unknown_relation", params=params, pointer=f"/expand/{name}"), code="invalid_filter")
        if not 1 <= expand.limit <= PAGE_RECORDS:
            raise refuse_query("page_size", limit=PAGE_RECORDS)
        child = relation.child
        query = Query(object=child.name, filter=expand.filter, sort=expand.sort)
        key = ("expand", child.name, relation.field.name, expand.select, _shape(query))

        def make() -> Prepared:
            named = self._named(child, expand.select)
            table = tables.table(self.snapshot, child.name)
            inner = Sources(self.asking, child, table, self.terms())
            levels = self._levels(inner, query)
            link = tables.column(table, relation.field)
            ordered = [*(level.ordered(level.expression) for level in levels), paging.by_id(levels, table.c.id)]
            place = func.row_number().over(partition_by=link, order_by=ordered).label("place")
            kept = [table.c[column] for column in sorted(needed_columns(self.asking, child, named))]
            wanted = [*self.wanted(inner, query), link.in_(bindparam("parents", type_=Id, expanding=True))]
            rows = select(*kept, link.label("of_parent"), place).select_from(inner.origin).where(*wanted).subquery("page")
            outer = Sources(self.asking, child, rows, inner.terms)
            projection = Projection(outer, named)
            statement = select(rows.c.of_parent, *projection.columns).select_from(outer.origin)
            statement = statement.where(rows.c.place <= LIMIT).order_by(rows.c.of_parent, rows.c.place)
            return Prepared(marked(statement, "expand"), outer.terms.lasting, projection)

        prepared = self._prepared(key, make)
        parameters = self.asking.parameters | {"page_limit": expand.limit + 1, "parents": [each["id"] for each in records]}
        assert prepared.projection is not None
        found: dict[str, list[Record]] = {}
        for row in self.tx.connection.execute(prepared.statement, parameters) if records else ():
            found.setdefault(row[0], []).append(prepared.projection.record(row, 1))
        prepared.projection.name((child for children in found.values() for child in children), self.names)
        for record in records:
            children = found.get(record["id"], [])
            record[name] = Page(records=tuple(children[: expand.limit]), more=len(children) > expand.limit)

    def history(self, object_name: str, record_id: str, *, limit: int = 100, before: str | None = None) -> list[HistoryEntry]:
        """Return what changed on a record, the latest first: of fields that may be read today. `before` is the id of an entry.

        Raises NotVisible like `get`.
        """
        definition = self.rights.object(object_name)
        if not self._by_ids(definition, ("id",), [record_id], False):
            raise NotVisible(object_name)
        readable = self.rights.readable(definition.name)
        found = entries(self.tx, [found for found in definition.all_fields if found.name in readable], record_id, limit, before)
        return self._without_hidden(definition, found)

    def _without_hidden(self, definition: ObjectDef, found: list[HistoryEntry]) -> list[HistoryEntry]:
        """History of lookups without the ids of records that the principal cannot see: HIDDEN stands for them. One statement a target."""
        led_to: dict[str, set[str]] = {}
        for each in found:
            field = definition.field(each.field)
            if field is not None and field.type in LOOKUPS and field.to is not None:
                led_to.setdefault(field.to, set()).update(value for value in (each.old, each.new) if isinstance(value, str))
        if not led_to:
            return found
        seen: set[str] = set()
        for target, ids in led_to.items():
            if target in self.rights.visible_objects:
                seen |= self.names(target, sorted(ids)).keys()
        hidden = set().union(*led_to.values()) - seen
        return [
            replace(each, old=HIDDEN if each.old in hidden else each.old, new=HIDDEN if each.new in hidden else each.new)
            if isinstance(each.old, str | None) and isinstance(each.new, str | None)
            else each
            for each in found
        ]

    # --- sums and groups ---

    def totals(self, query: Query, wanted: Mapping[str, tuple[str, str | None]]) -> dict[str, Any]:
        """Return aggregates over all records that `query` finds: `{"total": ("sum", "amount"), "n": ("count", None)}`; one statement."""
        (row,) = groups.aggregate(self, query, (), wanted)
        return row

    def groups(self, query: Query, by: Sequence[Group], wanted: Mapping[str, tuple[str, str | None]]) -> list[dict[str, Any]]:
        """Return a row for each group, in their order, blanks last: the groups' values and the aggregates by name; one statement."""
        if not 1 <= len(by) <= 3:
            raise refuse_query("too_many_groups", limit=3)
        return groups.aggregate(self, query, tuple(by), wanted)

    # --- lookups ---

    def candidates(
        self, object_name: str, field: str, text: str, record: Mapping[str, Any], limit: int = 10, tells: Sequence[str] = ()
    ) -> list[Candidate]:
        """Return what the picker of a lookup offers for a record being edited: see `pickers.candidates`; one statement."""
        return pickers.candidates(self, object_name, field, text, record, limit, tells)

    def suggest(
        self,
        object_name: str,
        text: str,
        limit: int = 10,
        filter: str | Mapping[str, Any] | None = None,
        tells: Sequence[str] = (),
    ) -> list[Candidate]:
        """Return records whose name holds `text`, those that begin with it first, then those that a search finds; one statement."""
        return pickers.suggest(self, object_name, text, limit, filter, tells=tells)

    def search(self, text: str, objects: Sequence[str] | None = None, limit: int = SEARCH_HITS_AN_OBJECT) -> list[Hit]:
        """Return the records that hold every word of `text` in a field the principal may read, the best first; one statement."""
        return search(self, text, objects, limit)

    # --- statements ---

    def _prepared(self, key: tuple[Any, ...], make: Callable[[], Prepared], *, keep: bool = True) -> Prepared:
        """A statement for these rights and this shape of question, made once."""
        if not keep:
            return make()
        kept: OrderedDict[tuple[Any, ...], Prepared] = self.rights.compiled.setdefault("statements", OrderedDict())
        # Periods of a tree are dates of today in the reader's zone.
        full = (*key, self.asking.shape, self.tx.dialect, self.principal.language, self.principal.zone.key, self.today)
        found = kept.get(full)
        if found is not None:
            with suppress(KeyError):  # another thread has just dropped it
                kept.move_to_end(full)
        else:
            found = make()
            if found.lasting:
                kept[full] = found
                while len(kept) > KEPT:
                    kept.popitem(last=False)
        return found

    def terms(self) -> Terms:
        """Return what expressions of one statement are compiled with."""
        return Terms(self.tx, self.asking)


def _kept(table: Any, deleted: str) -> ColumnElement[bool]:
    return table.c.deleted_at.is_not(None) if deleted == "only" else table.c.deleted_at.is_(None)  # type: ignore[no-any-return]


def _sortable(kind: str) -> bool:
    return kind not in ("multi_picklist", "long_text", "rich_text")


def _shape(query: Query) -> str:
    """What makes the statement of a query different from that of others: all but its columns, its limit and its place."""
    asked = [query.filter, [[each.field, each.descending] for each in query.sort], query.scope, query.deleted]
    return orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS).decode()


def _ranges(
    arm: Callable[..., Select[Any]], levels: tuple[Level, ...], id_column: ColumnElement[Any], blanks: list[bool] | None, dialect: str
) -> Any:
    """The rows from the cursor on. Where an index would put blanks first they are read as a range of their own, after the values."""
    after = () if blanks is None else (paging.beyond(levels, id_column, blanks),)
    if not levels or not levels[0].nullable or not levels[0].indexed:
        return arm(*after)
    first = levels[0].expression
    if blanks is not None and blanks[0]:
        return arm(first.is_(None), *after)
    if blanks is None and levels[0].natural(dialect):
        return arm()
    bound = () if blanks is None else (paging.from_here(levels[0]),)
    valued = arm(first.is_not(None), *bound, *after, filled=True).subquery()
    blank = arm(first.is_(None)).subquery()
    return union_all(select(valued), select(blank))
