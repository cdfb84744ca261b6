"""Many expressions over many rows on three engines at once: where they differ, and the least that still differs.

Here: one statement for a batch, comparing as the specification says, making an example smaller.
Not here: drawing (`expression_strategies`), what a test or a long run does with a difference.
Source: spec/expressions.md, sections 9 to 11.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Context as DecimalContext
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, false, select
from sqlalchemy.exc import DBAPIError

from fieldstone.db.column_types import ExactNumber
from fieldstone.errors import Refused
from fieldstone.rules import (
    Blanks,
    Category,
    Checked,
    Context,
    EvaluationError,
    NotInSql,
    Use,
    ValueType,
    check,
    condition,
    decimals,
    dialect_of,
    to_python,
    to_sql,
    value,
)
from fieldstone.rules.functions.written import time_text
from fieldstone.rules.parse import read
from fieldstone.rules.printing import to_source
from fieldstone.rules.tree import Application, Call, Constant, FieldRef, Name, Operation, Syntax, children, parts
from tests.support import expressions as ex
from tests.support.expression_strategies import NOWHERE, TYPES, context_of, mutated, row_of, scope_of, through_doubles, tree_of

Row = Mapping[str, object]
# A validation rule may ask everything that any place may; ours may come to anything, too, that the engines hold in the same way.
ANY_RESULT = frozenset(ValueType) - {ValueType.MULTIPICKLIST, ValueType.GEOLOCATION}
MODES = (Blanks.ZERO, Blanks.BLANK)
TWELVE_DIGITS = DecimalContext(prec=12)
COLUMN = ExactNumber(18, 2)  # what a numeric result is also fitted into
SECONDS = 20  # that a statement of one batch may take


@dataclass(frozen=True)
class Surroundings:
    """What expressions of one batch share."""

    rows: Sequence[Row]
    mode: Blanks
    context: Context
    scope: ex.Fields


@dataclass(frozen=True)
class Difference:
    """One expression that is not the same everywhere: on `engine`, for one row."""

    tree: Syntax
    surroundings: Surroundings
    engine: str
    python: object
    got: object
    row: Row

    @property
    def source(self) -> str:
        return to_source(self.tree)


def surroundings_of(random: Random, rows: int) -> Surroundings:
    return Surroundings([row_of(random) for _ in range(rows)], random.choice(MODES), context_of(random), scope_of(random))


def trees_of(random: Random, scope: ex.Fields, count: int) -> list[Syntax]:
    """Return trees that mean something, and a few that an accident made of such."""
    return [
        tree if random.randrange(8) else read(mutated(random, to_source(tree)))[0]
        for tree in (tree_of(random, random.choice(TYPES), scope=scope) for _ in range(count))
    ]


def checked_of(tree: Syntax, around: Surroundings, expected: frozenset[ValueType] = ANY_RESULT) -> Checked | None:
    """Return the checked expression; None for one that random drawing got wrong."""
    try:
        return check(to_source(tree), around.scope, Use.VALIDATION_RULE, expected=expected, blanks=around.mode)
    except (Refused, ValueError):
        return None


# --- the three engines -----------------------------------------------------------------------------------------------


def in_python(checked: Checked, rows: Sequence[Row], context: Context) -> list[object]:
    """Return a value or `("error", category)` a row. Whatever else is raised comes back as what it is: never the same as anything."""
    try:
        function = to_python(checked)
    except Exception as wrong:
        return [("raised", repr(wrong))] * len(rows)
    return [_run(function, row, context) for row in rows]


def _run(function: Callable[[Row, Context], object], row: Row, context: Context) -> object:
    try:
        return function(row, context)
    except EvaluationError as error:
        return ex.ERROR, Category(error.category).value
    except Exception as wrong:
        return "raised", repr(wrong)


@dataclass(frozen=True)
class Asked:
    """One expression in a statement: its value and error, and what only some types have."""

    columns: tuple[ColumnElement[Any], ...]
    type: ValueType

    @classmethod
    def of(cls, checked: Checked, found: Table, engine: str, context: Context) -> Asked:
        """Raises NotInSql."""
        columns, dialect = ex.columns_of(found), dialect_of(engine)
        sql = to_sql(checked, columns, dialect, context)
        asked: list[ColumnElement[Any]] = [sql.value, false() if sql.error is None else sql.error]
        if checked.type is ValueType.BOOLEAN:
            asked.append(condition(checked, columns, dialect, context))
        elif checked.type is ValueType.NUMBER:
            asked.append(value(checked, columns, dialect, context, number=COLUMN))
        return cls(tuple(asked), checked.type)

    def result(self, got: Sequence[Any]) -> object:
        """Return the value, or `("error", None)`; what filters and stored columns hold must go with it."""
        shown = (ex.ERROR, None) if got[1] else ex.shown(got[0], self.type)
        if self.type is ValueType.BOOLEAN and got[2] is not (shown is True):
            return f"{shown!r}, as a condition {got[2]!r}"
        if self.type is ValueType.NUMBER and got[2] != fitted(shown):
            return f"{shown!r}, in a column {got[2]!r}"
        return shown


def fitted(result: object) -> Decimal | None:
    """Return a number as a column of two digits after the point holds it: none where it is an error or too large."""
    if not isinstance(result, Decimal):
        return None
    number = decimals.rounded(result, COLUMN.scale)
    return number if abs(number) < 10 ** (COLUMN.precision - COLUMN.scale) else None


def in_database(engine: Engine, asked_for: Sequence[Checked], around: Surroundings) -> list[list[object]]:
    """Return the results of each expression, a value or an error a row; what the database says where it refuses a statement."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET statement_timeout = '{SECONDS}s'")
        found = ex.filled(connection, around.rows)
        results: list[list[object] | None] = [None] * len(asked_for)
        asked: dict[int, Asked] = {}
        for index, checked in enumerate(asked_for):
            try:
                asked[index] = Asked.of(checked, found, engine.dialect.name, around.context)
            except NotInSql as beyond:
                results[index] = [("not in SQL", beyond.reason)] * len(around.rows)
        for index, made in _answers(connection, asked, found, around):
            results[index] = made
        connection.rollback()
    return [made for made in results if made is not None]


