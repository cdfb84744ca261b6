"""Approvals from end to end, on both databases."""

from __future__ import annotations

import pytest

from fieldstone.errors import NotAllowed, NotVisible, Refused


def code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.problems[0].code


def test_one_approval_suffices_for_a_small_discount(company):
    firm = company()
    quote = firm.quote("15")
    instance = firm.submit(quote, comment="please")
    assert firm.state(quote) == ("running", "in_approval")
    assert [task.node for task in firm.tasks("bob")] == ["manager"]
    done = firm.decide("bob")
    assert done.state == "approved"
    assert firm.state(quote) == ("approved", "approved")
    assert firm.history(instance) == ["submitted", "entered", "approved", "branched", "finished"]
    assert firm.tasks("bob") == []
