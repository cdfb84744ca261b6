"""The snapshot this process works with: built once a version, by one thread, from its predecessor.

Here: `Holder`. Not here: what a snapshot is (`snapshot`), how documents become definitions (`load`), publishing (`publish`).

A request reads the version anyway; when it has moved, the first to notice builds the next snapshot and the others wait for it. If a
build fails, the org answers `busy` and the log says why: never with half.
Source: spec/metadata.md, section 8, "Noticing".
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine

from fieldstone.db.transaction import read
from fieldstone.errors import TryAgain
from fieldstone.metadata import documents, store
from fieldstone.metadata.load import build
from fieldstone.metadata.plan import InUse
from fieldstone.metadata.snapshot import Snapshot

log = logging.getLogger(__name__)

KEPT = 3  # snapshots of the last versions: a request that began before a publish ends with its own


class Holder:
    """The snapshots of one org in this process."""

    def __init__(self, engine: Engine, *, in_use: InUse | None = None) -> None:
        """`in_use`: what the layers below have running on the metadata; every plan and every publish asks it."""
        self.engine = engine
        self.in_use = in_use
        self._building = threading.Lock()
        self._kept: OrderedDict[int, Snapshot] = OrderedDict()
        self._offered: Snapshot | None = None

    def current(self, connection: Connection) -> Snapshot:
        """Return the snapshot of the version in force, as `connection` sees it. Raises TryAgain if it cannot be built."""
        return self.at(store.read_version(connection).number, connection)

    def newest(self) -> Snapshot:
        """Return the snapshot of the version in force now, for who has no transaction yet."""
        with read(self.engine) as transaction:
            return self.current(transaction.connection)

    def at(self, version: int, connection: Connection | None = None) -> Snapshot:
        """Return the snapshot of `version`: one of the last few, or the one in force.

        `connection` sees that version; without it one is opened. Raises TryAgain if the version in force is already another.
        """
        kept = self._kept.get(version)
        if kept is not None:
            return kept
        with self._building:
            kept = self._kept.get(version)
            if kept is None:
                kept = self._build(version, connection)
                self._keep(kept)
            return kept

    def offer(self, snapshot: Snapshot) -> None:
        """Say what the next snapshot will be like: a publish has built it already, so that its definitions are taken from there."""
        self._offered = snapshot

    def _keep(self, snapshot: Snapshot) -> None:
        self._kept[snapshot.version] = snapshot
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _build(self, version: int, connection: Connection | None) -> Snapshot:
        try:
            if connection is not None:
                return self._built(connection, version)
            with read(self.engine) as transaction:
                return self._built(transaction.connection, version)
        except TryAgain:
            raise
        except Exception as failure:
            log.exception("the snapshot of version %d cannot be built", version)
            raise TryAgain("snapshot") from failure

    def _built(self, connection: Connection, version: int) -> Snapshot:
        last = next(reversed(self._kept.values()), None)
        stored = store.load(connection, since=last.stored if last is not None else store.NOTHING)
        if stored.version.number != version:
            raise TryAgain("snapshot_changed")
        offered, self._offered = self._offered, None
        previous = offered if offered is not None and offered.stored.texts == stored.texts else last
        return build(_parsed(stored, previous), stored, previous=previous)


def _parsed(stored: store.Stored, previous: Snapshot | None) -> dict[str, Mapping[str, Any]]:
    """Parse what `previous` has not parsed already."""
    known, same = (previous.parsed, previous.documents) if previous is not None else ({}, {})
    return {
        path: known[path] if path in known and same.get(path) == text else documents.parse(text, path=path)
        for path, text in stored.texts.items()
    }
