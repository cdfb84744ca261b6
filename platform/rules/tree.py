"""The two trees of an expression: as it was written, and as it was understood.

Here: the frozen nodes of both, `Checked`, and the walk that both compilers use.
Not here: how a text becomes nodes (`parse`), what nodes mean (`check`, `functions/`).

Nobody recurses over a tree: a chain of a thousand `+` is a thousand levels deep. `bottom_up` walks with its own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from fieldstone.errors import Problem, Span
from fieldstone.rules.value_types import ValueType

if TYPE_CHECKING:
    from fieldstone.rules.functions.entry import Function
    from fieldstone.rules.scope import Resolved

Place = tuple[int, int]  # where a node stands in its source: first character, and the one after its last


def span_of(source: str, place: Place) -> Span:
    """Return `place` in `source` with its line and column, both from 1."""
    start, end = place
    before = source[:start]
    line = before.count("\n") + 1
    return Span(start=start, end=end, line=line, column=start - (before.rfind("\n") + 1) + 1)


# --- as it was written -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A number, a text, TRUE, FALSE or NULL; numbers keep the digits they were written with."""

    value: object
    type: ValueType
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A field, a path through parents, or a global."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operator with one operand (prefix) or two. `&&` and `||` chains are one operation with all their operands."""

    operator: str
    operands: tuple[Syntax, ...]
    place: Place
    operator_place: Place
    in_parentheses: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """A function's name and its arguments."""

    name: str
    arguments: tuple[Syntax, ...]
    place: Place
    name_place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """Where something should have been; the problem has been told."""

    place: Place


Syntax = Constant | Name | Operation | Application | Missing


# --- as it was understood --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Literal:
    """A constant: Decimal, str, bool or None."""

    value: object
    type: ValueType
    place: Place


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class FieldRef:
    """The value of a path, read from the row (or from the context, for what depends on the user)."""

    field: Resolved
    place: Place
    type: ValueType

    @property
    def path(self) -> tuple[str, ...]:
        return self.field.path


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Inlined:
    """A formula field in the place where it is read: its own tree, with its paths as seen from here."""

    field: Resolved
    body: Node
    place: Place
    type: ValueType


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Call:
    """A function or operator, chosen among those of its name by the types of its arguments."""

    function: Function
    arguments: tuple[Node, ...]
    place: Place
    type: ValueType
    nothing: bool = False  # of NULLs alone: blank whatever the row holds, if it is no error; `type` is that of its place


Node = Literal | FieldRef | Inlined | Call


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Call(arguments=arguments):
            return arguments
        case Inlined(body=body):
            return (body,)
    return ()


def parts(syntax: Syntax) -> tuple[Syntax, ...]:
    match syntax:
        case Operation(operands=operands):
            return operands
        case Application(arguments=arguments):
            return arguments
    return ()


N = TypeVar("N")
R = TypeVar("R")


def bottom_up(root: N, below: Callable[[N], Sequence[N]], visit: Callable[[N, list[R]], R]) -> R:
    """Return `visit(root, results)`, where `results` are those of the nodes below, made the same way, left to right."""
    order: list[tuple[N, int]] = []  # each node before those below it, the last of them first; and how many they are
    todo = [root]
    while todo:
        node = todo.pop()
        inner = below(node)
        order.append((node, len(inner)))
        todo += inner
    results: list[R] = []
    for node, count in reversed(order):
        made: list[R] = []
        if count:
            made = results[-count:]
            del results[-count:]
        results.append(visit(node, made))
    return results[0]


def rebased(node: Node, prefix: tuple[str, ...], place: Place) -> Node:
    """Return `node` as seen from a record that reaches it through `prefix`; all of it stands at `place` of the outer source."""

    def move(node: Node, inner: list[Node]) -> Node:
        match node:
            case FieldRef(field=resolved):
                if prefix and not resolved.user_dependent and not resolved.path[0].startswith("$"):
                    resolved = replace(resolved, path=prefix + resolved.path, own=False)
                return FieldRef(resolved, place, node.type)
            case Inlined(field=resolved):
                return Inlined(replace(resolved, path=prefix + resolved.path), inner[0], place, node.type)
            case Call():
                return replace(node, arguments=tuple(inner), place=place)
        return Literal(node.value, node.type, place)

    return bottom_up(node, children, move)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """An expression that means something: what both compilers take."""

    source: str
    node: Node
    type: ValueType
    zero: bool  # null mode: blank number fields read as 0
    reads: frozenset[tuple[str, ...]]  # paths whose values it needs, those inside formula fields included
    reads_often: frozenset[tuple[str, ...]]  # those of them that stand there more than once
    names: frozenset[tuple[str, ...]]  # what it names itself, formula fields as such
    user_dependent: bool  # reads $User and the like: neither stored nor indexed
    uses_now: bool  # reads the clock
    record_change: bool  # asks what the save changes
    fails: bool  # names a function that may end in an error
    markup: bool  # its text holds HTML of HYPERLINK, IMAGE or BR: sanitize it, then show it as such
    sql: bool  # can be compiled to SQL
    sql_reason: str | None  # name of the function that only Python can do
    size: int  # nodes, those of formula fields included
    depth: int
    warnings: tuple[Problem, ...] = field(default=())
