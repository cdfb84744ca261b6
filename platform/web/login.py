"""Signing in and out, and choosing another password in place of a one-time one.

Here: the pages and the cookie. Not here: what a good login is (`auth/logins.py`), what a good password is (`auth/passwords.py`).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue

from fieldstone.auth import logins, sessions, users
from fieldstone.auth.cookies import YEAR, forget_session, is_plain_loopback, remember_session
from fieldstone.db.transaction import retrying
from fieldstone.errors import Problem, Refused, TryAgain
from fieldstone.i18n.languages import LANGUAGES
from fieldstone.web.admission import PUBLIC, SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.pages import page, redirect_after, safe_target
from fieldstone.web.typed_forms import take_back

bp = Blueprint("login", __name__)


@bp.get("/login")
@admit(PUBLIC)
def show() -> ResponseReturnValue:
    """The login page; somebody who is signed in goes on to where they wanted."""
    target = safe_target(request.args.get("next"))
    if current.signed_in is not None:
        return redirect_after(target)
    return _page(target=target)


@bp.post("/login")
@admit(PUBLIC)
def sign_in() -> ResponseReturnValue:
    """Begin a session, or show the page again with the one sentence that fits every mistake."""
    form = request.form
    target, typed, username = safe_target(form.get("next")), form.get("typed", ""), form.get("username", "")[:320]
    current.close()
    try:
        login = logins.sign_in(
            current.org.engine,
            username,
            form.get("password", "")[:1000],
            address=request.remote_addr,
            agent=request.headers.get("User-Agent"),
        )
    except Refused as refused:
        return _page(status=422, problems=refused.problems, username=username, target=target, typed=typed)
    except TryAgain as wait:
        seconds = max(int(wait.after_seconds), 1)
        problem = Problem(code="login_attempts", params={"seconds": seconds})
        response = make_response(_page(status=429, problems=(problem,), username=username, target=target, typed=typed))
        response.headers["Retry-After"] = str(seconds)
        return response
    if typed:
        target = retrying(current.org.engine, lambda transaction: take_back(transaction, login.user_id, typed)) or target
    response = make_response(redirect_after("/password" if login.one_time else target))
    remember_session(response, current.org.settings, login.key)
    return response


def _page(*, status: int = 200, target: str = "/", **context: Any) -> ResponseReturnValue:
    given = {"problems": (), "username": "", "typed": "", "ended": False, **context}
    return page("login.html", status=status, target=target, **given)


@bp.post("/logout")
@admit(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End this session."""
    user_id, session_id = current.principal.user_id, current.session_id
    assert user_id is not None and session_id is not None
    current.close()
    retrying(current.org.engine, lambda transaction: sessions.end(transaction, user_id, session_id))
    response = make_response(redirect_after("/login"))
    forget_session(response, current.org.settings)
    return response


@bp.get("/password")
@admit(SIGNED_IN)
def choose_password() -> ResponseReturnValue:
    """The form for another password."""
    return page("password.html", problems=())


@bp.post("/password")
@admit(SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Change the own password; all other sessions end."""
    try:
        _change()
    except Refused as refused:
        return page("password.html", status=422, problems=refused.problems)
    return redirect_after("/")


def _change() -> None:
    if request.form.get("password") != request.form.get("again"):
        raise Refused(Problem(code="passwords_differ", field="again"))
    current.close()
    users.change_own_password(
        current.org.engine, current.principal, request.form.get("old", ""), request.form.get("password", ""), but=current.session_id
    )


@bp.post("/language")
@admit(PUBLIC)
def choose_language() -> ResponseReturnValue:
    """Remember the language of the login page for somebody who is not signed in."""
    language = request.form.get("language")
    response = make_response(redirect_after(safe_target(request.form.get("next"))))
    if language in LANGUAGES:
        response.set_cookie(
            "fs_language", language, max_age=YEAR, httponly=True, samesite="Lax", secure=not is_plain_loopback(current.org.settings)
        )
    return response
