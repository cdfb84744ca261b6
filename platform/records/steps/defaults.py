"""Step 5: what a new record has where nobody gave a value: constants first, then expressions in the order they need each other.

Auto-numbers are taken last, just before the record is written, so that refused records use none up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.auto_numbers import numbers
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation, fit
from fieldstone.records.steps import formulas
from fieldstone.rules import EvaluationError


@dataclass(frozen=True)
class Defaults:
    """The defaults of one object, or of one of its record types: constants by field, expressions in their order."""

    constants: Mapping[str, Any]
    expressions: tuple[tuple[FieldDef, Compiled], ...]


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; every object has at least an owner or a record type to find."""
    by_type = {name: defaults_of(snapshot, definition, name) for name in ("", *definition.record_types)}

    def fill(batch: Batch) -> None:
        evaluation = Evaluation(batch)
        for item in batch.open:
            # A type that does not exist is refused further down.
            apply(batch, item, by_type.get(item.image.get("record_type") or "", by_type[""]), evaluation)

    return fill


def apply(batch: Batch, item: Item, defaults: Defaults, evaluation: Evaluation) -> None:
    """Fill the fields of one new record that nobody gave."""
    for name, value in defaults.constants.items():
        if name not in item.given:
            item.image[name] = value
    for found, compiled in defaults.expressions:
        if found.name in item.given or item.problem_at(found.name):
            continue
        try:
            item.image[found.name] = _held(found, fit(found, evaluation.value(compiled, item)))
        except (EvaluationError, ValueError):
            item.image[found.name] = None  # a default that fails is left blank (spec/expressions.md, section 6)


def _held(found: FieldDef, value: Any) -> Any:
    """Return the value of a default. Raises ValueError for a text that is too long for its field, as `fit` does for a number."""
    if isinstance(value, str) and found.type not in LOOKUPS:
        try:
            FIELD_TYPES[found.type].from_json(found, value)
        except BadValue as bad:
            if bad.code == "too_long":
                raise
    return value


def defaults_of(snapshot: Snapshot, definition: ObjectDef, record_type: str) -> Defaults:
    """Return what a new record of that type ("" for none) has where nobody gave a value."""
    constants: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, found in definition.fields.items():
        if found.computed or found.type == "auto_number":
            continue
        chosen = next((value.name for value in found.values if value.default and value.active), None)
        if found.default_formula is not None:
            sources[name] = found.default_formula
        elif found.default is not None or found.type == "checkbox":
            constants[name] = found.default if found.default is not None else False
        elif chosen is not None:
            constants[name] = (chosen,) if found.type == "multi_picklist" else chosen
    kind = snapshot.find("record_type", record_type, definition.name) if record_type else None
    if isinstance(kind, RecordTypeDef):
        constants |= kind.defaults
        sources = {name: source for name, source in sources.items() if name not in kind.defaults} | dict(kind.default_formulas)
        constants = {name: value for name, value in constants.items() if name not in kind.default_formulas}
    expressions = {name: snapshot.expression(source, definition.name, "default") for name, source in sources.items()}
    return Defaults(constants, tuple((definition.fields[name], expressions[name]) for name in _ordered(expressions)))


def _ordered(expressions: Mapping[str, Compiled]) -> list[str]:
    """Names so that each default stands after those it reads; the check has refused cycles."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        for path in sorted(expressions[name].reads):
            if path[0] in expressions and path[0] != name:
                visit(path[0])
        ordered.append(name)

    for name in expressions:
        visit(name)
    return ordered


def auto_numbers(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that numbers new records, in the order of the call; None without an auto-number.

    Numbers are given when nothing refuses the record any more. Stored formulas that read one are computed after it.
    """
    counted = tuple(found for found in definition.fields.values() if found.type == "auto_number")
    if not counted:
        return None
    reading = numbered(snapshot, definition)

    def number(batch: Batch) -> None:
        evaluation = Evaluation(batch)
        for found in counted:
            without = [item for item in batch.live if item.image.get(found.name) is None]
            if without:
                given = numbers(batch.tx, found, len(without), evaluation.today)
                for item, text in zip(without, given, strict=True):
                    item.image[found.name] = text
                    item.changed.add(found.name)
        if reading:
            for item in batch.live:
                formulas.compute(reading, item, evaluation)
                item.changed |= {found.name for found, _ in reading if item.image[found.name] is not None}

    return number


def numbered(snapshot: Snapshot, definition: ObjectDef) -> formulas.Formulas:
    """Return the stored formulas that read an auto-number: of a new record they have no value before the number is given."""
    names = {found.name for found in definition.fields.values() if found.type == "auto_number"}
    return tuple(each for each in formulas.formulas_of(snapshot, definition) if any(path[0] in names for path in each[1].reads))
