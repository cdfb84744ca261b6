"""`python -m bench`: the yardstick and Fieldstone side by side; ratios of processor time, and what an org's people wait for.

    python -m bench [--database sqlite|postgresql] [--rows 100000] [--rounds 5] [--requests 200] [--only requests,import,field,start,jobs]

The figure is processor time a request, of application and database server together, in runs that take turns, so that a busy machine
slows neighbours alike; the ratio is the median over the rounds. Timings fail nothing.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import jobs_bench, twin, yardstick
from bench.load import Operation, Run, Target, measure, processor
from bench.serve import engine_of
from fieldstone import app as application
from fieldstone.db.transaction import read, write
from tests.support import servers
from tests.support.databases import Databases

ROOT = Path(__file__).parent.parent
GOALS = {"create": "2.0", "update": "2.0", "read": "2.0", "list": "1.7"}
WARM = 30  # requests before anything counts


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run keeps things: two databases of one kind."""

    folder: Path
    yardstick: str
    twin: str
    server: int | None  # process of the database server


def body(number: int) -> dict[str, Any]:
    """Return a new deal."""
    return {
        "name": f"New {number}",
        "email": f"new{number}@example.org",
        "company": f"Company {number % 20_000}",
        "stage": "Qualified",
        "amount": float(number % 1_000_000) / 4,
        "probability": number % 100,
        "close_date": "2026-11-21",
        "active": True,
        "phone": "+49 30 1234567",
        "notes": "Some words about what was said on the telephone. " * 3,
    }


def of_yardstick(strength: str, rows: int) -> dict[str, Operation]:
    """Return what is asked of the yardstick."""
    root = f"/{strength}/deals"
    return {
        "create": Operation(method="POST", path=lambda n: root, body=body, status=201),
        "update": Operation(method="PATCH", path=lambda n: f"{root}/{1 + n * 7919 % rows}", body=change),
        "read": Operation(method="GET", path=lambda n: f"{root}/{1 + n * 7919 % rows}"),
        "list": Operation(method="GET", path=lambda n: f"{root}?stage={yardstick.STAGES[n % 4]}&sort=-amount&limit=50"),
    }


def change(number: int) -> dict[str, Any]:
    """Return what an update sends: three fields."""
    return {"amount": float(number % 1_000_000) / 4 + 0.25, "company": f"Company {number}", "phone": f"+49 30 {number}"}


def of_twin(ids: list[str]) -> dict[str, Operation]:
    """Return the same of Fieldstone."""
    root = "/api/v1/records/deal"
    return {
        "create": Operation(method="POST", path=lambda n: root, body=lambda n: {**body(n), "stage": "qualified"}, status=201),
        "update": Operation(method="PATCH", path=lambda n: f"{root}/{ids[n * 7919 % len(ids)]}", body=change),
        "read": Operation(method="GET", path=lambda n: f"{root}/{ids[n * 7919 % len(ids)]}"),
        "list": Operation(
            method="GET",
            path=lambda n: f"{root}?filter=stage%20%3D%20%22{yardstick.STAGES[n % 4].lower()}%22&sort=-amount&limit=50",
        ),
    }


# --- requests ----------------------------------------------------------------------------------------------------------------


def requests(place: Place, rows: int, rounds: int, count: int) -> None:
    """Print the table of ratios."""
    key = prepare(place, rows)
    with ExitStack() as open_servers:
        plain = open_servers.enter_context(served("yardstick", place.yardstick, place.folder))
        ours = open_servers.enter_context(served("twin", place.twin, place.folder))
        besides = (place.server,) if place.server is not None else ()
        targets = [
            Target(name=name, port=plain[0], processes=(plain[1], *besides), token=yardstick.KEY, operations=of_yardstick(name, rows))
            for name in ("plain", "full")
        ]
        operations = of_twin(ids_of(place, 5_000))
        targets.append(Target(name="fieldstone", port=ours[0], processes=(ours[1], *besides), token=key, operations=operations))
        show(rounds, count, targets)


