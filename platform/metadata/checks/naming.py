"""Second stage: may things be called what they are called, and is each name given once?

Here: reserved names, lengths, doubles in any letter case.
Not here: names that refer to something (`resolving.py`).
Source: spec/metadata.md, section 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fieldstone.metadata import documents as texts
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.kind_names import PER_OBJECT
from fieldstone.metadata.names import NATIVE_LENGTH, RESERVED, RESERVED_FOR_FIELDS, is_native
from fieldstone.metadata.places import Way

# Kinds of one name space.
SHARED = dict.fromkeys(("custom_permission", "custom_setting", "custom_metadata", "custom_label"), "setting")


def check_naming(proposed: Proposed) -> None:
    """Note every name that is reserved, too long or taken."""
    _definitions(proposed)
    fields: dict[str, list[tuple[str, Way, str]]] = {}
    keys: dict[str, list[tuple[str, Way, str]]] = {}
    for path, document in proposed.sound.items():
        if document["kind"] in ("object", "object_extension"):
            of = texts.name_of(document) if document["kind"] == "object" else document["object"]
            own: list[tuple[str, Way, str]] = [(path, ("fields", name), name) for name in document.get("fields", {})]
            fields.setdefault(of.lower(), []).extend(own)
            keys.setdefault(of.lower(), []).extend(
                (path, ("keys", index, "api_name"), key["api_name"]) for index, key in enumerate(document.get("keys", ()))
            )
            for _, way, name in own:
                _field_name(proposed, path, way, name)
        for way, names in _inside(document):
            _once(proposed, ((path, (*way, *step), name) for step, name in names))
    for places in (*fields.values(), *keys.values()):
        _once(proposed, places)
    proposed.leave_out_fields()
    _children(proposed)
    _more_values(proposed)


def _definitions(proposed: Proposed) -> None:
    taken: dict[tuple[str, str], list[tuple[str, Way, str]]] = {}
    for path, document in proposed.sound.items():
        name, kind = texts.name_of(document), document["kind"]
        of = str(document.get("object", "")).lower() if kind in PER_OBJECT else ""
        taken.setdefault((SHARED.get(kind, str(kind)), of), []).append((path, ("api_name",), name))
        if name.lower() in RESERVED:
            proposed.refuse(path, ("api_name",), "name_reserved", name=name)
        _length(proposed, path, ("api_name",), name)
    for places in taken.values():
        _once(proposed, places)


def _field_name(proposed: Proposed, path: str, way: Way, name: str) -> None:
    if name.lower() in RESERVED_FOR_FIELDS or name.lower() in RESERVED:
        proposed.refuse(path, way, "name_reserved", name=name)
    _length(proposed, path, way, name)


def _length(proposed: Proposed, path: str, way: Way, name: str) -> None:
    if is_native(name) and "__" not in name and len(name) > NATIVE_LENGTH:
        proposed.refuse(path, way, "name_too_long", name=name, limit=NATIVE_LENGTH, count=len(name))


def _once(proposed: Proposed, places: Iterable[tuple[str, Way, str]]) -> None:
    seen: set[str] = set()
    for path, way, name in places:
        if name.lower() in seen:
            proposed.refuse(path, way, "name_taken", name=name)
        seen.add(name.lower())


def _inside(document: Document) -> Iterator[tuple[Way, list[tuple[Way, str]]]]:
    """Yield what must be unique among itself inside of one document: where it stands, and (further way, name) of each."""
    if document["kind"] == "value_set":
        yield ("values",), _values(document["values"])
    for name, part in document.get("fields", {}).items() if isinstance(document.get("fields"), Mapping) else ():
        if "values" in part:
            yield ("fields", name, "values"), _values(part["values"])
    if document["kind"] == "page_layout":
        yield (), list(_layout_ids(document))
        yield (), list(_layout_fields(document))
    if document["kind"] in ("automation", "approval_process"):
        yield (), list(_step_ids((), document))
    if document["kind"] == "list_view":
        yield (), [(("columns", index, "field"), column["field"]) for index, column in enumerate(document["columns"])]


def _values(values: Any) -> list[tuple[Way, str]]:
    return [((index, "api_name"), value["api_name"]) for index, value in enumerate(values)]


def _layout_ids(document: Document) -> Iterator[tuple[Way, str]]:
    for index, tab in enumerate(document["tabs"]):
        yield ("tabs", index, "id"), tab["id"]
        for number, section in enumerate(tab.get("sections", ())):
            yield ("tabs", index, "sections", number, "id"), section["id"]


def _layout_fields(document: Document) -> Iterator[tuple[Way, str]]:
    for index, tab in enumerate(document["tabs"]):
        for number, section in enumerate(tab.get("sections", ())):
            for place, item in enumerate(section.get("items", ())):
                if "field" in item:
                    yield ("tabs", index, "sections", number, "items", place, "field"), item["field"]


def _step_ids(way: Way, node: Any) -> Iterator[tuple[Way, str]]:
    """Yield every id of steps, nodes and paths, wherever they are nested."""
    if isinstance(node, Mapping):
        if isinstance(node.get("id"), str) and way:
            yield (*way, "id"), node["id"]
        for key, value in node.items():
            if key not in ("examples", "set"):
                yield from _step_ids((*way, key), value)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _step_ids((*way, index), value)


def _children(proposed: Proposed) -> None:
    """A relation's name is given once on its target, and is none of the target's fields."""
    named: dict[str, list[tuple[str, Way, str]]] = {}
    for path, _, field in proposed.fields():
        if field.children is not None and field.to is not None:
            way: Way = ("fields", field.name, "children")
            named.setdefault(field.to.lower(), []).append((path, way, field.children))
            target = proposed.object(field.to)
            if target is not None and target.field(field.children) is not None:
                proposed.refuse(path, way, "name_taken", name=field.children)
    for places in named.values():
        _once(proposed, places)


def _more_values(proposed: Proposed) -> None:
    """Picklist values that an extension adds are new ones."""
    for path, document in proposed.sound.items():
        if document["kind"] != "object_extension":
            continue
        for name, values in document.get("values", {}).items():
            definition = proposed.object(document["object"])
            field = definition.field(name) if definition is not None else None
            if field is None:
                continue
            all_names = [value.name.lower() for value in field.values]
            for index, value in enumerate(values):
                if all_names.count(value["api_name"].lower()) > 1:
                    proposed.refuse(path, ("values", name, index, "api_name"), "name_taken", name=value["api_name"])
