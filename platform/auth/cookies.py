"""The cookies: of a session, of a visit before the login, and of what was done, to be said on the next page (Flask's own).

Here: their names and attributes. Not here: what their values mean (`auth/sessions.py`, `csrf.py`).
Source: spec/security.md, section 6: `__Host-`, Secure, HttpOnly, SameSite=Lax; prefix and Secure are dropped only where
the address is http on loopback.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, request

if TYPE_CHECKING:
    from fieldstone.settings import Settings

YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie by its bare name."""

    bare: str

    def name(self, settings: Settings) -> str:
        """Return the name with the prefix that ties it to this host over https. Orgs on other ports of loopback keep apart."""
        if not is_plain_loopback(settings):
            return f"__Host-{self.bare}"
        return f"{self.bare}_{urlsplit(settings.address).port or 80}"


SESSION = Cookie("fs_session")
VISIT = Cookie("fs_visit")
TOASTS = Cookie("fs_toasts")


def is_plain_loopback(settings: Settings) -> bool:
    """Tell whether the org is reached by http on this very machine, where browsers keep no Secure cookie."""
    parts = urlsplit(settings.address)
    host = parts.hostname or ""
    if parts.scheme != "http":
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _set(response: Response, settings: Settings, cookie: Cookie, value: str) -> None:
    response.set_cookie(cookie.name(settings), value, httponly=True, secure=not is_plain_loopback(settings), samesite="Lax", path="/")


def remember_session(response: Response, settings: Settings, key: str) -> None:
    """Give the browser the key of its session, until it is closed or the session is over."""
    _set(response, settings, SESSION, key)
    response.delete_cookie(VISIT.name(settings), path="/", secure=not is_plain_loopback(settings), httponly=True, samesite="Lax")


def forget_session(response: Response, settings: Settings) -> None:
    """Take the session's key from the browser."""
    response.delete_cookie(SESSION.name(settings), path="/", secure=not is_plain_loopback(settings), httponly=True, samesite="Lax")


def remember_visit(response: Response, settings: Settings, key: str) -> None:
    """Give the browser the key that the token on the login page is bound to."""
    if request.cookies.get(VISIT.name(settings)) != key:
        _set(response, settings, VISIT, key)
