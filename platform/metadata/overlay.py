"""Translations are laid over the documents they name.

Here: finding the text that a pointer means, and putting another language beside it.
Not here: which languages an org has, texts of our own (`i18n`).
Source: spec/metadata.md, sections 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.metadata.definitions.loading import Document

KEYS = ("api_name", "id", "field", "relation", "button", "name")  # by which an entry of an array is found, besides its position


def translated(documents: Mapping[str, Document]) -> Mapping[str, Document]:
    """Return `documents` with the texts of all translations in them; documents without any are the same objects as before."""
    texts: dict[str, dict[str, dict[str, str]]] = {}
    for document in documents.values():
        if document["kind"] == "translation":
            for path, by_pointer in document["texts"].items():
                for pointer, text in by_pointer.items():
                    texts.setdefault(path, {}).setdefault(pointer, {})[document["language"]] = text
    if not texts:
        return documents
    return {path: _with(document, texts[path]) if path in texts else document for path, document in documents.items()}


def _with(document: Document, texts: Mapping[str, Mapping[str, str]]) -> Document:
    found: Any = document
    for pointer, by_language in texts.items():
        found = _put(found, steps(pointer), by_language)
    return found  # type: ignore[no-any-return]


def steps(pointer: str) -> list[str]:
    """Return the steps of a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def position(items: list[Any], step: str) -> int | None:
    """Return where an entry of an array is: by its key, else by position; None if there is none."""
    for index, item in enumerate(items):
        if item == step or (isinstance(item, Mapping) and any(item.get(key) == step for key in KEYS)):
            return index
    return int(step) if step.isdecimal() and int(step) < len(items) else None


def _put(node: Any, way: list[str], texts: Mapping[str, str]) -> Any:
    """Return `node` with `texts` at the end of `way`; unchanged where the way leads nowhere, which the checker reports."""
    if not way:
        return {**({"": node} if isinstance(node, str) else node), **texts} if isinstance(node, str | Mapping) else node
    if isinstance(node, Mapping):
        return {**node, way[0]: _put(node[way[0]], way[1:], texts)} if way[0] in node else node
    if isinstance(node, list):
        index = position(node, way[0])
        return node if index is None else [*node[:index], _put(node[index], way[1:], texts), *node[index + 1 :]]
    return node


def lookup(document: Document, pointer: str) -> Any:
    """Return what `pointer` means in `document`, entries of arrays by key too; None if it leads nowhere."""
    node: Any = document
    for step in steps(pointer):
        if isinstance(node, Mapping):
            node = node.get(step)
        elif isinstance(node, list):
            index = position(node, step)
            node = None if index is None else node[index]
        else:
            return None
    return node
