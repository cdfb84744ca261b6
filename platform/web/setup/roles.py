"""Roles: the tree of who sees the records of whom, and one role with its people.

Here: the pages. Not here: what the hierarchy opens (`records/gate/sharing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.auth import members
from fieldstone.errors import Problem
from fieldstone.metadata.definitions.roles import RoleDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import owner_words
from fieldstone.web.setup.org_parts import OrgPart
from fieldstone.web.setup.parts import head_to_form, places_of_head
from fieldstone.web.setup.typed import Control, TypedForm, put, typed_before, with_problems
from fieldstone.web.setup.where_used import uses

LIST = "/setup/roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A role with those directly below it."""

    role: RoleDef
    below: Sequence[Branch]


def _roles() -> list[RoleDef]:
    return [cast(RoleDef, each) for each in current.snapshot.all("role")]


def tree() -> list[Branch]:
    """Return the roles as they stand below each other, by label."""
    below: dict[str, list[RoleDef]] = {}
    for each in sorted(_roles(), key=lambda role: label(role).casefold()):
        below.setdefault(each.parent or "", []).append(each)
    return _branches(below, "")


def _branches(below: Mapping[str, Sequence[RoleDef]], parent: str) -> list[Branch]:
    return [Branch(role=role, below=_branches(below, role.name)) for role in below.get(parent, ())]


@bp.get("/roles")
@admit(setup("manage_security"))
def roles() -> ResponseReturnValue:
    """All roles, each below the one it reports to."""
    counted = members.counts(current.transaction, "role")
    return page("setup/roles.html", tree=tree(), number=len(_roles()), counted=counted, owner_words=owner_words)


@bp.get("/roles/new")
@admit(setup("manage_security"))
def new_role() -> ResponseReturnValue:
    """The form of a new role, below the one named."""
    return _form(OrgPart.of("role", LIST), TypedForm(typed=typed_before(MultiDict({"parent": request.args.get("parent", "")}))))


@bp.get("/roles/<name>")
@admit(setup("manage_security"))
def show_role(name: str) -> ResponseReturnValue:
    """One role."""
    part = OrgPart.of("role", LIST, name)
    typed = head_to_form(part.document())
    typed["parent"] = part.document().get("parent", "")
    return _form(part, TypedForm(typed=typed_before(typed)))


@bp.post("/roles/new")
@admit(setup("manage_security"))
def create_role() -> ResponseReturnValue:
    """Publish a new role, or show its plan."""
    return _save(OrgPart.of("role", LIST))


@bp.post("/roles/<name>")
@admit(setup("manage_security"))
def change_role(name: str) -> ResponseReturnValue:
    """Publish a changed role, or show its plan."""
    return _save(OrgPart.of("role", LIST, name))


@bp.post("/roles/<name>/remove")
@admit(setup("manage_security"))
def remove_role(name: str) -> ResponseReturnValue:
    """Remove a role."""
    return OrgPart.of("role", LIST, name).remove()


def _save(part: OrgPart) -> ResponseReturnValue:
    typed = request.form
    document = part.named(part.document(), typed)
    put(document, "parent", typed.get("parent", ""))
    places = places_of_head() | {"/parent": Control(name="parent", label=_("Below"))}

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Role published"), again)


def _form(part: OrgPart, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    published = part.published
    return page(
        "setup/role.html",
        status=status,
        part=part,
        form=form,
        parents=[(each.name, label(each)) for each in _roles() if published is None or each.name != published.name],
        people=members.with_value(current.transaction, "role", published.name) if published is not None else (),
        used=uses("role", published.name) if published is not None else [],
        below=[each for each in _roles() if published is not None and each.parent == published.name],
    )
