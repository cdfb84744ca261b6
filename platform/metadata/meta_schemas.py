"""The published meta-schemas: reading them, checking a document against its own, and what they say about its form.

Here: one resolved schema per kind, the validator with our own keywords, problems from its errors.
Not here: what a schema cannot say (`check.py`), the text of a document (`documents.py`).

Own keywords: `x-by` names the key that decides which part of the schema an object is checked against, so that one wrong option is one
problem (the `if`/`then` beside it says the same to editors); `x-merge`, `x-key` say how packs merge; `x-sorted` marks a map without order.
Source: spec/metadata.md, sections 2 and 7; spec/packs.md, section 10.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from fieldstone.errors import Problem
from fieldstone.metadata.names import nearest
from fieldstone.rules import bounds

URN = "urn:fieldstone:1:"

# Keywords that are said otherwise in a resolved schema, or are for editors; `$schema` would make jsonschema forget our keywords.
NOT_FOR_US = frozenset(("$schema", "$id", "$ref", "$defs", "if", "then", "else", "allOf"))

Schema = dict[str, Any]


@cache
def published(name: str) -> Schema:
    """Return the meta-schema of a kind (or "common", "field", "pack") as it is published. Raises KeyError for another name."""
    source = resources.files("fieldstone.metadata") / "schemas" / f"{name}.json"
    if not source.is_file():
        raise KeyError(name)
    schema: Schema = json.loads(source.read_text("utf-8"))
    return schema


@cache
def resolved(name: str) -> Schema:
    """Return the meta-schema of a kind with every reference replaced by what it names; recursive ones refer to themselves."""
    schema: Schema = _resolve(published(name), name, {})
    return schema


def _resolve(node: Any, home: str, done: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, home, done) for item in node]
    if not isinstance(node, dict):
        return node
    target: Schema = _target(node["$ref"], home, done) if "$ref" in node else {}
    own = {key: _resolve(value, home, done) for key, value in node.items() if key not in NOT_FOR_US and key != "properties"}
    if "properties" in node:  # its keys are names, no keywords
        own["properties"] = {key: _resolve(value, home, done) for key, value in node["properties"].items()}
    if "x-by" in own:
        by = own["x-by"]
        parts = {value: _target(reference, home, done) for value, reference in by["parts"].items()}
        absent = _target(by["absent"], home, done) if "absent" in by else None
        own["x-by"] = {"key": by["key"], "parts": parts, "absent": absent}
        own.pop("required", None)  # said by x-by, in better words
        own.get("properties", {}).pop(by["key"], None)
    if not own:
        return target
    assert target or "$ref" not in node, "what refers to itself may have nothing beside the reference"
    return {**target, **own}


def _target(reference: str, home: str, done: dict[str, Any]) -> Any:
    where, _, pointer = reference.partition("#")
    home = where.removeprefix(URN) or home
    key = f"{home}#{pointer}"
    if key not in done:
        done[key] = found = {}  # before its inside is resolved, which may refer to it again
        part = published(home)
        for step in pointer.split("/")[1:]:
            part = part[step]
        found.update(_resolve(part, home, done))
    return done[key]


@lru_cache(maxsize=bounds.PATTERNS_KEPT)
def regular_expression(pattern: str) -> Any:
    """Return `pattern` compiled by RE2, which needs time in proportion to the text whatever the pattern. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = bounds.PATTERN_MEMORY
    return re2.compile(pattern, options)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not regular_expression(pattern).search(instance):
        yield ValidationError(instance)


