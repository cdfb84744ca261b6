"""The audit log: who did what to rights, people, metadata and data at large.

Here: the page. Not here: what is written and when (`records/audit.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.auth import members
from fieldstone.db.column_types import is_id
from fieldstone.records import audit
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.pages import page
from fieldstone.web.setup import bp

SHOWN = 50


@bp.get("/audit")
@admit(setup("view_audit"))
def audit_log() -> ResponseReturnValue:
    """The newest entries."""
    before = request.args.get("before", "")
    found = audit.entries(current.transaction, current.rights, before=before if is_id(before) else None, limit=SHOWN + 1)
    people = members.names(current.transaction, (row["record"] for row in found if row["object"] == "user"))
    following = found[SHOWN - 1]["id"] if len(found) > SHOWN else None
    return page(
        "setup/audit.html",
        found=found[:SHOWN],
        words=action_words(),
        details_of=_details_of,
        actors=actor_words(),
        people=people,
        next=following,
    )


def action_words() -> dict[str, tuple[str, str]]:
    """Return icon and words by action; another is shown by its name."""
    return {
        "login.accepted": ("log-in", _("signed in")),
        "login.refused": ("shield-alert", _("could not sign in")),
        "user.created": ("user-plus", _("made a user")),
        "user.changed": ("user-round-pen", _("changed a user")),
        "user.password_reset": ("key-round", _("reset a password")),
        "user.password_changed": ("key-round", _("chose another password")),
        "user.queues_changed": ("users", _("changed the queues of a user")),
        "user.sessions_ended": ("log-out", _("ended the sessions of a user")),
        "queue.members_changed": ("users", _("changed the members of a queue")),
        "org.changed": ("building-2", _("changed the org")),
        "records.purged": ("trash-2", _("removed records for good")),
        "record.edited_locked": ("lock-open", _("edited a locked record")),
        "import.started": ("upload", _("started an import")),
        "import.cancelled": ("upload", _("cancelled an import")),
        "sample.loaded": ("flask-conical", _("loaded sample data")),
        "sample.removed": ("flask-conical", _("removed the sample data")),
        "work.replayed": ("refresh-cw", _("had work tried again")),
        "work.discarded": ("trash-2", _("put work aside")),
    }


def actor_words() -> dict[str, str]:
    """Return what people call the parts of the platform that act by themselves."""
    return {
        "first start": _("First start"), "sample data": _("Sample data"), "command line": _("Command line"), "login": _("Sign-in"),
        "recycle bin": _("Recycle bin"),
    }  # fmt: skip


def _details_of(details: Mapping[str, Any]) -> str:
    """Return what else is to say of an entry, for people to read; ids that lead nowhere are left out."""
    found = []
    for key, text in detail_words().items():
        value = details.get(key)
        if isinstance(value, list):
            named = [str(each) for each in value if not is_id(str(each))]
            value = ", ".join(named) if len(named) == len(value) else len(value)
        if value not in (None, ""):
            found.append(f"{text}: {value}")
    return " · ".join(found)


def detail_words() -> dict[str, str]:
    """Return what the details of entries are called, in the order shown."""
    return {
        "address": _("address"), "name": _("name"), "zone": _("time zone"), "object": _("object"), "topic": _("work"),
        "fields": _("fields"), "permission_sets": _("permission sets"), "queues": _("queues"), "members": _("members"),
        "records": _("records"), "reason": _("reason"), "packs": _("packs"),
    }  # fmt: skip
