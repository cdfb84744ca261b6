"""Filters of readers: their text or tree, with every name resolved as the reader sees it, as a condition in SQL.

Here: compiling a filter in a scope without what the reader may not read, trees that have no expression, scopes such as "mine".
Not here: the language (`rules`), how trees print (`records/filters.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import and_, exists, false, func, literal, not_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from fieldstone import rules
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.metadata.scope import scope
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.filters import Operand, Printing, check_shape, needs_sql, printed, require_size
from fieldstone.records.gate import sharing, tables
from fieldstone.records.gate.names import Named, resolve, target_of, unknown
from fieldstone.records.gate.people import USER
from fieldstone.records.gate.sharing import ME, ROLES_BELOW, Reader
from fieldstone.records.gate.sources import SEEN, Sources
from fieldstone.records.query import Reference, Tree
from fieldstone.rules.shown import seen_only

USE = rules.Use.LIST_FILTER
KEPT = 500  # compiled filters for one set of rights; people type new ones all day
RELATED_DEPTH = 2


class ReadersScope:
    """The names that one reader may use: those of the object's scope whose every hop they may read."""

    def __init__(self, asking: Reader, definition: ObjectDef) -> None:
        self._asking = asking
        self._definition = definition
        self._all = scope(asking.snapshot, definition.name, USE)

    @property
    def object_label(self) -> str:
        """The object as people call it."""
        return self._all.object_label

    def resolve(self, name: str) -> rules.Resolved | None:
        """Return what `name` stands for, None if the reader may not read it or there is no such thing.

        A formula that is computed in the query is what the reader sees of it: blank where it goes through an invisible parent.
        """
        found = self._all.resolve(name)
        if found is None or found.path[0].startswith("$"):
            return found
        try:
            resolve(self._asking, self._definition, ".".join(found.path))
        except Refused:
            return None
        if found.formula is None:
            return found
        hops = {(*found.path[:-1], *path[:count]) for path in found.formula.reads for count in range(1, len(path))}
        through = {(*hop[len(found.path) - 1 :], SEEN) for hop in hops if not self._open_to_all(hop)}
        return replace(found, formula=seen_only(found.formula, through)) if through else found

    def _open_to_all(self, hop: tuple[str, ...]) -> bool:
        """Whether the reader sees every record that these lookups can lead to."""
        try:
            target = target_of(self._asking, resolve(self._asking, self._definition, ".".join(hop)).field)
        except Refused:  # a declassified formula goes where its reader does not
            return False
        return target is not None and sharing.condition(self._asking, target, tables.table(self._asking.snapshot, target.name)) is None

    def lacking(self, name: str) -> tuple[str, str]:
        """Return what of `name` the reader does not find, and the object where they do not; "" for a global."""
        words = name.split(".")
        holder, index = self._walked(words)
        return self._all.lacking(name) if name.startswith("$") else (".".join(words[index:]), self._all.label_of(holder))

    def nearest(self, name: str) -> str | None:
        """Return the readable name most like `name`."""
        words = name.split(".")
        holder, index = self._walked(words)
        return unknown(self._asking, self._definition, holder, words, index, None).problems[0].suggestion

    def _walked(self, words: Sequence[str]) -> tuple[ObjectDef, int]:
        """Return how far the reader comes with the lookups of a name: the object that they reach, and the index of what they ask there."""
        holder, index = self._definition, 0
        while index < len(words) - 1:
            hop = holder.field(words[index])
            target = target_of(self._asking, hop) if hop is not None and hop.name in self._asking.rights.readable(holder.name) else None
            if target is None:
                break
            holder, index = target, index + 1
        return holder, index


def compiled(asking: Reader, definition: ObjectDef, source: str) -> Compiled:
    """Return a reader's filter, compiled at most once for each set of rights. Raises Refused (`invalid_filter`) with every problem."""
    kept: OrderedDict[tuple[str, str], Compiled] = asking.rights.compiled.setdefault("filters", OrderedDict())
    key = (definition.name, source)
    found = kept.get(key)
    if found is None:
        found = kept[key] = _compile(asking, definition, source)
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return found


def _compile(asking: Reader, definition: ObjectDef, source: str) -> Compiled:
    try:
        checked = rules.check(source, ReadersScope(asking, definition), USE)
    except Refused as refused:
        raise Refused([problem.at(pointer="/filter") for problem in refused.problems], code="invalid_filter") from None
    if not checked.sql:
        raise Refused(Problem(code="not_filterable", params={"reason": checked.sql_reason or ""}, pointer="/filter"), code="invalid_filter")
    return Compiled(source, checked)


def condition(sources: Sources, given: str | Tree, today: date) -> ColumnElement[bool]:
    """Return a filter, text or tree, as a condition on the rows of `sources`."""
    if isinstance(given, str):
        return sources.condition(compiled(sources.asking, sources.definition, given))
    if not needs_sql(given):
        return sources.condition(compiled(sources.asking, sources.definition, printed(given, printing(sources, today))))
    require_size(given)
    return _taken_apart(sources, given, today, "", 0)


def _taken_apart(sources: Sources, tree: Tree, today: date, pointer: str, depth: int) -> ColumnElement[bool]:
    if not needs_sql(tree):
        return condition(sources, tree, today)
    match check_shape(tree, pointer):
        case ("and" | "or") as kind:
            parts = [_taken_apart(sources, each, today, f"{pointer}/{kind}/{index}", depth) for index, each in enumerate(tree[kind])]
            return and_(*parts) if kind == "and" else or_(*parts)
        case "not":
            return not_(func.coalesce(_taken_apart(sources, tree["not"], today, f"{pointer}/not", depth), false()))
        case "related":
            return _related(sources, tree, today, pointer, depth)
    named = resolve(sources.asking, sources.definition, tree["field"], pointer=f"/filter{pointer}/field")
    return team(sources.asking, sources.value(named.path))


