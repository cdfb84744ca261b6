"""Places on the globe: making one of two numbers, and how far apart two are.

Here: GEOLOCATION, by which a field that holds a place is read, too, and DISTANCE.
Not here: how a place is stored (two columns, the parts of the field).
Source: spec/expressions.md, section 7.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from fieldstone.rules import decimals
from fieldstone.rules.decimals import EXACT
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import GEOLOCATION as PLACE
from fieldstone.rules.functions.entry import NUMBER, TEXT, Blank, Function, Param, Piece, Site, SqlWriter, table
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call, Literal
from fieldstone.rules.value_types import ValueType

Place = tuple[Decimal, Decimal]  # latitude and longitude in degrees

NORTHERNMOST, EASTERNMOST = 90, 180
RADIUS = {"mi": 3958.761, "km": 6371.009}
DEGREE_DIGITS = 20  # after the point; a degree more exactly than that is no place any more


def place(latitude: Decimal | None, longitude: Decimal | None) -> Place | None:
    """Return the place with these coordinates, None without any. Raises Failure for one alone, or one beyond the poles."""
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None or latitude.copy_abs() > NORTHERNMOST or longitude.copy_abs() > EASTERNMOST:
        raise Failure(Category.OUT_OF_RANGE)
    return latitude, longitude


def distance(p: Place, q: Place, unit: str) -> Decimal:
    """Return the length of the great circle from `p` to `q`, on a sphere, to 15 digits."""
    (north, east), (other_north, other_east) = p, q
    up = math.sin(math.radians(_degrees(EXACT.subtract(other_north, north))) / 2)
    over = math.sin(math.radians(_degrees(EXACT.subtract(other_east, east))) / 2)
    part = up * up + math.cos(math.radians(_degrees(north))) * math.cos(math.radians(_degrees(other_north))) * over * over
    return Decimal(f"{2 * RADIUS[unit] * math.asin(math.sqrt(min(1.0, part))):.15g}")


def _degrees(number: Decimal) -> float:
    return float(decimals.rounded(number, DEGREE_DIGITS))


def _place_sql(latitude: str, longitude: str) -> str:
    return f"(CASE WHEN abs({latitude}) <= {NORTHERNMOST} AND abs({longitude}) <= {EASTERNMOST} THEN ARRAY[{latitude}, {longitude}] END)"


def _place_error(latitude: str, longitude: str) -> str:
    alone = f"({latitude} IS NULL) <> ({longitude} IS NULL)"
    return f"({alone} OR abs({latitude}) > {NORTHERNMOST} OR abs({longitude}) > {EASTERNMOST})"


def _distance_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    p, q, unit = arguments
    radius = f"(CASE {unit.text} WHEN 'mi' THEN {RADIUS['mi']} ELSE {RADIUS['km']} END)"

    def angle(degrees: str) -> str:
        return f"radians(round({degrees}, {DEGREE_DIGITS})::float8)"

    def half(a: str, b: str, part: int) -> str:
        return f"sin({angle(f'({b})[{part}] - ({a})[{part}]')} / 2)"

    def length(up: str, over: str, north: str, other_north: str) -> str:
        part = f"({up} * {up} + cos({north}) * cos({other_north}) * {over} * {over})"
        # LEAST of PostgreSQL skips blanks.
        root = writer.apply(lambda x: f"sqrt(CASE WHEN {x} > 1 THEN 1 ELSE {x} END)", [part])
        return f"(2 * {radius}::float8 * asin({root}))::numeric"

    def between(a: str, b: str) -> str:
        return writer.apply(length, [half(a, b, 1), half(a, b, 2), angle(f"({a})[1]"), angle(f"({b})[1]")])

    return Piece(
        text=writer.apply(between, (p, q)),
        type=ValueType.NUMBER,
        blank=p.blank or q.blank,
        digits=(5, 40),
        error=any_of(p.error, q.error),
    )


def _distance_types(site: Site) -> ValueType:
    unit = site.nodes[2]
    if unit is not None and not (isinstance(unit, Literal) and unit.value in RADIUS):
        site.refuse("expression_distance_unit", 2)
    return ValueType.NUMBER


GEOLOCATION = Function(
    name="GEOLOCATION",
    params=(Param("latitude", NUMBER), Param("longitude", NUMBER)),
    returns=ValueType.GEOLOCATION,
    doc="The place with this latitude (-90 to 90) and longitude (-180 to 180) in degrees; blank when both are. Only DISTANCE and"
    " ISBLANK take it.",
    blank=Blank.OWN,
    fails=(Category.OUT_OF_RANGE,),
    python=place,
    sql=_place_sql,
    sql_error=_place_error,
    examples=(
        ("ISBLANK(GEOLOCATION(52.52, 13.405))", False),
        ("ISBLANK(GEOLOCATION(NULL, NULL))", True),
        ("ISBLANK(GEOLOCATION(91, 0))", Category.OUT_OF_RANGE),
    ),
)
DISTANCE = Function(
    name="DISTANCE",
    params=(Param("p", PLACE), Param("q", PLACE), Param("unit", TEXT)),
    returns=ValueType.NUMBER,
    doc='How far it is from `p` to `q` as the crow flies, in kilometres (`"km"`) or miles (`"mi"`).',
    typing=_distance_types,
    python=distance,
    write_sql=_distance_sql,
    examples=(
        ('ROUND(DISTANCE(GEOLOCATION(52.52, 13.405), GEOLOCATION(31.23, 121.474), "km"), 0)', 8397),
        ('DISTANCE(GEOLOCATION(0, 0), GEOLOCATION(NULL, NULL), "mi")', None),
    ),
)

GEOGRAPHY = table(GEOLOCATION, DISTANCE)
