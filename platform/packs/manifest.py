"""What a pack says of itself: `pack.json`, and the seal over its files.

Here: `Manifest`, reading and checking it, writing and checking the hashes of the files.
Not here: finding the files (`read.py`), choosing versions (`plan.py`), versions and ranges (`versions.py`).
Source: spec/packs.md, section 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any

from fieldstone.errors import Problem
from fieldstone.metadata import labels, meta_schemas
from fieldstone.metadata.documents import canonical
from fieldstone.packs.versions import Version, in_range, is_range, parse_version

FILE = "pack.json"
RESERVED = frozenset(("core", "crm", "sales", "service", "marketing"))  # names of the packs that ship
RANGES = ("requires", "enhances", "conflicts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A pack's name, version, needs and files. Only `load_manifest` builds one, from a document that `check_manifest` accepted."""

    name: str
    version: Version
    label: Mapping[str, str]
    description: Mapping[str, str]
    publisher: str
    namespace: str | None  # prefix of what a pack from outside creates
    requires: Mapping[str, str]  # pack → range of versions
    conflicts: Mapping[str, str]
    languages: tuple[str, ...]
    files: Mapping[str, str] | None  # path → "sha256:…"; None: not sealed
    source: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The manifest as canonical text."""
        return canonical(self.source)


def load_manifest(document: Mapping[str, Any]) -> Manifest:
    """Return the manifest in `document`, which `check_manifest` has accepted."""
    version = parse_version(document["version"])
    assert version is not None
    return Manifest(
        name=document["name"],
        version=version,
        label=labels.of(document["label"]),
        description=labels.of(document.get("description", {})),
        publisher=document["publisher"],
        namespace=document.get("namespace"),
        requires=document.get("requires", {}),
        conflicts=document.get("conflicts", {}),
        languages=tuple(document["languages"]),
        files=document.get("files"),
        source=document,
    )


def check_manifest(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return everything that is wrong with a manifest by itself: its shape, ranges, and whether this platform is one it runs on."""
    problems = [problem.at(document=FILE) for problem in meta_schemas.problems(document, "pack")]
    if not problems:
        problems += _ranges(document)
    return tuple(problems)


def platform_version() -> Version:
    """Return the version of this product."""
    found = parse_version(installed_version("fieldstone"))
    assert found is not None
    return found


def _ranges(document: Mapping[str, Any]) -> Iterator[Problem]:
    ranges = {f"/{kind}/{name}": text for kind in RANGES for name, text in document.get(kind, {}).items()}
    ranges |= {f"/{key}": document[key] for key in ("platform", "upgrades_from") if key in document}
    for pointer, text in ranges.items():
        if not is_range(text):
            yield Problem(code="pack_range", params={"value": text}, document=FILE, pointer=pointer)
    if is_range(document["platform"]) and not in_range(platform_version(), document["platform"]):
        needs = {"pack": document["name"], "range": document["platform"], "version": str(platform_version())}
        yield Problem(code="platform_version", params=needs, document=FILE, pointer="/platform")
    if document["name"] in document.get("requires", {}):
        cycle = {"path": f"{document['name']} → {document['name']}"}
        yield Problem(code="requires_cycle", params=cycle, document=FILE, pointer=f"/requires/{document['name']}")
    if document["name"] not in RESERVED and "namespace" not in document:
        yield Problem(code="missing_key", params={"key": "namespace"}, document=FILE, pointer="")


# --- the seal -----------------------------------------------------------------------------------------------------------------


def file_hash(content: bytes) -> str:
    """Return how a manifest writes the hash of a file."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def sealed(document: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest with the hash of every file but itself."""
    return {**document, "files": {path: file_hash(content) for path, content in sorted(files.items()) if path != FILE}}


def check_seal(manifest: Manifest, files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Return each file that is missing, not listed, or other than when the pack was sealed. An unsealed pack has no such problem."""
    if manifest.files is None:
        return ()
    there = {path: content for path, content in files.items() if path != FILE}
    problems = [Problem(code="pack_file_missing", params={"path": path}, document=path) for path in manifest.files if path not in there]
    for path, content in there.items():
        if path not in manifest.files:
            problems.append(Problem(code="pack_file_extra", params={"path": path}, document=path))
        elif manifest.files[path] != file_hash(content):
            problems.append(Problem(code="pack_hash", params={"path": path}, document=path))
    return tuple(sorted(problems, key=lambda problem: problem.document or ""))
