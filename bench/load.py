"""The load: one kept connection that asks one thing after the other, and the processor time the server needs for it.

Here: `Target`, `measure`. Every answer is looked at; one that is not as expected stops the run. Addresses are of this machine alone.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CLOCK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One request, made anew for each number."""

    method: str
    path: Callable[[int], str]
    body: Callable[[int], dict[str, Any]] | None = None
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server: its port, the processes that work for it, its token, what it can do."""

    name: str
    port: int
    processes: tuple[int, ...]  # of the application and, where it has one, of the database server; with their children
    token: str
    operations: dict[str, Operation]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run cost a request, in milliseconds."""

    processor: float
    median: float
    slowest: float  # 99 of 100 were faster


def measure(target: Target, name: str, count: int, first: int) -> Run:
    """Ask `count` times, numbers from `first` on, and return what it cost."""
    operation = target.operations[name]
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
    headers = {"Authorization": f"Bearer {target.token}", "Content-Type": "application/json"}
    waits = []
    before = processor(target.processes)
    for number in range(first, first + count):
        body = json.dumps(operation.body(number)) if operation.body is not None else None
        started = time.perf_counter()
        connection.request(
            operation.method, operation.path(number), body, headers if body is not None else {"Authorization": headers["Authorization"]}
        )
        answer = connection.getresponse()
        text = answer.read()
        waits.append(time.perf_counter() - started)
        if answer.status != operation.status:
            raise SystemExit(f"{target.name} {name}: {answer.status} {text[:500]!r}")
    spent = processor(target.processes) - before
    connection.close()
    waits.sort()
    return Run(processor=1000 * spent / count, median=1000 * statistics.median(waits), slowest=1000 * waits[int(count * 0.99) - 1])


def processor(processes: tuple[int, ...]) -> float:
    """Return the seconds of processor time that these processes and their children have had, to the nanosecond where the kernel tells."""
    return sum(_of_one(process) for root in processes for process in _tree(root))


def _tree(root: int) -> list[int]:
    found = [root]
    for process in found:
        try:
            with open(f"/proc/{process}/task/{process}/children") as file:
                found += [int(child) for child in file.read().split()]
        except OSError:
            continue
    return found


def _of_one(process: int) -> float:
    try:
        return sum(_of_task(process, task) for task in os.listdir(f"/proc/{process}/task"))
    except OSError:
        return 0.0


def _of_task(process: int, task: str) -> float:
    try:
        with open(f"/proc/{process}/task/{task}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
