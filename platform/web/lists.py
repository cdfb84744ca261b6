"""Lists: the records of an object through a view, with the conditions, order and page that the URL says.

Here: the page and its parts, saving views. Not here: boards (`boards.py`), which views there are (`list_views.py`),
conditions (`conditions.py`), one record (`records.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.db.transaction import retrying
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.metadata.definitions.list_views import ColumnDef
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.records.query import Page, Query, Sort
from fieldstone.web import conditions, expressions, list_expressions, list_views
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.conditions import Condition
from fieldstone.web.current import current
from fieldstone.web.list_views import ListColumn, View
from fieldstone.web.pages import fragment, page, redirect_after
from fieldstone.web.shell import plural, toast
from fieldstone.web.shown import is_number, with_failures

bp = Blueprint("lists", __name__)

ROWS = 50
NOT_IN_CELLS = frozenset({"long_text", "rich_text", "text_area", "multi_picklist"})
STEPS_BACK = 8  # cursors of earlier pages that a URL carries
MOST_OF_FILTER = 2000  # records that one command may mean by "all of the list"
NOT_SORTABLE = frozenset({"long_text", "rich_text", "multi_picklist"})
OWN_KEYS = frozenset({"view", "q", "x", "sort", "cols", "as", "cursor", "back", "n"})


@dataclass
class Listing:
    """One list as the URL describes it: everything the page needs, nothing read yet."""

    definition: ObjectDef
    views: list[View]
    view: View
    arguments: Mapping[str, str]
    conditions: list[Condition]
    expression: str
    search: str
    shape: str  # "list" or "board"

    @property
    def base(self) -> str:
        """The address of the list without its state."""
        return f"/o/{self.definition.name}"

    @property
    def columns(self) -> tuple[ListColumn, ...]:
        """The columns shown: those chosen in the URL, else those of the view."""
        chosen = self.arguments.get("cols")
        if not chosen:
            return self.view.columns
        return list_views.columns(self.definition, [ColumnDef(field=path) for path in chosen.split(",")])

    @property
    def sort(self) -> tuple[Sort, ...]:
        """The order: the one clicked, else that of the view; levels by fields the reader may not see are left out."""
        clicked = self.arguments.get("sort")
        levels = (Sort.parse(clicked),) if clicked else self.view.sort
        return tuple(level for level in levels if list_views.resolve(self.definition, level.field) is not None)

    @cached_property
    def told(self) -> dict[str, list[str]]:
        """What is to be said of the expression, each with its place: under "error" what hinders the list, under "warning" the rest."""
        found = list_expressions.problems(self.definition, self.expression) if self.expression else ()
        said: dict[str, list[str]] = {"error": [], "warning": []}
        for each in found:
            said["warning" if each.warning else "error"].append(expressions.with_place(self.expression, each))
        return said

    @property
    def tree(self) -> Mapping[str, Any] | None:
        """What the records must meet: the view's own filter, the conditions, the expression and the search.

        Raises Refused for a view whose filter asks for what the reader may not see; it does not say what that is.
        """
        if self.view.filter and not list_views.runs(self.definition, self.view.filter):
            raise Refused(Problem(code="view_not_available", params={"view": self.view.label}))
        return conditions.tree(
            [
                {"expression": self.view.filter} if self.view.filter else None,
                *(condition.node for condition in self.conditions),
                {"expression": self.expression} if self.expression else None,
                conditions.searching(self.definition, self.search),
            ]
        )

    def query(self, **options: Any) -> Query:
        """Return the query of the records shown."""
        return Query(object=self.definition.name, filter=self.tree, **options)

    @property
    def state(self) -> dict[str, str]:
        """The state of this list as URL keys, without the page."""
        found: dict[str, str] = {"view": self.view.name}
        for condition in self.conditions:
            found |= condition.keys
        for key in ("x", "q", "sort", "cols", "as"):
            if self.arguments.get(key):
                found[key] = self.arguments[key]
        if self.view.personal and not any(key.startswith("f.") for key in found):
            found["n"] = "1"  # the view's own conditions were taken off
        return found

    def url(self, **changes: str | None) -> str:
        """Return the address of this list with some keys changed, None to leave one out; always its first page."""
        keys = {key: value for key, value in (self.state | changes).items() if value is not None}
        return f"{self.base}?{urlencode(keys)}" if keys else self.base

    def url_without(self, condition: Condition) -> str:
        """Return the address of this list without one of its conditions."""
        return self.url(**dict.fromkeys(condition.keys))

    def sort_url(self, shown: ListColumn) -> str | None:
        """Return the address that sorts by a column, or turns its order round; None for a column nothing sorts by."""
        if shown.field.result_type in NOT_SORTABLE or not shown.in_query:
            return None
        first = self.sort[0] if self.sort else None
        descending = first is not None and first.field == shown.path and not first.descending
        return self.url(sort=f"-{shown.path}" if descending else shown.path)

    def sorted_by(self, shown: ListColumn) -> str:
        """Return `ascending`, `descending` or `none`, as `aria-sort` has it."""
        first = self.sort[0] if self.sort else None
        if first is None or first.field != shown.path:
            return "none"
        return "descending" if first.descending else "ascending"

    @property
    def folds(self) -> dict[str, str]:
        """Which columns are the four of a row's card on a phone: the name, a number at its right, two facts below."""
        rest = [each for each in self.columns if each.path != self.definition.name_field]
        number = next((each for each in rest if is_number(each.field)), None)
        tagged = next((each for each in rest if each.field.result_type == "picklist"), None)
        facts = [each for each in rest if each not in (number, tagged)]
        chosen = [(number or (facts.pop(1) if len(facts) > 1 else None), "m-b"), (facts[0] if facts else None, "m-c"), (tagged, "m-d")]
        return {each.path: place for each, place in chosen if each is not None}

    @property
    def changed(self) -> bool:
        """Whether the URL shows something else than the view does."""
        return any(key in self.arguments for key in ("x", "q", "sort", "cols")) or any(key.startswith("f.") for key in request.args)

    @property
    def bulk(self) -> bool:
        """Whether rows can be ticked: there is something that can be done with several."""
        return (self.definition.owned_by != "none" and current.rights.can(self.definition.name, "edit")) or current.rights.can(
            self.definition.name, "delete"
        )

    @property
    def cells(self) -> dict[int, str]:
        """The fields that can be edited in their cells, by the place of their column; the first one leads to the record."""
        if not current.rights.can(self.definition.name, "edit"):
            return {}
        return {
            place: each.path
            for place, each in enumerate(self.columns)
            if place and "." not in each.path and in_cell(self.definition, each.field)
        }

    def all_at_once(self, shown: Page) -> bool:
        """Whether all records of the list can be meant at once: there are more than the page shows, and not too many."""
        counted = shown.count
        return counted is not None and counted.exact and len(shown.records) < counted.value <= MOST_OF_FILTER

    @property
    def next_number(self) -> int:
        """The number for one more condition."""
        return max((condition.number for condition in self.conditions), default=0) + 1

    @cached_property
    def filterable(self) -> list[ListColumn]:
        """The fields one may filter by."""
        return conditions.filterable(self.definition)


