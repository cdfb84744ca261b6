"""Validation rules (meta-schema: validation_rule.json).

Here: what a rule says. Not here: running it (`records/steps/validation_rules.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.loading import Document, Loading


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRuleDef(Definition):
    """One rule of `object`: a record for which `error_when` is true is refused with `message` at the field `at`."""

    kind: ClassVar[str] = "validation_rule"

    error_when: str
    at: str | None = None  # None: at the record
    message: Label = made(default_factory=dict)  # may hold {{ expression }}
    record_types: frozenset[str] = frozenset()  # empty: all
    active: bool = True


def load_validation_rule(document: Document, loading: Loading) -> ValidationRuleDef:
    """Build a validation rule from its document."""
    return ValidationRuleDef(
        **loading.head(document),
        error_when=document["error_when"],
        at=document.get("at"),
        message=labels.of(document["message"]),
        record_types=frozenset(document.get("record_types", ())),
        active=document.get("active", True),
    )
