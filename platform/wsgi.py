"""The two surfaces of one org as one WSGI application: pages, and the API below `/api` and `/health`.

Here: which requests go where. Not here: what either answers. The server, the tests and the benchmarks begin with `application`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from fieldstone.api.app import create_api
from fieldstone.app import Org
from fieldstone.web.app import create_app

BELOW = ("/api", "/health/")  # what belongs to the API of all paths of an org
Start = Callable[..., Any]


def application(org: Org) -> Flask:
    """Return the WSGI application of one org. Raises RuntimeError for a route or an error class that nobody decided about."""
    pages = create_app(org)
    below, beside = create_api(org), pages.wsgi_app
    pages.extensions["api"] = below

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        return below(environ, start) if path.startswith(BELOW) else beside(environ, start)

    pages.wsgi_app = answer  # type: ignore[method-assign,assignment]  # as Flask's manual does it
    return pages
