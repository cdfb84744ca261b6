"""The laws of expressions hold for what Hypothesis draws, and it makes smaller what breaks one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.expression_laws import LAWS, tell_all
from tests.support.expression_strategies import randoms

quick = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("law", LAWS, ids=lambda law: str(law.__name__))
@quick
@given(random=randoms)
def test_law(law: Callable[[Random], None], random: Random) -> None:
    law(random)


@quick
@given(source=st.text(max_size=60))
def test_of_any_text_of_all_of_unicode_problems_are_told_and_nothing_is_raised(source: str) -> None:
    tell_all(source)
