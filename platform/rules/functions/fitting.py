"""What a field can hold of a value: the last steps of a formula as people see it.

Here: a number with no more digits, a text with no more characters than a field has; blank where there are more. No author can call them.
Not here: where they go into an expression (`shown`), rounding (`number`).
Source: spec/expressions.md, sections 4 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from fieldstone.rules.functions.entry import NUMBER, TEXT, Blank, Function, Param, Piece, SqlWriter
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType


def _number(number: Decimal | None, limit: Decimal) -> Decimal | None:
    return number if number is not None and number.copy_abs() < limit else None


def _text(text: str | None, limit: int) -> str | None:
    return text if text and len(text) <= limit else None


def _number_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    number, limit = arguments
    assert isinstance(limit.literal, Decimal)
    before = limit.literal.adjusted()
    if number.digits[0] <= before:
        return number
    text = writer.apply(lambda x: f"(CASE WHEN abs({x}) < 1e{before} THEN {x} END)", [number])
    known = number.rounds is not None and number.rounds.text == number.text
    rounds = number.rounds._replace(text=text, before=before) if number.rounds is not None and known else None
    digits = before, number.digits[1]
    return Piece(text=text, type=number.type, digits=digits, error=number.error, rounds=rounds)


FITTING_NUMBER = Function(
    name="FITTING",
    params=(Param("n", NUMBER), Param("limit", NUMBER)),
    returns=ValueType.NUMBER,
    blank=Blank.OWN,
    doc="The number, blank if it reaches the limit, a power of ten, on either side of zero.",
    python=_number,
    write_sql=_number_sql,
)
FITTING_TEXT = Function(
    name="FITTING",
    params=(Param("t", TEXT), Param("limit", NUMBER, whole=True)),
    returns=ValueType.TEXT,
    blank=Blank.OWN,
    doc="The text, blank if it has more characters.",
    python=_text,
    sql=lambda t, limit: f"(CASE WHEN length({t}) <= {limit} THEN {t} END)",
)
