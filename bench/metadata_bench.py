"""How fast metadata is: cold build, rebuild after one changed field, plan, publish of a field on a table of 100,000 records, fill.

Run it: python -m bench.metadata_bench [sqlite|postgresql] [objects] [records]. It prints figures beside their goals (spec/metadata.md 9);
nothing fails. PostgreSQL is the test server of tests/support.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from fieldstone.metadata import documents
from fieldstone.metadata.check import check
from fieldstone.metadata.holder import Holder
from tests.support import servers
from tests.support.databases import Databases
from tests.support.orgs import Answer, Org, found, obj, picklist

LABEL = {"en": "Label", "zh-Hans": "标签", "zh-Hant": "標籤"}


def fields(number: int, count: int) -> dict[str, Any]:
    """Return `count` fields of all sorts, with formulas among them."""
    made: dict[str, Any] = {
        "amount": {"type": "currency", "label": LABEL, "scale": 2},
        "discount": {"type": "percent", "label": LABEL, "scale": 1},
        "stage": picklist("open", "won", "lost"),
        "net": {"type": "formula", "label": LABEL, "returns": "currency", "scale": 2, "formula": "amount * (1 - discount)"},
    }
    if number:
        made["parent"] = {"type": "lookup", "label": LABEL, "to": f"object_{number - 1}"}
        made["above"] = {"type": "formula", "label": LABEL, "returns": "number", "scale": 2, "formula": "parent.amount - amount"}
    kinds: list[dict[str, Any]] = [
        {"type": "text", "length": 80},
        {"type": "number", "scale": 2},
        {"type": "date"},
        {"type": "checkbox"},
        {"type": "long_text"},
        {"type": "email"},
    ]
    for index in range(count - len(made) - 1):
        made[f"field_{index}"] = kinds[index % len(kinds)] | {"label": LABEL}
    return made


def timed(what: str, goal: str, work: Callable[[], Any], repeat: int = 1) -> Any:
    """Run `work`, print its shortest time and the processor time of this process beside the goal, return what it returned."""
    best, busy, result = float("inf"), float("inf"), None
    for _ in range(repeat):
        gc.collect()
        started, processor = time.perf_counter(), time.process_time()
        result = work()
        best, busy = min(best, time.perf_counter() - started), min(busy, time.process_time() - processor)
    print(f"{what:<58} {best * 1000:9.1f} ms   processor {busy * 1000:9.1f} ms   goal {goal}", flush=True)
    return result


def main(kind: str = "sqlite", objects: int = 100, records: int = 100_000) -> None:
    """Print the figures."""
    servers.begin_run()
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(kind, Path(folder))
        url = databases.fresh()
        try:
            run(Org(databases.engine(url)), objects, records)
        finally:
            databases.remove(url)
            databases.remove_all()
            servers.end_run()


def run(org: Org, objects: int, records: int) -> None:
    """Print the figures of one database."""
    found(org.engine)
    everything = [obj(f"object_{number}", fields(number, 40)) for number in range(objects)]
    timed(f"publish {objects} objects of 40 fields into an empty org", "-", lambda: org.publish(*everything))
    timed("cold build from the database", "2,000 ms", lambda: Holder(org.engine).newest(), repeat=3)
    compile_all(org)
    changed = org.with_fields("object_50", extra={"type": "text", "label": "Extra"})
    timed("check after one changed field", "50 ms", lambda: check_changed(org, changed), repeat=3)
    planned = timed("plan of one added field", "-", lambda: org.plan(changed), repeat=3)
    other = Org(org.engine)
    other.snapshot  # noqa: B018 - another process, warm at the version before
    timed("publish of it, until the version is in force", "300 ms", lambda: org.publish_plan(planned))
    timed("this process builds its next snapshot", "100 ms", lambda: org.snapshot)
    timed("another process builds its next snapshot", "100 ms", lambda: other.snapshot)
    insert_many(org, records)
    added = org.with_fields("object_7", later={"type": "text", "label": "Later"})
    timed(f"a field added to {records:,} records, from plan to snapshot", "150 ms", lambda: (org.publish(added), org.snapshot))
    constant = org.with_fields("object_7", given={"type": "number", "label": "Given"})
    answer = {"objects/object_7.json#/fields/given": Answer(fill=7)}
    timed("the same with a constant for old records", "150 ms", lambda: (org.publish(constant, answers=answer), org.snapshot))
    lookup = org.with_fields("object_7", link={"type": "lookup", "label": "Link", "to": "object_3"})
    timed("the same with a lookup and its index", "-", lambda: (org.publish(lookup), org.snapshot))
    total = {"type": "formula", "label": "Total", "returns": "currency", "scale": 2, "formula": "net + amount"}
    started = time.perf_counter()
    timed("the same with a stored formula, filled", "-", lambda: org.publish(org.with_fields("object_7", total=total)))
    print(f"{'filled records per second':<58} {records / (time.perf_counter() - started):9,.0f}      goal 20,000")


def check_changed(org: Org, changed: dict[str, Any]) -> None:
    """Check the org's documents with one of them changed."""
    snapshot = org.snapshot
    problems = check({**snapshot.parsed, documents.path_of(changed): changed}, current=snapshot, language="en")
    assert not [problem for problem in problems if not problem.warning], problems


def compile_all(org: Org) -> None:
    """Compile what saves would have compiled by now."""
    snapshot = org.snapshot
    for definition in snapshot.objects.values():
        for made in snapshot.stored_formulas(definition.name):
            _ = snapshot.expression(made.formula or "", definition.name, "formula", made.blanks).python


def insert_many(org: Org, records: int) -> None:
    """Put records into the table of one object."""
    for start in range(0, records, 10_000):
        some = (
            {"name": f"Record {start + i}", "amount": Decimal(i), "net": Decimal(i), "stage": "open"} for i in range(min(10_000, records))
        )
        org.insert("object_7", some)


if __name__ == "__main__":
    main(*(int(part) if part.isdigit() else part for part in sys.argv[1:]))  # type: ignore[arg-type]
