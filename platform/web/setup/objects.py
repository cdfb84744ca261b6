"""Objects: the list, a new one, its settings, renaming, removing and restoring it.

Here: what an object is apart from its fields and pages. Not here: fields (`fields`), layouts, views, rules, record types (a file each).
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata import statistics
from fieldstone.metadata.changes import ChangeSet, Place, Rename
from fieldstone.metadata.definitions.apps import AppDef
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp, grants
from fieldstone.web.setup.definitions import Document, document_at, owner_words, tabs_of, the_object
from fieldstone.web.setup.publishing import Way, publish_or_show, refusal
from fieldstone.web.setup.typed import Control, TypedForm, label_of, name_from, put, put_label, typed_before, with_problems
from fieldstone.web.setup.where_used import uses

FEATURES = ("history", "approvals", "search")  # those a switch of which can be seen
KEYS = ("icon", "color", "owned_by", "default_access")


@bp.get("/objects")
@admit(setup("customize"))
def objects() -> ResponseReturnValue:
    """Every object, with how many fields and records it has; those that were removed and can come back."""
    wanted = request.args.get("q", "").strip().casefold()
    shown = [each for each in current.snapshot.objects.values() if not wanted or wanted in f"{label(each)} {each.name}".casefold()]
    connection = current.transaction.connection
    return page(
        "setup/objects.html",
        found=sorted(shown, key=lambda each: label(each).casefold()),
        records={each.name: statistics.rows(connection, each.table) for each in shown},
        removed=[each for each in current.snapshot.identities.archived("object") if not wanted or wanted in each.name.casefold()],
        owner_words=owner_words,
        q=request.args.get("q", ""),
    )


@bp.get("/objects/new")
@admit(setup("customize"))
def new_object() -> ResponseReturnValue:
    """The form of a new object."""
    typed = MultiDict({"icon": "box", "color": "teal", "owned_by": "user_or_queue", "default_access": "private", "name_kind": "text"})
    typed.update({"hierarchy": "1", "name_pattern": "A-{00000}", **{f"feature.{each}": "1" for each in FEATURES}})
    return _new_form(TypedForm(typed=typed_before(typed)))


@bp.post("/objects/new")
@admit(setup("customize"))
def create_object() -> ResponseReturnValue:
    """Plan a new object with its name field, its rights and its place in apps; publish it once confirmed."""
    typed = request.form
    document = _new_document(typed)
    name = document.get("api_name", "")
    path = f"objects/{name}.json" if name else "put/0.json"
    right = "read" if document["fields"].get("name", {}).get("type") == "auto_number" else "edit"
    put_too = [*_in_apps(typed, name), *(grants.object_documents(grants.of_new_object(typed), name, {}) if name and right else ())]

    taken = current.snapshot.find("object", name) is not None

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        if taken:
            problems = (*problems, Problem(code="name_taken", params={"name": name}, document=path, pointer="/api_name"))
        return _new_form(with_problems(typed, problems, _places(), path), 422 if problems else 200)

    if taken:
        return again(())
    way = Way(
        title=_("New object"),
        back="/setup/objects/new",
        done=lambda: f"/setup/objects/{name}",
        said=_("Object created"),
        again=again,
    )
    return publish_or_show(ChangeSet(put=(document, *put_too)), way)


def _new_form(form: TypedForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "setup/object_form.html",
        status=status,
        form=form,
        definition=None,
        features=FEATURES,
        grantees=grants.of_new_object(form.typed) if grants.may_grant() else [],
        apps_to_choose=[each for each in current.snapshot.all("app") if isinstance(each, AppDef)],
    )


def _places() -> dict[str, Control]:
    """Where problems of an object's document stand on its form."""
    first = current.language
    return {
        "/api_name": Control(name="api_name", label=_("API name")),
        "/label": Control(name=f"label-{first}", label=_("Label")),
        "/plural": Control(name=f"plural-{first}", label=_("Plural")),
        "/icon": Control(name="icon", label=_("Icon")),
        "/owned_by": Control(name="owned_by", label=_("Owned by")),
        "/default_access": Control(name="default_access", label=_("Default access")),
        "/fields/name/pattern": Control(name="name_pattern", label=_("Number pattern")),
        "/fields/name/label": Control(name=f"name_label-{first}", label=_("Label of the name field")),
    }


def _new_document(typed: MultiDict[str, str]) -> Document:
    form = TypedForm(typed=typed)
    texts = form.label("label")
    name = form.value("api_name").strip() or name_from(texts, [each.name for each in current.snapshot.objects.values()]) or "new_object"
    document: Document = {"kind": "object"}
    put(document, "api_name", name)
    _settings(document, form)
    named: dict[str, Any] = {"label": label_of(form.label("name_label")) or _default_name_label(form.value("name_kind"))}
    if form.value("name_kind") == "auto_number":
        document["fields"] = {"name": {"type": "auto_number", **named, "pattern": form.value("name_pattern").strip()}}
    else:
        document["fields"] = {"name": {"type": "text", **named, "length": 120, "required": True, "searchable": True}}
    return document


