"""Requests that change something come from our own pages: a masked token, and what the browser says of the request's origin.

Here: making and comparing tokens, `Sec-Fetch-Site` and `Origin`.
Not here: where the token stands in a page (`templates/base.html`), the session (`auth/sessions.py`).
Source: spec/security.md, section 11.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Request

HEADER = "X-CSRFToken"
FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def token(secret: str, bound_to: str) -> str:
    """Return a token for pages of the session (or, before a login, the visit) whose key is `bound_to`.

    Masked: it looks different each time, so that a compressed page does not give it away bit by bit.
    """
    plain = _plain(secret, bound_to)
    mask = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(mask + _xor(mask, plain)).decode()


def is_valid(given: str | None, secret: str, bound_to: str) -> bool:
    """Tell whether `given` was made for this session or visit."""
    try:
        raw = base64.urlsafe_b64decode((given or "").encode())
    except (ValueError, UnicodeEncodeError):
        return False
    half = len(raw) // 2
    return hmac.compare_digest(_xor(raw[:half], raw[half:]), _plain(secret, bound_to))


def _plain(secret: str, bound_to: str) -> bytes:
    return hmac.new(secret.encode(), f"csrf {bound_to}".encode(), hashlib.sha256).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def comes_from_here(request: Request) -> bool:
    """Tell whether the browser says that a page of ours made this request.

    Browsers send `Sec-Fetch-Site` with every request to https and loopback; for others `Origin` must be our own host.
    A request with neither is not from a page at all: the token alone decides.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
