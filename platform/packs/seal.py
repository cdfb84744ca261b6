"""Closing a pack: its documents in canonical text, the hash of every file in its manifest.

Here: `seal`, the one function that writes into a pack's folder. Not here: checking a seal (`manifest.py`), signatures.
Source: spec/packs.md, sections 2 and 7.
"""

from __future__ import annotations

from pathlib import Path

from fieldstone.errors import Problem, Refused
from fieldstone.metadata import documents as texts
from fieldstone.metadata.kind_names import KIND_OF_FOLDER
from fieldstone.packs.manifest import FILE, sealed
from fieldstone.packs.read import folder_files


def seal(folder: Path) -> tuple[str, ...]:
    """Bring the pack in `folder` into canonical text, write its hashes, and return the paths of the files that changed.

    A sealed folder stays as it is, byte for byte. Raises Refused for files that are no JSON documents; then nothing is written.
    """
    files = folder_files(folder)
    if FILE not in files:
        raise Refused(Problem(code="pack_manifest_missing", document=FILE), code="pack_invalid")
    wanted = dict(files)
    problems: list[Problem] = []
    for path, content in files.items():
        if path.endswith(".json") and path.split("/", 1)[0] in KIND_OF_FOLDER:
            try:
                wanted[path] = texts.canonical(texts.parse(content, path=path)).encode()
            except Refused as refused:
                problems += refused.problems
    if problems:
        raise Refused(problems, code="pack_invalid")
    wanted[FILE] = texts.canonical(sealed(texts.parse(files[FILE], path=FILE), wanted)).encode()
    changed = tuple(path for path in sorted(wanted) if wanted[path] != files[path])
    for path in changed:
        (folder / path).write_bytes(wanted[path])
    return changed
