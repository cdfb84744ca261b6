"""What becomes of the result of an expression in a field: when it is saved (`fit`), and when a formula is filled in (`held`)."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.formulas import held
from fieldstone.records.evaluation import fit


def formula(returns: str, scale: int) -> FieldDef:
    return FieldDef(name="f", label={"en": "F"}, type="formula", returns=returns, scale=scale)


ALMOST_HALF = D("0.4999999999999999999999999999999999999")  # more digits than Python's own arithmetic keeps
ALMOST_A_POINT = D("0.12499999999999999999999999999999999999")


@pytest.mark.parametrize(
    ("returns", "scale", "result", "kept"),
    [
        ("number", 0, D("2.5"), D(3)),
        ("number", 0, D("-2.5"), D(-3)),
        ("number", 0, ALMOST_HALF, D(0)),
        ("currency", 2, D("1.005"), D("1.01")),
        ("percent", 1, D("0.1545"), D("15.5")),
        ("percent", 0, ALMOST_A_POINT, D(12)),
        ("percent", 1, ALMOST_A_POINT, D("12.5")),
        ("number", 2, D("9999999999999999.994"), D("9999999999999999.99")),
    ],
)
def test_a_number_is_rounded_once_and_away_from_zero(returns: str, scale: int, result: D, kept: D) -> None:
    field = formula(returns, scale)
    assert str(fit(field, result)) == str(held(field, result)) == str(kept)


@pytest.mark.parametrize("result", [D("9999999999999999.995"), D(10) ** 16, -(D(10) ** 27), D("1e40"), D("-9.99e999")])
def test_a_number_with_more_than_18_digits_fits_no_field(result: D) -> None:
    field = formula("number", 2)
    assert held(field, result) is None
    with pytest.raises(ValueError, match="more than 18 digits"):
        fit(field, result)
