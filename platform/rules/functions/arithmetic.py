"""Arithmetic of numbers: the operators `+ - * / ^` and the signs.

Here: one entry per operator, exact on every engine. Not here: functions of numbers (`number`), what decimals keep (`decimals`).
Source: spec/expressions.md, sections 3 to 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from fieldstone.rules import bounds, decimals
from fieldstone.rules.decimals import EXACT
from fieldstone.rules.errors import Category
from fieldstone.rules.functions.entry import (
    NO_LITERAL,
    NUMBER,
    Code,
    Digits,
    Function,
    Late,
    Param,
    Piece,
    PythonWriter,
    SqlWriter,
)
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

QUOTIENT_DIGITS = 1_000  # after the point: PostgreSQL gives a quotient no more


def _arithmetic(name: str, operation: Callable[[Decimal, Decimal], Decimal], doc: str, *examples: tuple[str, object]) -> Function:
    size = _product if name == "*" else _sum

    def write_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        function = writer.helper(operation)
        result = Code(text="", type=ValueType.NUMBER, blank=False)
        return writer.guarded(arguments, lambda texts: f"{function}({texts[0]}, {texts[1]})", result)

    def write_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        return _operation_sql(writer, name, size, *arguments)

    return Function(
        name=name,
        params=(Param("a", NUMBER), Param("b", NUMBER)),
        returns=ValueType.NUMBER,
        doc=doc,
        size=size,
        write_python=write_python,
        write_sql=write_sql,
        examples=examples,
    )


def _operation_sql(writer: SqlWriter, name: str, size: Callable[[Digits, Digits], Digits], left: Piece, right: Piece) -> Piece:
    text = writer.apply(lambda a, b: f"({a} {name} {b})", (left, right))
    return numeric_result(writer, text, size(left.digits, right.digits), left, right)


def _sum(a: Digits, b: Digits) -> Digits:
    larger, smaller = max(a[0], b[0]), min(a[0], b[0])
    return larger + math.log10(1 + 10.0 ** max(smaller - larger, -300)), max(a[1], b[1])


def _product(a: Digits, b: Digits) -> Digits:
    return a[0] + b[0], a[1] + b[1]


def numeric_result(writer: SqlWriter, text: str, digits: Digits, *arguments: Piece, error: str | None = None) -> Piece:
    """Return an arithmetic result: 39 significant digits, an error beyond 10^1000."""
    text = writer.rounded(text, digits, 39)
    if digits[0] > 1000:
        error = any_of(error, f"abs({text}) >= 1e1001")
    bounded = (min(digits[0], 1001), min(digits[1], 1038))
    return Piece(
        text=text,
        type=ValueType.NUMBER,
        blank=any(a.blank for a in arguments),
        digits=bounded,
        error=any_of(*(a.error for a in arguments), error),
    )


def _divide_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    divide, zero = writer.helper(EXACT.divide), writer.failing(Category.DIVISION_BY_ZERO, call.place)
    divisor = arguments[1]
    if divisor.literal is not NO_LITERAL and divisor.literal:
        return writer.guarded(arguments, lambda t: f"{divide}({t[0]}, {t[1]})", Code(text="", type=call.type, blank=False))
    name = writer.temporary()

    def build(texts: Sequence[str]) -> str:
        if divisor.simple or divisor.blank:
            return f"({divide}({texts[0]}, {texts[1]}) if {texts[1]} else {zero})"
        return f"({divide}({texts[0]}, {name}) if ({name} := {texts[1]}) else {zero})"

    return writer.guarded(arguments, build, Code(text="", type=call.type, blank=False, fails=True))


def _divide_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    dividend, divisor = arguments
    if isinstance(divisor.literal, Decimal) and (factor := _reciprocal(divisor.literal)) is not None:
        return _operation_sql(writer, "*", _product, dividend, writer.bind(factor, ValueType.NUMBER))
    scale = min(dividend.digits[1] + math.ceil(divisor.digits[0]) + 40, 1045)  # that many digits leave 39 significant ones, and more
    zero = None
    if divisor.literal is NO_LITERAL or not divisor.literal:
        zero = f"({divisor.text} = 0 AND {dividend.text} IS NOT NULL)" if dividend.blank else f"{divisor.text} = 0"

    def quotient(a: str, b: str) -> str:
        divisor_ = f"NULLIF({b}, 0)" if zero else b
        if scale <= QUOTIENT_DIGITS:
            return f"(round({a}, {scale}) / {divisor_})"
        return f"(round({a} * 1e100, {QUOTIENT_DIGITS}) / {divisor_} * 1e-100)"

    text = writer.apply(quotient, (dividend, divisor))
    digits = (dividend.digits[0] + divisor.digits[1], scale)
    made = numeric_result(writer, text, digits, dividend, divisor, error=zero)

    def to_round(places: int) -> str | None:
        # A quotient a/b that is no half itself is at least 1 / (2 |b| 10^fine) from the next one: so many digits decide, 39 of them too.
        fine = dividend.digits[1] + divisor.digits[1] + places
        if places < 0 or math.ceil(dividend.digits[0]) + fine > 37:
            return None
        # PostgreSQL gives at least 16 digits by itself: enough for a dividend so short.
        short = math.ceil(dividend.digits[0]) + fine <= 15
        divided = dividend.text if short else f"round({dividend.text}, {fine + max(math.ceil(divisor.digits[0]), 0) + 1})"
        return f"({divided} / {f'NULLIF({divisor.text}, 0)' if zero else divisor.text})"

    exact = dividend.digits[0] == int(dividend.digits[0])  # then it is a step of its last digit below that power of ten
    places = dividend.digits[1] - divisor.digits[1] if exact else bounds.EXPONENT
    return made._replace(late=Late(made.text, to_round, places), blank_on_error=made.error == zero)


def _reciprocal(divisor: Decimal) -> Decimal | None:
    """Return what to multiply by instead of dividing, if it can be written out in a few digits."""
    if not divisor or divisor.adjusted() < -bounds.DIGITS:
        return None
    factor = EXACT.divide(Decimal(1), divisor)
    return factor if len(factor.as_tuple().digits) <= 18 else None  # one that was rounded has all 39


ADD = _arithmetic("+", EXACT.add, "The sum.", ("0.1 + 0.2", Decimal("0.3")))
SUBTRACT = _arithmetic("-", EXACT.subtract, "The difference.", ("1 - 0.9", Decimal("0.1")))
MULTIPLY = _arithmetic("*", EXACT.multiply, "The product.", ("3 * 2 ^ 2", 36))
DIVIDE = Function(
    name="/",
    params=(Param("a", NUMBER), Param("b", NUMBER)),
    returns=ValueType.NUMBER,
    doc="The quotient, to 39 significant digits. Division by zero is an error.",
    fails=(Category.DIVISION_BY_ZERO,),
    write_python=_divide_python,
    write_sql=_divide_sql,
    examples=(("1 / 4", Decimal("0.25")), ("1 / 0", Category.DIVISION_BY_ZERO)),
)


def _power_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    def fails(a: str, b: str) -> str:
        return f"(CASE WHEN {b} <> trunc({b}) THEN {a} IS NOT NULL WHEN {a} = 0 THEN {b} < 0 ELSE log(abs({a})) * {b} > 64 END)"

    error = writer.apply(fails, arguments)

    def value(a: str, b: str) -> str:
        size = f"log(abs({a})) * {b}"
        return (
            f"(CASE WHEN {a} IS NULL OR {b} IS NULL OR {b} <> trunc({b}) THEN NULL WHEN {b} = 0 THEN 1 WHEN {a} = 0 THEN"
            f" CASE WHEN {b} > 0 THEN 0 END WHEN {size} > 64 THEN NULL WHEN {size} < -40 THEN 0 ELSE power(round({a}, 80), {b}) END)"
        )

    def result(x: str) -> str:
        return f"(CASE WHEN abs({x}) < 1e-39 THEN 0 ELSE {x} END)"

    text = writer.apply(result, [writer.rounded(writer.apply(value, arguments), (65, 80), 18)])
    left, right = arguments
    return Piece(
        text=text,
        type=ValueType.NUMBER,
        blank=True,
        digits=(65, 57),
        error=any_of(left.error, right.error, error),
    )


POWER = Function(
    name="^",
    params=(Param("a", NUMBER), Param("b", NUMBER)),
    returns=ValueType.NUMBER,
    doc="The power, to 18 significant digits; the exponent must be a whole number. It binds looser than `*` and `/`.",
    fails=(Category.OUT_OF_RANGE, Category.DIVISION_BY_ZERO),
    python=decimals.power,
    write_sql=_power_sql,
    examples=(("2 ^ 10", 1024), ("2 ^ 0.5", Category.OUT_OF_RANGE), ("0 ^ 0", 1), ("-3 ^ 2", 9)),
)


def _negative_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    (number,) = arguments
    return Piece(text=f"(- {number.text})", type=ValueType.NUMBER, blank=number.blank, digits=number.digits, error=number.error)


def _same_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return arguments[0]


def _same_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    return arguments[0]


NEGATIVE = Function(
    name="-",
    params=(Param("a", NUMBER),),
    returns=ValueType.NUMBER,
    doc="The number with the other sign.",
    python=EXACT.minus,
    write_sql=_negative_sql,
    examples=(("--3", 3),),
)
POSITIVE = Function(
    name="+",
    params=(Param("a", NUMBER),),
    returns=ValueType.NUMBER,
    doc="The number itself.",
    write_python=_same_python,
    write_sql=_same_sql,
    examples=(("+3", 3),),
)
