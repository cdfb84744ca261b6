"""Shared list views of an object: the list, and the editor.

Here: the pages. Not here: showing a view (`web/lists.py`), personal views, which are the user's data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.pages import page
from fieldstone.web.setup import bp
from fieldstone.web.setup.definitions import Document, owner_words, tabs_of, the_object
from fieldstone.web.setup.parts import Part, audience_to_form, audience_words, audiences, head_to_form, number, places_of_head, put_audience
from fieldstone.web.setup.typed import Control, TypedForm, json_of, put, to_json, typed_before, with_problems

BLANK_COLUMNS = 3  # rows to fill in, below those that are there
SORTS = 3


@bp.get("/objects/<object_name>/views")
@admit(setup("customize"))
def list_views(object_name: str) -> ResponseReturnValue:
    """The shared list views of an object."""
    definition = the_object(object_name)
    found = sorted(current.snapshot.all("list_view", definition.name), key=lambda each: getattr(each, "order", 100))
    return page(
        "setup/views.html",
        definition=definition,
        tabs=tabs_of(definition, "views"),
        found=found,
        owner_words=owner_words,
        audience_words=audience_words,
    )


@bp.get("/objects/<object_name>/views/new")
@admit(setup("customize"))
def new_view(object_name: str) -> ResponseReturnValue:
    """The editor of a new view: the name field and three more to begin with."""
    part = Part.of(object_name, "list_view", "views")
    fields = part.definition.fields.values()
    first = [each.name for each in fields if each.name != part.definition.name_field and each.result_type not in ("long_text", "rich_text")]
    begin = {"columns": [{"field": name} for name in (part.definition.name_field, *first[:3])], "order": 100}
    return _form(part, TypedForm(typed=typed_before(_to_form(begin))))


@bp.get("/objects/<object_name>/views/<name>")
@admit(setup("customize"))
def show_view(object_name: str, name: str) -> ResponseReturnValue:
    """The editor of one view."""
    part = Part.of(object_name, "list_view", "views", name)
    return _form(part, TypedForm(typed=typed_before(_to_form(part.document()))))


@bp.post("/objects/<object_name>/views/new")
@admit(setup("customize"))
def create_view(object_name: str) -> ResponseReturnValue:
    """Publish a new view, or show its plan."""
    return _save(Part.of(object_name, "list_view", "views"))


@bp.post("/objects/<object_name>/views/<name>")
@admit(setup("customize"))
def change_view(object_name: str, name: str) -> ResponseReturnValue:
    """Publish a changed view, or show its plan."""
    return _save(Part.of(object_name, "list_view", "views", name))


@bp.post("/objects/<object_name>/views/<name>/remove")
@admit(setup("customize"))
def remove_view(object_name: str, name: str) -> ResponseReturnValue:
    """Remove a view."""
    return Part.of(object_name, "list_view", "views", name).remove()


def _to_form(document: Mapping[str, Any]) -> MultiDict[str, str]:
    typed = head_to_form(document)
    for row, column in enumerate(document.get("columns", ())):
        typed[f"column.{row}.field"] = column["field"]
        typed[f"column.{row}.total"] = column.get("total", "")
    for row, sort in enumerate(document.get("sort", ())):
        typed[f"sort.{row}.field"] = sort["field"]
        typed[f"sort.{row}.direction"] = sort.get("direction", "asc")
    board = document.get("board", {})
    typed.update(
        {"filter": document.get("filter", ""), "order": str(document.get("order", 100)), "start_in": document.get("start_in", "list")}
    )
    typed["examples"] = to_json(document.get("examples"))
    typed.update({"board.group_by": board.get("group_by", ""), "board.card": ", ".join(board.get("card", ()))})
    typed.setlist("board.totals", list(board.get("totals", ())))
    audience_to_form(typed, document.get("visible_to", {}))
    return typed


def _rows(typed: MultiDict[str, str]) -> list[int]:
    """Return the numbers of the column rows in their order: as they were dragged, else as they are numbered."""
    numbers = sorted({int(key.split(".")[1]) for key in typed if key.startswith("column.") and key.split(".")[1].isdigit()})
    try:
        order = [int(each) for each in json.loads(typed.get("column_order") or "[]")]
    except (ValueError, TypeError):
        order = []
    return sorted(numbers, key=lambda row: (order.index(row) if row in order else len(order), row))


def _columns(typed: MultiDict[str, str], before: list[Document]) -> Iterator[Document]:
    known = {column["field"]: column for column in before}
    for row in _rows(typed):
        field = typed.get(f"column.{row}.field", "").strip()
        if field:
            column = {**known.get(field, {}), "field": field}
            put(column, "total", typed.get(f"column.{row}.total", ""))
            yield column


def _sorts(typed: MultiDict[str, str]) -> Iterator[Document]:
    for row in range(SORTS):
        field = typed.get(f"sort.{row}.field", "").strip()
        if field:
            yield {"field": field, **({"direction": "desc"} if typed.get(f"sort.{row}.direction") == "desc" else {})}


def _save(part: Part) -> ResponseReturnValue:
    typed = request.form
    form, document = TypedForm(typed=typed), part.named(part.document(), typed)
    document["columns"] = list(_columns(typed, document.get("columns", [])))
    put(document, "filter", form.value("filter").strip())
    if "examples" in typed:
        put(document, "examples", json_of(form.value("examples")))
    put(document, "sort", list(_sorts(typed)))
    put(document, "start_in", form.value("start_in"))
    document["order"] = number(form.value("order"), 100)
    put_audience(document, "visible_to", typed)
    put(document, "board", _board(form, document.get("board", {})))

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        return _form(part, with_problems(typed, problems, _places(typed), part.path(document)), 422 if problems else 200)

    return part.publish(document, _("View published"), again)


def _board(form: TypedForm, before: Mapping[str, Any]) -> Document | None:
    if not form.value("board.group_by"):
        return None
    card = [each.strip() for each in form.value("board.card").replace("，", ",").split(",") if each.strip()]
    board = {**before, "group_by": form.value("board.group_by")}
    put(board, "card", card)
    put(board, "totals", form.values("board.totals"))
    return board


def _places(typed: MultiDict[str, str]) -> dict[str, Control]:
    """Return where problems of a view stand; columns by the place that the filled rows have in the document."""
    filled = [row for row in _rows(typed) if typed.get(f"column.{row}.field", "").strip()]
    found = places_of_head() | {
        "/columns": Control(name="column.0.field", label=_("Columns")),
        "/filter": Control(name="filter", label=_("Filter")),
        "/examples": Control(name="examples", label=_("Examples")),
        "/sort": Control(name="sort.0.field", label=_("Sort by")),
        "/order": Control(name="order", label=_("Order")),
        "/start_in": Control(name="start_in", label=_("Starts as")),
        "/board": Control(name="board.group_by", label=_("Board by")),
        "/board/totals": Control(name="board.totals", label=_("Totals of a column")),
        "/board/card": Control(name="board.card", label=_("On a card")),
    }
    for place, row in enumerate(filled):
        found[f"/columns/{place}"] = Control(name=f"column.{row}.field", label=_("Column %(number)s", number=place + 1))
    for row in range(SORTS):
        found[f"/sort/{row}"] = Control(name=f"sort.{row}.field", label=_("Sort by"))
    return found


def _form(part: Part, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    definition, rows = part.definition, _rows(form.typed)
    filled = [row for row in rows if form.value(f"column.{row}.field")]
    fields = definition.fields.values()
    return page(
        "setup/view.html",
        status=status,
        part=part,
        definition=definition,
        tabs=tabs_of(definition, "views"),
        form=form,
        rows=filled + list(range(max(rows, default=-1) + 1, max(rows, default=-1) + 1 + BLANK_COLUMNS)),
        paths=list(_paths(definition)),
        sorts=range(SORTS),
        audience=audiences(roles=True),
        groups=[(each.name, label(each)) for each in fields if each.type == "picklist" or each.type in LOOKUPS],
        amounts=[(each.name, label(each)) for each in fields if each.result_type in ("number", "currency")],
    )


def _paths(definition: ObjectDef) -> Iterator[tuple[str, str]]:
    """Yield the paths a column may show: own fields, then those of each parent, with their words."""
    yield from ((each.name, label(each)) for each in definition.all_fields)
    for link in definition.fields.values():
        target = current.snapshot.objects.get(link.to or "")
        if link.type in LOOKUPS and target is not None:
            yield from ((f"{link.name}.{each.name}", f"{label(link)} · {label(each)}") for each in target.fields.values())
