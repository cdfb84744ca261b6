"""Fourth stage, fields: do the options of each field go together?

Here: digits, bounds, defaults, picklists, lookups, roll-ups, formulas, keys of objects.
Not here: other kinds (`sense.py`), expressions (`expressions.py`).
Source: spec/metadata.md, sections 3 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import re2

from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.metadata.field_types.computed import pattern_problem
from fieldstone.metadata.meta_schemas import regular_expression
from fieldstone.metadata.places import Way

NUMBERS = frozenset({"number", "currency", "percent"})
ORDERED = NUMBERS | {"date", "datetime"}
NOT_IN_KEYS = frozenset({"text_area", "long_text", "rich_text", "multi_picklist", "checkbox", "roll_up"})
RESTS_ON = ("relation", "field", "controlled_by", "formula", "filter")  # options that name other fields
NAME_TYPES = frozenset({"text", "auto_number"})


def check_fields(proposed: Proposed) -> None:
    """Note every field whose options contradict one another or what they refer to, and every key and name field that cannot be."""
    for path, definition, field in list(proposed.fields()):
        if proposed.settled(path, *(getattr(field, key) or "" for key in RESTS_ON)):
            continue
        _numbers(proposed, path, definition, field)
        if (definition.name.lower(), field.name.lower()) in proposed.bad:
            continue  # without digits that go together no number can be judged
        for check in (_pattern, _picklist, _constants, _lookup, _computed):
            check(proposed, path, definition, field)
    for definition in proposed.definitions.objects.values():
        _name_field(proposed, definition)
        _access(proposed, definition)
        _keys(proposed, definition)
        _labels(proposed, definition)


def _numbers(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef) -> None:
    way: Way = ("fields", field.name)
    given = field.source
    if field.result_type not in NUMBERS or field.type == "roll_up":
        for key in ("precision", "scale"):
            if field.type == "formula" and key in given:
                proposed.refuse(path, (*way, key), "option_not_here", key=key, type=field.returns)
        return
    precision, scale = field.precision or 18, field.scale or 0
    if scale > precision:
        key = "scale" if "scale" in given else "precision"
        proposed.refuse(path, (*way, key), "scale_over_precision", scale=scale, precision=precision)
    if field.type == "formula" and "length" in given:
        proposed.refuse(path, (*way, "length"), "option_not_here", key="length", type=field.returns)


def _pattern(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef) -> None:
    if field.pattern is None:
        return
    way: Way = ("fields", field.name, "pattern")
    if field.type == "auto_number":
        wrong = pattern_problem(field.pattern)
        if wrong is not None:
            proposed.refuse(path, way, "bad_number_pattern", part=wrong, suggestion="{00000}")
        return
    try:
        regular_expression(field.pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        proposed.refuse(path, way, "bad_regex", reason=reason.decode() if isinstance(reason, bytes) else str(reason))


def _picklist(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef) -> None:
    if field.type not in ("picklist", "multi_picklist"):
        return
    way: Way = ("fields", field.name)
    given = field.source
    if ("values" in given) == ("value_set" in given):
        proposed.refuse(path, way, "values_or_value_set")
    chosen = [value for value in field.values if value.default]
    if field.type == "picklist" and len(chosen) > 1:
        proposed.refuse(path, (*way, "values"), "two_defaults", first=chosen[0].name, second=chosen[1].name)
    if "default" in given and chosen:
        proposed.refuse(path, (*way, "default"), "two_defaults", first=chosen[0].name, second=given["default"])
    if ("controlled_by" in given) != ("allowed" in given):
        proposed.refuse(path, way, "controlled_by_and_allowed")
    controller = definition.field(field.controlled_by) if field.controlled_by else None
    if controller is not None and (controller.type not in ("picklist", "checkbox") or controller.name == field.name):
        proposed.refuse(path, (*way, "controlled_by"), "not_a_controller", field=controller.name)


def _constants(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef) -> None:
    """Bounds and default must be values the field itself takes."""
    given: Mapping[str, Any] = field.source
    way: Way = ("fields", field.name)
    for key in ("min", "max"):
        if key in given:
            free = replace(field, min=None, max=None, required=False)
            _value(proposed, path, (*way, key), free, given[key])
    if field.min is not None and field.max is not None and type(field.min) is type(field.max) and field.min > field.max:  # type: ignore[operator]
        proposed.refuse(path, (*way, "min"), "min_over_max", min=field.min, max=field.max)
    default = given.get("default")
    if default is not None and not (isinstance(default, str) and default.startswith("=")):
        _value(proposed, path, (*way, "default"), field, default)


def _value(proposed: Proposed, path: str, way: Way, field: FieldDef, value: Any) -> None:
    try:
        FIELD_TYPES[field.type].from_json(field, value)
    except BadValue as bad:
        proposed.refuse_value(path, way, bad)


def _lookup(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef) -> None:
    if field.type not in LOOKUPS:
        return
    way: Way = ("fields", field.name)
    if field.required and field.on_delete == "set_null":
        proposed.refuse(path, (*way, "on_delete"), "required_set_null", suggestion="restrict")
    if field.filter_message is not None and field.filter is None:
        proposed.refuse(path, (*way, "filter_message"), "option_without", key="filter_message", other="filter")


def _computed(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef) -> None:
    way: Way = ("fields", field.name)
    if not field.stored:
        for key in ("unique", "indexed", "history"):
            if getattr(field, key):
                proposed.refuse(path, (*way, key), "live_field_option", key=key, reason=field.why_live)
    if field.type == "roll_up":
        _roll_up(proposed, path, definition, field, way)


def _roll_up(proposed: Proposed, path: str, definition: ObjectDef, field: FieldDef, way: Way) -> None:
    related = proposed.names.relation(definition.name, field.relation or "")
    if related is None:
        return
    child = proposed.object(related[0])
    lookup = child.field(related[1]) if child is not None else None
    if field.function == "count":
        if field.field is not None:
            proposed.refuse(path, (*way, "field"), "option_not_here", key="field", type="count")
    elif field.field is None:
        proposed.refuse(path, way, "missing_key", key="field")
    else:
        source = child.field(field.field) if child is not None else None
        wanted = NUMBERS if field.function == "sum" else ORDERED
        if source is not None and source.result_type not in wanted:
            proposed.refuse(path, (*way, "field"), "roll_up_type", function=field.function, field=source.name, type=source.result_type)
        elif source is not None and source.type == "formula" and not source.stored:
            formula = proposed.scopes.formula(source)
            if formula is not None and formula.sql_reason is not None:
                proposed.refuse(path, (*way, "field"), "expression_not_filterable", function=formula.sql_reason)
    if lookup is not None and lookup.type != "master_detail" and not field.declassified:
        proposed.refuse(path, way, "roll_up_needs_declassified", relation=field.relation)


def _name_field(proposed: Proposed, definition: ObjectDef) -> None:
    field = definition.fields.get(definition.name_field)
    if field is None:
        if "name_field" not in definition.source and not proposed.follows(definition.name, definition.name_field):
            proposed.refuse(definition.path, "", "no_name_field", object=definition.name)
        return
    text_formula = field.type == "formula" and field.stored and field.returns == "text"
    if field.type not in NAME_TYPES and not text_formula:
        proposed.refuse(definition.path, "/name_field", "not_a_name_field", field=field.name, type=field.type)


def _access(proposed: Proposed, definition: ObjectDef) -> None:
    masters = [field for field in definition.fields.values() if field.type == "master_detail"]
    if masters and definition.default_access != "by_parent":
        proposed.refuse(definition.path, "/default_access", "master_access", suggestion="by_parent", field=masters[0].name)
    if masters and definition.owned_by != "none":
        proposed.refuse(definition.path, "/owned_by", "master_owner", suggestion="none", field=masters[0].name)
    if not masters and definition.default_access == "by_parent" and not _lost_master(proposed, definition):
        proposed.refuse(definition.path, "/default_access", "by_parent_without_master")


def _lost_master(proposed: Proposed, definition: ObjectDef) -> bool:
    return any(of == definition.name.lower() for of, _ in proposed.bad)


def _keys(proposed: Proposed, definition: ObjectDef) -> None:
    for path, index, key in _key_parts(proposed, definition):
        for number, name in enumerate(key["fields"]):
            field = definition.field(name)
            if field is not None and (field.type in NOT_IN_KEYS or field.system or not field.stored):
                proposed.refuse(path, ("keys", index, "fields", number), "not_in_keys", field=name, type=field.type)


def _key_parts(proposed: Proposed, definition: ObjectDef) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for path, document in proposed.sound.items():
        own = document["kind"] == "object" and path == definition.path
        added = document["kind"] == "object_extension" and document["object"].lower() == definition.name.lower()
        if own or added:
            yield from ((path, index, key) for index, key in enumerate(document.get("keys", ())))


def _labels(proposed: Proposed, definition: ObjectDef) -> None:
    """Two fields that look alike are a warning: people could not tell them apart."""
    seen: dict[tuple[str, str], str] = {}
    for field in definition.fields.values():
        for tag, text in field.label.items():
            other = seen.setdefault((tag, text.strip().lower()), field.name)
            if other != field.name:
                proposed.refuse(field.path, ("fields", field.name, "label"), "same_label", warning=True, label=text, other=other)
                break