def in_cell(definition: ObjectDef, field: FieldDef) -> bool:
    """Tell whether the reader may edit the field where it stands in a list: one line, one value, no page of its own to change it."""
    one_value = field.result_type not in NOT_IN_CELLS and field.type != "master_detail" and not field.system and not field.read_only
    return one_value and field.name in current.rights.editable(definition.name)


def listing(object_name: str, arguments: Mapping[str, str] | None = None) -> Listing:
    """Return the list that the URL asks for. Raises NotVisible for an object the reader may not see."""
    definition = current.object(object_name)
    given = arguments if arguments is not None else request.args.to_dict()
    every = list_views.views(definition)
    view = next((each for each in every if each.name == given.get("view")), every[0])
    own = any(key.startswith("f.") for key in given) or "n" in given
    effective = given if own or not view.query else {**view.query, **given}
    wanted = given.get("as") or (view.start_in if view.start_in in ("list", "board") else "list")
    return Listing(
        definition,
        every,
        view,
        effective,
        conditions.read(definition, effective),
        effective.get("x", "").strip(),
        effective.get("q", ""),
        "board" if wanted == "board" and view.board is not None else "list",
    )


@bp.get("/o/<object_name>")
@admit(SIGNED_IN)
def show(object_name: str) -> ResponseReturnValue:
    """The list of an object's records, as table or board."""
    shown = listing(object_name)
    if shown.shape == "board":
        from fieldstone.web import boards

        return boards.render(shown)
    return render(shown)


def render(shown: Listing) -> ResponseReturnValue:
    """Render the table; a filter that cannot be run leaves it empty and says why."""
    problems: tuple[Problem, ...] = ()
    read, totals = Page(records=()), {}
    try:
        read = current.gate.read(
            shown.query(
                select=tuple({each.path: None for each in shown.columns}),
                sort=shown.sort,
                limit=ROWS,
                cursor=request.args.get("cursor") or None,
                count="capped",
            )
        )
        read = replace(read, records=with_failures(shown.definition, read.records))
        wanted = {each.path: (each.total, each.path) for each in shown.columns if each.total}
        totals = current.gate.totals(shown.query(), wanted) if wanted and read.records else {}
    except Refused as refused:
        problems = refused.problems
    except NotVisible:
        problems = (Problem(code="view_not_for_you"),)
    back = [each for each in request.args.get("back", "").split("~") if each]
    return page(
        "list/page.html",
        block="list",
        status=422 if problems else 200,
        listing=shown,
        page=read,
        totals=totals,
        problems=problems,
        pages=_pages(shown, read, back),
        first_row=_first_row(),
        plural=plural(shown.definition),
        edited=(edited := edited_condition(shown)),
        **editor(edited),
    )


def _first_row() -> int:
    """The number of the first row shown; the URL says how many pages came before."""
    try:
        return max(int(request.args.get("p", "1")) - 1, 0) * ROWS + 1
    except ValueError:
        return 1


