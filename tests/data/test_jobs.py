"""What a job keeps of a problem can be told later, in any language."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal as D
from types import MappingProxyType

import pytest

from fieldstone.data.jobs import as_json, of_json
from fieldstone.errors import Problem
from fieldstone.i18n.texts import word

STEEP = MappingProxyType({"en": "Too steep", "zh-Hans": "折扣过大"})


@pytest.mark.parametrize(
    "problem",
    [
        Problem(code="rule_fault", params={"place": STEEP, "category": "division_by_zero"}, rule="steep", field="discount"),
        Problem(code="validation_rule", message=STEEP, rule="steep", pointer="/discount"),
        Problem(code="too_long", params={"limit": 10, "count": 20}, field="note"),
        Problem(code="unknown_choice", params={"value": D("1.50"), "from": date(2026, 3, 1)}, suggestion="won"),
    ],
)
def test_a_kept_problem_is_told_in_the_same_words(problem: Problem) -> None:
    kept = of_json(json.loads(json.dumps(as_json(problem))))
    assert [word(kept, language) for language in ("en", "zh-Hans")] == [word(problem, language) for language in ("en", "zh-Hans")]
