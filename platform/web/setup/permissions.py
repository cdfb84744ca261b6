"""Permission sets and profiles: the list, the matrix of objects and rights, the matrix of fields, Setup rights, who holds them.

Here: the pages. Not here: what a matrix means as a document (`permission_documents`), assigning sets to people (`users`).
Source: spec/security.md, section 2.
"""

from __future__ import annotations

from typing import cast

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.auth import members
from fieldstone.errors import NotVisible, Problem
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import owner_words, tabs_of, the_object
from fieldstone.web.setup.org_parts import OrgPart
from fieldstone.web.setup.parts import head_to_form, places_of_head
from fieldstone.web.setup.permission_documents import Holder, can_edit, complete, put_levels, put_rights
from fieldstone.web.setup.right_words import object_rights, setup_rights
from fieldstone.web.setup.typed import Control, TypedForm, put, typed_before, with_problems
from fieldstone.web.setup.where_used import uses

KINDS = {"sets": "permission_set", "profiles": "profile"}
LISTS = ("setup", "apps", "permissions")  # of a document: names that are ticked


@bp.get("/permissions")
@admit(setup("manage_security"))
def permissions() -> ResponseReturnValue:
    """Every permission set and profile, with how many people hold it."""
    groups = [(tab, _all(kind), members.counts(current.transaction, kind)) for tab, kind in KINDS.items()]
    return page("setup/permissions.html", groups=groups, owner_words=owner_words)


def _all(kind: str) -> list[Holder]:
    return sorted((cast(Holder, each) for each in current.snapshot.all(kind)), key=lambda each: label(each).casefold())


def _part(tab: str, name: str | None = None) -> OrgPart:
    if tab not in KINDS:
        raise NotVisible(tab)
    return OrgPart.of(KINDS[tab], f"/setup/permissions/{tab}", name)


@bp.get("/permissions/<tab>")
@admit(setup("manage_security"))
def permissions_of_kind(tab: str) -> ResponseReturnValue:
    """Permission sets or profiles alone."""
    kind = _part(tab).kind
    return page("setup/permissions.html", groups=[(tab, _all(kind), members.counts(current.transaction, kind))], owner_words=owner_words)


@bp.get("/permissions/<tab>/new")
@admit(setup("manage_security"))
def new_permissions(tab: str) -> ResponseReturnValue:
    """The form of a new permission set or profile."""
    return _form(_part(tab), TypedForm(typed=typed_before(MultiDict())))


@bp.get("/permissions/<tab>/<name>")
@admit(setup("manage_security"))
def show_permissions(tab: str, name: str) -> ResponseReturnValue:
    """The matrix of one permission set or profile."""
    part = _part(tab, name)
    document = part.document()
    typed = head_to_form(document)
    for name_, granted in document.get("objects", {}).items():
        typed.setlist(f"rights.{name_}", sorted(complete(granted.get("rights", ()))))
    for key in LISTS:
        typed.setlist(key, list(document.get(key, ())))
    typed["default_app"] = document.get("default_app", "")
    return _form(part, TypedForm(typed=typed_before(typed)))


@bp.post("/permissions/<tab>/new")
@admit(setup("manage_security"))
def create_permissions(tab: str) -> ResponseReturnValue:
    """Publish a new permission set or profile, or show its plan."""
    return _save(_part(tab))


@bp.post("/permissions/<tab>/<name>")
@admit(setup("manage_security"))
def change_permissions(tab: str, name: str) -> ResponseReturnValue:
    """Publish a changed permission set or profile, or show its plan."""
    return _save(_part(tab, name))


@bp.post("/permissions/<tab>/<name>/remove")
@admit(setup("manage_security"))
def remove_permissions(tab: str, name: str) -> ResponseReturnValue:
    """Remove a permission set or profile."""
    return _part(tab, name).remove()


