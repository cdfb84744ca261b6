"""Step 10: the rules of the org. All are evaluated, all errors told; one whose fields are wrong already is not asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.definitions.validation_rules import ValidationRuleDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation, fault
from fieldstone.records.look_up import LookUp
from fieldstone.records.messages import filled
from fieldstone.rules import EvaluationError


@dataclass(frozen=True)
class Rule:
    """A rule ready to be asked; `reads` are the fields of the record that it looks at."""

    definition: ValidationRuleDef
    compiled: Compiled
    reads: frozenset[str]


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if the object has no active rule."""
    rules = rules_of(snapshot, definition)
    if not rules:
        return None

    def validate(batch: Batch) -> None:
        evaluation = Evaluation(batch, LookUp(batch))
        for item in batch.open:
            ask(rules, batch, item, evaluation)

    return validate


def rules_of(snapshot: Snapshot, definition: ObjectDef, reading: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Return the active rules of an object; with `reading`, those that read one of these fields."""
    made = []
    for rule in snapshot.all("validation_rule", definition.name):
        assert isinstance(rule, ValidationRuleDef)
        if rule.active:
            compiled = snapshot.expression(rule.error_when, definition.name, "validation_rule")
            reads = frozenset(path[0] for path in compiled.reads)
            if reading is None or reads & set(reading):
                made.append(Rule(rule, compiled, reads))
    return tuple(made)


def ask(rules: tuple[Rule, ...], batch: Batch, item: Item, evaluation: Evaluation) -> None:
    """Ask every rule about one record and note what each has against it."""
    wrong = {problem.field for problem in item.problems if problem.field is not None}
    for rule in rules:
        types = rule.definition.record_types
        if types and item.image.get("record_type") not in types:
            continue
        if wrong and wrong & rule.reads:
            continue
        try:
            broken = evaluation.true(rule.compiled, item)
        except EvaluationError as error:
            item.code = item.code or "rule_fault"
            found = rule.definition
            place = found.label or found.name
            item.problems.append(fault(place, rule.compiled, error, rule=found.name, field=found.at, pointer=_place(rule)))
            continue
        if broken:
            message = filled(batch, rule.definition.message, item, evaluation)
            item.problems.append(
                Problem(
                    code="validation_rule",
                    params={},
                    rule=rule.definition.name,
                    field=rule.definition.at,
                    pointer=_place(rule),
                    message=message,
                )
            )


def _place(rule: Rule) -> str:
    return f"/{rule.definition.at}" if rule.definition.at else ""