def show(rounds: int, count: int, targets: list[Target]) -> None:
    first = 1_000_000
    for target in targets:
        for name in GOALS:
            measure(target, name, WARM, first)
            first += WARM
    runs: dict[tuple[str, str], list[Run]] = {}
    for _ in range(rounds):
        for name in GOALS:
            for target in targets:
                runs.setdefault((name, target.name), []).append(measure(target, name, count, first))
                first += count
    print("| operation | plain ms | full ms | Fieldstone ms | Fieldstone / full | goal | median wait ms: full, Fieldstone | 99 of 100 ms |")
    print("|---|---|---|---|---|---|---|---|")
    for name, goal in GOALS.items():
        plain, full, ours = (runs[name, each] for each in ("plain", "full", "fieldstone"))
        waits = f"{middle(full, 'median')}, {middle(ours, 'median')} | {middle(full, 'slowest')}, {middle(ours, 'slowest')}"
        ratio = statistics.median(a.processor / b.processor for a, b in zip(ours, full, strict=True))
        costs = " | ".join(middle(each, "processor") for each in (plain, full, ours))
        print(f"| {name} | {costs} | **{ratio:.2f}** | {goal} | {waits} |", flush=True)


def middle(runs: list[Run], what: str) -> str:
    return f"{statistics.median(getattr(each, what) for each in runs):.2f}"


def prepare(place: Place, rows: int) -> str:
    """Fill both databases; return the key of the twin's token."""
    engine = engine_of(place.yardstick)
    yardstick.fill(engine, rows)
    engine.dispose()
    return twin.made(twin.settings(place.twin, place.folder, 80), rows)


def ids_of(place: Place, count: int) -> list[str]:
    org = application.open_org(twin.settings(place.twin, place.folder, 80))
    with read(org.engine) as tx:
        table = org.holder.current(tx.connection).object("deal").table
        found = [row[0] for row in tx.connection.exec_driver_sql(f'SELECT id FROM "{table}" ORDER BY id LIMIT {count}')]
    org.close()
    return [str(each) for each in found]


