"""Exact numbers: `number`, `currency`, and `percent`, which is kept in points (15 is 15 %).

Here: the three types; digits, bounds, and reading numbers that people write.
Not here: rounding of formulas (`rules`), showing numbers (the surface).
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fieldstone.db.column_types import ExactNumber
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import BadValue, CellFormat, Coerce, ColumnSpec, FieldType, Schema, Typed, Value, wrong_type
from fieldstone.rules.decimals import rounded
from fieldstone.rules.value_types import ValueType

PRECISION, MONEY = 18, (18, 2)


def digits(field: FieldDef) -> tuple[int, int]:
    """Return precision (digits in all) and scale (digits after the point) of a number field."""
    return field.precision or PRECISION, field.scale or 0


def text_pattern(precision: int, scale: int, *, signed: bool, blank: bool = False, exact: bool = False) -> str:
    """Return the pattern of a number written as text: `exact` with all its decimals, as it goes out."""
    whole = f"[0-9]{{1,{precision - scale}}}" if precision > scale else "0"
    some = "" if scale == 0 else (f"\\.[0-9]{{{scale}}}" if scale > 1 else "\\.[0-9]") if exact else f"(\\.[0-9]{{1,{scale}}})?"
    if scale == 1 and not exact:
        some = "(\\.[0-9])?"
    body = f"{'-?' if signed else ''}{whole}{some}"
    return f"^({body})?$" if blank else f"^{body}$"


def signed(field: FieldDef) -> bool:
    """Tell whether the field takes numbers below zero."""
    return field.min is None or field.min < 0  # type: ignore[operator]


def decoder(field: FieldDef) -> Coerce:
    """Return the coercer of a JSON number or number text: a Decimal with exactly `scale` decimals; never through a float."""
    precision, scale = digits(field)
    low, high = field.min, field.max
    written = re.compile(text_pattern(precision, scale, signed=signed(field)))
    unit, most = Decimal(1).scaleb(-scale), Decimal(10) ** (precision - scale)

    def decode(value: Any) -> Decimal | None:
        kind = type(value)
        if kind is str:
            if not value:
                return None
            if not written.fullmatch(value) or value[-1] == "\n":
                raise _unreadable(value, scale)
            value = Decimal(value)
        elif value is None:
            return None
        elif kind is not int and kind is not Decimal:
            raise wrong_type("number", value)
        return _fitted(Decimal(value))

    def _fitted(value: Decimal) -> Decimal:
        if not -most < value < most:
            raise BadValue("too_large", {"digits": precision - scale, "value": value})
        exact = value.quantize(unit)
        if exact != value:
            suggestion = value.quantize(unit, rounding=ROUND_HALF_UP)
            raise BadValue("too_precise", {"scale": scale, "value": value}, suggestion=format(suggestion, "f"))
        if low is not None and value < low:  # type: ignore[operator]
            raise BadValue("below_minimum", {"limit": low, "value": value})
        if high is not None and value > high:  # type: ignore[operator]
            raise BadValue("above_maximum", {"limit": high, "value": value})
        return exact if exact else abs(exact)

    return decode


def _unreadable(text: str, scale: int) -> BadValue:
    plain = re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", text)
    if plain and plain[1] and len(plain[1]) - 1 > scale:
        return BadValue("too_precise", {"scale": scale, "value": text}, suggestion=format(rounded(Decimal(text), scale), "f"))
    return BadValue("out_of_range" if plain else "not_a_number", {"value": text[:60]})


def schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a number: a JSON number, or a text with the same digits."""
    precision, scale = digits(field)
    if mode == "read":
        return _read_schema(field, precision, scale)
    types = ["string", "number"] if field.required else ["string", "number", "null"]
    found: Schema = {"type": types, "pattern": text_pattern(precision, scale, signed=signed(field), blank=not field.required)}
    if field.min is not None:
        found["minimum"] = field.min
    if field.max is not None:
        found["maximum"] = field.max
    return found | {"x-digits": [precision, scale]} | ({"x-key": True} if field.external_id else {})


def _read_schema(field: FieldDef, precision: int, scale: int) -> Schema:
    if (precision, scale) == MONEY and field.result_type == "currency":
        return {"$ref": "#/$defs/money"}
    if scale == 0:
        return {"type": ["integer", "null"]}
    return {"type": ["number", "string", "null"], "pattern": text_pattern(precision, scale, signed=signed(field), exact=True)}


def columns(field: FieldDef) -> tuple[ColumnSpec, ...]:
    """Return the one column, of the field's digits."""
    return (ColumnSpec(type=ExactNumber(*digits(field))),)


def of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a number written in the person's language, with or without currency or percent sign; too many decimals are refused."""
    if not text.strip():
        return None
    try:
        value = formats.typed_number(text, typed.language)
    except ValueError:
        raise BadValue("not_a_number", {"value": text[:60]}) from None
    return decoder(field)(value)


def of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's number with the file's decimal mark; too many decimals are rounded only where the import says so."""
    if not text.strip():
        return None
    try:
        value = formats.typed_number(text, "de" if form.decimal == "," else "en")
    except ValueError:
        raise BadValue("not_a_number", {"value": text[:60]}) from None
    if form.round:
        value = rounded(value, digits(field)[1])
    return decoder(field)(value)


def to_json(field: FieldDef, value: Decimal | None) -> Decimal | None:
    """Return the number with exactly its decimals; the writer of JSON keeps its digits."""
    return None if value is None else value.quantize(Decimal(1).scaleb(-digits(field)[1]))


def _number(name: str) -> FieldType:
    return FieldType(
        name=name,
        value_type=ValueType.NUMBER,
        columns=columns,
        decoder=decoder,
        schema=schema,
        of_text=of_text,
        of_cell=of_cell,
        to_json=to_json,
    )


NUMBER = _number("number")
CURRENCY = _number("currency")
PERCENT = _number("percent")
