"""Checked documents become definitions.

Here: the order of loading, what several documents make together (objects with their extensions, record types and translations), stored
or live, results of roll-ups.
Not here: whether documents are right (`check.py`), reading one kind's document (`definitions/`), the snapshot itself (`snapshot.py`).
Source: spec/metadata.md, sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as made
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fieldstone.errors import NotVisible
from fieldstone.metadata import documents as texts
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition, Identity
from fieldstone.metadata.definitions.fields import SYSTEM_FIELDS, load_field
from fieldstone.metadata.definitions.loading import Document, Loading
from fieldstone.metadata.definitions.objects import FEATURES_OFF, FEATURES_ON, LOOKUPS, FieldDef, KeyDef, ObjectDef, PicklistValue, index_of
from fieldstone.metadata.definitions.value_sets import load_values
from fieldstone.metadata.expression_names import names_in
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.overlay import translated

if TYPE_CHECKING:
    from fieldstone.metadata.snapshot import Snapshot
    from fieldstone.metadata.store import Stored

T = TypeVar("T")

Identities = Mapping[tuple[str, str, str], Identity]  # by (kind, object, name), in lower case
NO_IDENTITIES: Identities = MappingProxyType({})

CORE = "core"  # the pack whose objects can be extended, not removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """All definitions of a set of documents, by name in any letter case: what a snapshot is made of."""

    items: tuple[Definition, ...]
    objects: Mapping[str, ObjectDef]  # by API name
    found: Mapping[tuple[str, str, str], Definition]  # by (kind, object, name), in lower case
    language: str = "en"
    kept: dict[Any, Any] = made(default_factory=dict, compare=False, repr=False)  # what `once` built

    def find(self, kind: str, name: str, object_name: str | None = None) -> Definition | None:
        """Return the definition of that kind and name, None if there is none."""
        return self.found.get((kind, (object_name or "").lower(), name.lower()))

    def object(self, name: str) -> ObjectDef:
        """Return the object called `name`. Raises NotVisible if there is none."""
        found = self.find("object", name)
        if not isinstance(found, ObjectDef):
            raise NotVisible(name)
        return found

    def once(self, build: Callable[..., T]) -> T:
        """Return `build(self)`, built at the first call: as a snapshot does."""
        if build not in self.kept:
            self.kept[build] = build(self)
        return cast("T", self.kept[build])

    def all(self, kind: str, object_name: str | None = None) -> tuple[Definition, ...]:
        """Return the definitions of a kind, those of one object if named."""
        of = (object_name or "").lower()
        return tuple(item for item in self.items if item.kind == kind and (not of or (item.object or "").lower() == of))


def load(
    documents: Mapping[str, Document], identities: Identities = NO_IDENTITIES, *, language: str = "en", previous: Definitions | None = None
) -> Definitions:
    """Return the definitions of `documents` (by path), which their meta-schemas have accepted.

    Unknown names do no harm here: what refers to them is left plain. `previous`: definitions that came out equal are taken from there, so
    that what was compiled for them stays good. Without identities, names serve as physical names.
    """
    documents = translated(documents)
    by_kind: dict[str, list[tuple[str, Document]]] = {}
    for path, document in documents.items():
        by_kind.setdefault(document["kind"], []).append((path, document))
    objects = _Objects(by_kind, identities).built()
    lowered = {name.lower(): item for name, item in objects.items()}
    relations = {
        (field.to.lower(), field.children.lower()): f"{item.name}.{field.name}"
        for item in objects.values()
        for field in item.fields.values()
        if field.to and field.children
    }
    items: list[Definition] = list(objects.values())
    for name, kind in KINDS.items():
        if kind.loader is not None:
            for path, document in by_kind.get(name, ()):
                items.append(kind.loader(document, Loading(path=path, identities=identities, objects=lowered, relations=relations)))
    kept = [_same_as_before(item, previous) for item in items] if previous is not None else items
    return Definitions(
        items=tuple(kept),
        objects=MappingProxyType({item.name: item for item in kept if isinstance(item, ObjectDef)}),
        found=MappingProxyType({_key(item): item for item in kept}),
        language=language,
    )


def _key(item: Definition) -> tuple[str, str, str]:
    return (item.kind, (item.object or "").lower() if KINDS[item.kind].per_object else "", item.name.lower())


def _same_as_before(item: Definition, previous: Definitions) -> Definition:
    before = previous.found.get(_key(item))
    if before is None or before == item:
        return before or item
    if isinstance(item, ObjectDef) and isinstance(before, ObjectDef):
        known = before.fields
        fields = {name: known[name] if known.get(name) == field else field for name, field in item.fields.items()}
        return replace(item, fields=MappingProxyType(fields))
    return item


def build(documents: Mapping[str, Document], stored: Stored, *, previous: Snapshot | None = None) -> Snapshot:
    """Return the snapshot of checked `documents` with what the store knows of them: identities, version, language, zone."""
    from fieldstone.metadata.snapshot import Snapshot

    before = None if previous is None else previous.once(definitions_of)
    found = load(documents, stored.identities, language=stored.version.language, previous=before)
    whole = replace(stored, texts={path: _text(path, document, stored, previous) for path, document in documents.items()})
    return Snapshot(definitions=found.items, stored=whole, parsed=documents, previous=previous)


def _text(path: str, document: Document, stored: Stored, previous: Snapshot | None) -> str:
    """Return a document's canonical text; one that is known is not written again."""
    if previous is None:
        return stored.texts.get(path) or texts.canonical(document)
    return previous.documents[path] if previous.parsed.get(path) is document else texts.canonical(document)


