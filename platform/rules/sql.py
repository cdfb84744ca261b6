"""Compile a checked expression to SQL, for sets of records.

Here: the pieces that entries write put together into one SQLAlchemy expression: value and error condition.
Not here: parsing and types (`check`), where a name is stored (the caller's `columns`), connections, permissions.

Every node becomes a pair, its value and the condition under which evaluating it is an error; the pair of the root is what callers
get. Parts that read no column are calculated here and now and go in as parameters, like all literals; text of the author never
becomes text of the statement. The pieces are plain text with markers for columns and parameters, put together flat: neither
SQLAlchemy nor anybody else recurses over them.
Source: spec/expressions.md, section 9. tests/properties/test_one_meaning.py keeps it equal to `to_python`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnClause, Label
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import Boolean, NullType, TypeEngine

from fieldstone.db.column_types import ExactNumber, UtcMoment, is_id
from fieldstone.rules import bounds, decimals
from fieldstone.rules.check import from_context
from fieldstone.rules.dialects import (
    POSTGRESQL_TYPES,
    SQLITE,
    Dialect,
    Program,
    ProgramNumber,
    digits_of,
    from_sqlite,
    is_uuid,
    result_type,
    scale_of,
    scaled_comparison,
    to_sqlite,
)
from fieldstone.rules.errors import EvaluationError, NotInSql
from fieldstone.rules.functions.entry import NO_LITERAL, TEXT_LIKE, Blank, Digits, Piece
from fieldstone.rules.functions.sql_texts import any_of, case_rules
from fieldstone.rules.python import Compiled, Context, to_python
from fieldstone.rules.tree import Call, Checked, FieldRef, Inlined, Literal, Node, bottom_up, children, span_of
from fieldstone.rules.value_types import TEXTS, ValueType

Columns = Mapping[str, ColumnElement[Any]]

DEEPEST = 8  # calls within calls that SQLite's parser stands, with room for the statement around them
OLDEST = (15,)  # PostgreSQL that we run on, for a statement that is written for no server
MOST_ARGUMENTS = 120  # of one function of SQLite
MARK = re.compile("\x00([0-9]+)\x00")
LATER = re.compile("\x01([vf])([0-9]+)\x01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """An expression as SQL: its value, safe to evaluate always, and when it is an error (None: never; NULL is no error)."""

    value: ColumnElement[Any]
    error: ColumnElement[bool] | None


def to_sql(checked: Checked, columns: Columns, dialect: Dialect, context: Context) -> Sql:
    """Return `checked` as SQL: its value, and the condition under which evaluating it is an error.

    `columns` maps each path that `checked` reads, dotted ("account.annual_revenue"), to its column with the platform's own column
    type; the joins are the caller's. `context` gives the clock and the globals, bound as parameters. Values are as those of
    `to_python`: a percent is its fraction, a number is exact and unrounded (on SQLite its digits as text: see `value`).
    Raises NotInSql, with the span of the call, for a function that only Python can do.
    """
    writer = Writer(checked, columns, dialect, context)
    piece = writer.piece()
    error = None if piece.error is None else writer.element(piece.error, Boolean())
    return Sql(value=writer.element(piece.text, result_type(checked.type, dialect)), error=error)


def condition(checked: Checked, columns: Columns, dialect: Dialect, context: Context, *, or_null: bool = False) -> ColumnElement[bool]:
    """Return a boolean `checked` as a condition that is never NULL: blank and error count as false.

    Plain comparisons of a column with a constant stay visible to the database, so that an index serves them. With `or_null` a
    blank may stay NULL: for those who only choose rows by it, where NULL chooses none and asking costs time for each row.
    """
    writer = Writer(checked, columns, dialect, context)
    piece = writer.piece()
    text = piece.text if or_null and piece.true is None else piece.truth()
    if piece.error is not None:
        text = f"({text} AND ({piece.error}) IS NOT TRUE)"
    return writer.element(text, Boolean())


def value(
    checked: Checked, columns: Columns, dialect: Dialect, context: Context, *, number: ExactNumber | None = None
) -> ColumnElement[Any]:
    """Return the value of `checked`, NULL where evaluating it is an error or its result is blank.

    `number` rounds a numeric result, half away from zero, to the digits of a column and gives it that column's type: what does
    not fit is NULL. Only so can SQLite sort and sum it.
    """
    writer = Writer(checked, columns, dialect, context)
    if number is not None and checked.type is ValueType.NUMBER:
        return writer.element(writer.fitted(number), number)
    piece = writer.piece()
    text = piece.truth() if checked.type is ValueType.BOOLEAN else piece.text
    if piece.error is not None:
        text = f"(CASE WHEN {piece.error} THEN NULL ELSE {text} END)"
    return writer.element(text, result_type(checked.type, dialect))


# --- one column expression of flat text ------------------------------------------------------------------------------


class Fragment(ColumnElement[Any]):
    """SQL text with markers, and what stands at each marker: columns and bound parameters."""

    __visit_name__ = "fieldstone_fragment"
    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own shape
        ("template", InternalTraversal.dp_string),
        ("elements", InternalTraversal.dp_clauseelement_tuple),
        ("type", InternalTraversal.dp_type),
    ]

    def __init__(self, template: str, elements: tuple[ColumnElement[Any], ...], type_: TypeEngine[Any]) -> None:
        self.template = template
        self.elements = elements
        self.type = type_

    @property
    def _from_objects(self) -> list[Any]:
        return [source for element in self.elements for source in element._from_objects]

    def self_group(self, against: Any = None) -> Fragment:
        return self  # the text stands in parentheses


@compiles(Fragment)
def _compile(fragment: Fragment, compiler: SQLCompiler, **options: Any) -> str:
    options.pop("add_to_result_map", None)
    options["within_columns_clause"] = False
    version = getattr(compiler.dialect, "server_version_info", None) or OLDEST
    parts = case_rules(fragment.template, version).split("\x00")
    for index in range(0, len(parts), 2):
        parts[index] = compiler.post_process_text(parts[index])  # type: ignore[no-untyped-call]
    for index in range(1, len(parts), 2):
        parts[index] = compiler.process(fragment.elements[int(parts[index])], **options)
    return "".join(parts)


# --- the compiler ----------------------------------------------------------------------------------------------------

# Functions of parts that read no row, compiled once: list filters with TODAY() are built again and again.
_folds: WeakKeyDictionary[Node, Compiled] = WeakKeyDictionary()


class Writer:
    """One compilation: parameters, columns, and what every entry needs (`entry.SqlWriter`)."""

    def __init__(self, checked: Checked, columns: Columns, dialect: Dialect, context: Context) -> None:
        if checked.sql_reason is not None:
            raise NotInSql(checked.sql_reason, span_of(checked.source, checked.node.place))
        self.checked = checked
        self.zero = checked.zero
        self.columns = columns
        self.dialect = dialect
        self.sqlite = dialect is SQLITE
        self.context = context
        self.elements: list[ColumnElement[Any]] = []
        self._paths: dict[str, str] = {}
        self._later: list[Node] = []  # parts that SQLite leaves to Python; made only if they are used
        self._arguments: Sequence[Piece] = ()
        self._lets = self._applied = 0
        self._fixed = _without_row(checked.node)

    def piece(self) -> Piece:
        root = self.checked.node
        return self._measured(root, bottom_up(root, self._below, self._visit))

    def element(self, text: str, type_: TypeEngine[Any]) -> Fragment:
        """Return finished text with its columns and parameters."""
        text = LATER.sub(self._made, text)
        if len(text) > bounds.SQL_CHARACTERS:
            raise NotInSql("size", span_of(self.checked.source, self.checked.node.place))
        used: dict[str, int] = {}
        template = MARK.sub(lambda mark: f"\x00{used.setdefault(mark[1], len(used))}\x00", f"({text})")
        return Fragment(template, tuple(self.elements[int(index)] for index in used), type_)

    def fitted(self, number: ExactNumber) -> str:
        """Return a numeric root rounded to a column's digits; NULL if it is an error or does not fit."""
        if self.sqlite:
            return self._call("fs_value", self.checked.node, lambda result: _stored(result, number))
        piece = self.piece()
        limit = f"1e{number.precision - number.scale}"
        text = self.apply(lambda x: f"(CASE WHEN abs({x}) < {limit} THEN {x} END)", [f"round({piece.text}, {number.scale})"])
        return text if piece.error is None else f"(CASE WHEN {piece.error} THEN NULL ELSE {text} END)"

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _below(self, node: Node) -> tuple[Node, ...]:
        return () if id(node) in self._fixed else children(node)

    def _visit(self, node: Node, below: list[Piece]) -> Piece:
        if id(node) in self._fixed:
            return self._folded(node)
        match node:
            case FieldRef(field=resolved):
                return self._field(node)._replace(longest=resolved.length or bounds.SHORT_TEXT)
            case Inlined():
                return self._inlined(node, below[0])
            case Call():
                if not node.function.joins:
                    below = [self._measured(child, piece) for child, piece in zip(node.arguments, below, strict=True)]
                self._arguments = below
                piece = self._written(node, below)
                if node.nothing:
                    # Of CASE among NULLs PostgreSQL makes a text.
                    blank = self.bind(None, node.type)
                    return blank if piece.error is None else blank._replace(error=piece.error, literal=NO_LITERAL)
                if node.function.role is not None and any(p.type is ValueType.NULL for p in below):
                    piece = self._cast(piece)
                if piece.type in TEXT_LIKE:
                    piece = piece._replace(longest=node.function.longest_of([p.longest for p in below]))
                if len(piece.text) + len(piece.error or "") > bounds.SQL_CHARACTERS:
                    raise NotInSql("size", span_of(self.checked.source, node.place))
                if not self.sqlite or piece.text.startswith("\x01"):
                    return piece
                weight = 1 + max((p.weight for p in below), default=0)
                return piece._replace(weight=weight) if weight <= DEEPEST else self.by_python(node)._replace(longest=piece.longest)
        raise AssertionError(node)

    def _measured(self, node: Node, piece: Piece) -> Piece:
        """Return a text that may be too long with the error if it is. A chain of joined texts is tested once, at its end."""
        if piece.longest <= bounds.TEXT_CHARACTERS or isinstance(node, FieldRef):
            return piece
        if self.sqlite:
            piece = self.by_python(node)
            error: str | None = piece.text.replace("\x01v", "(\x01f") + " = 1)"
        else:
            error = any_of(piece.error, f"(length({piece.text}) > {bounds.TEXT_CHARACTERS})")
        return piece._replace(error=error, longest=bounds.TEXT_CHARACTERS)

    def _cast(self, piece: Piece) -> Piece:
        """Return a result that may be made of NULLs alone, which PostgreSQL would take for texts."""
        type_ = POSTGRESQL_TYPES.get(piece.type)
        # In words: `::numeric` at the end says that an integer stands before it (`comparison`).
        return piece if self.sqlite or type_ is None else piece._replace(text=f"CAST({piece.text} AS {type_})", true=None)

    def _folded(self, node: Node) -> Piece:
        """Return what reads no row as the parameter that it is for this statement."""
        if isinstance(node, Literal):
            return self.bind(node.value, node.type)
        function = _folds.get(node)
        if function is None:
            # `zero` and the source are those of the whole; a node belongs to one expression.
            function = _folds[node] = to_python(replace(self.checked, node=node, type=node.type), part=True)
        try:
            return self.bind(function({}, self.context), node.type)
        except EvaluationError:
            return self.bind(None, node.type)._replace(error="(1 = 1)", literal=NO_LITERAL)

    def _field(self, node: FieldRef) -> Piece:
        resolved, type_ = node.field, node.type
        raw = self._column(node)
        stored = self.columns[".".join(node.path)].type
        plain = Piece(text=raw, type=type_, simple=True, column=Bare(raw, stored, resolved.percent))
        match type_:
            case ValueType.NUMBER:
                return self._number_field(node, plain, stored)
            case ValueType.BOOLEAN if resolved.checkbox:
                return plain._replace(text=f"COALESCE({raw}, FALSE)", blank=False, column=None)
            case ValueType.ID if is_uuid(stored) and not self.sqlite:
                return plain._replace(text=f"({raw})::text")
            case ValueType.TEXT | ValueType.PICKLIST | ValueType.ID:
                return plain._replace(text=f"NULLIF({raw}, '')")
            case ValueType.DATETIME if isinstance(stored, UtcMoment):
                return plain._replace(text=f"({raw} / 1000000)" if self.sqlite else f"date_trunc('second', {raw})", column=None)
        return plain

    def _number_field(self, node: FieldRef, plain: Piece, stored: TypeEngine[Any]) -> Piece:
        zero = node.field.number_field and self.zero
        if self.sqlite:
            piece = self.by_python(node)
            return piece._replace(blank=not zero, column=None if zero else plain.column)
        before, after = digits_of(stored)
        text = plain.text if isinstance(stored, ExactNumber) else f"({plain.text})::numeric"
        text, after = (f"({text} * 0.01)", after + 2) if node.field.percent else (text, after)
        plain = plain._replace(text=text, digits=(before, after))
        return plain._replace(text=f"COALESCE({text}, 0)", blank=False, column=None) if zero else plain

    def _inlined(self, node: Inlined, body: Piece) -> Piece:
        if node.type is ValueType.BOOLEAN:
            return body._replace(text=body.truth(), blank=False, true=None)
        if node.type is ValueType.NUMBER and self.sqlite:
            self._arguments = [body]
            return self.by_python(node)
        if node.field.number_field and self.zero and body.blank:
            return body._replace(text=f"COALESCE({body.text}, 0)", blank=False, simple=False, column=None, blank_on_error=False)
        return body

    def _written(self, call: Call, arguments: list[Piece]) -> Piece:
        function = call.function
        if self.sqlite and not function.on_sqlite and function.sqlite is None:
            return self.by_python(call)
        if function.write_sql is not None:
            return function.write_sql(self, call, arguments)
        template = function.sqlite if self.sqlite else function.sql
        assert template is not None, function.name
        ready = [self._argument(call, index, piece) for index, piece in enumerate(arguments)]
        error = self.apply(function.sql_error, ready) if function.sql_error is not None else None
        widest: Digits = max((p.digits[0] for p in ready), default=18), max((p.digits[1] for p in ready), default=20)
        return Piece(
            text=self.apply(template, ready),
            type=call.type,
            blank=not function.never_blank,
            digits=function.digits or widest,
            error=any_of(*(p.error for p in ready), error),
        )

    def _argument(self, call: Call, index: int, piece: Piece) -> Piece:
        param = call.function.param(index)
        if param.whole:
            return self.whole(piece)
        if call.function.blank is Blank.OWN and piece.type in TEXT_LIKE and piece.literal == "":
            return self.bind(None, piece.type)
        return piece

    # --- what entries ask for ----------------------------------------------------------------------------------------

    def bind(self, value: object, type_: ValueType) -> Piece:
        if value is None or value == "":
            cast = POSTGRESQL_TYPES.get(type_)
            text = f"NULL::{cast}" if cast is not None and not self.sqlite else "NULL"
            return Piece(text=text, type=type_, simple=True, literal=None, digits=(0, 0))
        if value is True or value is False:
            return Piece(text="TRUE" if value else "FALSE", type=type_, blank=False, simple=True, literal=value)
        if not self.sqlite:
            # psycopg takes a list for an array, a tuple for a row.
            text = f"({self._parameter(list(value) if isinstance(value, tuple) else value)}::{POSTGRESQL_TYPES[type_]})"
        else:
            text = self._parameter(to_sqlite(value))
        digits = _digits(value) if isinstance(value, Decimal) else (18, 0)
        longest = len(value) if isinstance(value, str) else 0
        return Piece(text=text, type=type_, blank=False, simple=True, literal=value, digits=digits, longest=longest)

    def zone(self) -> Piece:
        return self.bind(self.context.zone.key, ValueType.TEXT)

    def apply(self, template: Callable[..., str], arguments: Sequence[Piece | str]) -> str:
        texts = [a if isinstance(a, str) else a.text for a in arguments]
        # Templates may apply others: each has stand-ins of its own.
        self._applied += 1
        stand_ins = [f"\x02{self._applied}.{index}\x02" for index in range(len(texts))]
        written = template(*stand_ins)
        kept: list[str] = []
        for index, argument in enumerate(arguments):
            stand_in, text = stand_ins[index], texts[index]
            simple = isinstance(argument, Piece) and argument.simple
            if written.count(stand_in) > 1 and not simple and not self.sqlite:
                name = f"x{index}"
                kept.append(f"{text} AS {name}")
                text = f"l{self._lets}.{name}"
            written = written.replace(stand_in, text)
        if not kept:
            return written
        # OFFSET 0 keeps PostgreSQL from pulling the inner query up, which would compute its columns at each place that names them.
        self._lets += 1
        inner = f"SELECT {', '.join(kept)} OFFSET 0"
        return f"(SELECT {written} FROM ({inner}) AS l{self._lets - 1})"  # noqa: S608 - of entries' own text and markers

    def whole(self, piece: Piece) -> Piece:
        if isinstance(piece.literal, Decimal):
            number = max(-2_000_000_000, min(2_000_000_000, int(piece.literal)))
            return piece._replace(text=f"({self._parameter(number)}::int)")
        if piece.literal is None:
            return piece._replace(text="NULL::int")
        text = self.apply(
            lambda n: (
                f"(CASE WHEN abs({n}) < 2000000000 THEN trunc({n}) WHEN {n} < 0 THEN -2000000000 WHEN {n} > 0 THEN 2000000000 END)::int"
            ),
            [piece],
        )
        return piece._replace(text=text, simple=False, column=None)

    def rounded(self, text: str, digits: Digits, significant: int) -> str:
        if sum(digits) <= significant:
            return text

        def template(x: str) -> str:
            zeros = f"COALESCE(length(substring(abs({x})::text FROM '^0[.](0*)')), 0)"
            size = f"CASE WHEN abs({x}) >= 1 THEN length(trunc(abs({x}))::text) ELSE -{zeros} END"
            return f"round({x}, LEAST({significant} - ({size}), 1038))"

        return self.apply(template, [text])

    def plain_comparison(self, operator: str, left: Piece, right: Piece) -> Piece | None:
        bare = left.column
        if not isinstance(bare, Bare) or left.type in TEXTS or left.type is ValueType.BOOLEAN:
            return None
        result = Piece(text="", type=ValueType.BOOLEAN, error=right.error)
        if right.literal is None:
            return result._replace(text=self.bind(None, ValueType.BOOLEAN).text, true="(1 = 0)")
        if right.literal is NO_LITERAL:
            other = right.column
            same = isinstance(other, Bare) and scale_of(bare.type) == scale_of(other.type) and bare.percent == other.percent
            if not same or not self.sqlite or left.type is not ValueType.NUMBER:
                return None
            return result._replace(text=f"({bare.text} {operator} {other.text})")
        if left.type is not ValueType.NUMBER:
            test = f"{bare.text} {operator} {right.text}"
        else:
            assert isinstance(right.literal, Decimal)
            number = right.literal.scaleb(2, decimals.WIDE) if bare.percent else right.literal
            if not self.sqlite:
                test = f"{bare.text} {operator} {self.bind(number, ValueType.NUMBER).text}"
            else:
                meant = scaled_comparison(operator, number, scale_of(bare.type))
                if isinstance(meant, bool):
                    always = "1 = 1" if meant else "1 = 0"
                    return result._replace(
                        text=f"(CASE WHEN {bare.text} IS NOT NULL THEN {always} END)",
                        true=f"({bare.text} IS NOT NULL AND {always})",
                    )
                test = f"{bare.text} {meant[0]} {self._parameter(meant[1])}"
        return result._replace(text=f"({test})", true=f"({test} AND {bare.text} IS NOT NULL)")

    def plain_text_equality(self, left: Piece, right: Piece, *, equal: bool) -> str | None:
        bare, other = left.column, right.column
        if not isinstance(bare, Bare):
            return None
        uuid = is_uuid(bare.type) and not self.sqlite
        if right.literal is NO_LITERAL:
            if uuid and isinstance(other, Bare) and is_uuid(other.type):
                return f"({bare.text} IS {'NOT ' if equal else ''}DISTINCT FROM {other.text})"
            return None
        if not right.literal:
            nothing = f"{bare.text} IS NULL" if uuid else f"({bare.text} IS NULL OR {bare.text} = '')"
            return f"({nothing})" if equal else f"(NOT ({nothing}))"
        if not equal:
            return None
        if uuid:
            if not is_id(right.literal):
                return "(1 = 0)"
            return f"({bare.text} = {self._parameter(right.literal)}::uuid AND {bare.text} IS NOT NULL)"
        return f"({bare.text} = {right.text} AND {bare.text} IS NOT NULL)"

    def plain_choice(self, column: Piece, values: Sequence[Piece]) -> str | None:
        bare = column.column
        if not isinstance(bare, Bare) or any(v.literal is NO_LITERAL for v in values) or column.type is ValueType.BOOLEAN:
            return None
        wanted = [v for v in values if v.literal is not None]
        if column.type is ValueType.NUMBER:
            texts = self._scaled(bare, wanted)
        elif is_uuid(bare.type) and not self.sqlite:
            texts = [f"{self._parameter(v.literal)}::uuid" for v in wanted if is_id(v.literal)]
        else:
            texts = [v.text for v in wanted]
        if not texts:
            return "(1 = 0)"
        return f"({bare.text} IN ({', '.join(texts)}) AND {bare.text} IS NOT NULL)"

    def _scaled(self, bare: Bare, values: Sequence[Piece]) -> list[str]:
        texts = []
        for piece in values:
            assert isinstance(piece.literal, Decimal)
            number = piece.literal.scaleb(2, decimals.WIDE) if bare.percent else piece.literal
            if not self.sqlite:
                texts.append(self.bind(number, ValueType.NUMBER).text)
            else:
                meant = scaled_comparison("=", number, scale_of(bare.type))
                if not isinstance(meant, bool):
                    texts.append(self._parameter(meant[1]))
        return texts

    def by_python(self, call: Node) -> Piece:
        number = len(self._later)
        self._later.append(call)
        piece = Piece(text=f"\x01v{number}\x01", type=call.type)
        if call.type is ValueType.NUMBER:
            piece = piece._replace(digits=self._size(call))
        return piece._replace(error=f"(\x01f{number}\x01 = 1)") if self._may_fail(call, piece) else piece

    def _may_fail(self, node: Node, piece: Piece) -> bool:
        if isinstance(node, FieldRef):
            return False
        if isinstance(node, Call) and (node.function.fails or (node.function.size is not None and piece.digits[0] > 1000)):
            return True
        return any(p.error is not None for p in self._arguments)

    def _size(self, node: Node) -> Digits:
        """Return the bound of a number that Python calculates; the widest there is for what may fail."""
        if isinstance(node, FieldRef):
            return digits_of(self.columns[".".join(node.path)].type)
        given = [p.digits for p in self._arguments if p.type is ValueType.NUMBER]
        if isinstance(node, Call):
            if node.function.size is not None and len(given) == 2:
                before, after = node.function.size(*given)
                return min(before, 1001), min(after, 1038)
            if node.function.fails:
                return 1001, 1038
            if node.function.digits is not None:
                return node.function.digits
        return max((before for before, _ in given), default=18), max((after for _, after in given), default=20)

    # --- columns, parameters, programs -------------------------------------------------------------------------------

    def _column(self, node: FieldRef) -> str:
        path = ".".join(node.path)
        if path not in self._paths:
            column = self.columns[path]
            if isinstance(column, Label):
                column = column.element
            mark = self._mark(column)
            self._paths[path] = mark if isinstance(column, ColumnClause) else f"({mark})"
        return self._paths[path]

    def _parameter(self, value: object) -> str:
        return self._mark(bindparam("rule", value, unique=True, type_=NullType()))

    def _mark(self, element: ColumnElement[Any]) -> str:
        self.elements.append(element)
        return f"\x00{len(self.elements) - 1}\x00"

    def _made(self, later: re.Match[str]) -> str:
        return self._call("fs_value" if later[1] == "v" else "fs_failed", self._later[int(later[2])], to_sqlite)

    def _call(self, name: str, node: Node, encode: Callable[[Any], Any]) -> str:
        """Return the call of a registered function that evaluates `node` in Python."""
        fields = _fields(node)
        if len(fields) > MOST_ARGUMENTS:
            raise NotInSql("size", span_of(self.checked.source, node.place))
        function = _folds.get(node)
        if function is None:
            function = _folds[node] = to_python(replace(self.checked, node=node, type=node.type), part=True)
        program = Program(
            function=function,
            context=self.context,
            keys=tuple(fields),
            decoders=tuple(from_sqlite(field.type, self.columns[path].type) for path, field in fields.items()),
            encode=encode,
        )
        arguments = [self._parameter(ProgramNumber.of(program)), *(self._column(field) for field in fields.values())]
        return f"{name}({', '.join(arguments)})"


