"""The org: its name, its time zone, and the language it was founded in.

Here: the page. Not here: changing them (`metadata/org_settings.py`), what a person chooses for themselves (`web/me.py`).
"""

from __future__ import annotations

from zoneinfo import available_timezones

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.db.transaction import retrying
from fieldstone.errors import Problem, Refused
from fieldstone.i18n.languages import NAMES
from fieldstone.metadata.org_settings import change_org
from fieldstone.records import audit
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup import bp
from fieldstone.web.setup.typed import TypedForm, typed_before
from fieldstone.web.shell import toast


@bp.get("/org")
@admit(setup("customize"))
def org_settings() -> ResponseReturnValue:
    """What the org is called and where its days begin."""
    return _form(typed_before(MultiDict({"name": current.snapshot.name, "zone": str(current.snapshot.zone)})), ())


@bp.post("/org")
@admit(setup("customize"))
def change_org_settings() -> ResponseReturnValue:
    """Change name and zone; every process takes them up at its next request."""
    name, zone = request.form.get("name", ""), request.form.get("zone", "").strip()
    current.close()
    try:
        change_org(current.org.engine, name=name, zone=zone)
    except Refused as refused:
        return _form(request.form, refused.problems, 422)
    by = current.principal
    retrying(current.org.engine, lambda tx: audit.note(tx, by, "org.changed", details={"name": name.strip(), "zone": zone}))
    toast(_("Org saved"))
    return redirect_after("/setup/org")


def _form(typed: MultiDict[str, str], problems: tuple[Problem, ...], status: int = 200) -> ResponseReturnValue:
    names = {"name": str(_("Name")), "zone": str(_("Time zone"))}
    at_controls: dict[str, list[str]] = {}
    for each in problems:
        at_controls.setdefault(each.field or "", []).append(word(each))
    summary = [{"id": f"f-{each.field}", "label": names.get(each.field or "", ""), "text": word(each)} for each in problems]
    form = TypedForm(typed=typed, at_controls=at_controls, summary=summary)
    language = NAMES.get(current.snapshot.language, current.snapshot.language)
    currency = current.org.settings.currency
    return page("setup/org.html", status=status, form=form, zones=sorted(available_timezones()), language=language, currency=currency)
