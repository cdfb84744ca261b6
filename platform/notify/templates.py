"""Texts with merge fields: `{{ expression }}` in a mail or notice, filled for one record and one reader.

Here: splitting a text, filling it within bounds, HTML made safe.
Not here: which values a reader may see (the caller reads them through the gate as that reader), the language itself (`rules`).

Templates are written by customizers and are hostile input. There is nothing in them but texts and expressions of our own language:
no attributes, calls or loops of Python ever run. Source: spec/security.md, section 5.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from fieldstone.errors import Problem, Refused
from fieldstone.i18n import formats
from fieldstone.limits import TEMPLATE_BYTES, TEMPLATE_HOLES
from fieldstone.metadata import labels
from fieldstone.metadata.definitions import FieldDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.query import Reference
from fieldstone.rules import Context, EvaluationError

HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
USE = "template"


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut into pieces: plain ones, and expressions ready to be evaluated."""

    pieces: tuple[str | Compiled, ...]

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The paths that its expressions read, globals left out."""
        return frozenset(
            path for piece in self.pieces if isinstance(piece, Compiled) for path in piece.reads if not path[0].startswith("$")
        )

    @property
    def fields(self) -> frozenset[str]:
        """The expressions that are nothing but a field, or one behind a lookup: they are shown as that field is."""
        return frozenset(piece.source for piece in self.pieces if isinstance(piece, Compiled) and PATH.fullmatch(piece.source))


def template(snapshot: Snapshot, object_name: str | None, source: str) -> Template:
    """Return `source` ready to be filled for records of the object. Raises Refused for an expression that does not check."""
    pieces: list[str | Compiled] = []
    end = 0
    for hole in HOLE.finditer(source):
        pieces.append(source[end : hole.start()])
        pieces.append(snapshot.expression(hole[1].strip(), object_name, USE))
        end = hole.end()
    pieces.append(source[end:])
    if len(pieces) > 2 * TEMPLATE_HOLES + 1:
        raise Refused(Problem(code="template_too_long", params={"limit": TEMPLATE_HOLES}))
    return Template(tuple(piece for piece in pieces if piece != ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """For whom a text is filled: what they may see of the record, and how their language and zone write values."""

    values: Mapping[str, Any]  # by path as expressions name it; what is missing is hidden from them and left blank
    context: Context
    language: str
    zone: tzinfo
    fields: Mapping[str, tuple[FieldDef, Any]] = made(default_factory=dict)  # by what stands in the hole: the field, its value as read


def fill(text: Template, reading: Reading, *, as_html: bool = False) -> str:
    """Return the text for one reader. An expression that fails, or reads what is hidden, leaves a blank.

    Raises Refused over 1 MiB. With `as_html` values are escaped; the text around them is the template's own.
    """
    parts: list[str] = []
    size = 0
    for piece in text.pieces:
        part = piece if isinstance(piece, str) else _value(piece, reading, as_html)
        size += len(part.encode())
        if size > TEMPLATE_BYTES:
            raise Refused(Problem(code="template_too_long", params={"limit": TEMPLATE_BYTES}))
        parts.append(part)
    return "".join(parts)


def _value(compiled: Compiled, reading: Reading, as_html: bool) -> str:
    if compiled.source in reading.fields:
        text = shown_field(*reading.fields[compiled.source], reading.language, reading.zone)
        return html.escape(text) if as_html else text
    hidden = any(not path[0].startswith("$") and ".".join(path) not in reading.values for path in compiled.reads)
    if hidden:
        return ""
    try:
        text = shown(compiled.python(reading.values, reading.context), reading.language, reading.zone)
    except EvaluationError:
        return ""
    return html.escape(text) if as_html else text


def shown_field(field: FieldDef, value: Any, language: str, zone: tzinfo) -> str:
    """Return the value of a field, as the gate reads it, as a reader sees that field: percent with its sign, picklists by their labels."""
    if value is None:
        return ""
    if isinstance(value, Reference):
        return value.name or ""
    match field.result_type:
        case "percent":
            return formats.percent(value, language)
        case "number" | "currency":
            return formats.number(value, language, field.scale)
        case "picklist" | "multi_picklist":
            chosen = value if isinstance(value, tuple) else (value,)
            return formats.joined([_choice(field, each, language) for each in chosen], language)
    return shown(value, language, zone)


def _choice(field: FieldDef, name: str, language: str) -> str:
    found = field.value(name)
    return labels.text(found.label, language, language, name) if found is not None else name


def shown(value: Any, language: str, zone: tzinfo) -> str:
    """Return the value of an expression as a reader of `language` in `zone` writes it."""
    match value:
        case None:
            return ""
        case bool():
            return "✓" if value else "–"
        case int() | Decimal():
            return formats.number(value, language)
        case datetime():
            return formats.datetime(value, language, zone)
        case date():
            return formats.date(value, language)
        case tuple() | list() | frozenset() | set():
            return formats.joined([shown(each, language, zone) for each in value], language)
    return str(value)


def one_line(text: str) -> str:
    """Return a filled text fit for a header: whatever a record holds, it adds no line."""
    return " ".join(text.split())


_TAGS = re.compile(r"<[^>]*>")


def plain_text(markup: str) -> str:
    """Return what a mail says without its markup, for readers that show none."""
    lines = _TAGS.sub(" ", re.sub(r"(?i)<(br|/p|/div|/h[1-6]|/li|/tr)[^>]*>", "\n", markup)).splitlines()
    return html.unescape("\n".join(" ".join(line.split()) for line in lines)).strip()
