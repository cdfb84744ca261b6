"""What an expression reads: for joins, the order of recalculation, and where-used.

Here: questions about the paths of a checked expression, and about the names in a source text that may not even be right.
Not here: what the names mean (the scope).
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldstone.rules.parse import names
from fieldstone.rules.tree import Checked, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUse:
    """One mention of a field, a path or a global in a source text, as the author wrote it."""

    name: str
    place: Place


def relations(checked: Checked) -> tuple[tuple[str, ...], ...]:
    """Return the paths of the relations to join, each after the one it starts from: ("account",), ("account", "owner")."""
    found = {path[:count] for path in checked.reads for count in range(1, len(path)) if not path[0].startswith("$")}
    return tuple(sorted(found, key=lambda path: (len(path), path)))


def own_fields(checked: Checked) -> frozenset[str]:
    """Return the names of the record's own fields that the value depends on, those that relations start from included."""
    return frozenset(path[0] for path in checked.reads if not path[0].startswith("$"))


def mentions(source: str) -> tuple[NameUse, ...]:
    """Return every name in `source` that is not a function's, in the order of the text; also of a text with mistakes."""
    return tuple(NameUse(name=source[slice(*place)], place=place) for place in names(source))
