"""What VLOOKUP asks while records are saved: a field of the one record of an object that has a name.

Here: reading through the gate, as the platform itself (a rule judges on all values), each question once in a transaction.
Not here: the function (`rules/functions/look_up.py`), who shows the answer (nobody: a rule says yes or no).
Source: spec/expressions.md, section 7.7.
"""

from __future__ import annotations

from typing import Any

from fieldstone.records.changes import Batch
from fieldstone.records.cursor import Cursors
from fieldstone.records.gate.read import Gate
from fieldstone.records.gate.sharing import reader
from fieldstone.records.principal import Principal
from fieldstone.records.query import Reference

BY = Principal.internal("look-up")
NO_PAGES = Cursors("")  # no list is read, so that no page follows


class LookUp:
    """Answers of one transaction, kept in what its batches share."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.answers: dict[tuple[str, str, str], Any] = batch.work.shared.setdefault(LookUp, {})

    def __call__(self, of: str, field: str, name: str) -> Any:
        """Return what `field` holds in the one live record of `of` called `name`; None for none, and for several."""
        asked = (of, field, name)
        if asked not in self.answers:
            self.answers[asked] = self._read(of, field, name)
        return self.answers[asked]

    def _read(self, of: str, field: str, name: str) -> Any:
        gate = Gate(self.batch.tx, reader(self.batch.snapshot, BY), NO_PAGES)
        found = gate.having(of, self.batch.snapshot.object(of).name_field, [name]).get(name, [])
        if len(found) != 1:
            return None
        value = gate.get(of, found[0], [field])[field]
        return value.id if isinstance(value, Reference) else value