def _answers(connection: Connection, asked: Mapping[int, Asked], found: Table, around: Surroundings) -> Iterator[tuple[int, list[object]]]:
    """Ask for all in one statement; where the database refuses it, one by one, to know which it was."""
    try:
        columns = [c.label(f"c{i}_{n}") for i, one in asked.items() for n, c in enumerate(one.columns)]
        with connection.begin_nested():
            rows = (
                connection.execution_options(compiled_cache=None).execute(select(*columns).select_from(found).order_by(found.c.row)).all()
            )
    except DBAPIError as refused:
        if len(asked) == 1:
            said = str(refused.orig).split("\n", maxsplit=1)[0]
            yield next(iter(asked)), [("refused", said)] * len(around.rows)
            return
        for index, one in asked.items():
            yield from _answers(connection, {index: one}, found, around)
        return
    at = 0
    for index, one in asked.items():
        yield index, [one.result(row[at : at + len(one.columns)]) for row in rows]
        at += len(one.columns)


# --- comparing -------------------------------------------------------------------------------------------------------


def same(wanted: object, got: object, *, digits: bool) -> bool:
    """Return whether two results are one; with `digits`, numbers to twelve of them."""
    if isinstance(wanted, tuple) and isinstance(got, tuple):
        return wanted[0] == ex.ERROR and got[0] in (ex.ERROR, "not in SQL")
    if isinstance(got, tuple) and got == ("not in SQL", "size"):
        return not isinstance(wanted, tuple)
    if digits and isinstance(wanted, Decimal) and isinstance(got, Decimal):
        return TWELVE_DIGITS.plus(wanted) == TWELVE_DIGITS.plus(got)
    return type(wanted) is type(got) and wanted == got


def by_itself(checked: Checked) -> bool:
    """Return whether the number is the very result of a function through doubles."""
    return isinstance(checked.node, Call) and through_doubles(checked.node.function)


def differences(engines: Sequence[Engine], trees: Sequence[Syntax], around: Surroundings) -> list[Difference]:
    """Return where an engine does not give what Python gives; of one expression and engine, the first row."""
    pairs = [(tree, checked) for tree in trees if (checked := checked_of(tree, around)) is not None]
    if not pairs:
        return []
    found = []
    wanted = [in_python(checked, around.rows, around.context) for _, checked in pairs]
    for (tree, _), results in zip(pairs, wanted, strict=True):
        raised = next((i for i, r in enumerate(results) if isinstance(r, tuple) and r[0] == "raised"), None)
        if raised is not None:
            found.append(Difference(tree, around, "python", results[raised], None, around.rows[raised]))
    for engine in engines:
        answers = in_database(engine, [checked for _, checked in pairs], around)
        for (tree, checked), expected, got in zip(pairs, wanted, answers, strict=True):
            digits = by_itself(checked)
            for row, a, b in zip(around.rows, expected, got, strict=True):
                if not (isinstance(a, tuple) and a[0] == "raised") and not same(a, b, digits=digits):
                    found.append(Difference(tree, around, engine.dialect.name, a, b, row))
                    break
    return found