@dataclass(frozen=True, slots=True)
class Bare:
    """A column as it is stored."""

    text: str
    type: TypeEngine[Any]
    percent: bool


def _stored(result: object, number: ExactNumber) -> int | None:
    """Return a numeric result as SQLite stores it in a column of these digits, None if it does not fit."""
    if not isinstance(result, Decimal):
        return None
    whole = int(decimals.rounded(result, number.scale).scaleb(number.scale, decimals.WIDE))
    return whole if abs(whole) < 10**number.precision else None


def _digits(number: Decimal) -> tuple[int, int]:
    """Return the digits of a number before and after the point."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    return max(len(digits) + exponent, 0), max(-exponent, 0)


def _fields(root: Node) -> dict[str, FieldRef]:
    """Return what `root` reads from the row, by dotted path."""
    found: dict[str, FieldRef] = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, FieldRef) and not from_context(node.field):
            found.setdefault(".".join(node.path), node)
        todo.extend(children(node))
    return found


def _without_row(root: Node) -> frozenset[int]:
    """Return the ids of the nodes whose value is the same for all rows."""
    fixed: set[int] = set()

    def visit(node: Node, below: list[bool]) -> bool:
        same = from_context(node.field) if isinstance(node, FieldRef) else all(below)
        if same:
            fixed.add(id(node))
        return same

    bottom_up(root, children, visit)
    return frozenset(fixed)
