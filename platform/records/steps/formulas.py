"""Steps 6 and 8: stored formulas of the record itself, and the test whether anything differs at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation, fit
from fieldstone.rules import EvaluationError

Formulas = tuple[tuple[FieldDef, Compiled], ...]


def formulas_of(snapshot: Snapshot, definition: ObjectDef) -> Formulas:
    """Return the stored formulas of an object, each after those it reads."""
    return tuple(
        (found, snapshot.expression(found.formula or "", definition.name, "formula", found.blanks))
        for found in snapshot.stored_formulas(definition.name)
    )


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return step 6; None if the object has no stored formula."""
    formulas = formulas_of(snapshot, definition)
    if not formulas:
        return None

    def compute_all(batch: Batch) -> None:
        evaluation = Evaluation(batch)
        for item in batch.open:
            compute(formulas, item, evaluation)

    return compute_all


def compute(formulas: Formulas, item: Item, evaluation: Evaluation) -> None:
    """Put the results of all stored formulas into the image; one that ends in an error is blank, a checkbox is not ticked."""
    for found, compiled in formulas:
        try:
            item.image[found.name] = fit(found, evaluation.value(compiled, item))
        except (EvaluationError, ValueError):
            item.image[found.name] = fit(found, None)


def settle_unchanged(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return step 8: formulas again, then records in which no stored field differs leave as unchanged."""
    formulas = formulas_of(snapshot, definition)
    stored = tuple(found.name for found in (*definition.fields.values(), *definition.system_fields.values()) if found.column is not None)

    def settle(batch: Batch) -> None:
        evaluation = Evaluation(batch)
        for item in batch.open:
            if formulas:
                compute(formulas, item, evaluation)
            item.changed = differences(stored, item.prior, item.image)
            if not item.changed and not item.is_new and not item.problems:
                item.status = "unchanged"

    return settle


def differences(stored: tuple[str, ...], prior: Mapping[str, Any] | None, image: Mapping[str, Any]) -> set[str]:
    """Return the names of the stored fields that differ; of a new record those that are not blank."""
    if prior is None:
        return {name for name in stored if image.get(name) is not None}
    return {name for name in stored if image.get(name) != prior.get(name)}
