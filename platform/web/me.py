"""Own settings: language, time zone, look, password, sessions, tokens.

Here: the page and its forms. Not here: users as an administrator sees them (`setup/users.py`), passwords (`login.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from fieldstone.auth import sessions, tokens, users
from fieldstone.db.transaction import retrying
from fieldstone.errors import Problem, Refused
from fieldstone.i18n.languages import CATALOGUES, LANGUAGES
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.shell import toast

bp = Blueprint("me", __name__)


@bp.get("/me")
@admit(SIGNED_IN)
def show() -> ResponseReturnValue:
    """The own settings."""
    return _page()


def _page(
    *, status: int = 200, problems: tuple[Problem, ...] = (), key: str = "", token: dict[str, Any] | None = None
) -> ResponseReturnValue:
    user_id = current.principal.user_id or ""
    return page(
        "me.html",
        status=status,
        problems=problems,
        zones=zones(),
        browser_of=browser_of,
        sessions=sessions.of_user(current.transaction, user_id),
        tokens=[each for each in tokens.of_user(current.transaction, user_id) if each.revoked_at is None],
        scopes=[(name, name) for name in tokens.SCOPES],
        key=key,
        token=token or {},
        days=tokens.DAYS,
    )


BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(agent: str | None) -> str:
    """Return browser and system of a `User-Agent` in words, as far as they can be told."""
    browser = next((name for mark, name in BROWSERS if mark in (agent or "")), None)
    system = next((name for mark, name in SYSTEMS if mark in (agent or "")), None)
    if browser is None:
        return (agent or "")[:60] or _("Unknown browser")
    return f"{browser}, {system}" if system is not None else browser


@cache
def zones() -> tuple[tuple[str, str], ...]:
    """Return every zone that is named after a place, with its present distance from UTC, from west to east."""
    now = datetime.now(UTC)
    found = []
    for name in available_timezones():
        if ("/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))) or name == "UTC":
            offset = now.astimezone(ZoneInfo(name)).utcoffset()
            minutes = int(offset.total_seconds() // 60) if offset is not None else 0
            found.append((minutes, name, f"UTC{'+' if minutes >= 0 else '−'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d} {name}"))
    return tuple((name, shown.replace("_", " ")) for _minutes, name, shown in sorted(found))


@bp.post("/me")
@admit(SIGNED_IN)
def save() -> ResponseReturnValue:
    """Save language and time zone; the next page is in them."""
    values = {name: request.form[name] for name in ("language", "zone") if request.form.get(name)}
    if values.get("language") not in (None, *LANGUAGES):
        del values["language"]
    principal = current.principal
    current.close()
    try:
        users.change_own_settings(current.org.records, principal, values)
    except Refused as refused:
        return _page(status=422, problems=refused.problems)
    with force_locale(CATALOGUES[values.get("language") or current.language]):  # said on the next page, which is in the new language
        toast(_("Settings saved"))
    return redirect_after("/me")


@bp.post("/me/sessions/<session_id>/end")
@admit(SIGNED_IN)
def end_session(session_id: str) -> ResponseReturnValue:
    """End one of the own sessions, wherever it is."""
    user_id = current.principal.user_id or ""
    current.close()
    retrying(current.org.engine, lambda transaction: sessions.end(transaction, user_id, session_id))
    toast(_("Session ended"))
    return redirect_after("/me")


@bp.post("/me/sessions/end-others")
@admit(SIGNED_IN)
def end_other_sessions() -> ResponseReturnValue:
    """End all own sessions but this one."""
    user_id, this = current.principal.user_id or "", current.session_id
    current.close()
    retrying(current.org.engine, lambda transaction: sessions.end_all(transaction, user_id, but=this))
    toast(_("All other sessions have ended"))
    return redirect_after("/me")


@bp.post("/me/tokens")
@admit(SIGNED_IN)
def make_token() -> ResponseReturnValue:
    """Make a token for a program; its key is on the answer and never again."""
    user_id = current.principal.user_id or ""
    name, scopes, typed_days = request.form.get("name", ""), request.form.getlist("scopes"), request.form.get("days", "")
    days = int(typed_days) if typed_days.isdigit() else 0
    current.close()
    try:
        _id, key = retrying(
            current.org.engine,
            lambda transaction: tokens.create(transaction, user_id, name=name, scopes=scopes, days=days, by=user_id),
        )
    except Refused as refused:
        return _page(status=422, problems=refused.problems, token={"name": name, "scopes": scopes, "days": typed_days})
    return _page(key=key)


@bp.post("/me/tokens/<token_id>/revoke")
@admit(SIGNED_IN)
def revoke_token(token_id: str) -> ResponseReturnValue:
    """Revoke one of the own tokens: dead at its next use."""
    user_id = current.principal.user_id or ""
    current.close()
    retrying(current.org.engine, lambda transaction: tokens.revoke(transaction, user_id, token_id))
    toast(_("Token revoked"))
    return redirect_after("/me")
