"""Asking a process's expressions about its record, outside of a save.

Here: reading the values that expressions need, conditions and values of them, faults. Not here: the language (`rules`), saves
(`records/evaluation.py`).

A condition that fails is a fault, never false: the command is refused. Source: spec/workflow.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldstone.errors import Refused
from fieldstone.metadata.snapshot import Compiled
from fieldstone.records.evaluation import Evaluation, fault
from fieldstone.records.gate import Gate
from fieldstone.records.gate.sharing import Reader
from fieldstone.records.query import Reference
from fieldstone.rules import EvaluationError

USE = "approval"


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks and when, as an evaluation wants it."""

    asking: Reader
    now: datetime


class Conditions:
    """The expressions of one process, asked about one record as it is now. `asking` is whom `$User` means."""

    def __init__(self, gate: Gate, asking: Reader, object_name: str, record_id: str) -> None:
        self._gate = gate
        self._object = object_name
        self._record = record_id
        self._evaluation = Evaluation(_Asking(asking, gate.tx.now.replace(microsecond=0)))

    def true(self, source: str | None, place: str) -> bool:
        """Tell whether a condition holds; none given holds. Raises Refused (rule_fault) naming `place` if it cannot be evaluated."""
        return source is None or self.value(source, place) is True

    def value(self, source: str, place: str) -> Any:
        """Return what an expression gives, typed. Raises Refused (rule_fault)."""
        compiled = self._gate.snapshot.expression(source, self._object, USE)
        values = values_of(self._gate, self._object, self._record, [compiled])
        try:
            return self._evaluation.value_of(compiled, values)
        except EvaluationError as error:
            raise Refused(fault(place, compiled, error)) from error


def values_of(gate: Gate, object_name: str, record_id: str, expressions: Iterable[Compiled]) -> dict[str, Any]:
    """Return the values that `expressions` read of a record, by path, lookups as ids; one statement, none without a path."""
    paths = sorted({".".join(path) for each in expressions for path in each.reads if not path[0].startswith("$")})
    if not paths:
        return {}
    return by_path(gate.get(object_name, record_id, select=paths), paths)


def by_path(record: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Return what a read record holds at `paths` as expressions take it."""
    return {path: bare(record[path]) for path in paths if path in record}


def bare(value: Any) -> Any:
    """Return a value as expressions take it: a reference is its id."""
    return value.id if isinstance(value, Reference) else value