@contextmanager
def served(which: str, url: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Serve one of the two in a process of its own; yield its port and its process."""
    port = servers.free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.serve", which, url, str(folder), str(port)], cwd=ROOT)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz" if which == "twin" else f"http://127.0.0.1:{port}/", process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until something answers, whatever it says."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing answers at {address}")


# --- what people wait for ----------------------------------------------------------------------------------------------------


def imported(place: Place, rows: int) -> None:
    """Print how many rows of a CSV file are imported in a second."""
    from fieldstone.data import csv_files, imports, jobs, mapping

    org = application.open_org(twin.settings(place.twin, place.folder, 80))
    path = place.folder / "deals.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, yardstick.FIELDS)
        writer.writeheader()
        writer.writerows({**each, "stage": each["stage"].lower()} for each in yardstick.rows(rows))
    columns = [{"field": name, "column": name} for name in yardstick.FIELDS]
    chosen = mapping.load({"object": "deal", "operation": "create", "columns": columns})
    with read(org.engine) as tx:
        user = tx.connection.exec_driver_sql("SELECT id FROM \"user\" WHERE username = 'sam'").scalar_one()
    person, reading = org.records.principal(str(user)), csv_files.find_reading(path)
    kept = {**asdict(reading), "columns": list(reading.columns), "warnings": []}
    with write(org.engine) as tx:
        file_of_job = {"name": path.name, "hash": imports.keep(org.settings.files, path)}
        job = jobs.make(tx, person, object_name="deal", mapping=mapping.dump(chosen), reading=kept, file=file_of_job)
    what = imports.opened(org.records, org.settings.files, job, person)
    started, before = time.perf_counter(), time.process_time()
    report = imports.run(org.records, what)
    seconds, busy = time.perf_counter() - started, time.process_time() - before
    org.close()
    line("import of a CSV file", f"{report.rows / seconds:,.0f} rows/s ({report.rows / busy:,.0f} a second of processor)", "2,000 rows/s")


def field_added(place: Place, rows: int) -> None:
    """Print how long it takes until a field that is added to the filled object can be used."""
    from fieldstone.metadata import publish
    from fieldstone.metadata.changes import ChangeSet
    from fieldstone.metadata.plan import plan

    org = application.open_org(twin.settings(place.twin, place.folder, 80))
    times = []
    for name in ("added_one", "added_two", "added_three"):
        snapshot = org.holder.newest()
        document = dict(snapshot.parsed["objects/deal.json"])
        document["fields"] = {**document["fields"], name: {"type": "text", "label": name}}
        started = time.perf_counter()
        with read(org.engine) as tx:
            planned = plan(snapshot, ChangeSet(put=(document,)), tx.connection)
        publish.publish(org.engine, planned.require(), author=publish.Author(id=None, reason="bench"), snapshots=org.holder)
        assert org.holder.newest().object("deal").field(name) is not None
        times.append(time.perf_counter() - started)
    org.close()
    line(f"a field added to {rows:,} records, plan to use", f"{1000 * statistics.median(times):,.0f} ms", "150 ms")


def started_cold(place: Place) -> None:
    """Print how long an existing org with all packs and sample data takes from the start of the process to its first page."""
    folder = place.folder / "cold"
    port = servers.free_port()
    command = [str(Path(sys.executable).with_name("fieldstone")), "run", "--data", str(folder), "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FIELDSTONE_")}
    times, busy = [], []
    for _ in range(4):
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        wait_for(f"http://127.0.0.1:{port}/login", process)
        times.append(time.perf_counter() - started)
        busy.append(processor((process.pid,)))
        process.terminate()
        process.wait(20)
    line("first start: org founded, four packs, sample data", f"{times[0]:.1f} s ({busy[0]:.1f} s of processor)", "15 s")
    again = f"{statistics.median(times[1:]):.1f} s ({statistics.median(busy[1:]):.1f} s of processor)"
    line("start of an existing org, to the first page", again, "3 s")


def line(what: str, figure: str, goal: str) -> None:
    print(f"| {what} | {figure} | {goal} |", flush=True)


def main() -> None:
    """Measure what is asked for."""
    asked = argparse.ArgumentParser(prog="python -m bench")
    asked.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked.add_argument("--rows", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--requests", type=int, default=200)
    asked.add_argument("--only", default="requests,import,field,start,jobs")
    chosen = asked.parse_args()
    only = set(chosen.only.split(","))
    with place_of(chosen.database) as place:
        print(f"{chosen.database}, {chosen.rows:,} records, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
        if "requests" in only:
            requests(place, chosen.rows, chosen.rounds, chosen.requests)
        else:
            prepare(place, chosen.rows)
        print("\n| what | figure | goal |\n|---|---|---|")
        others: dict[str, Callable[[], None]] = {
            "import": lambda: imported(place, 5_000),
            "field": lambda: field_added(place, chosen.rows),
            "start": lambda: started_cold(place),
        }
        for name, work in others.items():
            if name in only:
                work()
    if "jobs" in only:
        print("\n| commit to job start | median ms | 99 of 100 ms | jobs/s |\n|---|---|---|---|")
        jobs_bench.embedded(100)


@contextmanager
def place_of(kind: str) -> Iterator[Place]:
    """Make two empty databases of a kind, gone afterwards."""
    servers.begin_run()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = Databases(kind, folder)
        first, second = databases.fresh(), databases.fresh()
        try:
            texts = [url.render_as_string(hide_password=False) for url in (first, second)]
            yield Place(folder=folder, yardstick=texts[0], twin=texts[1], server=server_of(kind, databases.engine(second)))
        finally:
            databases.remove(first)
            databases.remove(second)
            databases.remove_all()
            servers.end_run()


def server_of(kind: str, engine: Any) -> int | None:
    """Return the process of the PostgreSQL server, whose children work for connections."""
    if kind == "sqlite":
        engine.dispose()
        return None
    with engine.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with open(f"/proc/{backend}/stat") as file:
            found = int(file.read().rsplit(")", 1)[1].split()[1])
    engine.dispose()
    return found


if __name__ == "__main__":
    main()
