"""What validation rules cost a create: the same object with ten active rules and with twenty.

    python -m bench.rule_count_bench [rounds, 40 unless said] [creates a round, 50]

Creates go through the save pipeline of two orgs in this process, on SQLite files, for a person with rights of their own. The two take
turns, in changing order; the figure is processor time a create, the ratio the median over the rounds. Timings fail nothing.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench import twin
from bench.__main__ import body
from fieldstone.db.engine import create_engine
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal
from fieldstone.rules import register_functions
from tests.support.worlds import World, world

GOAL = "1.03"
MORE = {
    "sure_but_open": 'AND(probability = 100, stage <> "won")',
    "new_without_chance": 'AND(stage = "new", ISBLANK(probability))',
    "far_away": "close_date > TODAY() + 3650",
    "cheap_and_long": "AND(amount < 1, LEN(notes) > 10000)",
    "own_mail": "AND(NOT(ISBLANK(email)), email = $User.Email)",
    "same_words": "AND(NOT(ISBLANK(company)), company = name)",
    "no_phone_no_mail": "AND(active, ISBLANK(phone), ISBLANK(email))",
    "large_needs_sum": "AND(amount > 1000000, probability < 1, ISBLANK(notes))",
    "weekend": 'AND(stage = "won", WEEKDAY(close_date) = 1, amount > 5000000)',
    "tiers": "IF(amount < 10000, amount * 0.02, IF(amount < 50000, 200 + (amount - 10000) * 0.035, 1600)) > 2000",
}


def org_with(folder: Path, rules: dict[str, str]) -> tuple[World, Principal]:
    """Return an org with these rules, and who saves."""
    documents: list[dict[str, Any]] = [
        each for each in twin.documents() if each["kind"] not in ("validation_rule",) and each["api_name"] != "user"
    ]
    made_rules = [
        {"kind": "validation_rule", "object": "deal", "api_name": name, "label": name, "error_when": when, "message": "No."}
        for name, when in rules.items()
    ]
    made = world(create_engine(f"sqlite:///{folder / f'{len(rules)}.sqlite'}", on_connect=[register_functions]), *documents, *made_rules)
    made.person("Sam", profile="administrator", sets=["seller"])
    return made, made.principal("Sam")


def create(made: World, who: Principal, first: int, count: int) -> float:
    """Return the milliseconds of processor time a create takes."""
    values = [{**body(n), "stage": "qualified", "amount": Decimal(body(n)["amount"])} for n in range(first, first + count)]
    changes = [Change(object="deal", action="create", values=each) for each in values]
    before = time.process_time()
    for change in changes:
        made.records.save(who, [change])
    return 1000 * (time.process_time() - before) / count


def main(rounds: int = 40, count: int = 50) -> None:
    with tempfile.TemporaryDirectory() as name:
        orgs = [org_with(Path(name), rules) for rules in (twin.RULES, twin.RULES | MORE)]
        for made, who in orgs:
            create(made, who, 0, 100)
        pairs: list[list[float]] = []
        for index in range(rounds):
            order = (0, 1) if index % 2 else (1, 0)
            costs = {at: create(*orgs[at], 1000 + index * count, count) for at in order}
            pairs.append([costs[0], costs[1]])
        ten, twenty = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(after / before for before, after in pairs)
        print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
        print("| create with 10 rules ms | with 20 rules ms | ratio | goal |\n|---|---|---|---|")
        print(f"| {ten:.3f} | {twenty:.3f} | **{ratio:.3f}** | {GOAL} |")
        for made, _ in orgs:
            made.engine.dispose()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
