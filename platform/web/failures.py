"""What a failure looks like: a page, or for htmx a fragment, in the reader's words and with the request's id.

Here: from exception to status and page; the way to sign in and back with what was typed. Not here: forms with problems at
their fields: views show those themselves.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from fieldstone.auth.cookies import SESSION
from fieldstone.errors import Conflict, FieldstoneError, NotAllowed, NotVisible, Refused, TryAgain
from fieldstone.web.current import current
from fieldstone.web.pages import page, wants_fragment
from fieldstone.web.typed_forms import carried, page_of_form

log = logging.getLogger(__name__)

WORDED = frozenset({400, 403, 404, 405, 409, 413, 422, 429, 500, 503})  # those with a sentence of their own
STATUS: dict[type[FieldstoneError], int] = {Conflict: 409, Refused: 422, NotAllowed: 403, NotVisible: 404, TryAgain: 503}


def install(app: Flask) -> None:
    """Have every failure answered here."""
    app.register_error_handler(FieldstoneError, _expected)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unexpected)


def status_of(failure: FieldstoneError) -> int:
    """Return the HTTP status for one of our own exceptions."""
    return next((status for kind, status in STATUS.items() if isinstance(failure, kind)), 500)


def _expected(failure: Exception) -> ResponseReturnValue:
    assert isinstance(failure, FieldstoneError)
    status = status_of(failure)
    if status == 500:
        return _unexpected(failure)
    problems = failure.problems if isinstance(failure, Refused) else ()
    response = _show(status, problems=problems)
    if isinstance(failure, TryAgain):
        response.headers["Retry-After"] = str(max(int(failure.after_seconds), 1))
    return response


def _of_http(failure: Exception) -> ResponseReturnValue:
    assert isinstance(failure, HTTPException)
    if failure.code is None or failure.response is not None:
        return make_response(failure.get_response())
    response = _show(failure.code, csrf=failure.description == "csrf")
    for name, value in failure.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _unexpected(failure: Exception) -> ResponseReturnValue:
    """Log our own bug under the request's id, and show nothing but the id."""
    request_id = g.current.request_id if "current" in g else "none"
    log.error("request %s failed: %s %s", request_id, request.method, request.path, exc_info=failure)
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise failure
    return _show(500)


def _show(status: int, **context: object) -> Response:
    current.close()  # the transaction may be spoilt by what failed
    # Without a session nothing is told apart: whoever is a stranger sees one plain page for everything.
    template = "failure.html" if current.signed_in is not None else "failure_plain.html"
    context = {"problems": (), "csrf": False, **context}
    return page(
        template, block="failure", status=status, known_code=status if status in WORDED else 500, request_id=current.request_id, **context
    )


def ask_to_sign_in() -> ResponseReturnValue:
    """Return 401 with the login page. What was typed into a form comes back after the login, or else the page it stands on.

    A script gets the bare status: it says so in a toast and leaves the page, and what is typed on it, as they are.
    """
    if wants_fragment() or "X-Requested-With" in request.headers:
        return make_response("", 401)
    sent = request.method == "POST"
    target = page_of_form() if sent else request.full_path.rstrip("?")
    typed = carried() if sent else ""
    ended = sent or SESSION.name(current.org.settings) in request.cookies  # a newcomer had no session that could end
    return page("login.html", status=401, problems=(), username="", target=target, typed=typed, ended=ended)
