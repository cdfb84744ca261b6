"""Email templates (meta-schema: email_template.json).

Here: the text. Not here: rendering and sending (`notify/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.loading import Document, Loading


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTemplateDef(Definition):
    """Subject and body per language, with {{ expression }} over a record of `object` (None: over nothing but globals)."""

    kind: ClassVar[str] = "email_template"

    subject: Label = made(default_factory=dict)
    body: Label = made(default_factory=dict)
    format: str = "text"  # "text" or "html"


def load_email_template(document: Document, loading: Loading) -> EmailTemplateDef:
    """Build an email template from its document."""
    return EmailTemplateDef(
        **loading.head(document),
        subject=labels.of(document["subject"]),
        body=labels.of(document["body"]),
        format=document.get("format", "text"),
    )
