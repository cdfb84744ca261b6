"""What was published: the list, one publish with its differences, the way back.

Here: the pages, and Undo of a toast. Not here: history itself (`metadata/versions.py`); the way back is a plan like any other.
Source: spec/metadata.md, section 8, "History and undo".
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.errors import NotVisible, Problem
from fieldstone.metadata import versions
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.pages import page, safe_target
from fieldstone.web.setup import bp
from fieldstone.web.setup.publishing import Way, look, planned_for, publish_now, publish_or_show, refusal
from fieldstone.web.setup.where_used import url_of

SHOWN = 30
WHOLE_STEPS = 6  # of one entry in the list


@bp.get("/changes")
@admit(setup("customize", "view_audit"))
def changes() -> ResponseReturnValue:
    """The latest publishes, newest first; of one document, if it is named."""
    before, path = request.args.get("before", ""), request.args.get("path") or None
    found = versions.history(current.transaction.connection, path=path, before=int(before) if before.isdigit() else None, limit=SHOWN + 1)
    shown = found[:SHOWN]
    return page(
        "setup/changes.html",
        entries=[(each, steps_in_words(each.steps), len(each.steps)) for each in shown],
        names=author_names(shown),
        path=path,
        next=shown[-1].version if len(found) > SHOWN else None,
        most=WHOLE_STEPS,
    )


@bp.get("/changes/<int:version>")
@admit(setup("customize", "view_audit"))
def change(version: int) -> ResponseReturnValue:
    """One publish: its steps, and how each document differs from before."""
    entry = _entry(version)
    differences = versions.diff(current.transaction.connection, version - 1, version)
    return page(
        "setup/change.html",
        entry=entry,
        steps=steps_in_words(entry.steps),
        names=author_names([entry]),
        differences=[(each, url_of(each.path), [_line(text) for text in each.lines.splitlines()[2:]]) for each in differences],
        may_undo=current.rights.setup("customize") and entry.kind in ("publish", "switch"),
        latest=version == current.snapshot.version,
    )


def _entry(version: int) -> versions.Entry:
    found = versions.history(current.transaction.connection, before=version + 1, limit=1)
    if not found or found[0].version != version:
        raise NotVisible(str(version))
    return found[0]


def _line(text: str) -> tuple[str, str]:
    """Return a line of a unified diff with what it is: at, add, del, or nothing."""
    kind = "at" if text.startswith("@@") else {"+": "add", "-": "del"}.get(text[:1], "")
    return kind, text


def steps_in_words(steps: Iterable[object]) -> list[tuple[str, str, str]]:
    """Return the steps of a publish in words, each with icon and hue."""
    found = []
    for step in steps:
        assert isinstance(step, dict)
        found.append((*look(step["code"]), word(Problem(code=step["code"], params=step["params"]))))
    return found


def author_names(entries: Iterable[versions.Entry]) -> dict[str, str]:
    """Return the names of those who published, by id, as far as the person may see them."""
    ids = sorted({each.author for each in entries if each.author is not None})
    try:
        return {author: reference.name or "" for author, reference in current.gate.names("user", ids).items()} if ids else {}
    except NotVisible:
        return {}


@bp.post("/changes/<int:version>/undo")
@admit(setup("customize"))
def undo(version: int) -> ResponseReturnValue:
    """Take back one publish: at once from a toast, where nothing stands against it; else by its plan."""
    proposed = versions.undo(current.transaction.connection, current.snapshot, version)
    here = f"/setup/changes/{version}"
    if "application/json" in request.headers.get("Accept", ""):
        return _undo_now(proposed, here)
    title = _("Undo change %(version)s", version=version)
    way = Way(title=title, back=here, done=lambda: "/setup/changes", said=_("Change undone"), again=refusal(title, here))
    return publish_or_show(proposed, way)


def _undo_now(proposed: ChangeSet, here: str) -> ResponseReturnValue:
    planned = planned_for(proposed)
    if planned.refused or planned.confirms:
        return jsonify(location=here)
    publish_now(planned, _("Change undone"))
    assert planned.proposed is not None
    return jsonify(location=_where_from(planned.proposed))


KINDS_OF_PAGES = {
    "layouts": "page_layout", "views": "list_view", "rules": "validation_rule", "types": "record_type", "approvals": "approval_process",
}  # fmt: skip


def _where_from(after: Snapshot) -> str:
    """Return the page where Undo was pressed; of something that is gone now, the list it stood in."""
    _host, _slash, path = (request.referrer or "").partition(f"//{request.host}")
    match safe_target(path).partition("?")[0].split("/")[1:]:
        case ["setup", "objects", name, *_rest] if name != "new" and after.find("object", name) is None:
            return "/setup/objects"
        case ["setup", "objects", name, "fields", field, *_rest] if after.object(name).field(field) is None:
            return f"/setup/objects/{name}"
        case ["setup", "objects", name, tab, part, *_rest] if after.find(KINDS_OF_PAGES.get(tab, ""), part, name) is None:
            return f"/setup/objects/{name}/{tab}"
    return safe_target(path)


@bp.post("/changes/<int:version>/restore")
@admit(setup("customize"))
def restore(version: int) -> ResponseReturnValue:
    """Set the org, or one document of it, back to how it was at a version."""
    path, here = request.form.get("path") or None, f"/setup/changes/{version}"
    proposed = versions.back_to(current.transaction.connection, current.snapshot, version, [path] if path else None)
    title = _("Back to version %(version)s", version=version)
    way = Way(title=title, back=here, done=lambda: "/setup/changes", said=_("Set back"), again=refusal(title, here))
    return publish_or_show(proposed, way)
