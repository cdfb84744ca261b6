"""Compile a checked expression to a Python function: the authority on what it means.

Here: the pieces that entries write put together into one function; constants, null tests, places of errors.
Not here: what a function does (`functions/`), where a row comes from.

The generated text holds no word of the author: names are made up (`v0`, `t1`, `k2`), literals and field names stand in a tuple of
constants, builtins are empty, and only listed kinds of syntax nodes are let through to the compiler.
Source: spec/expressions.md, sections 4 to 6; spec/security.md, section 4.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation, Overflow
from functools import lru_cache
from types import NoneType
from typing import Any
from zoneinfo import ZoneInfo

from fieldstone.rules import bounds
from fieldstone.rules.check import from_context
from fieldstone.rules.decimals import ZERO
from fieldstone.rules.errors import Category, EvaluationError, Failure
from fieldstone.rules.functions.entry import NO_LITERAL, TEXT_LIKE, Blank, Code, Param, tallest
from fieldstone.rules.functions.record import fraction
from fieldstone.rules.tree import Call, Checked, FieldRef, Inlined, Literal, Node, Place, bottom_up, children, span_of
from fieldstone.rules.value_types import ValueType

Row = Mapping[str, object]
Compiled = Callable[[Row, "Context"], object]
LookUp = Callable[[str, str, str], object]  # (object, field, name of the record) -> value; None for no record, or more than one

SHAPES = 5_000  # generated texts that are kept compiled
LOCAL = re.compile(r"\bv[0-9]+\b")  # a local variable in generated text
TALLEST = 25  # pieces within pieces; Python's own parser gives up at 200 parentheses
NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What an evaluation knows besides the record. `now` is an aware UTC datetime, `today` the reader's day in `zone`."""

    now: datetime
    today: date
    zone: ZoneInfo
    globals: Mapping[str, object] = field(default_factory=lambda: NOTHING)  # by dotted name: {"$User.Id": ...}
    prior: Mapping[str, object] | None = None  # the row before this save; None outside of one
    is_new: bool = False
    is_clone: bool = False
    look_up: LookUp | None = None  # what VLOOKUP asks; None where it may not be asked

    def __post_init__(self) -> None:
        if self.now.microsecond:
            object.__setattr__(self, "now", self.now.replace(microsecond=0))

    @property
    def time(self) -> int:
        """The time of day in UTC, in milliseconds."""
        return ((self.now.hour * 60 + self.now.minute) * 60 + self.now.second) * 1000


def to_python(checked: Checked, *, part: bool = False) -> Compiled:
    """Return a function of a row and a context that gives the value of `checked`.

    A row maps dotted paths ("amount", "account.name") to values: Decimal, str, bool, date, aware UTC datetime in whole seconds,
    int milliseconds for a time, a tuple of API names for a multipicklist, points for a percent field; None or no key is blank.
    The result is of the same kinds: an unrounded Decimal for a number (a fraction for a percent), never blank for a boolean,
    unless `checked` is a `part` of an expression: what stands around it may tell a blank from false.
    Raises EvaluationError where evaluating is an error.
    """
    writer = Writer(checked)
    code = writer.measured(checked.node, bottom_up(checked.node, children, writer.visit))
    if part and code.type is ValueType.BOOLEAN and code.blank:
        return writer.function(code)
    return writer.function(_finished(writer, code))


class Blanks(dict[str, object]):
    """A row in which every field that is not there is blank."""

    def __missing__(self, key: str) -> None:
        return None


def _finished(writer: Writer, code: Code) -> Code:
    """Return the value in the form that callers know: no "" for a blank text, no None for a boolean, no negative zero."""
    match code.type:
        case ValueType.BOOLEAN if code.blank or code.loose:
            return code._replace(text=f"(not not {code.text})")
        case ValueType.TEXT | ValueType.ID | ValueType.PICKLIST if code.blank:
            return code._replace(text=f"({code.text} or None)")
        case ValueType.NUMBER if code.literal is NO_LITERAL:
            zero, exact = writer.constant(ZERO), writer.exact(code)
            name = writer.temporary()
            # Whatever is zero is the one zero: arithmetic knows a negative one, nobody else does.
            if code.blank:
                return code._replace(text=f"({name} if ({name} := {exact.text}) or {name} is None else {zero})")
            return code._replace(text=f"({exact.text} or {zero})")
    return code


