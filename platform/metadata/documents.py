"""Documents: JSON text in, JSON text out, always the same text for the same meaning.

Here: parsing with exact decimals, canonical text, content hash, paths.
Not here: what a document means (`load.py`) and whether it is right (`check.py`).
Source: spec/metadata.md, section 2; spec/packs.md, section 7.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fieldstone import limits
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import meta_schemas
from fieldstone.metadata.kind_names import FOLDERS, PER_OBJECT

Document = dict[str, Any]

SHORT = 100  # columns up to which an array stays on one line
MOST_DIGITS = 40  # of a number, before or after the point: far beyond what any option takes

NOT_IN_TEXT = re.compile(r"[\x00\ud800-\udfff]")


class _Doubled(dict[str, Any]):
    """An object in which keys stand more than once."""

    __slots__ = ("keys_twice",)
    keys_twice: list[str]


def parse(text: str | bytes, *, path: str | None = None) -> Document:
    """Return the document in `text`: numbers as int or Decimal, never float.

    Raises Refused with every problem: not JSON (with line and column), not an object, doubled keys, NaN, NUL or lone surrogates, nesting
    deeper than DOCUMENT_DEPTH, more than DOCUMENT_BYTES. `path` is put into the problems as their document.
    """
    source = _text(text, path)
    try:
        value = json.loads(source, parse_float=_decimal, parse_int=_integer, parse_constant=_not_finite, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise Refused(
            Problem(code="malformed", params={"line": error.lineno, "column": error.colno, "reason": error.msg}, document=path, pointer="")
        ) from None
    except _NotANumberError as error:
        raise Refused(Problem(code="not_a_number", params={"value": str(error)[:60]}, document=path, pointer="")) from None
    if not isinstance(value, dict):
        found = {"expected": "object", "found": meta_schemas.type_name(value)}
        raise Refused(Problem(code="wrong_type", params=found, document=path, pointer=""))
    problems = list(_oddities(value, ()))
    if problems:
        raise Refused(problem.at(document=path) for problem in problems)
    return value


def _text(text: str | bytes, path: str | None) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > limits.DOCUMENT_BYTES:
        over = {"name": "DOCUMENT_BYTES", "limit": limits.DOCUMENT_BYTES, "count": size}
        raise Refused(Problem(code="limit_exceeded", params=over, document=path, pointer=""))
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused(Problem(code="not_utf8", params={"position": error.start}, document=path, pointer="")) from None
    if _deeper_than(text, limits.DOCUMENT_DEPTH):
        raise Refused(Problem(code="too_deep", params={"limit": limits.DOCUMENT_DEPTH}, document=path, pointer=""))
    return text


def _deeper_than(text: str, depth: int) -> bool:
    """Count brackets outside of texts before any recursive parser sees them."""
    level, in_text, escaped = 0, False, False
    for character in text:
        if in_text:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_text = False
        elif character == '"':
            in_text = True
        elif character in "[{":
            level += 1
            if level > depth:
                return True
        elif character in "]}":
            level -= 1
    return False


class _NotANumberError(ValueError):
    """NaN, Infinity, or more digits than a number can have here."""


def _not_finite(text: str) -> Any:
    raise _NotANumberError(text)


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _NotANumberError(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if len(text) > 2 * MOST_DIGITS or abs(value.adjusted()) > MOST_DIGITS:
        raise _NotANumberError(text)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = _Doubled(found)
    seen: set[str] = set()
    doubled.keys_twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    return doubled


def _oddities(value: Any, place: tuple[str | int, ...]) -> list[Problem]:
    """Find doubled keys and texts that no database takes, wherever they are."""
    if isinstance(value, str):
        return [Problem(code="bad_text", pointer=meta_schemas.pointer(place))] if NOT_IN_TEXT.search(value) else []
    if isinstance(value, list):
        return [problem for index, item in enumerate(value) for problem in _oddities(item, (*place, index))]
    if not isinstance(value, dict):
        return []
    here = meta_schemas.pointer(place)
    twice = value.keys_twice if isinstance(value, _Doubled) else []
    found = [Problem(code="duplicate_key", params={"key": key}, pointer=here + meta_schemas.pointer((key,))) for key in twice]
    found += [Problem(code="bad_text", pointer=here) for key in value if NOT_IN_TEXT.search(key)]
    return found + [problem for key, item in value.items() for problem in _oddities(item, (*place, key))]


def canonical(document: Mapping[str, Any]) -> str:
    """Return the one text of `document`: UTF-8, NFC, two spaces, keys in the order of the meta-schema, defaults left out, LF at the end.

    A fixed point: `canonical(parse(canonical(d))) == canonical(d)`. `document` need not be right: what its meta-schema does not know stays,
    behind what it knows.
    """
    return _write(tidy(document), 0, 1) + "\n"


def content_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hexadecimal) of the canonical text without `$schema`: equal for documents that mean the same."""
    return hashlib.sha256(canonical({key: value for key, value in document.items() if key != "$schema"}).encode()).hexdigest()


