"""The operators: arithmetic, joining texts, comparison.

Here: one entry per operator and pair of types. What is not listed here is a type error: nothing is converted by itself.
Not here: `&&`, `||` and `!`, which are AND, OR and NOT (`logic`), precedence (`parse`).
Source: spec/expressions.md, sections 3 to 5 and 7.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from fieldstone.rules import bounds, decimals
from fieldstone.rules.decimals import EXACT
from fieldstone.rules.errors import Category, Failure
from fieldstone.rules.functions.entry import (
    BOOLEAN,
    DATE,
    DATETIME,
    NO_LITERAL,
    NUMBER,
    TEXT,
    TIME,
    Code,
    Digits,
    Function,
    Param,
    Piece,
    PythonWriter,
    SqlWriter,
    Types,
    strict,
    table,
    tallest,
)
from fieldstone.rules.functions.sql_texts import any_of, day_number_in_years, seconds_in_years
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

DAY_SECONDS = 86_400
DAY_MILLISECONDS = 86_400_000
SECONDS = Decimal(DAY_SECONDS)
MANY_DAYS = 4_000_000  # more than the calendar has


# --- arithmetic ------------------------------------------------------------------------------------------------------


def _arithmetic(name: str, operation: Callable[[Decimal, Decimal], Decimal], doc: str, *examples: tuple[str, object]) -> Function:
    size = _product if name == "*" else _sum

    def write_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        function = writer.helper(operation)
        result = Code(text="", type=ValueType.NUMBER, blank=False)
        return writer.guarded(arguments, lambda texts: f"{function}({texts[0]}, {texts[1]})", result)

    def write_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        left, right = arguments
        digits = size(left.digits, right.digits)
        return _number(writer, writer.apply(lambda a, b: f"({a} {name} {b})", (left, right)), digits, left, right)

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


def _sum(a: Digits, b: Digits) -> Digits:
    larger, smaller = max(a[0], b[0]), min(a[0], b[0])
    return larger + math.log10(1 + 10.0 ** max(smaller - larger, -300)), max(a[1], b[1])


def _product(a: Digits, b: Digits) -> Digits:
    return a[0] + b[0], a[1] + b[1]


def _number(writer: SqlWriter, text: str, digits: Digits, *arguments: Piece, error: str | None = None) -> Piece:
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
        return MULTIPLY.write_sql(writer, call, (dividend, writer.bind(factor, ValueType.NUMBER)))  # type: ignore[misc]
    scale = min(dividend.digits[1] + math.ceil(divisor.digits[0]) + 40, 1045)  # that many digits leave 39 significant ones, and more
    zero = None
    if divisor.literal is NO_LITERAL or not divisor.literal:
        zero = f"({divisor.text} = 0 AND {dividend.text} IS NOT NULL)" if dividend.blank else f"{divisor.text} = 0"
    text = writer.apply(lambda a, b: f"(round({a}, {scale}) / {f'NULLIF({b}, 0)' if zero else b})", (dividend, divisor))
    digits = (dividend.digits[0] + divisor.digits[1], scale)
    made = _number(writer, text, digits, dividend, divisor, error=zero)

    def rounded(places: int) -> str | None:
        # A quotient a/b that is no half itself is at least 1 / (2 |b| 10^fine) from the next one: so many digits decide, 39 of them too.
        fine = dividend.digits[1] + divisor.digits[1] + places
        if places < 0 or math.ceil(dividend.digits[0]) + fine > 37:
            return None
        # PostgreSQL gives at least 16 digits by itself: enough for a dividend so short.
        short = math.ceil(dividend.digits[0]) + fine <= 15
        divided = dividend.text if short else f"round({dividend.text}, {fine + max(math.ceil(divisor.digits[0]), 0) + 1})"
        return f"round({divided} / {f'NULLIF({divisor.text}, 0)' if zero else divisor.text}, {places})"

    return made._replace(late=(made.text, rounded), blank_on_error=made.error == zero)


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


# --- texts -----------------------------------------------------------------------------------------------------------


def _join_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    nothing = writer.constant("")
    texts = [a.text if not a.blank else f"({a.text} or {nothing})" for a in arguments]
    return Code(
        text=f"({texts[0]} + {texts[1]})",
        type=ValueType.TEXT,
        blank=all(a.blank for a in arguments),
        fails=any(a.fails for a in arguments),
        height=tallest(arguments),
    )


def _join_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    left, right = arguments
    text = "(" + " || ".join(f"COALESCE({a.text}, '')" if a.blank else a.text for a in arguments) + ")"
    blank = left.blank and right.blank
    return Piece(text=f"NULLIF({text}, '')" if blank else text, type=ValueType.TEXT, blank=blank, error=any_of(left.error, right.error))


def _join(name: str) -> Function:
    return Function(
        name=name,
        params=(Param("a", TEXT), Param("b", TEXT)),
        returns=ValueType.TEXT,
        doc="Both texts, one after the other; a blank one adds nothing.",
        joins=True,
        write_python=_join_python,
        write_sql=_join_sql,
        on_sqlite=True,
        examples=((f'"Field" {name} "stone"', "Fieldstone"), (f'NULL {name} "x"', "x")),
    )


# --- dates and times -------------------------------------------------------------------------------------------------


def shifted(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def _shifted_back(day: date, days: int) -> date:
    return shifted(day, -days)


def _moved(moment: datetime, days: Decimal) -> datetime:
    seconds = decimals.WIDE.multiply(days, SECONDS)  # rounded once only, to whole seconds
    try:
        return moment + timedelta(seconds=int(decimals.rounded(seconds, 0)))
    except OverflowError as beyond:
        raise Failure(Category.OUT_OF_RANGE) from beyond


def _moved_back(moment: datetime, days: Decimal) -> datetime:
    return _moved(moment, EXACT.minus(days))


def _days_between(a: datetime, b: datetime) -> Decimal:
    return EXACT.divide(int((a - b).total_seconds()), SECONDS)


def _swapped(function: Callable[..., object]) -> Callable[..., object]:
    return lambda a, b: function(b, a)


def _shift_sql(sign: str) -> Callable[[str, str], str]:
    return lambda d, n: f"(CASE WHEN {day_number_in_years(d, sign, n)} THEN {d} {sign} {n} END)"


def _shift_error(sign: str) -> Callable[[str, str], str]:
    return lambda d, n: f"(NOT {day_number_in_years(d, sign, n)})"


def _moved_seconds(sign: str) -> Callable[[str, str], str]:
    return lambda t, n: f"(extract(epoch FROM {t})::numeric {sign} round({n} * {DAY_SECONDS}))"


def _move_sql(sign: str) -> Callable[[str, str], str]:
    seconds = _moved_seconds(sign)
    return lambda t, n: f"(CASE WHEN {seconds_in_years(seconds(t, n))} THEN to_timestamp({seconds(t, n)}::float8) END)"


def _move_error(sign: str) -> Callable[[str, str], str]:
    seconds = _moved_seconds(sign)
    return lambda t, n: f"(NOT {seconds_in_years(seconds(t, n))})"


def _other_way(template: Callable[[str, str], str]) -> Callable[[str, str], str]:
    return lambda n, d: template(d, n)


def _shift_python(sign: str) -> Callable[[PythonWriter, Call, Sequence[Code]], Code]:
    def write(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        day, days = arguments
        result = Code(text="", type=ValueType.DATE, blank=False, fails=True)
        if isinstance(days.literal, Decimal) and days.literal.copy_abs() < MANY_DAYS:
            # Beyond the calendar Python's own error is raised, which ends the evaluation all the same.
            step = writer.constant(timedelta(days=int(days.literal)))
            return writer.guarded((day,), lambda t: f"{t[0]} {sign} {step}", result)
        helper = writer.helper(shifted if sign == "+" else _shifted_back, call.place)
        return writer.guarded((day, writer.whole(days)), lambda t: f"{helper}({t[0]}, {t[1]})", result)

    return write


RANGE = (Category.OUT_OF_RANGE,)
DATE_PLUS = Function(
    name="+",
    params=(Param("d", DATE), Param("n", NUMBER, whole=True)),
    returns=ValueType.DATE,
    doc="The date that many days later; a fraction of a day is cut off first.",
    fails=RANGE,
    write_python=_shift_python("+"),
    sql=_shift_sql("+"),
    sql_error=_shift_error("+"),
    examples=(("TEXT(DATE(2024, 2, 28) + 1.9)", "2024-02-29"),),
)
PLUS_DATE = Function(
    name="+",
    params=(Param("n", NUMBER, whole=True), Param("d", DATE)),
    returns=ValueType.DATE,
    doc=DATE_PLUS.doc,
    fails=RANGE,
    python=_swapped(shifted),
    sql=_other_way(_shift_sql("+")),
    sql_error=_other_way(_shift_error("+")),
    examples=(("TEXT(1 + DATE(2023, 12, 31))", "2024-01-01"),),
)
DATE_MINUS = Function(
    name="-",
    params=(Param("d", DATE), Param("n", NUMBER, whole=True)),
    returns=ValueType.DATE,
    doc="The date that many days earlier; a fraction of a day is cut off first.",
    fails=RANGE,
    write_python=_shift_python("-"),
    sql=_shift_sql("-"),
    sql_error=_shift_error("-"),
    examples=(("TEXT(DATE(2024, 3, 1) - 1.7)", "2024-02-29"),),
)
DATETIME_PLUS = Function(
    name="+",
    params=(Param("dt", DATETIME), Param("n", NUMBER)),
    returns=ValueType.DATETIME,
    doc="The instant that many days later; fractions count, to the nearest second.",
    fails=RANGE,
    python=_moved,
    sql=_move_sql("+"),
    sql_error=_move_error("+"),
    examples=(('TEXT(DATETIMEVALUE("2024-01-01 00:00:00") + 0.5)', "2024-01-01 12:00:00Z"),),
)
PLUS_DATETIME = Function(
    name="+",
    params=(Param("n", NUMBER), Param("dt", DATETIME)),
    returns=ValueType.DATETIME,
    doc=DATETIME_PLUS.doc,
    fails=RANGE,
    python=_swapped(_moved),
    sql=_other_way(_move_sql("+")),
    sql_error=_other_way(_move_error("+")),
    examples=(('TEXT(1 + DATETIMEVALUE("2024-01-01 00:00:00"))', "2024-01-02 00:00:00Z"),),
)
DATETIME_MINUS = Function(
    name="-",
    params=(Param("dt", DATETIME), Param("n", NUMBER)),
    returns=ValueType.DATETIME,
    doc="The instant that many days earlier; fractions count, to the nearest second.",
    fails=RANGE,
    python=_moved_back,
    sql=_move_sql("-"),
    sql_error=_move_error("-"),
    examples=(('TEXT(DATETIMEVALUE("2024-01-01 00:00:00") - 0.25)', "2023-12-31 18:00:00Z"),),
)
BETWEEN_DATES = Function(
    name="-",
    params=(Param("a", DATE), Param("b", DATE)),
    returns=ValueType.NUMBER,
    doc="The days from `b` to `a`.",
    whole=True,
    inline=lambda a, b: f"({a} - {b}).days",
    sql=lambda a, b: f"({a} - {b})::numeric",
    digits=(7, 0),
    examples=(("DATE(2024, 3, 1) - DATE(2024, 2, 1)", 29),),
)
BETWEEN_DATETIMES = Function(
    name="-",
    params=(Param("a", DATETIME), Param("b", DATETIME)),
    returns=ValueType.NUMBER,
    doc="The days from `b` to `a`, with their fraction.",
    python=_days_between,
    write_sql=lambda writer, call, arguments: _number(
        writer,
        writer.apply(lambda a, b: f"(round(extract(epoch FROM ({a} - {b}))::numeric, 45) / {DAY_SECONDS})", arguments),
        (7, 45),
        *arguments,
    ),
    examples=(('DATETIMEVALUE("2024-01-02 12:00:00") - DATETIMEVALUE("2024-01-01 00:00:00")', Decimal("1.5")),),
)
TIME_PLUS = Function(
    name="+",
    params=(Param("tm", TIME), Param("n", NUMBER)),
    returns=ValueType.TIME,
    doc="The time of day that many milliseconds later, going round at midnight.",
    python=lambda tm, n: (tm + int(n)) % DAY_MILLISECONDS,
    sql=lambda tm, n: f"mod(mod({tm} + trunc({n}), {DAY_MILLISECONDS}) + {DAY_MILLISECONDS}, {DAY_MILLISECONDS})::int",
    examples=(('TEXT(TIMEVALUE("23:59:59.000") + 2000)', "00:00:01.000"),),
)
TIME_MINUS = Function(
    name="-",
    params=(Param("tm", TIME), Param("n", NUMBER)),
    returns=ValueType.TIME,
    doc="The time of day that many milliseconds earlier, going round at midnight.",
    python=lambda tm, n: (tm - int(n)) % DAY_MILLISECONDS,
    sql=lambda tm, n: f"mod(mod({tm} - trunc({n}), {DAY_MILLISECONDS}) + {DAY_MILLISECONDS}, {DAY_MILLISECONDS})::int",
    examples=(('TEXT(TIMEVALUE("00:00:01.000") - 2000)', "23:59:59.000"),),
)
BETWEEN_TIMES = Function(
    name="-",
    params=(Param("a", TIME), Param("b", TIME)),
    returns=ValueType.NUMBER,
    doc="The milliseconds from `b` to the next `a`: never negative.",
    whole=True,
    inline=lambda a, b: f"(({a} - {b}) % {DAY_MILLISECONDS})",
    sql=lambda a, b: f"mod({a} - {b} + {DAY_MILLISECONDS}, {DAY_MILLISECONDS})::numeric",
    digits=(8, 0),
    examples=(('TIMEVALUE("00:00:01.000") - TIMEVALUE("23:59:59.000")', 2000),),
)


# --- comparison ------------------------------------------------------------------------------------------------------

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
PYTHON_OPERATORS = {"=": "==", "<>": "!="}


def _compare_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    name = call.function.name
    operator = PYTHON_OPERATORS.get(name, name)
    left, right = _same_kind(writer, arguments)
    return writer.guarded((left, right), lambda t: f"{t[0]} {operator} {t[1]}", Code(text="", type=ValueType.BOOLEAN, blank=False))


def _same_kind(writer: PythonWriter, arguments: Sequence[Code]) -> tuple[Code, Code]:
    """Let an int meet an int: comparing one with a Decimal costs several times as much."""
    left, right = map(strict, arguments)
    if left.whole != right.whole:
        if left.whole and isinstance(right.literal, Decimal) and right.literal == int(right.literal):
            right = writer.whole(right)
        elif right.whole and isinstance(left.literal, Decimal) and left.literal == int(left.literal):
            left = writer.whole(left)
    return left, right


def _compare_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    """Compare values whose order the database knows; of numbers on SQLite only bare columns are such values."""
    name = call.function.name
    left, right = arguments
    if left.literal is not NO_LITERAL and right.column is not None:
        left, right, name = right, left, MIRRORED[name]
    plain = writer.plain_comparison(name, left, right)
    if plain is not None:
        return plain
    if writer.sqlite and call.function.params[0].types == NUMBER:
        return writer.by_python(call)
    collation = ' COLLATE "C"' if call.function.params[0].types == TEXT and not writer.sqlite else ""
    return Piece(
        text=_as_integers(name, left, right) or f"({left.text} {name} {right.text}{collation})",
        type=ValueType.BOOLEAN,
        blank=left.blank or right.blank,
        error=any_of(left.error, right.error),
    )


def _as_integers(operator: str, left: Piece, right: Piece) -> str | None:
    """Return the comparison of an integer of the database with a whole number, without turning both into decimals."""
    whole = right.literal
    if not isinstance(whole, Decimal) or whole != int(whole) or abs(whole) > 2_000_000_000 or left.digits[1]:
        return None
    inner = left.text.removesuffix("::numeric")
    if inner == left.text or not inner.startswith("(") or not _is_one_group(inner):
        return None
    return f"({inner} {operator} {right.text}::int)"


def _is_one_group(text: str) -> bool:
    """Tell whether the parenthesis that opens a text is closed at its very end."""
    open_ = 0
    for at, character in enumerate(text):
        open_ += (character == "(") - (character == ")")
        if open_ == 0:
            return at == len(text) - 1
    return False


def _texts_equal_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    equal = call.function.name == "="
    nothing = writer.constant("")
    left, right = sorted(arguments, key=lambda a: a.literal is not NO_LITERAL)
    fails, height = left.fails or right.fails, tallest(arguments)
    if right.literal is not NO_LITERAL and not right.literal:
        text = f"(not {left.text})" if equal else f"({left.text} not in {writer.constant((None, ''))})"
    elif right.literal is not NO_LITERAL or (not left.blank and not right.blank):
        text = f"({left.text} {'==' if equal else '!='} {right.text})"
    else:
        text = f"(({left.text} or {nothing}) {'==' if equal else '!='} ({right.text} or {nothing}))"
    return Code(text=text, type=ValueType.BOOLEAN, blank=False, fails=fails, height=height)


def texts_equal(writer: SqlWriter, left: Piece, right: Piece, *, equal: bool = True) -> Piece:
    """Return whether two texts are equal, blank being a text like any other: never NULL."""
    if left.literal is not NO_LITERAL:
        left, right = right, left
    error = any_of(left.error, right.error)
    plain = writer.plain_text_equality(left, right, equal=equal)
    if plain is None:
        texts = [f"COALESCE({p.text}, '')" if p.blank else p.text for p in (left, right)]
        plain = f"({texts[0]} {'=' if equal else '<>'} {texts[1]})"
    return Piece(text=plain, type=ValueType.BOOLEAN, blank=False, error=error)


def _texts_equal_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    left, right = arguments
    return texts_equal(writer, left, right, equal=call.function.name == "=")


def _comparison(name: str, types: Types, doc: str) -> Function:
    texts = types == TEXT and name in ("=", "<>")
    return Function(
        name=name,
        params=(Param("a", types), Param("b", types)),
        returns=ValueType.BOOLEAN,
        doc=doc,
        write_python=_texts_equal_python if texts else _compare_python,
        write_sql=_texts_equal_sql if texts else _compare_sql,
        on_sqlite=True,
    )


EQUALITY = {"=": "True when both are equal.", "<>": "True when they differ."}
ORDER = {
    "<": "True when `a` comes before `b`.",
    "<=": "True when `a` does not come after `b`.",
    ">": "True when `a` comes after `b`.",
    ">=": "True when `a` does not come before `b`.",
}
COMPARISONS = [
    *(_comparison(name, types, doc) for name, doc in EQUALITY.items() for types in (TEXT, NUMBER, DATE, DATETIME, TIME, BOOLEAN)),
    *(_comparison(name, types, doc) for name, doc in ORDER.items() for types in (NUMBER, TEXT, DATE, DATETIME, TIME)),
]

OPERATORS = table(
    ADD,
    _join("+"),
    DATE_PLUS,
    PLUS_DATE,
    DATETIME_PLUS,
    PLUS_DATETIME,
    TIME_PLUS,
    SUBTRACT,
    BETWEEN_DATES,
    DATE_MINUS,
    BETWEEN_DATETIMES,
    DATETIME_MINUS,
    BETWEEN_TIMES,
    TIME_MINUS,
    MULTIPLY,
    DIVIDE,
    POWER,
    _join("&"),
    *COMPARISONS,
)
PREFIXES = table(NEGATIVE, POSITIVE)