class Writer:
    """One compilation: names, constants, and what every entry needs (`entry.PythonWriter`)."""

    def __init__(self, checked: Checked) -> None:
        self.source = checked.source
        self.zero = checked.zero
        self.constants: dict[str, object] = {}
        self._names: dict[object, str] = {}
        self._temporaries = 0
        self._outlined: list[str] = []
        self._locals: dict[str, str] = {}  # constant with a path → local variable that holds its value
        self._often = checked.reads_often if checked.depth <= TALLEST else frozenset()

    # --- names -------------------------------------------------------------------------------------------------------

    def constant(self, value: object) -> str:
        key = (type(value), str(value) if isinstance(value, Decimal) else value)  # 2 and 2.0 are equal, and written differently
        try:
            known = self._names.get(key)
        except TypeError:
            known = None
        if known is None:
            known = self._names[key] = f"k{len(self.constants)}"
            self.constants[known] = value
        return known

    def helper(self, function: Callable[..., Any], place: Place | None = None) -> str:
        if place is None:
            return self.constant(function)
        return self.constant(_located(function, EvaluationError, span_of(self.source, place)))

    def failing(self, category: Category, place: Place) -> str:
        span = span_of(self.source, place)

        def fail() -> None:
            raise EvaluationError(category.value, span)

        return f"{self.constant(fail)}()"

    def temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    # --- pieces ------------------------------------------------------------------------------------------------------

    def visit(self, node: Node, below: list[Code]) -> Code:
        if isinstance(node, Call) and not node.function.joins:
            below = [self.measured(child, code) for child, code in zip(node.arguments, below, strict=True)]
        code = self._written(node, below)
        if code.type in TEXT_LIKE and code.longest != (longest := self._longest(node, below)):
            code = code._replace(longest=longest)
        return self._outline(code) if code.height > TALLEST else code

    def _longest(self, node: Node, below: Sequence[Code]) -> int:
        match node:
            case Literal(value=str() as text):
                return len(text)
            case FieldRef(field=resolved):
                return resolved.length or bounds.SHORT_TEXT
            case Call(function=function):
                return function.longest_of([code.longest for code in below])
        return below[0].longest if below else 0

    def measured(self, node: Node, code: Code) -> Code:
        """Return a text that may be too long with the test whether it is. A chain of joined texts is tested once, at its end."""
        if code.longest <= bounds.TEXT_CHARACTERS or isinstance(node, FieldRef):
            return code
        fit = self.helper(not_too_long, node.place)
        text = f"{fit}({code.text})"
        return code._replace(text=text, simple=False, fails=True, longest=bounds.TEXT_CHARACTERS, height=code.height + 1)

    def _written(self, node: Node, below: list[Code]) -> Code:
        match node:
            case Literal(value=value, type=type_):
                return self._literal(value, type_)
            case FieldRef():
                return self._field(node)
            case Inlined(field=resolved):
                return self._filled(below[0], resolved.number_field, resolved.checkbox or node.type is ValueType.BOOLEAN)
            case Call():
                return self._call(node, below)

    def _literal(self, value: object, type_: ValueType) -> Code:
        if value is None or value is True or value is False:
            return Code(text=repr(value), type=type_, blank=value is None, simple=True, literal=value)
        return Code(text=self.constant(value), type=type_, blank=value == "", simple=True, literal=value)

    def _field(self, node: FieldRef) -> Code:
        resolved = node.field
        key = self.constant(".".join(node.path))
        if from_context(resolved):
            code = Code(text=f"c.globals.get({key})", type=node.type)
        elif node.path in self._often:
            code = Code(text=self._locals.setdefault(key, f"v{len(self._locals)}"), type=node.type, simple=True)
        else:
            code = Code(text=f"r[{key}]", type=node.type)
        if resolved.percent:
            helper = self.helper(fraction)
            code = Code(text=f"{helper}({code.text})", type=node.type)
        return self._filled(code, resolved.number_field, resolved.checkbox)

    def _filled(self, code: Code, number_field: bool, checkbox: bool) -> Code:
        """Return a field's value with blanks read as its type and the null mode want."""
        if code.literal is None:
            code = code._replace(literal=NO_LITERAL)  # a formula that is NULL: what it reads as may be something
        if checkbox:
            return code._replace(blank=False, loose=code.blank or code.loose)
        if not (number_field and self.zero and code.blank):
            return code
        zero = self.constant(ZERO)
        if not code.whole:
            return code._replace(text=f"({code.text} or {zero})", blank=False, simple=False, height=code.height + 1)
        return code._replace(text=f"({code.text} or 0)", blank=False, simple=False, height=code.height + 1)

    def _call(self, call: Call, arguments: Sequence[Code]) -> Code:
        function = call.function
        if function.write_python is not None:
            return function.write_python(self, call, arguments)
        ready = [self._argument(function.param(i), a) for i, a in enumerate(arguments)]
        result = Code(text="", type=call.type, blank=False, whole=function.whole, fails=bool(function.fails))
        inline = function.inline
        if inline is not None:
            write: Callable[[Sequence[str]], str] = lambda texts: inline(*texts)  # noqa: E731
        else:
            assert function.python is not None
            name = self.helper(function.python, call.place if function.fails else None)
            write = lambda texts: f"{name}({', '.join(texts)})"  # noqa: E731
        if function.blank is Blank.OWN:
            fails = result.fails or any(a.fails for a in arguments)
            text = write([a.text for a in ready])
            return result._replace(text=text, blank=not function.never_blank, fails=fails, height=tallest(arguments))
        code = self.guarded(ready, write, result)
        # A text function may come out empty; so may one that is given as Python and knows no None.
        return code._replace(blank=True) if call.type in TEXT_LIKE and not function.never_blank else code

    def _argument(self, param: Param, code: Code) -> Code:
        if ValueType.NUMBER not in param.types or code.type not in (ValueType.NUMBER, ValueType.NULL):
            return code
        return self.whole(code) if param.whole else self.exact(code)

    def whole(self, code: Code) -> Code:
        if code.whole or code.type is ValueType.NULL:
            return code
        if isinstance(code.literal, Decimal):
            value = int(code.literal)
            return code._replace(text=self.constant(value), whole=True, literal=value)
        helper = self.helper(int)
        return self.guarded((code,), lambda t: f"{helper}({t[0]})", Code(text="", type=code.type, blank=False, whole=True))

    def exact(self, code: Code) -> Code:
        if not code.whole:
            return code
        helper = self.helper(Decimal)
        return self.guarded((code,), lambda t: f"{helper}({t[0]})", Code(text="", type=code.type, blank=False))

    def alike(self, codes: Sequence[Code]) -> list[Code]:
        if any(c.whole for c in codes) and not all(c.whole for c in codes):
            return [self.exact(c) for c in codes]
        return [c._replace(text=f"(not not {c.text})", simple=False, loose=False) if c.loose and not c.blank else c for c in codes]

    def guarded(self, arguments: Sequence[Code], build: Callable[[Sequence[str]], str], result: Code) -> Code:
        if None in [code.literal for code in arguments]:
            return self._blank(arguments, result)
        texts, tests, kept = [], [], []
        in_order = self._must_all_run(arguments)
        blank, fails = result.blank, result.fails
        for code in arguments:
            blank, fails = blank or code.blank, fails or code.fails
            text = code.text
            if not code.simple and (code.blank or in_order):
                text = self.temporary()
                assigned = f"({text} := {code.text})"
                if in_order:
                    kept.append(assigned)
                else:
                    tests.append(code.filled(assigned))
            if code.blank and (code.simple or in_order):
                tests.append(code.filled(text))
            texts.append(text)
        if kept:
            tests.insert(0, f"({', '.join(kept)},)")
        built = build(texts)
        return result._replace(
            text=f"({built} if {' and '.join(dict.fromkeys(tests))} else None)" if tests else f"({built})",
            blank=blank,
            fails=fails,
            height=tallest(arguments),
        )

    @staticmethod
    def _blank(arguments: Sequence[Code], result: Code) -> Code:
        """Return the blank that comes of a blank constant, after the arguments that may fail."""
        failing = [code.text for code in arguments if code.fails]
        text = f"({', '.join(failing)}, None)[{len(failing)}]" if failing else "None"
        return result._replace(text=text, blank=True, fails=bool(failing), height=tallest(arguments))

    @staticmethod
    def _must_all_run(arguments: Sequence[Code]) -> bool:
        """Return whether a blank argument must not keep another one, which may fail, from being evaluated."""
        failing = [index for index, code in enumerate(arguments) if code.fails]
        if not failing:
            return False
        blanks = [index for index, code in enumerate(arguments) if code.blank]
        return bool(blanks) and failing != blanks[:1]

    def _outline(self, code: Code) -> Code:
        """Return `code` as the call of a function of its own, so that what stands around it nests no deeper."""
        name = f"g{len(self._outlined)}"
        used = set(LOCAL.findall(code.text))
        reads = "".join(f"  {local} = r[{key}]\n" for key, local in self._locals.items() if local in used)
        self._outlined.append(f" def {name}(r, c):\n{reads}  return {code.text}\n")
        return code._replace(text=f"{name}(r, c)", simple=False, height=1)

    # --- the function ------------------------------------------------------------------------------------------------

    def function(self, code: Code) -> Compiled:
        """Return the function that gives `code`."""
        reads = "".join(f"   {name} = r[{key}]\n" for key, name in self._locals.items())
        text = (
            f"def make({', '.join(('failed', *self.constants))}):\n"
            f"{''.join(self._outlined)}"
            f" def f(r, c):\n  try:\n{reads}   return {code.text}\n  except errors as e:\n   return failed(f, r, c, e)\n"
            f" return f\n"
        )
        made: Compiled = maker(text)(self._failed(), *self.constants.values())
        return made

    def _failed(self) -> Callable[..., object]:
        """Return what follows on an error that no function raised on purpose."""
        source = self.source

        def failed(function: Compiled, row: Row, context: Context, error: Exception) -> object:
            if not isinstance(error, KeyError):
                raise EvaluationError(Category.OUT_OF_RANGE.value, span_of(source, (0, len(source)))) from error
            if isinstance(row, Blanks):
                raise KeyError("a field that is blank is missing") from error
            # Evaluate again with blanks for what the row lacks: asking for every field first would cost every row.
            return function(Blanks(row), context)

        return failed


