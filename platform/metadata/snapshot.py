"""All metadata of an org in force at one version, immutable: what a request, a job or an import takes once and uses to its end.

Here: finding definitions, relations and what depends on what; `once` and `part`, by which later layers hang their own compiled
parts on a snapshot without being known here; `expression`, so that nobody parses on the hot path.
Not here: where documents come from (`store`), how they become definitions (`load`), when a new one is built (`holder`).

Snapshots of one version are equal however they were built. One built from its predecessor takes over every definition and compiled
part whose inputs are the same.
Source: spec/metadata.md, sections 4 and 8.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Table

from fieldstone import rules
from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions import Definition, FieldDef, ObjectDef
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.metadata.kind_names import PER_OBJECT
from fieldstone.metadata.origins import Origin
from fieldstone.metadata.scope import scope
from fieldstone.metadata.store import NOTHING, Stored
from fieldstone.metadata.tables import record_table

T = TypeVar("T")

WORD = re.compile(r"[A-Za-z$_][A-Za-z0-9_$]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """The records of `child` whose `field` points at a record: what a related list, a roll-up and a delete follow."""

    name: str  # the lookup's `children` name, else "child.lookup"
    child: ObjectDef
    field: FieldDef


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUp:
    """A stored roll-up `field` of `parent`, over the records of `child` whose `lookup` points at the parent."""

    parent: ObjectDef
    field: FieldDef
    child: ObjectDef
    lookup: FieldDef


class Compiled:
    """One expression, checked and ready; the Python function is made at the first call for it."""

    __slots__ = ("_python", "checked", "reads", "source", "words")

    def __init__(self, source: str, checked: rules.Checked) -> None:
        self.source = source
        self.checked = checked
        self.reads = checked.reads
        self.words = words(source)
        self._python: Callable[[Mapping[str, object], rules.Context], object] | None = None

    @property
    def python(self) -> Callable[[Mapping[str, object], rules.Context], object]:
        """The expression as a function of one record's values."""
        if self._python is None:
            self._python = rules.to_python(self.checked)
        return self._python


def words(source: str) -> frozenset[str]:
    """Return every name-like word of an expression in lower case: more than what it reads, never less."""
    return frozenset(word.lower() for word in WORD.findall(source))


