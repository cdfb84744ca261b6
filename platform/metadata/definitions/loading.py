"""What loaders share: where a document stands, who it is, which objects there are.

Here: `Loading` and the readers of parts that several kinds have.
Not here: the loaders (beside their dataclasses), their order (`metadata/load.py`).
Loaders trust their document: its meta-schema has accepted it. Names that resolve to nothing are the checker's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, TypeAlias

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Audience, GuidanceDef, Identity, PathDef, SortKey
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.definitions.steps import Assignment
from fieldstone.metadata.kind_names import PER_OBJECT

Document: TypeAlias = Mapping[str, Any]

UNSTORED = Identity()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """The surroundings of one document. `identities` by (kind, object, name) in lower case; `objects` by name in lower case."""

    path: str
    identities: Mapping[tuple[str, str, str], Identity]
    objects: Mapping[str, ObjectDef] = made(default_factory=dict)
    relations: Mapping[tuple[str, str], str] = made(default_factory=dict)  # (parent, children name), lower case → "child.lookup"

    def identity(self, kind: str, of: str | None, name: str) -> Identity:
        """Return who the definition is; an empty identity for a set that was never stored."""
        return self.identities.get((kind, (of or "").lower(), name.lower()), UNSTORED)

    def head(self, document: Document, name: str | None = None) -> dict[str, Any]:
        """Return what every definition has, as keyword arguments."""
        name = str(document["api_name"]) if name is None else name
        of = document.get("object")
        who = self.identity(document["kind"], of if document["kind"] in PER_OBJECT else None, name)  # a template only names an object
        return {
            "name": name,
            "label": labels.of(document.get("label")),
            "object": of,
            "description": labels.of(document["description"]) if "description" in document else None,
            "id": who.id,
            "owner": who.owner,
            "path": self.path,
            "source": document,
        }

    def object(self, document: Document) -> ObjectDef | None:
        """Return the object that a document belongs to."""
        return self.objects.get(str(document.get("object", "")).lower())

    def relation(self, parent: str, name: str) -> str:
        """Return a relation of `parent` as "child.lookup", whichever of its names is given."""
        return self.relations.get((parent.lower(), name.lower()), name)


def audience(part: Document | None) -> Audience:
    """Read `for` or `visible_to`."""
    part = part or {}
    keys = ("profiles", "permission_sets", "roles", "record_types")
    return Audience(**{key: frozenset(part.get(key, ())) for key in keys})


def sort_keys(part: Any) -> tuple[SortKey, ...]:
    """Read `sort`."""
    return tuple(SortKey(field=key["field"], descending=key.get("direction") == "desc") for key in part or ())


def stage_path(part: Document | None) -> PathDef | None:
    """Read `path`."""
    if part is None:
        return None
    stages = part.get("guidance", {}).items()
    guidance = {value: GuidanceDef(fields=tuple(item.get("fields", ())), text=labels.of(item.get("text"))) for value, item in stages}
    return PathDef(field=part["field"], guidance=guidance)


def assignment(value: Any, to: FieldDef | None) -> Assignment:
    """Read one entry of `set`: an expression behind "=", else a constant of the field's type."""
    if isinstance(value, str) and value.startswith("="):
        return Assignment(formula=value[1:])
    return Assignment(value=typed(value, to))


def typed(value: Any, to: FieldDef | None) -> Any:
    """Return a constant as the field's typed value; as it is where that fails, which the checker has reported."""
    from fieldstone.metadata.field_types import FIELD_TYPES, BadValue  # its entries read FieldDef, so they import this folder

    if to is None:
        return value
    try:
        return FIELD_TYPES[to.type].from_json(to, value)
    except BadValue:
        return value


def assignments(part: Document | None, to: ObjectDef | None) -> dict[str, Assignment]:
    """Read `set`."""
    return {name: assignment(value, to.field(name) if to else None) for name, value in (part or {}).items()}
