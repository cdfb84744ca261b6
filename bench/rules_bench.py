"""Evaluations per second of four business rules: compiled by Fieldstone, and written by hand in Python.

    python -m bench.rules_bench [rounds]

Prints a table of medians and the ratio to the hand-written functions (taken round by round, interleaved), and the time from text
to a ready function. The hand-written rules keep the same meaning: blanks, exact decimals, rounding half away from zero.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fieldstone.rules import Blanks, Context, Resolved, Use, ValueType, check, to_python
from fieldstone.rules.python import maker

Row = dict[str, Any]
RECORDS = 200
CENT = Decimal("0.01")
MONTH = timedelta(days=30)
NOW = datetime.now(UTC)
CONTEXT = Context(now=NOW, today=NOW.date(), zone=ZoneInfo("UTC"))

RULES = {
    "condition": 'AND(amount > 10000, OR(stage = "Won", ISBLANK(close_date)))',
    "text": 'IF(ISBLANK(last_name), company, UPPER(LEFT(first_name, 1)) & ". " & last_name)',
    "tiers": (
        "IF(ISBLANK(amount), 0, ROUND(IF(amount < 10000, amount * 0.02, IF(amount < 50000, 200 + (amount - 10000) * 0.035,"
        " IF(amount < 250000, 1600 + (amount - 50000) * 0.05, 11600 + (amount - 250000) * 0.07))), 2))"
    ),
    "dates": "AND(NOT(ISBLANK(close_date)), close_date < TODAY() + 30, YEAR(close_date) = YEAR(TODAY()))",
}
RATES = [Decimal(rate) for rate in ("0.02", "0.035", "0.05", "0.07")]


def condition(row: Row, today: date) -> bool:
    amount = row["amount"]
    return amount is not None and amount > 10000 and (row["stage"] == "Won" or row["close_date"] is None)


def text(row: Row, today: date) -> str | None:
    last = row["last_name"]
    if not last:
        return row["company"]
    first = row["first_name"]
    return f"{first[:1].upper() if first else ''}. {last}"


def tiers(row: Row, today: date) -> Decimal:
    amount = row["amount"]
    if amount is None:
        return Decimal(0)
    if amount < 10000:
        commission = amount * RATES[0]
    elif amount < 50000:
        commission = 200 + (amount - 10000) * RATES[1]
    elif amount < 250000:
        commission = 1600 + (amount - 50000) * RATES[2]
    else:
        commission = 11600 + (amount - 250000) * RATES[3]
    return commission.quantize(CENT, ROUND_HALF_UP)


def dates(row: Row, today: date) -> bool:
    day = row["close_date"]
    return day is not None and day < today + MONTH and day.year == today.year


BY_HAND: dict[str, Callable[[Row, date], object]] = {"condition": condition, "text": text, "tiers": tiers, "dates": dates}


class Fields:
    """The names that the rules use."""

    object_label = "Deal"
    types: Mapping[str, ValueType] = {
        "amount": ValueType.NUMBER,
        "stage": ValueType.PICKLIST,
        "close_date": ValueType.DATE,
        "first_name": ValueType.TEXT,
        "last_name": ValueType.TEXT,
        "company": ValueType.TEXT,
    }

    def resolve(self, name: str) -> Resolved | None:
        type_ = self.types.get(name)
        return None if type_ is None else Resolved(path=(name,), type=type_, number_field=type_ is ValueType.NUMBER)

    def nearest(self, name: str) -> str | None:
        return None


def records(seed: int = 7) -> list[Row]:
    draw = random.Random(seed)
    return [
        {
            "amount": None if i % 17 == 0 else Decimal(draw.randrange(100, 40_000_000)).scaleb(-2),
            "stage": draw.choice(["New", "Qualified", "Won", "Lost"]),
            "close_date": None if i % 5 == 0 else CONTEXT.today + timedelta(days=draw.randrange(-60, 120)),
            "first_name": None if i % 7 == 0 else f"Anna{i}",
            "last_name": None if i % 11 == 0 else f"Berg{i}",
            "company": f"Acme {i}",
        }
        for i in range(RECORDS)
    ]


def per_second(function: Callable[[Row, Any], object], rows: list[Row], second: object) -> float:
    count, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < 0.06:
        for row in rows:
            function(row, second)
        count += len(rows)
    return count / taken


def ready(source: str) -> Callable[[Row, Any], object]:
    """Return the compiled function of `source`, from its text."""
    return to_python(check(source, Fields(), Use.FORMULA, blanks=Blanks.BLANK))


def main(rounds: int) -> None:
    rows = records()
    compiled = {name: ready(source) for name, source in RULES.items()}
    for name, function in BY_HAND.items():
        wrong = [row for row in rows if function(row, CONTEXT.today) != compiled[name](row, CONTEXT)]
        assert not wrong, (name, wrong[0])
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in RULES}
    for _ in range(rounds):
        for name in RULES:
            by_hand = per_second(BY_HAND[name], rows, CONTEXT.today)
            measured[name].append((by_hand, per_second(compiled[name], rows, CONTEXT)))
    ratios = {name: statistics.median(hand / ours for hand, ours in pairs) for name, pairs in measured.items()}
    print("| rule | by hand, per second | compiled, per second | times by hand |\n|---|---|---|---|")
    for name, pairs in measured.items():
        by_hand, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {by_hand:,.0f} | {ours:,.0f} | {ratios[name]:.2f} |")
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    print(f"\ngeometric mean: {mean:.2f} times by hand")
    known, new = (min(seconds_for_1000(forget=forget) for _ in range(7)) for forget in (False, True))
    print(f"1,000 expressions from text to ready: {known:.2f} s of processor time; {new:.2f} s if no two were of one shape")


def seconds_for_1000(*, forget: bool) -> float:
    """Return the processor time for 1,000 expressions; `forget` the code of each, as if no other differed from it in names alone."""
    sources = list(RULES.values())
    start = time.process_time()
    for number in range(1000):
        if forget:
            maker.cache_clear()
        ready(sources[number % len(sources)])
    return time.process_time() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
