"""What becomes of a field's values when its type changes: the type matrix.

Here: from the old and the new definition of a field, the function that turns one typed value into another, or that there is none.
Not here: running it over records (`fills`), whether and how a change of type is planned (`plan`).

An entry says how to bring a value into a form the new type reads as if somebody had sent it; the new type then judges it. So a
converted value obeys every option of its field, and what does not fit is told with the words of that type.
Source: spec/metadata.md, section 8, "Type matrix".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias
from zoneinfo import ZoneInfo

from fieldstone.metadata.changes import Answer
from fieldstone.metadata.definitions import FieldDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue

Convert: TypeAlias = Callable[[object], object]
Find: TypeAlias = Callable[[str], str | None]  # name of a record of the target → its id; None: none, or several
NameOf: TypeAlias = Callable[[str], str | None]  # id → name of the record
Carry: TypeAlias = Callable[[object, "Case"], object]

TEXTS = ("text", "text_area", "long_text", "rich_text", "email", "phone", "url")
PLAIN_TEXTS = ("text", "text_area", "long_text")  # without a form of their own
LONGEST = 255  # characters of a name, which is the longest of what becomes text
NUMBERS = ("number", "currency", "percent")
LOOKUPS = ("lookup", "master_detail", "user")


class Unfit(Exception):
    """This value has no place in the new type. `code` and `params` are those of a problem."""

    def __init__(self, code: str, params: Mapping[str, object] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.params = params or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One change of type: both definitions, what was answered, and the records a lookup needs."""

    old: FieldDef
    new: FieldDef
    answer: Answer
    zone: ZoneInfo
    find: Find
    name_of: NameOf


def lossless(old: FieldDef, new: FieldDef) -> bool:
    """Tell whether every value of the old type has its place in the new one, so that nobody needs to look at the values.

    An option of the new field can make a lossless way a narrow one: then the values are looked at.
    """
    if (_group(old.result_type), _group(new.type)) not in LOSSLESS or new.pattern is not None or new.min is not None or new.max is not None:
        return False
    if _group(new.type) == "text":
        return new.type in PLAIN_TEXTS and new.length is not None and new.length >= LONGEST
    return {value.name for value in old.values} <= {value.name for value in new.values}


def possible(old: FieldDef, new: FieldDef) -> bool:
    """Tell whether the matrix knows a way from the old type to the new one."""
    return (_group(old.result_type), _group(new.type)) in MATRIX


def conversion(case: Case) -> Convert | None:
    """Return what turns a typed value of the old field into one of the new field, or None where the matrix refuses.

    A blank stays blank. The function raises Unfit for a value that has no place; what then happens is the answer's.
    """
    carry = MATRIX.get((_group(case.old.result_type), _group(case.new.type)))
    if carry is None:
        return None
    new = FIELD_TYPES[case.new.type]

    def convert(value: object) -> object:
        if value is None:
            return None
        try:
            return new.from_json(case.new, carry(value, case))
        except BadValue as bad:
            raise Unfit(bad.code, bad.params) from bad

    return convert


def _group(type_name: str) -> str:
    if type_name in TEXTS or type_name == "auto_number":
        return "text"
    if type_name in NUMBERS:
        return "number"
    return "lookup" if type_name in LOOKUPS else type_name


def _same(value: object, case: Case) -> object:
    return value


def _text(value: object, case: Case) -> object:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case tuple():
            return ";".join(value)
    return value


def _number(value: object, case: Case) -> object:
    assert isinstance(value, Decimal)
    if case.answer.percent and case.old.result_type != "percent" and case.new.type == "percent":
        value = value * 100
    elif case.answer.percent and case.old.result_type == "percent" and case.new.type != "percent":
        value = value / 100
    # Digits that are all zero after the point are no digits lost.
    return value.quantize(Decimal(1).scaleb(-(case.new.scale or 0))) if value == value.to_integral_value() else value.normalize()


def _text_to_number(value: object, case: Case) -> object:
    return _cell(value, case)


