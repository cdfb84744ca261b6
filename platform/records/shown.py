"""Values in texts: as a person of one language, in one zone, writes and reads them.

Here: `Style`, `shown` for the value of an expression, `shown_field` for that of a field, which field an expression is nothing but.
Not here: pages (`web/shown.py`), forms of numbers and dates (`i18n/formats.py`), who may read what (the callers).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

from fieldstone.i18n import formats, texts
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.scope import scope
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.query import Reference

PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
ERROR = "#Error!"  # in the place of what a formula has failed to give
DECIMALS = 6  # of the value of an expression, in a text: a third has no end
_TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How values are written: for a text of which language, in whose zone, in the currency of the org."""

    language: str
    default_language: str  # of the org, for labels without a tag
    zone: tzinfo
    currency: str = "USD"  # ISO 4217


def field_at(snapshot: Snapshot, definition: ObjectDef, source: str) -> tuple[tuple[str, ...], FieldDef] | None:
    """Return the field that an expression is nothing but, with its path from the record; None for every other expression."""
    if not PATH.fullmatch(source):
        return None
    names, holder = scope(snapshot, definition.name), definition
    path: tuple[str, ...] = ()
    *way, last = source.split(".")
    for step in way:
        following = names.through(holder, step)
        if following is None:
            return None
        path, holder = (*path, following[0].name), following[1]
    found = holder.field(last)
    return ((*path, found.name), found) if found is not None else None


def shown_field(found: FieldDef, value: Any, style: Style) -> str:
    """Return the value of a field, in points if it is a percent, as pages show that field; a lookup by the name that came with it."""
    if value is None:
        return ""
    if isinstance(value, Reference):
        return value.name or ""
    match found.result_type:
        case "currency":
            return formats.money(value, style.currency, style.language, found.scale)
        case "percent":
            return formats.percent(value, style.language)
        case "number":
            return formats.number(value, style.language, found.scale or 0)
        case "picklist" | "multi_picklist":
            chosen = value if isinstance(value, tuple) else (value,)
            return formats.joined([_choice(found, each, style) for each in chosen], style.language)
        case "rich_text":
            return plain_text(value)
    return shown(value, style)


def _choice(found: FieldDef, name: str, style: Style) -> str:
    value = found.value(name)
    return labels.text(value.label, style.language, style.default_language, name) if value is not None else name


def shown(value: Any, style: Style) -> str:
    """Return the value of an expression: numbers with the decimals they have, six at most, yes and no in words."""
    match value:
        case None:
            return ""
        case bool():
            return texts.text("value.true" if value else "value.false", style.language)
        case int() | Decimal():
            exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
            decimals = -exponent if isinstance(exponent, int) else 0
            return formats.number(value, style.language, min(max(decimals, 0), DECIMALS))
        case datetime():
            return formats.datetime(value, style.language, style.zone)
        case date():
            return formats.date(value, style.language)
        case time():
            return formats.time(value, style.language)
        case tuple() | list() | frozenset() | set():
            each_shown = [shown(each, style) for each in value]
            return formats.joined(sorted(each_shown) if isinstance(value, frozenset | set) else each_shown, style.language)
    return str(value)


def plain_text(markup: str) -> str:
    """Return what a text with markup says without it, for readers that show none."""
    lines = _TAGS.sub(" ", re.sub(r"(?i)<(br|/p|/div|/h[1-6]|/li|/tr)[^>]*>", "\n", markup)).splitlines()
    return html.unescape("\n".join(" ".join(line.split()) for line in lines)).strip()
