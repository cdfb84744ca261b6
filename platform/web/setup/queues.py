"""Queues: owners of records and seats at approvals that are groups of people.

Here: the list, one queue with its objects and members. Not here: what membership opens (`records/gate/sharing.py`).
"""

from __future__ import annotations

from typing import cast

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.auth import members
from fieldstone.db.column_types import is_id
from fieldstone.errors import Problem
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import owner_words
from fieldstone.web.setup.org_parts import OrgPart
from fieldstone.web.setup.parts import head_to_form, places_of_head
from fieldstone.web.setup.typed import Control, TypedForm, typed_before, with_problems
from fieldstone.web.setup.where_used import uses
from fieldstone.web.shell import toast

LIST = "/setup/queues"


@bp.get("/queues")
@admit(setup("manage_security"))
def queues() -> ResponseReturnValue:
    """All queues with how many people are in them."""
    found = sorted((cast(QueueDef, each) for each in current.snapshot.all("queue")), key=lambda each: label(each).casefold())
    return page("setup/queues.html", found=found, counted=members.counts(current.transaction, "queue"), owner_words=owner_words)


@bp.get("/queues/new")
@admit(setup("manage_security"))
def new_queue() -> ResponseReturnValue:
    """The form of a new queue."""
    return _form(OrgPart.of("queue", LIST), TypedForm(typed=typed_before(MultiDict())))


@bp.get("/queues/<name>")
@admit(setup("manage_security"))
def show_queue(name: str) -> ResponseReturnValue:
    """One queue."""
    part = OrgPart.of("queue", LIST, name)
    document = part.document()
    typed = head_to_form(document)
    typed.setlist("objects", list(document.get("objects", ())))
    return _form(part, TypedForm(typed=typed_before(typed)))


@bp.post("/queues/new")
@admit(setup("manage_security"))
def create_queue() -> ResponseReturnValue:
    """Publish a new queue, or show its plan."""
    return _save(OrgPart.of("queue", LIST))


@bp.post("/queues/<name>")
@admit(setup("manage_security"))
def change_queue(name: str) -> ResponseReturnValue:
    """Publish a changed queue, or show its plan."""
    return _save(OrgPart.of("queue", LIST, name))


@bp.post("/queues/<name>/remove")
@admit(setup("manage_security"))
def remove_queue(name: str) -> ResponseReturnValue:
    """Remove a queue."""
    return OrgPart.of("queue", LIST, name).remove()


@bp.post("/queues/<name>/members")
@admit(setup("manage_security"))
def change_members(name: str) -> ResponseReturnValue:
    """Add somebody to a queue, or take somebody out."""
    part = OrgPart.of("queue", LIST, name)
    assert part.published is not None
    queue_id = part.published.id
    now = {row.id for row in members.members(current.transaction, queue_id)}
    added, removed = request.form.get("add", ""), request.form.get("remove", "")
    if is_id(added):
        now.add(members.user(current.transaction, added).id)
    now.discard(removed)
    current.close()
    members.set_members(current.org.engine, current.principal, queue_id, now)
    toast(_("Members saved"))
    return redirect_after(part.url)


def _save(part: OrgPart) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    document["objects"] = form.values("objects")
    places = places_of_head() | {"/objects": Control(name="objects", label=_("Objects"))}

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Queue published"), again)


def _form(part: OrgPart, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    published = part.published
    owned = [each for each in current.snapshot.objects.values() if each.owned_by == "user_or_queue"]
    return page(
        "setup/queue.html",
        status=status,
        part=part,
        form=form,
        owned_objects=[(each.name, label(each)) for each in sorted(owned, key=lambda each: label(each).casefold())],
        people=members.members(current.transaction, published.id) if published is not None else (),
        used=uses("queue", published.name) if published is not None else [],
    )
