"""Email templates (meta-schema: email_template.json).

Here: the text. Not here: rendering and sending (`notify/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTemplateDef(Definition):
    """Subject and body per language, with {{ expression }} over a record of `object` (None: over nothing but globals)."""

    kind: ClassVar[str] = "email_template"

    subject: Label = made(default_factory=dict)
    body: Label = made(default_factory=dict)
    format: str = "text"  # "text" or "html"