def tidy(document: Mapping[str, Any]) -> Document:
    """Return `document` as canonical text has it: keys in order, defaults and forms that mean the same gone."""
    kind = document.get("kind")
    name = kind if isinstance(kind, str) and kind in FOLDERS else "pack" if kind is None and "format" in document else None
    return _tidy(dict(document), meta_schemas.resolved(name) if name else {})  # type: ignore[no-any-return]


def _tidy(value: Any, schema: meta_schemas.Schema) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, list | tuple):
        items = [_tidy(item, schema.get("items") or {}) for item in value]
        return sorted(items, key=_one_line) if schema.get("x-merge") in ("set", "rights") else items
    if isinstance(value, Mapping):
        return _tidy_object(value, meta_schemas.part_of(schema, value))
    return value


def _tidy_object(value: Mapping[str, Any], schema: meta_schemas.Schema) -> Document:
    properties = schema.get("properties", {})
    given = sorted(value) if schema.get("x-sorted") else value
    ordered = [key for key in properties if key in value] + [key for key in given if key not in properties]
    found: Document = {}
    for key in ordered:
        member = meta_schemas.inside(schema, key)
        item = _tidy(value[key], member or {})
        if member is None or "default" not in member or not _same(item, member["default"]):
            found[unicodedata.normalize("NFC", key)] = item
    return found


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _plain(value: Decimal) -> Decimal | int:
    return int(value) if value == value.to_integral_value() else value.normalize()


def _write(value: Any, indent: int, used: int = 0) -> str:
    """Write a value whose line already has `used` columns before it: arrays and their elements on one line where they fit."""
    if isinstance(value, dict) and value and not (used == indent and indent + len(_one_line(value)) + 1 <= SHORT):
        inner = " " * (indent + 2)
        lines = []
        for key, item in value.items():
            head = f"{inner}{json.dumps(key, ensure_ascii=False)}: "
            lines.append(head + _write(item, indent + 2, len(head)))
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    line = _one_line(value)
    if not isinstance(value, list) or not value or max(used, indent) + len(line) + 1 <= SHORT:
        return line
    inner = " " * (indent + 2)
    return "[\n" + ",\n".join(inner + _write(item, indent + 2, indent + 2) for item in value) + "\n" + " " * indent + "]"


def _one_line(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_one_line(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_one_line(item) for item in value) + "]"
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def name_of(document: Mapping[str, Any]) -> str:
    """Return the name of the definition: its `api_name`; of a translation without one the language, of an extension the object."""
    for key in ("api_name", "language", "object"):
        if isinstance(document.get(key), str):
            return str(document[key])
    return ""


def path_of(document: Mapping[str, Any]) -> str:
    """Return where `document` belongs, such as "objects/deal.json" or "layouts/deal/deal_standard.json". Its kind must be known."""
    kind, name = document["kind"], name_of(document)
    if kind in PER_OBJECT and "api_name" in document:
        return f"{FOLDERS[kind]}/{document['object']}/{name}.json"
    return f"{FOLDERS[kind]}/{name}.json"


def schema_reference(path: str, kind: str) -> str:
    """Return what `$schema` says in the document at `path`: the relative way to the meta-schemas that the CLI writes beside them."""
    return "../" * path.count("/") + f".schemas/{kind}.json"
