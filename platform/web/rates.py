"""What one person, or one address, may ask of pages in a minute: searches, suggestions, reports of browsers.

Here: the limits, and refusing what is above them. Not here: counting (`auth/rate.py`), failed logins (`auth/attempts.py`).
Source: spec/security.md, section 7.
"""

from __future__ import annotations

from flask import Flask, current_app
from werkzeug.exceptions import TooManyRequests

from fieldstone.auth.rate import Rate

A_MINUTE = {"search": 60, "suggestions": 60, "csp_report": 60}


def install(app: Flask) -> None:
    """Let `app` count, from nothing."""
    app.extensions["rates"] = {kind: Rate(most) for kind, most in A_MINUTE.items()}


def spend(kind: str, who: str) -> None:
    """Count one request of `who`, a user id or an address. Raises TooManyRequests, which says when to come back, above the limit."""
    rate: Rate = current_app.extensions["rates"][kind]
    left, seconds = rate.take(who)
    if left < 0:
        raise TooManyRequests(retry_after=seconds)
