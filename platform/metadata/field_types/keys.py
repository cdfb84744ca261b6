"""Keys: second columns beside a text, by which it is compared and sorted.

Here: match key (equal without case, width and form) and sort key (language order, the same on both databases).
Not here: which fields have which (`text.py`, `email.py`, `phone.py`).
Source: spec/metadata.md, section 3, "Keys".
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

LENGTH = 200  # characters of a key
LANGUAGE_PART = 120  # of a sort key; the rest breaks ties

DIVIDER = "\x01"  # below everything that a text can hold, so that a text sorts before its continuations


def match_key(text: str | None) -> str | None:
    """Return the text by which equality without case is decided; None for blank."""
    if not text:
        return None
    if text.isascii():
        return text.lower()[:LENGTH]
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())[:LENGTH]


def sort_key(text: str | None) -> str | None:
    """Return the text that sorts, by code point, as people of the org expect: without accents and case, Han by its pinyin.

    It never decides equality: homophones share their first part. None for blank.
    """
    if not text:
        return None
    if text.isascii():
        return text.lower()[:LENGTH]
    folded = unicodedata.normalize("NFKD", text[:LENGTH]).casefold()
    bare = (character for character in folded if not unicodedata.combining(character))
    plain = "".join(_pinyin(character) if character >= "\u3400" else character for character in bare)
    key = f"{plain[:LANGUAGE_PART]}{DIVIDER}{match_key(text)}"
    return key[:LENGTH]


@lru_cache(maxsize=30_000)
def _pinyin(character: str) -> str:
    from pypinyin import Style, pinyin  # its tables load in 0.2 s: only where Han is written

    return pinyin(character, style=Style.TONE3, errors=lambda other: other)[0][0]


def phone_key(text: str | None, region: str | None) -> str | None:
    """Return a phone number in international form (E.164); if it is none, its digits. None for blank."""
    if not text:
        return None
    import phonenumbers  # tables of all countries: only where phone numbers are written

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        plain = unicodedata.normalize("NFKC", text)
        return "".join(character for character in plain if character.isdigit() or character == "+")[:40] or None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
