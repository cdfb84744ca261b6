"""The web application: blueprints, who asks, tokens against foreign pages, headers, what a failure looks like.

Here: `create_app` and what happens before and after every view. A route that does not say whom it admits stops the start.
Not here: the views (a file a subject), JSON for programs (`api/app.py`, hung in for `/api` and `/health/`).
Source: spec/security.md, sections 6, 7 and 11.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.exceptions import BadRequest, Forbidden

from fieldstone.auth import csrf, principals, sessions
from fieldstone.auth.cookies import SESSION, TOASTS, VISIT, forget_session, is_plain_loopback, remember_visit
from fieldstone.db.transaction import retrying
from fieldstone.errors import NotAllowed
from fieldstone.i18n.languages import CATALOGUES
from fieldstone.web import failures, globals_of_templates, headers, rates
from fieldstone.web.admission import PUBLIC, admission_of, admit, require_admissions
from fieldstone.web.assets import ROOT, Assets
from fieldstone.web.current import Current, current
from fieldstone.web.pages import redirect_after

if TYPE_CHECKING:
    from fieldstone.app import Org

log = logging.getLogger(__name__)

MOST_BODY = 10 * 2**20  # bytes, uploads apart
MOST_FORM_MEMORY = 2**20
MOST_FORM_PARTS = 1_000
CHOOSING_A_PASSWORD = frozenset({"login.choose_password", "login.change_password", "login.sign_out", "home.shell_part"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", ""})


def create_app(org: Org) -> Flask:
    """Return the WSGI application of one org. Raises RuntimeError for a route without @admit."""
    app = Flask("fieldstone.web", static_folder=None, template_folder=None)
    app.config.update(
        ORG=org,
        SECRET_KEY=org.settings.secret_key,
        MAX_CONTENT_LENGTH=MOST_BODY,
        MAX_FORM_MEMORY_SIZE=MOST_FORM_MEMORY,
        MAX_FORM_PARTS=MOST_FORM_PARTS,
        SESSION_COOKIE_NAME=TOASTS.name(org.settings),
        SESSION_COOKIE_SECURE=not is_plain_loopback(org.settings),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT.parent.parent / "i18n" / "locale"),
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "auto_reload": org.settings.dev}
    app.jinja_loader = ChoiceLoader([FileSystemLoader(ROOT.parent / "templates"), FileSystemLoader(ROOT.parent)])
    Babel(app, locale_selector=lambda: CATALOGUES[current.language])
    app.extensions["assets"] = Assets(watched=org.settings.dev)
    globals_of_templates.install(app)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_close)
    failures.install(app)
    rates.install(app)
    app.add_url_rule("/static/<content_hash>/<path:name>", "static", _static)
    app.add_url_rule("/favicon.ico", "favicon", _favicon)
    app.add_url_rule("/healthz", "health", _health)
    app.add_url_rule("/csp-report", "csp_report", _csp_report, methods=["POST"])
    _register(app)
    require_admissions(app)
    return app


def _register(app: Flask) -> None:
    """Hang in the views. A package of pages that comes with another part of the platform registers itself the same way."""
    from fieldstone.web import (
        approvals,
        boards,
        cells,
        home,
        imports,
        list_expressions,
        lists,
        login,
        me,
        notifications,
        quick,
        records,
        recycle_bin,
        search,
        several,
    )
    from fieldstone.web.setup import pages as setup

    for module in (
        login,
        home,
        lists,
        list_expressions,
        boards,
        cells,
        quick,
        records,
        several,
        approvals,
        notifications,
        search,
        recycle_bin,
        imports,
        me,
        setup,
    ):
        app.register_blueprint(module.bp)


def _begin() -> ResponseReturnValue | None:
    """Find out who asks, and refuse whom the route does not admit. Runs before every view."""
    org: Org = current_app.config["ORG"]
    g.current = Current(org)
    rule = request.url_rule
    if rule is None:
        _recognise()
        return None  # the routing error is raised next, and shown to whom it may concern
    _require_known_host(org)
    admission = admission_of(current_app.view_functions[rule.endpoint])
    assert admission is not None
    if request.endpoint in ("static", "health", "favicon"):
        return None
    _recognise()
    if request.method not in csrf.SAFE_METHODS and request.endpoint != "csp_report":
        refusal = _check_origin(admission.public)
        if refusal is not None:
            return refusal
    if admission.public:
        return None
    if current.signed_in is None:
        return failures.ask_to_sign_in()
    if current.one_time and request.endpoint not in CHOOSING_A_PASSWORD:
        return redirect_after("/password")
    if admission.setup and not any(current.rights.setup(right) for right in admission.setup):
        raise NotAllowed(f"setup.{admission.setup[0]}")
    return None


def _recognise() -> None:
    """Take the session of the cookie, in one statement; or the visit of somebody who is not signed in."""
    key = request.cookies.get(SESSION.name(current.org.settings))
    if key:
        found = principals.of_session(current.transaction.connection, key)
        if found is not None:
            current.signed_in = found.principal
            current.session_id = found.id
            current.one_time = found.one_time
            current.csrf_key = key
            if found.to_notice:
                current.close()
                retrying(current.org.engine, lambda transaction: sessions.notice(transaction, found.id))
            return
    current.csrf_key = request.cookies.get(VISIT.name(current.org.settings)) or secrets.token_urlsafe(16)


def _check_origin(public: bool) -> ResponseReturnValue | None:
    """Refuse what no page of ours sent. Without a session the answer is the way to sign in, with the typed form kept."""
    if not csrf.comes_from_here(request):
        raise Forbidden("csrf")
    given = request.headers.get(csrf.HEADER) or request.form.get(csrf.FIELD)
    if csrf.is_valid(given, current.org.settings.secret_key, current.csrf_key):
        return None
    if current.signed_in is None and not public:
        return failures.ask_to_sign_in()
    raise Forbidden("csrf")


def _require_known_host(org: Org) -> None:
    """Refuse a `Host` that is not the configured one; links are built from the configured address alone anyway."""
    asked, ours = urlsplit(f"//{request.host}").hostname or "", urlsplit(org.settings.address).hostname or ""
    if asked != ours and not (is_plain_loopback(org.settings) and asked in LOOPBACK):
        raise BadRequest("host")
    repeated = [key for key, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise BadRequest("repeated parameter")


def _finish(response: Response) -> Response:
    """Put on every answer what every answer carries."""
    here: Current = g.current
    settings = here.org.settings
    headers.protect(response, request_id=here.request_id, https=urlsplit(settings.address).scheme == "https", style_nonce=here.style_nonce)
    if here.signed_in is None and not request.path.startswith("/static/") and request.endpoint not in ("health", "csp_report", "favicon"):
        remember_visit(response, settings, here.csrf_key)
        if request.cookies.get(SESSION.name(settings)) and response.status_code != 401:
            forget_session(response, settings)
    headers.compress(response, request)
    return response


def _close(error: BaseException | None) -> None:
    if "current" in g:
        g.current.close()


@admit(PUBLIC)
def _static(content_hash: str, name: str) -> Response:
    """A static file."""
    assets: Assets = current_app.extensions["assets"]
    return assets.answer(content_hash, name, request)


@admit(PUBLIC)
def _favicon() -> Response:
    """The icon browsers ask for without being told."""
    assets: Assets = current_app.extensions["assets"]
    return assets.answer("", "img/favicon.svg", request)


@admit(PUBLIC)
def _health() -> ResponseReturnValue:
    """Say that the process answers; nothing about what it is."""
    return {"status": "ok"}


@admit(PUBLIC)
def _csp_report() -> ResponseReturnValue:
    """Take a browser's report of something the policy stopped, into the log."""
    rates.spend("csp_report", request.remote_addr or "")
    log.warning("content security policy: %r", request.get_data()[:2_000])
    return "", 204
