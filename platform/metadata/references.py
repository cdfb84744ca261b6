"""Who names whom: where-used, renames, and what goes along when a field goes.

Here: reading and rewriting the places of documents.
Not here: which places there are (`places.py`), whether names resolve (`check.py`).
Works on documents as they are, right or wrong: what has no sensible form is passed over, the checker has said so.
Source: spec/metadata.md, sections 1, 6 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fieldstone.metadata import documents as texts
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.definitions.objects import lookup_aliases
from fieldstone.metadata.expression_names import TOKEN, WORDS
from fieldstone.metadata.kind_names import FOLDERS, PER_OBJECT
from fieldstone.metadata.places import Names, Place, Way, places

TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
ANY_FIELD = re.compile(r"\$objecttype\.(\w+)\.fields\.", re.IGNORECASE)  # before a field of an object as such
GLOBALS = {  # kind → what its names in expressions begin with
    "custom_permission": "$permission",
    "custom_setting": "$setup",
    "custom_metadata": "$custommetadata",
    "custom_label": "$label",
    "object": "$objecttype",
}


def fields_read(place: Place, names: Names) -> Iterator[tuple[str, str]]:
    """Yield (object, field), in lower case, for every field that a place names."""
    for _, steps in fields_named(place, names):
        yield from steps


def fields_named(place: Place, names: Names) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each name of a field in a place as it is written, with (object, field), in lower case, for every step of it."""
    match place.form:
        case "path" | "key" | "name" | "example_key" if place.kind == "field" and place.object:
            yield place.value, names.steps(place.object, place.value)
        case "relation" if place.object:
            related = names.relation(place.object, place.value)
            child, _, lookup = place.value.lower().partition(".")
            yield place.value, [(related[0].lower(), related[1].lower()) if related else (child, lookup)]
        case "expression" | "template":
            for token in _tokens(place, names):
                if token.steps:
                    yield token.text, token.steps


@dataclass(frozen=True, slots=True)
class _Token:
    """A name in an expression: where it stands in the place's text, how it is written, and the fields it goes through."""

    start: int
    end: int
    text: str
    prefix: str  # "$Record.", "$ObjectType.<object>.Fields." or ""
    steps: list[tuple[str, str]]


