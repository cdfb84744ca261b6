"""An expression means the same in Python, on SQLite and on PostgreSQL, in both null modes.

Python is the authority. Expressions are drawn from the table of functions; many run over many rows in one statement. For longer
than the test suite has time: `make soak-rules SECONDS=3600`.
Source: spec/expressions.md, sections 6, 9 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import Engine

from fieldstone.rules import ValueType
from fieldstone.rules.functions.entry import ANY
from fieldstone.rules.tree import Call, Node, children
from tests.properties.soak import batch
from tests.support import expression_engines as engines_of
from tests.support.expression_strategies import NAMES, TYPES, Drawing, Entry, call, entries, makers, randoms, tree_of

SEED = 2026
T = ValueType


def signature(entry: Entry) -> str:
    types = ["any" if param.types == ANY else " | ".join(sorted(t.value for t in param.types)) for param in entry.function.params]
    return f"{entry.function.name}({', '.join(types)})"


@pytest.fixture
def engines(sqlite_engine: Engine, postgresql_engine: Engine) -> Sequence[Engine]:
    return sqlite_engine, postgresql_engine


# What differs is made smaller as a tree: that takes a hundred statements, choice by choice it takes thousands.
quick = settings(
    max_examples=80,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@quick
@given(random=randoms)
def test_python_and_both_databases_agree(engines: Sequence[Engine], random: Random) -> None:
    around = engines_of.surroundings_of(random, 3)
    tree = tree_of(random, random.choice(TYPES), scope=around.scope)
    assert not [engines_of.told(engines_of.smallest(found, engines)) for found in engines_of.differences(engines, [tree], around)]


@pytest.mark.parametrize("part", range(44))  # with the others of this subject a run of a minute, the same each time
def test_they_agree_on_many_expressions_in_one_statement(engines: Sequence[Engine], part: int) -> None:
    found = [one for number in range(10) for one in batch(SEED + part, number, engines)]
    assert not [engines_of.told(engines_of.smallest(one, engines)) for one in found[:3]]


@quick
@given(random=randoms)
def test_a_filter_keeps_the_rows_for_which_python_says_true(engines: Sequence[Engine], random: Random) -> None:
    around = engines_of.surroundings_of(random, 4)
    tree = tree_of(random, T.BOOLEAN, scope=around.scope)
    assert not [engines_of.told(found) for found in engines_of.misfiltered(engines, [tree], around)]


def test_every_function_and_operator_is_drawn() -> None:
    assert not [signature(entry) for entry in entries() if not is_drawn(entry)]


def is_drawn(entry: Entry) -> bool:
    """Return whether a random call of the entry is soon one that means something."""
    random = Random(SEED)
    around = engines_of.surroundings_of(random, 1)
    type_ = next(type_ for type_ in T if entry in makers(type_, anywhere=True))
    for _ in range(50):
        made = Drawing(random, NAMES, anywhere=True).made(entry, type_, 1)
        checked = engines_of.checked_of(call("ISBLANK", made) if type_ is T.GEOLOCATION else made, around)
        if checked is not None and any(isinstance(node, Call) and node.function is entry.function for node in nodes(checked.node)):
            return True
    return False


def nodes(root: Node) -> list[Node]:
    found = [root]
    for node in found:
        found += children(node)
    return found