def _default_name_label(kind: str) -> dict[str, str]:
    if kind == "auto_number":
        return {"en": "Number", "zh-Hans": "编号", "zh-Hant": "編號"}
    return {"en": "Name", "zh-Hans": "名称", "zh-Hant": "名稱"}


def _settings(document: Document, form: TypedForm) -> None:
    """Put what both forms of an object have into its document."""
    put(document, "label", label_of(form.label("label"), document.get("label")))
    put(document, "plural", label_of(form.label("plural"), document.get("plural")))
    put(document, "description", label_of(form.label("description"), document.get("description")))
    for key in KEYS:
        put(document, key, form.value(key).strip())
    document["hierarchy"] = form.ticked("hierarchy")
    document["features"] = {**document.get("features", {}), **{each: form.ticked(f"feature.{each}") for each in FEATURES}}


def _in_apps(typed: MultiDict[str, str], name: str) -> list[Document]:
    """Return the documents of the apps whose navigation gets the object."""
    documents = []
    for each in current.snapshot.all("app"):
        if name and each.path in typed.getlist("app"):
            document = document_at(each.path)
            document["items"] = [*document["items"], {"object": name}]
            documents.append(document)
    return documents


@bp.get("/objects/<object_name>/settings")
@admit(setup("customize"))
def object_settings(object_name: str) -> ResponseReturnValue:
    """What an object is called, how it looks, who owns and sees its records."""
    definition = the_object(object_name)
    document = document_at(definition.path)
    typed: MultiDict[str, str] = MultiDict()
    for name in ("label", "plural", "description"):
        put_label(typed, name, document.get(name))
    typed.update({"icon": definition.icon, "color": definition.color, "owned_by": definition.owned_by})
    typed.update({"default_access": definition.default_access, "hierarchy": "1" if definition.hierarchy else "0"})
    typed.update({f"feature.{each}": "1" if each in definition.features else "0" for each in FEATURES})
    return _settings_form(definition, TypedForm(typed=typed_before(typed)))


@bp.post("/objects/<object_name>/settings")
@admit(setup("customize"))
def change_object(object_name: str) -> ResponseReturnValue:
    """Plan a change of an object's settings; publish it once confirmed."""
    definition = the_object(object_name)
    document, typed = document_at(definition.path), request.form
    _settings(document, TypedForm(typed=typed))

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        form = with_problems(typed, problems, _places(), definition.path)
        return _settings_form(definition, form, 422 if problems else 200)

    back = f"/setup/objects/{definition.name}/settings"
    way = Way(title=label(definition), back=back, done=lambda: back, said=_("Object changed"), again=again)
    return publish_or_show(ChangeSet(put=(document,)), way)


def _settings_form(definition: ObjectDef, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    return page(
        "setup/object_form.html",
        status=status,
        form=form,
        definition=definition,
        features=FEATURES,
        tabs=tabs_of(definition, "settings"),
        owner=owner_words(definition.owner),
        used=uses("object", definition.name),
    )


@bp.post("/objects/<object_name>/rename")
@admit(setup("customize"))
def rename_object(object_name: str) -> ResponseReturnValue:
    """Plan a new API name, used everywhere at once."""
    definition = the_object(object_name)
    to, back = request.form.get("to", "").strip(), f"/setup/objects/{definition.name}/settings"
    rename = Rename(place=Place(kind="object", name=definition.name), to=to)
    title = _("Rename %(name)s", name=label(definition))
    way = Way(title=title, back=back, done=lambda: f"/setup/objects/{to}/settings", said=_("Object renamed"), again=refusal(title, back))
    return publish_or_show(ChangeSet(rename=(rename,)), way)


@bp.route("/objects/<object_name>/remove", methods=["GET", "POST"])
@admit(setup("customize"))
def remove_object(object_name: str) -> ResponseReturnValue:
    """Where an object is used, and removing it: its records stay archived."""
    definition = the_object(object_name)
    back, title = f"/setup/objects/{definition.name}/settings", _("Remove %(name)s", name=label(definition))
    if request.method == "GET" or "edit" in request.form:
        return page(
            "setup/remove.html", title=title, what=label(definition), back=back, action=request.path, used=uses("object", definition.name),
            note=_("Its records, fields, layouts and history stay archived and can be brought back."),
        )  # fmt: skip
    way = Way(title=title, back=request.path, done=lambda: "/setup/objects", said=_("Object removed"), again=refusal(title, back))
    return publish_or_show(ChangeSet(remove=(definition.path,)), way)


@bp.post("/objects/restore")
@admit(setup("customize"))
def restore_object() -> ResponseReturnValue:
    """Bring back a removed object with its records."""
    name, title = request.form.get("name", ""), _("Restore %(name)s", name=request.form.get("name", ""))
    way = Way(
        title=title,
        back="/setup/objects",
        done=lambda: f"/setup/objects/{name}",
        said=_("Object restored"),
        again=refusal(title, "/setup/objects"),
    )
    return publish_or_show(ChangeSet(restore=(Place(kind="object", name=name),)), way)
