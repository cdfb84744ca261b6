"""Texts with merge fields: `{{ expression }}` in a mail or notice, filled for one record and one reader.

Here: splitting a text, filling it within bounds, HTML made safe.
Not here: how a value is written (`records/shown.py`), which values a reader may see (the caller reads them through the gate as that
reader), the language itself (`rules`).

Templates are written by customizers and are hostile input. There is nothing in them but texts and expressions of our own language:
no attributes, calls or loops of Python ever run. Source: spec/security.md, section 5.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from fieldstone.errors import Problem, Refused
from fieldstone.limits import TEMPLATE_BYTES, TEMPLATE_HOLES
from fieldstone.metadata.definitions import FieldDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.shown import PATH, Style, shown, shown_field
from fieldstone.rules import Context, EvaluationError

HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
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
    style: Style
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
        text = shown_field(*reading.fields[compiled.source], reading.style)
        return html.escape(text) if as_html else text
    hidden = any(not path[0].startswith("$") and ".".join(path) not in reading.values for path in compiled.reads)
    if hidden:
        return ""
    try:
        text = shown(compiled.python(reading.values, reading.context), reading.style)
    except EvaluationError:
        return ""
    return html.escape(text) if as_html else text


def one_line(text: str) -> str:
    """Return a filled text fit for a header: whatever a record holds, it adds no line."""
    return " ".join(text.split())
