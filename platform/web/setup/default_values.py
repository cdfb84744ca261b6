"""Defaults as they are typed: a value, or behind "=" an expression; what is told of a text that is neither.

Here: what such a text probably means. Not here: reading it into a document (`field_documents`), what a field takes
(`metadata/field_types`), checking an expression (`expressions`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fieldstone.errors import Problem
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.web.setup.expression_editor import Editor
from fieldstone.web.setup.field_documents import NUMBERS
from fieldstone.web.setup.typed import number_of

WRITTEN = {  # how a value is typed, by the type of field that does not take any text
    **dict.fromkeys(NUMBERS, "12.5"), "date": "2026-03-01", "datetime": "2026-03-01T09:00:00Z",
    "email": "name@example.com", "url": "https://example.com",
    **dict.fromkeys(("lookup", "master_detail", "user"), "01a20260-ff1e-7a3d-87a2-8e544d83b27f"),
}  # fmt: skip
NO_VALUE = frozenset({"not_a_number", "not_a_date", "not_a_datetime", "record_not_found", "bad_email", "bad_url"})


def meant(editor: Editor, text: str) -> Problem | None:
    """Return what is to be said of a default that its field does not take as a value; None where it does, or for another reason.

    A text that is right as an expression is offered as one.
    """
    field = editor.field
    if not text or text.startswith("=") or field is None or field.type not in WRITTEN:
        return None
    try:
        FIELD_TYPES[field.type].from_json(field, number_of(text) if field.type in NUMBERS else text)
    except BadValue as bad:
        if bad.code not in NO_VALUE or bad.suggestion is not None:
            return None
        worked_out = all(each.warning for each in editor.problems(text))
        params = {"value": text, "example": WRITTEN[field.type]}
        return Problem(code="default_no_value", params=params, suggestion=f"={text}" if worked_out else None)
    return None


def explained(problems: Iterable[Problem], editor: Editor, text: str, pointer: str) -> list[Problem]:
    """Return the problems of a form; that of a default at `pointer` which is no value says how one is written."""
    found = meant(editor, text)
    if found is None:
        return list(problems)
    return [replace(found, document=each.document, pointer=each.pointer) if each.pointer == pointer else each for each in problems]
