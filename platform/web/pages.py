"""Rendering: a whole page, or for htmx the one block of it that changes.

Here: `page` and `fragment`, what every template may use. Not here: the templates, what is on a page (the views).
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, make_response, request
from flask.typing import ResponseReturnValue

from fieldstone.web import shell


def wants_fragment() -> bool:
    """Tell whether htmx asked, and for a part of a page."""
    return "HX-Request" in request.headers and request.headers.get("HX-Request-Type") != "full" and "HX-Boosted" not in request.headers


def page(template: str, /, *, block: str | None = None, status: int = 200, **context: Any) -> Response:
    """Return the page `template`; when htmx asked, only its block `block`, if one is named."""
    if block is not None and wants_fragment():
        return fragment(template, block, status=status, **context)
    return _answer(current_app.jinja_env.get_template(template).render(shell.whole() | context), status)


def fragment(template: str, block: str, /, *, status: int = 200, **context: Any) -> Response:
    """Return one named block of a template: the same one that the whole page shows."""
    found = current_app.jinja_env.get_template(template)
    return _answer("".join(found.blocks[block](found.new_context(shell.small() | context))), status)


def _answer(body: str, status: int) -> Response:
    response = make_response(body, status)
    response.headers["Vary"] = "HX-Request"
    return response


def redirect_after(url: str) -> ResponseReturnValue:
    """Send the browser to `url` with GET: by 303, or for htmx by the header it follows."""
    if "HX-Request" in request.headers:
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    response = make_response("", 303)
    response.headers["Location"] = url
    return response


def safe_target(target: str | None) -> str:
    """Return `target` if it is a path of ours, else the home page: no redirect leads to another site.

    Source: spec/security.md, section 11 "Redirect targets".
    """
    if (
        not target
        or not target.startswith("/")
        or target.startswith("//")
        or "\\" in target
        or any(ord(c) < 33 or ord(c) == 127 for c in target)
    ):
        return "/"
    return target
