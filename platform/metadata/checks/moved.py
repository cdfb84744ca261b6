"""Which words of expressions may mean something else than in the metadata in force: all others need not be checked again.

Here: the words. Too many cost time, one too few would miss a mistake. Not here: checking (`expressions.py`, `examples.py`).
Source: spec/metadata.md, section 9, "Goals": the check of one document takes 50 ms, however large the org is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.definitions.objects import lookup_aliases
from fieldstone.metadata.expression_names import words_in

GLOBALS = {
    "custom_setting": ("$setup",),
    "custom_permission": ("$permission",),
    "custom_metadata": ("$custommetadata",),
    "custom_label": ("$label",),
    "record_type": ("record_type", "recordtypeid", "$recordtype"),
    "queue": ("queue", "user"),  # Owner:Queue.Name, Owner:User.Id
}
NO_MEANING = frozenset({"label", "plural", "description", "icon", "color", "fields", "$schema", "was"})
NO_EFFECT = frozenset(
    ("page_layout", "highlight_panel", "list_view", "validation_rule", "automation", "approval_process", "email_template", "app")
)
GRANTS = frozenset({"permission_set", "profile", "role", "translation"})


def moved_words(before: Mapping[str, Document], after: Mapping[str, Document]) -> frozenset[str] | None:
    """Return the words (in lower case) whose meaning may differ between two sets of documents; None: any word may."""
    found: set[str] = set()
    for path in {**before, **after}:
        old, new = before.get(path), after.get(path)
        if old is new:
            continue
        kind = str((new or old or {}).get("kind"))
        if kind in ("object", "object_extension"):
            if _frame(old) != _frame(new) and old is not None and new is not None:
                return None
            found.update(_fields(old or {}, new or {}))
        elif kind in GLOBALS:
            found.update(GLOBALS[kind])
        elif kind not in NO_EFFECT | GRANTS:
            return None
    return _with_formulas(after, found)


def _frame(document: Document | None) -> Mapping[str, Any]:
    return {key: value for key, value in (document or {}).items() if key not in NO_MEANING}


def _fields(old: Document, new: Document) -> Iterator[str]:
    before, after = _parts(old), _parts(new)
    named = {document.get("name_field") for document in (old, new)}
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            yield from _spellings(name)
            yield from (str(part[name]["children"]).lower() for part in (before, after) if _has_children(part.get(name)))
            if name in named:
                yield "name"


def _parts(document: Document) -> Mapping[str, Any]:
    fields = document.get("fields")
    return fields if isinstance(fields, Mapping) else {}


def _has_children(part: Any) -> bool:
    return isinstance(part, Mapping) and "children" in part


def _spellings(name: str) -> tuple[str, ...]:
    return (name.lower(), *lookup_aliases(name))


def _with_formulas(documents: Mapping[str, Document], found: set[str]) -> frozenset[str]:
    """Add the formulas that read a moved word, and those that read them: they are expanded in place."""
    formulas = [
        (name, words_in(part["formula"]))
        for document in documents.values()
        if found and document.get("kind") in ("object", "object_extension")
        for name, part in document.get("fields", {}).items()
        if isinstance(part, Mapping) and isinstance(part.get("formula"), str)
    ]
    grown = True
    while grown:
        grown = False
        for name, words in formulas:
            if name.lower() not in found and words & found:
                found.update(_spellings(name))
                grown = True
    return frozenset(found)
