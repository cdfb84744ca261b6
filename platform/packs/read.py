"""A pack from a folder or an archive: every file in memory, every document parsed, every problem at once.

Here: which files a pack may have, the bounds of archives, `Pack`.
Not here: whether the documents are right (`metadata/check.py`), what the manifest means (`manifest.py`), choosing packs (`plan.py`).
Source: spec/packs.md, sections 1 and 3; spec/security.md, section 7.
"""

from __future__ import annotations

import csv
import io
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from fieldstone import limits
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import documents as texts
from fieldstone.metadata.checks.shape import check_shape
from fieldstone.metadata.kind_names import KIND_OF_FOLDER
from fieldstone.packs import manifest as manifests
from fieldstone.packs.manifest import FILE, RESERVED, Manifest

SHIPPED = ("core", "crm", "sales", "service", "marketing")  # in an order that lets each come after what it requires

LANGUAGE = r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*"
NAME = r"[a-z][a-z0-9_]*"
# What a pack holds besides its documents. Anything else is an error: a misspelt folder would be silently without effect.
OTHER_FILES = tuple(
    re.compile(pattern)
    for pattern in (
        r"pack\.json",
        r"CHANGELOG\.md",
        r"LICENSE",
        r"icon\.png",
        rf"checks/{NAME}\.json",
        rf"sample/(?:{LANGUAGE}/|then/)?{NAME}\.csv",
        r"sample/people\.json",
        rf"docs/{LANGUAGE}/[a-z0-9_-]+\.md",
        r"docs/screenshots/[a-z0-9_-]+\.png",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack in memory. Its documents are parsed; whether they are right is said by the plan."""

    manifest: Manifest
    documents: Mapping[str, texts.Document]  # by path
    files: Mapping[str, bytes]  # all of them, by path
    problems: tuple[Problem, ...] = ()  # of files, manifest and seal; of one that `read` has given none

    @property
    def name(self) -> str:
        """Its name."""
        return self.manifest.name

    def table(self, path: str) -> tuple[dict[str, str], ...]:
        """Return the rows of one of its CSV files by column; none if there is no such file."""
        content = self.files.get(path)
        return () if content is None else tuple(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))

    def json(self, path: str) -> texts.Document | None:
        """Return one of its JSON files that is no document (people, checks); None if there is no such file."""
        content = self.files.get(path)
        return None if content is None else texts.parse(content, path=path)


def shipped(name: str) -> Pack:
    """Return a pack that comes with the product. Raises KeyError for another name."""
    if name not in SHIPPED:
        raise KeyError(name)
    return read(shipped_folder() / name)


def shipped_folder() -> Path:
    """Return where the packs of the product lie."""
    return Path(str(resources.files("fieldstone.shipped")))


def read(source: Path) -> Pack:
    """Return the pack in a folder or in an `.fspack` archive. Raises Refused with every problem of its files, manifest and seal."""
    return _sound(look(source))


def read_files(files: Mapping[str, bytes], *, trusted: bool = False) -> Pack:
    """Return the pack that consists of `files`. `trusted`: it came with the product and may bear a reserved name. Raises Refused."""
    return _sound(look_at_files(files, trusted=trusted))


def look(source: Path) -> Pack:
    """Return the pack in a folder or archive with its problems, so that a plan can tell them together with all others.

    Raises Refused where nobody can tell which pack it is.
    """
    if source.is_dir():
        return look_at_files(folder_files(source), trusted=source.resolve().parent == shipped_folder().resolve())
    if not source.is_file():
        raise Refused(Problem(code="pack_not_found", params={"path": str(source)}))
    return look_at_archive(source.read_bytes())


def look_at_archive(content: bytes) -> Pack:
    """Return the pack in the bytes of an `.fspack` archive; see `look`."""
    return look_at_files(archive_files(content))


def _sound(pack: Pack) -> Pack:
    if pack.problems:
        raise Refused(pack.problems, code="pack_invalid")
    return pack


def look_at_files(files: Mapping[str, bytes], *, trusted: bool = False) -> Pack:
    """Return the pack that consists of `files`; see `look` and `read_files`."""
    problems: list[Problem] = list(_unknown(files))
    documents = _parsed((path for path in files if _is_document(path)), files, problems)
    source = _parsed([FILE], files, problems).get(FILE) if FILE in files else None
    if FILE not in files:
        problems.append(Problem(code="pack_manifest_missing", document=FILE))
    problems += _data(files)
    manifest = _manifest(source, files, problems, trusted) if source is not None else None
    if manifest is not None and manifest.namespace is not None:
        problems += _outside_namespace(manifest.namespace, documents)
    if manifest is None:
        raise Refused([*problems, *check_shape(documents, lambda path, document: False)[1]], code="pack_invalid")
    return Pack(manifest=manifest, documents=documents, files=files, problems=tuple(problems))


def _manifest(source: Mapping[str, Any], files: Mapping[str, bytes], problems: list[Problem], trusted: bool) -> Manifest | None:
    wrong = manifests.check_manifest(source)
    problems += wrong
    if wrong:
        return None
    manifest = manifests.load_manifest(source)
    problems += manifests.check_seal(manifest, files)
    if manifest.name in RESERVED and not trusted:
        problems.append(Problem(code="pack_reserved", params={"name": manifest.name}, document=FILE, pointer="/name"))
    return manifest


# --- files --------------------------------------------------------------------------------------------------------------------


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by path. What begins with a dot (an editor's, the meta-schemas beside them) is no part of a pack."""
    files: dict[str, bytes] = {}
    size = 0
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.startswith(".") for part in parts):
            continue
        if path.is_symlink():
            raise Refused(Problem(code="pack_archive_unsafe", params={"path": "/".join(parts)}, document="/".join(parts)))
        size += path.stat().st_size
        _require_bounds(len(files) + 1, size)
        files["/".join(parts)] = path.read_bytes()
    return files


def archive_files(content: bytes) -> dict[str, bytes]:
    """Return the files of a zip archive by path, never more than the bounds allow. Raises Refused for one that is damaged or unsafe."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpacked(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused(Problem(code="pack_archive_broken", params={"reason": str(error)})) from None


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    size = 0
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        path = entry.filename
        is_link = stat.S_ISLNK(entry.external_attr >> 16)
        if is_link or path.startswith("/") or "\\" in path or ":" in path or ".." in path.split("/") or path in files:
            raise Refused(Problem(code="pack_archive_unsafe", params={"path": path}, document=path))
        _require_bounds(len(files) + 1, size + entry.file_size)
        with archive.open(entry) as file:  # what an entry says of its size is not believed
            files[path] = file.read(limits.PACK_BYTES - size + 1)
        size += len(files[path])
        _require_bounds(len(files), size)
    return files


def _require_bounds(count: int, size: int) -> None:
    for name, value, limit in (("PACK_FILES", count, limits.PACK_FILES), ("PACK_BYTES", size, limits.PACK_BYTES)):
        if value > limit:
            raise Refused(Problem(code="limit_exceeded", params={"name": name, "limit": limit, "count": value}))


def _is_document(path: str) -> bool:
    return path.endswith(".json") and path.split("/", 1)[0] in KIND_OF_FOLDER and "/" in path


def _unknown(files: Mapping[str, bytes]) -> Iterator[Problem]:
    for path, content in files.items():
        if not _is_document(path) and not any(pattern.fullmatch(path) for pattern in OTHER_FILES):
            yield Problem(code="pack_unknown_file", params={"path": path, "folders": ", ".join(sorted(KIND_OF_FOLDER))}, document=path)
        elif path.endswith(".png") and len(content) > limits.PACK_IMAGE_BYTES:
            over = {"name": "PACK_IMAGE_BYTES", "limit": limits.PACK_IMAGE_BYTES, "count": len(content)}
            yield Problem(code="limit_exceeded", params=over, document=path)


def _parsed(paths: Any, files: Mapping[str, bytes], problems: list[Problem]) -> dict[str, texts.Document]:
    found = {}
    for path in sorted(paths):
        try:
            found[path] = texts.parse(files[path], path=path)
        except Refused as refused:
            problems += refused.problems
    return found


def _data(files: Mapping[str, bytes]) -> Iterator[Problem]:
    """Check that sample tables are tables with a `$id`, and that other JSON files are JSON."""
    for path, content in files.items():
        if path.startswith("checks/") or path == "sample/people.json":
            try:
                texts.parse(content, path=path)
            except Refused as refused:
                yield from refused.problems
        elif path.startswith("sample/") and path.endswith(".csv"):
            yield from _table(path, content)


def _table(path: str, content: bytes) -> Iterator[Problem]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        yield Problem(code="pack_table", params={"path": path, "reason": str(error)}, document=path)
        return
    if not rows or "$id" not in rows[0]:
        yield Problem(code="pack_table_without_id", params={"path": path}, document=path)
        return
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            wrong = {"path": path, "row": number, "cells": len(row), "columns": len(rows[0])}
            yield Problem(code="pack_table_row", params=wrong, document=path)
    ids = [row[rows[0].index("$id")] for row in rows[1:] if len(row) == len(rows[0])]
    for doubled in sorted({each for each in ids if ids.count(each) > 1}):
        yield Problem(code="pack_table_doubled", params={"path": path, "id": doubled}, document=path)


def _outside_namespace(namespace: str, documents: Mapping[str, texts.Document]) -> Iterator[Problem]:
    """Whatever a pack from outside creates bears its prefix, so that it never collides with another's or with what an admin builds."""
    for path, document in documents.items():
        names = {"": texts.name_of(document)} if document.get("kind") not in ("object_extension", "translation") else {}
        if document.get("kind") == "object_extension":
            names |= {f"/fields/{name}": name for name in document.get("fields", {})}
        for pointer, name in names.items():
            if not name.startswith(f"{namespace}__"):
                yield Problem(
                    code="pack_prefix", params={"name": name, "prefix": f"{namespace}__"}, document=path, pointer=pointer or "/api_name",
                    suggestion=f"{namespace}__{name}",
                )  # fmt: skip
