"""Which Setup rights a change of metadata asks of its author: the last stage of the check.

Here: the callable that `metadata.plan` is handed. Not here: the rights themselves (`access`), which kind needs which (`metadata/kinds.py`).
Source: spec/metadata.md, section 8; spec/security.md, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldstone.errors import Problem
from fieldstone.metadata.check import Rights as OfAuthor
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.propose import different
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate.access import Rights


def rights_of_author(current: Snapshot, held: Rights) -> OfAuthor:
    """Return what names, of the documents as they would be, every right that the author lacks for one that differs."""

    def lacking(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
        for path in sorted(different(current.parsed, documents)):
            document = documents.get(path) or current.parsed[path]
            kind = KINDS.get(str(document.get("kind")))
            if kind is not None and not held.setup(kind.right):
                yield Problem(code="right_missing", params={"right": kind.right}, document=path, pointer="")

    return lacking