def _required(validator: Any, required: list[str], instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        yield from (ValidationError(key) for key in required if key not in instance)


def _no_others(validator: Any, others: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    for key, value in instance.items():
        if key in known:
            continue
        if others is False:
            yield ValidationError(key, path=(key,))
        elif others is not True:
            yield from validator.descend(value, others, path=key)


def _by(validator: Any, by: Schema, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    given = instance.get(by["key"])
    part = by["absent"] if given is None and by["key"] not in instance else by["parts"].get(given) if isinstance(given, str) else None
    if part is not None:
        yield from validator.descend(instance, part)
    elif by["key"] in instance:
        yield ValidationError(by["key"], path=(by["key"],))
    else:
        yield ValidationError(by["key"])


def _property_names(validator: Any, names: Schema, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key in instance:
            if key not in schema.get("properties", {}):
                for error in validator.descend(key, names):
                    error.path.append(key)
                    yield error


def _nothing(validator: Any, value: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    return iter(())


MetaValidator = extend(
    Draft202012Validator,
    {
        "pattern": _pattern,
        "required": _required,
        "additionalProperties": _no_others,
        "propertyNames": _property_names,
        "x-by": _by,
        "format": _nothing,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": lambda _, value: is_number(value), "integer": lambda _, value: is_number(value) and value == int(value)}
    ),
)


def is_number(value: object) -> bool:
    """Tell whether `value` is a JSON number as `documents.parse` gives it: int or Decimal, and no bool."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


@cache
def _validator(name: str) -> Any:
    return MetaValidator(resolved(name), registry=Registry())  # references are resolved: nothing is fetched


def problems(document: object, name: str) -> Iterator[Problem]:
    """Yield what the meta-schema `name` has against `document`, each with its pointer, one a cause.

    A place that is wrong in its type is not examined further, nor is an object whose deciding key is.
    """
    for error in _validator(name).iter_errors(document):
        yield _problem(error)


def pointer(path: Any) -> str:
    """Return a JSON pointer for the keys and positions in `path`."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


TYPE_NAMES = {dict: "object", list: "array", str: "text", bool: "boolean", int: "number", type(None): "null"}


def type_name(value: object) -> str:
    """Return what people call the JSON type of `value`: "object", "array", "text", "number", "boolean" or "null"."""
    return TYPE_NAMES.get(type(value), "number")


def _problem(error: ValidationError) -> Problem:
    schema, value, limit, place = error.schema, error.instance, error.validator_value, pointer(error.absolute_path)
    match error.validator:
        case "required":
            return Problem(code="missing_key", params={"key": error.message}, pointer=place)
        case "additionalProperties":
            meant = nearest(error.message, schema["properties"])
            return Problem(code="unknown_key", params={"key": error.message}, pointer=place, suggestion=meant)
        case "x-by":
            key = limit["key"]
            if key not in value:
                return Problem(code="missing_key", params={"key": key}, pointer=place)
            return _not_one_of(value[key], list(limit["parts"]), place)
        case "enum" | "const":
            return _not_one_of(value, limit if error.validator == "enum" else [limit], place)
        case "type":
            wanted = [limit] if isinstance(limit, str) else limit
            return Problem(
                code="wrong_type",
                params={"expected": " / ".join("text" if name == "string" else name for name in wanted), "found": type_name(value)},
                pointer=place,
            )
        case "pattern":
            return Problem(code="bad_form", params={"value": value, "what": schema.get("title", "")}, pointer=place)
        case "minLength" | "minItems" | "minProperties":
            return Problem(code="too_few", params={"limit": limit, "count": len(value)}, pointer=place)
        case "maxLength" | "maxItems" | "maxProperties":
            return Problem(code="too_many", params={"limit": limit, "count": len(value)}, pointer=place)
        case "minimum" | "maximum":
            return Problem(code=f"over_{error.validator}", params={"limit": limit, "value": value}, pointer=place)
        case "uniqueItems":
            return Problem(code="duplicate_item", pointer=place)
    raise AssertionError(f"a meta-schema uses {error.validator}, which has no problem")


def _not_one_of(value: object, allowed: list[Any], place: str) -> Problem:
    if not any(type_name(value) == type_name(item) for item in allowed):
        return Problem(code="wrong_type", params={"expected": type_name(allowed[0]), "found": type_name(value)}, pointer=place)
    texts = [item for item in allowed if isinstance(item, str)]
    return Problem(
        code="unknown_value",
        params={"value": value, "allowed": ", ".join(str(item) for item in allowed)},
        pointer=place,
        suggestion=nearest(value, texts) if isinstance(value, str) else None,
    )


def part_of(schema: Schema, value: object) -> Schema:
    """Return the schema that `value` itself is described by: behind `x-by`, the part its deciding key chooses."""
    by: Mapping[str, Any] | None = schema.get("x-by")
    if by is None or not isinstance(value, dict):
        return schema
    found = by["parts"].get(value.get(by["key"])) or by["absent"]
    return found if found is not None else schema


def inside(schema: Schema, key: str) -> Schema | None:
    """Return the schema of the member `key` of an object described by `schema`; None if the schema says nothing of it."""
    found = schema.get("properties", {}).get(key)
    if found is None:
        others = schema.get("additionalProperties")
        found = others if isinstance(others, dict) else None
    return found if isinstance(found, dict) else None


@cache
def defaults(name: str, part: str | None = None) -> Mapping[str, Any]:
    """Return the defaults of a kind's keys, of one part of it (such as a field type) if named: what canonical text leaves out."""
    schema = resolved(name)
    if part is not None:
        schema = schema["x-by"]["parts"][part]
    return {key: member["default"] for key, member in schema["properties"].items() if isinstance(member, dict) and "default" in member}
