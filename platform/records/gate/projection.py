"""From columns to records: what a select takes, and how each row becomes a dict that the reader may see.

Here: `Projection`. References to records that the reader cannot see come out hidden, in the same statement.
Not here: which rows (`sharing.py`, `read.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import null
from sqlalchemy.sql.elements import ColumnElement

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
    """The columns for some named fields, in `columns`; `record` turns a row of them (after `start` others) into a record."""

    def __init__(self, sources: Sources, named: Iterable[Named]) -> None:
        self.sources = sources
        self.columns: list[ColumnElement[Any]] = []
        self.plain: list[tuple[str, int]] = []
        self.references: list[tuple[str, int, int, str]] = []  # key, place of the id, of the name, object
        self.owners: list[tuple[str, int, int]] = []
        self.queues = queue_names(sources.asking.snapshot, sources.asking.principal.language)
        for each in named:
            self._add(each)
        self.names = tuple(name for name, _ in self.plain)
        self.places = tuple(place for _, place in self.plain)

    def _add(self, each: Named) -> None:
        sources, found = self.sources, each.field
        if found.type not in LOOKUPS and found.name not in PEOPLE:
            self.plain.append((each.name, len(self.columns)))
            self.columns.append(sources.value(each.path))
            return
        person = found.system and found.name in PEOPLE
        target = sources.asking.snapshot.objects.get(found.to or "user")
        place = len(self.columns)
        self.columns.append(sources.value(each.path))
        if target is None or not (person or target.name in sources.asking.rights.visible_objects):
            self.columns += [null(), null()]
            self.references.append((each.name, place, place + 1, found.to or "user"))
            return
        _, alias = sources.parent(each.path, open_to_all=person)
        name = target.name_fielddef
        self.columns += [tables.column(alias, name), alias.c.id]
        if found.name == "owner" and found.system:
            self.owners.append((each.name, place, place + 1))
        else:
            self.references.append((each.name, place, place + 1, target.name))

    def record(self, row: Any, start: int = 0) -> Record:
        """Return the record in `row`, whose columns for this projection begin at `start`."""
        if start:
            row = row[start:]
        made: Record = {name: row[place] for name, place in self.plain}
        for name, place, at, target in self.references:
            value = row[place]
            if value is None:
                made[name] = None
            else:
                # The id of the joined row comes after its name: blank if the reader cannot see it.
                made[name] = Reference(value, row[at], target) if row[at + 1] is not None else HIDDEN
        for name, place, at in self.owners:
            value = row[place]
            if value is None:
                made[name] = None
            elif row[at + 1] is not None:
                made[name] = Reference(value, row[at], "user")
            else:
                made[name] = Reference(value, self.queues.get(value), "queue")
        return made


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
