"""Static files: one address per content, kept by browsers for ever, compressed once.

Here: `Assets`, which makes the addresses and answers them. Not here: the files (`static/`), how they came to be (`tools/`).
The hash of the whole folder stands in front of the path, so that a style sheet's relative addresses carry it too.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from pathlib import Path

from flask import Request, Response
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

ROOT = Path(__file__).parent / "static"
YEAR = 31_536_000
TEXTS = frozenset({".css", ".js", ".mjs", ".svg", ".json", ".txt", ".webmanifest"})
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}


class Assets:
    """The folder of static files at start-up. With `watched` (development) changes are noticed at the next page."""

    def __init__(self, root: Path = ROOT, *, watched: bool = False) -> None:
        self.root = root
        self.watched = watched
        self._stamp: tuple[int, int] = (0, 0)
        self._hash = ""
        self._compressed: dict[str, bytes] = {}
        self._read()

    def path(self, name: str) -> str:
        """Return the address of the static file `name`, such as `app.css`."""
        if self.watched:
            self._read()
        return f"/static/{self._hash}/{name}"

    def answer(self, given_hash: str, name: str, request: Request) -> Response:
        """Return a static file; immutable when the hash is the one of today, else not kept. Raises NotFound."""
        place = safe_join(str(self.root), name)
        file = Path(place) if place is not None else None
        if file is None or not file.is_file():
            raise NotFound
        kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        compresses = file.suffix in TEXTS and request.accept_encodings["gzip"] > 0
        response = Response(self._gzipped(name, file) if compresses else file.read_bytes(), content_type=kind)
        if kind.startswith("text/"):
            response.content_type = f"{kind}; charset=utf-8"
        if compresses:
            response.headers["Content-Encoding"] = "gzip"
        if file.suffix in TEXTS:
            response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if given_hash == self._hash else "no-cache"
        return response

    def _gzipped(self, name: str, file: Path) -> bytes:
        if name not in self._compressed:
            content = _squeezed(file.read_bytes()) if file.suffix == ".css" else file.read_bytes()
            self._compressed[name] = gzip.compress(content, 9, mtime=0)
        return self._compressed[name]

    def _read(self) -> None:
        """Take the hash of all files, unless nothing was touched since."""
        files = sorted(file for file in self.root.rglob("*") if file.is_file())
        stats = [file.stat() for file in files]
        stamp = (len(files), max((stat.st_mtime_ns for stat in stats), default=0))
        if stamp == self._stamp:
            return
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.relative_to(self.root)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
        self._stamp, self._hash = stamp, digest.hexdigest()[:12]
        self._compressed.clear()


def _squeezed(css: bytes) -> bytes:
    """Return a style sheet without comments and indentation: a seventh of what travels. Our strings hold no runs of blanks."""
    return re.sub(rb" ?([{};,]) ?", rb"\1", re.sub(rb"\s+", b" ", re.sub(rb"/\*.*?\*/", b"", css, flags=re.DOTALL)))
