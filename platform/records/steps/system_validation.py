"""Step 9: what no rule has to say: required, options of the type, picklists and what they depend on, lookups and their filters.

Values that came in were judged when they were read (step 4); here everything is judged that the save has made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation
from fieldstone.records.gate.access import EDIT, READ
from fieldstone.rules import EvaluationError

PICKLISTS = frozenset({"picklist", "multi_picklist"})


@dataclass(frozen=True)
class LookupFilter:
    """The filter of one lookup, and what it reads of the edited record."""

    found: FieldDef
    compiled: Compiled
    own_fields: frozenset[str]


Check = Callable[[Batch, Item], None]


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return the step: one check for each thing that the object's fields ask for."""
    checks = [_required(definition), _options(definition), _record_type(snapshot, definition)]
    checks += [_picklist(snapshot, definition, found) for found in definition.fields.values() if found.type in PICKLISTS]
    checks += [_lookup(found) for found in definition.fields.values() if found.type in LOOKUPS and found.column is not None]
    if "owner" in definition.system_fields:
        checks.append(_owner(snapshot, definition))
    made = tuple(check for check in checks if check is not None)
    filters = _filters(snapshot, definition)

    def validate(batch: Batch) -> None:
        evaluation = Evaluation(batch) if filters else None
        for item in batch.open:
            for check in made:
                check(batch, item)
            if evaluation is not None:
                for each in filters:
                    _check_filter(each, item, evaluation)

    return validate


def _required(definition: ObjectDef) -> Check | None:
    names = tuple(found.name for found in definition.fields.values() if found.required and not found.computed and found.type != "checkbox")
    if not names:
        return None

    def check(batch: Batch, item: Item) -> None:
        for name in names:
            if item.image.get(name) is None and not item.problem_at(name):
                if definition.fields[name].type == "auto_number" and item.is_new:
                    continue
                _refuse_blank(batch, item, name)

    return check


def _refuse_blank(batch: Batch, item: Item, name: str) -> None:
    """Say that a field must not be blank; of one that the person may not read not even its name."""
    if name in batch.rights.readable(batch.object.name):
        item.refuse("required", field=name, object=batch.object.name)
    else:
        item.refuse("required_unseen", pointer="", object=batch.object.name)


def _options(definition: ObjectDef) -> Check:
    """Length, range, form: of values that defaults, formulas or rules have made; what the caller gave was judged on its way in."""
    judged = {found.name: found for found in definition.fields.values() if not found.computed and found.type not in LOOKUPS}

    def check(batch: Batch, item: Item) -> None:
        for name in item.changed - item.given:
            found = judged.get(name)
            value = item.image.get(name)
            if found is None or value is None or item.problem_at(name):
                continue
            try:
                FIELD_TYPES[found.type].from_json(found, FIELD_TYPES[found.type].to_json(found, value))
            except BadValue as bad:
                item.problems.append(Problem(code=bad.code, params=dict(bad.params), field=name, pointer=f"/{name}"))

    return check


def _record_type(snapshot: Snapshot, definition: ObjectDef) -> Check | None:
    if not definition.record_types:
        return None

    def check(batch: Batch, item: Item) -> None:
        name = item.image.get("record_type")
        if "record_type" not in item.changed or item.problem_at("record_type"):
            return
        kind = snapshot.find("record_type", name, definition.name) if name is not None else None
        if not isinstance(kind, RecordTypeDef) or not kind.active:
            item.refuse("unknown_record_type", field="record_type", name=name or "", object=definition.name)

    return check


def _picklist(snapshot: Snapshot, definition: ObjectDef, found: FieldDef) -> Check:
    by_type: dict[str, frozenset[str]] = {}
    for name in definition.record_types:
        kind = snapshot.find("record_type", name, definition.name)
        if isinstance(kind, RecordTypeDef) and found.name in kind.values:
            by_type[name] = frozenset(kind.values[found.name])
    watched = {found.name, "record_type"} | ({found.controlled_by} if found.controlled_by else set())

    def check(batch: Batch, item: Item) -> None:
        value = item.image.get(found.name)
        if value is None or not watched & item.changed or item.problem_at(found.name):
            return
        chosen = value if isinstance(value, tuple) else (value,)
        offered = by_type.get(item.image.get("record_type") or "")
        for each in chosen:
            if offered is not None and each not in offered:
                item.refuse("not_in_record_type", field=found.name, value=each, record_type=item.image["record_type"])
                return
        if found.controlled_by is not None and found.allowed is not None:
            control = item.image.get(found.controlled_by)
            allowed = found.allowed.get(_control_key(control), ())
            for each in chosen:
                if each not in allowed:
                    item.refuse(
                        "not_with_control", field=found.name, value=each, control_field=found.controlled_by, control=_control_key(control)
                    )
                    return

    return check


