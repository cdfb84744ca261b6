"""Ids of records, definitions and events: UUIDv7, so that what was made later sorts later and an index grows at its end.

Here: making one. Not here: reading anything out of one; an id is opaque to every caller.
"""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0  # the newest tick handed out by this process; a tick is 1/4096 ms


def new_id() -> str:
    """Return a new id, 36 lower-case characters, greater than every one this process made before.

    48 bits of milliseconds, 12 bits of the fraction of one, 62 random bits: two processes never meet in practice.
    """
    global _last
    with _lock:
        _last = tick = max((time.time_ns() << 12) // 1_000_000, _last + 1)
    milliseconds, fraction = tick >> 12, tick & 0xFFF
    chance = int.from_bytes(os.urandom(8), "big")
    variant = 0x8000 | chance >> 50  # the two top bits of 16 are 10
    head = f"{milliseconds:012x}"
    return f"{head[:8]}-{head[8:]}-7{fraction:03x}-{variant:04x}-{chance & 0xFFFFFFFFFFFF:012x}"