def definitions_of(snapshot: Snapshot) -> Definitions:
    """Return the definitions of a snapshot (for `Snapshot.once`)."""
    items = snapshot.definitions
    return Definitions(items=items, objects=snapshot.objects, found={_key(item): item for item in items}, language=snapshot.language)


class _Objects:
    """Objects in the making: all fields of all owners first, then what depends on other fields, then the frozen objects."""

    def __init__(self, by_kind: Mapping[str, list[tuple[str, Document]]], identities: Identities) -> None:
        self.identities = identities
        self.documents = {str(document["api_name"]).lower(): (path, document) for path, document in by_kind.get("object", ())}
        self.extensions: dict[str, list[tuple[str, Document]]] = {}
        for path, document in sorted(by_kind.get("object_extension", ())):
            self.extensions.setdefault(document["object"].lower(), []).append((path, document))
        self.record_types: dict[str, list[Document]] = {}
        for _, document in by_kind.get("record_type", ()):
            self.record_types.setdefault(document["object"].lower(), []).append(document)
        self.value_sets = {
            str(document["api_name"]).lower(): load_values(document["values"], self._who("value_set", "", document["api_name"]).owner)
            for _, document in by_kind.get("value_set", ())
        }
        self.fields = {name: dict(self._fields(name)) for name in self.documents}
        self.names = {name: index_of(self.fields[name], self._system_fields(name), self._name_field(name)) for name in self.documents}

    def _who(self, kind: str, of: str, name: str) -> Identity:
        return self.identities.get((kind, of.lower(), name.lower()), Identity())

    def _name_field(self, name: str) -> str:
        return str(self.documents[name][1].get("name_field", "name"))

    def _parts(self, name: str) -> Iterator[tuple[str, str, Document]]:
        """Yield every field of an object: path of its document, API name, its part."""
        path, document = self.documents[name]
        for field, part in document["fields"].items():
            yield path, field, part
        for path, extension in self.extensions.get(name, ()):
            for field, part in extension.get("fields", {}).items():
                yield path, field, part

    def _fields(self, name: str) -> Iterator[tuple[str, FieldDef]]:
        of = str(self.documents[name][1]["api_name"])
        matched = self._matched(name)
        for path, field_name, part in self._parts(name):
            who = self._who("field", of, field_name)
            column = who.physical or field_name.lower()
            field = load_field(part, name=field_name, of=of, path=path, column=column, who=who, value_sets=self.value_sets)
            if field_name.lower() in matched and field.type == "text":
                field = replace(field, matched=True)
            yield field_name, self._with_more_values(field)

    def _matched(self, name: str) -> set[str]:
        """Return the fields that stand in a composite key without case."""
        parts = (document for _, document in (self.documents[name], *self.extensions.get(name, ())))
        return {field.lower() for part in parts for key in part.get("keys", ()) if key.get("ignore_case") for field in key["fields"]}

    def _with_more_values(self, field: FieldDef) -> FieldDef:
        """Add the picklist values that extensions bring."""
        more: list[PicklistValue] = []
        for _, extension in self.extensions.get((field.object or "").lower(), ()):
            owner = self._who("object_extension", extension["object"], texts.name_of(extension)).owner
            more += load_values(extension.get("values", {}).get(field.name, ()), owner)
        return replace(field, values=(*field.values, *more)) if more else field

    def _system_fields(self, name: str) -> dict[str, FieldDef]:
        document = self.documents[name][1]
        found = dict(SYSTEM_FIELDS)
        types = sorted(self.record_types.get(name, ()), key=lambda item: (item.get("order", 100), item["api_name"]))
        if types:
            values = tuple(
                PicklistValue(name=item["api_name"], label=labels.of(item["label"]), active=item.get("active", True)) for item in types
            )
            chosen = next((item["api_name"] for item in types if item.get("default")), None)
            found["record_type"] = replace(found["record_type"], values=values, default=chosen)
        else:
            del found["record_type"]
        if document.get("owned_by") == "none":
            del found["owner"]
        if "approvals" not in _features(document):
            del found["approval_status"]
        return found

    def built(self) -> dict[str, ObjectDef]:
        """Return the objects by API name."""
        results = _Results(self)
        for name, fields in self.fields.items():
            for field in list(fields.values()):
                if field.type in ("formula", "roll_up"):
                    fields[field.name] = results.settled(name, field)
        return {definition.name: definition for definition in map(self._object, self.documents)}

    def _object(self, name: str) -> ObjectDef:
        path, document = self.documents[name]
        loading = Loading(path=path, identities=self.identities)
        head = loading.head(document)
        system = self._system_fields(name)
        return ObjectDef(
            **head,
            plural=labels.of(document.get("plural", document["label"])),
            icon=document.get("icon", "box"),
            color=document.get("color", "blue"),
            name_field=self._name_field(name),
            owned_by=document.get("owned_by", "user_or_queue"),
            default_access=document.get("default_access", "private"),
            hierarchy=document.get("hierarchy", True),
            features=_features(document),
            keys=tuple(self._keys(name)),
            fields=MappingProxyType(self.fields[name]),
            system_fields=MappingProxyType(system),
            record_types=tuple(value.name for value in system["record_type"].values) if "record_type" in system else (),
            table=self._who("object", "", head["name"]).physical or head["name"].lower(),
            system=head["owner"] == CORE,
        )

    def _keys(self, name: str) -> Iterator[KeyDef]:
        for path, document in (self.documents[name], *self.extensions.get(name, ())):
            owner = Loading(path=path, identities=self.identities).head(document, texts.name_of(document))["owner"]
            for key in document.get("keys", ()):
                yield KeyDef(name=key["api_name"], fields=tuple(key["fields"]), ignore_case=key.get("ignore_case", False), owner=owner)


