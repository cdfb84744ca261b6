"""Cases: tests of expressions as data, one JSON object a line, the same for admins, packs and our own tests.

Here: reading a file of cases with everything that is wrong in it. Not here: what the names of a case mean (`case_scope`),
running them (`case_runs`), the command line, examples that stand in definitions (`metadata`).
Source: spec/expressions.md, section 11.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from fieldstone import limits
from fieldstone.db.column_types import is_id
from fieldstone.errors import Problem, Refused
from fieldstone.rules import bounds
from fieldstone.rules.check import Blanks
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.dates import time_of_text
from fieldstone.rules.value_types import ValueType

PYTHON, SQLITE, POSTGRESQL = ENGINES = ("python", "sqlite", "postgresql")
TYPES: Mapping[str, ValueType] = {
    "number": ValueType.NUMBER,
    "currency": ValueType.NUMBER,
    "percent": ValueType.NUMBER,
    "text": ValueType.TEXT,
    "picklist": ValueType.PICKLIST,
    "multi_picklist": ValueType.MULTIPICKLIST,
    "checkbox": ValueType.BOOLEAN,
    "date": ValueType.DATE,
    "datetime": ValueType.DATETIME,
    "time": ValueType.TIME,
    "lookup": ValueType.ID,
    "geolocation": ValueType.GEOLOCATION,
}
# How a value is written, for who wrote it otherwise.
FORMS: Mapping[str, str] = {
    **dict.fromkeys(("number", "currency", "percent"), '"1250.50"'),
    **dict.fromkeys(("text", "picklist"), '"..."'),
    "multi_picklist": '["...", "..."]',
    "checkbox": "true",
    "date": '"2026-03-01"',
    "datetime": '"2026-03-01T08:30:00Z"',
    "time": '"08:30:00.000"',
    "lookup": '"01890a5d-ac96-774b-bcce-b302099a8057"',
    "geolocation": '{"latitude": "52.52", "longitude": "13.405"}',
}
PLACE_PARTS = ("latitude", "longitude")
NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
NUMBER = re.compile(r"-?[0-9]{1,1100}(\.[0-9]{1,1100})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
FIELD_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9_$.:#]{0,254}")
IN_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
MOST_DIGITS = 18

CASE_KEYS = ("name", "formula", "blanks", "returns", "fields", "context", "rows", "note", "comment")
NEEDED_KEYS = ("name", "formula", "rows")
FIELD_KEYS = ("type", "length", "precision", "scale", "values", "formula")
ROW_KEYS = ("values", "prior", "is_new", "is_clone", "result", "error", "problem", "sql_result", "engines", "note", "comment")
OUTCOMES = ("result", "error", "problem")
JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseField:
    """One field of a case. `type` is the word of the file; a field with a `formula` is expanded in place."""

    type: str
    precision: int = MOST_DIGITS
    scale: int = 0
    values: tuple[str, ...] | None = None
    formula: str | None = None
    length: int | None = None  # characters that a text may have
    short_ids: bool = False  # a lookup whose values are no ids of ours, such as "a1"

    @property
    def value_type(self) -> ValueType:
        return TYPES[self.type]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One row: values as Python calculates with them, what they should give, and where. `number` counts from 0."""

    number: int
    values: Mapping[str, object]
    prior: Mapping[str, object] | None = None
    is_new: bool = False
    is_clone: bool = False
    outcome: str  # one of OUTCOMES
    expected: object  # as the file has it
    sql_result: object = ...  # of the SQL engines, where it differs
    engines: frozenset[str] = frozenset(ENGINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One expression with its fields, its context, and rows of values and results."""

    name: str
    formula: str
    blanks: Blanks
    fields: Mapping[str, CaseField]  # by path, as the file writes it
    rows: Sequence[CaseRow]
    returns: str | None = None  # type of the result
    scale: int | None = None  # digits to which a number is rounded before it is compared
    now: datetime = NOW
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


PLACE_PART = CaseField(type="number", precision=9, scale=6)


def stored(fields: Mapping[str, CaseField]) -> dict[str, CaseField]:
    """Return what a row holds, by path: the fields without a formula, and of a place its two parts."""
    found: dict[str, CaseField] = {}
    for name, described in fields.items():
        if described.value_type is ValueType.GEOLOCATION:
            found |= {f"{name}.{part}": PLACE_PART for part in PLACE_PARTS}
        elif described.formula is None:
            found[name] = described
    return found


def load(text: str | bytes, *, path: str = "cases") -> list[Case]:
    """Return the cases of a file's text in which nothing is wrong. Raises Refused with every problem that `read` tells of."""
    cases, problems = read(text, path=path)
    if problems:
        raise Refused(problems)
    return cases


def read(text: str | bytes, *, path: str = "cases") -> tuple[list[Case], list[Problem]]:
    """Return the cases of a file's text without the lines and rows that are wrong, and what is wrong; empty lines do not count.

    A problem's document is `path` with the number of the line, its pointer a place in that line; a key that means nothing is a warning.
    Raises Refused for a file that is too large or no UTF-8.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > limits.CASE_FILE_BYTES:
        raise Refused(Problem(code="case_file_too_large", params={"limit": limits.CASE_FILE_BYTES}, document=path, pointer=""))
    try:
        lines = (text.decode("utf-8-sig") if isinstance(text, bytes) else text).split("\n")
    except UnicodeDecodeError as wrong:
        raise Refused(Problem(code="not_utf8", params={"position": wrong.start}, document=path, pointer="")) from wrong
    cases: list[Case] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            reader = Reader(f"{path}:{number}")
            case = reader.case(line)
            problems += reader.problems[: limits.CASE_PROBLEMS - len(problems)]
            if case is not None and reader.usable:
                cases.append(replace(case, rows=[row for row in case.rows if row.number not in reader.wrong_rows]))
    return cases, problems


# --- reading ---------------------------------------------------------------------------------------------------------


class _TwiceError(ValueError):
    """An object has one key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(text)


class Reader:
    """Reads one line, and keeps all that is wrong with it."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.usable = True  # but for single rows
        self.wrong_rows: set[object] = set()

    def add(self, code: str, place: tuple[object, ...], *, suggestion: str | None = None, warning: bool = False, **params: object) -> None:
        """Note a problem at a place of the line, given as keys and indexes."""
        match place:
            case _ if warning:
                pass
            case ("rows", row, *_):
                self.wrong_rows.add(row)
            case _:
                self.usable = False
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
        shown = {key: value[:80] if isinstance(value, str) else value for key, value in params.items()}
        found = Problem(code=code, params=shown, document=self.document, pointer=pointer, suggestion=suggestion, warning=warning)
        self.problems.append(found)

    # --- JSON --------------------------------------------------------------------------------------------------------

    def parsed(self, line: str) -> object:
        """Return the JSON value of the line, None with a problem if it is none."""
        if len(line) > limits.CASE_LINE_CHARACTERS:
            self.add("case_line_too_long", (), limit=limits.CASE_LINE_CHARACTERS)
            return None
        try:
            return json.loads(line, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=Decimal)
        except json.JSONDecodeError as wrong:
            self.add("case_not_json", (), reason=wrong.msg, column=wrong.colno)
        except _TwiceError as wrong:
            self.add("case_key_twice", (), key=str(wrong))
        except (ValueError, RecursionError):
            self.add("case_not_plain", ())
        return None

    def mapping(self, given: object, place: tuple[object, ...], known: Iterable[str] | None = None, need: Iterable[str] = ()) -> JsonObject:
        """Return an object of the line, empty with a problem if it is none. `known` are its keys, `need` those it must have."""
        if not isinstance(given, dict):
            self.add("case_wrong_type", place, expected="object", found=_type_name(given))
            return {}
        names = tuple(known) if known is not None else None
        for key in given:
            if names is not None and key not in names:
                near = get_close_matches(key, names, 1)
                self.add("case_unknown_key", place, warning=True, key=key, known=names, suggestion=near[0] if near else None)
        for key in need:
            if key not in given:
                self.add("case_missing_key", place, key=key)
        return given

    def text(self, given: object, place: tuple[object, ...]) -> str:
        if not isinstance(given, str):
            self.add("case_wrong_type", place, expected="string", found=_type_name(given))
        elif IN_NO_TEXT.search(given):
            self.add("case_bad_character", place)
        else:
            return given
        return ""

    def whole(self, given: object, place: tuple[object, ...], low: int, high: int) -> int:
        if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
            self.add("case_not_between", place, low=low, high=high)
            return low
        return given

    def flag(self, given: object, place: tuple[object, ...]) -> bool:
        if not isinstance(given, bool):
            self.add("case_wrong_type", place, expected="true, false", found=_type_name(given))
        return given is True

    def items(self, given: object, place: tuple[object, ...], limit: int) -> list[Any]:
        if not isinstance(given, list):
            self.add("case_wrong_type", place, expected="array", found=_type_name(given))
        elif len(given) > limit:
            self.add("case_too_many", place, count=len(given), limit=limit)
        else:
            return given
        return []

    def one_of(self, given: object, place: tuple[object, ...], known: Iterable[str]) -> str:
        names = tuple(known)
        if isinstance(given, str) and given in names:
            return given
        near = get_close_matches(given, names, 1) if isinstance(given, str) else []
        self.add("case_not_one_of", place, value=_written(given), known=names, suggestion=near[0] if near else None)
        return names[0]

    # --- a case ------------------------------------------------------------------------------------------------------

    def case(self, line: str) -> Case | None:
        """Return the case of a line; it is not to be used unless the reader is `usable` in the end, nor are its `wrong_rows`."""
        document = self.parsed(line)
        if self.problems:
            return None
        given = self.mapping(document, (), CASE_KEYS, NEEDED_KEYS)
        if any(key not in given for key in NEEDED_KEYS):
            return None
        returns = self.mapping(given.get("returns", {}), ("returns",), ("type", "precision", "scale"))
        context = self.mapping(given.get("context", {}), ("context",), ("now", "zone"))
        type_ = self.one_of(returns["type"], ("returns", "type"), TYPES) if "type" in returns else None
        fields = self.fields(given.get("fields", {}), given["rows"])
        rows = self.items(given["rows"], ("rows",), limits.CASE_ROWS)
        return Case(
            name=self.text(given["name"], ("name",)),
            formula=self.text(given["formula"], ("formula",)),
            blanks=Blanks(self.one_of(given.get("blanks", "zero"), ("blanks",), [mode.value for mode in Blanks])),
            fields=fields,
            rows=tuple(self.row(index, row, fields, type_) for index, row in enumerate(rows)),
            returns=type_,
            scale=self.whole(returns["scale"], ("returns", "scale"), 0, bounds.EXPONENT) if "scale" in returns else None,
            now=self.now(context.get("now")),
            zone=self.zone(context.get("zone", "UTC")),
        )

    def now(self, given: object) -> datetime:
        moment = NOW if given is None else self.value(CaseField(type="datetime"), given, ("context", "now"))
        return moment if isinstance(moment, datetime) else NOW

    def zone(self, given: object) -> ZoneInfo:
        if isinstance(given, str) and given in _zones():
            return ZoneInfo(given)
        self.add("case_unknown_zone", ("context", "zone"), value=_written(given))
        return ZoneInfo("UTC")

    def fields(self, given: object, rows: object) -> dict[str, CaseField]:
        described = self.mapping(given, ("fields",))
        if len(described) > limits.CASE_FIELDS:
            self.add("case_too_many", ("fields",), count=len(described), limit=limits.CASE_FIELDS)
            return {}
        seen: set[str] = set()
        for name in described:
            if FIELD_NAME.fullmatch(name) is None:
                self.add("case_bad_name", ("fields",), name=name)
            if name.lower() in seen:
                self.add("case_key_twice", ("fields",), key=name)
            seen.add(name.lower())
        sizes = _sizes(rows)
        return {name: self.field(name, each, sizes.get(name.lower(), NO_VALUES)) for name, each in described.items()}

    def field(self, name: str, given: object, size: Size) -> CaseField:
        """Return a field. One that says no scale has as many digits after the point as its values have."""
        place = ("fields", name)
        found = self.mapping(given, place, FIELD_KEYS, ("type",))
        type_ = self.one_of(found["type"], (*place, "type"), TYPES) if "type" in found else "text"
        precision = self.whole(found.get("precision", MOST_DIGITS), (*place, "precision"), 1, MOST_DIGITS)
        scale = self.whole(found.get("scale", min(size.places, precision)), (*place, "scale"), 0, precision)
        values = None
        if "values" in found:
            listed = self.items(found["values"], (*place, "values"), limits.PICKLIST_VALUES)
            values = tuple(self.text(value, (*place, "values", index)) for index, value in enumerate(listed))
        enough = size.characters if size.characters > bounds.SHORT_TEXT else None
        length = self.whole(found["length"], (*place, "length"), 1, bounds.TEXT_CHARACTERS) if "length" in found else enough
        formula = self.text(found["formula"], (*place, "formula")) if "formula" in found else None
        return CaseField(
            type=type_,
            precision=precision,
            scale=scale,
            values=values,
            formula=formula,
            length=length,
            short_ids=type_ == "lookup" and not size.ids,
        )

    # --- a row -------------------------------------------------------------------------------------------------------

    def row(self, number: int, given: object, fields: Mapping[str, CaseField], returns: str | None) -> CaseRow:
        place = ("rows", number)
        found = self.mapping(given, place, ROW_KEYS)
        outcomes = [key for key in OUTCOMES if key in found]
        if len(outcomes) != 1:
            self.add("case_not_one_outcome", place, known=OUTCOMES)
            outcomes = ["result"]
        outcome, expected = outcomes[0], found.get(outcomes[0])
        if outcome == "error":
            self.one_of(expected, (*place, outcome), [category.value for category in Category])
        elif outcome == "problem":
            self.text(expected, (*place, outcome))
        for key in ("result", "sql_result"):
            if key in found and returns is not None:
                self.value(CaseField(type=returns), found[key], (*place, key), result=True)
        engines = [
            self.one_of(engine, (*place, "engines"), ENGINES)
            for engine in self.items(found.get("engines", list(ENGINES)), (*place, "engines"), len(ENGINES))
        ]
        return CaseRow(
            number=number,
            # The values beside a problem are nobody's: the expression is refused before any are read.
            values=self.values(found.get("values", {}) if outcome != "problem" else {}, (*place, "values"), fields),
            prior=self.values(found["prior"], (*place, "prior"), fields) if "prior" in found else None,
            is_new=self.flag(found.get("is_new", False), (*place, "is_new")),
            is_clone=self.flag(found.get("is_clone", False), (*place, "is_clone")),
            outcome=outcome,
            expected=_in_text(expected),
            sql_result=_in_text(found.get("sql_result", ...)),
            engines=frozenset(engines),
        )

    def values(self, given: object, place: tuple[object, ...], fields: Mapping[str, CaseField]) -> dict[str, object]:
        by_name = {name.lower(): name for name in fields}
        row: dict[str, object] = dict.fromkeys(stored(fields))
        for key, value in self.mapping(given, place).items():
            name = by_name.get(key.lower())
            if name is None:
                near = get_close_matches(key.lower(), by_name, 1)
                self.add("case_unknown_field", place, name=key, suggestion=by_name[near[0]] if near else None)
            elif fields[name].formula is not None:
                self.add("case_value_of_formula", (*place, key), name=name)
            elif isinstance(read := self.value(fields[name], value, (*place, key)), Mapping):
                row |= {f"{name}.{part}": coordinate for part, coordinate in read.items()}
            elif name in row:
                row[name] = read
        return row

    def value(self, described: CaseField, given: object, place: tuple[object, ...], *, result: bool = False) -> object:
        """Return a value of the line as Python calculates with it. The number of a `result` may have as many digits as it likes."""
        if given is None:
            return None
        try:
            value = READERS[described.value_type](given)
        except (ValueError, TypeError, Failure):
            self.add("case_bad_value", place, value=_written(given), type=described.type, form=FORMS[described.type])
            return None
        if isinstance(value, str) and described.length is not None and len(value) > described.length and not result:
            self.add("case_text_too_long", place, limit=described.length)
        if isinstance(value, Decimal) and not result and not _fits(value, described):
            self.add("case_too_many_digits", place, value=_written(given), precision=described.precision, scale=described.scale)
        return value


@cache
def _zones() -> frozenset[str]:
    """Return the names of all time zones; to look for them walks a folder."""
    return frozenset(available_timezones())


def _type_name(given: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "true, false", type(None): "null"}
    return names.get(type(given), "number")


def _written(given: object) -> str:
    return json.dumps(given, ensure_ascii=False, default=str)[:80]


class Size(NamedTuple):
    """The most digits after the point and the most characters that the values of a field have, and whether all are ids of ours."""

    places: int
    characters: int
    ids: bool


NO_VALUES = Size(0, 0, True)


def _sizes(rows: object) -> dict[str, Size]:
    """Return the sizes of the values of each field, by its name in lower case."""
    sizes: dict[str, Size] = {}
    given = [row.get(key) for row in rows if isinstance(row, dict) for key in ("values", "prior")] if isinstance(rows, list) else []
    for name, value in (item for values in given if isinstance(values, dict) for item in values.items()):
        written = _in_text(value)
        if isinstance(written, str):
            before = sizes.get(name.lower(), NO_VALUES)
            after = len(written.partition(".")[2]) if NUMBER.fullmatch(written) else 0
            sizes[name.lower()] = Size(max(before.places, after), max(before.characters, len(written)), before.ids and is_id(written))
    return sizes


def _fits(number: Decimal, described: CaseField) -> bool:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent <= described.scale and abs(number) < Decimal(10) ** (described.precision - described.scale)


# --- values ----------------------------------------------------------------------------------------------------------


def _matching(pattern: re.Pattern[str], given: object) -> str:
    if not isinstance(given, str) or pattern.fullmatch(given) is None:
        raise ValueError(given)
    return given


def _in_text(given: object) -> object:
    """Return a value of the line with a number that JSON wrote with a point as the text that it should have been."""
    return f"{given:f}" if isinstance(given, Decimal) and abs(given.adjusted()) <= bounds.EXPONENT else given


def _number(given: object) -> Decimal:
    """Return a number that is written as a text, as it should be, or as JSON writes numbers."""
    return Decimal(_matching(NUMBER, str(given) if type(given) is int else _in_text(given)))


def _plain_text(given: object) -> str:
    if not isinstance(given, str) or IN_NO_TEXT.search(given) or len(given) > bounds.TEXT_CHARACTERS:
        raise ValueError(given)
    return given


def _chosen(given: object) -> tuple[str, ...] | None:
    if not isinstance(given, list):
        raise TypeError(given)
    names = tuple(map(_plain_text, given))
    if any(not name or ";" in name for name in names):
        raise ValueError(given)
    return names or None


def _flag(given: object) -> bool:
    if not isinstance(given, bool):
        raise TypeError(given)
    return given


def _place(given: object) -> dict[str, Decimal | None]:
    if not isinstance(given, dict) or set(given) != set(PLACE_PARTS):
        raise ValueError(given)
    parts = {part: None if given[part] is None else _number(given[part]) for part in PLACE_PARTS}
    if not all(part is None or _fits(part, PLACE_PART) for part in parts.values()):
        raise ValueError(given)
    return parts


READERS: Mapping[ValueType, Callable[[object], object]] = {
    ValueType.NUMBER: _number,
    ValueType.TEXT: _plain_text,
    ValueType.PICKLIST: _plain_text,
    ValueType.MULTIPICKLIST: _chosen,
    ValueType.BOOLEAN: _flag,
    ValueType.DATE: lambda given: date.fromisoformat(_matching(DAY, given)),
    ValueType.DATETIME: lambda given: datetime.fromisoformat(_matching(MOMENT, given)),
    ValueType.TIME: lambda given: time_of_text(_plain_text(given)),
    ValueType.ID: _plain_text,
    ValueType.GEOLOCATION: _place,
}
