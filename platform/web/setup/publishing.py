"""The one road of every page of Setup: documents → check → plan, shown in words → publish.

Here: `publish_or_show`, which takes what a form proposes down that road; the words of a plan; taking a publish back.
Not here: what a form proposes (its page), what a plan does (`metadata/plan.py`, `publish.py`).
The state of the road is the form itself: the page of the plan carries what was typed, so nothing is kept anywhere and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.auth import csrf
from fieldstone.errors import Problem, Refused, TryAgain
from fieldstone.i18n import texts
from fieldstone.limits import ARCHIVE_DAYS
from fieldstone.metadata import documents, versions
from fieldstone.metadata.changes import Author, ChangeSet
from fieldstone.metadata.plan import Plan, plan
from fieldstone.metadata.publish import publish
from fieldstone.metadata.transition import IF_FITS, UNTIL_PURGE, YES
from fieldstone.records.gate.authors import rights_of_author
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup.where_used import place_of, words_of
from fieldstone.web.shell import toast

OWN = frozenset({csrf.FIELD, "publish", "edit", "confirm", "reason"})  # what the page of the plan sends besides the form
LOOKS = {"add": ("plus", "green"), "remove": ("trash-2", "red"), "purge": ("trash-2", "red"), "restore": ("undo-2", "sky"),
         "rename": ("pencil", "violet"), "change": ("pencil", "amber")}  # fmt: skip

Again = Callable[[tuple[Problem, ...]], ResponseReturnValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a form came from and leads to."""

    title: str  # of the page of the plan
    back: str  # address of the form
    done: Callable[[], str]  # where to go after the publish
    said: str  # what the toast says then
    again: Again  # shows the form with these problems


def publish_or_show(changes: ChangeSet, way: Way) -> ResponseReturnValue:
    """Take what a form proposes down the road: its problems at the form, its plan in words, or, once confirmed, the publish.

    `publish` in the form confirms; every warning needs its tick in `confirm`. `edit` shows the form again as it was typed.
    """
    if "edit" in request.form:
        return way.again(())
    planned = planned_for(changes)
    if planned.refused:
        return way.again(planned.refused)
    ticked = frozenset(request.form.getlist("confirm"))
    asked = {ticket(each): each for each in planned.confirms}
    confirmed = "publish" in request.form
    if not confirmed or asked.keys() - ticked:
        return _show(planned, way, asked, ticked if confirmed else frozenset(), unticked=confirmed)
    return _publish(planned, way)


def planned_for(changes: ChangeSet) -> Plan:
    """Return the plan of a change set for the person who asks, on the version that their form was made for."""
    base = request.form.get("base_version", "")
    based_on = _based_on(changes, int(base)) if base.isdigit() else {}
    return plan(
        current.snapshot,
        replace(changes, based_on=based_on),
        current.transaction.connection,
        language=current.language,
        rights=rights_of_author(current.snapshot, current.rights, changes),
        in_use=current.org.holder.in_use,
    )


def _based_on(changes: ChangeSet, base: int) -> Mapping[str, str | None]:
    """Return what the documents were when the form was made, by their hash: somebody may have changed them since."""
    if base >= current.snapshot.version:
        return {}
    paths = {*(documents.path_of(each) for each in changes.put), *changes.remove}
    then = versions.documents_at(current.transaction.connection, base, paths)
    return {path: documents.content_hash(documents.parse(then[path])) if path in then else None for path in paths}


def ticket(problem: Problem) -> str:
    """Return what a tick is sent as: it says what was confirmed, so that a plan that became worse needs a new one."""
    return f"{problem.code} {problem.document or ''}{problem.pointer or ''} {problem.params.get('rows', '')}"


def _show(planned: Plan, way: Way, asked: Mapping[str, Problem], ticked: frozenset[str], *, unticked: bool) -> ResponseReturnValue:
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in OWN]
    return page(
        "setup/plan.html",
        status=422 if unticked else 200,
        way=way,
        steps=steps_of(planned),
        mentions=[words_of(path) for path in planned.proposal.mentions],
        returned=[words_of(path) for path in planned.proposal.returned],
        confirms=[(key, texts.word(each, current.language, planned.labels), key in ticked) for key, each in asked.items()],
        unticked=unticked,
        kept=kept,
        reason=request.form.get("reason", ""),
        action=request.path,
    )


def _publish(planned: Plan, way: Way) -> ResponseReturnValue:
    try:
        publish_now(planned, way.said)
    except Refused as refused:
        return way.again(refused.problems)
    except TryAgain:
        return way.again((Problem(code="publish_busy"),))
    return redirect_after(way.done())


def publish_now(planned: Plan, said: str) -> None:
    """Publish a plan in the person's name and have the next page say so, with Undo. Raises Refused or TryAgain; then nothing changed."""
    author = Author(id=current.principal.user_id, reason=request.form.get("reason", "").strip()[:500])
    current.close()
    version = publish(current.org.engine, planned, author=author, snapshots=current.org.holder)
    toast(said, undo=f"/setup/changes/{version}/undo")


def steps_of(planned: Plan) -> list[dict[str, object]]:
    """Return the steps of a plan in words, as `ui.plan` shows them."""
    found = []
    for step in planned.steps:
        icon, hue = look(step.code)
        ends = {
            YES: _("can be undone"),
            UNTIL_PURGE: _("kept %(days)s days at least", days=ARCHIVE_DAYS),
            IF_FITS: _("can be undone if all fits"),
        }
        end = ends.get(step.reversible, _("final"))
        found.append(
            {
                "icon": icon,
                "hue": hue,
                "text": texts.word(step.said, current.language, planned.labels),
                "note": _rows(step.rows),
                "end": end,
            }
        )
    return found


def look(code: str) -> tuple[str, str]:
    """Return icon and hue of a step by what it does."""
    return LOOKS.get(code.removeprefix("plan.").split("_", 1)[0], ("settings", "sky"))


def _rows(rows: int | None) -> str:
    if rows is None:
        return ""
    return _("No records are touched") if rows == 0 else ""


def refusal(title: str, back: str) -> Again:
    """Return what shows why a command was refused that has no form of its own, such as removing something."""

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        if not problems:
            return redirect_after(back)
        shown = [(word(each), _place(each)) for each in problems]
        return page("setup/refused.html", status=422, title=title, back=back, problems=shown)

    return again


def _place(problem: Problem) -> str:
    """Return where a problem stands: the definition, or in a document that is not published yet the place itself."""
    if problem.document is not None and problem.document in current.snapshot.parsed:
        return str(place_of(problem.document, problem.pointer or ""))
    return f"{problem.document or ''}{problem.pointer or ''}"
