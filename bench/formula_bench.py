"""Filters by formulas over many records on PostgreSQL, beside the same SQL written by hand.

    python -m bench.formula_bench [rows, 1,000,000 unless said] [rounds, 7]

Each filter goes through the gate as an end user types it; what is measured is the statement that reaches the database, as a count,
against a count with the condition a programmer would write, of equal meaning. Both take turns on one connection without parallel
workers. The figure is processor time of the database's process; the ratio is the median over the rounds. Where it is over the goal both
plans are printed. Timings fail nothing.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bench.load import processor
from fieldstone.db.transaction import read, write
from fieldstone.records.query import Query
from tests.support import servers
from tests.support.databases import Databases
from tests.support.orgs import obj, picklist
from tests.support.worlds import World, world

GOAL = 1.1


def formula(returns: str, source: str, **options: Any) -> dict[str, Any]:
    return {"type": "formula", "label": "Formula", "returns": returns, "formula": source, **options}


ACCOUNT = obj("account", {"size": {"type": "number", "label": "Size"}, "industry": picklist("it", "bank", "trade")}, owned_by="none")
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "discount": {"type": "percent", "label": "Discount", "precision": 5, "scale": 1},
        "stage": picklist("open", "won", "lost"),
        "close_date": {"type": "date", "label": "Close date"},
        "net": formula("currency", "amount * (1 - discount)", scale=2),
        "days_left": formula("number", "close_date - TODAY()", blanks="blank"),
        "due": formula("checkbox", 'AND(stage = "open", close_date < TODAY() + 30)'),
        "expected": formula("currency", 'IF(stage = "won", amount, IF(close_date < TODAY(), 0, amount / 2))', scale=2),
        "a_head": formula("number", "amount / account.size", scale=2, blanks="blank"),
    },
    owned_by="none",
)
# What it is: the filter as typed, and the condition by hand; `d` is the deal, `a` its account, joined where it is named.
FILTERS = {
    "a stored formula": ("net > 9000", "d.net > 9000"),
    "its formula written out": (
        "BLANKVALUE(amount, 0) * (1 - BLANKVALUE(discount, 0)) > 9000",
        "coalesce(d.amount, 0) * (1 - coalesce(d.discount, 0) / 100) > 9000",
    ),
    "a day count": ("AND(days_left >= 0, days_left < 10)", "d.close_date - current_date >= 0 AND d.close_date - current_date < 10"),
    "a checkbox of today": ("due", "coalesce(d.stage, '') = 'open' AND d.close_date < current_date + 30"),
    "branches": (
        "expected > 4000",
        "round(CASE WHEN coalesce(d.stage, '') = 'won' THEN coalesce(d.amount, 0) WHEN d.close_date < current_date THEN 0"
        " ELSE coalesce(d.amount, 0) / 2 END, 2) > 4000",
    ),
    "through a parent": ("a_head > 90", "round(d.amount / nullif(a.size, 0), 2) > 90"),
}

ROWS = """
INSERT INTO account (id, row_version, name, name__sort, size, industry)
SELECT gen_random_uuid(), 1, 'Account ' || n, 'account ' || n, 1 + n %% 500, (ARRAY['it', 'bank', 'trade'])[1 + n %% 3]
FROM generate_series(1, {accounts}) AS n;
INSERT INTO deal (id, row_version, name, name__sort, account, amount, discount, stage, close_date, net)
SELECT gen_random_uuid(), 1, 'Deal ' || n, 'deal ' || n, a.id, amount, discount, (ARRAY['open', 'won', 'lost', NULL])[1 + n %% 4],
    CASE WHEN n %% 11 > 0 THEN current_date - 200 + n %% 400 END, round(coalesce(amount, 0) * (1 - coalesce(discount, 0) / 100), 2)
FROM (SELECT n, CASE WHEN n %% 17 > 0 THEN (n::bigint * 7919 %% 1000000) / 100.0 END AS amount,
        CASE WHEN n %% 5 > 0 THEN n %% 40 END AS discount
    FROM generate_series(1, {rows}) AS n) AS made
JOIN (SELECT id, row_number() OVER () AS number FROM account) AS a ON a.number = 1 + n %% {accounts};
"""


def fill(made: World, rows: int) -> None:
    """Make the records where they are kept, and let the database look at them once."""
    with write(made.engine, statement_seconds=600) as tx:
        for statement in ROWS.format(rows=rows, accounts=max(rows // 100, 1)).split(";"):
            if statement.strip():
                tx.connection.exec_driver_sql(statement)
    with made.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def typed(made: World, source: str) -> tuple[str, Any]:
    """Return the statement of a count with this filter as it reaches the database, and its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append((statement, parameters))

    event.listen(made.engine, "before_cursor_execute", note)
    try:
        with made.reading() as gate:
            gate.count(Query(object="deal", filter=source), None)
    finally:
        event.remove(made.engine, "before_cursor_execute", note)
    return seen[-1]


def by_hand(condition: str) -> str:
    join = ' LEFT JOIN "account" AS a ON a.id = d.account' if "a." in condition.replace("d.a", "") else ""
    return f'SELECT count(*) FROM "deal" AS d{join} WHERE {condition} AND d.deleted_at IS NULL'


def measured(made: World, rounds: int) -> None:
    """Print the table, and the plans of what is over the goal."""
    print("| filter | found | by hand ms | through the gate ms | ratio |\n|---|---|---|---|---|")
    over = []
    with read(made.engine, statement_seconds=600) as tx:
        connection = tx.connection
        connection.exec_driver_sql("SET max_parallel_workers_per_gather = 0")
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

        def cost(statement: str, parameters: Any = None) -> tuple[float, int]:
            before = processor((backend,))
            count = connection.exec_driver_sql(statement, parameters).scalar_one()
            return 1000 * (processor((backend,)) - before), int(count)

        for name, (source, condition) in FILTERS.items():
            ours, hand = typed(made, source), (by_hand(condition), None)
            assert cost(*ours)[1] == cost(*hand)[1], name
            pairs = [(cost(*hand), cost(*ours)) for _ in range(rounds)]
            ratio = statistics.median(b[0] / a[0] for a, b in pairs)
            hand_ms, ours_ms = (statistics.median(each[index][0] for each in pairs) for index in (0, 1))
            print(f"| {name} | {pairs[0][0][1]:,} | {hand_ms:,.0f} | {ours_ms:,.0f} | **{ratio:.2f}** |", flush=True)
            if ratio > GOAL:
                over.append((name, hand, ours))
        for name, *statements in over:
            print(f"\n{name}:")
            for statement, parameters in statements:
                print("\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)))


@contextmanager
def place() -> Iterator[World]:
    """Yield an org on a PostgreSQL server of its own, gone afterwards."""
    servers.begin_run()
    with tempfile.TemporaryDirectory() as name:
        databases = Databases("postgresql", Path(name))
        url = databases.fresh()
        engine = databases.engine(url)
        try:
            yield world(engine, ACCOUNT, DEAL)
        finally:
            engine.dispose()
            databases.remove(url)
            databases.remove_all()
            servers.end_run()


def main(rows: int = 1_000_000, rounds: int = 7) -> None:
    with place() as made:
        fill(made, rows)
        print(f"{rows:,} records, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
        measured(made, rounds)


if __name__ == "__main__":
    main(*(int(each.replace(",", "")) for each in sys.argv[1:]))
