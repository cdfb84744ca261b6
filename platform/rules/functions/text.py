"""Functions of texts.

Here: cutting, searching, changing, writing values as text, links. Positions start at 1, characters are code points.
Not here: joining (`operators`), numbers and dates out of texts (`number`, `dates`).
Source: spec/expressions.md, section 7.3.
"""

from __future__ import annotations

import html
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from threading import Lock

import re2

from fieldstone.rules import bounds, decimals
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import (
    DATE,
    DATETIME,
    NUMBER,
    PICKLIST,
    TEXT,
    TIME,
    Blank,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    Site,
    SqlWriter,
    table,
    tallest,
)
from fieldstone.rules.functions.sql_texts import any_of, in_letters
from fieldstone.rules.tree import Call, Literal
from fieldstone.rules.value_types import ValueType

T = Param("t", TEXT)
RANGE = (Category.OUT_OF_RANGE,)
TOO_LONG = f"> {bounds.TEXT_CHARACTERS}"


def _text(name: str, params: tuple[Param, ...], doc: str, **more: object) -> Function:
    return Function(name=name, params=params, returns=ValueType.TEXT, doc=doc, **more)  # type: ignore[arg-type]


# --- TEXT ------------------------------------------------------------------------------------------------------------


def moment_text(moment: datetime) -> str:
    return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}Z"


