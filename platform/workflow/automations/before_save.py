"""Step 7 of a save: automations that assign fields or refuse, before the record is validated.

Here: when one fires, `assign`, `branch` and `error`. Each runs once, in order; later ones see what earlier ones did.
Not here: the order of a save (`records/save.py`), what an automation looks like (`metadata/definitions/automations.py`).
Source: spec/workflow.md, sections 1 (step 7), 4, 5 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fieldstone.errors import Problem
from fieldstone.metadata.definitions import AssignStep, AutomationDef, BranchStep, ErrorStep, FieldDef, ObjectDef
from fieldstone.metadata.definitions.steps import Step as StepDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation, fit
from fieldstone.records.messages import filled
from fieldstone.rules import EvaluationError

USE = "automation"

Act: TypeAlias = Callable[[Batch, Item, Evaluation], bool]  # False: an error step refused, nothing of this automation follows


@dataclass(frozen=True, slots=True)
class Rule:
    """One automation ready to run."""

    definition: AutomationDef
    criteria: Compiled | None
    acts: tuple[Act, ...]


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step; None if the object has no active automation for that action."""
    rules = [_rule(snapshot, definition, each) for each in _automations(snapshot, definition, action)]
    if not rules:
        return None

    def run(batch: Batch) -> None:
        evaluation = Evaluation(batch)
        for rule in rules:
            for item in batch.open:
                if not item.problems and not item.change.options.get("leave_out_automations"):
                    _run(rule, batch, item, evaluation)

    return run


def _automations(snapshot: Snapshot, definition: ObjectDef, action: Action) -> list[AutomationDef]:
    found = [each for each in snapshot.all("automation", definition.name) if isinstance(each, AutomationDef)]
    fitting = [each for each in found if each.active and each.timing == "before_save" and action in each.trigger.on]
    return sorted(fitting, key=lambda each: (each.order, each.name))


def _rule(snapshot: Snapshot, definition: ObjectDef, automation: AutomationDef) -> Rule:
    criteria = automation.trigger.criteria
    return Rule(
        automation,
        snapshot.expression(criteria, definition.name, USE) if criteria is not None else None,
        tuple(_act(snapshot, definition, each) for each in automation.steps),
    )


def _run(rule: Rule, batch: Batch, item: Item, evaluation: Evaluation) -> None:
    """A fault refuses the record: it is never taken as false."""
    try:
        if _fires(rule, item, evaluation):
            for act in rule.acts:
                if not act(batch, item, evaluation):
                    return
    except (EvaluationError, ValueError) as fault:
        category = fault.category if isinstance(fault, EvaluationError) else "out_of_range"
        item.refuse("rule_fault", own="rule_fault", place=rule.definition.label or rule.definition.name, category=category)


def _fires(rule: Rule, item: Item, evaluation: Evaluation) -> bool:
    trigger = rule.definition.trigger
    if trigger.when == "changed" and item.prior is not None:
        watched = trigger.watch or item.given
        if all(item.image.get(name) == item.prior.get(name) for name in watched):
            return False
    if rule.criteria is None:
        return True
    if not evaluation.true(rule.criteria, item):
        return False
    return not (trigger.when == "changed_to_meet" and item.prior is not None and evaluation.true_of(rule.criteria, prior_of(item)))


def prior_of(item: Item) -> dict[str, Any]:
    """Return the values before the save, with what lookups lead to as it is now: parents do not change in a save of the child."""
    behind = {path: value for path, value in item.image.items() if "." in path}
    return behind | (item.prior or {})


def _act(snapshot: Snapshot, definition: ObjectDef, step_def: StepDef) -> Act:
    match step_def:
        case AssignStep():
            return _assign(snapshot, definition, step_def)
        case BranchStep():
            return _branch(snapshot, definition, step_def)
        case ErrorStep():
            return _error(step_def)
    raise ValueError(f"a before-save automation has no step {step_def.type}")


def _assign(snapshot: Snapshot, definition: ObjectDef, step_def: AssignStep) -> Act:
    targets: list[tuple[FieldDef, object, Compiled | None]] = []
    for name, given in step_def.set.items():
        found = definition.field(name)
        assert found is not None  # the check saw to it
        formula = snapshot.expression(given.formula, definition.name, USE) if given.formula is not None else None
        targets.append((found, given.value, formula))

    def assign(batch: Batch, item: Item, evaluation: Evaluation) -> bool:
        for found, constant, formula in targets:
            item.image[found.name] = constant if formula is None else fit(found, evaluation.value(formula, item))
        return True

    return assign


def _branch(snapshot: Snapshot, definition: ObjectDef, step_def: BranchStep) -> Act:
    ways: list[tuple[Compiled | None, tuple[Act, ...]]] = [
        (
            snapshot.expression(way.when, definition.name, USE) if way.when is not None else None,
            tuple(_act(snapshot, definition, each) for each in way.steps),
        )
        for way in step_def.branches
    ]

    def branch(batch: Batch, item: Item, evaluation: Evaluation) -> bool:
        for condition, acts in ways:
            if condition is None or evaluation.true(condition, item):
                return all(act(batch, item, evaluation) for act in acts)
        return True

    return branch


def _error(step_def: ErrorStep) -> Act:
    def refuse(batch: Batch, item: Item, evaluation: Evaluation) -> bool:
        message: Mapping[str, str] = filled(batch, step_def.message, item, evaluation)
        place = f"/{step_def.at}" if step_def.at is not None else None
        item.problems.append(Problem(code="automation_error", field=step_def.at, pointer=place, rule=step_def.id, message=message))
        return False

    return refuse