class Snapshot:
    """The definitions of one org at one version. Made by `check.build`; nobody changes it."""

    def __init__(
        self,
        *,
        definitions: Iterable[Definition],
        stored: Stored = NOTHING,
        parsed: Mapping[str, Mapping[str, Any]] | None = None,
        previous: Snapshot | None = None,
    ) -> None:
        self.version = stored.version.number
        self.language = stored.version.language
        self.zone = stored.version.zone
        self.name = stored.version.name
        self.stored = stored
        self.documents: Mapping[str, str] = MappingProxyType(dict(stored.texts))  # canonical text by path
        self.parsed: Mapping[str, Mapping[str, Any]] = MappingProxyType(dict(parsed or {}))  # the same, parsed; nobody changes them
        self.identities = stored.identities
        self.definitions = tuple(sorted(definitions, key=self._born))
        found: dict[tuple[str, str, str], Definition] = {}
        grouped: dict[tuple[str, str], list[Definition]] = {}
        for definition in self.definitions:
            of = (definition.object or "").lower()
            own = of if definition.kind in PER_OBJECT else ""  # an email template only names an object
            found[definition.kind, own, definition.name.lower()] = definition
            grouped.setdefault((definition.kind, ""), []).append(definition)
            if of:
                grouped.setdefault((definition.kind, of), []).append(definition)
        self._found = found
        self._grouped = {key: tuple(group) for key, group in grouped.items()}
        self.objects: Mapping[str, ObjectDef] = MappingProxyType(
            {definition.name: definition for definition in self.definitions if isinstance(definition, ObjectDef)}
        )
        self._lock = threading.RLock()
        self._once: dict[Callable[[Snapshot], Any], Any] = {}
        self._parts: dict[tuple[Callable[[ObjectDef], Any], str], tuple[ObjectDef, Any]] = {}
        self._expressions: dict[tuple[str, str, rules.Use, str | None, str], Compiled] = {}
        if previous is not None:
            self._take_over(previous)

    def _born(self, definition: Definition) -> int:
        identity = self.identities.by_id(definition.id)
        return identity.born if identity is not None else 0

    def object(self, name: str) -> ObjectDef:
        """Return the object called `name`, in any letter case. Raises NotVisible if there is none."""
        found = self._found.get(("object", "", name.lower()))
        if found is None:
            raise NotVisible(name)
        return cast("ObjectDef", found)

    def find(self, kind: str, name: str, object_name: str | None = None) -> Definition | None:
        """Return the definition of that kind and name (of that object, if the kind belongs to one), in any letter case, or None."""
        return self._found.get((kind, (object_name or "").lower(), name.lower()))

    def all(self, kind: str, object_name: str | None = None) -> tuple[Definition, ...]:
        """Return the definitions of a kind in order of birth: the org's, or those of one object."""
        return self._grouped.get((kind, (object_name or "").lower()), ())

    def children(self, object_name: str) -> tuple[Relation, ...]:
        """Return the relations whose records point at records of the object, in order of birth."""
        return self.once(_relations).get(object_name.lower(), ())

    def relation(self, object_name: str, name: str) -> Relation | None:
        """Return the relation of the object called `name`: by the lookup's `children` name or as "child.lookup"."""
        wanted = name.lower()
        for relation in self.children(object_name):
            if wanted in (relation.name.lower(), f"{relation.child.name}.{relation.field.name}".lower()):
                return relation
        return None

    def roll_ups(self, child: str) -> tuple[RollUp, ...]:
        """Return the stored roll-ups that a change of a record of `child` may move, in order of birth."""
        return self.once(_roll_ups).get(child.lower(), ())

    def stored_formulas(self, object_name: str) -> tuple[FieldDef, ...]:
        """Return the stored formulas of an object, each after those it reads; ties by birth."""
        return self.once(_formula_orders).get(object_name.lower(), ())

    def once(self, build: Callable[[Snapshot], T]) -> T:
        """Return `build(self)`, built at the first call and kept with this snapshot. `build` is a module's function, never a lambda."""
        try:
            return cast("T", self._once[build])
        except KeyError:
            pass
        with self._lock:
            if build not in self._once:
                self._once[build] = build(self)
            return cast("T", self._once[build])

    def part(self, build: Callable[[ObjectDef], T], object_name: str) -> T:
        """Return `build(object)`, kept here and in every later snapshot that has the very same object.

        For what depends on one object and nothing else: its table, its decoder.
        """
        definition = self.object(object_name)
        key = (build, definition.name)
        kept = self._parts.get(key)
        if kept is None:
            with self._lock:
                kept = self._parts.get(key)
                if kept is None:
                    kept = self._parts[key] = (definition, build(definition))
        return cast("T", kept[1])

    def expression(
        self, source: str, object_name: str | None, use: rules.Use | str, blanks: str | None = None, record: str | None = None
    ) -> Compiled:
        """Return an expression of metadata, compiled at most once.

        `blanks` overrides the null mode of the use (a formula field's own). `record`: in a lookup filter, the object being edited.
        Raises Refused with every problem, which a published expression never does.
        """
        key = (source, (object_name or "").lower(), rules.Use(use), blanks, (record or "").lower())
        kept = self._expressions.get(key)
        if kept is None:
            with self._lock:
                kept = self._expressions.get(key)
                if kept is None:
                    kept = self._expressions[key] = self._compile(source, object_name, rules.Use(use), blanks, record)
        return kept

    def _compile(self, source: str, object_name: str | None, use: rules.Use, blanks: str | None, record: str | None) -> Compiled:
        names = scope(self, object_name, use, record=record)
        return Compiled(source, rules.check(source, names, use, blanks=rules.Blanks(blanks) if blanks else None))

    @property
    def pending(self) -> Mapping[str, tuple[Origin, ...]]:
        """Columns that plans at work are filling, by API name of their object today; nearly always empty."""
        if not self.stored.plans:
            return NOTHING_PENDING
        from fieldstone.metadata.pending import origins  # plans are made from snapshots

        return self.once(origins)

    def pending_values(self, object_name: str, image: Mapping[str, Any], context: rules.Context, connection: Connection) -> dict[str, Any]:
        """Return what a record that is being saved gets in columns that plans are filling: values by physical column, nearly always {}.

        `image`: the record's values after all steps, by API name, and those of its parents by dotted path. Never raises on a value:
        what does not convert is blank, and counted before the switch.
        """
        if not self.stored.plans:
            return {}
        from fieldstone.metadata.pending import values

        return values(self, self.object(object_name), image, context, connection)

    def settle_pending(self, object_name: str, images: Iterable[Mapping[str, Any]], transaction: Transaction) -> None:
        """Compute anew the roll-ups that plans are filling, for the parents of records that were just written; nearly always nothing.

        `images`: the records before and after, by API name, as far as they exist.
        """
        if not self.stored.plans:
            return
        from fieldstone.metadata.pending import settle

        settle(self, self.object(object_name), images, transaction)

    def table(self, object_name: str) -> Table:
        """Return the table of an object as SQLAlchemy writes to it: with the columns that plans are filling."""
        pending = self.pending.get(self.object(object_name).name)
        if pending is None:
            return self.part(record_table, object_name)
        return self.once(_tables_with_pending)[self.object(object_name).name]

    def _take_over(self, previous: Snapshot) -> None:
        self._parts = {key: kept for key, kept in previous._parts.items() if self.objects.get(key[1]) is kept[0]}
        changed = changed_words(previous, self)
        if changed is not None:
            self._expressions = {key: kept for key, kept in previous._expressions.items() if not (kept.words & changed)}

    @cached_property
    def tables(self) -> Mapping[str, ObjectDef]:
        """Objects by the physical name of their table."""
        return MappingProxyType({definition.table: definition for definition in self.objects.values()})


