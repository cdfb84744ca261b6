"""Statements as they reach the driver: counted, and watched for the gate's mark.

Here: `counting`, `unmarked`. Not here: what they are compared with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from fieldstone.records.gate.tables import MARK

TABLE = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([a-z_0-9]+)"?', re.IGNORECASE)


@dataclass
class Seen:
    """The statements that were run, and whether each carried the gate's mark."""

    ran: list[tuple[str, str | None]] = field(default_factory=list)  # in pairs: several threads may add to it

    def __len__(self) -> int:
        return len(self.ran)

    @property
    def statements(self) -> list[str]:
        """The statements alone."""
        return [statement for statement, _ in self.ran]

    def unmarked(self, tables: Iterable[str]) -> list[str]:
        """Return the statements on one of these tables that carry no mark."""
        wanted = set(tables)
        return [statement for statement, mark in self.ran if mark is None and wanted & {name.lower() for name in TABLE.findall(statement)}]


@contextmanager
def counting(engine: Engine) -> Iterator[Seen]:
    """Note every statement that runs on `engine` while the block lasts. A statement for many rows counts once."""
    seen = Seen()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if statement.split(" ", 1)[0] in ("BEGIN", "PRAGMA", "SET"):
            return
        seen.ran.append((statement, context.execution_options.get(MARK) if context is not None else None))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
