"""A document taken apart into its leaves: the smallest pieces that one owner decides, a diff shows and a merge combines.

Here: document → leaf by pointer, as the meta-schema's `x-merge` and `x-key` say, and the difference of two documents.
Not here: who owns a leaf (`ownership`), merging (`packs/merge.py`).

A pointer names things by their keys, never by their position: `/fields/stage/values/won/label/en`,
`/tabs/main/sections/key/items/amount/width`. The order of a list is a leaf of its own, `…/#order`.
Source: spec/packs.md, sections 9 and 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.metadata import meta_schemas

ORDER = "#order"
NAMELESS_KEYS = ("api_name", "id", "field", "relation", "button", "component", "name")
ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafChange:
    """One leaf that differs: `before` or `after` is None where the leaf is absent."""

    pointer: str
    before: Any
    after: Any


def leaves(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leaves of a document by pointer, in the document's order. `$schema` and `kind` are no leaves."""
    schema = meta_schemas.resolved(str(document["kind"]))
    return {
        pointer: value
        for key, part in document.items()
        if key not in ("$schema", "kind")
        for pointer, value in _leaves(meta_schemas.inside(schema, key) or {}, part, f"/{escaped(key)}")
    }


def changed_leaves(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[LeafChange, ...]:
    """Return what differs between two texts of one document; None: it did not or does not exist."""
    old = leaves(before) if before is not None else {}
    new = leaves(after) if after is not None else {}
    return tuple(
        LeafChange(pointer=pointer, before=old.get(pointer), after=new.get(pointer))
        for pointer in {**old, **new}
        if old.get(pointer, ABSENT) != new.get(pointer, ABSENT)
    )


def escaped(key: str) -> str:
    """Return a key as one segment of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _leaves(schema: meta_schemas.Schema, value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    schema = meta_schemas.part_of(schema, value)
    how = schema.get("x-merge")
    if how == "whole":
        yield pointer, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(meta_schemas.inside(schema, key) or {}, part, f"{pointer}/{escaped(key)}")
    elif isinstance(value, list):
        if how in ("set", "rights"):
            yield from ((f"{pointer}/{escaped(str(item))}", True) for item in value)
        elif how in ("ordered", "tree"):
            yield from _listed(schema, value, pointer)
        else:
            yield pointer, value
    else:
        yield pointer, value


def _listed(schema: meta_schemas.Schema, items: list[Any], pointer: str) -> Iterator[tuple[str, Any]]:
    keys: list[str] = []
    for item in items:
        key = _key(item, schema.get("x-key"))
        same = sum(1 for other in keys if other == key or other.startswith(f"{key}#"))
        if same:  # things without a name of their own, such as two spaces in one section
            key = f"{key}#{same + 1}"
        keys.append(key)
        yield from _leaves(schema.get("items") or {}, item, f"{pointer}/{escaped(key)}")
    yield f"{pointer}/{ORDER}", keys


def _key(item: Any, wanted: str | None) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    names = (wanted, *NAMELESS_KEYS) if wanted is not None else NAMELESS_KEYS
    return str(next((item[name] for name in names if name in item), "item"))
