"""From the value an expression gives to the value a field holds.

Here: rounding, percent points, and what does not fit.
Not here: evaluating (`rules`), when a formula is evaluated (`records/steps`, `fills`).
Source: spec/expressions.md, sections 4 and 6.
"""

from __future__ import annotations

from decimal import Decimal

from fieldstone.metadata.definitions import FieldDef
from fieldstone.rules.decimals import WIDE, rounded

NUMBERS = ("number", "currency", "percent")
DIGITS = 18


def held(field: FieldDef, value: object) -> object:
    """Return `value`, the unrounded result of an expression, as `field` holds it: a formula, or a field that is set by an expression.

    Numbers are rounded half away from zero to the field's scale, a percent goes from fraction to points. A number with more digits than
    a field can hold, and a text longer than the field, are blank: `#Error!` on the page, null in the API.
    """
    if value is None:
        return None
    kind = field.result_type
    if isinstance(value, Decimal):
        number = rounded(value.scaleb(2, WIDE) if kind == "percent" else value, field.scale or 0)
        return number if abs(number) < Decimal(10) ** ((field.precision or DIGITS) - (field.scale or 0)) else None
    if isinstance(value, str) and field.length is not None and len(value) > field.length and kind not in ("picklist", "lookup", "user"):
        return None
    if kind == "multi_picklist" and isinstance(value, str):
        return (value,)
    return value
