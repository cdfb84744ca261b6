"""Processes of their own, to be killed: forked from a server that has loaded the platform, so that none costs the start of an interpreter.

Here: `run`. Not here: what they do (the modules `..._child` and the tests), the points at which they die (`fieldstone.db.faults`).
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from fieldstone.db import faults

SECONDS = 120
LOADED = ["pytest", "fieldstone.app", "psycopg", "tests.support.company", "tests.support.orgs", "tests.support.worlds"]
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(LOADED)  # it has no thread and no connection that a child would share


def run(work: Callable[..., Any], *arguments: object, fault: str = "") -> tuple[int, Any]:
    """Call `work(*arguments)` in a process that dies at the point `fault`; return its exit code and what it returned, if it came to that.

    `work` is found by its module and name, its arguments are copied. What it raises is raised here, too.
    """
    hear, tell = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=_work, args=(tell, fault, work, arguments))
    process.start()
    tell.close()
    try:
        returned, raised = hear.recv() if hear.poll(SECONDS) else (None, "it did not end")
    except EOFError:
        returned = raised = None
    if raised:
        process.kill()
    process.join()
    assert not raised, raised
    assert process.exitcode is not None
    return process.exitcode, returned


def _work(tell: Connection, fault: str, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    os.environ[faults.VARIABLE] = fault
    importlib.reload(faults)  # it reads the environment once, when a process starts
    try:
        tell.send((work(*arguments), None))
    except Exception:
        tell.send((None, traceback.format_exc()))