def _tokens(place: Place, names: Names) -> Iterator[_Token]:
    pieces = [(0, place.value)] if place.form == "expression" else [(m.start(1), m[1]) for m in TEMPLATE.finditer(place.value)]
    for offset, source in pieces:
        for match in TOKEN.finditer(source):
            text = match[1]
            if text is None or match[2] or text.lower() in WORDS:
                continue
            of, prefix = place.object, ""
            if text.lower().startswith("$record.") and place.record:
                of, prefix = place.record, text[: len("$record.")]
            elif (head := ANY_FIELD.match(text)) is not None:
                of, prefix = head[1], head[0]
            elif text.startswith("$") or of is None:
                yield _Token(offset + match.start(1), offset + match.end(1), text, "", [])
                continue
            yield _Token(offset + match.start(1), offset + match.end(1), text, prefix, names.steps(of, text[len(prefix) :]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One use of a definition: the document, where in it, and what it does there."""

    document: str
    pointer: str
    kind: str
    does: str


def where_used(documents: Mapping[str, Document], kind: str, name: str, object_name: str | None = None) -> tuple[Mention, ...]:
    """Return every place that names a definition, in the order of the documents. `kind` "field" takes its object."""
    names = Names(documents)
    return tuple(
        Mention(document=path, pointer=place.pointer, kind=document["kind"], does=place.does)
        for path, document in documents.items()
        for place in places(document, names)
        if place.form != "example_key" and _names(place, kind, name.lower(), (object_name or "").lower(), names)
    )


def _names(place: Place, kind: str, name: str, of: str, names: Names) -> bool:
    if kind == "field":
        return (of, name) in fields_read(place, names)
    if kind == "object" and place.form == "relation" and place.object:
        related = names.relation(place.object, place.value)
        return related is not None and related[0].lower() == name
    if place.form in ("expression", "template"):
        head = GLOBALS.get(kind)
        return head is not None and any(f"{token.text.lower()}.".startswith(f"{head}.{name}.") for token in _tokens(place, names))
    same_object = kind not in PER_OBJECT or (place.object or "").lower() == of
    return place.form in ("name", "key", "submitter") and place.kind == kind and place.value.lower() == name and same_object


# --- rewriting -----------------------------------------------------------------------------------------------------------------


class Named(Protocol):
    """What is renamed: one definition by name."""

    @property
    def kind(self) -> str: ...

    @property
    def object(self) -> str: ...

    @property
    def name(self) -> str: ...


class Renaming(Protocol):
    """A new API name for one definition."""

    @property
    def place(self) -> Named: ...

    @property
    def to(self) -> str: ...


def renamed(documents: Mapping[str, Document], rename: Renaming) -> dict[str, Document]:
    """Return `documents` with the definition called otherwise everywhere: names, keys, paths, expressions (their spacing kept).

    The old name of an object or field is added to its `was`. Documents in which nothing changes are the same objects as before.
    """
    names = Names(documents)
    rewriting = _Renaming(rename.place.kind, rename.place.name, rename.place.object or "", rename.to, names)
    found: dict[str, Document] = {}
    moved: dict[str, str] = {}
    for path, document in documents.items():
        changed = rewriting.document(document)
        where = path if changed is document else texts.path_of(changed)
        if where != path:
            moved[path] = where
        found[where] = changed
    return {path: rewriting.translation(document, moved) for path, document in found.items()}


class _Renaming:
    def __init__(self, kind: str, name: str, of: str, to: str, names: Names) -> None:
        self.kind, self.name, self.of, self.to, self.names = kind, name.lower(), of.lower(), to, names

    def document(self, document: Document) -> Document:
        changed: Any = document
        # Deeper ways first, keys last: a renamed key would lead the others astray.
        found = sorted(places(document, self.names), key=lambda place: (-len(place.way), place.form.endswith("key")))
        for place in found:
            new = self.value(place)
            if new is None:
                continue
            if place.form in ("key", "value_key", "example_key", "relation_key"):
                changed = with_key(changed, place.way, new)
            else:
                text = f"{place.kind}:{new}" if place.form == "submitter" else new
                changed = with_value(changed, place.way, text)
        return self.itself(changed)

    def value(self, place: Place) -> str | None:
        """Return the new text of a place, None if it stays."""
        if self.kind == "field" and place.form in ("path", "key", "name", "example_key") and place.kind == "field" and place.object:
            new = self.path(place.value, self.names.steps(place.object, place.value))
            return new if new != place.value else None
        if place.form in ("relation", "relation_key") and place.object:
            return self.relation(place)
        if place.form in ("expression", "template"):
            new = self.source(place)
            return new if new != place.value else None
        return self.to if _names(place, self.kind, self.name, self.of, self.names) else None

    def path(self, text: str, steps: list[tuple[str, str]]) -> str:
        parts = text.split(".")
        for index, step in enumerate(steps):
            if self.kind == "field" and step == (self.of, self.name):
                parts[index] = _respelled(parts[index], self.name, self.to)
        return ".".join(parts)

    def relation(self, place: Place) -> str | None:
        child, dot, lookup = place.value.partition(".")
        if not dot:
            return None  # by its `children` name, which stays
        if self.kind == "object" and child.lower() == self.name:
            return f"{self.to}.{lookup}"
        if self.kind == "field" and (child.lower(), lookup.lower()) == (self.of, self.name):
            return f"{child}.{self.to}"
        return None

    def source(self, place: Place) -> str:
        text = place.value
        for token in reversed(list(_tokens(place, self.names))):
            if token.steps:
                new = self.of_global(token.prefix) + self.path(token.text[len(token.prefix) :], token.steps)
            else:
                new = self.of_global(token.text)
            text = text[: token.start] + new + text[token.end :]
        return text

    def of_global(self, text: str) -> str:
        head, _, rest = text.partition(".")
        name, dot, field = rest.partition(".")
        return f"{head}.{self.to}{dot}{field}" if head.lower() == GLOBALS.get(self.kind) and name.lower() == self.name else text

    def itself(self, document: Document) -> Document:
        """Rename the definition where it stands."""
        kind = document.get("kind")
        if self.kind == "field":
            of = document.get("api_name") if kind == "object" else document.get("object") if kind == "object_extension" else None
            if isinstance(of, str) and of.lower() == self.of:
                key = next((key for key in document.get("fields", {}) if key.lower() == self.name), None)
                if key is not None:
                    part = document["fields"][key]
                    fields = {**document["fields"], key: {**part, "was": _was(part, key, self.to)}}
                    return {**document, "fields": with_key(fields, (key,), self.to)}
            return document
        if self.kind == "object" and kind in PER_OBJECT and str(document.get("object", "")).lower() == self.name:
            return {**document, "object": self.to}
        own = str(document.get("object", "")).lower() if self.kind in PER_OBJECT else ""
        if kind == self.kind and texts.name_of(document).lower() == self.name and own == self.of:
            was = {"was": _was(document, document["api_name"], self.to)} if kind == "object" else {}
            return {**document, "api_name": self.to, **was}
        return document

    def translation(self, document: Document, moved: Mapping[str, str]) -> Document:
        """Follow moved documents and renamed fields in translations."""
        if document.get("kind") != "translation":
            return document
        at = (f"objects/{self.of}.json", f"extensions/{self.of}")
        found: dict[str, Any] = {}
        for path, by_pointer in document["texts"].items():
            own = self.kind == "field" and path.lower().startswith(at)
            old = re.compile(rf"^/fields/{re.escape(self.name)}(?=/)", re.IGNORECASE)
            found[moved.get(path, path)] = {old.sub(f"/fields/{self.to}", key) if own else key: text for key, text in by_pointer.items()}
        return document if found == document["texts"] else {**document, "texts": found}


def _was(part: Document, name: str, to: str) -> list[str]:
    return [old for old in (*part.get("was", ()), name) if old.lower() != to.lower()]


def _respelled(step: str, name: str, to: str) -> str:
    """Return a step of a path under its new name, in the way it was written: as it is, or as an alias of a lookup."""
    lower = step.lower()
    if lower == name:
        return to
    if lower == "name":
        return step  # the name field is still what `name` means
    return f"{to}{step[len(name) :]}" if lower.startswith(name) and lower in lookup_aliases(name) and not to.endswith("__c") else to


def with_value(node: Any, way: Way, value: Any) -> Any:
    """Return `node` with `value` at `way`; what lies beside the way is shared."""
    if not way:
        return value
    step, rest = way[0], way[1:]
    if isinstance(node, Mapping):
        return {**node, step: with_value(node[step], rest, value)}
    return [*node[:step], with_value(node[step], rest, value), *node[step + 1 :]]  # type: ignore[operator]


def with_key(node: Any, way: Way, key: str) -> Any:
    """Return `node` with the last key of `way` called `key`, in its old place."""
    if len(way) == 1:
        return {key if name == way[0] else name: value for name, value in node.items()}
    inner = with_key(node[way[0]], way[1:], key)
    return with_value(node, way[:1], inner)


def without(node: Any, ways: Iterable[Way]) -> Any:
    """Return `node` without what stands at `ways`."""
    for way in sorted(ways, key=lambda way: [(isinstance(step, int), step if isinstance(step, int) else 0) for step in way], reverse=True):
        node = _dropped(node, way)
    return node


def _dropped(node: Any, way: Way) -> Any:
    step = way[0]
    if isinstance(node, Mapping):
        if step not in node:
            return node
        if len(way) == 1:
            return {key: value for key, value in node.items() if key != step}
        return {**node, step: _dropped(node[step], way[1:])}
    if not isinstance(node, list) or not isinstance(step, int) or step >= len(node):
        return node
    return [*node[:step], *([] if len(way) == 1 else [_dropped(node[step], way[1:])]), *node[step + 1 :]]


def without_mentions(
    documents: Mapping[str, Document], gone: frozenset[tuple[str, str]], objects: frozenset[str] = frozenset()
) -> dict[str, Document]:
    """Return `documents` without plain mentions of the fields `gone` ((object, field)) and of the `objects`, all in lower case.

    Items of layouts, columns, panels, navigation, rights and what stands for nothing without them go; expressions and lookups stay, for
    the checker to refuse.
    """
    names = Names(documents)
    found: dict[str, Document] = {}
    for path, document in documents.items():
        ways = ways_of(document, gone, objects, names)
        found[path] = without(document, ways) if ways else document
    return found


def ways_of(document: Document, gone: frozenset[tuple[str, str]], objects: frozenset[str], names: Names) -> list[Way]:
    """Return the ways in `document` to what goes with the fields `gone` and the `objects`; see `without_mentions`."""
    return _outermost(
        {place.goes for place in _readable(document, names) if place.goes is not None and _is_gone(place, gone, objects, names)}
    )


def _is_gone(place: Place, gone: frozenset[tuple[str, str]], objects: frozenset[str], names: Names) -> bool:
    if place.kind == "object":
        return place.form in ("name", "key") and place.value.lower() in objects
    return place.kind == "field" and any(read in gone for read in fields_read(place, names))


def _readable(document: Document, names: Names) -> list[Place]:
    """Return the places of a document that nobody has checked yet; none where it is no document at all."""
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in FOLDERS:
        return []
    try:
        return list(places(document, names))
    except (AttributeError, TypeError, KeyError):
        return []


def _outermost(ways: Iterable[Way | None]) -> list[Way]:
    wanted = sorted((way for way in ways if way is not None), key=len)
    kept: list[Way] = []
    for way in wanted:
        if not any(way[: len(other)] == other for other in kept):
            kept.append(way)
    return kept
