"""Blanks and errors: asking for them, and saying what stands in their place.

Here: ISBLANK and its kin, IFERROR.
Not here: what a blank does to operators and functions (their entries), branches (`logic`).
Source: spec/expressions.md, sections 5, 7.1 and 7.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Overflow

from fieldstone.rules.errors import EvaluationError, Failure
from fieldstone.rules.functions.entry import (
    ANY,
    NO_LITERAL,
    TEXT_LIKE,
    Blank,
    Code,
    Function,
    Param,
    Piece,
    PythonWriter,
    Role,
    Site,
    SqlWriter,
    table,
    tallest,
)
from fieldstone.rules.functions.logic import common_type, widest
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call
from fieldstone.rules.value_types import TEXTS, ValueType


def _boolean(site: Site) -> ValueType:
    return ValueType.BOOLEAN


def _is_blank_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    (x,) = arguments
    result = Code(text="", type=ValueType.BOOLEAN, blank=False, fails=x.fails, height=tallest(arguments))
    if not x.blank:
        return result._replace(text=f"({x.text}, False)[1]") if x.fails else result._replace(text="False", simple=True)
    return result._replace(text=f"(not {x.text})" if x.type in TEXT_LIKE else f"({x.text} is None)")


def _is_blank_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    (x,) = arguments
    text = f"({x.text} IS NULL)"
    if not x.blank:
        text = "(1 = 0)"
    elif x.column is not None and x.type in (ValueType.TEXT, ValueType.PICKLIST):
        text = f"({x.column.text} IS NULL OR {x.column.text} = '')"
    return Piece(text=text, type=ValueType.BOOLEAN, blank=False, error=x.error)


ISBLANK = Function(
    name="ISBLANK",
    params=(Param("x", ANY),),
    returns=ValueType.BOOLEAN,
    doc="True when there is no value. Where blank numbers read as zero, a number field is never blank.",
    blank=Blank.OWN,
    typing=_boolean,
    write_python=_is_blank_python,
    write_sql=_is_blank_sql,
    on_sqlite=True,
    examples=(('ISBLANK("")', True), ("ISBLANK(0)", False), ("ISBLANK(NULL)", True)),
)


def _is_null_types(site: Site) -> ValueType:
    if site.types[0] is ValueType.BOOLEAN:
        site.refuse("expression_boolean_never_null", 0, function="ISNULL")
    return ValueType.BOOLEAN


def _is_null_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    (x,) = arguments
    if x.type not in TEXTS:
        return _is_blank_python(writer, call, arguments)
    if not x.fails:
        return Code(text="False", type=ValueType.BOOLEAN, blank=False, simple=True)
    never = writer.constant(NO_LITERAL)
    return Code(text=f"({x.text} is {never})", type=ValueType.BOOLEAN, blank=False, fails=True, height=tallest(arguments))


def _is_null_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    (x,) = arguments
    if x.type not in TEXTS:
        return _is_blank_sql(writer, call, arguments)
    return Piece(text="(1 = 0)", type=ValueType.BOOLEAN, blank=False, error=x.error)


ISNULL = Function(
    name="ISNULL",
    params=(Param("x", ANY),),
    returns=ValueType.BOOLEAN,
    doc="Like ISBLANK, but never true for a text; for old formulas. Use ISBLANK in new ones.",
    blank=Blank.OWN,
    typing=_is_null_types,
    write_python=_is_null_python,
    write_sql=_is_null_sql,
    on_sqlite=True,
    examples=(('ISNULL("")', False), ("ISNULL(NULL)", True)),
)


def _blank_value_types(site: Site) -> ValueType | None:
    return common_type(site, (0, 1))


def _null_value_types(site: Site) -> ValueType | None:
    if site.types[0] is ValueType.BOOLEAN:
        site.refuse("expression_boolean_never_null", 0, function="NULLVALUE")
        return None
    return common_type(site, (0, 1))


def _blank_value_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    x, y = writer.alike(arguments)
    if not x.blank:
        return x
    result = Code(
        text="",
        type=call.type,
        blank=y.blank,
        whole=x.whole and y.whole,
        fails=x.fails or y.fails,
        height=tallest(arguments),
    )
    if call.type in TEXT_LIKE:
        return result._replace(text=f"({x.text} or {y.text})")
    if x.simple:
        return result._replace(text=f"({x.text} if {x.text} is not None else {y.text})")
    name = writer.temporary()
    return result._replace(text=f"({name} if ({name} := {x.text}) is not None else {y.text})")


def _blank_value_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    x, y = arguments
    if not x.blank:
        return x._replace(true=None)
    if writer.sqlite and call.type is ValueType.NUMBER:
        return writer.by_python(call)
    error = f"({x.text} IS NULL AND {y.error})" if y.error is not None else None
    return Piece(
        text=f"COALESCE({x.text}, {y.text})",
        type=call.type,
        blank=y.blank,
        digits=widest(arguments),
        error=any_of(x.error, error),
    )


def _null_value_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return arguments[0] if arguments[0].type in TEXTS else _blank_value_python(writer, call, arguments)


def _null_value_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    return arguments[0] if arguments[0].type in TEXTS else _blank_value_sql(writer, call, arguments)


BLANKVALUE = Function(
    name="BLANKVALUE",
    params=(Param("x", ANY), Param("y", ANY)),
    returns=ValueType.NULL,
    doc="`x`, or `y` when `x` is blank.",
    blank=Blank.OWN,
    typing=_blank_value_types,
    role=lambda index, count: Role.RESULT,
    write_python=_blank_value_python,
    write_sql=_blank_value_sql,
    on_sqlite=True,
    examples=(('BLANKVALUE("", "none")', "none"), ("BLANKVALUE(3, 1)", 3)),
)
NULLVALUE = Function(
    name="NULLVALUE",
    params=(Param("x", ANY), Param("y", ANY)),
    returns=ValueType.NULL,
    doc="Like BLANKVALUE, but a text stays as it is, blank or not; for old formulas. Use BLANKVALUE in new ones.",
    blank=Blank.OWN,
    typing=_null_value_types,
    role=lambda index, count: Role.RESULT,
    write_python=_null_value_python,
    write_sql=_null_value_sql,
    on_sqlite=True,
    examples=(('NULLVALUE("", "none")', None), ("NULLVALUE(NULL, 1)", 1)),
)


def or_else(x: Callable[[], object], y: Callable[[], object]) -> object:
    """Return `x()`, or `y()` when evaluating `x` is an error."""
    try:
        return x()
    except (EvaluationError, Failure, Overflow, OverflowError):
        return y()


def _if_error_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    x, y = writer.alike(arguments)
    if not x.fails:
        return x._replace(type=call.type)
    return Code(
        text=f"{writer.helper(or_else)}(lambda: {x.text}, lambda: {y.text})",
        type=call.type,
        blank=x.blank or y.blank,
        whole=x.whole,
        fails=y.fails,
        height=tallest(arguments),
    )


def _if_error_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    x, y = arguments
    if x.error is None:
        return x._replace(true=None)
    if x.blank_on_error and y.literal is None:
        return x._replace(error=None)
    if writer.sqlite and call.type is ValueType.NUMBER:
        return writer.by_python(call)
    return Piece(
        text=f"(CASE WHEN {x.error} THEN {y.text} ELSE {x.text} END)",
        type=call.type,
        blank=True,
        digits=widest(arguments),
        error=f"({x.error} AND {y.error})" if y.error is not None else None,
    )


IFERROR = Function(
    name="IFERROR",
    params=(Param("x", ANY), Param("y", ANY)),
    returns=ValueType.NULL,
    doc="`x`, or `y` when evaluating `x` is an error. A blank `x` is no error.",
    blank=Blank.OWN,
    typing=_blank_value_types,
    role=lambda index, count: Role.RESULT,
    write_python=_if_error_python,
    write_sql=_if_error_sql,
    on_sqlite=True,
    examples=(("IFERROR(1 / 0, 5)", 5), ('IFERROR(VALUE("x"), 0)', 0)),
)

BLANKS = table(ISBLANK, ISNULL, BLANKVALUE, NULLVALUE, IFERROR)
