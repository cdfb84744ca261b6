"""The names in an expression's text, without parsing it.

Here: tokens; enough to know what an expression may depend on, and where names stand in it.
Not here: what is right (`rules`), what names mean (`scope.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache

# A text or a comment (passed over), or a name with its dots, and whether it is called.
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|/\*.*?\*/|([A-Za-z$][A-Za-z0-9_$.:#]*)(\s*\()?', re.DOTALL)
WORDS = frozenset({"true", "false", "null", "not"})


@lru_cache(maxsize=20_000)
def words_in(source: str) -> frozenset[str]:
    """Return every word of the names in an expression or template, in lower case: each step of a path for itself."""
    return frozenset(step for match in TOKEN.finditer(source) if match[1] for step in re.split(r"[.:]", match[1].lower()))


@lru_cache(maxsize=20_000)
def names_in(source: str) -> tuple[str, ...]:
    """Return the names in an expression in order: fields and paths as written, functions with an opening parenthesis behind them."""
    found: list[str] = []
    for match in TOKEN.finditer(source):
        name = match[1]
        if name is not None and name.lower() not in WORDS:
            found.append(f"{name}(" if match[2] else name)
    return tuple(dict.fromkeys(found))
