"""Bits of PostgreSQL text that several entries are made of.

Here: conditions and calendar arithmetic over the texts of arguments.
Not here: whole functions (their entries), what the two databases spell differently (`dialects`).
"""

from __future__ import annotations


def any_of(*conditions: str | None) -> str | None:
    """Return the condition that one of `conditions` holds; None is one that never does."""
    real = list(dict.fromkeys(c for c in conditions if c is not None))
    if len(real) < 2:
        return real[0] if real else None
    return f"({' OR '.join(real)})"


def in_years(day: str) -> str:
    """Return the condition that a date or timestamp lies in the years 1 to 9999."""
    return f"({day} >= '0001-01-01' AND {day} < '9999-12-31'::date + 1)"


# Whether a sum lies in the years 1 to 9999 is asked of numbers: the sum itself could be beyond PostgreSQL's own calendar.


def day_number_in_years(day: str, sign: str, days: str) -> str:
    """Return the condition that a date plus or minus some days lies in the years 1 to 9999."""
    return f"({day} - '0001-01-01'::date {sign} {days} BETWEEN 0 AND 3652058)"


def seconds_in_years(seconds: str) -> str:
    """Return the condition that so many seconds since 1970 lie in the years 1 to 9999."""
    return f"({seconds} BETWEEN -62135596800 AND 253402300799)"


def month_in_years(moment: str, months: str) -> str:
    """Return the condition that a date or timestamp plus some months lies in the years 1 to 9999."""
    return f"(extract(year FROM {moment}) * 12 + extract(month FROM {moment}) - 1 + {months} BETWEEN 12 AND 119999)"


def real_day(year: str, month: str, day: str) -> str:
    """Return the condition that there is such a day in the years 1 to 9999."""
    leap = f"{year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0)"
    february = f"CASE WHEN {leap} THEN 29 ELSE 28 END"
    days = f"CASE WHEN {month} IN (4, 6, 9, 11) THEN 30 WHEN {month} = 2 THEN {february} ELSE 31 END"
    return f"({year} BETWEEN 1 AND 9999 AND {month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND {days})"


# What the version of the server decides, put in by `case_rules`: a collation, and what stands around a text for INITCAP.
CASE_RULES, BEFORE_WORDS, AFTER_WORDS = "\x03", "\x04", "\x05"
ICU = '"und-x-icu"'
FIRST = f"left(m.word[1], 1) COLLATE {ICU}"


def in_letters(function: str, text: str) -> str:
    """Return `upper` or `lower` of a text by the rules of Unicode, never those of the database; comparable by code point again."""
    return f'({function}({text} COLLATE {CASE_RULES}) COLLATE "C")'


def in_words(text: str) -> str:
    """Return a text with each word beginning with a capital letter, the rest small."""
    return f'({BEFORE_WORDS}{text}{AFTER_WORDS} COLLATE "C")'


def case_rules(text: str, version: tuple[int, ...]) -> str:
    """Return SQL with the best rules for capital letters that a server has whatever the locale of the database.

    From 18 on those of Unicode in full, in 17 those for single letters (ß stays), before that those of ICU, with which PostgreSQL is
    built everywhere; its INITCAP has words of its own, so that there the words are taken one by one.
    """
    if version >= (17,):
        name = "pg_unicode_fast" if version >= (18,) else "pg_c_utf8"
        return text.replace(CASE_RULES, name).replace(BEFORE_WORDS, "initcap(").replace(AFTER_WORDS, f" COLLATE {name})")
    rest = f"substr(lower(m.word[1] COLLATE {ICU}), 1 + length(lower({FIRST})))"
    before = f"(SELECT string_agg(initcap({FIRST}) || {rest} || m.word[2], '' ORDER BY m.place) FROM regexp_matches("  # noqa: S608
    after = f" COLLATE {ICU}, '([[:alnum:]]*)([^[:alnum:]]*)', 'g') WITH ORDINALITY AS m(word, place))"
    return text.replace(CASE_RULES, ICU).replace(BEFORE_WORDS, before).replace(AFTER_WORDS, after)