def lookup_filter(sources: Sources, edited: ObjectDef, found: FieldDef, record: Mapping[str, Any]) -> ColumnElement[bool]:
    """Return the filter of lookup `found` of object `edited` as a condition on the target's rows; it sees every field, as policy does.

    `record`: typed values of the record being edited, by path.
    """
    snapshot = sources.asking.snapshot
    policy = snapshot.expression(found.filter or "", sources.definition.name, rules.Use.LOOKUP_FILTER, record=edited.name)
    open_to_all = Sources(sources.asking, sources.definition, sources.base, sources.terms, raw=True)
    columns: dict[tuple[str, ...], ColumnElement[Any]] = {}
    for path in policy.reads:
        if path[0] == "$Record":
            columns[path] = _edited_value(snapshot, edited, path[1:], record)
        else:
            columns[path] = open_to_all.value(path)
    fulfilled = sources.terms.condition(policy, columns)
    if len(open_to_all.tables) == 1:
        return fulfilled
    base = sources.base.alias()
    inner = Sources(sources.asking, sources.definition, base, sources.terms, raw=True)
    moved = {path: column if path[0] == "$Record" else inner.value(path) for path, column in columns.items()}
    chosen = select(base.c.id).select_from(inner.origin).where(sources.terms.condition(policy, moved))
    return sources.base.c.id.in_(chosen)  # type: ignore[no-any-return]


def _edited_value(snapshot: Snapshot, edited: ObjectDef, path: tuple[str, ...], record: Mapping[str, Any]) -> ColumnElement[Any]:
    """A value of the record being edited as a parameter, typed as the field is stored."""
    holder = edited
    for name in path[:-1]:
        hop = holder.field(name)
        assert hop is not None
        holder = snapshot.objects[hop.to or "user"]
    found = holder.field(path[-1])
    assert found is not None
    table = tables.table(snapshot, holder.name)
    value = record.get(".".join(path))
    return literal(value.id if isinstance(value, Reference) else value, tables.column(table, found).type if found.column else None)


def local_day(sources: Sources, named: Named) -> ColumnElement[Any]:
    """Return the day of a datetime in the reader's zone."""
    checked = rules.check(f"DATEVALUE({named.name})", ReadersScope(sources.asking, sources.definition), rules.Use.FORMULA)
    return sources.terms.day(Compiled(named.name, checked), {named.path: sources.value(named.path)})


def team(asking: Reader, person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a user field holds the reader or somebody in a role below theirs."""
    if asking.principal.user_id is None:
        return false()
    if not asking.below:
        return person == ME
    return or_(person == ME, person.in_(select(USER.c.id).where(USER.c.role.in_(ROLES_BELOW))))


def _related(sources: Sources, tree: Tree, today: date, pointer: str, depth: int) -> ColumnElement[bool]:
    """Records with some (or no) visible child for which `where` is true."""
    asking = sources.asking
    relation = asking.snapshot.relation(sources.definition.name, tree["related"])
    if relation is None or relation.field.name not in asking.rights.readable(relation.child.name) or depth >= RELATED_DEPTH:
        params = {"name": tree["related"], "object": sources.definition.name}
        raise Refused(Problem(code="unknown_relation", params=params, pointer=f"/filter{pointer}/related"), code="invalid_filter")
    table = tables.table(asking.snapshot, relation.child.name).alias()
    inner = Sources(asking, relation.child, table, sources.terms)
    wanted = [tables.column(table, relation.field) == sources.base.c.id, table.c.deleted_at.is_(None)]
    seen = sharing.condition(asking, relation.child, table)
    if seen is not None:
        wanted.append(seen)
    if "where" in tree:
        wanted.append(_taken_apart(inner, tree["where"], today, f"{pointer}/where", depth + 1))
    found = exists(select(1).select_from(inner.origin).where(*wanted).correlate_except(*inner.tables))
    return not_(found) if tree.get("match", "some") == "none" else found


def printing(sources: Sources, today: date) -> Printing:
    """Return what printing a tree takes: fields as this reader sees them, days in their zone."""
    asking, definition = sources.asking, sources.definition
    zone = asking.principal.zone

    def describe(name: str) -> Operand:
        found = resolve(asking, definition, name, pointer="/filter")
        kind = FIELD_TYPES[found.field.result_type]
        # Retired picklist values can be filtered by, so those are taken as they are; so are numbers out of a field's bounds.
        plain = found.field.result_type in ("picklist", "multi_picklist") or found.field.computed or found.field.system

        def typed(value: Any) -> Any:
            if plain and isinstance(value, str) and found.field.result_type not in ("date", "datetime", "number", "currency", "percent"):
                return value
            if isinstance(value, Mapping) and "id" in value:
                value = value["id"]
            try:
                return kind.decoder(_loose(found.field))(value)
            except BadValue as bad:
                raise Refused(Problem(code=bad.code, params=dict(bad.params)), code="invalid_filter") from None

        return Operand(name=found.name, type=found.field.result_type, typed=typed)

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    return Printing(describe=describe, today=today, midnight=midnight)


def _loose(found: Any) -> Any:
    """The field without its bounds: asking for what cannot be stored is no error, it finds nothing."""
    if found.result_type in ("number", "currency", "percent"):
        return replace(
            found,
            type=found.result_type,
            min=None,
            max=None,
            precision=18,
            scale=min(found.scale or 0, 18) if found.result_type != "percent" else 8,
        )
    return replace(found, type=found.result_type, min=None, max=None, length=None, pattern=None)
