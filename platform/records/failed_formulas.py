"""Which formulas of records have no value because working them out ends in an error.

Here: for pages of one record or of many, which show `#Error!` where the API gives null, for the draft of a form, and for what names
records that others lead to.
Not here: what is shown (`web`), computing formulas (`steps/formulas.py`, `gate/`).
Source: spec/expressions.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldstone.errors import Refused
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.formulas import held
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.gate import Gate
from fieldstone.records.gate.names import Named, resolve
from fieldstone.records.query import Record, Reference
from fieldstone.rules import Context, EvaluationError

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A formula that some records have no value of: where they hold it, and its expression."""

    named: Named
    compiled: Compiled

    def inputs(self) -> Iterator[tuple[str, Path]]:
        """Yield each path that the expression reads, as it writes it and as seen from the record."""
        for path in self.compiled.reads:
            yield ".".join(path), (*self.named.hops, *path)


def failed_formulas(gate: Gate, definition: ObjectDef, records: Sequence[Record], *, deleted: bool = False) -> dict[str, dict[str, str]]:
    """Return the formulas that end in an error: id of the record → path of the field → category of the error.

    `records` are of one object, as one question to `gate` has given them. Asked are their formulas, those of parents too, that are blank
    and whose every input the reader may read; one statement for all of them if they read what the records do not hold. `deleted`: they
    lie in the recycle bin.
    """
    asked = [each for path in (records[0] if records else ()) if (each := _asked(gate, definition, path, records)) is not None]
    if not asked:
        return {}
    blank = [each for each in records if any(each[formula.named.name] is None for formula in asked)]
    paths = {path for formula in asked for path in (formula.named.hops, *(full for _, full in formula.inputs()))}
    ways = {path[:count] for path in paths for count in range(1, len(path) + 1)}
    further = sorted(name for way in ways if (name := ".".join(way)) not in records[0])
    read = gate.records(definition.name, [each["id"] for each in blank], further, deleted=deleted) if further else []
    more = {each["id"]: each for each in read}
    context = Context(now=gate.tx.now.replace(microsecond=0), today=gate.today, zone=gate.principal.zone, globals=gate.asking.globals)
    found: dict[str, dict[str, str]] = {}
    for record in blank:
        values = {**more.get(record["id"], {}), **record}
        for formula in asked:
            category = _category(formula, values, context) if record[formula.named.name] is None else None
            if category is not None:
                found.setdefault(record["id"], {})[formula.named.name] = category
    return found


def failed_names(gate: Gate, references: Iterable[Reference]) -> frozenset[Reference]:
    """Return those that have no name because the formula that makes it ends in an error; one statement for each object that has such."""
    named = gate.snapshot.once(_named_by_formulas)
    unnamed: dict[str, set[Reference]] = {}
    for each in references if named else ():
        if each.name is None and each.object in named and each.object in gate.rights.visible_objects:
            unnamed.setdefault(each.object, set()).add(each)
    failed: set[Reference] = set()
    for name, some in unnamed.items():
        definition = gate.snapshot.objects[name]
        if gate.rights.tells_names(definition):
            found = failed_formulas(gate, definition, [{"id": each.id, definition.name_field: None} for each in some])
            failed |= {each for each in some if each.id in found}
    return frozenset(failed)


def _named_by_formulas(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(each.name for each in snapshot.objects.values() if each.name_fielddef.type == "formula")


def error_of(field: FieldDef, compiled: Compiled, row: Mapping[str, Any], context: Context) -> str | None:
    """Return the category of the error that a formula ends in for a row of its inputs, None if it has a value or is blank."""
    try:
        result = compiled.python(row, context)
    except EvaluationError as error:
        return error.category
    return "out_of_range" if result is not None and held(field, result) is None else None


def may_be_told(gate: Gate, definition: ObjectDef, compiled: Compiled, before: Path = ()) -> bool:
    """Tell whether the reader may read all that a formula reads: of a declassified one they get no more than its value.

    `before`: the lookups of `definition` that lead to the record of the formula.
    """
    try:
        for path in compiled.reads:
            resolve(gate.asking, definition, ".".join((*before, *path)))
    except Refused:
        return False
    return True


def _asked(gate: Gate, definition: ObjectDef, path: str, records: Sequence[Record]) -> Asked | None:
    """Return the formula at a path, None where there is none or every record has its value."""
    named = resolve(gate.asking, definition, path)
    field = named.field
    if field.type != "formula" or all(each[path] is not None for each in records):
        return None
    compiled = gate.snapshot.expression(field.formula or "", named.holder.name, "formula", field.blanks)
    return Asked(named, compiled) if may_be_told(gate, definition, compiled, named.hops) else None


def _category(formula: Asked, values: Mapping[str, Any], context: Context) -> str | None:
    if formula.named.hops and values.get(".".join(formula.named.hops)) is None:
        return None  # no parent, no formula
    row = {}
    for path, full in formula.inputs():
        for count in range(1, len(full)):
            through = values.get(".".join(full[:count]))
            if isinstance(through, Reference) and through.hidden:
                return None  # blank because its reader does not see what it goes through
        value = values.get(".".join(full))
        row[path] = value.id if isinstance(value, Reference) else value
    return error_of(formula.named.field, formula.compiled, row, context)
