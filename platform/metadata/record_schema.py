"""What a record may look like: one JSON Schema per object, and a decoder that accepts the same documents a hundred times faster.

Here: the record schema, cut to a reader's fields; the decoder; every problem of a bad record.
Not here: schemas and coercion of single values (`field_types/`), what only records can tell (lookups, uniqueness, rules: `records/steps`).

The decoder either gives typed values or gives up without saying why; only then `Reader.problems` runs coercers and jsonschema and yields
every problem. Both accept the same documents (tests/metadata/test_record_schema.py).
Source: spec/metadata.md, section 7; spec/api.md, section 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from fieldstone.errors import Problem
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue, Coerce
from fieldstone.metadata.field_types.date import day, moment
from fieldstone.metadata.field_types.email import is_email
from fieldstone.metadata.field_types.lookup import is_record_id
from fieldstone.metadata.field_types.text import LINE
from fieldstone.metadata.field_types.url import is_url
from fieldstone.metadata.meta_schemas import is_number, regular_expression
from fieldstone.metadata.names import nearest
from fieldstone.metadata.scope import Source

Schema = dict[str, Any]
Values = Mapping[str, Any]

MONEY = "^-?[0-9]{1,16}\\.[0-9]{2}$"

# What every record schema defines once.
PARTS: Mapping[str, Schema] = MappingProxyType(
    {
        "id": {"type": "string", "format": "uuid"},
        "line": {"type": ["string", "null"], "pattern": LINE},
        "to": {"anyOf": [{"$ref": "#/$defs/id"}, {"type": "object", "minProperties": 1}]},
        "seen": {
            "anyOf": [
                {"type": "null"},
                {
                    "type": "object",
                    "properties": {"hidden": {"const": True}, "id": {"$ref": "#/$defs/id"}, "name": {"type": "string"}},
                },
            ]
        },
        "money": {"type": ["number", "string", "null"], "pattern": MONEY},
    }
)

READ_ALWAYS = ("id", "row_version")
STAMPS = ("created_at", "created_by", "updated_at", "updated_by")


def record_schema(
    source: Source, object_name: str, *, readable: Collection[str] | None = None, editable: Collection[str] | None = None
) -> Schema:
    """Return the JSON Schema of an object's records: `$defs` hold what may be created, updated and read.

    `readable`, `editable`: API names the reader may see or write; None: all. Texts are in the org's language. The schema is the caller's
    own, to change as it likes.
    """
    definition = source.find("object", object_name)
    assert isinstance(definition, ObjectDef)
    writable = [field for field in _writable(definition) if editable is None or field.name in editable]
    required = [field.name for field in writable if field.required and field.default is None and field.default_formula is None]
    create: Schema = {"type": "object", "$ref": "#/$defs/writable"}
    on_create = _on_create(definition)
    if on_create:
        create["properties"] = on_create
    if required:
        create["required"] = required
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fieldstone:record:{definition.name}",
        "title": labels.text(definition.label, source.language, source.language, definition.name),
        "$defs": {
            **{name: _copy(part) for name, part in PARTS.items()},
            "writable": {"properties": {field.name: FIELD_TYPES[field.type].json_schema(field, "write") for field in writable}},
            "create": {**create, "unevaluatedProperties": False},
            "update": {"type": "object", "$ref": "#/$defs/writable", "unevaluatedProperties": False},
            "read": {"type": "object", "properties": dict(_read(source, definition, readable))},
        },
        "x-rules": [rule.name for rule in source.all("validation_rule", definition.name) if getattr(rule, "active", True)],
        "x-keys": _keys(definition),
    }


def _copy(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _copy(value) for key, value in part.items()}
    return [_copy(value) for value in part] if isinstance(part, list) else part


def _writable(definition: ObjectDef) -> Iterator[FieldDef]:
    return (field for field in definition.fields.values() if not field.read_only)


def _on_create(definition: ObjectDef) -> Schema:
    """What only a create may name: the owner, and the record type."""
    found: Schema = {}
    if "owner" in definition.system_fields:
        found["owner"] = {"$ref": "#/$defs/to"}
    if "record_type" in definition.system_fields:
        found["record_type"] = FIELD_TYPES["picklist"].json_schema(definition.system_fields["record_type"], "write")
    return found


def _read(source: Source, definition: ObjectDef, readable: Collection[str] | None) -> Iterator[tuple[str, Schema]]:
    shown = [*READ_ALWAYS, "record_type", *definition.fields, "owner", *STAMPS]
    if source.all("approval_process", definition.name):
        shown.append("approval_status")
    for name in shown:
        field = definition.fields.get(name) or definition.system_fields.get(name)
        if field is not None and (readable is None or field.system or name in readable):
            yield name, _read_one(field)


def _read_one(field: FieldDef) -> Schema:
    if field.name in ("created_at", "updated_at") and field.system:
        return {"type": "string", "format": "date-time"}
    if field.name == "row_version" and field.system:
        return {"type": "integer"}
    if field.type == "owner":
        return {"$ref": "#/$defs/seen"}
    return FIELD_TYPES[field.type].json_schema(field, "read")


def _keys(definition: ObjectDef) -> list[list[str]]:
    single = [[field.name] for field in definition.fields.values() if field.unique or field.external_id]
    return single + [list(key.fields) for key in definition.keys]


# --- validating ----------------------------------------------------------------------------------------------------------------

FORMATS = FormatChecker(formats=())


def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or is_record_id(value)


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or day(value) is not None


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or moment(value) is not None


for _name, _test in (("uuid", _is_uuid), ("date", _is_date), ("date-time", _is_moment)):
    FORMATS.checks(_name)(_test)

OWN_FORMATS: Mapping[str, Callable[[str], bool]] = {"email": is_email, "url": is_url}


def _pattern(validator: Any, pattern: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not regular_expression(pattern).search(instance):
        yield ValidationError("pattern")


def _digits(validator: Any, digits: list[int], instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """`x-digits`: precision and scale of numbers and number texts, whose bounds it applies to texts too."""
    precision, scale = digits
    value = _number(instance)
    if value is None:
        return
    if abs(value) >= Decimal(10) ** (precision - scale):
        yield ValidationError("too large")
    elif value != value.quantize(Decimal(1).scaleb(-scale)):
        yield ValidationError("too precise")
    if isinstance(instance, str) and ("minimum" in schema and value < schema["minimum"]):
        yield ValidationError("below minimum")
    if isinstance(instance, str) and ("maximum" in schema and value > schema["maximum"]):
        yield ValidationError("above maximum")


def _number(instance: Any) -> Decimal | None:
    if is_number(instance):
        return Decimal(instance)
    if isinstance(instance, str) and re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", instance):
        return Decimal(instance)
    return None


def _own_format(validator: Any, name: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """`x-format`: email and web addresses, as our own types take them, ends trimmed."""
    if isinstance(instance, str) and instance.strip() and not OWN_FORMATS[name](instance.strip()):
        yield ValidationError(name)


def _earliest(validator: Any, bound: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and _when(instance) is not None and _when(instance) < _when(bound):
        yield ValidationError("below minimum")


def _latest(validator: Any, bound: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and _when(instance) is not None and _when(instance) > _when(bound):
        yield ValidationError("above maximum")


def _when(text: str) -> Any:
    return day(text) or moment(text)


RecordValidator = extend(
    Draft202012Validator,
    {"pattern": _pattern, "x-digits": _digits, "x-format": _own_format, "x-minimum": _earliest, "x-maximum": _latest},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "number": lambda _, value: is_number(value),
            "integer": lambda _, value: is_number(value) and value == int(value),
            "array": lambda _, value: isinstance(value, list | tuple),
        }
    ),
)


def validator(schema: Schema, part: str) -> Any:
    """Return a jsonschema validator for `create`, `update` or `read` of a record schema; its registry holds that schema alone."""
    registry: Registry[Any] = Registry().with_resource(schema["$id"], DRAFT202012.create_resource(schema))
    return RecordValidator({"$ref": f"{schema['$id']}#/$defs/{part}"}, registry=registry, format_checker=FORMATS)


# --- reading a record ----------------------------------------------------------------------------------------------------------


class Reader:
    """Reads records of one object from JSON, in one mode: "create" or "update". Made once per snapshot: see `reader`."""

    def __init__(self, source: Source, object_name: str, mode: str) -> None:
        definition = source.find("object", object_name)
        assert isinstance(definition, ObjectDef)
        self.definition = definition
        self.mode = mode
        self.schema = record_schema(source, object_name)
        self.coercers = MappingProxyType(_coercers(definition, mode))
        self.required = frozenset(self.schema["$defs"]["create"].get("required", ())) if mode == "create" else frozenset[str]()

    def values(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the typed values of `document` by API name, or None when anything is wrong with it: then ask `problems`."""
        coercers, found = self.coercers, {}
        try:
            for name, value in document.items():
                found[name] = coercers[name](value)
        except (KeyError, BadValue):
            return None
        return found if self.required <= found.keys() else None

    def problems(self, document: Mapping[str, Any], stored: Values | None = None) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        """Return what could be read of `document`, and everything that is wrong with it.

        `stored`: the record as it is; an inactive picklist value that is sent back unchanged is no problem. Former names of fields are
        read as the fields they became.
        """
        found: dict[str, Any] = {}
        problems: list[Problem] = []
        excused: set[str] = set()
        for name, value in document.items():
            field = self._field(name)
            if field is None:
                problems.append(self._unknown(name))
                continue
            try:
                found[field.name] = self.coercers[field.name](value)
            except BadValue as bad:
                if bad.code == "inactive_value" and stored is not None and stored.get(field.name) == value:
                    found[field.name] = value
                    excused.add(name)
                    continue
                problems.append(_problem(name, bad))
        missing = [name for name in self.coercers if name in self.required and name not in found and not _noted(problems, name)]
        problems += [Problem(code="required", field=name, pointer=_pointer(name)) for name in missing]
        rest = {name: value for name, value in document.items() if name not in excused}
        return found, (*problems, *self._beyond(rest, problems))

    def _field(self, name: str) -> FieldDef | None:
        if name in self.coercers:
            return self.definition.fields.get(name) or self.definition.system_fields[name]
        former = self.definition.formerly(name)
        return former if former is not None and former.name in self.coercers else None

    def _unknown(self, name: str) -> Problem:
        field = self.definition.field(name)
        if field is not None and field.name == name:
            return Problem(code="read_only", field=name, pointer=_pointer(name))
        fields = {known: tuple(self.definition.index[known.lower()].label.values()) for known in self.coercers}
        meant = field.name if field is not None else nearest(name, fields, fields)
        params = {"name": name, "object": self.definition.name}
        return Problem(code="unknown_field", params=params, pointer=_pointer(name), suggestion=meant)

    def _beyond(self, document: Mapping[str, Any], problems: list[Problem]) -> Iterator[Problem]:
        """Yield what the schema refuses and no coercer has: nothing, unless the two have drifted apart."""
        told = {problem.pointer for problem in problems}
        for error in self._validator.iter_errors(_as_json(self.definition, document)):
            if error.validator in ("required", "unevaluatedProperties"):
                continue
            pointer = _pointer(str(error.absolute_path[0])) if error.absolute_path else ""
            if pointer not in told and not self._was_renamed(error):
                told.add(pointer)
                yield Problem(code="bad_value", field=pointer.lstrip("/") or None, pointer=pointer)

    def _was_renamed(self, error: ValidationError) -> bool:
        return bool(error.absolute_path) and str(error.absolute_path[0]) not in self.coercers

    @cached_property
    def _validator(self) -> Any:
        return validator(self.schema, self.mode)

    def accepts(self, document: Mapping[str, Any]) -> bool:
        """Tell whether the record schema accepts `document`: what the decoder must agree with."""
        return bool(self._validator.is_valid(_as_json(self.definition, document)))


