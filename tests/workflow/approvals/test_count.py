"""The count of votes is the specification's formula."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.workflow.approvals.count import count
from fieldstone.workflow.approvals.states import Task, TaskState, Verdict

A, R, W, B = TaskState.APPROVED, TaskState.REJECTED, TaskState.OPEN, TaskState.ABSTAINED
YES, NO = Verdict.APPROVED, Verdict.REJECTED


def seats(*states: TaskState) -> list[Task]:
    return [Task(id=str(place), seat=place, user=str(place), state=state) for place, state in enumerate(states)]


@pytest.mark.parametrize(
    ("mode", "states", "expected"),
    [
        pytest.param("all", (W,), None, id="all: one is still to decide"),
        pytest.param("all", (A, W), None, id="all: one of two has approved"),
        pytest.param("all", (A, A), YES, id="all: everybody has approved"),
        pytest.param("all", (R, W), NO, id="all: the first rejection decides"),
        pytest.param("all", (A, R, W), NO, id="all: a rejection outweighs approvals"),
        pytest.param("all", (A, B), YES, id="all: who abstains is not counted"),
        pytest.param("any", (W, W), None, id="any: nobody has answered"),
        pytest.param("any", (W, A), YES, id="any: the first answer is an approval"),
        pytest.param("any", (R, W), NO, id="any: the first answer is a rejection"),
        pytest.param("all", (), None, id="without seats there is no verdict"),
        pytest.param("all", (B, B), None, id="nor when everybody abstains"),
    ],
)
def test_count(mode, states, expected):
    assert count(seats(*states), mode) is expected


@given(st.sampled_from(["all", "any"]), st.lists(st.sampled_from([A, R]), min_size=1, max_size=8))
def test_when_all_have_answered_there_is_a_verdict(mode, states):
    assert count(seats(*states), mode) is not None


@given(st.lists(st.sampled_from([A, R]), min_size=1, max_size=5))
def test_under_all_the_order_of_answers_does_not_matter(states):
    assert len({count(seats(*order), "all") for order in itertools.permutations(states)}) == 1


def test_an_unknown_mode_is_our_bug():
    with pytest.raises(ValueError, match="vote"):
        count(seats(A), "vote")
