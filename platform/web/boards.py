"""Boards: the records of a view as cards in columns by one picklist; a drop saves that field.

Here: the page, one more part of a column, the drop. Not here: the list of the same view (`lists.py`), whether a drop is
allowed: that is decided by the save (`records/save.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.errors import Conflict, NotVisible, Problem, Refused
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.objects import FieldDef, PicklistValue
from fieldstone.records.changes import Change
from fieldstone.records.query import Group, Query, Record
from fieldstone.web import conditions, list_views, lists
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.list_views import ListColumn
from fieldstone.web.lists import Listing
from fieldstone.web.pages import fragment, page
from fieldstone.web.shell import plural
from fieldstone.web.shown import name_columns, with_failures

bp = Blueprint("boards", __name__)

CARDS = 200  # of the first look at a whole board
CARDS_OF_COLUMN = 50  # of each further look at one column
FACTS = 4  # of a card


@dataclass(slots=True)
class BoardColumn:
    """One column: a value, its records so far, and what all records of it come to."""

    value: PicklistValue
    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    cards: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None

    @property
    def more(self) -> int:
        """How many records are not shown yet."""
        return max(self.count - len(self.cards), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What a board is made of for this reader."""

    listing: Listing
    field: FieldDef
    totals: tuple[ListColumn, ...]
    facts: tuple[ListColumn, ...]

    @property
    def select(self) -> tuple[str, ...]:
        """The fields that cards need."""
        names = [*name_columns(self.listing.definition), self.field.name, *(each.path for each in self.facts)]
        owned = ["owner"] if self.listing.definition.owned_by != "none" else []
        return tuple(dict.fromkeys([*names, *owned]))

    def summed(self, column: BoardColumn) -> str:
        """Return the sums of a column in words, such as `$822,000 · Expected value $97,000`; the first needs no name."""
        shown: list[str] = []
        for each in self.totals:
            value = column.sums.get(each.path)
            if value is None:
                continue
            money = each.field.result_type == "currency"
            amount = (
                formats.money(value, current.org.settings.currency, current.language, 0)
                if money
                else formats.number(value, current.language)
            )
            shown.append(f"{each.label} {amount}" if shown else amount)
        return " · ".join(shown)


def of_listing(shown: Listing) -> Board:
    """Return the board of a list's view. Raises NotVisible when the reader may not see the field it is grouped by."""
    definition = current.object(shown.definition.name)
    assert shown.view.board is not None
    found = list_views.resolve(definition, shown.view.board.group_by)
    if found is None or found[1].type != "picklist":
        raise NotVisible
    totals = [list_views.column(definition, path) for path in shown.view.board.totals]
    paths = shown.view.board.card or tuple(
        each.path for each in shown.view.columns if each.path not in (definition.name_field, found[1].name)
    )
    facts = [list_views.column(definition, path) for path in paths]
    return Board(
        listing=shown,
        field=found[1],
        totals=tuple(each for each in totals if each is not None),
        facts=tuple(each for each in facts if each is not None and each.path != definition.name_field)[:FACTS],
    )


def render(shown: Listing) -> ResponseReturnValue:
    """Render the board: one statement for its counts and sums, one for its first cards."""
    board = of_listing(shown)
    problems: tuple[Problem, ...] = ()
    columns: list[BoardColumn] = []
    try:
        columns = _columns(board)
        read = current.gate.read(shown.query(select=board.select, sort=shown.sort, limit=CARDS))
        _deal_out(board, columns, read.records)
    except Refused as refused:
        problems = refused.problems
    return page(
        "list/board.html",
        block="board",
        status=422 if problems else 200,
        listing=shown,
        board=board,
        columns=columns,
        problems=problems,
        plural=plural(shown.definition),
        edited=(edited := lists.edited_condition(shown)),
        **lists.editor(edited),
    )


