"""Record types: variants of one object with their own picklist values, defaults and layouts (meta-schema: record_type.json).

Here: what a record type is. Not here: who may use which (`permission_sets.py`), which layout it gets (`layouts.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition


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
