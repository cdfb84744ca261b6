"""Values out of texts that hold JSON.

Here: one member of an object by name, and a value by its path.
Not here: JSON of the platform's own (`metadata`, `api`).
Source: spec/expressions.md, section 7.8. Python only: the oldest PostgreSQL we run on cannot ask whether a text is JSON.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from fieldstone.rules import bounds, decimals
from fieldstone.rules.functions.entry import TEXT, Blank, Param, table, text_entry

T = Param("t", TEXT)
# $, then .member, ["member"] or [index], each any number of times.
STEP = re.compile(r"""\.([^\W\d][\w-]*)|\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(0|[1-9][0-9]{0,5}))\]""")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def member(t: str | None, key: str | None) -> str | None:
    """Return the member `key` of the object that `t` holds, None if there is none."""
    return _text(_inside(_parsed(t), key)) if key else None


def by_path(t: str | None, path: str | None) -> str | None:
    """Return what stands at `path` in the JSON that `t` holds, None if nothing does or `path` is none."""
    steps = _steps(path or "")
    if steps is None:
        return None
    value = _parsed(t)
    for step in steps:
        value = _inside(value, step)
    return _text(value)


def _parsed(t: str | None) -> Any:
    if not t or len(t) > bounds.TEXT_CHARACTERS:
        return None
    try:
        return json.loads(t, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_json)
    except (ValueError, ArithmeticError, RecursionError):  # of them arithmetic's for an exponent beyond all measure
        return None


def _no_json(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    return value[step] if isinstance(value, list) and step < len(value) else None


def _steps(path: str) -> list[str | int] | None:
    """Return the members and indices of a path, None for a text that is no path."""
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        found = STEP.match(path, at)
        if found is None:
            return None
        word, double, single, index = found.groups()
        steps.append(int(index) if index else word or ESCAPED.sub(r"\1", double if double is not None else single))
        at = found.end()
    return steps if path.startswith("$") else None


def _text(value: Any) -> str | None:
    """Return a value that has no parts as text: numbers as TEXT gives them."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return decimals.plain(value) if abs(value.adjusted()) <= bounds.EXPONENT else None
        case str() if not any("\ud800" <= c <= "\udfff" or c == "\0" for c in value):
            return value
    return None


JSONVALUE = text_entry(
    "JSONVALUE",
    (T, Param("key", TEXT)),
    "The member `key` of the JSON object in the text; blank when it is not there, or has parts of its own.",
    blank=Blank.OWN,
    no_sql=True,
    longest=bounds.TEXT_CHARACTERS,
    python=member,
    examples=(
        ("""JSONVALUE('{"city": "Bern", "size": 2.50}', "size")""", "2.5"),
        ("""JSONVALUE('{"city": "Bern"}', "country")""", None),
        ('JSONVALUE("no JSON", "city")', None),
    ),
)
JSONPATHVALUE = text_entry(
    "JSONPATHVALUE",
    (T, Param("path", TEXT)),
    'What stands at the path in the JSON in the text: `$` is the whole, `.name` or `["a name"]` a member, `[0]` the first of a list.',
    blank=Blank.OWN,
    no_sql=True,
    longest=bounds.TEXT_CHARACTERS,
    python=by_path,
    examples=(
        ("""JSONPATHVALUE('{"lines": [{"sku": "A-1"}]}', "$.lines[0].sku")""", "A-1"),
        ("""JSONPATHVALUE('{"lines": []}', "$.lines[0].sku")""", None),
        ("""JSONPATHVALUE('{"paid": true}', "$.paid")""", "true"),
    ),
)

JSON_TEXTS = table(JSONVALUE, JSONPATHVALUE)
