"""A web address, also of a mailbox or a phone: nothing a browser would run.

Here: the type and what it takes for an address. Source: spec/security.md, section 5.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, FieldType, Schema, Typed, Value
from fieldstone.metadata.field_types.long_text import value_only
from fieldstone.metadata.field_types.text import line, within
from fieldstone.metadata.field_types.text import schema as line_schema
from fieldstone.rules.value_types import ValueType

WITHOUT_HOST = frozenset({"mailto", "tel"})
BARE = re.compile(r"(?:[^\W_](?:[^\W_]|-)*\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?#].*)?")


def is_url(text: str) -> bool:
    """Tell whether `text` is an address of http, https, mailto or tel, without spaces and without a name or password in it."""
    if re.search(r"[\s\\<>\"]", text):
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return False
    if parts.scheme in WITHOUT_HOST:
        return bool(parts.path)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of an address."""
    length = field.length

    def decode(value: Any) -> str | None:
        text = line(value)
        if value:
            within(value, length)
        if text is not None and not is_url(text):
            raise BadValue("bad_url", suggestion=f"https://{text}" if BARE.fullmatch(text) else None)
        return text

    return decode


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of an address."""
    found = line_schema(field, mode)
    return found if mode == "read" else found | {"x-format": "url"}


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a typed address; one without scheme is taken for https."""
    plain = text.strip()
    return decoder(field)(f"https://{plain}" if BARE.fullmatch(plain) else plain) if plain else None


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's address."""
    return of_text(field, text, Typed())


URL = FieldType(
    name="url",
    value_type=ValueType.TEXT,
    columns=value_only,
    decoder=decoder,
    schema=schema,
    of_text=of_text,
    of_cell=of_cell,
    searchable=True,
)
