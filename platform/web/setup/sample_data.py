"""Sample data on its way out: what goes, what stays and why.

Here: the page. Not here: what may go (`packs/sample_removal.py`), loading it (`packs.py`). Source: spec/packs.md, section 5.
"""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from fieldstone.errors import Refused
from fieldstone.packs import sample_removal
from fieldstone.packs.sample_removal import Reason, Removal
from fieldstone.records.gate.access import require_setup
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup import bp
from fieldstone.web.shell import plural, toast

RIGHT = "modify_all_data"  # besides: what goes belongs to everybody
SHOWN = 200  # of the records that stay


@bp.get("/sample")
@admit(setup("manage_packs"))
def sample_data() -> ResponseReturnValue:
    """What removing the sample data would do."""
    require_setup(current.rights, RIGHT)
    by = current.principal
    return _page(sample_removal.preview(current.org.records, by))


@bp.post("/sample")
@admit(setup("manage_packs"))
def remove_sample_data() -> ResponseReturnValue:
    """Remove it."""
    require_setup(current.rights, RIGHT)
    org, by = current.org, current.principal
    current.close()
    try:
        done = sample_removal.remove(org.records, org.approvals.notices, by)
    except Refused as refused:
        return _page(sample_removal.preview(org.records, by), [word(problem) for problem in refused.problems], 422)
    toast(ngettext("%(num)s sample record is in the recycle bin", "%(num)s sample records are in the recycle bin", done.count))
    return redirect_after("/setup/packs")


def _page(removal: Removal, problems: list[str] | None = None, status: int = 200) -> ResponseReturnValue:
    snapshot = current.snapshot
    return page(
        "setup/sample.html",
        status=status,
        removal=removal,
        going=sorted(
            ((plural(snapshot.object(name)), snapshot.object(name), len(ids)) for name, ids in removal.records.items()),
            key=lambda row: row[0],
        ),
        kept=[(each, snapshot.object(each.object), reasons()[each.reason]) for each in removal.kept[:SHOWN]],
        problems=problems or [],
    )


def reasons() -> dict[Reason, str]:
    """Return why a sample record stays, in words."""
    return {
        Reason.CHANGED: _("Changed since it was loaded"),
        Reason.USED: _("Something that stays refers to it"),
        Reason.SIGNS_IN: _("Can sign in"),
    }
