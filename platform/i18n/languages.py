"""The languages of the platform's own texts, and which of them a person gets.

Here: the list, the fallback between the two Chinese scripts, what a browser's `Accept-Language` asks for.
Not here: texts (`texts`, `locale/`), number and date formats (`formats`), labels of metadata (`metadata/definitions/labels.py`).
"""

from __future__ import annotations

LANGUAGES = ("en", "zh-Hans", "zh-Hant")  # BCP 47, as in documents; complete before a feature is done
DEFAULT = "en"
NAMES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}  # each in its own words
CATALOGUES = {"en": "en", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant"}  # folder names of the gettext catalogues

_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})


def closest(tag: str | None) -> str | None:
    """Return the language of ours that a BCP 47 tag such as `zh-HK` or `en-GB` means, None when there is none."""
    parts = [part for part in (tag or "").strip().lower().replace("_", "-").split("-") if part]
    if not parts:
        return None
    if parts[0] == "zh":
        if "hans" in parts:  # a script in the tag counts more than the region
            return "zh-Hans"
        return "zh-Hant" if _TRADITIONAL & set(parts[1:]) else "zh-Hans"
    return next((language for language in LANGUAGES if language.lower() == parts[0]), None)


def negotiate(accept_language: str | None, default: str = DEFAULT) -> str:
    """Return the language for an `Accept-Language` header: the best weighed one that we have, else `default`."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept_language or "")[:1000].split(",")):
        tag, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            quality = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        language = closest(tag)
        if language is not None and quality > 0:
            weighed.append((-quality, place, language))
    return min(weighed)[2] if weighed else default


def fallbacks(language: str) -> tuple[str, ...]:
    """Return the languages to look for a text in, in order: asked, the other Chinese script, English."""
    asked = closest(language) or DEFAULT
    other = {"zh-Hans": "zh-Hant", "zh-Hant": "zh-Hans"}.get(asked)
    return tuple(dict.fromkeys((asked, *((other,) if other else ()), DEFAULT)))
