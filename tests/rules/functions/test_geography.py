"""Places: a field is read as its two parts, distances are those of the globe, and a place is nothing else than a place."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D

import pytest

from fieldstone.errors import Refused
from fieldstone.rules import Checked, EvaluationError, Resolved, Use, ValueType, check, to_python
from tests.support import expressions as ex

BERLIN = {"place.latitude": D("52.520000"), "place.longitude": D("13.405000")}


@dataclass(frozen=True)
class Places:
    """A record that holds a place, and whose parent does."""

    object_label: str = "Shop"

    def resolve(self, name: str) -> Resolved | None:
        *way, last = name.split(".")
        if last in ("latitude", "longitude"):
            return Resolved(path=(*way[:-1], f"{way[-1]}.{last}"), type=ValueType.NUMBER)
        return Resolved(path=tuple(name.split(".")), type=ValueType.GEOLOCATION, own=not way)

    def lacking(self, name: str) -> tuple[str, str]:
        return name, self.object_label

    def nearest(self, name: str) -> str | None:
        return None


def checked(source: str) -> Checked:
    return check(source, Places(), Use.AUTOMATION)


def code(source: str) -> str:
    with pytest.raises(Refused) as refused:
        checked(source)
    return refused.value.problems[0].code


def test_a_field_that_holds_a_place_is_read_by_its_parts() -> None:
    found = checked('DISTANCE(place, account.place, "km") < 5 && place.latitude > 0')
    assert found.reads == {
        ("place.latitude",),
        ("place.longitude",),
        ("account", "place.latitude"),
        ("account", "place.longitude"),
    }


@pytest.mark.parametrize(
    ("source", "row", "expected"),
    [
        ('ROUND(DISTANCE(place, GEOLOCATION(52.52, 13.405), "km"), 6)', BERLIN, D(0)),
        ('ROUND(DISTANCE(place, GEOLOCATION(-52.52, -166.595), "km"), 3)', BERLIN, D("20015.115")),
        ('ROUND(DISTANCE(GEOLOCATION(0, 179.5), GEOLOCATION(0, -179.5), "mi"), 3)', {}, D("69.093")),
        ('DISTANCE(place, GEOLOCATION(0, 0), "km")', {}, None),
        ("ISBLANK(place)", {}, True),
        ("ISBLANK(place)", BERLIN, False),
        ("place.latitude", BERLIN, D("52.52")),
    ],
)
def test_places_are_calculated_with(source: str, row: dict[str, object], expected: object) -> None:
    assert to_python(checked(source))(row, ex.CONTEXT) == expected


@pytest.mark.parametrize(
    "source",
    ["ISBLANK(GEOLOCATION(90.1, 0))", "ISBLANK(GEOLOCATION(0, -180.1))", "ISBLANK(GEOLOCATION(1, NULL))", "ISBLANK(GEOLOCATION(NULL, 1))"],
)
def test_what_is_on_no_globe_is_an_error(source: str) -> None:
    with pytest.raises(EvaluationError) as error:
        to_python(checked(source))({}, ex.CONTEXT)
    assert error.value.category == "out_of_range"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("place", "expression_no_value"),
        ("place = place", "expression_operand_types"),
        ("place < place", "expression_operand_types"),
        ("IF(TRUE, place, place)", "expression_not_a_result"),
        ("BLANKVALUE(place, place)", "expression_not_a_result"),
        ("IN(place, place)", "expression_not_comparable"),
        ("CASE(place, place, 1, 0)", "expression_not_comparable"),
        ("TEXT(place)", "expression_argument_type"),
        ("ISCHANGED(place)", "expression_own_field_expected"),
        ('DISTANCE(place, place, "KM")', "expression_distance_unit"),
        ("DISTANCE(place, place, NULL)", "expression_distance_unit"),
        ('DISTANCE(place, 1, "km")', "expression_argument_type"),
    ],
)
def test_a_place_is_nothing_but_a_place(source: str, problem: str) -> None:
    assert code(source) == problem
