"""A formula field as people see it, for conditions that read it: they must not differ with where the platform keeps its value.

Here: a checked formula wrapped so that it can be expanded in an expression of another null mode and still gives what the field shows,
and blank where its reader may not see what it reads.
Not here: which expressions expand formulas as they are (the scope), values of fields that are stored (their columns).
Source: spec/expressions.md, sections 4 to 6; spec/metadata.md, section 4 "Stored or live".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import cache

from fieldstone.rules.check import Use, check, described
from fieldstone.rules.functions.entry import Function
from fieldstone.rules.functions.fitting import FITTING_NUMBER, FITTING_TEXT
from fieldstone.rules.scope import Resolved
from fieldstone.rules.tree import Call, Checked, FieldRef, Inlined, Literal, Node, bottom_up, children
from fieldstone.rules.value_types import ValueType


def as_shown(formula: Checked, *, before: int | None = None, scale: int | None = None, length: int | None = None) -> Checked:
    """Return `formula` as the field shows it, whatever the null mode around it: blank numbers as its own mode reads them, a number
    rounded to `scale` decimals (of a percent: those of the fraction), true or false and never neither, blank where it fails, has more
    than `before` digits before the point, or more than `length` characters.
    """
    node = _blanks_as_zero(formula.node) if formula.zero else formula.node
    fitting = before is not None and node.type is ValueType.NUMBER and not _fits(node, before)
    if node.type is ValueType.NUMBER and scale is not None and not _is_whole(node):
        node = _call("ROUND(0, 0)", node, _number(scale, node))
    if node.type is ValueType.BOOLEAN:
        node = _call("IFERROR(TRUE, FALSE)", _call("OR(TRUE)", node), Literal(False, ValueType.BOOLEAN, node.place))
    elif node.type is not ValueType.NULL:
        node = _call("IFERROR(NULL, NULL)", node, Literal(None, node.type, node.place))
    if fitting and before is not None:
        limit = Literal(Decimal(1).scaleb(before), ValueType.NUMBER, node.place)
        node = Call(FITTING_NUMBER, (node, limit), node.place, node.type)
    if length is not None and node.type is ValueType.TEXT:
        node = Call(FITTING_TEXT, (node, _number(length, node)), node.place, node.type)
    return described(formula.source, node, False, ())


def seen_only(formula: Checked, paths: Iterable[tuple[str, ...]]) -> Checked:
    """Return `formula`, blank unless what stands at every one of `paths` is true."""
    node = formula.node
    for path in sorted(paths, reverse=True):
        seen = FieldRef(Resolved(path=path, type=ValueType.BOOLEAN, own=False), node.place, ValueType.BOOLEAN)
        node = Call(_function("IF(TRUE, NULL, NULL)"), (seen, node, Literal(None, node.type, node.place)), node.place, node.type)
    return described(formula.source, node, False, ())


def _is_whole(node: Node) -> bool:
    """Tell whether a number never has decimals that rounding would take away."""
    return isinstance(node, Call) and node.function.whole


def _fits(node: Node, before: int) -> bool:
    """Tell whether a number never has more digits before the point, even rounded."""
    return isinstance(node, Call) and node.function.digits is not None and node.function.digits[0] < before


def _number(value: int, beside: Node) -> Literal:
    return Literal(Decimal(value), ValueType.NUMBER, beside.place)


def _blanks_as_zero(root: Node) -> Node:
    def visit(node: Node, inner: list[Node]) -> Node:
        match node:
            case Call():
                return replace(node, arguments=tuple(inner))
            case Inlined(field=resolved, place=place, type=type_):
                node = Inlined(resolved, inner[0], place, type_)
        if isinstance(node, FieldRef | Inlined) and node.field.number_field:
            return _call("BLANKVALUE(0, 0)", node, Literal(Decimal(0), ValueType.NUMBER, node.place))
        return node

    return bottom_up(root, children, visit)


def _call(like: str, *arguments: Node) -> Call:
    """Return a call of the function that `like` calls: whatever the types, it is the same entry."""
    return Call(_function(like), arguments, arguments[0].place, arguments[0].type)


class _NoNames:
    object_label = ""

    def resolve(self, name: str) -> Resolved | None:
        return None

    def lacking(self, name: str) -> tuple[str, str]:
        return name, self.object_label

    def nearest(self, name: str) -> str | None:
        return None


@cache
def _function(like: str) -> Function:
    node = check(like, _NoNames(), Use.FORMULA).node
    assert isinstance(node, Call)
    return node.function
