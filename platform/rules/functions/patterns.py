"""Patterns: LIKE with its two wildcards, and regular expressions.

Here: the one engine (RE2, linear time), its bounds, and the patterns compiled before.
Not here: searching for a plain text (`text`).
Source: spec/expressions.md, sections 7.3 and 7.8; spec/security.md, section 4.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from threading import Lock
from typing import Any

import re2

from fieldstone.rules import bounds
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import TEXT, Blank, Function, Param, Site, table
from fieldstone.rules.tree import Literal
from fieldstone.rules.value_types import ValueType

T, PATTERN = Param("t", TEXT), Param("pattern", TEXT)

OPTIONS = re2.Options()
OPTIONS.log_errors = False
OPTIONS.max_mem = bounds.PATTERN_MEMORY
OPTIONS.encoding = re2.Options.Encoding.UTF8
_compiled: OrderedDict[str, object] = OrderedDict()
_lock = Lock()


# A class of Unicode (thousands of letters), any other one and any character, a counted repetition, the parentheses.
PIECE = re.compile(
    r"""(?P<broad>\\[pP](?:\{[^}]*\}|.)|\[\^?\]?(?=[^\]]*\\[pP])(?:\\.|\[:[^\]]*:\]|[^\]\\])*\])
    |\\.|\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]
    |\{(?P<least>[0-9]{1,4})(?P<more>,(?P<most>[0-9]{1,4})?)?\}
    |(?P<open>\()
    |(?P<close>\))
    |.""",
    re.VERBOSE | re.DOTALL,
)
BROAD = 400  # what one of them costs, in other characters


def weight(pattern: str) -> int:
    """Return about how large `pattern` is with its repetitions written out, as RE2 does before it looks at its own bounds."""
    outside: list[int] = []
    total = last = 0  # of the group that is open, and of its last part: what a repetition repeats
    for piece in PIECE.finditer(pattern):
        if piece["least"]:
            times = max(int(piece["most"] or piece["least"]) + (piece["more"] == ","), 1)
            total, last = total + last * (times - 1), last * times
        elif piece["open"]:
            outside.append(total)
            total = last = 0
        elif piece["close"] and outside:
            last, total = total, total + outside.pop()
        else:
            last = BROAD if piece["broad"] else 1
            total += last
    return total + sum(outside)


def compiled(pattern: str) -> object:
    """Return the compiled pattern. Raises Failure for one that RE2 does not take (it has no backreferences and no look-around)."""
    if len(pattern) > bounds.PATTERN_CHARACTERS:
        raise Failure(Category.OUT_OF_RANGE)
    return _ready(pattern)


def _ready(pattern: str) -> object:
    with _lock:
        if pattern in _compiled:
            _compiled.move_to_end(pattern)
            return _compiled[pattern]
    if weight(pattern) > bounds.PATTERN_WEIGHT:
        raise Failure(Category.OUT_OF_RANGE)
    try:
        result: object = re2.compile(pattern, OPTIONS)
    except re2.error as refused:
        raise Failure(Category.REGEX_SYNTAX) from refused
    with _lock:
        _compiled[pattern] = result
        if len(_compiled) > bounds.PATTERNS_KEPT:
            _compiled.popitem(last=False)
    return result


def matches(t: str | None, pattern: str | None) -> bool:
    """Return whether the whole of `t` matches `pattern`; blank counts as the empty text."""
    return _is_whole(t or "", compiled(pattern or ""))


def _is_whole(text: str, ready: Any) -> bool:
    if len(text) > bounds.PATTERN_INPUT:
        raise Failure(Category.OUT_OF_RANGE)
    return ready.fullmatch(text) is not None


def _regex_types(site: Site) -> ValueType:
    node = site.nodes[1]
    if isinstance(node, Literal) and isinstance(node.value, str):
        if len(node.value) > bounds.PATTERN_CHARACTERS:
            site.refuse("expression_pattern_too_long", 1, limit=bounds.PATTERN_CHARACTERS)
        elif site.spend(weight(node.value)) > bounds.PATTERN_WEIGHT:
            site.refuse("expression_pattern_too_large", 1)
        else:
            try:
                compiled(node.value)
            except Failure as failure:
                site.refuse("expression_pattern_refused", 1, reason=_reason(failure))
    return ValueType.BOOLEAN


def _reason(failure: Failure) -> str:
    said = failure.__cause__.args[0] if failure.__cause__ is not None and failure.__cause__.args else b""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


REGEX = Function(
    name="REGEX",
    params=(T, PATTERN),
    returns=ValueType.BOOLEAN,
    doc="True when the whole text matches the regular expression (RE2: no backreferences, no look-around). Backslashes are doubled.",
    blank=Blank.OWN,
    never_blank=True,
    typing=_regex_types,
    fails=(Category.REGEX_SYNTAX, Category.OUT_OF_RANGE),
    python=matches,
    no_sql=True,
    examples=(('REGEX("A-17", "[A-Z]-\\\\d+")', True), ('REGEX("A-17 ", "[A-Z]-\\\\d+")', False)),
)


def like(t: str | None, pattern: str | None) -> bool:
    """Return whether the whole of `t` matches: `%` is any run, `_` one character, a backslash makes the next one plain."""
    if len(pattern or "") > bounds.PATTERN_CHARACTERS:
        raise Failure(Category.OUT_OF_RANGE)
    wild = {"%": ".*", "_": "."}
    parts = (wild.get(part[0]) or re2.escape(part[1:] or part) for part in re.findall(r"\\.|%+|.", pattern or "", re.DOTALL))
    return _is_whole(t or "", _ready("(?s)" + "".join(parts)))


LIKE = Function(
    name="LIKE",
    params=(T, PATTERN),
    returns=ValueType.BOOLEAN,
    doc="True when the whole text matches: `%` stands for any run of characters, `_` for one; a backslash makes the next one plain.",
    blank=Blank.OWN,
    never_blank=True,
    fails=(Category.OUT_OF_RANGE,),
    python=like,
    sql=lambda t, p: f"(COALESCE({t}, '') LIKE COALESCE({_closed(p)}, ''))",
    sql_error=lambda t, p: f"(length({t}) > {bounds.PATTERN_INPUT} OR length({p}) > {bounds.PATTERN_CHARACTERS})",
    examples=(('LIKE("Fieldstone", "F%e")', True), ('LIKE("abc", "a_")', False), ('LIKE("50%", "50\\\\%")', True)),
)


def _closed(pattern: str) -> str:
    """Return a LIKE pattern that does not end in a lone backslash, which PostgreSQL refuses: there it stands for itself."""
    return rf"regexp_replace({pattern}, '^((?:[^\\]|\\.)*)\\$', '\1\\\\')"


PATTERNS = table(LIKE, REGEX)
