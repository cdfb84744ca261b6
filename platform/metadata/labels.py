"""Labels: one text, or one per language; which of them a reader gets.

Here: reading labels from documents and choosing a text. Not here: texts of our own (`i18n`).
Source: spec/metadata.md, section 1, "Labels".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from fieldstone.metadata.definitions.definition import Label

NONE: Label = MappingProxyType({})

OTHER_SCRIPT = {"zh-Hans": "zh-Hant", "zh-Hant": "zh-Hans"}


def of(value: Any) -> Label:
    """Return the label of a document: a text without language stands under the key ""; None gives an empty label."""
    if value is None:
        return NONE
    return MappingProxyType({"": value} if isinstance(value, str) else dict(value))


def text(label: Label, language: str, default_language: str, api_name: str = "") -> str:
    """Return the text for a reader of `language`.

    Fallback: asked → the other Chinese script → the org's language (a text without language is in it) → English → the first → API name.
    """
    for tag in (language, OTHER_SCRIPT.get(language, language), default_language):
        found = label.get(tag) or (label.get("") if tag == default_language else None)
        if found:
            return found
    return label.get("") or label.get("en") or next(iter(label.values()), api_name)