def _pages(shown: Listing, read: Page, back: list[str]) -> dict[str, str | None]:
    """Return the addresses of the pages beside this one: a page back is found by the cursors that led here."""
    cursor, number = request.args.get("cursor"), (_first_row() - 1) // ROWS + 1
    previous = following = None
    if cursor:
        before = back[-1] if back else None
        rest = "~".join(back[:-1])
        previous = shown.url(cursor=before, back=rest or None, p=str(number - 1)) if before and number > 2 else shown.url()
    if read.next:
        steps = [*back, cursor][-STEPS_BACK:] if cursor else back
        following = shown.url(cursor=read.next, back="~".join(steps) or None, p=str(number + 1))
    return {"previous": previous, "next": following}


@bp.get("/o/<object_name>/condition")
@admit(SIGNED_IN)
def condition(object_name: str) -> ResponseReturnValue:
    """The editor of one condition: a new one on the field `add`, or the one numbered `edit`."""
    shown = listing(object_name)
    edited = edited_condition(shown)
    if edited is None:
        raise NotVisible
    return fragment("list/page.html", "condition", listing=shown, edited=edited, **editor(edited))


def edited_condition(shown: Listing) -> Condition | None:
    """Return the condition that the URL asks to edit, None if it asks for none."""
    number = request.args.get("edit", "")
    found = next((each for each in shown.conditions if str(each.number) == number), None)
    if found is not None:
        return found
    wanted = list_views.column(shown.definition, request.args.get("add", ""))
    if wanted is None:
        return None
    return Condition(number=shown.next_number, column=wanted, operator=conditions.operators(wanted.field)[0])


def editor(edited: Condition | None) -> dict[str, Any]:
    """Return what the editor of a condition shows beside it."""
    if edited is None:
        return {}
    field = edited.column.field
    return {
        "operators": [(name, conditions.operator_words(name, field)) for name in conditions.operators(field)],
        "periods": [(name, conditions.period_words(name)) for name in conditions.PERIODS],
        "needs_value": edited.operator not in conditions.NO_VALUE,
    }


@bp.get("/o/<object_name>/fields")
@admit(SIGNED_IN)
def fields(object_name: str) -> ResponseReturnValue:
    """The fields one may filter by, or for the columns; loaded when their menu is opened."""
    return fragment("list/page.html", "fields", listing=listing(object_name), purpose=request.args.get("for", "filter"))


@bp.get("/o/<object_name>/columns")
@admit(SIGNED_IN)
def choose_columns(object_name: str) -> ResponseReturnValue:
    """Go to the list with the columns that were ticked."""
    shown = listing(object_name)
    ticked = [(int(value), key[2:]) for key, value in request.args.items() if key.startswith("c.") and value.isdigit()]
    names = [path for _place, path in sorted(ticked) if list_views.resolve(shown.definition, path) is not None]
    return redirect_after(shown.url(cols=",".join(names) or None))


@bp.post("/o/<object_name>/views")
@admit(SIGNED_IN)
def save_view(object_name: str) -> ResponseReturnValue:
    """Keep what is shown as a personal view, or as a new state of one."""
    definition = current.object(object_name)
    form = request.form.to_dict()
    shown = listing(object_name, {key: value for key, value in form.items() if key in OWN_KEYS or conditions.KEY.fullmatch(key)})
    if form.get("shared"):
        from fieldstone.web.shared_views import publish_view

        name = publish_view(shown, _view_label(form))
        toast(_("View published for everybody"))
        return redirect_after(f"/o/{definition.name}?view={name}")
    stored = {
        "columns": [each.path for each in shown.columns],
        "sort": [f"{'-' if each.descending else ''}{each.field}" for each in shown.sort],
        "filter": shown.view.filter,
        "start_in": shown.shape,
        "query": {key: value for key, value in shown.state.items() if key in ("x", "q") or conditions.KEY.fullmatch(key)},
    }
    if shown.view.board is not None:
        board = shown.view.board
        stored |= {"group_by": board.group_by, "totals": list(board.totals), "card": list(board.card)}
    user_id, replaced = current.principal.user_id or "", shown.view.name if shown.view.personal and form.get("replace") else None
    current.close()
    view_id = retrying(
        current.org.engine,
        lambda transaction: list_views.save_personal(transaction, user_id, definition.name, form.get("label", ""), stored, replaced),
    )
    toast(_("View saved"))
    return redirect_after(f"/o/{definition.name}?view={view_id}")


def _view_label(form: Mapping[str, str]) -> str:
    """Return the name somebody gave a view. Raises Refused without one."""
    label = form.get("label", "").strip()[:80]
    if not label:
        raise Refused(Problem(code="required", field="label"))
    return label


@bp.post("/o/<object_name>/views/<view_id>/delete")
@admit(SIGNED_IN)
def delete_view(object_name: str, view_id: str) -> ResponseReturnValue:
    """Remove a personal view; the records stay as they are."""
    definition = current.object(object_name)
    user_id = current.principal.user_id or ""
    current.close()
    retrying(current.org.engine, lambda transaction: list_views.remove_personal(transaction, user_id, definition.name, view_id))
    toast(_("View removed"))
    return redirect_after(f"/o/{definition.name}")
