"""What a case says of fields also holds with their values written into the formula, where the compiler knows more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from fieldstone.rules.case_runs import run
from fieldstone.rules.cases import Case, CaseField, load
from fieldstone.rules.check import Blanks
from fieldstone.rules.decimals import plain
from fieldstone.rules.functions.written import time_text
from fieldstone.rules.reads import mentions
from fieldstone.rules.value_types import ValueType

FILES = sorted((Path(__file__).parents[1] / "cases" / "expressions").glob("*.jsonl"))
# A pattern that is wrong is told before anything runs when it stands in the formula; a save is asked about fields only.
OTHERWISE = ("REGEX", "ISCHANGED", "PRIORVALUE")


def written(described: CaseField, value: object, blanks: Blanks) -> str | None:
    """Return an expression that gives `value`, None where there is none."""
    match described.value_type, value:
        case ValueType.NUMBER, None:
            return "0" if blanks is Blanks.ZERO else 'VALUE("")'
        case ValueType.NUMBER, Decimal() as number:
            return f"({plain(number.scaleb(-2) if described.type == 'percent' else number)})"
        case ValueType.TEXT, str() as text if text and not set(text) & set("\r\n"):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case ValueType.TEXT, None | "":
            return 'TRIM("")'
        case ValueType.BOOLEAN, _:
            return "TRUE" if value else "FALSE"
        case ValueType.DATE, date() | None:
            return f'DATEVALUE("{value or ""}")'
        case ValueType.DATETIME, datetime() | None:
            return f'DATETIMEVALUE("{value.replace(tzinfo=None) if isinstance(value, datetime) else ""}")'
        case ValueType.TIME, int() | None:
            return f'TIMEVALUE("{time_text(value) if isinstance(value, int) else ""}")'
    return None


def with_values(one: Case) -> Iterator[Case]:
    """Yield the case of each row with all values in the formula."""
    uses = mentions(one.formula)
    names = {name.lower(): name for name, described in one.fields.items() if described.formula is None}
    if not all(use.name.lower() in names for use in uses) or any(word in one.formula.upper() for word in OTHERWISE):
        return
    for row in one.rows:
        formula: str | None = one.formula
        for use in reversed(uses):
            name = names[use.name.lower()]
            value = written(one.fields[name], row.values.get(name), one.blanks)
            start, end = use.place
            formula = None if formula is None or value is None else formula[:start] + value + formula[end:]
        # What is at the limit already becomes too long, or, below, too deep.
        if row.outcome != "problem" and formula is not None and len(formula) < 2_000:
            yield replace(one, formula=formula, rows=(replace(row, values={}),), fields={})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_values_in_the_formula_give_what_fields_give(file: Path) -> None:
    cases = [literal for one in load(file.read_bytes()) for literal in with_values(one)]
    wrong = [(one.formula, r.got, r.error, r.problem, r.expected) for one, r in zip(cases, run(cases), strict=True) if not r.ok]
    assert [each for each in wrong if each[3] != "expression_too_deep"] == []
