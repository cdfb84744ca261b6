"""Value sets: picklist values that many fields share (meta-schema: value_set.json).

Here: what a value set is. Not here: its use; `FieldDef.values` of a field that names it already holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading
from fieldstone.metadata.definitions.objects import PicklistValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSetDef(Definition):
    """One value set; the tuple is display and sort order."""

    kind: ClassVar[str] = "value_set"

    values: tuple[PicklistValue, ...] = ()


def load_values(items: Any, owner: str = "org") -> tuple[PicklistValue, ...]:
    """Build picklist values from `values`."""
    return tuple(
        PicklistValue(
            name=item["api_name"],
            label=labels.of(item["label"]),
            color=item.get("color"),
            active=item.get("active", True),
            default=item.get("default", False),
            owner=owner,
        )
        for item in items
    )


def load_value_set(document: Document, loading: Loading) -> ValueSetDef:
    """Build a value set from its document."""
    head = loading.head(document)
    return ValueSetDef(**head, values=load_values(document["values"], head["owner"]))
