"""Rename a name inside a source text, keeping everything else as the author wrote it.

Here: replacing names, and nothing else: spacing, letter case, comments and texts stay.
Not here: which of the names are meant (the caller knows the objects behind a path).
"""

from __future__ import annotations

from collections.abc import Callable

from fieldstone.rules.reads import mentions


def rename(source: str, change: Callable[[str], str | None]) -> str:
    """Return `source` with each name replaced by `change(name)`, the whole path as it is written; None leaves it.

    Names of functions, texts and comments are not names. A source with mistakes is renamed all the same.
    """
    pieces, at = [], 0
    for use in mentions(source):
        new = change(use.name)
        if new is not None:
            start, end = use.place
            pieces += [source[at:start], new]
            at = end
    return "".join([*pieces, source[at:]])
