"""List views: the same records as list, board or calendar (meta-schema: list_view.json).

Here: what a shared view says. Not here: personal views (the user's data, same shape), running one (`records/gate`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldstone.metadata.definitions.definition import EVERYBODY, Audience, Definition, SortKey
from fieldstone.metadata.definitions.loading import Document, Loading, audience, sort_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDef:
    """A column: a field or a path such as "account.industry"."""

    field: str
    width: int | None = None  # pixels
    total: str | None = None  # sum, avg, min, max


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardDef:
    """Cards in columns by a picklist, lookup or user; a drop saves that field."""

    group_by: str
    totals: tuple[str, ...] = ()
    card: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDef:
    """Records on the days of a date or datetime field."""

    start: str
    end: str | None = None
    title: str = "name"
    color_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListViewDef(Definition):
    """One shared list view of `object`."""

    kind: ClassVar[str] = "list_view"

    columns: tuple[ColumnDef, ...] = ()
    filter: str | None = None
    sort: tuple[SortKey, ...] = ()
    visible_to: Audience = EVERYBODY
    order: int = 100
    inline_edit: bool = False
    start_in: str = "list"  # "list", "board", "calendar"
    board: BoardDef | None = None
    calendar: CalendarDef | None = None


def load_list_view(document: Document, loading: Loading) -> ListViewDef:
    """Build a list view from its document. A personal view has the same shape."""
    return ListViewDef(
        **loading.head(document),
        columns=tuple(ColumnDef(field=item["field"], width=item.get("width"), total=item.get("total")) for item in document["columns"]),
        filter=document.get("filter"),
        sort=sort_keys(document.get("sort")),
        visible_to=audience(document.get("visible_to")),
        order=int(document.get("order", 100)),
        inline_edit=document.get("inline_edit", False),
        start_in=document.get("start_in", "list"),
        board=_board(document.get("board")),
        calendar=_calendar(document.get("calendar")),
    )


def _board(part: Document | None) -> BoardDef | None:
    if part is None:
        return None
    return BoardDef(group_by=part["group_by"], totals=tuple(part.get("totals", ())), card=tuple(part.get("card", ())))


def _calendar(part: Document | None) -> CalendarDef | None:
    if part is None:
        return None
    return CalendarDef(start=part["start"], end=part.get("end"), title=part.get("title", "name"), color_by=part.get("color_by"))
