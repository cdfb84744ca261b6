"""Value sets: picklist values that many fields share (meta-schema: value_set.json).

Here: what a value set is. Not here: its use; `FieldDef.values` of a field that names it already holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.objects import PicklistValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSetDef(Definition):
    """One value set; the tuple is display and sort order."""

    kind: ClassVar[str] = "value_set"

    values: tuple[PicklistValue, ...] = ()
