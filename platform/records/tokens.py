"""Words as the search sees them: one tokenizer, ours, so that both databases find the same.

Here: a text as tokens, and what somebody typed as words to look for.
Not here: the index (`search.py`).
Latin words and numbers stand as they are, and codes such as AB-12/c also in one piece; Han runs become overlapping pairs and their
last character, so that a word of two characters is a token and a longer one a phrase of pairs. Names also get their pinyin.
Source: spec/data.md, section 8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+|[^\W_]+")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
CODE = re.compile(r"[a-z0-9]+(?:[-/._@+][a-z0-9]+)+")
WORDS = re.compile(r'(-?)"([^"]*)"|(-?)(\S+)')

LONGEST = 60  # characters of a token
MOST = 2_000  # tokens of one text: what stands further back is not found
MOST_WORDS = 10  # that one search looks for


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that must stand one after the other; with `prefix` the last one only begins that way."""

    tokens: tuple[str, ...]
    prefix: bool = False
    excluded: bool = False


def folded(text: str) -> str:
    """Return `text` without differences of width, case and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", "".join(each for each in plain if not unicodedata.combining(each)))


def tokens(text: str, *, name: bool = False) -> list[str]:
    """Return the tokens of a text in their order; of a name also the pinyin of its Han runs and their initials."""
    plain = folded(text)
    found = list(_tokens(plain))
    found += [code.translate(_JOINTS)[:LONGEST] for code in CODE.findall(plain)]
    if name and HAN.search(plain):
        found += _pinyin(plain)
    return found[:MOST]


_JOINTS = str.maketrans("", "", "-/._@+")


def _tokens(plain: str) -> Iterator[str]:
    for run in RUN.findall(plain):
        if HAN.match(run):
            yield from (run[index : index + 2] for index in range(len(run) - 1))
            yield run[-1]
        else:
            yield run[:LONGEST]


def _pinyin(plain: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin  # its tables load in 0.2 s: only where Han is written

    found = []
    for run in RUN.findall(plain):
        if HAN.match(run):
            syllables = [folded(each) for each in lazy_pinyin(run, style=Style.NORMAL)]
            found += ["".join(syllables)[:LONGEST], "".join(each[:1] for each in syllables)[:LONGEST]]
    return found


def phrases(typed: str) -> list[Phrase]:
    """Return what somebody looks for: every word must occur, the last one may be a beginning; quotes are phrases, `-word` excludes."""
    found: list[Phrase] = []
    for match in list(WORDS.finditer(typed))[:MOST_WORDS]:
        excluded = bool(match[1] or match[3])
        quoted = match[2] is not None
        last = not quoted and match.end() >= len(typed.rstrip())
        runs = RUN.findall(folded(match[2] if quoted else match[4]))
        if quoted:
            pieces = tuple(token for run in runs for token in _asked(run))
            if pieces:
                found.append(Phrase(pieces, excluded=excluded))
            continue
        for index, run in enumerate(runs):
            found.append(Phrase(tuple(_asked(run)), prefix=_begins(run, last and index == len(runs) - 1), excluded=excluded))
    return found


def _asked(run: str) -> list[str]:
    """The tokens to look for: pairs of a Han run (its last character is not asked for: the word may go on), or the word."""
    if HAN.match(run) and len(run) > 1:
        return [run[index : index + 2] for index in range(len(run) - 1)]
    return [run[:LONGEST]]


def _begins(run: str, last: bool) -> bool:
    return len(run) == 1 if HAN.match(run) else last
