"""Fields: the list of an object, a new one by type, changing, renaming, removing and restoring one.

Here: the pages, and that a new field comes with its places in layouts, list views and permission sets in one plan.
Not here: a field's part of a document ↔ its form (`field_documents`), the types' cards (`field_cards`).
Source: spec/metadata.md, sections 3, 6 "Field added" and 8; layout.md, "One add field, hop by hop".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import NotVisible, Problem
from fieldstone.limits import ARCHIVE_DAYS
from fieldstone.metadata.changes import Answer, ChangeSet, Place, Rename
from fieldstone.metadata.conversions import possible
from fieldstone.metadata.definitions.layouts import PageLayoutDef
from fieldstone.metadata.definitions.list_views import ListViewDef
from fieldstone.metadata.definitions.objects import COMPUTED, FieldDef, ObjectDef
from fieldstone.rules import Use
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp, default_values, grants
from fieldstone.web.setup.definitions import (
    Document,
    document_at,
    home_of_fields,
    owner_words,
    tabs_of,
    the_field,
    the_object,
    with_field,
)
from fieldstone.web.setup.expression_editor import Editor, result_words
from fieldstone.web.setup.field_cards import CARDS, defaults_of, options_of
from fieldstone.web.setup.field_documents import answer_of, from_form, option_words, places, questions, rows_of, to_form
from fieldstone.web.setup.publishing import Way, publish_or_show, refusal
from fieldstone.web.setup.typed import TypedForm, name_from, typed_before, with_problems
from fieldstone.web.setup.where_used import uses

SAYS_OF_ITS_TYPE: Mapping[str, Mapping[str, str]] = {  # what a new field's form begins with
    "text": {"length": "120"},
    "currency": {"scale": "2"},
    "percent": {"scale": "0", "min": "0", "max": "100"},
    "auto_number": {"pattern": "A-{00000}"},
    "formula": {"returns": "text", "blanks": "zero", "scale": "2"},
    "roll_up": {"function": "count"},
}


@bp.get("/objects/<object_name>")
@admit(setup("customize"))
def fields(object_name: str) -> ResponseReturnValue:
    """The fields of an object, and those that were removed and can come back."""
    definition = the_object(object_name)
    wanted = request.args.get("q", "").strip().casefold()
    shown = [each for each in definition.fields.values() if not wanted or wanted in f"{label(each)} {each.name}".casefold()]
    return page(
        "setup/fields.html",
        definition=definition,
        tabs=tabs_of(definition, "fields"),
        found=shown,
        system=[] if wanted else list(definition.system_fields.values()),
        removed=current.snapshot.identities.archived("field", definition.name),
        cards=CARDS,
        owner_words=owner_words,
        q=request.args.get("q", ""),
    )


@bp.get("/objects/<object_name>/fields/new")
@admit(setup("customize"))
def new_field(object_name: str) -> ResponseReturnValue:
    """The cards of types; with a type chosen, the form of a field of that type."""
    definition, type_ = the_object(object_name), request.args.get("type") or typed_before(MultiDict()).get("type")
    if type_ is None:
        return page("setup/field_types.html", definition=definition, tabs=tabs_of(definition, "fields"), cards=list(CARDS.values()))
    _require_type(type_)
    return _form(definition, FieldForm(typed=typed_before(MultiDict({**_begin(type_), "add_to": "1"})), type=type_))


def _begin(type_: str) -> dict[str, str]:
    """Return what the form of a field of that type begins with."""
    usual = {key: _text(value) for key, value in defaults_of(type_).items() if not isinstance(value, dict | list)}
    return {**usual, **SAYS_OF_ITS_TYPE.get(type_, {})}


def _require_type(type_: str) -> None:
    if type_ not in CARDS:
        raise NotVisible(type_)


def _text(value: Any) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldForm:
    """What the page of a field shows: the form, the field if it is published, what the records ask."""

    typed: MultiDict[str, str]
    type: str
    published: FieldDef | None = None
    problems: tuple[Problem, ...] = ()
    path: str = ""
    name: str = ""
    status: int = 200
    asked: tuple[Problem, ...] = field(default=())


@bp.post("/objects/<object_name>/fields/new")
@admit(setup("customize"))
def create_field(object_name: str) -> ResponseReturnValue:
    """Plan a new field with its places and rights; publish it once confirmed."""
    definition, typed, type_ = the_object(object_name), request.form, request.form.get("type", "")
    _require_type(type_)
    texts = TypedForm(typed=typed).label("label")
    name = typed.get("api_name", "").strip() or name_from(texts, [*definition.fields, *definition.system_fields]) or "field"
    path, home = home_of_fields(definition)
    part = from_form(typed, type_, name)
    documents = [with_field(home, name, part), *_shown_in(typed, name, long=type_ in ("long_text", "rich_text"))]
    if grants.may_grant():
        given = grants.of_new_field(definition.name, typed, read_only=type_ in COMPUTED or type_ == "auto_number")
        documents += grants.field_documents(given, definition.name, name)

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        if name.lower() in (each.lower() for each in (*definition.fields, *definition.system_fields)):
            problems = (*problems, Problem(code="name_taken", params={"name": name}, document=path, pointer=f"/fields/{name}"))
        status = 422 if problems else 200
        return _form(definition, FieldForm(typed=typed, type=type_, problems=problems, path=path, name=name, status=status))

    if definition.field(name) is not None and "edit" not in request.form:
        return again(())
    back = f"/setup/objects/{definition.name}"
    way = Way(title=_("New field"), back=f"{back}/fields/new?type={type_}", done=lambda: back, said=_("Field added"), again=again)
    answers = (
        {f"{path}#/fields/{name}": Answer(fill=part["default"])}
        if TypedForm(typed=typed).ticked("fill_existing") and "default" in part
        else {}
    )
    return publish_or_show(ChangeSet(put=tuple(documents), answers=answers), way)


def _shown_in(typed: MultiDict[str, str], name: str, *, long: bool) -> list[Document]:
    """Return the layouts and list views that get the new field."""
    documents = []
    for path in typed.getlist("add_to"):
        if path not in current.snapshot.parsed:
            continue
        document = document_at(path)
        if document["kind"] == "page_layout":
            section = next((each for tab in document["tabs"] for each in tab.get("sections", ()) if not each.get("collapsed")), None)
            if section is None:
                document["tabs"][0].setdefault("sections", []).append({"id": "fields", "items": []})
                section = document["tabs"][0]["sections"][-1]
            section.setdefault("items", []).append({"field": name, **({"width": 2} if long else {})})
        elif document["kind"] == "list_view":
            document["columns"].append({"field": name})
        documents.append(document)
    return documents


@bp.get("/objects/<object_name>/fields/<field_name>")
@admit(setup("customize"))
def show_field(object_name: str, field_name: str) -> ResponseReturnValue:
    """One field: its options, where it is used, renaming and removing it. `type` begins a change of its type."""
    definition = the_object(object_name)
    published = the_field(definition, field_name)
    type_ = request.args.get("type") or typed_before(MultiDict()).get("type", published.type)
    _require_type(type_)
    typed = to_form(published.source, published.name)
    if type_ != published.type:
        begin = {**_begin(type_), **{key: text for key, text in typed.items() if text}}
        typed.update({key: text for key, text in begin.items() if key not in typed or not typed[key]})
    return _form(definition, FieldForm(typed=typed_before(typed), type=type_, published=published))


@bp.post("/objects/<object_name>/fields/<field_name>")
@admit(setup("customize"))
def change_field(object_name: str, field_name: str) -> ResponseReturnValue:
    """Plan a change of a field; publish it once confirmed. Records that do not fit are asked about."""
    definition = the_object(object_name)
    published = the_field(definition, field_name)
    typed, name, path = request.form, published.name, published.path
    type_ = typed.get("type", published.type)
    _require_type(type_)
    part = from_form(typed, type_, name, published.source)
    document = with_field(document_at(path), name, part)
    answer = answer_of(typed, type_)

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        shown = FieldForm(
            typed=typed, type=type_, published=published, problems=problems, path=path, name=name,
            status=422 if problems else 200, asked=questions(problems),
        )  # fmt: skip
        return _form(definition, shown)

    back = f"/setup/objects/{definition.name}/fields/{name}"
    way = Way(title=label(published), back=back, done=lambda: back, said=_("Field changed"), again=again)
    answers = {f"{path}#/fields/{name}": answer} if answer is not None else {}
    return publish_or_show(ChangeSet(put=(document,), answers=answers), way)


def _form(definition: ObjectDef, shown: FieldForm) -> ResponseReturnValue:
    """Show the form of a field, with its problems where they belong."""
    rows = rows_of(shown.typed)
    editor = Editor(object=definition.name, use=Use.DEFAULT, returns=shown.type, owner=definition.name)
    problems = default_values.explained(shown.problems, editor, shown.typed.get("default", "").strip(), f"/fields/{shown.name}/default")
    form = with_problems(shown.typed, problems, places(shown.name, shown.type, shown.typed, len(rows)), shown.path)
    snapshot, published = current.snapshot, shown.published
    return page(
        "setup/field_form.html",
        status=shown.status,
        definition=definition,
        tabs=tabs_of(definition, "fields"),
        form=form,
        type=shown.type,
        card=CARDS[shown.type],
        cards=CARDS,
        has=options_of(shown.type),
        words=option_words(),
        results=result_words(),
        rows=rows,
        published=published,
        asked=shown.asked,
        other_types=_other_types(published),
        defaults_chosen=frozenset(shown.typed.getlist("value_default")),
        objects_to_choose=[(each.name, label(each)) for each in snapshot.objects.values()],
        value_sets=[(each.name, label(each)) for each in snapshot.all("value_set")],
        controlling=_controlling(definition, shown.typed.get("api_name", "")),
        controller=definition.field(shown.typed.get("controlled_by", "")) if shown.typed.get("controlled_by") else None,
        relations=[
            (f"{each.child.name}.{each.field.name}", f"{label(each.child)} · {label(each.field)}")
            for each in snapshot.children(definition.name)
        ],
        summed=_summed(definition),
        summed_of={f"{each.child.name}.{each.field.name}": _summable(each.child) for each in snapshot.children(definition.name)},
        layouts=[each for each in snapshot.all("page_layout", definition.name) if isinstance(each, PageLayoutDef)],
        views=[each for each in snapshot.all("list_view", definition.name) if isinstance(each, ListViewDef)],
        grantees=_grantees(definition, shown) if published is None and grants.may_grant() else [],
        owner=owner_words(published.owner) if published is not None else "",
        used=uses("field", published.name, definition.name) if published is not None else [],
    )


def _other_types(published: FieldDef | None) -> list[tuple[str, str]]:
    """Return the types that a published field may be changed to."""
    if published is None:
        return []
    return [
        (name, str(card.label))
        for name, card in CARDS.items()
        if name != published.type and possible(published, replace(published, type=name, returns=None))
    ]


def _controlling(definition: ObjectDef, own: str) -> list[tuple[str, str]]:
    """Return the fields that a dependent picklist may depend on."""
    return [(each.name, label(each)) for each in definition.fields.values() if each.type in ("picklist", "checkbox") and each.name != own]


def _summed(definition: ObjectDef) -> list[tuple[str, str]]:
    """Return the fields of child objects that a roll-up may take, each name once with the objects that have it."""
    found: dict[str, list[str]] = {}
    for relation in current.snapshot.children(definition.name):
        for name in _summable(relation.child):
            found.setdefault(name, []).append(f"{label(relation.child)} · {label(relation.child.fields[name])}")
    return [(name, ", ".join(dict.fromkeys(texts))) for name, texts in found.items()]


def _summable(child: ObjectDef) -> list[str]:
    return [each.name for each in child.fields.values() if each.result_type in ("number", "currency", "percent", "date", "datetime")]


def _grantees(definition: ObjectDef, shown: FieldForm) -> list[grants.Grantee]:
    return grants.of_new_field(definition.name, shown.typed, read_only=shown.type in COMPUTED or shown.type == "auto_number")


@bp.post("/objects/<object_name>/fields/<field_name>/rename")
@admit(setup("customize"))
def rename_field(object_name: str, field_name: str) -> ResponseReturnValue:
    """Plan a new API name for a field, used everywhere at once; the old one stays good for imports and integrations."""
    definition = the_object(object_name)
    published = the_field(definition, field_name)
    to, back = request.form.get("to", "").strip(), f"/setup/objects/{definition.name}/fields/{published.name}"
    rename = Rename(place=Place(kind="field", object=definition.name, name=published.name), to=to)
    title = _("Rename %(name)s", name=label(published))
    done = f"/setup/objects/{definition.name}/fields/{to}"
    way = Way(title=title, back=back, done=lambda: done, said=_("Field renamed"), again=refusal(title, back))
    return publish_or_show(ChangeSet(rename=(rename,)), way)


@bp.route("/objects/<object_name>/fields/<field_name>/remove", methods=["GET", "POST"])
@admit(setup("customize"))
def remove_field(object_name: str, field_name: str) -> ResponseReturnValue:
    """Where a field is used, and removing it: plain mentions go along, expressions that read it refuse the removal."""
    definition = the_object(object_name)
    published = the_field(definition, field_name)
    back = f"/setup/objects/{definition.name}/fields/{published.name}"
    title = _("Remove %(name)s", name=label(published))
    if request.method == "GET" or "edit" in request.form:
        used = uses("field", published.name, definition.name)
        note = _("Its values stay archived for %(days)s days at least and can be brought back.", days=ARCHIVE_DAYS)
        return page("setup/remove.html", title=title, what=label(published), back=back, action=request.path, used=used, note=note)
    document = document_at(published.path)
    del document["fields"][published.name]
    put, remove = ((document,), ()) if document["fields"] or document["kind"] == "object" else ((), (published.path,))
    way = Way(
        title=title,
        back=request.path,
        done=lambda: f"/setup/objects/{definition.name}",
        said=_("Field removed"),
        again=refusal(title, back),
    )
    return publish_or_show(ChangeSet(put=put, remove=remove), way)


@bp.post("/objects/<object_name>/fields/restore")
@admit(setup("customize"))
def restore_field(object_name: str) -> ResponseReturnValue:
    """Bring back a removed field with its values and places."""
    definition, name = the_object(object_name), request.form.get("name", "")
    back, title = f"/setup/objects/{definition.name}", _("Restore %(name)s", name=request.form.get("name", ""))
    way = Way(title=title, back=back, done=lambda: back, said=_("Field restored"), again=refusal(title, back))
    return publish_or_show(ChangeSet(restore=(Place(kind="field", object=definition.name, name=name),)), way)
