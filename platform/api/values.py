"""JSON as the API reads and writes it: exact decimals both ways, nothing odd taken in silence.

Here: `parse` of a request's body, `dump` of an answer in one pass. Not here: what a value means for a field (`metadata/field_types`).
Source: spec/api.md, section 1; spec/security.md, section 7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson

from fieldstone.api.problems import Declined
from fieldstone.errors import Problem
from fieldstone.limits import JSON_DEPTH, JSON_KEYS, NUMBER_DIGITS
from fieldstone.records.query import Page, Reference

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS | orjson.OPT_PASSTHROUGH_DATACLASS
NOT_IN_TEXT = re.compile(r"[\x00\ud800-\udfff]")
SEVERAL = frozenset({"user", "queue"})  # an owner may be of either


# --- out ---------------------------------------------------------------------------------------------------------------------


def dump(value: Any, *, numbers_as_text: bool = False) -> bytes:
    """Return `value` as JSON: numbers with exactly their digits (or as texts), references, datetimes in UTC."""
    return orjson.dumps(value, default=_with_texts if numbers_as_text else _with_numbers, option=OPTIONS)


def _with_numbers(value: Any) -> Any:
    return orjson.Fragment(format(value, "f")) if type(value) is Decimal else _other(value)


def _with_texts(value: Any) -> Any:
    return format(value, "f") if type(value) is Decimal else _other(value)


def _other(value: Any) -> Any:
    if type(value) is Reference:
        return reference(value)
    if isinstance(value, Page):
        return {"records": value.records, "more": value.more}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(type(value).__name__)


def reference(value: Reference) -> dict[str, Any]:
    """Return a lookup as it goes out."""
    if value.hidden:
        return {"hidden": True}
    if value.object in SEVERAL:
        return {"id": value.id, "name": value.name, "object": value.object}
    return {"id": value.id, "name": value.name}


# --- in ----------------------------------------------------------------------------------------------------------------------


def parse(body: bytes) -> Any:
    """Return the value in a request's body: numbers as int or Decimal, never float.

    Raises Declined (400 `malformed`) with every problem: not JSON, not UTF-8, doubled keys, NaN, NUL and lone surrogates, too deep.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(Problem(code="not_utf8", params={"position": error.start}, pointer="")) from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        params = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        raise _malformed(Problem(code="malformed", params=params, pointer="")) from None
    except _NotANumber as error:
        raise _malformed(Problem(code="not_a_number", params={"value": str(error)[:60]}, pointer="")) from None
    except RecursionError:
        raise _malformed(_too_deep("")) from None
    keys = [0]
    problems = list(_oddities(value, "", 1, keys, "\\u" in text))
    if keys[0] > JSON_KEYS:
        problems.append(Problem(code="limit_exceeded", params={"name": "keys", "count": keys[0], "limit": JSON_KEYS}, pointer=""))
    if problems:
        raise _malformed(*problems)
    return value


class _NotANumber(ValueError):
    """NaN, an infinity, or more digits than a number can have."""


class _Doubled(dict[str, Any]):
    """An object in which keys stand more than once."""

    __slots__ = ("twice",)
    twice: list[str]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled, seen = _Doubled(found), set[str]()
    doubled.twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    return doubled


def _integer(text: str) -> int:
    if len(text) > NUMBER_DIGITS:
        raise _NotANumber(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if len(text) > 2 * NUMBER_DIGITS or abs(value.adjusted()) > NUMBER_DIGITS:
        raise _NotANumber(text)
    return value


def _constant(text: str) -> Any:
    raise _NotANumber(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant)


def _oddities(value: Any, place: str, depth: int, keys: list[int], escaped: bool) -> Iterator[Problem]:
    """Find what JSON allows and we do not. `escaped`: texts may hold NUL or half a pair, which only an escape can spell."""
    if isinstance(value, str):
        if escaped and NOT_IN_TEXT.search(value):
            yield Problem(code="bad_text", pointer=place)
    elif isinstance(value, dict):
        if depth > JSON_DEPTH:
            yield _too_deep(place)
            return
        keys[0] += len(value)
        for key in value.twice if isinstance(value, _Doubled) else ():
            yield Problem(code="duplicate_key", params={"key": key}, pointer=f"{place}/{pointed(key)}")
        for key, item in value.items():
            if escaped and NOT_IN_TEXT.search(key):
                yield Problem(code="bad_text", pointer=place)
            else:
                yield from _oddities(item, f"{place}/{pointed(key)}", depth + 1, keys, escaped)
    elif isinstance(value, list):
        if depth > JSON_DEPTH:
            yield _too_deep(place)
            return
        for index, item in enumerate(value):
            yield from _oddities(item, f"{place}/{index}", depth + 1, keys, escaped)


def pointed(key: str) -> str:
    """Return a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _too_deep(place: str) -> Problem:
    return Problem(code="too_deep", params={"limit": JSON_DEPTH}, pointer=place)


def _malformed(*problems: Problem) -> Declined:
    return Declined(400, "malformed", problems)