def _control_key(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else value or ""


def _lookup(found: FieldDef) -> Check:
    def check(batch: Batch, item: Item) -> None:
        value = item.image.get(found.name)
        if found.name not in item.changed or value is None or item.problem_at(found.name):
            return
        looked = item.looked.get(found.name)
        if looked is None or looked[0] != value or not looked[1].exists or looked[1].access < READ:
            # In the very words for a record that never was: nobody learns that an invisible one exists.
            item.refuse("record_not_found", field=found.name, target_object=found.to)
            return
        if found.type == "master_detail":
            if item.prior is not None and not found.reparent:
                item.refuse("not_reparentable", field=found.name)
            elif looked[1].access < EDIT and not batch.principal.unrestricted:
                item.refuse("parent_not_editable", field=found.name, target_object=found.to)
        if found.type == "user" and found.active_only and looked[1].values.get(f"{found.name}.active") is False:
            item.refuse("inactive_user", field=found.name)

    return check


def _owner(snapshot: Snapshot, definition: ObjectDef) -> Check:
    def check(batch: Batch, item: Item) -> None:
        value = item.image.get("owner")
        if "owner" not in item.changed or item.problem_at("owner"):
            return
        if value is None:
            if not batch.principal.unrestricted:
                item.refuse("required", field="owner", object=definition.name)
            return
        if value == batch.principal.user_id:  # who saves is there and active
            return
        queue = queues(snapshot).get(value)
        if queue is not None:
            if definition.owned_by != "user_or_queue" or definition.name not in queue.objects:
                item.refuse("queue_not_for_object", field="owner", queue=queue.name, object=definition.name)
            return
        looked = item.looked.get("owner")
        if looked is None or not looked[1].exists:
            item.refuse("record_not_found", field="owner", target_object="user")
        elif looked[1].values.get("owner.active") is False:
            item.refuse("inactive_user", field="owner")

    return check


def queues(snapshot: Snapshot) -> Mapping[str, QueueDef]:
    """Return the queues by id, which is what stands in `owner`."""
    return snapshot.once(_queues)


def _queues(snapshot: Snapshot) -> dict[str, QueueDef]:
    return {queue.id: queue for queue in snapshot.all("queue") if isinstance(queue, QueueDef)}


def _filters(snapshot: Snapshot, definition: ObjectDef) -> tuple[LookupFilter, ...]:
    made = []
    for found in definition.fields.values():
        if found.type in LOOKUPS and found.filter is not None:
            compiled = snapshot.expression(found.filter, found.to, "lookup_filter", record=definition.name)
            own = frozenset(path[1] for path in compiled.reads if path[0] == "$Record" and len(path) > 1)
            made.append(LookupFilter(found, compiled, own))
    return tuple(made)


def _check_filter(each: LookupFilter, item: Item, evaluation: Evaluation) -> None:
    """Refuse a lookup that its filter does not allow; asked when the lookup or what the filter reads has changed."""
    name = each.found.name
    if item.image.get(name) is None or item.problem_at(name) or not ({name} | each.own_fields) & item.changed:
        return
    if any(item.problem_at(own) for own in each.own_fields):
        return
    values = {path.removeprefix(f"{name}."): value for path, value in item.image.items() if path.startswith(f"{name}.")}
    values |= {f"$Record.{path}": value for path, value in item.image.items()}
    try:
        fits = evaluation.true_of(each.compiled, values)
    except EvaluationError:
        fits = False
    if not fits:
        message = each.found.filter_message or None
        item.problems.append(
            Problem(code="lookup_filter", params={"target_object": each.found.to}, field=name, pointer=f"/{name}", message=message)
        )
