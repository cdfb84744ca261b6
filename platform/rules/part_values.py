"""The value of each part of an expression for one record: what an editor shows of the part that one points at.

Here: which parts an evaluation reaches, and the value or error of each.
Not here: what a part means (`python`, which is asked once a part: for one record in an editor, never in a save), values in words.
Source: spec/expressions.md, section 6 "Evaluation order".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from fieldstone.rules.errors import EvaluationError
from fieldstone.rules.functions import FUNCTIONS
from fieldstone.rules.python import Context, Row, to_python
from fieldstone.rules.tree import Call, Checked, Literal, Node, Place, bottom_up, children
from fieldstone.rules.value_types import ValueType

WORK = 5_000  # nodes compiled in all; of an expression beyond it the largest parts are left out, but for the whole
BRANCHES = frozenset({"AND", "OR", "IF", "IFS", "CASE", "IFERROR", "BLANKVALUE", "NULLVALUE"})  # which do not evaluate all arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A field or a call of an expression. `value` is as `to_python` gives it, but a condition may be blank.

    `error` is the category of what evaluating it fails with, `failed` where; a part that is not `evaluated` has neither.
    """

    place: Place
    type: ValueType
    value: object = None
    error: str | None = None
    failed: Place | None = None
    evaluated: bool = True


def part_values(checked: Checked, row: Row, context: Context) -> tuple[Part, ...]:
    """Return every part of an expression with its value for a record, outer parts before those inside.

    `row` and `context` are those of `to_python`. Constants are left out, and so is what stands inside a formula field.
    """
    return tuple(_Trace(checked, row, context).parts())


class _Trace:
    """One record's evaluation, part by part."""

    def __init__(self, checked: Checked, row: Row, context: Context) -> None:
        self.checked, self.row, self.context = checked, row, context
        self.sizes: dict[Node, int] = {}
        bottom_up(checked.node, children, self._measured)
        self.told = self._affordable()
        self.known: dict[Node, Part] = {}

    def _measured(self, node: Node, below: list[int]) -> int:
        self.sizes[node] = 1 + sum(below)
        return self.sizes[node]

    def _affordable(self) -> frozenset[Node]:
        """Return the whole and, from the smallest on, the parts that the work allows for."""
        work, found = self.sizes[self.checked.node], {self.checked.node}
        for node, size in sorted(self.sizes.items(), key=lambda item: item[1]):
            work += size
            if work > WORK:
                break
            found.add(node)
        return frozenset(found)

    def parts(self) -> Iterator[Part]:
        """Yield the parts, outer ones first."""
        todo: list[tuple[Node, bool]] = [(self.checked.node, True)]
        for node, reached in todo:
            if isinstance(node, Literal):
                continue
            if node in self.told:
                yield self.part(node) if reached else Part(place=node.place, type=node.type, evaluated=False)
            elif isinstance(node, Call) and node.function.name in BRANCHES:
                continue
            if isinstance(node, Call):
                inside = self.reached(node) if reached else frozenset()
                below = [(child, index in inside) for index, child in enumerate(node.arguments)]
                todo += [each for each in below if each[0].place != node.place]  # what a field is made of stands where it stands

    def part(self, node: Node) -> Part:
        """Return a part that is evaluated."""
        if node not in self.known:
            part = Part(place=node.place, type=node.type)
            try:
                part = replace(part, value=self.value(node))
            except EvaluationError as error:
                part = replace(part, error=error.category, failed=(error.span.start, error.span.end))
            self.known[node] = part
        return self.known[node]

    def value(self, node: Node) -> object:
        value = to_python(replace(self.checked, node=node, type=node.type))(self.row, self.context)
        if value is False and isinstance(node, Call):  # a whole formula never gives a blank condition, a part of one may
            asked = Call(FUNCTIONS["ISBLANK"][0], (node,), node.place, ValueType.BOOLEAN)
            return None if to_python(replace(self.checked, node=asked, type=asked.type))(self.row, self.context) else False
        return value

    # --- which arguments are evaluated -------------------------------------------------------------------------------

    def reached(self, call: Call) -> frozenset[int]:
        """Return the arguments that evaluating a call evaluates, by index."""
        match call.function.name:
            case "AND" | "OR":
                return self._until(call, call.function.name == "OR")
            case "IF" | "IFS":
                return self._branches(call)
            case "CASE":
                return self._case(call)
            case "IFERROR":
                return frozenset((0, 1) if self.part(call.arguments[0]).error else (0,))
            case "BLANKVALUE" | "NULLVALUE":
                first = self.part(call.arguments[0])
                return frozenset((0, 1) if first.error is None and first.value is None else (0,))
        return frozenset(range(len(call.arguments)))

    def _until(self, call: Call, deciding: bool) -> frozenset[int]:
        for index, argument in enumerate(call.arguments):
            part = self.part(argument)
            if part.error or (part.value is True) is deciding:
                return frozenset(range(index + 1))
        return frozenset(range(len(call.arguments)))

    def _branches(self, call: Call) -> frozenset[int]:
        last = len(call.arguments) - 1
        asked = set()
        for index in range(0, last, 2):
            part = self.part(call.arguments[index])
            asked.add(index)
            if part.error:
                return frozenset(asked)
            if part.value is True:
                return frozenset(asked | {index + 1})
        return frozenset(asked | {last})

    def _case(self, call: Call) -> frozenset[int]:
        """Ask the same CASE with numbers for its results which branch it takes."""
        last = len(call.arguments) - 1
        numbered = tuple(self._number(index) if self._is_result(index, last) else each for index, each in enumerate(call.arguments))
        taken = self.part(Call(call.function, numbered, call.place, ValueType.NUMBER))
        if taken.error:
            return frozenset(index for index in range(last) if not self._is_result(index, last))
        branch = int(str(taken.value))
        return frozenset({0, branch, *range(1, last if branch == last else branch, 2)})

    @staticmethod
    def _is_result(index: int, last: int) -> bool:
        return index == last or (index > 0 and index % 2 == 0)

    @staticmethod
    def _number(index: int) -> Literal:
        return Literal(Decimal(index), ValueType.NUMBER, (0, 0))
