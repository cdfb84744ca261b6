"""Step 4: what came in becomes typed values. Every key is answered for: taken, or refused with its place; none is dropped in silence.

Absent stays absent, null is blank. A lookup given by a key of its target is found among the records the principal may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from rapidfuzz.distance import DamerauLevenshtein

from fieldstone.db.column_types import is_id
from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue, CellFormat, Hidden, RecordKey, Typed
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.evaluation import Evaluation, fit
from fieldstone.records.gate.write import compared, find_by_key

Coerce: TypeAlias = Callable[[Any], Any]
ON_CREATE = frozenset({"owner", "record_type"})  # system fields that a create may name


@dataclass(frozen=True)
class Inputs:
    """How values of one object are read: by field, the coercer of JSON values."""

    definition: ObjectDef
    coercers: Mapping[str, Coerce]


def inputs(snapshot: Snapshot, definition: ObjectDef) -> Inputs:
    """Return how values of `definition` are read; made once per definition."""
    return snapshot.part(_inputs, definition.name)


def _inputs(definition: ObjectDef) -> Inputs:
    coercers = {name: FIELD_TYPES[found.type].decoder(found) for name, found in definition.fields.items() if not found.computed}
    return Inputs(definition, coercers)


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step:
    """Return the step."""
    known = inputs(snapshot, definition)

    def read(batch: Batch) -> None:
        reading = Reading(batch, known)
        for item in batch.live:
            reading.take(item)
        reading.find_keys()

    return read


class Reading:
    """Reads the values of one batch. `keys` are the lookups that were given by a key of their target."""

    def __init__(self, batch: Batch, known: Inputs) -> None:
        self.batch, self.known, self.definition = batch, known, batch.object
        self.readable = batch.rights.readable(batch.object.name)
        self.editable = batch.rights.editable(batch.object.name)
        self.keys: dict[tuple[str, str], list[tuple[Item, Any, str]]] = {}
        principal = batch.principal
        self.typed = Typed(language=principal.language, zone=principal.zone, today=Evaluation(batch).today)

    def take(self, item: Item) -> None:
        """Read every value of one change into its image."""
        if item.is_new:
            self._begin(item)
        elif item.change.record_type is not None:
            item.image["record_type"] = item.change.record_type
            item.given.add("record_type")
        for key, value in item.change.values.items():
            found, through = self._field(key)
            if found is None:
                self._unknown(item, key)
            elif self._may_write(item, found, key):
                self._read(item, found, through, key, value)

    def _begin(self, item: Item) -> None:
        """A new record belongs to who makes it and has the object's default type, unless somebody says otherwise."""
        if "owner" in self.definition.system_fields:
            item.image["owner"] = self.batch.principal.user_id
        if self.definition.record_types:
            item.image["record_type"] = item.change.record_type or default_record_type(self.batch.snapshot, self.definition)
        for name, found in self.definition.fields.items():
            if found.type == "roll_up" and found.stored:
                item.image[name] = fit(found, Decimal(0)) if found.function in ("count", "sum") else None

    def _field(self, key: str) -> tuple[FieldDef | None, str | None]:
        """The field that `key` names, and for `account.erp_no` the key of its target."""
        found = self.definition.field(key) or self.definition.formerly(key)
        if found is None and "." in key:
            name, _, through = key.partition(".")
            found = self.definition.field(name)
            if found is not None and found.type in LOOKUPS:
                return found, through
            return None, None
        return found, None

    def _unknown(self, item: Item, key: str) -> None:
        near = sorted((DamerauLevenshtein.distance(key.lower(), name.lower()), name) for name in self.readable | self.editable)
        suggestion = near[0][1] if near and near[0][0] <= 2 else None
        params = {"name": key, "object": self.definition.name}
        item.problems.append(Problem(code="unknown_field", params=params, pointer=f"/{key}", suggestion=suggestion))

    def _may_write(self, item: Item, found: FieldDef, key: str) -> bool:
        """Whether the payload may write the field; if not, the reason is noted, in the words for nothing where it may not be read."""
        name = found.name
        if found.system:
            return self._may_write_system(item, found, key)
        if self.batch.action == "transfer":  # it changes hands and nothing else: rules and reserved values are not asked
            if name in self.readable:
                item.refuse("field_forbidden", field=name, object=self.definition.name)
            else:
                self._unknown(item, key)
            return False
        if name in self.editable:
            return True
        if name not in self.readable:
            self._unknown(item, key)
            return False
        if (
            found.type == "auto_number"
            and item.is_new
            and item.change.options.get("keep_auto_numbers")
            and self.batch.rights.setup("import")
        ):
            return True
        if not item.change.options.get("ignore_forbidden"):
            item.refuse("read_only" if found.read_only else "field_forbidden", field=name, object=self.definition.name)
        return False

    def _may_write_system(self, item: Item, found: FieldDef, key: str) -> bool:
        if found.name in ON_CREATE and (item.is_new or (found.name == "owner" and self.batch.action == "transfer")):
            return True
        if found.name == "approval_status" and self.batch.principal.unrestricted:
            return True  # derived from the latest approval, which alone acts as the platform here
        if item.change.options.get("ignore_forbidden"):
            return False
        code = "owner_by_transfer" if found.name == "owner" else "read_only"
        item.refuse(code, field=found.name, object=self.definition.name)
        return False

    def _read(self, item: Item, found: FieldDef, through: str | None, key: str, value: Any) -> None:
        try:
            typed = self._typed(item, found, key, value)
        except BadValue as bad:
            params = {"object": self.definition.name, **bad.params}
            item.problems.append(Problem(code=bad.code, params=params, field=found.name, pointer=f"/{key}", suggestion=bad.suggestion))
            item.given.add(found.name)
            return
        if typed is _ABSENT:
            return
        item.given.add(found.name)
        if through is not None and typed is not None:
            typed = RecordKey(field=through, value=typed if not isinstance(typed, RecordKey) else typed.value)
        if isinstance(typed, Hidden):
            if item.is_new:
                item.refuse("record_not_found", field=found.name, target_object=found.to)
        elif isinstance(typed, RecordKey):
            self.keys.setdefault((found.name, typed.field), []).append((item, typed.value, key))
        else:
            item.image[found.name] = typed

    def _typed(self, item: Item, found: FieldDef, key: str, value: Any) -> Any:
        if found.system:
            return _system_value(found, value)
        kind, change = FIELD_TYPES[found.type], item.change
        match change.given:
            case "json":
                return self._coerce(item, found, value)
            case "form":
                return (
                    kind.from_form(found, value, self.typed) if isinstance(value, str | list | tuple) else self._coerce(item, found, value)
                )
            case "cell":
                if not isinstance(value, str):
                    return self._coerce(item, found, value)
                if not value.strip():
                    return _ABSENT
                if "." in key:
                    return None if value.strip() == "#N/A" else value.strip()
                form = change.options.get("cell_formats", {}).get(found.name)
                return kind.from_cell(found, value, form if form is not None else CellFormat(language=self.typed.language))
            case "typed":
                return value if value is None or found.type in LOOKUPS else self._checked(found, value)
        raise AssertionError(change.given)

    def _coerce(self, item: Item, found: FieldDef, value: Any) -> Any:
        """Read a JSON value; one that is stored already may always be sent back, a retired picklist value for instance."""
        try:
            return self.known.coercers[found.name](value)
        except BadValue:
            if item.prior is not None and value is not None and FIELD_TYPES[found.type].to_json(found, item.prior.get(found.name)) == value:
                return item.prior[found.name]
            raise

    def _checked(self, found: FieldDef, value: Any) -> Any:
        return self.known.coercers[found.name](FIELD_TYPES[found.type].to_json(found, value))

    def find_keys(self) -> None:
        """Turn keys of targets into ids: one statement for each lookup and key that was used, whatever the number of records."""
        for (name, through), asked in self.keys.items():
            found = self.definition.field(name)
            assert found is not None
            target = self.batch.snapshot.objects[found.to or "user"]
            key = target.field(through)
            readable = self.batch.rights.readable(target.name)
            if key is None or key.name not in readable or key.column is None or not (is_key(target, key)):
                for item, _, given in asked:
                    item.refuse("not_a_key", field=name, pointer=f"/{given}", name=through, target_object=target.name)
                continue
            self._find(found, target, key, asked)

    def _find(self, found: FieldDef, target: ObjectDef, key: FieldDef, asked: list[tuple[Item, Any, str]]) -> None:
        coerce = FIELD_TYPES[key.type].decoder(key)
        wanted: dict[Any, list[tuple[Item, str]]] = {}
        for item, value, given in asked:
            try:
                typed = coerce(value)
            except BadValue:
                typed = None
            if typed is None:
                item.refuse("record_not_found", field=found.name, pointer=f"/{given}", target_object=target.name)
            else:
                wanted.setdefault(compared(key, typed), []).append((item, given))
        ids = find_by_key(self.batch.tx, self.batch.asking, target, key, wanted) if wanted else {}
        for value, places in wanted.items():
            matches = ids.get(value, [])
            for item, given in places:
                if len(matches) == 1:
                    item.image[found.name] = matches[0]
                else:
                    code = "record_not_found" if not matches else "several_records"
                    item.refuse(code, field=found.name, pointer=f"/{given}", target_object=target.name, value=value, count=len(matches))


_ABSENT = object()


def is_key(target: ObjectDef, key: FieldDef) -> bool:
    """Whether a record of `target` may be named by this field: unique ones, and the name where exactly one record has it."""
    return key.unique or key.external_id or key.type == "auto_number" or key.name == target.name_field


def _system_value(found: FieldDef, value: Any) -> Any:
    """The owner as an id, the record type as its name."""
    if found.name == "owner" and isinstance(value, Mapping):
        value = value.get("id")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadValue("wrong_type", {"expected": "text", "found": type(value).__name__})
    return value.lower() if found.name == "owner" and is_id(value.lower()) else value


def default_record_type(snapshot: Snapshot, definition: ObjectDef) -> str | None:
    """Return the record type of a new record for which nobody chose one: the one marked as default, else the first active."""
    kinds = [snapshot.find("record_type", name, definition.name) for name in definition.record_types]
    active = [kind for kind in kinds if kind is not None and getattr(kind, "active", True)]
    chosen = next((kind for kind in active if getattr(kind, "default", False)), active[0] if active else None)
    return chosen.name if chosen is not None else None