def time_text(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{rest:03d}"


def _same_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return replace(arguments[0], type=ValueType.TEXT)


def _same_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    return replace(arguments[0], type=ValueType.TEXT)


TEXT_DOC = "The value as text: numbers in plain digits, dates as YYYY-MM-DD, datetimes in UTC, a picklist by its API name."
SQL_MILLISECONDS = "lpad(({tm} % 1000)::text, 3, '0')"
TEXT_OF = [
    _text(
        "TEXT",
        (Param("x", NUMBER),),
        TEXT_DOC,
        python=decimals.plain,
        sql=lambda n: f"trim_scale({n})::text",
        examples=(("TEXT(2.50)", "2.5"), ("TEXT(1000000)", "1000000"), ("TEXT(NULL)", None)),
    ),
    _text(
        "TEXT",
        (Param("x", DATE),),
        TEXT_DOC,
        python=date.isoformat,
        sql=lambda d: f"to_char({d}, 'YYYY-MM-DD')",
        sqlite=lambda d: d,
        examples=(("TEXT(DATE(2024, 2, 9))", "2024-02-09"),),
    ),
    _text(
        "TEXT",
        (Param("x", DATETIME),),
        TEXT_DOC,
        python=moment_text,
        sql=lambda dt: f"to_char({dt} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"')",
        examples=(('TEXT(DATETIMEVALUE("2024-2-9 8:05:00"))', "2024-02-09 08:05:00Z"),),
    ),
    _text(
        "TEXT",
        (Param("x", TIME),),
        TEXT_DOC,
        python=time_text,
        sql=lambda tm: (
            f"(lpad(({tm} / 3600000)::text, 2, '0') || ':' || lpad(({tm} / 60000 % 60)::text, 2, '0') || ':' ||"
            f" lpad(({tm} / 1000 % 60)::text, 2, '0') || '.' || {SQL_MILLISECONDS.format(tm=tm)})"
        ),
        examples=(('TEXT(TIMEVALUE("08:05:00.120"))', "08:05:00.120"),),
    ),
    _text(
        "TEXT",
        (Param("x", PICKLIST),),
        TEXT_DOC,
        blank=Blank.OWN,
        write_python=_same_python,
        write_sql=_same_sql,
        on_sqlite=True,
    ),
]


# --- parts -----------------------------------------------------------------------------------------------------------


def left(t: str, n: int) -> str:
    return t[: max(n, 0)]


def right(t: str, n: int) -> str:
    return t[-n:] if n > 0 else ""


def middle(t: str, start: int, n: int) -> str:
    first = max(start, 1) - 1
    return t[first : first + n] if n > 0 else ""


def substring(t: str, start: int, n: int | None = None) -> str:
    """Return a part of `t`; a negative `start` counts from the end, 0 counts as 1."""
    first = start - 1 if start > 0 else 0 if start == 0 else len(t) + start
    if first < 0 or (n is not None and n <= 0):
        return ""
    return t[first:] if n is None else t[first : first + n]


def _left_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    text, count = arguments
    result = Code(text="", type=ValueType.TEXT, blank=False)
    if isinstance(count.literal, Decimal):
        size = writer.constant(max(int(count.literal), 0))
        return replace(writer.guarded((text,), lambda t: f"{t[0]}[:{size}]", result), blank=True)
    helper = writer.helper(left)
    return replace(writer.guarded((text, writer.whole(count)), lambda t: f"{helper}({t[0]}, {t[1]})", result), blank=True)


LEN = Function(
    name="LEN",
    params=(T,),
    returns=ValueType.NUMBER,
    doc="How many characters the text has; 0 for a blank one.",
    blank=Blank.OWN,
    never_blank=True,
    whole=True,
    inline=lambda t: f"length({t} or nothing)",
    sql=lambda t: f"COALESCE(length({t}), 0)::numeric",
    digits=(7, 0),
    examples=(('LEN("Fieldstone")', 10), ('LEN("")', 0), ('LEN("商机")', 2)),
)
LEFT = _text(
    "LEFT",
    (T, Param("n", NUMBER, whole=True)),
    "The first `n` characters of `t`; blank when `n` is below 1.",
    write_python=_left_python,
    python=left,
    sql=lambda t, n: f"NULLIF(left({t}, greatest({n}, 0) + 0 * {n}), '')",
    examples=(('LEFT("Fieldstone", 5)', "Field"), ('LEFT("ab", 5)', "ab"), ('LEFT("ab", 0.9)', None)),
)
RIGHT = _text(
    "RIGHT",
    (T, Param("n", NUMBER, whole=True)),
    "The last `n` characters of `t`; blank when `n` is below 1.",
    python=right,
    sql=lambda t, n: f"NULLIF(right({t}, greatest({n}, 0) + 0 * {n}), '')",
    examples=(('RIGHT("Fieldstone", 5)', "stone"), ('RIGHT("ab", 5)', "ab"), ('RIGHT("ab", 0)', None)),
)
MID = _text(
    "MID",
    (T, Param("start", NUMBER, whole=True), Param("n", NUMBER, whole=True)),
    "`n` characters of `t` from position `start`; a `start` below 1 counts as 1.",
    python=middle,
    sql=lambda t, start, n: f"NULLIF(substr({t}, greatest({start}, 1) + 0 * {start}, greatest(0, {n}) + 0 * {n}), '')",
    examples=(('MID("Fieldstone", 6, 3)', "sto"), ('MID("abc", 0, 2)', "ab"), ('MID("abc", 4, 1)', None)),
)
SUBSTR = [
    _text(
        "SUBSTR",
        (T, Param("start", NUMBER, whole=True)),
        "The part of `t` from `start`; a negative `start` counts from the end, 0 counts as 1.",
        python=substring,
        sql=lambda t, start: (
            f"NULLIF(CASE WHEN {start} < -length({t}) THEN NULL WHEN {start} < 0 THEN right({t}, -{start})"
            f" ELSE substr({t}, greatest({start}, 1) + 0 * {start}) END, '')"
        ),
        examples=(('SUBSTR("Fieldstone", -5)', "stone"), ('SUBSTR("abc", 0)', "abc"), ('SUBSTR("abc", -4)', None)),
    ),
    _text(
        "SUBSTR",
        (T, Param("start", NUMBER, whole=True), Param("n", NUMBER, whole=True)),
        "At most `n` characters of `t` from `start`; a negative `start` counts from the end, 0 counts as 1.",
        python=substring,
        sql=lambda t, start, n: (
            f"NULLIF(left(CASE WHEN {start} < -length({t}) THEN NULL WHEN {start} < 0 THEN right({t}, -{start})"
            f" ELSE substr({t}, greatest({start}, 1) + 0 * {start}) END, greatest({n}, 0) + 0 * {n}), '')"
        ),
        examples=(('SUBSTR("Fieldstone", -5, 2)', "st"),),
    ),
]


# --- searching -------------------------------------------------------------------------------------------------------


def find(s: str | None, t: str | None, start: int | None = None) -> int:
    return t.find(s, max(start or 1, 1) - 1) + 1 if s and t else 0


def contains(t: str | None, s: str | None) -> bool | None:
    return True if not s else None if not t else s in t


def begins(t: str | None, s: str | None) -> bool | None:
    return True if not s else None if not t else t.startswith(s)


def _found_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    text, part = arguments
    if not (isinstance(part.literal, str) and part.literal):
        helper = writer.helper(contains if call.function.name == "CONTAINS" else begins)
        fails = text.fails or part.fails
        return Code(text=f"{helper}({text.text}, {part.text})", type=call.type, fails=fails, height=tallest(arguments))
    if call.function.name == "CONTAINS":
        return writer.guarded((text,), lambda t: f"{part.text} in {t[0]}", Code(text="", type=call.type, blank=False))
    return writer.guarded((text,), lambda t: f"{t[0]}.startswith({part.text})", Code(text="", type=call.type, blank=False))


def _found_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    text, part = arguments
    begins_with = call.function.name == "BEGINS"

    def test(t: str, s: str) -> str:
        if writer.sqlite:
            return f"(instr({t}, {s}) {'= 1' if begins_with else '> 0'})"
        return f"starts_with({t}, {s})" if begins_with else f"(strpos({t}, {s}) > 0)"

    if isinstance(part.literal, str) and part.literal:
        condition = test(text.text, part.text)
    else:
        condition = writer.apply(lambda t, s: f"(CASE WHEN {s} IS NULL OR {s} = '' THEN TRUE ELSE {test(t, s)} END)", arguments)
    return Piece(text=condition, type=ValueType.BOOLEAN, blank=text.blank, error=any_of(text.error, part.error))


def like(t: str | None, pattern: str | None) -> bool:
    """Return whether the whole of `t` matches: `%` is any run, `_` one character, a backslash makes the next one plain."""
    wild = {"%": "(?s:.*)", "_": "(?s:.)"}
    parts = (wild.get(part) or re2.escape(part[1:] or part) for part in re.findall(r"\\.|.", pattern or "", re.DOTALL))
    return matches(t, "".join(parts))


FIND = [
    Function(
        name="FIND",
        params=(Param("s", TEXT), Param("t", TEXT)),
        returns=ValueType.NUMBER,
        doc="The position of `s` in `t`, 0 when it is not there or one of them is blank. Note the order: what is looked for comes first.",
        blank=Blank.OWN,
        never_blank=True,
        whole=True,
        python=find,
        sql=lambda s, t: f"COALESCE(strpos({t}, {s}), 0)::numeric",
        digits=(7, 0),
        examples=(('FIND("s", "Fieldstone")', 6), ('FIND("x", "abc")', 0), ('FIND("", "abc")', 0)),
    ),
    Function(
        name="FIND",
        params=(Param("s", TEXT), Param("t", TEXT), Param("start", NUMBER, whole=True)),
        returns=ValueType.NUMBER,
        doc="The position of `s` in `t` from `start` on; a `start` below 1 counts as 1.",
        blank=Blank.OWN,
        never_blank=True,
        whole=True,
        python=find,
        sql=lambda s, t, start: (
            f"COALESCE(NULLIF(strpos(substr({t}, greatest({start}, 1)), {s}), 0) + greatest({start}, 1) - 1, 0)::numeric"
        ),
        digits=(7, 0),
        examples=(('FIND("e", "Fieldstone", 4)', 10),),
    ),
]
CONTAINS = Function(
    name="CONTAINS",
    params=(T, Param("s", TEXT)),
    returns=ValueType.BOOLEAN,
    doc="True when `s` occurs in `t`, letter case included. A blank `s` occurs everywhere.",
    blank=Blank.OWN,
    write_python=_found_python,
    write_sql=_found_sql,
    on_sqlite=True,
    examples=(('CONTAINS("Fieldstone", "stone")', True), ('CONTAINS("abc", "B")', False), ('CONTAINS("", "")', True)),
)
BEGINS = Function(
    name="BEGINS",
    params=(T, Param("s", TEXT)),
    returns=ValueType.BOOLEAN,
    doc="True when `t` begins with `s`, letter case included. Every text begins with a blank `s`.",
    blank=Blank.OWN,
    write_python=_found_python,
    write_sql=_found_sql,
    on_sqlite=True,
    examples=(('BEGINS("Fieldstone", "Field")', True), ('BEGINS("abc", "b")', False)),
)
LIKE = Function(
    name="LIKE",
    params=(T, Param("pattern", TEXT)),
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


# --- regular expressions ---------------------------------------------------------------------------------------------

OPTIONS = re2.Options()
OPTIONS.log_errors = False
OPTIONS.max_mem = bounds.PATTERN_MEMORY
OPTIONS.encoding = re2.Options.Encoding.UTF8
_compiled: OrderedDict[str, object] = OrderedDict()
_lock = Lock()


def compiled(pattern: str) -> object:
    """Return the compiled pattern. Raises Failure for one that RE2 does not take (it has no backreferences and no look-around)."""
    with _lock:
        if pattern in _compiled:
            _compiled.move_to_end(pattern)
            return _compiled[pattern]
    if len(pattern) > bounds.PATTERN_CHARACTERS:
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
    text = t or ""
    if len(text) > bounds.PATTERN_INPUT:
        raise Failure(Category.OUT_OF_RANGE)
    return compiled(pattern or "").fullmatch(text) is not None  # type: ignore[attr-defined]


def _regex_types(site: Site) -> ValueType:
    node = site.nodes[1]
    if isinstance(node, Literal) and isinstance(node.value, str):
        try:
            compiled(node.value)
        except Failure as failure:
            if failure.category is Category.OUT_OF_RANGE:
                site.refuse("expression_pattern_too_long", 1, limit=bounds.PATTERN_CHARACTERS)
            else:
                site.refuse("expression_pattern_refused", 1, reason=_reason(failure))
    return ValueType.BOOLEAN


def _reason(failure: Failure) -> str:
    said = failure.__cause__.args[0] if failure.__cause__ is not None and failure.__cause__.args else b""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


REGEX = Function(
    name="REGEX",
    params=(T, Param("pattern", TEXT)),
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


# --- changing --------------------------------------------------------------------------------------------------------


def substitute(t: str | None, old: str | None, new: str | None) -> str | None:
    if not t or not old:
        return None
    if len(t) + t.count(old) * (len(new or "") - len(old)) > bounds.TEXT_CHARACTERS:
        raise Failure(Category.OUT_OF_RANGE)
    return t.replace(old, new or "")


def _substituted_length(t: str, old: str, new: str) -> str:
    count = f"(length({t}) - length(replace({t}, {old}, ''))) / NULLIF(length({old}), 0)"
    return f"length({t}) + ({count})::bigint * (COALESCE(length({new}), 0) - length({old}))"


def padded(t: str, n: int, pad: str | None, *, before: bool) -> str | None:
    if n < 1:
        return None
    if n > bounds.TEXT_CHARACTERS:
        raise Failure(Category.OUT_OF_RANGE)
    missing = n - len(t)
    if missing <= 0:
        return t[:n]
    filler = pad or " "
    run = (filler * (missing // len(filler) + 1))[:missing]
    return run + t if before else t + run


def left_padded(t: str | None, n: int | None, pad: str | None = None) -> str | None:
    return padded(t, n, pad, before=True) if t and n is not None else None


def right_padded(t: str | None, n: int | None, pad: str | None = None) -> str | None:
    return padded(t, n, pad, before=False) if t and n is not None else None


def capitalized(t: str) -> str:
    """Return `t` with each run of letters and digits beginning upper case, the rest lower."""
    return re.sub(r"[^\W_]+", lambda run: run[0][0].upper() + run[0][1:].lower(), t)


TURKISH = ("tr", "az")


def upper(t: str, language: str) -> str:
    return (t.replace("i", "İ") if language[:2].lower() in TURKISH else t).upper()


def lower(t: str, language: str) -> str:
    return (t.replace("İ", "i").replace("I", "ı") if language[:2].lower() in TURKISH else t).lower()


def _turkish(code: str) -> str:
    return f"lower(left({code}, 2)) IN ('tr', 'az')"


def _padding(name: str, function: object, doc: str) -> list[Function]:
    def sql(t: str, n: str, pad: str) -> str:
        return f"(CASE WHEN {n} BETWEEN 1 AND {bounds.TEXT_CHARACTERS} THEN {name}({t}, {n}, COALESCE({pad}, ' ')) END)"

    def error(t: str, n: str, pad: str = "") -> str:
        return f"({n} {TOO_LONG} AND {t} IS NOT NULL)"

    size = Param("n", NUMBER, whole=True)
    common = {"blank": Blank.OWN, "fails": RANGE, "longest": bounds.TEXT_CHARACTERS, "python": function, "sql_error": error}
    example = ((f'{name}("7", 3, "0")', "007" if name == "LPAD" else "700"), (f'{name}("abc", 2)', "ab"))
    return [
        _text(name, (T, size), doc, sql=lambda t, n: sql(t, n, "' '"), **common),
        _text(name, (T, size, Param("pad", TEXT)), doc, sql=sql, examples=example, **common),
    ]


TRIM = _text(
    "TRIM",
    (T,),
    "The text without spaces at both ends.",
    inline=lambda t: f"{t}.strip(space)",
    sql=lambda t: f"NULLIF(btrim({t}, ' '), '')",
    sqlite=lambda t: f"NULLIF(trim({t}, ' '), '')",
    examples=(('TRIM("  a b ")', "a b"), ('TRIM("  ")', None)),
)
UPPER = [
    _text(
        "UPPER",
        (T,),
        "The text in capital letters.",
        inline=lambda t: f"{t}.upper()",
        grows=3,
        sql=lambda t: in_letters("upper", t),
        examples=(('UPPER("Ärger")', "ÄRGER"),),
    ),
    _text(
        "UPPER",
        (T, Param("language", TEXT)),
        'The text in capital letters as a language has it, such as "tr".',
        grows=3,
        python=upper,
        sql=lambda t, code: in_letters(
            "upper", f"(CASE WHEN {_turkish(code)} THEN replace({t}, 'i', 'İ') WHEN {code} IS NOT NULL THEN {t} END)"
        ),
        examples=(('UPPER("izmir", "tr")', "İZMİR"),),
    ),
]
LOWER = [
    _text(
        "LOWER",
        (T,),
        "The text in small letters.",
        inline=lambda t: f"{t}.lower()",
        grows=3,
        sql=lambda t: in_letters("lower", t),
        examples=(('LOWER("ÄRGER")', "ärger"),),
    ),
    _text(
        "LOWER",
        (T, Param("language", TEXT)),
        'The text in small letters as a language has it, such as "tr".',
        grows=3,
        python=lower,
        sql=lambda t, code: in_letters(
            "lower", f"(CASE WHEN {_turkish(code)} THEN replace(replace({t}, 'İ', 'i'), 'I', 'ı') WHEN {code} IS NOT NULL THEN {t} END)"
        ),
        examples=(('LOWER("IZMİR", "tr")', "ızmir"),),
    ),
]
INITCAP = _text(
    "INITCAP",
    (T,),
    "The text with each word beginning with a capital letter, the rest small.",
    grows=3,
    python=capitalized,
    sql=lambda t: in_letters("initcap", t),
    examples=(('INITCAP("fieldSTONE is_here 3rd")', "Fieldstone Is_Here 3rd"),),
)
SUBSTITUTE = _text(
    "SUBSTITUTE",
    (T, Param("old", TEXT), Param("new", TEXT)),
    "The text with every `old` replaced by `new`; a blank `new` deletes.",
    blank=Blank.OWN,
    fails=RANGE,
    longest=bounds.TEXT_CHARACTERS,
    python=substitute,
    sql=lambda t, old, new: (
        f"(CASE WHEN {_substituted_length(t, old, new)} <= {bounds.TEXT_CHARACTERS}"
        f" THEN NULLIF(replace({t}, {old}, COALESCE({new}, '')), '') END)"
    ),
    sql_error=lambda t, old, new: f"({_substituted_length(t, old, new)} {TOO_LONG})",
    examples=(('SUBSTITUTE("a-b-c", "-", "")', "abc"), ('SUBSTITUTE("aaa", "aa", "b")', "ba"), ('SUBSTITUTE("abc", "", "x")', None)),
)
REVERSE = _text(
    "REVERSE",
    (T,),
    "The text from its last character to its first.",
    python=lambda t: t[::-1],
    sql=lambda t: f"reverse({t})",
    examples=(('REVERSE("abc")', "cba"),),
)


# --- characters ------------------------------------------------------------------------------------------------------


def character(code: int) -> str | None:
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else None


ASCII = Function(
    name="ASCII",
    params=(T,),
    returns=ValueType.NUMBER,
    doc="The code point of the first character.",
    whole=True,
    python=lambda t: ord(t[0]),
    sql=lambda t: f"ascii({t})::numeric",
    digits=(7, 0),
    examples=(('ASCII("A")', 65), ('ASCII("商")', 21830)),
)
CHR = _text(
    "CHR",
    (Param("n", NUMBER, whole=True),),
    "The character with that code point; blank when there is none.",
    python=character,
    sql=lambda n: f"(CASE WHEN {n} BETWEEN 1 AND 1114111 AND {n} NOT BETWEEN 55296 AND 57343 THEN chr({n}) END)",
    examples=(("CHR(65)", "A"), ("CHR(0)", None)),
)
BR = _text("BR", (), "A line break.", markup=True, never_blank=True, python=lambda: "\n", sql=lambda: "chr(10)", examples=(("BR()", "\n"),))


# --- links and images ------------------------------------------------------------------------------------------------
# The address is http, https, mailto or tel, or relative: nothing with a colon before its first slash, "?" or "#".

ADDRESS = re.compile(r"(?:https?:|mailto:|tel:|[^:/?#\\\x00-\x20]*(?:[/?#]|$))[^\x00-\x20\x7f]*", re.IGNORECASE)
SQL_ADDRESS = r"'^(https?:|mailto:|tel:|[^:/?#\\\u0001-\u0020]*([/?#]|$))[^\u0001-\u0020\u007f]*$'"


def link(url: str | None, label: str | None, target: str | None = "_blank") -> str | None:
    """Return an HTML link with everything escaped, only the label when the address is not one to follow."""
    if not url:
        return None
    shown = html.escape(label or url)
    if ADDRESS.fullmatch(url) is None:
        return shown
    return f'<a href="{html.escape(url)}" target="{html.escape(target or "_blank")}" rel="noopener noreferrer">{shown}</a>'


def image(url: str | None, alt: str | None, height: Decimal | None = None, width: Decimal | None = None) -> str | None:
    """Return an HTML image with everything escaped, only the alternative text when the address is not one to load."""
    if not url:
        return None
    shown = html.escape(alt or "")
    if ADDRESS.fullmatch(url) is None:
        return shown or None
    size = "".join(f' {name}="{decimals.plain(value)}"' for name, value in (("height", height), ("width", width)) if value is not None)
    return f'<img src="{html.escape(url)}" alt="{shown}"{size}>'


def _escaped(t: str) -> str:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("''", "&#x27;")):
        t = f"replace({t}, '{plain}', '{entity}')"
    return t


def _link_sql(url: str, label: str, target: str = "'_blank'") -> str:
    shown, into = _escaped(f"COALESCE({label}, {url})"), _escaped(f"COALESCE({target}, '_blank')")
    return (
        f"(CASE WHEN {url} IS NULL THEN NULL WHEN {url} ~* {SQL_ADDRESS} THEN '<a href=\"' || {_escaped(url)} || '\" target=\"' ||"
        f" {into} || '\" rel=\"noopener noreferrer\">' || {shown} || '</a>' ELSE {shown} END)"
    )


def _image_sql(url: str, alt: str, height: str = "NULL::numeric", width: str = "NULL::numeric") -> str:
    shown = _escaped(f"COALESCE({alt}, '')")
    sizes = "".join(
        f" || COALESCE(' {name}=\"' || trim_scale({value})::text || '\"', '')" for name, value in (("height", height), ("width", width))
    )
    return (
        f"(CASE WHEN {url} IS NULL THEN NULL WHEN {url} ~* {SQL_ADDRESS} THEN '<img src=\"' || {_escaped(url)} || '\" alt=\"' ||"
        f" {shown} || '\"'{sizes} || '>' ELSE NULLIF({shown}, '') END)"
    )


U, LABEL, ALT = Param("url", TEXT), Param("label", TEXT), Param("alt", TEXT)
LINK_DOC = "A link to the address, shown as the label. Only http, https, mailto, tel and relative addresses become links."
IMAGE_DOC = "The image at the address; only http, https and relative addresses are loaded."
HYPERLINK = [
    _text(
        "HYPERLINK",
        params,
        LINK_DOC,
        blank=Blank.OWN,
        markup=True,
        grows=12,
        python=link,
        sql=_link_sql,
        examples=examples,
    )
    for params, examples in (
        (
            (U, LABEL),
            (
                ('HYPERLINK("/o/deal", "<Deals>")', '<a href="/o/deal" target="_blank" rel="noopener noreferrer">&lt;Deals&gt;</a>'),
                ('HYPERLINK("javascript:alert(1)", "Click")', "Click"),
            ),
        ),
        ((U, LABEL, Param("target", TEXT)), ()),
    )
]
IMAGE = [
    _text("IMAGE", params, IMAGE_DOC, blank=Blank.OWN, markup=True, grows=12, python=image, sql=_image_sql, examples=examples)
    for params, examples in (
        ((U, ALT), (('IMAGE("/logo.png", "Logo")', '<img src="/logo.png" alt="Logo">'),)),
        ((U, ALT, Param("height", NUMBER), Param("width", NUMBER)), ()),
    )
]


# --- rest ------------------------------------------------------------------------------------------------------------


CASESAFEID = _text(
    "CASESAFEID",
    (Param("id", TEXT),),
    "The id itself: ids here keep their meaning whatever the letter case of a program that handles them.",
    blank=Blank.OWN,
    write_python=_same_python,
    write_sql=_same_sql,
    on_sqlite=True,
    examples=(('CASESAFEID("a1")', "a1"),),
)

CURRENCY_DIGITS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def currency_text(code: str, number: Decimal) -> str:
    """Return code, space, sign, grouped digits with as many decimals as the currency has."""
    places = CURRENCY_DIGITS.get(code.upper(), 2)
    rounded = decimals.rounded(number, places, ROUND_HALF_UP)
    return f"{code} {rounded if rounded else rounded.copy_abs():,.{places}f}"


def _currency_sql(code: str, n: str) -> str:
    by_places: dict[int, str] = {places: ", ".join(f"'{c}'" for c, p in CURRENCY_DIGITS.items() if p == places) for places in (0, 3)}
    places = f"(CASE WHEN upper({code}) IN ({by_places[0]}) THEN 0 WHEN upper({code}) IN ({by_places[3]}) THEN 3 ELSE 2 END)"
    digits = f"round({n}, {places})::text"
    grouped = rf"reverse(regexp_replace(reverse(split_part({digits}, '.', 1)), '([0-9]{{3}})(?=[0-9])', '\1,', 'g'))"
    return f"({code} || ' ' || {grouped} || CASE WHEN {places} > 0 THEN '.' || split_part({digits}, '.', 2) ELSE '' END)"


FORMATCURRENCY = _text(
    "FORMATCURRENCY",
    (Param("code", TEXT), Param("n", NUMBER)),
    "The amount with its currency, digits in groups of three, with the decimals of the currency.",
    python=currency_text,
    sql=_currency_sql,
    examples=(('FORMATCURRENCY("EUR", 1234.5)', "EUR 1,234.50"), ('FORMATCURRENCY("JPY", -1234.5)', "JPY -1,235")),
)

TEXTS = table(
    *TEXT_OF, LEN, LEFT, RIGHT, MID, *SUBSTR, *FIND, CONTAINS, BEGINS, LIKE, REGEX, TRIM, *UPPER, *LOWER, INITCAP, SUBSTITUTE,
    *_padding("LPAD", left_padded, "The text filled up to `n` characters at its beginning; a longer one is cut to its first `n`."),
    *_padding("RPAD", right_padded, "The text filled up to `n` characters at its end; a longer one is cut to its first `n`."),
    REVERSE, ASCII, CHR, BR, *HYPERLINK, *IMAGE, CASESAFEID, FORMATCURRENCY,
)  # fmt: skip
