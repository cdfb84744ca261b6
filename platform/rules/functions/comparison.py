"""Comparison: `= <> < <= > >=`.

Here: what is compared with what, what a blank does, and the plain forms that an index serves.
Not here: IN and CASE (`logic`), picklists (`picklist`).
Source: spec/expressions.md, sections 3 to 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from fieldstone.rules.decimals import WIDE
from fieldstone.rules.functions.entry import (
    BOOLEAN,
    DATE,
    DATETIME,
    NO_LITERAL,
    NUMBER,
    TEXT,
    TIME,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    Rounds,
    SqlWriter,
    Types,
    strict,
    tallest,
)
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import ValueType

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
HALF = Decimal("0.5")
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
    if left.literal is not NO_LITERAL and right.literal is NO_LITERAL:
        left, right, name = right, left, MIRRORED[name]
    plain = writer.plain_comparison(name, left, right)
    if plain is not None:
        return plain
    if writer.sqlite and call.function.params[0].types == NUMBER:
        return writer.by_python(call)
    ordered = _order_of_rounded(writer, name, left, right)
    if ordered is None:
        collation = ' COLLATE "C"' if call.function.params[0].types == TEXT and not writer.sqlite else ""
        ordered = _as_integers(name, left, right) or f"({left.text} {name} {right.text}{collation})", None
    return Piece(
        text=ordered[0],
        true=ordered[1],
        type=ValueType.BOOLEAN,
        blank=left.blank or right.blank,
        error=any_of(left.error, right.error),
    )


def _order_of_rounded(writer: SqlWriter, operator: str, left: Piece, right: Piece) -> tuple[str, str | None] | None:
    """Return `text` and `true` of the order of a rounded number and a constant, None where it is none: what is rounded is compared.

    That spares the database the rounding, and asking whether the number fits its field of those that are far from its limit.
    """
    rounds, number = left.rounds, right.literal
    if rounds is None or rounds.text != left.text or operator not in ORDER or not isinstance(number, Decimal):
        return None
    order = _before_rounding(writer, operator, rounds, number)
    if rounds.before is None:
        return order, None
    limit = Decimal(1).scaleb(rounds.before, WIDE)
    if abs(number) >= limit:
        return None
    fits = _before_rounding(writer, "<", rounds, limit) if ">" in operator else _before_rounding(writer, ">", rounds, -limit)
    return f"({left.text} {operator} {right.text})", f"({order} AND {fits})"


def _before_rounding(writer: SqlWriter, operator: str, rounds: Rounds, number: Decimal) -> str:
    """Return an order of a rounded number as one of what is rounded.

    Half goes away from zero: `ROUND(x, 2) > 90` is `x >= 90.005`, and `ROUND(x, 2) > -90` is `x > -89.995`.
    """
    steps = number.scaleb(rounds.places, WIDE)
    whole = steps.to_integral_value(ROUND_FLOOR)
    edge = WIDE.add(whole, HALF if whole != steps or operator in (">", "<=") else -HALF)
    # From the edge on the next step is what comes out; the edge itself goes away from zero.
    operator = operator[0] + ("=" if (operator[0] == ">") == (edge > 0) else "")
    return f"({rounds.inner} {operator} {writer.bind(edge.scaleb(-rounds.places, WIDE), ValueType.NUMBER).text})"


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
