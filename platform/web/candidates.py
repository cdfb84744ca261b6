"""What tells records apart that somebody chooses from: the short second line below each name.

Here: which fields are read along, their words, the answer for a lookup's list. Not here: finding (`records/gate/pickers.py`, `find.py`).
An auto-number first, then the facts of the highlight panel, which is also the hover card, then keys and mail addresses; owner and day of
birth where these are blank or the same for another record of that name. Source: spec/metadata.md, section 2; ui.md "Search".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import escape

from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.records.query import Candidate, Hit, Record, Reference
from fieldstone.web import layouts
from fieldstone.web.current import current
from fieldstone.web.shell import hue
from fieldstone.web.shown import brief, titles

FACTS = 3  # of the second line
WORDLESS = frozenset({"checkbox", "number", "percent", "long_text", "rich_text", "text_area"})  # no words without a label, or too many
BIRTH = ("owner", "created_at")


def telling(definition: ObjectDef) -> tuple[str, ...]:
    """Return the fields that tell records of an object apart, those that the person may read."""
    readable = current.rights.readable(definition.name)
    return tuple(name for name in dict.fromkeys((*_facts(definition), *BIRTH)) if name in readable)


def _facts(definition: ObjectDef) -> list[str]:
    """Return the fields of the second line by rank, more than it has room for: some may be blank."""
    numbers = [each.name for each in definition.fields.values() if each.type == "auto_number"]
    panel = layouts.panel_for(current.snapshot, definition, current.principal, None)
    keys = [each.name for each in definition.fields.values() if each.external_id or each.type == "email"]
    named = [found for name in dict.fromkeys((*numbers, *panel.fields, *keys)) if (found := definition.field(name)) is not None]
    return [each.name for each in named if each.result_type not in WORDLESS and each.name != definition.name_field]


def second_lines(definition: ObjectDef, records: Sequence[tuple[str, Record]]) -> list[str]:
    """Return the second line for each of these records, given by name with what was read along."""
    facts = _facts(definition)
    told = [(name, tuple(_words(definition, tells, facts)[:FACTS])) for name, tells in records]
    equal = Counter(told)
    lines = []
    for (name, words), (_name, tells) in zip(told, records, strict=True):
        more = _words(definition, tells, BIRTH) if not words or equal[name, words] > 1 else []
        lines.append(" · ".join(dict.fromkeys((*words, *more))))
    return lines


def _words(definition: ObjectDef, record: Record, names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        field, value = definition.field(name), record.get(name)
        if field is not None and value is not None:
            found.append(str(value) if isinstance(value, Reference) else escape(brief(field, value)).striptags())
    return [each for each in found if each]


def offered(found: Sequence[Candidate], target: ObjectDef) -> list[dict[str, Any]]:
    """Return candidates as a lookup's list takes them."""
    lines = second_lines(target, [(each.name or "", each.tells) for each in found])
    names = titles(target, {each.id: each.name for each in found})
    icon = "user" if target.name == "user" else target.icon
    return [
        {"id": each.id, "text": names[each.id], "note": line, "icon": icon, "hue": hue(target)}
        for each, line in zip(found, lines, strict=True)
    ]


def lines_of_hits(definition: ObjectDef, hits: Sequence[Hit]) -> list[str]:
    """Return the second lines of records of one object that a search found; one statement for all of them."""
    read = {each["id"]: each for each in current.gate.records(definition.name, [each.id for each in hits], telling(definition))}
    return second_lines(definition, [(each.name, read.get(each.id, {})) for each in hits])
