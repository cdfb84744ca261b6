"""A set of documents while it is being checked: what the stages read and leave behind.

Here: `Proposed`. Not here: any rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from functools import cached_property
from typing import TYPE_CHECKING

from fieldstone.errors import Problem
from fieldstone.metadata.checks.moved import moved_words
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.expression_names import words_in
from fieldstone.metadata.field_types import BadValue
from fieldstone.metadata.load import Definitions, definitions_of, load
from fieldstone.metadata.meta_schemas import pointer
from fieldstone.metadata.places import LOOKUP_TYPES, Names, Place, Way, places
from fieldstone.metadata.scope import Scopes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldstone.metadata.snapshot import Snapshot


@dataclass(kw_only=True)
class Proposed:
    """`documents` are all of the set, `sound` those of the right shape (without their malformed fields).

    `bad` holds fields that some stage has refused, as (object, field) in lower case: what merely follows from that is not reported again.
    """

    documents: Mapping[str, Document]
    sound: Mapping[str, Document]
    language: str = "en"
    problems: list[Problem] = made(default_factory=list)
    bad: set[tuple[str, str]] = made(default_factory=set)
    wrong: set[tuple[str, str]] = made(default_factory=set)  # (path, pointer) of what was refused
    current: Snapshot | None = None  # what is in force: checked when it was published
    database: Connection | None = None  # besides SQLite in memory, where examples are run too

    @cached_property
    def names(self) -> Names:
        """Objects and fields by name, malformed ones included."""
        return Names(self.documents)

    @cached_property
    def definitions(self) -> Definitions:
        """The sound documents as definitions."""
        if self.current is None:
            return load(self.sound, language=self.language)
        before = self.current.once(definitions_of)
        return load(self.sound, self.current.identities, language=self.language, previous=before)

    @cached_property
    def scopes(self) -> Scopes:
        """What names mean."""
        return self.definitions.once(Scopes)

    @cached_property
    def places(self) -> tuple[tuple[str, Place], ...]:
        """Every place that has to be judged, with its document's path: of what is in force only where something may have changed."""
        return tuple(
            (path, place) for path, document in self.sound.items() for place in self._places(path, document) if not self._stays(path, place)
        )

    def _places(self, path: str, document: Document) -> Iterable[Place]:
        if self.current is not None and self.unchanged(path) and not self._relations_moved:
            return self.current.once(_places_in_force)[path]
        return places(document, self.names)

    @cached_property
    def _relations_moved(self) -> bool:
        """Whether a lookup or an object came, went or changed: then relations may lead elsewhere."""
        return self.moved is None or any(isinstance(part, Mapping) and part.get("type") in LOOKUP_TYPES for part in self.changed_parts)

    def _stays(self, path: str, place: Place) -> bool:
        """Tell whether a place of an unchanged document names what it named when it was published."""
        return place.kind not in self._lost_kinds and self.settled(path, place.value, place.field or "")

    @cached_property
    def _lost_kinds(self) -> frozenset[str]:
        """Kinds of which something that is in force is missing."""
        return frozenset(str(document["kind"]) for path, document in self.before.items() if path not in self.sound)

    @cached_property
    def before(self) -> Mapping[str, Document]:
        """The documents in force."""
        return {} if self.current is None else self.current.parsed

    def unchanged(self, path: str) -> bool:
        """Tell whether a document is the very one that is in force."""
        return path in self.documents and self.before.get(path) is self.documents[path]

    def _stays_in(self, path: str, field: FieldDef) -> bool:
        before = self.before.get(path)
        return before is not None and _has_fields(before) and before["fields"].get(field.name) == field.source

    @cached_property
    def changed_parts(self) -> tuple[object, ...]:
        """Parts of fields that are new, gone or different, as they were and as they are."""
        found: list[object] = []
        for path in {**self.before, **self.documents}:
            old, new = self.before.get(path), self.documents.get(path)
            if old is new:
                continue
            fields = [dict(document["fields"]) if _has_fields(document) else {} for document in (old or {}, new or {})]
            for name in {**fields[0], **fields[1]}:
                if fields[0].get(name) != fields[1].get(name):
                    found += [part[name] for part in fields if name in part]
        return tuple(found)

    @cached_property
    def moved(self) -> frozenset[str] | None:
        """Words of expressions that may mean something else than in what is in force; None: any word."""
        return moved_words(self.before, self.documents)

    def settled(self, path: str, *sources: str, field: FieldDef | None = None) -> bool:
        """Tell whether expressions of an unchanged document, or of an unchanged field of one, still mean what they meant when published."""
        if self.moved is None or not (self.unchanged(path) or (field is not None and self._stays_in(path, field))):
            return False
        return not any(words_in(source) & self.moved for source in sources)

    def refuse(
        self, path: str, way: Way | str, code: str, /, *, suggestion: str | None = None, warning: bool = False, **params: object
    ) -> None:
        """Note a problem at a place of a document."""
        place = way if isinstance(way, str) else pointer(way)
        self.take([Problem(code=code, params=params, document=path, pointer=place, suggestion=suggestion, warning=warning)])

    def refuse_value(self, path: str, way: Way, bad: BadValue) -> None:
        """Note a constant that its field does not take."""
        self.take([Problem(code=bad.code, params=bad.params, document=path, pointer=pointer(way), suggestion=bad.suggestion)])

    def take(self, problems: Iterable[Problem]) -> None:
        """Note problems that are placed already."""
        for problem in problems:
            self.problems.append(problem)
            if not problem.warning:
                self._mark(problem)

    def _mark(self, problem: Problem) -> None:
        path, pointer = problem.document or "", problem.pointer or ""
        self.wrong.add((path, pointer))
        document = self.documents.get(path, {})
        steps = pointer.split("/")
        if document.get("kind") in ("object", "object_extension") and len(steps) > 2 and steps[1] == "fields":
            of = document.get("api_name") if document["kind"] == "object" else document.get("object")
            self.bad.add((str(of).lower(), steps[2].lower()))

    def leave_out_fields(self) -> None:
        """Leave out fields whose very name was refused: from here on only the others count."""
        for path, document in self.sound.items():
            lost = [name for name in document.get("fields", {}) if (path, pointer(("fields", name))) in self.wrong]
            if lost:
                kept = {name: part for name, part in document["fields"].items() if name not in lost}
                self.sound = {**self.sound, path: {**document, "fields": kept}}

    def object(self, name: object) -> ObjectDef | None:
        """Return a sound object by name; people are always there."""
        return self.scopes.object(name) if isinstance(name, str) else None

    def follows(self, of: str, path: str) -> bool:
        """Tell whether `path` fails for something that is there but was refused: then that alone is reported."""
        return any(step in self.bad or self._lost(step[0]) for step in self.names.steps(of, path))

    def _lost(self, object_name: str) -> bool:
        there = object_name in self.names.fields
        return there and self.object(object_name) is None

    def fields(self) -> Iterable[tuple[str, ObjectDef, FieldDef]]:
        """Yield every sound field that nothing was said against, with the path of its document and its object."""
        for definition in self.definitions.objects.values():
            of = definition.name.lower()
            for field in definition.fields.values():
                if not self.bad or (of, field.name.lower()) not in self.bad:
                    yield field.path, definition, field


def _has_fields(document: Document) -> bool:
    return document.get("kind") in ("object", "object_extension") and isinstance(document.get("fields"), Mapping)


def _places_in_force(snapshot: Snapshot) -> dict[str, tuple[Place, ...]]:
    names = Names(snapshot.parsed)
    return {path: tuple(places(document, names)) for path, document in snapshot.parsed.items()}