def _cell(value: object, case: Case) -> object:
    """Read a text as an import would read a cell; the typed value is handed on as JSON, to be judged once more."""
    new = FIELD_TYPES[case.new.type]
    assert isinstance(value, str)
    try:
        return new.to_json(case.new, new.from_cell(case.new, value, case.answer.format))
    except BadValue as bad:
        raise Unfit(bad.code, bad.params) from bad


def _number_to_checkbox(value: object, case: Case) -> object:
    if value in {0, 1}:
        return bool(value)
    raise Unfit("not_zero_or_one", {"value": value})


def _choice(value: object, case: Case) -> object:
    text = str(_text(value, case))
    chosen = case.answer.replace.get(text, text)
    if chosen is None or case.new.value(chosen) is not None or not case.new.restricted:
        return chosen
    raise Unfit("unknown_value", {"value": text})


def _choices(value: object, case: Case) -> object:
    names = value if isinstance(value, tuple) else tuple(part.strip() for part in str(_text(value, case)).split(";") if part.strip())
    chosen = [_choice(name, case) for name in names]
    return [name for name in chosen if name is not None]


def _one_choice(value: object, case: Case) -> object:
    assert isinstance(value, tuple)
    if len(value) > 1:
        raise Unfit("several_chosen", {"count": len(value)})
    return _choice(value[0], case) if value else None


def _number_of_checkbox(value: object, case: Case) -> object:
    return Decimal(1) if value else Decimal(0)


def _midnight(value: object, case: Case) -> object:
    assert isinstance(value, date)
    return datetime.combine(value, time(), case.zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(value: object, case: Case) -> object:
    assert isinstance(value, datetime)
    return value.astimezone(case.zone).date().isoformat()


def _instant(value: object, case: Case) -> object:
    assert isinstance(value, datetime)
    return _text(value, case)


def _record(value: object, case: Case) -> object:
    found = case.find(str(value))
    if found is None:
        raise Unfit("no_such_record", {"value": value})
    return found


def _name(value: object, case: Case) -> object:
    assert isinstance(value, str)
    return case.name_of(value) or value


def _name_as_choice(value: object, case: Case) -> object:
    return _choice(_name(value, case), case)


def _other_target(value: object, case: Case) -> object:
    if case.old.to == case.new.to:
        return value
    return _record(_name(value, case), case)


MATRIX: Mapping[tuple[str, str], Carry] = MappingProxyType(
    {
        ("text", "text"): _same,
        ("text", "number"): _text_to_number,
        ("text", "date"): _cell,
        ("text", "datetime"): _cell,
        ("text", "checkbox"): _cell,
        ("text", "picklist"): _choice,
        ("text", "multi_picklist"): _choices,
        ("text", "lookup"): _record,
        ("number", "text"): _text,
        ("number", "number"): _number,
        ("number", "checkbox"): _number_to_checkbox,
        ("number", "picklist"): _choice,
        ("date", "text"): _text,
        ("date", "date"): _text,
        ("date", "datetime"): _midnight,
        ("datetime", "text"): _text,
        ("datetime", "date"): _day,
        ("datetime", "datetime"): _instant,
        ("checkbox", "text"): _text,
        ("checkbox", "number"): _number_of_checkbox,
        ("checkbox", "checkbox"): _same,
        ("checkbox", "picklist"): _choice,
        ("picklist", "text"): _same,
        ("picklist", "number"): _text_to_number,
        ("picklist", "checkbox"): _cell,
        ("picklist", "picklist"): _choice,
        ("picklist", "multi_picklist"): _choices,
        ("picklist", "lookup"): _record,
        ("multi_picklist", "text"): _text,
        ("multi_picklist", "picklist"): _one_choice,
        ("multi_picklist", "multi_picklist"): _choices,
        ("lookup", "text"): _name,
        ("lookup", "picklist"): _name_as_choice,
        ("lookup", "lookup"): _other_target,
    }
)

LOSSLESS = frozenset(
    {
        ("number", "text"),
        ("date", "text"),
        ("datetime", "text"),
        ("checkbox", "text"),
        ("checkbox", "number"),
        ("picklist", "text"),
        ("picklist", "multi_picklist"),
        ("multi_picklist", "text"),
        ("lookup", "text"),
    }
)
