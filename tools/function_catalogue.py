"""Write docs/reference/functions.md from the function table: `python -m tools.function_catalogue`."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from fieldstone.rules import Category, ValueType
from fieldstone.rules.functions import OPERATORS, PREFIXES, SUBJECTS, UNSUPPORTED
from fieldstone.rules.functions.entry import Blank, Function

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "functions.md"
HEAD = """# Functions

Every function and operator of the expression language, made from the function table by `tools/function_catalogue.py`. The same words
stand in the editors of Setup. How expressions are written, and where they are used, is told in [formulas](../admin/formulas.md).

Names of functions may be written in small letters. In `[ ]` stands what may be left out; `...` may be repeated. Unless its text says
otherwise, a function with a blank argument gives a blank. An example that ends in *error* shows when a formula has no value.
"""
SECTIONS = {
    "conditions": "Conditions and blanks",
    "numbers": "Numbers",
    "texts": "Texts",
    "dates": "Dates and times",
    "picklists": "Picklists",
    "places": "Places",
    "changes": "What a save changes",
    "other_records": "Other records",
}
TYPES = {
    ValueType.NUMBER: "number",
    ValueType.TEXT: "text",
    ValueType.PICKLIST: "picklist",
    ValueType.MULTIPICKLIST: "multi-select picklist",
    ValueType.BOOLEAN: "true or false",
    ValueType.DATE: "date",
    ValueType.DATETIME: "datetime",
    ValueType.TIME: "time of day",
    ValueType.ID: "id",
    ValueType.GEOLOCATION: "place",
    ValueType.FIELD: "field of an object",
    ValueType.NULL: "of its arguments",
}


def literal(value: object) -> str:
    """Return a result as people write it."""
    match value:
        case Category():
            return f"*error: {value.value.replace('_', ' ')}*"
        case None:
            return "*blank*"
        case bool():
            return "`TRUE`" if value else "`FALSE`"
        case Decimal() | int():
            return f"`{value:f}`" if isinstance(value, Decimal) else f"`{value}`"
        case datetime():
            return f"`{value:%Y-%m-%d %H:%M:%S}Z`"
        case date() | time():
            return f"`{value.isoformat()}`"
        case "\n":
            return "*a line break*"
    return f"`{value}`"


def takes(entry: Function) -> str:
    """Return what the arguments are, where one has fewer types than all."""
    said = []
    for param in entry.params:
        if param.types < frozenset(ValueType) and len(param.types) <= 4:
            names = " or ".join(TYPES[each] for each in ValueType if each in param.types)
            said.append(f"`{param.name}` {names}")
    return "; ".join(said)


def notes(entry: Function) -> str:
    """Return what is special about an entry."""
    said = []
    if entry.blank is Blank.OWN and entry.never_blank:
        said.append("Never blank.")
    if entry.no_sql:
        said.append("Not in filters of lists, roll-ups and lookups.")
    if entry.markup:
        said.append("The result is shown as HTML.")
    return " ".join(said)


def told(entry: Function, name: str) -> str:
    """Return one entry: how it is called, what it does, examples."""
    result = "" if entry.returns is ValueType.NULL else f" → {TYPES[entry.returns]}"
    arguments = takes(entry)
    lines = [f"`{name}`{result}" + (f" ({arguments})" if arguments else ""), "", " ".join(filter(None, (entry.doc, notes(entry)))), ""]
    lines += [f"- `{source}` gives {literal(expected)}" for source, expected in entry.examples]
    return "\n".join(lines).rstrip() + "\n"


def operators() -> str:
    """Return the table of operators."""
    lines = ["| operator | meaning | example |", "| --- | --- | --- |"]
    for table in (OPERATORS, PREFIXES):
        for name, entries in table.items():
            said = dict.fromkeys(entry.doc for entry in entries)
            examples = [f"`{source}` gives {literal(expected)}" for entry in entries for source, expected in entry.examples[:1]]
            shown = f"`{name}`" if table is OPERATORS else f"`{name}` before a number"
            lines.append(f"| {shown} | {' '.join(said)} | {'; '.join(examples[:3])} |".replace("||", "\\|\\|"))
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD, "\n## Operators\n\n", operators()]
    for subject, table in SUBJECTS.items():
        parts.append(f"\n## {SECTIONS[subject]}\n")
        for name, entries in table.items():
            parts.append(f"\n### {name}\n\n")
            parts.append("\n".join(told(entry, entry.signature) for entry in entries))
    names = ", ".join(f"`{name}`" for name in sorted(UNSUPPORTED))
    parts.append(f"\n## Not here\n\nThese names, known from elsewhere, do not exist in Fieldstone: {names}.\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
