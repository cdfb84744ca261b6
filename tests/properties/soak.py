"""Random expressions on three engines for as long as one likes: `make soak-rules SECONDS=600 SEED=7`.

Here: the loop, its report, the exit status: 1 when the engines differ or a law is broken.
Not here: what is drawn and compared (tests/support), the laws (`expression_laws`), the short runs of the test suite.

A batch is a handful of expressions over a handful of rows, drawn from the seed and its own number: any batch can be run by itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, find, settings
from hypothesis.errors import Flaky, NoSuchExample
from sqlalchemy import Engine

from fieldstone.rules import ValueType
from tests.properties.expression_laws import LAWS
from tests.support import servers
from tests.support.databases import Databases
from tests.support.expression_engines import Difference, differences, misfiltered, smallest, surroundings_of, told, trees_of
from tests.support.expression_strategies import randoms, tree_of

EXPRESSIONS = 12  # of one statement
ROWS = 10
CONDITIONS = 2  # a batch, each a filter of a query of its own
DRAWN = 3  # for each law, a batch
TRIED = 2_000  # times that a law is asked for the least that breaks it
SEARCH = settings(max_examples=2_000, database=None, deadline=None, suppress_health_check=list(HealthCheck))
Law = Callable[[Random], None]


def batch(seed: int, number: int, engines: Sequence[Engine]) -> list[Difference]:
    """Return the differences of one batch."""
    random = Random(f"{seed}:{number}")
    around = surroundings_of(random, ROWS)
    trees = trees_of(random, around.scope, EXPRESSIONS)
    conditions = [tree_of(random, ValueType.BOOLEAN, scope=around.scope) for _ in range(CONDITIONS)]
    return [*differences(engines, trees, around), *misfiltered(engines, conditions, around)]


def soak(seed: int, seconds: float, first: int, most: int, engines: Sequence[Engine]) -> int:
    """Run batches until the time is up or `most` of them differ. Return how many did."""
    until = time.monotonic() + seconds
    number, differing, said = first, 0, time.monotonic()
    print(f"seed {seed}", flush=True)
    while number == first or (time.monotonic() < until and differing < most):
        found = batch(seed, number, engines)
        broken = [line for law in LAWS for line in broken_by(law, seed, number)]
        if found or broken:
            differing += 1
            print(f"\nbatch {number}: to repeat it, make soak-rules SEED={seed} BATCH={number}", flush=True)
            print("\n".join([*broken, *(told(smallest(one, engines)) for one in found[:3])]), flush=True)
        number += 1
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(_count(number - first, differing), flush=True)
    print(_count(number - first, differing), flush=True)
    return differing


def broken_by(law: Law, seed: int, number: int) -> list[str]:
    """Return what breaks the law in this batch, and the least that Hypothesis finds to break it."""
    for part in range(DRAWN):
        said = _breach(law, Random(f"{seed}:{number}:{part}"))
        if said is not None:
            least = _least(law, seed)
            more = [f"  the least that breaks it: {least:.1500}"] if least is not None else []
            return [f"  {law.__name__} does not hold: {said:.1500}", *more]
    return []


def _least(law: Law, seed: int) -> str | None:
    said: list[str | None] = [None]
    left = TRIED

    def breaks(random: Random) -> bool:
        nonlocal left
        left -= 1
        broken = _breach(law, random) if left > 0 else None
        said[:] = [broken or said[0]]
        return broken is not None

    with suppress(NoSuchExample, Flaky):  # what broke it breaks it no more once the tries are used up
        find(randoms, breaks, settings=SEARCH, random=Random(seed))
    return said[0]


def _breach(law: Law, random: Random) -> str | None:
    try:
        law(random)
    except Exception as broken:
        return f"{type(broken).__name__}: {broken}".replace("\n", " ")
    return None


def _count(batches: int, differing: int) -> str:
    compared, asked = batches * EXPRESSIONS, batches * DRAWN * len(LAWS)
    return f"{compared:,} expressions, {compared * ROWS:,} rows on each engine, {asked:,} tests of laws; {differing} batches at fault"


@contextmanager
def two_databases() -> Iterator[Sequence[Engine]]:
    """Give an engine on a fresh SQLite and one on a fresh PostgreSQL database."""
    servers.begin_run()
    with tempfile.TemporaryDirectory() as folder:
        kinds = [Databases("sqlite", Path(folder)), Databases("postgresql", Path(folder))]
        made = [(databases, databases.fresh()) for databases in kinds]
        try:
            yield [databases.engine(url) for databases, url in made]
        finally:
            for databases, url in made:
                databases.remove(url)
                databases.remove_all()
            servers.end_run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="0 draws one")
    parser.add_argument("--batch", type=int, help="run this batch and no other")
    parser.add_argument("--differences", type=int, default=1, help="stop after so many batches that differ")
    given = parser.parse_args()
    seed = given.seed or int(time.time())
    with two_databases() as engines:
        if given.batch is not None:
            return min(1, soak(seed, 0, given.batch, 1, engines))
        return min(1, soak(seed, given.seconds, 0, given.differences, engines))


if __name__ == "__main__":
    sys.exit(main())
