"""Decimal arithmetic as expressions define it.

Here: the contexts, and the operations that Python's decimal does not offer as they are wanted.
Not here: which function uses which (`functions/`).
Source: spec/expressions.md, sections 4 and 7.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from fieldstone.rules import bounds
from fieldstone.rules.errors import Category, Failure

TRAPS = [InvalidOperation, DivisionByZero, Overflow]
EXACT = Context(prec=bounds.DIGITS, rounding=ROUND_HALF_UP, Emin=-bounds.EXPONENT, Emax=bounds.EXPONENT, traps=TRAPS)
# Wide enough that moving the point or cutting digits off never needs a rounding of its own.
WIDE = Context(prec=3 * bounds.EXPONENT, rounding=ROUND_HALF_UP, Emin=-9_999, Emax=9_999, traps=TRAPS)
BEFORE_WHOLE = Context(prec=33, rounding=ROUND_HALF_UP, Emin=-9_999, Emax=9_999, traps=TRAPS)
POWER = Context(prec=60, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999, traps=[InvalidOperation, DivisionByZero])
POWER_RESULT = Context(prec=18, rounding=ROUND_HALF_UP, Emin=-9_999, Emax=9_999, traps=TRAPS)

ZERO, ONE = Decimal(0), Decimal(1)
SMALLEST_POWER = Decimal("1e-39")
LARGEST_POWER = 64  # decimal places before the point
SMALLEST_DOUBLE, LARGEST_DOUBLE = Decimal("1e-300"), Decimal("1.7e308")  # what is smaller is zero, what is larger no argument
FEWEST_PLACES, MOST_PLACES = -bounds.EXPONENT - 2, bounds.EXPONENT + bounds.DIGITS


def rounded(number: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Return `number` rounded to `places` after the point (before it, if negative); half goes away from zero."""
    if places >= MOST_PLACES:
        return number
    result = number.quantize(step(places), rounding, WIDE)
    return result if places >= 0 else WIDE.plus(result)


def step(places: int) -> Decimal:
    return ONE.scaleb(-max(places, FEWEST_PLACES), WIDE)


def toward_zero(number: Decimal) -> Decimal:
    return BEFORE_WHOLE.plus(number).to_integral_value(ROUND_DOWN)


def away_from_zero(number: Decimal) -> Decimal:
    return BEFORE_WHOLE.plus(number).to_integral_value(ROUND_UP)


def down(number: Decimal) -> Decimal:
    return BEFORE_WHOLE.plus(number).to_integral_value(ROUND_FLOOR)


def up(number: Decimal) -> Decimal:
    return BEFORE_WHOLE.plus(number).to_integral_value(ROUND_CEILING)


def remainder(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Return what truncated division leaves: the sign is that of the dividend."""
    if not divisor:
        raise Failure(Category.DIVISION_BY_ZERO)
    return WIDE.remainder(dividend, divisor)


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Return `base ^ exponent` to 18 significant digits."""
    if exponent != exponent.to_integral_value():
        raise Failure(Category.OUT_OF_RANGE)
    if not exponent:
        return ONE
    if not base:
        if exponent < 0:
            raise Failure(Category.DIVISION_BY_ZERO)
        return ZERO
    size = BEFORE_WHOLE.multiply(base.copy_abs().log10(BEFORE_WHOLE), exponent)
    if size > LARGEST_POWER:
        raise Failure(Category.OUT_OF_RANGE)
    if size < -40:
        return ZERO
    result = POWER_RESULT.plus(POWER.power(base, exponent))
    return ZERO if result.copy_abs() < SMALLEST_POWER else result


def as_float(function: Callable[..., float], inside: Callable[[Decimal], bool] | None = None) -> Callable[..., Decimal]:
    """Return `function` over decimals: through doubles, the result to 15 digits, an error where there is none.

    `inside` tells where there is one, for a function whose domain has an edge that a double could come to lie upon.
    """

    def through_doubles(*numbers: Decimal) -> Decimal:
        if inside is not None and not inside(*numbers):
            raise Failure(Category.MATH_DOMAIN)
        try:
            result = function(*map(_double, numbers))
        except (ValueError, OverflowError) as impossible:
            raise Failure(Category.MATH_DOMAIN) from impossible
        if not math.isfinite(result):
            raise Failure(Category.MATH_DOMAIN)
        return Decimal(f"{result:.15g}")

    return through_doubles


def _double(number: Decimal) -> float:
    size = number.copy_abs()
    if size >= LARGEST_DOUBLE:
        raise OverflowError
    return float(number) if size >= SMALLEST_DOUBLE else 0.0  # never a negative zero, which ATAN2 would tell from the other


def plain(number: Decimal) -> str:
    """Return the digits of `number`: no exponent, no trailing zeros, no sign for zero."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
