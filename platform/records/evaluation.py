"""Asking expressions about the records of a batch: one clock, one person, one zone for all of them.

Here: `Evaluation`, what is told where one fails, and `fit`, which turns the result of an expression into a value of a field.
Not here: the language (`rules`), which expressions there are (`steps/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.snapshot import Compiled
from fieldstone.records.gate.sharing import Reader
from fieldstone.rules import Context, EvaluationError, parse
from fieldstone.rules.decimals import WIDE, rounded
from fieldstone.rules.python import LookUp
from fieldstone.rules.tree import Application, Operation

NUMERIC = frozenset({"number", "currency", "percent"})
DIGITS = 18  # of a stored number, before and after the point


class Asking(Protocol):
    """What an evaluation takes from a batch."""

    @property
    def asking(self) -> Reader: ...

    @property
    def now(self) -> datetime: ...


class Evaluated(Protocol):
    """What an evaluation takes from an item."""

    image: dict[str, Any]
    prior: dict[str, Any] | None

    @property
    def is_clone(self) -> bool: ...


class Evaluation:
    """Evaluates expressions on records of one batch, or one draft. `look_up`: what VLOOKUP asks, where it may be asked."""

    def __init__(self, batch: Asking, look_up: LookUp | None = None) -> None:
        self.now = batch.now
        self.zone = batch.asking.principal.zone
        self.globals = batch.asking.globals
        self.look_up = look_up

    @cached_property
    def today(self) -> date:
        """The day of who saves."""
        return self.now.astimezone(self.zone).date()

    @cached_property
    def _plain(self) -> Context:
        return Context(now=self.now, today=self.today, zone=self.zone, globals=self.globals)

    @cached_property
    def _new(self) -> Context:
        return Context(now=self.now, today=self.today, zone=self.zone, globals=self.globals, is_new=True, look_up=self.look_up)

    @cached_property
    def _clone(self) -> Context:
        return replace(self._new, is_clone=True)

    def value(self, compiled: Compiled, item: Evaluated) -> Any:
        """Return the value of an expression for a record. Raises EvaluationError."""
        return compiled.python(item.image, self.context(item))

    def true(self, compiled: Compiled, item: Evaluated) -> bool:
        """Tell whether a condition holds for a record; blank counts as false. Raises EvaluationError."""
        return compiled.python(item.image, self.context(item)) is True

    def value_of(self, compiled: Compiled, values: Mapping[str, Any]) -> Any:
        """Return the value of an expression for plain values, outside of any save. Raises EvaluationError."""
        return compiled.python(values, self._plain)

    def true_of(self, compiled: Compiled, values: Mapping[str, Any]) -> bool:
        """Tell whether a condition holds for plain values, outside of any save. Raises EvaluationError."""
        return self.value_of(compiled, values) is True

    def context(self, item: Evaluated) -> Context:
        """Return what expressions know besides the record's values."""
        if item.prior is None:
            return self._clone if item.is_clone else self._new
        return Context(now=self.now, today=self.today, zone=self.zone, globals=self.globals, prior=item.prior, look_up=self.look_up)


def fault(place: object, compiled: Compiled, error: EvaluationError, **more: Any) -> Problem:
    """Return the problem (`rule_fault`) of an expression that cannot be evaluated: where it stands (a name, or texts by language), why,
    and the function or operator that failed with its line and column (spec/security.md, section 4). The expression itself is not told:
    it may name what the reader may not know of.
    """
    part = parse(compiled.source[error.span.start : error.span.end])
    function = part.name.upper() if isinstance(part, Application) else part.operator if isinstance(part, Operation) else ""
    at = {"function": function, "line": error.span.line, "column": error.span.column}
    return Problem(code="rule_fault", params={"place": place, "category": error.category, **at}, **more)


def fit(found: FieldDef, value: Any) -> Any:
    """Return the result of an expression as a value of `found`: rounded once, percent in points.

    Raises ValueError for a number with more digits than a field can hold, and for a formula's text that is longer than it says.
    """
    if value is None:
        return False if found.result_type == "checkbox" else None
    if found.result_type in NUMERIC:
        number = value if isinstance(value, Decimal) else Decimal(value)
        if found.result_type == "percent" and found.type != "roll_up":
            number = number.scaleb(2, WIDE)  # a fraction in expressions, points in fields
        fitted = rounded(number, found.scale or 0)
        if fitted.adjusted() + 1 + (found.scale or 0) > (found.precision or DIGITS):
            raise ValueError(f"{value} has more than {found.precision or DIGITS} digits")
        return fitted if fitted else abs(fitted)
    if isinstance(value, str) and found.type == "formula" and found.length is not None and len(value) > found.length:
        raise ValueError(f"a text of more than {found.length} characters")
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if isinstance(value, frozenset | set):
        return tuple(each.name for each in found.values if each.name in value)
    return value
