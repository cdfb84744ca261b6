"""What is restored goes back to its places: items of layouts, columns of views, panels, navigation, rights.

Here: finding what its removal took out of other documents, and putting that back where the document and what lay around still exist.
Not here: the definition itself and its data (`propose`, `transition`), which mentions go with a removal (`references`).
Source: spec/metadata.md, sections 6 ("restored with it, same place"), 8 and 10 (invariant 12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from fieldstone.metadata import documents as texts
from fieldstone.metadata.changes import Place
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.identities import Identity, latest_archived
from fieldstone.metadata.places import Names, Way
from fieldstone.metadata.references import ways_of
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.store import DEFINITION, PUBLISH
from fieldstone.metadata.versions import documents_at

TOLD_APART_BY = ("id", "field", "relation", "object", "api_name")  # what says that two elements of a list are the same one


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What went out of other documents when a field, or an object with all its fields, was removed."""

    fields: frozenset[tuple[str, str]]  # (object, field), lower case
    objects: frozenset[str]
    before: Mapping[str, Document]  # by path: the documents as they were until then

    def besides(self, paths: Iterable[str | None]) -> Taken:
        """Return it without what went out of the documents at `paths`."""
        return replace(self, before={path: each for path, each in self.before.items() if path not in set(paths)})


def taken(connection: Connection, current: Snapshot, restore: Iterable[Place]) -> tuple[Taken, ...]:
    """Return what the removals of these archived things took along, as the history of publishes has it."""
    found = (latest_archived(current.identities, place.kind, place.object, place.name) for place in restore)
    return tuple(_taken(connection, current, identity) for identity in found if identity is not None)


def _taken(connection: Connection, current: Snapshot, identity: Identity) -> Taken:
    removal = (
        select(PUBLISH.c.version, PUBLISH.c.changes)
        .join(DEFINITION, DEFINITION.c.version == PUBLISH.c.version)
        .where(DEFINITION.c.id == identity.id)
    )
    row = connection.execute(removal).one_or_none()
    paths = row.changes.get("mentions", ()) if row is not None else ()
    before = documents_at(connection, row.version - 1, paths) if row is not None and paths else {}
    return Taken(
        fields=frozenset(
            (each.object.lower(), each.name.lower())
            for each in current.identities.archived("field")
            if each.id == identity.id or (identity.kind == "object" and each.object.lower() == identity.name.lower())
        ),
        objects=frozenset({identity.name.lower()} if identity.kind == "object" else ()),
        before={path: texts.parse(text, path=path) for path, text in before.items()},
    )


def put_back(documents: Mapping[str, Document], removals: Iterable[Taken]) -> dict[str, Document]:
    """Return those of `documents`, by path, into which something goes back. The restored definitions are among `documents`."""
    names = Names(documents)
    changed: dict[str, Document] = {}
    for removal in removals:
        for path, before in removal.before.items():
            now = changed.get(path, documents.get(path))
            for way in sorted(ways_of(before, removal.fields, removal.objects, names), key=_in_order):
                if now is not None:
                    now = _with(now, way, before)
            if now is not None and now is not documents.get(path):
                changed[path] = now
    return changed


def _in_order(way: Way) -> list[tuple[bool, int, str]]:
    return [(isinstance(step, int), step, "") if isinstance(step, int) else (False, 0, step) for step in way]


def _with(node: Any, way: Way, before: Any) -> Any:
    """Return `node` with what stands at `way` in `before`; `node` itself where its surroundings are gone, or it stands there already."""
    step, rest = way[0], way[1:]
    if isinstance(node, Mapping) and isinstance(before, Mapping):
        # A list or map that became empty is left out of canonical text.
        inner = node.get(step, type(before[step])() if len(rest) == 1 else None)
        new = before[step] if not rest else _with(inner, rest, before[step]) if inner is not None else None
        if (not rest and step in node) or new is None or new is inner:
            return node
        return _keyed(node, str(step), new, list(before))
    if not isinstance(node, list) or not isinstance(before, list) or not isinstance(step, int):
        return node
    place = _place(node, before[step])
    if rest:
        new = _with(node[place], rest, before[step]) if place is not None else None
        return node if place is None or new is node[place] else [*node[:place], new, *node[place + 1 :]]
    if place is not None:
        return node
    after = next((found for each in reversed(before[:step]) if (found := _place(node, each)) is not None), -1)
    return [*node[: after + 1], before[step], *node[after + 1 :]]


def _keyed(node: Mapping[str, Any], key: str, value: Any, order: list[str]) -> dict[str, Any]:
    """Return `node` with `key`, after the nearest key that stood before it in `order`."""
    if key in node:
        return {**node, key: value}
    ahead = next((each for each in reversed(order[: order.index(key)]) if each in node), None)
    keys = list(node)
    keys.insert(keys.index(ahead) + 1 if ahead is not None else 0, key)
    return {each: value if each == key else node[each] for each in keys}


def _place(node: list[Any], wanted: Any) -> int | None:
    return next((place for place, each in enumerate(node) if _same(each, wanted)), None)


def _same(one: Any, other: Any) -> bool:
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return bool(one == other)
    key = next((key for key in TOLD_APART_BY if key in other), None)
    return one == other if key is None else one.get(key) == other[key]
