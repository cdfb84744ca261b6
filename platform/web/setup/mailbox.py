"""The mailbox: every mail that was written, sent by a mail server or, without one, kept here.

Here: the page. Not here: mails (`notify/mail.py`), sending them (`workflow/deliveries.py`).
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from fieldstone.db.column_types import is_id
from fieldstone.errors import NotVisible
from fieldstone.notify import mail
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.pages import page
from fieldstone.web.setup import bp

SHOWN = 50
SEES_ALL = ("view_all_data", "modify_all_data")


@bp.get("/mailbox")
@admit(setup("manage_automation"))
def mailbox() -> ResponseReturnValue:
    """The newest mails, and the one that is opened. Mails tell of records: who does not see all of those is shown their own mails."""
    before, to, chosen = request.args.get("before", ""), request.args.get("to", "").strip()[:254], request.args.get("mail", "")
    own = None if any(map(current.rights.setup, SEES_ALL)) else f'"{current.principal.email or ""}"'
    found = mail.mailbox(current.transaction, before=before if is_id(before) else None, limit=SHOWN + 1, to=own or to or None)
    opened = mail.find(current.transaction, chosen) if is_id(chosen) else None
    if chosen and (opened is None or (own is not None and current.principal.email not in opened.recipients)):
        raise NotVisible("mail")
    return page(
        "setup/mailbox.html",
        found=found[:SHOWN],
        opened=opened,
        to=to,
        next=found[SHOWN - 1].id if len(found) > SHOWN else None,
        leaves=bool(current.org.settings.smtp_url),
    )
