"""First stage: is each document what its meta-schema says?

Here: kinds, places of files, meta-schemas; what survives although a part of it is malformed.
Not here: names that refer to something (`resolving.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fieldstone.errors import Problem
from fieldstone.metadata import documents as texts
from fieldstone.metadata import meta_schemas
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.kind_names import FOLDERS
from fieldstone.metadata.names import nearest


def check_shape(documents: Mapping[str, Document], known: Callable[[str, Document], bool]) -> tuple[dict[str, Document], list[Problem]]:
    """Return the documents that are of the right shape, and what is wrong with the others.

    An object whose only faults lie inside single fields survives without them. `known(path, document)`: published as it is, so right.
    """
    sound: dict[str, Document] = {}
    found: list[Problem] = []
    for path, document in documents.items():
        if known(path, document):
            sound[path] = document
            continue
        problems = [problem.at(document=path) for problem in _problems(path, document)]
        found += problems
        rest = _without(document, problems)
        if rest is not None:
            sound[path] = rest
    return sound, found


def _problems(path: str, document: Document) -> Iterator[Problem]:
    kind = document.get("kind")
    if kind is None:
        yield Problem(code="missing_key", params={"key": "kind"}, pointer="")
        return
    if not isinstance(kind, str) or kind not in FOLDERS:
        meant = nearest(kind, FOLDERS) if isinstance(kind, str) else None
        yield Problem(code="unknown_kind", params={"kind": kind}, pointer="/kind", suggestion=meant)
        return
    shape = list(meta_schemas.problems(document, kind))
    yield from shape
    if not shape and texts.path_of(document).lower() != path.lower():
        yield Problem(code="wrong_path", params={"path": path}, pointer="", suggestion=texts.path_of(document))


def _without(document: Document, problems: list[Problem]) -> Document | None:
    """Return a document without the fields that problems stand at; None if anything else is wrong with it."""
    pointers = [(problem.pointer or "").split("/") for problem in problems]
    if not pointers:
        return document
    if document.get("kind") not in ("object", "object_extension") or any(len(way) < 3 or way[1] != "fields" for way in pointers):
        return None
    lost = {way[2].replace("~1", "/").replace("~0", "~") for way in pointers}
    return {**document, "fields": {name: part for name, part in document["fields"].items() if name not in lost}}
