"""The bell: what the person was told, newest first, and marking it as read.

Here: the page. Not here: who is told what (`notify/inbox.py`).
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.db.column_types import is_id
from fieldstone.db.transaction import retrying
from fieldstone.notify import inbox
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.pages import page, redirect_after, safe_target
from fieldstone.web.shell import toast

bp = Blueprint("notifications", __name__)

LINES = 50


@bp.get("/notifications")
@admit(SIGNED_IN)
def show() -> ResponseReturnValue:
    """The newest lines, or those older than `before`."""
    before = request.args.get("before")
    user_id = current.principal.user_id or ""
    lines = inbox.page(current.transaction, user_id, current.language, before=before if is_id(before) else None, limit=LINES + 1)
    return page("notifications.html", block="lines", lines=lines[:LINES], older=lines[LINES - 1].id if len(lines) > LINES else None)


@bp.post("/notifications/read")
@admit(SIGNED_IN)
def read() -> ResponseReturnValue:
    """Mark all lines as read."""
    user_id = current.principal.user_id or ""
    current.close()
    retrying(current.org.engine, lambda transaction: inbox.mark_read(transaction, user_id))
    toast(_("All marked as read"))
    return redirect_after("/notifications")


@bp.post("/notifications/<notification_id>/open")
@admit(SIGNED_IN)
def open_line(notification_id: str) -> ResponseReturnValue:
    """Mark one line as read and go where it leads."""
    user_id = current.principal.user_id or ""
    current.close()
    if is_id(notification_id):
        retrying(current.org.engine, lambda transaction: inbox.mark_read(transaction, user_id, [notification_id]))
    return redirect_after(safe_target(request.form.get("to")))
