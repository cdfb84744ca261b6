"""Which formulas of a record have no value because working them out ends in an error.

Here: for the page of one record, which shows `#Error!` where a list and the API show a blank.
Not here: what is shown (`web`), computing formulas (`steps/formulas.py`, `gate/`).
Source: spec/expressions.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.errors import Refused
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.formulas import held
from fieldstone.metadata.snapshot import Compiled
from fieldstone.records.gate import Gate
from fieldstone.records.gate.names import resolve
from fieldstone.records.query import Reference
from fieldstone.rules import Context, EvaluationError


def failed_formulas(gate: Gate, definition: ObjectDef, record: Mapping[str, Any]) -> dict[str, str]:
    """Return the formulas of `record`, as `gate` has read it whole, that end in an error: name of the field → category of the error.

    Asked are those without a value whose every input the reader may read; one statement if such a formula reads through lookups.
    """
    blank = {found.name: found for found in definition.fields.values() if _shows_error(definition, found, record)}
    asked = {name: gate.snapshot.expression(found.formula or "", definition.name, "formula", found.blanks) for name, found in blank.items()}
    asked = {name: compiled for name, compiled in asked.items() if _readable(gate, definition, compiled)}
    if not asked:
        return {}
    ways = {way for compiled in asked.values() for path in compiled.reads for way in (path, *(path[:at] for at in range(1, len(path))))}
    further = sorted(".".join(way) for way in ways if ".".join(way) not in record)
    values = {**(gate.get(definition.name, record["id"], further) if further else {}), **record}
    context = Context(now=gate.tx.now.replace(microsecond=0), today=gate.today, zone=gate.principal.zone, globals=gate.asking.globals)
    found = {name: _category(blank[name], compiled, values, context) for name, compiled in asked.items()}
    return {name: category for name, category in found.items() if category is not None}


def _shows_error(definition: ObjectDef, found: FieldDef, record: Mapping[str, Any]) -> bool:
    return found.type == "formula" and found.name != definition.name_field and record.get(found.name, 0) is None


def _readable(gate: Gate, definition: ObjectDef, compiled: Compiled) -> bool:
    """Whether the reader may read all that a formula reads: a declassified one tells no more than its value."""
    try:
        for path in compiled.reads:
            resolve(gate.asking, definition, ".".join(path))
    except Refused:
        return False
    return True


def _category(found: FieldDef, compiled: Compiled, values: Mapping[str, Any], context: Context) -> str | None:
    row = {}
    for path in compiled.reads:
        for at in range(1, len(path)):
            through = values.get(".".join(path[:at]))
            if isinstance(through, Reference) and through.hidden:
                return None  # blank because its reader does not see what it goes through
        value = values.get(".".join(path))
        row[".".join(path)] = value.id if isinstance(value, Reference) else value
    try:
        result = compiled.python(row, context)
    except EvaluationError as error:
        return error.category
    return "out_of_range" if result is not None and held(found, result) is None else None