def not_too_long(text: str | None) -> str | None:
    """Return `text`. Raises Failure if it is longer than any expression may make one."""
    if text and len(text) > bounds.TEXT_CHARACTERS:
        raise Failure(Category.OUT_OF_RANGE)
    return text


# What generated code may name besides its constants.
GLOBALS: Mapping[str, object] = {
    "__builtins__": {},
    "errors": (KeyError, Overflow, OverflowError, InvalidOperation),  # a field that the row lacks; a number beyond all bounds
    "length": len,
    "space": " ",
    "nothing": "",
}


@lru_cache(maxsize=SHAPES)
def maker(text: str) -> Callable[..., Compiled]:
    """Return what makes a function of the constants: one for all expressions that differ in names and literals alone."""
    namespace: dict[str, Any] = {**GLOBALS}
    exec(compile(_only_listed(text), "<expression>", "exec"), namespace)  # noqa: S102
    maker: Callable[..., Compiled] = namespace["make"]
    return maker


def _located(function: Callable[..., Any], error: type[EvaluationError], span: Any) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Failure as failure:
            raise error(failure.category.value, span) from failure

    return call


# Kinds of syntax nodes that generated code may hold, and which parts of each hold further nodes.
LISTED: Mapping[type[ast.AST], tuple[str, ...]] = {
    kind: tuple(part for part in kind._fields if part not in ("ctx", "id", "attr", "arg", "kind", "name", "type_comment"))
    for kind in (
        ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.Return, ast.Try, ast.ExceptHandler, ast.Expr,
        ast.Name, ast.Tuple, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.Call, ast.Lambda, ast.IfExp, ast.BoolOp,
        ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.NamedExpr, ast.BinOp, ast.Add, ast.Sub, ast.Mod, ast.FloorDiv, ast.Compare,
        ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn,
    )
}  # fmt: skip
ATTRIBUTES = frozenset({
    "globals", "get", "prior", "is_new", "is_clone", "look_up", "today", "now", "time", "zone", "upper", "lower", "strip", "startswith",
    "year", "month", "day", "days", "isoweekday",
})  # fmt: skip


def _only_listed(text: str) -> ast.Module:
    """Return the syntax tree of generated text. Raises AssertionError, our bug, if it holds what no entry should write."""
    tree = ast.parse(text)
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        parts = LISTED.get(type(node))
        if parts is None or (type(node) is ast.Attribute and node.attr not in ATTRIBUTES):
            raise AssertionError(f"generated code holds {ast.dump(node)}")
        if type(node) is ast.Constant:
            if type(node.value) not in (int, bool, NoneType):
                raise AssertionError("generated code holds a literal")
            continue
        for part in parts:
            inner = getattr(node, part)
            if type(inner) is list:
                todo += inner
            elif inner is not None:
                todo.append(inner)
    return tree