def _features(document: Document) -> frozenset[str]:
    given = document.get("features", {})
    return frozenset(name for name in (*FEATURES_ON, *FEATURES_OFF) if given.get(name, name in FEATURES_ON))


class _Results:
    """What depends on other fields, across objects: the result of a roll-up, stored or live. Each is found once."""

    def __init__(self, objects: _Objects) -> None:
        self.objects = objects
        self.why: dict[tuple[str, str], str | None] = {}
        self.types: dict[tuple[str, str], FieldDef] = {}
        self.children = {
            (field.to.lower(), field.children.lower()): (name, field)
            for name, fields in objects.fields.items()
            for field in fields.values()
            if field.to and field.children
        }

    def settled(self, of: str, field: FieldDef) -> FieldDef:
        """Return a formula or roll-up with its result, and with or without a column."""
        field = self.typed(of, field)
        why = self.why_live(of, field)
        if why is None:
            return field
        return replace(field, stored=False, why_live=why, column=None)

    def relation(self, of: str, relation: str) -> tuple[str, FieldDef] | None:
        """Return child object (lower case) and lookup of a relation given by either of its names."""
        found = self.children.get((of, relation.lower()))
        if found is None and "." in relation:
            child, _, lookup = relation.lower().partition(".")
            field = self.objects.names.get(child, {}).get(lookup)
            found = (child, field) if field is not None and field.type in LOOKUPS and (field.to or "").lower() == of else None
        return found

    def typed(self, of: str, field: FieldDef) -> FieldDef:
        """Return a roll-up with the type and digits of what it sums, its relation as "child.lookup"."""
        if field.type != "roll_up":
            return field
        key = (of, field.name.lower())
        if key in self.types:
            return self.types[key]
        self.types[key] = replace(field, returns="number", precision=15, scale=0)  # also the answer inside a cycle
        related = self.relation(of, field.relation or "")
        if related is None:
            return self.types[key]
        child, lookup = related
        relation = f"{self.objects.documents[child][1]['api_name']}.{lookup.name}"
        source = self.objects.names[child].get((field.field or "").lower())
        if field.function == "count" or source is None:
            result: dict[str, Any] = {"returns": "number", "precision": 15, "scale": 0}
        else:
            source = self.typed(child, source)
            precision = 18 if field.function == "sum" and source.precision is not None else source.precision
            result = {"returns": source.result_type, "precision": precision, "scale": source.scale}
        self.types[key] = replace(field, relation=relation, **result)
        return self.types[key]

    def why_live(self, of: str, field: FieldDef) -> str | None:
        """Return why a formula or roll-up is computed when read; None: it is stored."""
        if field.type not in ("formula", "roll_up"):
            return None
        key = (of, field.name.lower())
        if key not in self.why:
            self.why[key] = None  # a cycle is the checker's matter
            self.why[key] = self._formula(of, field.formula or "") if field.type == "formula" else self._roll_up(of, field)
        return self.why[key]

    def _formula(self, of: str, source: str) -> str | None:
        for name in names_in(source):
            lower = name.lower()
            if lower in CLOCK:
                return "clock"
            if lower.startswith("$"):
                if lower.startswith(("$system.", "$record.")):
                    continue
                return "user"
            if "." in name:
                return "parent"
            field = self.objects.names[of].get(lower)
            if field is not None and field.name in STAMPS:
                return "stamp"
            if field is not None and self.why_live(of, field) is not None:
                return "live_field"
        return None

    def _roll_up(self, of: str, field: FieldDef) -> str | None:
        related = self.relation(of, field.relation or "")
        if related is None:
            return None
        child = related[0]
        source = self.objects.names[child].get((field.field or "").lower())
        if source is not None and source.name in STAMPS:
            return "stamp"
        if source is not None and self.why_live(child, source) is not None:
            return "live_field"
        return self._formula(child, field.filter) if field.filter else None


CLOCK = frozenset({"today(", "now(", "timenow("})
STAMPS = frozenset({"row_version", "updated_at", "updated_by", "deleted_at", "deleted_by"})  # written after formulas are computed
