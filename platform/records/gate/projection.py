"""From columns to records: what a select takes, and how each row becomes a dict that the reader may see.

Here: `Projection`. References to records that the reader cannot see come out hidden, in the same statement.
Not here: which rows (`sharing.py`, `read.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import null
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.limits import NAMES_JOINED
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate import tables
from fieldstone.records.gate.names import Named
from fieldstone.records.gate.sharing import Reader
from fieldstone.records.gate.sources import Sources
from fieldstone.records.query import HIDDEN, Record, Reference

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
        elif field.type == "formula":
            for path in asking.snapshot.expression(field.formula or "", definition.name, "formula", field.blanks).reads:
                add(path[0])

    for each in named:
        add(each.path[0])
    return found


class Projection:
    """The columns for some named fields, in `columns`; `record` turns a row of them (after `start` others) into a record.

    The value of each field stands first, in the order of the names; what a reference needs besides comes behind them all. Above
    `NAMES_JOINED` parents the names of further ones are left to `name`, which reads them with a statement for each target.
    """

    def __init__(self, sources: Sources, named: Iterable[Named]) -> None:
        self.sources = sources
        fields = tuple(named)
        self.names = tuple(each.name for each in fields)
        self.columns: list[ColumnElement[Any]] = [sources.value(each.path) for each in fields]
        self.references: list[tuple[int, int, str]] = []  # place of the id, of the name (the id of the joined row is next), object
        self.owners: list[tuple[int, int]] = []
        self.late: list[tuple[str, str]] = []  # name of the field, target object: its values are ids until `name`
        self.queues = queue_names(sources.asking.snapshot, sources.asking.principal.language)
        for place, each in enumerate(fields):
            if each.field.type in LOOKUPS or each.field.name in PEOPLE:
                self._add_reference(place, each)

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
        self.columns += [tables.column(alias, target.name_fielddef), alias.c.id]
        if found.name == "owner" and found.system:
            self.owners.append((place, at))
        else:
            self.references.append((place, at, target.name))

    def record(self, row: Any, start: int = 0) -> Record:
        """Return the record in `row`, whose columns for this projection begin at `start`."""
        values = list(row[start:] if start else row)
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