def _save(part: OrgPart) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    put_rights(document, typed)
    for key in LISTS:
        if f"{key}_shown" in typed:
            put(document, key, sorted(form.values(key)))
    if part.kind == "profile":
        put(document, "default_app", form.value("default_app"))
    places = places_of_head() | {
        "/setup": Control(name="setup", label=_("Setup rights")),
        "/apps": Control(name="apps", label=_("Apps")),
        "/permissions": Control(name="permissions", label=_("Custom permissions")),
        "/default_app": Control(name="default_app", label=_("Starts in")),
        **{f"/objects/{each.name}": Control(name=f"rights.{each.name}", label=label(each)) for each in current.snapshot.objects.values()},
    }

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Rights published"), again)


def _form(part: OrgPart, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    snapshot, published = current.snapshot, cast("Holder | None", part.published)
    held = members.holders if part.kind == "permission_set" else None
    people = () if published is None else (
        held(current.transaction, published.name) if held else members.with_value(current.transaction, "profile", published.name)
    )  # fmt: skip
    return page(
        "setup/permission_set.html",
        status=status,
        part=part,
        form=form,
        all_objects=sorted(snapshot.objects.values(), key=lambda each: label(each).casefold()),
        granted=published.objects if published is not None else {},
        rights=object_rights(),
        right_groups=setup_rights(),
        apps=[(each.name, label(each)) for each in snapshot.all("app")],
        custom=[(each.name, label(each)) for each in snapshot.all("custom_permission")],
        people=people,
        used=uses(part.kind, published.name) if published is not None else [],
        owner=owner_words(published.owner) if published is not None else "",
    )


@bp.get("/permissions/<tab>/<name>/fields/<object_name>")
@admit(setup("manage_security"))
def field_permissions(tab: str, name: str, object_name: str) -> ResponseReturnValue:
    """The matrix of the fields of one object: nothing, read, edit."""
    part, definition = _part(tab, name), the_object(object_name)
    granted = part.document().get("objects", {}).get(definition.name, {}).get("fields", {})
    typed: MultiDict[str, str] = MultiDict({f"level.{name_}": level for name_, level in granted.items()})
    return _fields_form(part, definition, TypedForm(typed=typed_before(typed)))


@bp.post("/permissions/<tab>/<name>/fields/<object_name>")
@admit(setup("manage_security"))
def change_field_permissions(tab: str, name: str, object_name: str) -> ResponseReturnValue:
    """Publish changed levels of fields, or show the plan; `all` sets every field that is shown to a level first."""
    part, definition, typed = _part(tab, name), the_object(object_name), request.form
    if "all" in typed:
        return _fields_form(part, definition, TypedForm(typed=_all_at(definition, typed)))
    document = part.document()
    put_levels(document, definition, typed)
    places = {
        f"/objects/{definition.name}/fields/{each.name}": Control(name=f"level.{each.name}", label=label(each))
        for each in definition.fields.values()
    }

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _fields_form(part, definition, with_problems(typed, problems, places, part.path(document)), 422 if problems else 200)

    return part.publish(document, _("Rights published"), again, done=lambda: f"{part.url}/fields/{definition.name}")


def _all_at(definition: ObjectDef, typed: MultiDict[str, str]) -> MultiDict[str, str]:
    wanted = typed["all"]
    found = MultiDict(typed)
    for name in typed.getlist("shown"):
        field = definition.field(name)
        if field is not None:
            found[f"level.{name}"] = "read" if wanted == "edit" and not can_edit(field) else wanted
    return found


def _fields_form(part: OrgPart, definition: ObjectDef, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    published = cast(Holder, part.published)
    held = published.objects.get(definition.name)
    return page(
        "setup/field_permissions.html",
        status=status,
        part=part,
        definition=definition,
        form=form,
        fields=[each for each in definition.fields.values() if each.name != definition.name_field],
        held=[text for right, text in object_rights() if held is not None and right in held.rights],
        may_edit=held is not None and bool(held.rights & {"create", "edit"}),
        can_edit=can_edit,
    )


@bp.get("/objects/<object_name>/permissions")
@admit(setup("manage_security"))
def object_permissions(object_name: str) -> ResponseReturnValue:
    """Who may do what with one object: permission sets and profiles down, rights across."""
    definition = the_object(object_name)
    return page(
        "setup/object_permissions.html",
        definition=definition,
        tabs=tabs_of(definition, "permissions"),
        groups=[(tab, _all(kind)) for tab, kind in KINDS.items()],
        rights=object_rights(),
    )
