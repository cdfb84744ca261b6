"""Background work: how much of it waits, runs, is done or gave up; dead letters tried again or put aside.

Here: the page. Not here: the outbox and its rules (`workflow/outbox.py`, `workflow/dead_letters.py`).
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.db.column_types import is_id
from fieldstone.db.transaction import retrying
from fieldstone.errors import NotVisible, Refused
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup import bp
from fieldstone.web.shell import toast
from fieldstone.workflow import dead_letters
from fieldstone.workflow.outbox import State

SHOWN = 50


@bp.get("/jobs")
@admit(setup("manage_automation"))
def jobs() -> ResponseReturnValue:
    """Counts by topic and state, and the rows of one state, of one topic or all, newest first."""
    state = State(request.args["state"]) if request.args.get("state") in set(State) else State.DEAD
    before = request.args.get("before", "")
    counted = dead_letters.overview(current.transaction, current.rights)
    topic = request.args["topic"] if request.args.get("topic") in counted else None
    found = dead_letters.letters(
        current.transaction, current.rights, state=state, topic=topic, before=before if is_id(before) else None, limit=SHOWN + 1
    )
    return page(
        "setup/jobs.html",
        counted=counted,
        totals={each: sum(of.get(each, 0) for of in counted.values()) for each in State},
        states=state_words(),
        topics=topic_words(),
        state=state,
        topic=topic,
        found=found[:SHOWN],
        next=found[SHOWN - 1].id if len(found) > SHOWN else None,
    )


def state_words() -> list[tuple[State, str, str]]:
    """Return the states of work with what they are called and how they look."""
    return [
        (State.DEAD, _("Gave up"), "bad"), (State.QUEUED, _("Waiting"), ""), (State.LEASED, _("Running"), ""),
        (State.DONE, _("Done"), "ok"), (State.DISCARDED, _("Put aside"), ""),
    ]  # fmt: skip


def topic_words() -> dict[str, str]:
    """Return what people call the kinds of work; another is shown by its name."""
    return {
        "mail.send": _("Send a mail"), "import.check": _("Check an import"), "import.run": _("Run an import"),
        "approval.person_gone": _("Pass on the decisions of somebody who left"),
        "housekeeping.recycle_bin": _("Empty the recycle bin of what is past its time"),
        "housekeeping.retention": _("Remove what is kept for a time only"),
        "housekeeping.search": _("Complete the search index"),
    }  # fmt: skip


@bp.post("/jobs/<outbox_id>/replay")
@admit(setup("manage_automation"))
def replay_job(outbox_id: str) -> ResponseReturnValue:
    """Try work again that gave up."""
    _require_id(outbox_id)
    org, by, rights = current.org, current.principal, current.rights
    current.close()
    try:
        retrying(org.engine, lambda tx: dead_letters.replay(tx, org.outbox, by, rights, outbox_id))
    except Refused as refused:
        return _refused(refused)
    toast(_("It will be tried again"))
    return redirect_after("/setup/jobs")


@bp.post("/jobs/<outbox_id>/discard")
@admit(setup("manage_automation"))
def discard_job(outbox_id: str) -> ResponseReturnValue:
    """Put work aside that gave up, for a reason."""
    _require_id(outbox_id)
    org, by, rights, reason = current.org, current.principal, current.rights, request.form.get("reason", "")
    current.close()
    try:
        retrying(org.engine, lambda tx: dead_letters.discard(tx, by, rights, outbox_id, reason))
    except Refused as refused:
        return _refused(refused)
    toast(_("Put aside"))
    return redirect_after("/setup/jobs")


def _require_id(outbox_id: str) -> None:
    if not is_id(outbox_id):
        raise NotVisible("work")


def _refused(refused: Refused) -> ResponseReturnValue:
    problems = [(word(each), "") for each in refused.problems]
    return page("setup/refused.html", status=422, title=_("Background work"), back="/setup/jobs", problems=problems)
