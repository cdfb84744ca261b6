"""Third stage: does every name lead somewhere?

Here: plain names, paths, relations and picklist values in documents; expressions have their own stage.
Not here: whether what is found fits (`sense.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from fieldstone.metadata import documents as texts
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.names import nearest
from fieldstone.metadata.overlay import lookup
from fieldstone.metadata.places import Place


def check_resolving(proposed: Proposed) -> None:
    """Note every place that names something that is not there."""
    for path, place in proposed.places:
        match place.form:
            case "name" | "key" | "submitter" if place.kind != "field":
                _definition(proposed, path, place)
            case "key":
                _field(proposed, path, place, place.value)
            case "path":
                _path(proposed, path, place)
            case "relation":
                _relation(proposed, path, place)
            case "value" | "value_key":
                _value(proposed, path, place)
    _translations(proposed)


def _definition(proposed: Proposed, path: str, place: Place) -> None:
    definitions = proposed.definitions
    found: Definition | None = proposed.object(place.value) if place.kind == "object" else None
    if found is None:
        found = definitions.find(place.kind, place.value, place.object)
    if found is not None and found.name == place.value:
        return
    if found is None and _refused(proposed, place.kind, place.value):
        return
    others = {item.name: tuple(item.label.values()) for item in definitions.all(place.kind, place.object)}
    meant = found.name if found is not None else nearest(place.value, others, others)
    proposed.refuse(path, place.way, "unknown_name", suggestion=meant, kind=place.kind, name=place.value)


def _refused(proposed: Proposed, kind: str, name: str) -> bool:
    """Tell whether such a definition is in the set, but of a shape that was refused."""
    lost = (document for path, document in proposed.documents.items() if path not in proposed.sound)
    return any(document.get("kind") == kind and texts.name_of(document).lower() == name.lower() for document in lost)


def _field(proposed: Proposed, path: str, place: Place, name: str) -> FieldDef | None:
    definition = proposed.object(place.object)
    if definition is None or place.object is None:
        return None  # the object itself is reported where it is named
    field = definition.field(name)
    if field is not None and name in (field.name, "name"):
        return field
    if proposed.follows(place.object, name):
        return None
    meant = field.name if field is not None else _nearest_field(definition, name)
    proposed.refuse(path, place.way, "unknown_field", suggestion=meant, object=definition.name, name=name)
    return None


def _nearest_field(definition: ObjectDef, name: str) -> str | None:
    former = definition.formerly(name)
    if former is not None:
        return former.name
    labels = {field.name: tuple(field.label.values()) for field in definition.all_fields}
    return nearest(name, labels, labels)


def _path(proposed: Proposed, path: str, place: Place) -> None:
    if place.object is None or proposed.object(place.object) is None or proposed.follows(place.object, place.value):
        return
    definition = proposed.object(place.object)
    *way, last = place.value.split(".")
    for index, step in enumerate((*way, last)):
        assert definition is not None
        field = definition.field(step)
        if field is None or step not in (field.name, "name"):
            meant = field.name if field is not None else _nearest_field(definition, step)
            whole = None if meant is None else ".".join([*way[:index], meant, *([*way, last][index + 1 :])])
            proposed.refuse(path, place.way, "unknown_field", suggestion=whole, object=definition.name, name=step)
            return
        if index < len(way):
            target = proposed.scopes.of(definition.name, place.use, None).through(definition, step)
            if target is None:
                proposed.refuse(path, place.way, "not_a_lookup", field=step, object=definition.name)
                return
            definition = target[1]


def _relation(proposed: Proposed, path: str, place: Place) -> None:
    if place.object is None or proposed.object(place.object) is None:
        return
    found = proposed.names.relation(place.object, place.value)
    if found is not None and (proposed.object(found[0]) is None or (found[0].lower(), found[1].lower()) in proposed.bad):
        return
    if found is None:
        known = list(_relations(proposed, place.object))
        proposed.refuse(path, place.way, "unknown_relation", suggestion=nearest(place.value, known), object=place.object, name=place.value)


def _relations(proposed: Proposed, parent: str) -> Iterable[str]:
    for definition in proposed.definitions.objects.values():
        for field in definition.fields.values():
            if (field.to or "").lower() == parent.lower():
                yield f"{definition.name}.{field.name}"
                if field.children is not None:
                    yield field.children


def _value(proposed: Proposed, path: str, place: Place) -> None:
    definition = proposed.object(place.object)
    field = definition.field(place.field) if definition is not None and place.field is not None else None
    if field is None or not field.values or field.type not in ("picklist", "multi_picklist"):
        if field is not None and field.type == "checkbox" and place.form == "value_key" and place.value not in ("true", "false"):
            proposed.refuse(path, place.way, "unknown_choice", value=place.value)
        return
    if field.value(place.value) is None and (field.restricted or place.form == "value_key"):
        labels = {value.name: tuple(value.label.values()) for value in field.values}
        meant = nearest(place.value, labels, labels)
        proposed.refuse(path, place.way, "unknown_choice", suggestion=meant, value=place.value)


def _translations(proposed: Proposed) -> None:
    for path, document in proposed.sound.items():
        if document["kind"] != "translation":
            continue
        for target, by_pointer in document["texts"].items():
            if target not in proposed.documents:
                meant = nearest(target, proposed.documents)
                proposed.refuse(path, ("texts", target), "unknown_document", suggestion=meant, path=target)
                continue
            for place in by_pointer:
                if not isinstance(lookup(proposed.documents[target], place), str | dict):
                    proposed.refuse(path, ("texts", target, place), "unknown_pointer", pointer=place, path=target)
