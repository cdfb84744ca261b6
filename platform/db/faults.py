"""Named points at which a test can make a process die, to see that nothing is lost or half done.

Here: `point(name)`, which does nothing at all unless the environment names that point.
Not here: what must hold afterwards (tests/faults, tests/metadata).

`FIELDSTONE_FAULT=publish.after_ddl` ends the process at that point as `kill -9` would, the first time it is passed;
`publish.after_fill_chunk:3` the third time.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "FIELDSTONE_FAULT"
_WANTED, _, _COUNT = os.environ.get(VARIABLE, "").partition(":")  # of the process, from its start

_lock = threading.Lock()
_passed: dict[str, int] = {}


def point(name: str) -> None:
    """End the process here, without any clean-up, if the environment says so; else do nothing."""
    if name != _WANTED:
        return
    with _lock:
        _passed[name] = passed = _passed.get(name, 0) + 1
    if passed == int(_COUNT or 1):
        os.kill(os.getpid(), signal.SIGKILL)
