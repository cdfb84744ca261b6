"""Formatted text: HTML of one allow-list, sanitized on write.

Here: the type and the allow-list. Not here: showing it (the surface sanitizes again).
Source: spec/security.md, section 5.
"""

from __future__ import annotations

import html
from typing import Any

import nh3

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, FieldType, Schema, Typed, Value
from fieldstone.metadata.field_types.long_text import NOT_IN_LINES, lines, value_only
from fieldstone.metadata.field_types.long_text import schema as lines_schema
from fieldstone.rules.value_types import ValueType

TAGS = {
    *("a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "mark", "ol", "p", "pre", "s", "strong", "sub"),
    *("sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
}
ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
SCHEMES = {"http", "https", "mailto", "tel"}


def sanitized(text: str) -> str:
    """Return HTML with nothing in it but the allowed tags, attributes and link schemes."""
    return nh3.clean(text, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer")


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of formatted text; its length counts bytes of UTF-8, as given and as kept."""
    length = field.length

    def decode(value: Any) -> str | None:
        text = lines(value)
        if text is None:
            return None
        kept = sanitized(text).strip()
        count = max(len(value.encode()), len(kept.encode()))
        if length is not None and count > length:
            raise BadValue("too_long", {"limit": length, "count": count})
        return kept if nh3.clean(kept, tags=set()).strip() or "<hr" in kept else None

    return decode


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of formatted text: bytes and tags are beyond it."""
    found = lines_schema(field, mode)
    if mode == "read":
        return found | {"contentMediaType": "text/html"}
    found.pop("maxLength", None)
    return found | {"contentMediaType": "text/html", "x-beyond-schema": f"sanitized HTML of at most {field.length} bytes"}


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return what the editor sent: HTML."""
    return decoder(field)(NOT_IN_LINES.sub(" ", text)) if text else None


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell as plain text, escaped."""
    return decoder(field)("<p>" + html.escape(NOT_IN_LINES.sub(" ", text), quote=False).replace("\n", "<br>") + "</p>")


RICH_TEXT = FieldType(
    name="rich_text",
    value_type=ValueType.TEXT,
    columns=value_only,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    sortable=False,
    groupable=False,
    searchable=True,
)