def reader(source: Source, object_name: str, mode: str) -> Reader:
    """Return the reader of an object's records for "create" or "update"; made once per source."""
    made = source.once(_Readers).made
    key = (object_name.lower(), mode)
    if key not in made:
        made[key] = Reader(source, object_name, mode)
    return made[key]


class _Readers:
    def __init__(self, source: Source) -> None:
        self.made: dict[tuple[str, str], Reader] = {}


def _coercers(definition: ObjectDef, mode: str) -> dict[str, Coerce]:
    found = {field.name: _coercer(field) for field in _writable(definition)}
    if mode == "create":
        for name in _on_create(definition):
            field = definition.system_fields[name]
            found[name] = _filled(field) if name == "owner" else FIELD_TYPES[field.type].decoder(field)
    return found


def _coercer(field: FieldDef) -> Coerce:
    return _filled(field) if field.required else FIELD_TYPES[field.type].decoder(field)


def _filled(field: FieldDef) -> Coerce:
    """Return the coercer of a field that must not be sent blank. Blanks alone ("  ") are text to the schema: the pipeline finds them."""
    decode = FIELD_TYPES[field.type].decoder(field)

    def required(value: Any) -> Any:
        if value is None or value in ("", [], ()):
            raise BadValue("required")
        return decode(value)

    return required


def _as_json(definition: ObjectDef, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return `document` as the schema knows it: an empty text for a picklist is null (spec/api.md, section 1)."""
    empty = {name for name, value in document.items() if value == "" and _is_picklist(definition, name)}
    return {name: None if name in empty else value for name, value in document.items()}


def _is_picklist(definition: ObjectDef, name: str) -> bool:
    field = definition.fields.get(name) or definition.system_fields.get(name)
    return field is not None and field.type == "picklist"


def _pointer(name: str) -> str:
    return f"/{name.replace('~', '~0').replace('/', '~1')}"


def _problem(name: str, bad: BadValue) -> Problem:
    return Problem(code=bad.code, params=bad.params, field=name, pointer=_pointer(name), suggestion=bad.suggestion)


def _noted(problems: list[Problem], name: str) -> bool:
    return any(problem.field == name for problem in problems)
