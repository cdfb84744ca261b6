"""The author rule: whoever defines something that takes values out of records must be able to read them.

Here: which places of documents take values, and which of those that a change brings its author may not read.
Not here: the other rights of authors (`authors.py`), what people get to see of a formula, view or message (the gate judges that anew).
Source: spec/security.md, section 3, "Writing", point 6.

Judged is what differs from what is in force under the names it gets: a rename defines nothing. A field that comes in the same change holds
nothing yet and is nobody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, cast

from fieldstone.errors import Problem
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.places import Names, Place, places
from fieldstone.metadata.propose import Documents, different
from fieldstone.metadata.references import fields_named
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate.access import Rights

# What takes values wherever it stands, and what a path or a relation does where it takes some: in documents of every kind. What only shows
# a field (an item of a layout, a column) leaves it to the right of whoever looks; but who decides in an approval sees its evidence without.
SOURCES = frozenset({"expression", "template"})
TAKES = frozenset({"reads", "filters"})
SHOW_TO_ANYBODY = frozenset({"approval_process"})


def takes_values(kind: str, place: Place) -> bool:
    """Whether a place in a document of this kind takes values out of records."""
    return place.form in SOURCES or place.does in TAKES or (kind in SHOW_TO_ANYBODY and place.does == "shows")


def beyond_reading(current: Snapshot, held: Rights, changes: ChangeSet, before: Documents, after: Documents) -> Iterator[Problem]:
    """Yield `author_cannot_read`, with its place, for each field that `changes` would take values from and the author may not read.

    `before`: the documents in force under the names that they get. `after`: as they would be. Who may change all data passes.
    """
    if held.setup("modify_all_data"):
        return
    names, known = Names(after), Names(before)
    for path in sorted(different(before, after) & after.keys()):
        settled = (
            Counter(_definition(before[path], place, known) for place in _takers(before[path], known)) if path in before else Counter()
        )
        for place in _takers(after[path], names):
            same = _definition(after[path], place, names)
            if settled[same]:
                settled[same] -= 1
            else:
                yield from _unreadable(current, held, changes, path, place, names)
    for path, place in _fills(changes, after):
        yield from _unreadable(current, held, changes, path, place, names)


def _takers(document: Mapping[str, Any], names: Names) -> Iterator[Place]:
    kind = str(document.get("kind"))
    return (place for place in places(document, names) if takes_values(kind, place))


def _definition(document: Mapping[str, Any], place: Place, names: Names) -> Hashable:
    """What a place defines: the same where it was only moved among its like. A field that is declassified is opened by being so."""
    way = tuple(step for step in place.way if isinstance(step, str))
    declassified = way[0] == "fields" and "declassified" in document.get("fields", {}).get(way[1], {})
    read = tuple((name, *steps) for name, steps in fields_named(place, names))
    return (way, place.value, read, declassified)


def _fills(changes: ChangeSet, after: Documents) -> Iterator[tuple[str, Place]]:
    """Yield the expressions that give records which are there already their first value."""
    for where, answer in changes.answers.items():
        path, _, pointer = where.partition("#")
        document = after.get(path)
        if document is not None and isinstance(answer.fill, str) and answer.fill.startswith("="):
            of = str(document.get("object") or document.get("api_name"))
            yield path, Place(way=tuple(pointer.split("/")[1:]), form="expression", value=answer.fill, object=of, does="reads")


def _unreadable(current: Snapshot, held: Rights, changes: ChangeSet, path: str, place: Place, names: Names) -> Iterator[Problem]:
    for name in {
        name: None for name, steps in fields_named(place, names) if not all(_may_read(current, held, changes, *step) for step in steps)
    }:
        yield Problem(code="author_cannot_read", params={"name": name}, document=path, pointer=place.pointer)


def _may_read(current: Snapshot, held: Rights, changes: ChangeSet, object_name: str, field_name: str) -> bool:
    definition, found = as_it_is(current, changes, object_name, field_name)
    return definition is None or found is None or found.name in held.readable(definition.name)


def as_it_is(current: Snapshot, changes: ChangeSet, object_name: str, field_name: str = "") -> tuple[ObjectDef | None, FieldDef | None]:
    """Return the object and field in force that will be called so: rights are held on what there is. None: it comes with `changes`."""
    for rename in reversed(changes.rename):
        place, renamed = rename.place, rename.to.lower()
        if place.kind == "object" and renamed == object_name.lower():
            object_name = place.name
        elif place.kind == "field" and (place.object.lower(), renamed) == (object_name.lower(), field_name.lower()):
            field_name = place.name
    definition = cast("ObjectDef | None", current.find("object", object_name))
    return definition, definition.field(field_name) if definition is not None else None
