"""The API as a WSGI application: routes from the table of operations, who asks, what every answer carries, what a failure looks like.

Here: `create_api`. Not here: the operations (a file a subject), the words of failures, where it hangs (`wsgi.py`).
Source: spec/api.md, sections 1, 4 and 5; spec/security.md, sections 7 and 11.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import BaseConverter
from werkzeug.wrappers.response import Response as AnyResponse

from fieldstone.api import parameters, problems, values
from fieldstone.api.call import NO_BODY, Answer, Call
from fieldstone.api.operations import OPERATIONS, Operation
from fieldstone.api.problems import Declined
from fieldstone.auth import csrf, principals, sessions, tokens
from fieldstone.auth.cookies import SESSION, is_plain_loopback
from fieldstone.auth.rate import WINDOW, Rate
from fieldstone.db.transaction import retrying
from fieldstone.errors import Conflict, FieldstoneError, NotAllowed, NotVisible, Problem, Refused, TryAgain
from fieldstone.limits import BODY_BYTES

if TYPE_CHECKING:
    from fieldstone.app import Org

log = logging.getLogger(__name__)

ROOT = "/api/v1"
SUBJECTS = ("entry", "records", "queries", "describe", "search", "approvals", "expressions", "metadata", "tokens", "openapi")
JSON = "application/json"
PROBLEM = "application/problem+json"
TAKEN = frozenset({JSON, "application/merge-patch+json"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ALWAYS = {  # headers of every answer
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class RecordId(BaseConverter):
    """The id of a record in a path; never the name of what one can do with all records."""

    regex = "(?!(?:batch|query)$)[^/]+"


def create_api(org: Org) -> Flask:
    """Return the API of one org. Raises RuntimeError for an error class without a status."""
    problems.require_rows()
    for subject in SUBJECTS:
        import_module(f"fieldstone.api.{subject}")
    app = Flask("fieldstone.api", static_folder=None, template_folder=None)
    app.config.update(ORG=org, RATE=Rate(org.settings.api_rate), MAX_CONTENT_LENGTH=BODY_BYTES)
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.converters["record"] = RecordId
    table: dict[str, Operation] = {}
    app.config["TABLE"] = table
    for each in OPERATIONS:
        table[f"{each.name}_{each.method}"] = each
        rule = each.path.replace("{object}", "<object_name>").replace("{id}", "<record:record_id>").replace("{", "<").replace("}", ">")
        prefix = "" if each.path.startswith("/health") else ROOT
        app.add_url_rule(prefix + rule, f"{each.name}_{each.method}", _view(each), methods=[each.method], provide_automatic_options=False)
    app.register_error_handler(Exception, _failed)
    app.teardown_request(_close)
    return app


# --- one request -------------------------------------------------------------------------------------------------------------


def _view(operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        org = _org()
        call = g.call = Call(org, request, operation)
        _require_known_host(org, request)
        _require_acceptable(request)
        if not operation.public:
            _recognise(call, current_app.config["RATE"])
            _require_open(call, operation, path)
        call.query = parameters.read(operation, request)
        if operation.body is not None:
            call.body = _body(request, operation)
            if isinstance(operation.body, dict) and call.body is not NO_BODY:
                parameters.check_body(operation.body, call.body)
        return _answered(call, operation.view(call, **path))

    view.__doc__ = operation.doc
    return view


def _require_open(call: Call, operation: Operation, path: Mapping[str, str]) -> None:
    """Raise NotAllowed where scope or object right is lacking for the operation as such, whatever it is asked."""
    scopes = call.principal.scopes
    if operation.scope is not None and scopes is not None and operation.scope not in scopes:
        raise NotAllowed(f"scope.{operation.scope}")
    if operation.right and not operation.open_to(call.rights, call.object(path["object_name"]).name):
        raise NotAllowed(f"{path['object_name']}.{operation.right[0]}")


def _recognise(call: Call, rate: Rate) -> None:
    """Take the token of the header, else the session of the cookie with its CSRF token; in one statement."""
    given = call.request.headers.get("Authorization")
    connection = call.transaction.connection
    if given is not None:
        kind, _, key = given.partition(" ")
        found = principals.of_token(connection, key.strip()) if kind.lower() == "bearer" else None
        notice: Callable[..., None] = tokens.notice
    else:
        cookie = call.request.cookies.get(SESSION.name(call.org.settings))
        found = principals.of_session(connection, cookie) if cookie else None
        notice = sessions.notice
        if found is not None and call.request.method not in csrf.SAFE_METHODS:
            _require_own_page(call, cookie or "")
    if found is None:
        raise Declined(401, "unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="fieldstone"'})
    if found.one_time:
        raise NotAllowed("password")  # it is good for choosing another one, on the page for it
    call.principal_or_none, call.key_id = found.principal, found.id
    if rate.most:
        left, seconds = call.left = rate.take(found.id)
        if left < 0:
            params = {"limit": rate.most, "seconds": seconds}
            raise Declined(429, "rate_limited", [Problem(code="rate_limited", params=params)], headers={"Retry-After": str(seconds)})
    if found.to_notice:
        call.close()
        retrying(call.org.engine, lambda tx: notice(tx, found.id))


def _require_own_page(call: Call, key: str) -> None:
    if not csrf.comes_from_here(call.request) or not csrf.is_valid(
        call.request.headers.get(csrf.HEADER), call.org.settings.secret_key, key
    ):
        raise NotAllowed("csrf")


def _require_known_host(org: Org, asked: Request) -> None:
    host, ours = urlsplit(f"//{asked.host}").hostname or "", urlsplit(org.settings.address).hostname or ""
    if host != ours and not (is_plain_loopback(org.settings) and host in LOOPBACK):
        raise Declined(400, "malformed", [Problem(code="unknown_host")])


def _require_acceptable(asked: Request) -> None:
    header = asked.headers.get("Accept")
    if header is None or "*/*" in header or JSON in header:
        return
    if not any(asked.accept_mimetypes[kind] > 0 for kind in (JSON, PROBLEM)):
        raise Declined(406, "not_acceptable", [Problem(code="not_acceptable")])


def _body(asked: Request, operation: Operation) -> Any:
    """The parsed body. Without one, NO_BODY where none is needed."""
    data = asked.get_data(cache=True)
    if not data and not operation.body_required:
        return NO_BODY
    if asked.mimetype not in TAKEN:
        raise Declined(415, "unsupported_type", [Problem(code="unsupported_type", params={"allowed": sorted(TAKEN)})])
    value = values.parse(data)
    if not isinstance(value, dict):
        params = {"expected": "object", "found": parameters.json_type(value)}
        raise Declined(400, "malformed", [Problem(code="wrong_type", params=params, pointer="")])
    return value


def _answered(call: Call, answer: Answer) -> Response:
    body = answer.text if answer.text is not None else b"" if answer.value is None else call.dump(answer.value)
    response = Response(body, answer.status, mimetype=JSON if body else None)
    if not body:
        response.headers.pop("Content-Type", None)
    for name, value in answer.headers.items():
        response.headers[name] = value
    return _carried(call, response)


def _carried(call: Call, response: Response) -> Response:
    """Put on what every answer carries."""
    headers = response.headers
    headers["Request-Id"] = call.request_id
    headers.extend(ALWAYS)
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    if call.principal_or_none is not None and call.principal.version is not None:
        headers["Fieldstone-Snapshot"] = str(call.principal.version)
    if call.left is not None:
        most = call.org.settings.api_rate
        headers["RateLimit-Policy"] = f'"token";q={most};w={WINDOW}'
        headers["RateLimit"] = f'"token";r={max(call.left[0], 0)};t={call.left[1]}'
    if call.replayed:
        headers["Idempotent-Replayed"] = "true"
    return response


def _close(error: BaseException | None) -> None:
    if "call" in g:
        g.call.close()


# --- failures ----------------------------------------------------------------------------------------------------------------


def _failed(failure: Exception) -> AnyResponse:
    call: Call = g.call if "call" in g else Call(_org(), request)
    call.close()  # what failed may have spoilt it
    match failure:
        case Declined():
            return _told(call, failure.status, failure.code, failure.problems, headers=failure.headers)
        case Conflict():
            return _conflict(call, failure)
        case Refused():
            return _told(call, problems.status_of(failure), failure.code, failure.problems)
        case TryAgain():
            return _told(call, 503, "busy", (), headers={"Retry-After": str(max(int(failure.after_seconds), 1))})
        case NotAllowed():
            return _told(call, 403, "forbidden", (), right=failure.right or None)
        case FieldstoneError():
            return _told(call, problems.status_of(failure), failure.code, ())
        case MethodNotAllowed():
            allowed = sorted(_methods(call, failure.valid_methods or ()))
            return _told(call, 405, "method_not_allowed", (), headers={"Allow": ", ".join(allowed)})
        case RequestEntityTooLarge():
            params = {"name": "body", "limit": BODY_BYTES, "count": call.request.content_length or 0}
            return _told(call, 413, "too_large", [Problem(code="limit_exceeded", params=params)])
        case HTTPException():
            code = {404: "not_found", 400: "malformed"}.get(failure.code or 500, "malformed")
            return _told(call, failure.code or 500, code, ())
    log.error("request %s failed: %s %s", call.request_id, call.request.method, call.request.path, exc_info=failure)
    return _told(call, 500, "internal", ())


def _methods(call: Call, methods: Iterable[str]) -> set[str]:
    """Of the methods of a path, those that the caller may use: as in their OpenAPI document. All of them for a stranger."""
    known, asked = set(methods), call.request
    table: dict[str, Operation] = current_app.config["TABLE"]
    adapter = current_app.create_url_adapter(asked)
    assert adapter is not None
    with suppress(Declined, NotAllowed):
        _recognise(call, Rate(0))
        for method in sorted(known - {"HEAD"}):
            endpoint, path = adapter.match(method=method)
            try:
                _require_open(call, table[endpoint], path)
            except (NotAllowed, NotVisible):
                known -= {method, "HEAD"} if method == "GET" else {method}
    call.close()
    return known


def _org() -> Org:
    found: Org = current_app.config["ORG"]
    return found


def _conflict(call: Call, failure: Conflict) -> Response:
    """Somebody was faster: both values of the fields the caller may read; 412 where a header asked for the version."""
    status = 412 if "If-Match" in call.request.headers else 409
    shown = {name: _raw(value) for name, value in failure.current.items()}
    return _told(
        call,
        status,
        failure.code,
        failure.problems,
        current=shown or None,
        given=dict(failure.given) or None,
        row_version=failure.row_version,
    )


def _raw(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _told(call: Call, status: int, code: str, listed: Iterable[Problem], *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    labels = None
    if call.principal_or_none is not None and "snapshot" in call.__dict__:
        labels = call.snapshot
    object_name = (call.request.view_args or {}).get("object_name")
    value = problems.document(
        status,
        code,
        listed,
        language=call.language,
        request_id=call.request_id,
        labels=labels,
        object_name=object_name if labels is not None and object_name in labels.objects else None,
        **more,
    )
    response = Response(call.dump(value), status, mimetype=PROBLEM)
    for name, text in (headers or {}).items():
        response.headers[name] = text
    return _carried(call, response)