def misfiltered(engines: Sequence[Engine], trees: Sequence[Syntax], around: Surroundings) -> list[Difference]:
    """Return which conditions, as filters of a query, do not keep just the rows for which Python says true; of one the first row."""
    found = []
    for tree in trees:
        checked = checked_of(tree, around, frozenset({ValueType.BOOLEAN}))
        if checked is None:
            continue
        wanted = [result is True for result in in_python(checked, around.rows, around.context)]
        for engine in engines:
            kept = _kept(engine, checked, around)
            for row, a, b in zip(around.rows, wanted, kept, strict=True):
                if a != b:
                    found.append(Difference(tree, around, f"{engine.dialect.name} as a filter", a, b, row))
                    break
    return found


def _kept(engine: Engine, checked: Checked, around: Surroundings) -> list[object]:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET statement_timeout = '{SECONDS}s'")
        table = ex.filled(connection, around.rows)
        try:
            test = condition(checked, ex.columns_of(table), dialect_of(engine.dialect.name), around.context)
            kept = set(connection.execution_options(compiled_cache=None).execute(select(table.c.row).where(test)).scalars())
        except NotInSql:
            return [result is True for result in in_python(checked, around.rows, around.context)]
        except DBAPIError as refused:
            return [("refused", str(refused.orig).split("\n", maxsplit=1)[0])] * len(around.rows)
        finally:
            connection.rollback()
    return [index in kept for index in range(len(around.rows))]


# --- making it smaller -----------------------------------------------------------------------------------------------

SIMPLE = (
    Constant(None, ValueType.NULL, NOWHERE),
    *(Constant(Decimal(n), ValueType.NUMBER, NOWHERE) for n in ("0", "1", "2")),
    *(Constant(t, ValueType.TEXT, NOWHERE) for t in ("", "a")),
    *(Constant(b, ValueType.BOOLEAN, NOWHERE) for b in (True, False)),
    Application("TODAY", (), NOWHERE, NOWHERE),
)
ATTEMPTS = 1_500


def smallest(difference: Difference, engines: Sequence[Engine]) -> Difference:
    """Return the difference with as little as possible around it: fewer nodes, one row, fewer values in it."""
    left = ATTEMPTS
    engine = [e for e in engines if e.dialect.name == difference.engine]

    def differs(tree: Syntax, around: Surroundings) -> Difference | None:
        nonlocal left
        left -= 1
        return next(iter(differences(engine, [tree], around)), None)

    by_row = (differs(difference.tree, replace(difference.surroundings, rows=[row])) for row in difference.surroundings.rows)
    smaller = next((found for found in by_row if found is not None), difference)
    improved = True
    while improved and left > 0:
        improved = False
        for tree in smaller_trees(smaller.tree):
            if left <= 0:
                break
            found = differs(tree, smaller.surroundings)
            if found is not None:
                smaller, improved = found, True
                break
    for name in smaller.row:
        rows = [{**smaller.row, name: None}]
        smaller = differs(smaller.tree, replace(smaller.surroundings, rows=rows)) or smaller
    return smaller


def weight(tree: Syntax) -> int:
    """Return the size of a tree: first its nodes, then what its constants hold."""
    total, todo = 0, [tree]
    while todo:
        node = todo.pop()
        todo += parts(node)
        total += 1_000
        if isinstance(node, Constant):
            total += SIMPLE.index(node) if node in SIMPLE else 20 + len(str(node.value))
        elif isinstance(node, Name):
            total += 15
    return total


def smaller_trees(tree: Syntax) -> Iterator[Syntax]:
    """Give the trees that are like `tree` with one part replaced by less, the boldest first."""
    for path, node in _places(tree):
        for instead in (*_below(node), *(s for s in SIMPLE if weight(s) < weight(node)), *_shorter(node)):
            yield _with(tree, path, instead)


def _places(tree: Syntax) -> list[tuple[tuple[int, ...], Syntax]]:
    """Return the nodes with the way to each, outer ones first."""
    found: list[tuple[tuple[int, ...], Syntax]] = [((), tree)]
    for path, node in found:
        found += [((*path, index), part) for index, part in enumerate(parts(node))]
    return found


def _below(node: Syntax) -> list[Syntax]:
    return [inner for path, inner in _places(node) if path]