def _columns(board: Board, *, only: tuple[str, ...] | None = None) -> list[BoardColumn]:
    """Return the columns with count and sums of all visible records, not of those loaded."""
    listing = board.listing
    node = {"field": board.field.name, "op": "in", "value": list(only)} if only is not None else None
    aggregates = {"n": ("count", None)} | {each.path: ("sum", each.path) for each in board.totals}
    query = Query(object=listing.definition.name, filter=conditions.tree([listing.tree, node]))
    groups = {row[board.field.name]: row for row in current.gate.groups(query, (Group(field=board.field.name),), aggregates)}
    found = []
    for value in board.field.values:
        row = groups.get(value.name, {})
        if (value.active or row) and (only is None or value.name in only):
            sums = {each.path: row[each.path] for each in board.totals if row.get(each.path) is not None}
            found.append(BoardColumn(value, row.get("n", 0), sums))
    return found


def _deal_out(board: Board, columns: list[BoardColumn], records: tuple[Record, ...]) -> None:
    """Put the records read into their columns."""
    by_value = {column.value.name: column for column in columns}
    for record in with_failures(board.listing.definition, records):
        column = by_value.get(str(record.get(board.field.name)))
        if column is not None:
            column.cards.append(record)


@bp.get("/o/<object_name>/column")
@admit(SIGNED_IN)
def column(object_name: str) -> ResponseReturnValue:
    """More cards of one column: those after `cursor`, without one from its beginning."""
    shown = lists.listing(object_name)
    if shown.view.board is None:
        raise NotVisible
    board = of_listing(shown)
    value = board.field.value(request.args.get("value", ""))
    if value is None:
        raise NotVisible
    node = {"field": board.field.name, "op": "eq", "value": value.name}
    cursor = request.args.get("cursor") or None
    read = current.gate.read(
        Query(
            object=shown.definition.name,
            filter=conditions.tree([shown.tree, node]),
            select=board.select,
            sort=shown.sort,
            limit=CARDS_OF_COLUMN,
            cursor=cursor,
        )
    )
    part = BoardColumn(value, cards=list(with_failures(shown.definition, read.records)), next=read.next)
    return fragment("list/board.html", "cards", listing=shown, board=board, column=part)


@bp.post("/o/<object_name>/<record_id>/move")
@admit(SIGNED_IN)
def move(object_name: str, record_id: str) -> ResponseReturnValue:
    """Save the field a card was dropped on; the answer has the new version, and count and sums of the two columns."""
    definition = current.object(object_name)
    sent = request.get_json(silent=True)
    sent = sent if isinstance(sent, dict) else {}
    found = definition.field(str(sent.get("field", "")))
    if found is None or found.type != "picklist" or not isinstance(sent.get("value"), str):
        raise NotVisible
    before = current.gate.get(definition.name, record_id, select=(found.name,)).get(found.name)
    version = sent["row_version"] if isinstance(sent.get("row_version"), int) and sent["row_version"] > 0 else None
    change = Change(object=definition.name, action="update", id=record_id, values={found.name: sent["value"]}, row_version=version)
    principal = current.principal
    current.close()
    try:
        (outcome,) = current.org.records.save(principal, [change], channel="web")
    except Conflict:
        return {"error": _("Somebody has changed this record meanwhile. Reload the board to see it.")}, 409
    except Refused as refused:
        return _refused_move(definition.name, record_id, found, sent["value"], refused.problems)
    values = tuple(value for value in (before, sent["value"]) if value is not None)
    return jsonify(row_version=outcome.row_version, columns=_moved_columns(definition.name, found, values))


def _refused_move(object_name: str, record_id: str, found: FieldDef, value: str, problems: tuple[Problem, ...]) -> ResponseReturnValue:
    """Say why a drop was refused; when another field has to be filled in first, the form that asks for it is named."""
    answer: dict[str, Any] = {"error": " ".join(dict.fromkeys(word(problem, object_name) for problem in problems))}
    if any(problem.field not in (None, found.name) for problem in problems):
        answer["form"] = f"/o/{object_name}/{record_id}/edit?set.{found.name}={value}"
    return answer, 422


def _moved_columns(object_name: str, found: FieldDef, values: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return count and sums of the columns a card left and came to, on the board the browser shows."""
    back = request.referrer or ""
    arguments = dict(parse_qsl(back.partition("?")[2]))
    shown = lists.listing(object_name, arguments)
    if shown.view.board is None or shown.view.board.group_by != found.name:
        return {}
    board = of_listing(shown)
    return {
        column.value.name: {"count": formats.number(column.count, current.language), "sum": board.summed(column)}
        for column in _columns(board, only=values)
    }
