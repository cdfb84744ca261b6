"""Functions of numbers.

Here: rounding, remainders, roots, logarithms, angles, and numbers out of texts.
Not here: the operators (`arithmetic`), how decimals are calculated (`decimals`).
Source: spec/expressions.md, section 7.2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, Overflow
from typing import Any

from fieldstone.rules import decimals
from fieldstone.rules.decimals import EXACT, as_float
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import (
    NUMBER,
    TEXT,
    Blank,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    Rounds,
    SqlWriter,
    table,
)
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

N = Param("n", NUMBER)
D = Decimal
ROUND_STEPS = range(-18, 19)  # places that are worth a constant


# --- size and sign ---------------------------------------------------------------------------------------------------


def _most_python(name: str, function: Callable[..., object]) -> Callable[[PythonWriter, Call, Sequence[Code]], Code]:
    def write(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        codes = writer.alike(arguments)
        if len(codes) == 1:
            return codes[0]
        helper = writer.helper(function)
        result = Code(text="", type=ValueType.NUMBER, blank=False, whole=codes[0].whole)
        return writer.guarded(codes, lambda texts: f"{helper}({', '.join(texts)})", result)

    return write


def _most_sql(name: str) -> Callable[[SqlWriter, Call, Sequence[Piece]], Piece]:
    def template(*texts: str) -> str:
        # GREATEST and LEAST of PostgreSQL skip blanks.
        blank = " OR ".join(f"{t} IS NULL" for t in texts)
        return f"(CASE WHEN {blank} THEN NULL ELSE {name}({', '.join(texts)}) END)"

    def write(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        digits = max(a.digits[0] for a in arguments), max(a.digits[1] for a in arguments)
        return Piece(
            text=writer.apply(template, arguments),
            type=ValueType.NUMBER,
            blank=any(a.blank for a in arguments),
            digits=digits,
            error=any_of(*(a.error for a in arguments)),
        )

    return write


ABS = Function(
    name="ABS",
    params=(N,),
    returns=ValueType.NUMBER,
    doc="The number without its sign.",
    python=EXACT.abs,
    sql=lambda n: f"abs({n})",
    examples=(("ABS(-2.5)", D("2.5")), ("ABS(NULL)", None)),
)
MAX = Function(
    name="MAX",
    params=(Param("n", NUMBER, repeats=True),),
    returns=ValueType.NUMBER,
    doc="The largest of the numbers; blank when one of them is blank.",
    write_python=_most_python("MAX", max),
    write_sql=_most_sql("greatest"),
    examples=(("MAX(1, 3, 2)", 3), ("MAX(1, NULL)", None)),
)
MIN = Function(
    name="MIN",
    params=(Param("n", NUMBER, repeats=True),),
    returns=ValueType.NUMBER,
    doc="The smallest of the numbers; blank when one of them is blank.",
    write_python=_most_python("MIN", min),
    write_sql=_most_sql("least"),
    examples=(("MIN(1, 3, 2)", 1),),
)


# --- rounding --------------------------------------------------------------------------------------------------------


def _cut(number: Decimal, places: int = 0) -> Decimal:
    return decimals.rounded(number, places, ROUND_DOWN)


def _round_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    number, places = arguments
    result = Code(text="", type=ValueType.NUMBER, blank=False)
    if isinstance(places.literal, Decimal) and int(places.literal) in ROUND_STEPS and not number.whole:
        count = int(places.literal)
        quantize, step = writer.helper(decimals.WIDE.quantize), writer.constant(decimals.step(count))
        if count >= 0:
            return writer.guarded((number,), lambda t: f"{quantize}({t[0]}, {step})", result)
    helper = writer.helper(decimals.rounded)
    exact = writer.exact(number)
    return writer.guarded((exact, writer.whole(places)), lambda t: f"{helper}({t[0]}, {t[1]})", result)


def _rounding_sql(name: str) -> Callable[[SqlWriter, Call, Sequence[Piece]], Piece]:
    def write(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        number = arguments[0]
        places = writer.whole(arguments[1]) if len(arguments) > 1 else writer.bind(0, ValueType.NUMBER)
        before, after = number.digits
        wanted = arguments[1].literal if len(arguments) > 1 else Decimal(0)
        text, rounds, longer = f"{name}({number.text}, {places.text}::int)", None, True
        if isinstance(wanted, Decimal):
            count, late, inner = int(wanted), number.late, number.text
            longer = after > count
            after = min(after, max(0, count))
            if name == "round" and count in ROUND_STEPS:
                if late is not None and late.text == inner and (quotient := late.to_round(count)) is not None:
                    inner, longer = quotient, count < late.places
                text = f"round({inner}, {count})"
                rounds = Rounds(text, inner, count)
        return Piece(
            text=text,
            rounds=rounds,
            blank_on_error=number.blank_on_error and places.error is None,
            type=ValueType.NUMBER,
            blank=number.blank or places.blank,
            digits=(before + longer, after),
            error=any_of(number.error, places.error),
        )

    return write


def _whole_sql(name: str) -> Callable[[SqlWriter, Call, Sequence[Piece]], Piece]:
    templates: dict[str, Callable[[str], str]] = {
        "FLOOR": lambda x: f"trunc({x})",
        "CEILING": lambda x: f"(CASE WHEN {x} < 0 THEN floor({x}) ELSE ceil({x}) END)",
        "MFLOOR": lambda x: f"floor({x})",
        "MCEILING": lambda x: f"ceil({x})",
    }

    def write(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        (number,) = arguments
        text = writer.apply(templates[name], [writer.rounded(number.text, number.digits, 33)])
        return Piece(text=text, type=ValueType.NUMBER, blank=number.blank, digits=(number.digits[0] + 1, 0), error=number.error)

    return write


ROUND = Function(
    name="ROUND",
    params=(N, Param("places", NUMBER, whole=True)),
    returns=ValueType.NUMBER,
    doc="The number rounded to `places` digits after the point, half away from zero; a negative `places` rounds before the point.",
    write_python=_round_python,
    write_sql=_rounding_sql("round"),
    examples=(("ROUND(-2.45, 1)", D("-2.5")), ("ROUND(1372, -2)", 1400), ("ROUND(60, -2)", 100), ("ROUND(2.5, 0)", 3)),
)
TRUNC = Function(
    name="TRUNC",
    params=(N, Param("places", NUMBER, whole=True, optional=True)),
    returns=ValueType.NUMBER,
    doc="The number cut toward zero at `places` digits after the point, 0 if not given.",
    python=_cut,
    write_sql=_rounding_sql("trunc"),
    examples=(("TRUNC(-2.49, 1)", D("-2.4")), ("TRUNC(2.9)", 2), ("TRUNC(1372, -2)", 1300)),
)
FLOOR = Function(
    name="FLOOR",
    params=(N,),
    returns=ValueType.NUMBER,
    doc="The number without its fraction: rounded toward zero. MFLOOR rounds down.",
    python=decimals.toward_zero,
    write_sql=_whole_sql("FLOOR"),
    examples=(("FLOOR(3.7)", 3), ("FLOOR(-3.2)", -3), ("FLOOR(4 / 13 * 13)", 4)),
)
CEILING = Function(
    name="CEILING",
    params=(N,),
    returns=ValueType.NUMBER,
    doc="The number rounded away from zero to a whole one. MCEILING rounds up.",
    python=decimals.away_from_zero,
    write_sql=_whole_sql("CEILING"),
    examples=(("CEILING(3.2)", 4), ("CEILING(-3.2)", -4)),
)
MFLOOR = Function(
    name="MFLOOR",
    params=(N,),
    returns=ValueType.NUMBER,
    doc="The largest whole number that is not greater.",
    python=decimals.down,
    write_sql=_whole_sql("MFLOOR"),
    examples=(("MFLOOR(-3.2)", -4),),
)
MCEILING = Function(
    name="MCEILING",
    params=(N,),
    returns=ValueType.NUMBER,
    doc="The smallest whole number that is not less.",
    python=decimals.up,
    write_sql=_whole_sql("MCEILING"),
    examples=(("MCEILING(-3.2)", -3),),
)
MOD = Function(
    name="MOD",
    params=(Param("a", NUMBER), Param("b", NUMBER)),
    returns=ValueType.NUMBER,
    doc="What is left of `a` after taking out `b` as often as it fits; the sign is that of `a`.",
    fails=(Category.DIVISION_BY_ZERO,),
    python=decimals.remainder,
    sql=lambda a, b: f"mod({a}, NULLIF({b}, 0))",
    sql_error=lambda a, b: f"({b} = 0 AND {a} IS NOT NULL)",
    examples=(("MOD(-7, 3)", -1), ("MOD(7, -3)", 1), ("MOD(5.5, 2)", D("1.5")), ("MOD(1, 0)", Category.DIVISION_BY_ZERO)),
)


# --- through doubles -------------------------------------------------------------------------------------------------
# PostgreSQL turns a double into a numeric by its 15 significant digits, as `as_float` does.

FLOAT_DIGITS = (309, 340)


def _float(
    name: str,
    function: Callable[..., float],
    sql: str,
    doc: str,
    *examples: tuple[str, object],
    domain: str | None = None,
    inside: Callable[[Decimal], bool] | None = None,
) -> Function:
    """Return an entry whose SQL is `sql` over the double {x}, where the condition `domain` over {x} holds (None: everywhere).

    `inside` is the same for Python, where `function` does not find out by itself.
    """
    # A number too large for a double is an error, one too small for it is zero, as in Python.
    fits = "abs({x}) < 1.7e308"
    where = fits if domain is None else f"{fits} AND {domain}"

    def double(n: str) -> str:
        return f"(CASE WHEN abs({n}) < 1e-300 THEN 0 ELSE {n} END)::float8"

    def value(n: str) -> str:
        return f"(CASE WHEN {where.format(x=n)} THEN ({sql.format(x=double(n))})::numeric END)"

    return Function(
        name=name,
        params=(N,),
        returns=ValueType.NUMBER,
        doc=doc,
        fails=(Category.MATH_DOMAIN,),
        python=as_float(function, inside),
        sql=value,
        sql_error=lambda n: f"(NOT ({where.format(x=n)}))",
        digits=FLOAT_DIGITS,
        examples=examples,
    )


def _exp(x: float) -> float:
    return math.exp(x) if x > -700 else 0.0


SQRT = _float(
    "SQRT",
    math.sqrt,
    "sqrt({x})",
    "The square root.",
    ("SQRT(16)", 4),
    ("SQRT(-1)", Category.MATH_DOMAIN),
    domain="{x} >= 0",
    inside=lambda x: x >= 0,
)
LN = _float("LN", math.log, "ln({x})", "The natural logarithm.", ("LN(1)", 0), ("LN(0)", Category.MATH_DOMAIN), domain="{x} >= 1e-300")
LOG = _float("LOG", math.log10, "log({x})", "The logarithm to base 10.", ("LOG(1000)", 3), domain="{x} >= 1e-300")
EXP = _float(
    "EXP",
    _exp,
    "CASE WHEN {x} > -700 THEN exp({x}) ELSE 0 END",
    "The number e to the power `n`.",
    ("EXP(0)", 1),
    ("EXP(1000)", Category.MATH_DOMAIN),
    domain="{x} < 709.78271289338403",  # beyond, the nearest double gives infinity
)
SIN = _float("SIN", math.sin, "sin({x})", "The sine of an angle in radians.", ("SIN(0)", 0))
COS = _float("COS", math.cos, "cos({x})", "The cosine of an angle in radians.", ("COS(0)", 1))
TAN = _float("TAN", math.tan, "tan({x})", "The tangent of an angle in radians.", ("TAN(0)", 0))
WITHIN_ONE: Mapping[str, Any] = {"domain": "abs({x}) <= 1", "inside": lambda x: x.copy_abs() <= 1}
ASIN = _float("ASIN", math.asin, "asin({x})", "The angle in radians with that sine.", ("ASIN(0)", 0), **WITHIN_ONE)
ACOS = _float("ACOS", math.acos, "acos({x})", "The angle in radians with that cosine.", ("ACOS(1)", 0), **WITHIN_ONE)
ATAN = _float("ATAN", math.atan, "atan({x})", "The angle in radians with that tangent.", ("ATAN(0)", 0))
ATAN2 = Function(
    name="ATAN2",
    params=(Param("y", NUMBER), Param("x", NUMBER)),
    returns=ValueType.NUMBER,
    doc="The angle in radians of the point with these coordinates.",
    fails=(Category.MATH_DOMAIN,),
    python=as_float(math.atan2),
    sql=lambda y, x: (
        f"(CASE WHEN abs({y}) < 1.7e308 AND abs({x}) < 1.7e308 THEN atan2((CASE WHEN abs({y}) < 1e-300 THEN 0 ELSE {y} END)::float8,"
        f" (CASE WHEN abs({x}) < 1e-300 THEN 0 ELSE {x} END)::float8)::numeric END)"
    ),
    sql_error=lambda y, x: f"(GREATEST(abs({y}), abs({x})) >= 1.7e308 AND {y} IS NOT NULL AND {x} IS NOT NULL)",
    digits=FLOAT_DIGITS,
    examples=(("ATAN2(0, 1)", 0),),
)
PI = Function(
    name="PI",
    returns=ValueType.NUMBER,
    doc="The number pi, to 15 digits.",
    python=lambda: Decimal(f"{math.pi:.15g}"),
    never_blank=True,
    sql=lambda: "pi()::numeric",
    examples=(("ROUND(PI(), 4)", D("3.1416")),),
)


# --- numbers out of texts --------------------------------------------------------------------------------------------

NUMBER_TEXT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?(?P<exponent>[0-9]+))?", re.ASCII)  # in linear time
NUMBER_CHARACTERS = 1_200  # a text with more digits is a number beyond all bounds
EXPONENT_DIGITS = 4
SQL_NUMBER = "'^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?0*[0-9]{1,4})?$'"


def number_of(text: str) -> Decimal:
    """Return the number that `text` is. Raises Failure: not a number, or one beyond all bounds."""
    match = NUMBER_TEXT.fullmatch(text)
    if match is None:
        raise Failure(Category.NUMBER_FORMAT)
    if len(text) > NUMBER_CHARACTERS or len((match["exponent"] or "").lstrip("0")) > EXPONENT_DIGITS:
        raise Failure(Category.OUT_OF_RANGE)
    try:
        return EXACT.create_decimal(text)
    except Overflow as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def is_number(text: str | None) -> bool:
    if not text:
        return False
    try:
        number_of(text)
    except Failure:
        return False
    return True


def _looks_like(t: str) -> str:
    return f"(length({t}) <= {NUMBER_CHARACTERS} AND {t} ~ {SQL_NUMBER})"


def _in_bounds(t: str) -> str:
    return f"(CASE WHEN {_looks_like(t)} THEN abs({t}::numeric) < 1e1001 ELSE FALSE END)"


def _value_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    (text,) = arguments
    number = writer.apply(lambda t: f"(CASE WHEN {_in_bounds(t)} THEN {t}::numeric END)", arguments)
    return Piece(
        text=writer.rounded(number, (1001, 10_000), 39),
        type=ValueType.NUMBER,
        digits=(1001, 1038),
        error=any_of(text.error, writer.apply(lambda t: f"({t} IS NOT NULL AND NOT {_in_bounds(t)})", arguments)),
    )


VALUE = Function(
    name="VALUE",
    params=(Param("t", TEXT),),
    returns=ValueType.NUMBER,
    doc="The number that the text is: digits, a point, a sign, an exponent, nothing else. A blank text is a blank number.",
    fails=(Category.NUMBER_FORMAT, Category.OUT_OF_RANGE),
    python=number_of,
    write_sql=_value_sql,
    examples=(('VALUE("-3.")', -3), ('VALUE(".5")', D("0.5")), ('VALUE("2e3")', 2000), ('VALUE("5%")', Category.NUMBER_FORMAT)),
)
ISNUMBER = Function(
    name="ISNUMBER",
    params=(Param("t", TEXT),),
    returns=ValueType.BOOLEAN,
    doc="True when VALUE of the text is a number.",
    blank=Blank.OWN,
    never_blank=True,
    python=is_number,
    sql=lambda t: f"({t} IS NOT NULL AND {_in_bounds(t)})",
    examples=(('ISNUMBER("1.5")', True), ('ISNUMBER("1,5")', False), ('ISNUMBER("")', False)),
)


NUMBERS = table(
    ABS, MAX, MIN, ROUND, TRUNC, FLOOR, CEILING, MFLOOR, MCEILING, MOD,
    SQRT, LN, LOG, EXP, SIN, COS, TAN, ASIN, ACOS, ATAN, ATAN2, PI, VALUE, ISNUMBER,
)  # fmt: skip
