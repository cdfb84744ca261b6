"""How many calls a token, session, person or address may make a minute: counted in this process, in windows of a minute.

Here: `Rate`. Not here: what is counted and how a refusal looks (`api/app.py`, `web/rates.py`), failed logins, which all processes count
together (`attempts.py`). Source: spec/security.md, section 7; spec/api.md, section 5.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WINDOW = 60  # seconds
MOST_KEYS = 10_000


class Rate:
    """Counts calls by key. `most` a minute; 0 sets no limit."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, int]] = {}  # when the window began, calls in it

    def take(self, key: str) -> tuple[int, int]:
        """Count one call; return how many are left in this window (-1: this one was too many) and the seconds to its end."""
        now = self._clock()
        with self._lock:
            begun, count = self._counted.get(key, (now, 0))
            if now - begun >= WINDOW:
                begun, count = now, 0
            if len(self._counted) >= MOST_KEYS:
                self._counted = {each: (at, made) for each, (at, made) in self._counted.items() if now - at < WINDOW}
            self._counted[key] = (begun, count + 1)
        return max(self.most - count - 1, -1), max(int(begun + WINDOW - now), 1)
