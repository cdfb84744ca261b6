"""Where the values of a query come from: an object's table, the parents joined to it, formulas and roll-ups computed on the way.

Here: `Sources`, which gives each path its column in one statement; `name_of`, for what names records.
Not here: which paths a reader may name (`names.py`), how expressions become SQL (`rules`).

A parent is joined together with the right to see it: what lies behind an invisible parent is blank, in filters and sorts as in
columns. `raw` is for policy (roll-ups, rules), which sees everything.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, cast, literal, null
from sqlalchemy.sql.elements import ColumnElement

from fieldstone import rules
from fieldstone.db.column_types import Id
from fieldstone.errors import Problem, Refused
from fieldstone.limits import QUERY_JOINS
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.snapshot import Compiled
from fieldstone.records.gate import sharing, tables
from fieldstone.records.gate.expressions import Terms
from fieldstone.records.gate.sharing import Reader
from fieldstone.rules.tree import Call, FieldRef, Node, children

Path = tuple[str, ...]
SEEN = "#seen"  # behind the lookups of a path: whether the reader sees the record there, or there is none
UNSEEN = literal("00000000-0000-0000-0000-000000000000", Id)  # no record has it
COMPARED = frozenset({"=", "<>", "IN", "ISBLANK", "ISNULL"})


class Sources:
    """The tables of one statement. `origin` is what to select from, grown as paths are asked for."""

    def __init__(self, asking: Reader, definition: ObjectDef, base: Any, terms: Terms, *, raw: bool = False) -> None:
        self.asking = asking
        self.definition = definition
        self.base = base
        self.terms = terms
        self.raw = raw
        self.origin: Any = base
        self.tables: list[Any] = [base]
        self._parents: dict[Path, tuple[ObjectDef, Any]] = {}

    def parent(self, path: Path, *, open_to_all: bool = False) -> tuple[ObjectDef, Any]:
        """Return the object that the lookups of `path` lead to, and its table in this statement. `open_to_all`: names of people."""
        if not path:
            return self.definition, self.base
        if path not in self._parents:
            above, source = self.parent(path[:-1])
            found = above.field(path[-1])
            assert found is not None
            target = self.asking.snapshot.objects[found.to or "user"]
            self._require_few()
            alias = tables.table(self.asking.snapshot, target.name).alias()
            link = alias.c.id == tables.column(source, found)
            seen = None if self.raw or open_to_all else sharing.condition(self.asking, target, alias)
            self.origin = self.origin.outerjoin(alias, link if seen is None else and_(link, seen))
            self.tables.append(alias)
            self._parents[path] = (target, alias)
        return self._parents[path]

    def joins(self, path: Path) -> bool:
        """Tell whether the parent at the end of `path` is among the tables already."""
        return path in self._parents

    def _require_few(self) -> None:
        """Raise Refused for a statement that a reader would have join more parents than a database takes."""
        if not self.raw and len(self.tables) > QUERY_JOINS:
            raise Refused(Problem(code="too_many_joins", params={"limit": QUERY_JOINS}), code="too_expensive")

    def value(self, path: Path) -> ColumnElement[Any]:
        """Return the typed value of a field: its column, or what is computed for it."""
        holder, source = self.parent(path[:-1])
        found = holder.field(path[-1])
        assert found is not None
        if found.column is not None and found.stored:
            return tables.column(source, found)
        if found.type == "roll_up":
            from fieldstone.records.gate.roll_ups import live

            return live(self, source.c.id, found)
        return self._formula(path[:-1], holder, source, found)

    def told(self, path: Path) -> ColumnElement[Any]:
        """Return the value of a field as its reader is told it: a checkbox is not unticked but blank where its formula fails.

        Its column is never blank, and conditions take what fails for false; readers tell the two apart.
        """
        value, (holder, _source) = self.value(path), self.parent(path[:-1])
        found = holder.field(path[-1])
        assert found is not None
        if found.type != "formula" or found.result_type != "checkbox":
            return value
        compiled = self.asking.snapshot.expression(found.formula or "", holder.name, "formula", found.blanks)
        if not (compiled.checked.sql and compiled.checked.fails):
            return value
        failed = self.terms.failed(compiled, {read: self.value((*path[:-1], *read)) for read in compiled.reads})
        return value if failed is None else case((failed, null()), else_=value)

    def _formula(self, before: Path, holder: ObjectDef, source: Any, found: FieldDef) -> ColumnElement[Any]:
        """A live formula; blank where a parent that it reads through is not visible to the reader."""
        compiled = self.asking.snapshot.expression(found.formula or "", holder.name, "formula", found.blanks)
        columns = {path: self.value((*before, *path)) for path in compiled.reads}
        value = self.terms.value(compiled, columns, found)
        if self.raw:
            return value
        hops = sorted({path[:index] for path in columns for index in range(1, len(path))})
        hidden = [unseen(self, (*before, *hop)) for hop in hops]
        return case((and_(*(~each for each in hidden)), value)) if hidden else value

    def condition(self, compiled: Compiled) -> ColumnElement[bool]:
        """Return an expression as the condition of a filter: blank (which may be NULL) and failing choose no row."""
        spelt = _spelt_ids(compiled.checked.node)
        columns = {path: self._asked(path, path in spelt) for path in compiled.reads}
        return self.terms.condition(compiled, columns)

    def _asked(self, path: Path, spelt: bool) -> ColumnElement[Any]:
        if path[-1] == SEEN:
            return ~unseen(self, path[:-1])
        return self.reference(path) if spelt else self.value(path)

    def reference(self, path: Path) -> ColumnElement[Any]:
        """Return a field's value; of a lookup to a record that the reader cannot see UNSEEN, one and the same for all of those.

        For what could spell an id or tell one from another: functions of text, groups, distinct counts. Comparing with a whole id
        needs no more than `value`: it tells nothing that the asker does not hold.
        """
        holder, _ = self.parent(path[:-1])
        found = holder.field(path[-1])
        assert found is not None
        value = self.value(path)
        if self.raw or found.type not in LOOKUPS:
            return value
        target = self.asking.snapshot.objects[found.to or "user"]
        if target.name not in self.asking.rights.visible_objects:
            return case((value.is_not(None), UNSEEN))
        if path not in self._parents and sharing.condition(self.asking, target, tables.table(self.asking.snapshot, target.name)) is None:
            return value
        _, alias = self.parent(path)
        return case((alias.c.id.is_not(None), value), (value.is_not(None), UNSEEN))

    def sortable(self, path: Path) -> ColumnElement[Any]:
        """Return what rows are sorted by: the sort key of a text, the position of a picklist value, the name behind a lookup."""
        holder, source = self.parent(path[:-1])
        found = holder.field(path[-1])
        assert found is not None
        if found.type in LOOKUPS and found.to in self.asking.snapshot.objects:
            target, parent = self.parent(path)
            told = self.raw or self.asking.rights.tells_names(target)
            return self.sortable((*path, target.name_field)) if told else name_of(self.asking, target, parent)
        if found.result_type == "picklist" and found.values:
            value = self.value(path)
            return case(
                {each.name: index for index, each in enumerate(found.values)},
                value=value,
                else_=case((value.is_not(None), len(found.values))),
            )
        key = tables.key_column(source, found, "sort") if found.column is not None else None
        if key is None and found.column is not None:
            key = tables.key_column(source, found, "match")
        return self.value(path) if key is None else key


def name_of(asking: Reader, definition: ObjectDef, source: Any) -> ColumnElement[Any]:
    """Return the name of the records in `source`, a table of `definition`; blank for whom its formula reads what they may not read."""
    column = tables.column(source, definition.name_fielddef)
    return column if asking.rights.tells_names(definition) else cast(null(), column.type)


def _spelt_ids(root: Node) -> frozenset[Path]:
    """Paths of lookups that an expression does more with than to compare them, or to ask whether they are blank."""
    found: set[Path] = set()
    waiting: list[tuple[Node, bool]] = [(root, True)]
    while waiting:
        node, spelt = waiting.pop()
        if isinstance(node, FieldRef) and spelt and node.type is rules.ValueType.ID:
            found.add(node.path)
        inside = not (isinstance(node, Call) and node.function.name in COMPARED)
        waiting += [(each, inside) for each in children(node)]
    return frozenset(found)


def unseen(sources: Sources, hop: Path) -> ColumnElement[bool]:
    """Return whether this lookup leads to a record that the reader cannot see. A queue is none: who sees what it owns sees it."""
    _, source = sources.parent(hop)
    holder, above = sources.parent(hop[:-1])
    found = holder.field(hop[-1])
    assert found is not None
    column = tables.column(above, found)
    hidden = and_(column.is_not(None), source.c.id.is_(None))
    queues = [queue.id for queue in sources.asking.snapshot.all("queue")] if found.type == "owner" else []
    return and_(hidden, column.not_in(queues)) if queues else hidden