def _shorter(node: Syntax) -> Iterator[Syntax]:
    """Give what the node is with an argument or two fewer, or with half its text."""
    match node:
        case Application(arguments=arguments):
            for count in (2, 1):
                for start in range(len(arguments) - count + 1):
                    yield replace(node, arguments=(*arguments[:start], *arguments[start + count :]))
        case Operation(operator="&&" | "||", operands=operands) if len(operands) > 2:
            for index in range(len(operands)):
                yield replace(node, operands=(*operands[:index], *operands[index + 1 :]))
        case Constant(value=str() as text) if len(text) > 1:
            half = len(text) // 2
            yield from (replace(node, value=part) for part in (text[:half], text[half:], text[1:], text[:-1]))
        case Constant(value=Decimal() as number):
            digits = format(number, "f")
            for shorter in (digits[: len(digits) // 2], digits[1:], digits[:-1]):
                with suppress(ArithmeticError):
                    if shorter.strip(".") == shorter:
                        yield replace(node, value=Decimal(shorter))


def _with(tree: Syntax, path: Sequence[int], instead: Syntax) -> Syntax:
    if not path:
        return instead
    inner = list(parts(tree))
    inner[path[0]] = _with(inner[path[0]], path[1:], instead)
    if isinstance(tree, Application):
        return replace(tree, arguments=tuple(inner))
    assert isinstance(tree, Operation)
    return replace(tree, operands=tuple(inner))


# --- telling ---------------------------------------------------------------------------------------------------------

CASE_TYPES = {
    ValueType.NUMBER: "number",
    ValueType.TEXT: "text",
    ValueType.PICKLIST: "picklist",
    ValueType.MULTIPICKLIST: "multi_picklist",
    ValueType.BOOLEAN: "checkbox",
    ValueType.DATE: "date",
    ValueType.DATETIME: "datetime",
    ValueType.TIME: "time",
    ValueType.ID: "lookup",
    ValueType.GEOLOCATION: "geolocation",
}


def as_case(difference: Difference) -> str:
    """Return the difference as a line of a case file, with Python's result as the expected one: to be judged before it is kept."""
    around = difference.surroundings
    checked = checked_of(difference.tree, around)
    assert checked is not None
    fields: dict[str, object] = {}
    values: dict[str, object] = {}
    for node in _field_refs(checked):
        name = ".".join(node.path)
        kind = "percent" if node.field.percent else CASE_TYPES[node.type]
        column = ex.FIELDS[name.lower()][1]
        more = {"precision": column.precision, "scale": column.scale} if isinstance(column, ExactNumber) else {}
        listed = {"values": list(node.field.picklist)} if node.field.picklist else {}
        fields[name] = {"type": kind, **more, **listed}
        values[name] = _written(difference.row.get(name), node.type)
    wanted = difference.python
    failed = isinstance(wanted, tuple) and wanted[:1] == ("error",)  # a multi-select picklist gives a tuple too
    result = {"error": wanted[1]} if failed else {"result": _written(wanted, checked.type)}
    return json.dumps(
        {
            "name": "",
            "formula": checked.source,
            "blanks": around.mode.value,
            "fields": fields,
            "context": {"now": f"{around.context.now:%Y-%m-%dT%H:%M:%SZ}", "zone": around.context.zone.key},
            "rows": [{"values": values, **result}],
        },
        ensure_ascii=False,
    )


def _field_refs(checked: Checked) -> Iterator[FieldRef]:
    todo = [checked.node]
    while todo:
        node = todo.pop()
        todo += children(node)
        if isinstance(node, FieldRef) and node.path in checked.reads:
            yield node


def _written(found: object, type_: ValueType) -> object:
    match found:
        case Decimal():
            return format(found, "f")
        case datetime():
            return f"{found.astimezone(UTC).isoformat()[:19]}Z"
        case date():
            return found.isoformat()
        case bool() | None | str():
            return found
        case int() if type_ is ValueType.TIME:
            return time_text(found)
        case tuple():
            return list(found)
    return repr(found)


def told(difference: Difference) -> str:
    """Return the lines that say what differs and with what."""
    around = difference.surroundings
    checked = checked_of(difference.tree, around)
    reads = sorted(".".join(path) for path in checked.reads) if checked is not None else []
    formulas = {name: field.formula.source for name, field in around.scope.formulas.items() if field.formula is not None}
    used = {name: source for name, source in formulas.items() if name in difference.source.lower()}
    return "\n".join(
        [
            f"  {difference.source}",
            *(f"  where {name} is {source}" for name, source in used.items()),
            f"  blanks: {around.mode.value}; now: {around.context.now}, zone: {around.context.zone}; known: {dict(around.context.globals)}",
            f"  row: { {name: difference.row.get(name) for name in reads} }"[:1_000],
            f"  Python: {difference.python!r:.300}",
            f"  {difference.engine}: {difference.got!r:.300}",
            *([f"  as a case: {as_case(difference)}"[:4_000]] if difference.engine != "python" else []),
        ]
    )