NOTHING_PENDING: Mapping[str, tuple[Origin, ...]] = MappingProxyType({})


def _tables_with_pending(snapshot: Snapshot) -> dict[str, Table]:
    return {
        name: record_table(snapshot.objects[name], hidden=[origin.field for origin in origins])
        for name, origins in snapshot.pending.items()
    }


def _relations(snapshot: Snapshot) -> dict[str, tuple[Relation, ...]]:
    found: dict[str, list[Relation]] = {}
    for child in snapshot.objects.values():
        for field in child.fields.values():
            if field.type in LOOKUPS and field.to is not None:
                relation = Relation(name=field.children or f"{child.name}.{field.name}", child=child, field=field)
                found.setdefault(field.to.lower(), []).append(relation)
    return {name: tuple(relations) for name, relations in found.items()}


def _roll_ups(snapshot: Snapshot) -> dict[str, tuple[RollUp, ...]]:
    found: dict[str, list[RollUp]] = {}
    for parent in snapshot.objects.values():
        for field in parent.fields.values():
            if field.type != "roll_up" or not field.stored or field.relation is None:
                continue
            relation = snapshot.relation(parent.name, field.relation)
            if relation is not None:
                roll_up = RollUp(parent=parent, field=field, child=relation.child, lookup=relation.field)
                found.setdefault(relation.child.name.lower(), []).append(roll_up)
    return {name: tuple(roll_ups) for name, roll_ups in found.items()}


def _formula_orders(snapshot: Snapshot) -> dict[str, tuple[FieldDef, ...]]:
    return {name.lower(): _formula_order(definition) for name, definition in snapshot.objects.items()}


def _formula_order(definition: ObjectDef) -> tuple[FieldDef, ...]:
    formulas = {field.name.lower(): field for field in definition.fields.values() if field.type == "formula" and field.stored}
    ordered: dict[str, FieldDef] = {}
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in ordered or name in visiting:  # a word can be a part of another path: that is no cycle
            return
        visiting.add(name)
        for read in sorted(words(formulas[name].formula or "") & formulas.keys()):
            visit(read)
        ordered[name] = formulas[name]

    for name in formulas:
        visit(name)
    return tuple(ordered.values())


GLOBAL_WORDS = frozenset({"$setup", "$permission", "$label", "$custommetadata"})
OWNER_WORDS = frozenset({"queue", "user"})  # of `Owner:Queue.Name` and `Owner:User.Id`, which the queues are written into
GLOBAL_KINDS = ("custom_setting", "custom_permission", "custom_metadata", "custom_label")


def changed_words(before: Snapshot, after: Snapshot) -> frozenset[str] | None:
    """Return the words of expressions whose meaning may differ between two snapshots; None: that of any word.

    An expression without one of them means what it meant. Too many words cost a compilation, one too few would be a wrong answer.
    """
    changed: set[str] = set()
    for name in {**before.objects, **after.objects}:
        old, new = before.objects.get(name), after.objects.get(name)
        if old is new or old is None or new is None:  # an object that comes or goes is reached by lookups that come or go
            continue
        if _frame(old) != _frame(new):
            return None
        for field in {**old.fields, **new.fields}:
            if _meaning(old.fields.get(field)) != _meaning(new.fields.get(field)):
                changed |= spellings(field, of=new)
    if any(before.all(kind) != after.all(kind) for kind in GLOBAL_KINDS):
        changed |= GLOBAL_WORDS
    if before.all("queue") != after.all("queue") or before.language != after.language:
        changed |= OWNER_WORDS
    return _with_formulas(after, changed)


def _frame(definition: ObjectDef) -> tuple[object, ...]:
    return (definition.name_field, definition.owned_by, definition.record_types, tuple(definition.system_fields))


MEANING = attrgetter(
    "type", "column", "state", "length", "precision", "scale", "values", "to", "returns", "formula", "blanks", "relation", "function",
    "field", "filter", "stored",
)  # fmt: skip


def _meaning(field: FieldDef | None) -> object:
    return None if field is None else MEANING(field)


def spellings(field: str, of: ObjectDef) -> frozenset[str]:
    """Return the words by which an expression can name a field of an object, in lower case."""
    name = field.lower()
    bare = name.removesuffix("__c")
    as_name = {"name"} if name == of.name_field.lower() else set()
    return frozenset({name, f"{bare}__r", f"{name}id", name.removesuffix("id")} | as_name)


def _with_formulas(snapshot: Snapshot, changed: set[str]) -> frozenset[str]:
    """Add the formulas that read a changed word, and those that read them: they are expanded in place."""
    if not changed:
        return frozenset()
    formulas = [
        (spellings(field.name, of=definition), words(field.formula))
        for definition in snapshot.objects.values()
        for field in definition.fields.values()
        if field.formula is not None
    ]
    grown = True
    while grown:
        grown = False
        for named, reads in formulas:
            if reads & changed and not named <= changed:
                changed |= named
                grown = True
    return frozenset(changed)
