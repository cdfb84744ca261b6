"""From columns to records: what a select takes, and how each row becomes a dict that the reader may see.

Here: `Projection`. References to records that the reader cannot see come out hidden, in the same statement. Formulas that only Python
can do are computed here, from the columns they read; so is whether one has failed that is stored as a checkbox not ticked.
Not here: which rows (`sharing.py`, `read.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, null
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.limits import NAMES_JOINED
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.formulas import held
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.gate.names import Named
from fieldstone.records.gate.sharing import Reader
from fieldstone.records.gate.sources import Sources, name_of, unseen
from fieldstone.records.query import HIDDEN, Record, Reference
from fieldstone.rules import Context, EvaluationError

# System fields that name a person. Whoever sees the record sees who stands behind it.
PEOPLE = frozenset({"owner", "created_by", "updated_by", "deleted_by"})


def needed_columns(asking: Reader, definition: ObjectDef, named: Iterable[Named]) -> set[str]:
    """Return the physical columns of the object's own table that a projection of `named` reads."""
    found: set[str] = {"id"}

    def add(name: str) -> None:
        field = definition.field(name)
        assert field is not None
        if field.column is not None and field.stored:
            found.add(field.column)
        if field.type == "formula":
            compiled = asking.snapshot.expression(field.formula or "", definition.name, "formula", field.blanks)
            # Whether a checkbox that is not ticked has failed, its inputs tell.
            for path in compiled.reads if not field.stored or (field.result_type == "checkbox" and compiled.checked.fails) else ():
                add(path[0])

    for each in named:
        add(each.path[0])
    return found


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula that no database can compute: it is, for each row, from what it reads. A stored one only where it may have failed."""

    place: int  # of the field among the values
    found: FieldDef
    compiled: Compiled
    context: Context
    inputs: tuple[tuple[str, int], ...]  # what it reads, and where that stands in the row
    hidden: tuple[int, ...]  # where it stands whether a lookup on the way leads to a record that the reader cannot see

    def value(self, values: Sequence[Any]) -> Any:
        """Return the value as its reader is told it; blank where it fails or goes through an invisible parent."""
        if any(values[at] for at in self.hidden) or (self.found.stored and values[self.place] is not False):
            return values[self.place]  # None of a live formula; of a stored one all that cannot be a failure
        try:
            result = self.compiled.python({path: values[at] for path, at in self.inputs}, self.context)
        except EvaluationError:
            return None
        return False if result is None and self.found.result_type == "checkbox" else held(self.found, result)


class Projection:
    """The columns for some named fields, in `columns`; `record` turns a row of them (after `start` others) into a record.

    The value of each field stands first, in the order of the names; what a reference needs besides comes behind them all. Above
    `NAMES_JOINED` parents the names of further ones are left to `name`, which reads them with a statement for each target.
    """

    def __init__(self, sources: Sources, named: Iterable[Named]) -> None:
        self.sources = sources
        fields = tuple(named)
        self.names = tuple(each.name for each in fields)
        computed = {place: made for place, each in enumerate(fields) if (made := _only_python(sources, each)) is not None}
        self.columns: list[ColumnElement[Any]] = [
            null() if place in computed and not each.field.stored else sources.told(each.path) for place, each in enumerate(fields)
        ]
        self.computed = [self._computed(place, fields[place], compiled) for place, compiled in computed.items()]
        self.references: list[tuple[int, int, str]] = []  # place of the id, of the name (the id of the joined row is next), object
        self.owners: list[tuple[int, int]] = []
        self.late: list[tuple[str, str]] = []  # name of the field, target object: its values are ids until `name`
        self.queues = queue_names(sources.asking.snapshot, sources.asking.principal.language)
        for place, each in enumerate(fields):
            if each.field.type in LOOKUPS or each.field.name in PEOPLE:
                self._add_reference(place, each)

    def _computed(self, place: int, named: Named, compiled: Compiled) -> Computed:
        """Add the columns that a formula reads, and those that tell whether its reader sees what it goes through."""

        def added(column: ColumnElement[Any]) -> int:
            self.columns.append(column)
            return len(self.columns) - 1

        inputs = tuple((".".join(path), added(self.sources.value((*named.hops, *path)))) for path in sorted(compiled.reads))
        hops = sorted({path[:count] for path in compiled.reads for count in range(1, len(path))})
        hidden = tuple(added(case((unseen(self.sources, (*named.hops, *hop)), 1), else_=0)) for hop in hops)
        return Computed(place, named.field, compiled, self.sources.terms.context(compiled.checked), inputs, hidden)

    def _add_reference(self, place: int, each: Named) -> None:
        sources, found = self.sources, each.field
        person = found.system and found.name in PEOPLE
        target = sources.asking.snapshot.objects.get(found.to or "user")
        at = len(self.columns)
        if target is None or not (person or target.name in sources.asking.rights.visible_objects):
            self.columns += [null(), null()]
            self.references.append((place, at, found.to or "user"))
            return
        if not person and len(sources.tables) > NAMES_JOINED and not sources.joins(each.path):
            self.late.append((each.name, target.name))
            return
        _, alias = sources.parent(each.path, open_to_all=person)
        self.columns += [name_of(sources.asking, target, alias), alias.c.id]
        if found.name == "owner" and found.system:
            self.owners.append((place, at))
        else:
            self.references.append((place, at, target.name))

    def record(self, row: Any, start: int = 0) -> Record:
        """Return the record in `row`, whose columns for this projection begin at `start`."""
        values = list(row[start:] if start else row)
        for each in self.computed:
            values[each.place] = each.value(values)
        for place, at, target in self.references:
            value = values[place]
            if value is not None:
                # The joined row is not there if the reader cannot see it.
                values[place] = Reference(value, values[at], target) if values[at + 1] is not None else HIDDEN
        for place, at in self.owners:
            value = values[place]
            if value is not None:
                known = values[at + 1] is not None
                values[place] = Reference(value, values[at], "user") if known else Reference(value, self.queues.get(value), "queue")
        return dict(zip(self.names, values, strict=False))

    def name(self, records: Iterable[Record], names: Callable[[str, list[str]], Mapping[str, Reference]]) -> None:
        """Put references in the place of ids that no joined row has named; `names(object, ids)` gives those that the reader sees."""
        if not self.late:
            return
        rows = list(records)
        wanted: dict[str, set[str]] = {}
        for field, target in self.late:
            wanted.setdefault(target, set()).update(row[field] for row in rows if row[field] is not None)
        known = {target: names(target, sorted(ids)) if ids else {} for target, ids in wanted.items()}
        for row in rows:
            for field, target in self.late:
                if row[field] is not None:
                    row[field] = known[target].get(row[field], HIDDEN)


def _only_python(sources: Sources, named: Named) -> Compiled | None:
    """Return the formula of a field that has no form in SQL if it is computed when it is read; None for every other field.

    A stored checkbox is, too, if it can fail: its column is never blank, and what is not ticked may have.
    """
    found = named.field
    if found.type != "formula" or (found.stored and found.result_type != "checkbox"):
        return None
    compiled = sources.asking.snapshot.expression(found.formula or "", named.holder.name, "formula", found.blanks)
    return None if compiled.checked.sql or (found.stored and not compiled.checked.fails) else compiled


def queue_names(snapshot: Snapshot, language: str) -> Mapping[str, str]:
    """Return the labels of queues by id, in `language`."""
    known = snapshot.once(_queue_labels)
    found = known.get(language)
    if found is None:
        from fieldstone.metadata.labels import text

        queues = [each for each in snapshot.all("queue") if isinstance(each, QueueDef)]
        found = known[language] = {each.id: text(each.label, language, snapshot.language, each.name) for each in queues}
    return found


def _queue_labels(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    return {}
