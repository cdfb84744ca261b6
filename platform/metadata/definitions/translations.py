"""Translations: labels laid over somebody else's definitions (meta-schema: translation.json).

Here: the texts of one language. Not here: laying them over (`metadata/load.py`); after that nobody needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationDef(Definition):
    """Texts of one language: path of the document → JSON pointer → text."""

    kind: ClassVar[str] = "translation"

    language: str
    texts: Mapping[str, Mapping[str, str]] = made(default_factory=dict)


def load_translation(document: Document, loading: Loading) -> TranslationDef:
    """Build a translation from its document."""
    head = loading.head(document, name=document.get("api_name", document["language"]))
    return TranslationDef(**head, language=document["language"], texts=document["texts"])
