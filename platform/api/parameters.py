"""Query parameters and bodies, checked against the schemas that the OpenAPI document shows: what it says is what is taken.

Here: reading parameters by their schema, checking a body by its schema. Not here: what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flask import Request
from jsonschema.exceptions import ValidationError
from referencing import Registry

from fieldstone.api.operations import Operation, Param
from fieldstone.api.problems import Declined
from fieldstone.api.values import NOT_IN_TEXT, pointed
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.field_types.field_type import json_type
from fieldstone.metadata.names import nearest
from fieldstone.metadata.record_schema import RecordValidator

__all__ = ["check_body", "json_type", "read"]

NUMBERS = Param(name="numbers", schema={"enum": ["number", "text"]}, doc="`text`: numbers go out as texts, for clients without decimals.")


def read(operation: Operation, asked: Request) -> dict[str, Any]:
    """Return the parameters of a request by name. Raises Declined (400) for one that is unknown, repeated or not as its schema says."""
    given = asked.args
    known = {each.name: each for each in (*operation.params, NUMBERS)}
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for name, texts in given.lists():
        if NOT_IN_TEXT.search(name) or any(NOT_IN_TEXT.search(text) for text in texts):
            problems.append(Problem(code="bad_text", params={"name": name[:60]}))
        elif len(texts) > 1:
            problems.append(Problem(code="repeated_parameter", params={"name": name}))
        elif name in known:
            problems += _take(known[name], texts[0], found)
        elif operation.any_params:
            found[name] = texts[0]
        else:
            problems.append(Problem(code="unknown_parameter", params={"name": name[:60]}, suggestion=nearest(name, known)))
    problems += [
        Problem(code="missing_parameter", params={"name": each.name})
        for each in operation.params
        if each.required and each.name not in given
    ]
    if problems:
        code = "unknown_parameter" if all(each.code == "unknown_parameter" for each in problems) else "malformed"
        raise Declined(400, code, problems)
    return found


def _take(param: Param, text: str, found: dict[str, Any]) -> Iterator[Problem]:
    schema = param.schema
    value: Any = text
    match schema.get("type"):
        case "integer":
            value = int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text
        case "boolean":
            value = {"true": True, "false": False}.get(text, text)
        case "array":
            value = text.split(",")
    error = next(iter(_validator(_frozen(schema)).iter_errors(value)), None)
    if error is not None:
        yield Problem(code="bad_parameter", params={"name": param.name, "value": text[:100]})
    else:
        found[param.name] = value


def check_body(schema: Mapping[str, Any], body: Any) -> None:
    """Raise Refused (422) with every problem of a body that is not as `schema` says."""
    errors = list(_validator(_frozen(schema)).iter_errors(body))
    if errors:
        raise Refused(problem for error in errors for problem in _problems(error))


def _problems(error: ValidationError) -> Iterator[Problem]:
    place = "".join(f"/{pointed(str(part))}" for part in error.absolute_path)
    instance: Any = error.instance
    match error.validator:
        case "required":
            for name in error.validator_value:
                if name not in instance:
                    yield Problem(code="missing_key", params={"key": name}, pointer=place)
        case "additionalProperties":
            allowed = error.schema.get("properties", {})
            for name in instance:
                if name not in allowed:
                    yield Problem(
                        code="unknown_key", params={"key": name}, pointer=f"{place}/{pointed(name)}", suggestion=nearest(name, allowed)
                    )
        case "type":
            expected = error.validator_value
            words = expected if isinstance(expected, str) else ", ".join(str(each) for each in expected)
            yield Problem(code="wrong_type", params={"expected": words, "found": json_type(instance)}, pointer=place)
        case "enum":
            yield Problem(
                code="unknown_value", params={"value": str(instance)[:100], "allowed": list(error.validator_value)}, pointer=place
            )
        case "minItems" | "minLength" | "minProperties":
            yield Problem(code="too_few", params={"count": len(instance), "limit": error.validator_value}, pointer=place)
        case "maxItems" | "maxLength" | "maxProperties":
            yield Problem(code="too_many", params={"count": len(instance), "limit": error.validator_value}, pointer=place)
        case _:
            yield Problem(code="bad_value", pointer=place)


Frozen = tuple[Any, ...]


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ("{", *((key, _frozen(item)) for key, item in value.items()))
    return ("[", *(_frozen(item) for item in value)) if isinstance(value, list | tuple) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple) and value and value[0] == "{":
        return {key: _thawed(item) for key, item in value[1:]}
    return [_thawed(item) for item in value[1:]] if isinstance(value, tuple) else value


@lru_cache(maxsize=500)
def _validator(schema: Frozen) -> Any:
    return RecordValidator(_thawed(schema), registry=Registry())


def whole(value: Any) -> int | None:
    """Return a whole number of JSON, which may have been written as 5.0."""
    if isinstance(value, bool) or value is None:
        return None
    return int(value) if isinstance(value, int | Decimal) else None
