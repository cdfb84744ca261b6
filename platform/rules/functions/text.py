"""Functions of texts.

Here: cutting, searching, changing, characters. Positions start at 1, characters are code points.
Not here: joining (`operators`), patterns, links (`markup`), values written as text (`written`), values out of texts (`number`, `dates`).
Source: spec/expressions.md, section 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import re2

from fieldstone.rules import bounds
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import (
    NUMBER,
    TEXT,
    Blank,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    SqlWriter,
    table,
    tallest,
    text_entry,
)
from fieldstone.rules.functions.sql_texts import any_of, in_letters, in_words
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

T = Param("t", TEXT)
RANGE = (Category.OUT_OF_RANGE,)
TOO_LONG = f"> {bounds.TEXT_CHARACTERS}"


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
        return writer.guarded((text,), lambda t: f"{t[0]}[:{size}]", result)._replace(blank=True)
    helper = writer.helper(left)
    return writer.guarded((text, writer.whole(count)), lambda t: f"{helper}({t[0]}, {t[1]})", result)._replace(blank=True)


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
LEFT = text_entry(
    "LEFT",
    (T, Param("n", NUMBER, whole=True)),
    "The first `n` characters of `t`; blank when `n` is below 1.",
    write_python=_left_python,
    python=left,
    sql=lambda t, n: f"NULLIF(left({t}, greatest({n}, 0) + 0 * {n}), '')",
    examples=(('LEFT("Fieldstone", 5)', "Field"), ('LEFT("ab", 5)', "ab"), ('LEFT("ab", 0.9)', None)),
)
RIGHT = text_entry(
    "RIGHT",
    (T, Param("n", NUMBER, whole=True)),
    "The last `n` characters of `t`; blank when `n` is below 1.",
    python=right,
    sql=lambda t, n: f"NULLIF(right({t}, greatest({n}, 0) + 0 * {n}), '')",
    examples=(('RIGHT("Fieldstone", 5)', "stone"), ('RIGHT("ab", 5)', "ab"), ('RIGHT("ab", 0)', None)),
)
MID = text_entry(
    "MID",
    (T, Param("start", NUMBER, whole=True), Param("n", NUMBER, whole=True)),
    "`n` characters of `t` from position `start`; a `start` below 1 counts as 1.",
    python=middle,
    sql=lambda t, start, n: f"NULLIF(substr({t}, greatest({start}, 1) + 0 * {start}, greatest(0, {n}) + 0 * {n}), '')",
    examples=(('MID("Fieldstone", 6, 3)', "sto"), ('MID("abc", 0, 2)', "ab"), ('MID("abc", 4, 1)', None)),
)
SUBSTR = [
    text_entry(
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
    text_entry(
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


WORD = re2.compile(r"[\p{L}\p{Nl}\p{Nd}\p{Mc}]+")
GROWS = "İ"  # the one character that becomes two when small


def capitalized(t: str) -> str:
    """Return `t` with each run of letters and digits beginning with a capital, the rest small; by Unicode's rules for titles."""

    small = t.lower()  # as a whole: what stands around a sigma decides which letter it becomes
    at = longer = 0  # how far the text was counted, and by how many characters `small` has grown there

    def titled(run: Any) -> str:
        nonlocal at, longer
        start, end = run.span()
        longer += t.count(GROWS, at, start)
        first = start + longer
        longer, at = longer + t.count(GROWS, start, end), end
        return t[start].title() + small[first + len(t[start].lower()) : end + longer]

    return str(WORD.sub(titled, t))


TURKISH = ("tr", "az")


def upper(t: str, language: str) -> str:
    return (t.replace("i", "İ") if language[:2].lower() in TURKISH else t).upper()


def lower(t: str, language: str) -> str:
    return (t.replace("İ", "i").replace("I", "ı") if language[:2].lower() in TURKISH else t).lower()


def _turkish(code: str) -> str:
    return f"{in_letters('lower', f'left({code}, 2)')} IN ('tr', 'az')"


def _padding(name: str, function: object, doc: str) -> list[Function]:
    def sql(t: str, n: str, pad: str) -> str:
        return f"(CASE WHEN {n} BETWEEN 1 AND {bounds.TEXT_CHARACTERS} THEN {name}({t}, {n}, COALESCE({pad}, ' ')) END)"

    def error(t: str, n: str, pad: str = "") -> str:
        return f"({n} {TOO_LONG} AND {t} IS NOT NULL)"

    size = Param("n", NUMBER, whole=True)
    common = {"blank": Blank.OWN, "fails": RANGE, "longest": bounds.TEXT_CHARACTERS, "python": function, "sql_error": error}
    example = ((f'{name}("7", 3, "0")', "007" if name == "LPAD" else "700"), (f'{name}("abc", 2)', "ab"))
    return [
        text_entry(name, (T, size), doc, sql=lambda t, n: sql(t, n, "' '"), **common),
        text_entry(name, (T, size, Param("pad", TEXT)), doc, sql=sql, examples=example, **common),
    ]


TRIM = text_entry(
    "TRIM",
    (T,),
    "The text without spaces at both ends.",
    inline=lambda t: f"{t}.strip(space)",
    sql=lambda t: f"NULLIF(btrim({t}, ' '), '')",
    sqlite=lambda t: f"NULLIF(trim({t}, ' '), '')",
    examples=(('TRIM("  a b ")', "a b"), ('TRIM("  ")', None)),
)
UPPER = [
    text_entry(
        "UPPER",
        (T,),
        "The text in capital letters.",
        inline=lambda t: f"{t}.upper()",
        grows=3,
        sql=lambda t: in_letters("upper", t),
        examples=(('UPPER("Ärger")', "ÄRGER"),),
    ),
    text_entry(
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
    text_entry(
        "LOWER",
        (T,),
        "The text in small letters.",
        inline=lambda t: f"{t}.lower()",
        grows=3,
        sql=lambda t: in_letters("lower", t),
        examples=(('LOWER("ÄRGER")', "ärger"),),
    ),
    text_entry(
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
INITCAP = text_entry(
    "INITCAP",
    (T,),
    "The text with each word beginning with a capital letter, the rest small.",
    grows=3,
    python=capitalized,
    sql=in_words,
    examples=(('INITCAP("fieldSTONE is_here 3rd")', "Fieldstone Is_Here 3rd"),),
)
SUBSTITUTE = text_entry(
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
REVERSE = text_entry(
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
CHR = text_entry(
    "CHR",
    (Param("n", NUMBER, whole=True),),
    "The character with that code point; blank when there is none.",
    python=character,
    sql=lambda n: f"(CASE WHEN {n} BETWEEN 1 AND 1114111 AND {n} NOT BETWEEN 55296 AND 57343 THEN chr({n}) END)",
    examples=(("CHR(65)", "A"), ("CHR(0)", None)),
)

TEXTS = table(
    LEN, LEFT, RIGHT, MID, *SUBSTR, *FIND, CONTAINS, BEGINS, TRIM, *UPPER, *LOWER, INITCAP, SUBSTITUTE,
    *_padding("LPAD", left_padded, "The text filled up to `n` characters at its beginning; a longer one is cut to its first `n`."),
    *_padding("RPAD", right_padded, "The text filled up to `n` characters at its end; a longer one is cut to its first `n`."),
    REVERSE, ASCII, CHR,
)  # fmt: skip
