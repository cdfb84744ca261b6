"""Record types: variants of one object with their own picklist values, defaults and layouts (meta-schema: record_type.json).

Here: what a record type is. Not here: who may use which (`permission_sets.py`), which layout it gets (`layouts.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading, assignments


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTypeDef(Definition):
    """One record type of `object`."""

    kind: ClassVar[str] = "record_type"

    active: bool = True
    default: bool = False  # chosen when a create names none
    order: int = 100
    values: Mapping[str, tuple[str, ...]] = made(default_factory=dict)  # picklist field → values it offers; absent: all
    defaults: Mapping[str, object] = made(default_factory=dict)  # field → typed constant
    default_formulas: Mapping[str, str] = made(default_factory=dict)  # field → source without the leading "="


def load_record_type(document: Document, loading: Loading) -> RecordTypeDef:
    """Build a record type from its document."""
    defaults = assignments(document.get("defaults"), loading.object(document))
    return RecordTypeDef(
        **loading.head(document),
        active=document.get("active", True),
        default=document.get("default", False),
        order=int(document.get("order", 100)),
        values={name: tuple(values) for name, values in document.get("values", {}).items()},
        defaults={name: given.value for name, given in defaults.items() if given.formula is None},
        default_formulas={name: given.formula for name, given in defaults.items() if given.formula is not None},
    )
