"""Queues: owners without a face (meta-schema: queue.json).

Here: which objects a queue may own. Not here: its members (data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDef(Definition):
    """One queue; its `id` is what stands in `owner`."""

    kind: ClassVar[str] = "queue"

    objects: frozenset[str] = frozenset()


def load_queue(document: Document, loading: Loading) -> QueueDef:
    """Build a queue from its document."""
    return QueueDef(**loading.head(document), objects=frozenset(document["objects"]))
