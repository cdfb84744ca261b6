"""Page layouts and highlight panels (meta-schemas: page_layout.json, highlight_panel.json).

Here: tabs, sections, items, related lists, path and buttons of a record page and its form.
Not here: which layout a user gets and what conditions give (`web`, `records/save.py`): a layout never decides rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, ClassVar

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import EVERYBODY, Audience, Definition, Label, PathDef, SortKey
from fieldstone.metadata.definitions.loading import Document, Loading, audience, sort_keys, stage_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """When a part of a layout shows, is required or frozen: expression sources, None for always shown, optional, editable."""

    visible_when: str | None = None
    required_when: str | None = None
    read_only_when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDef(Conditions):
    """One field, or one component ("text", "space"), of a section."""

    field: str | None = None
    component: str | None = None
    text: Label = made(default_factory=dict)  # of a text component
    label: Label = made(default_factory=dict)  # instead of the field's own
    width: int = 1  # columns it spans


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedListDef(Conditions):
    """Records of a child object that point here, by the lookup `relation` ("child.lookup")."""

    relation: str
    columns: tuple[str, ...]
    label: Label = made(default_factory=dict)
    sort: tuple[SortKey, ...] = ()
    filter: str | None = None
    rows: int = 5
    inline_edit: bool = False
    can: frozenset[str] = frozenset({"create", "edit", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDef(Conditions):
    """A box of items in one or two columns."""

    id: str
    label: Label = made(default_factory=dict)
    columns: int = 2
    collapsed: bool = False
    items: tuple[ItemDef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TabDef(Conditions):
    """A tab of the record page."""

    id: str
    label: Label = made(default_factory=dict)
    sections: tuple[SectionDef, ...] = ()
    related_lists: tuple[RelatedListDef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonDef(Conditions):
    """A button of the page by its name: one of STANDARD_BUTTONS."""

    name: str


STANDARD_BUTTONS = ("edit", "clone", "delete", "transfer", "change_record_type", "submit_approval", "recall_approval", "share", "print")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLayoutDef(Definition):
    """One layout: it serves the record page, the create and the edit form."""

    kind: ClassVar[str] = "page_layout"

    audience: Audience = EVERYBODY  # `for` in JSON
    order: int = 100
    tabs: tuple[TabDef, ...] = ()
    path_def: PathDef | None = None  # `path` in JSON
    page_buttons: tuple[ButtonDef, ...] = ()
    more_buttons: tuple[ButtonDef, ...] = ()

    def items(self) -> Iterator[ItemDef]:
        """Every item of every section, in reading order."""
        return (item for tab in self.tabs for section in tab.sections for item in section.items)

    def parts(self) -> Iterator[Conditions]:
        """Every tab, section and item: what a form shows, with its conditions."""
        for tab in self.tabs:
            yield tab
            for section in tab.sections:
                yield section
                yield from section.items

    def related_lists(self) -> Iterator[RelatedListDef]:
        """Every related list, in reading order."""
        return (related for tab in self.tabs for related in tab.related_lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class HighlightPanelDef(Definition):
    """The strip at the top of a record page, and its hover card: at most 7 fields and a path."""

    kind: ClassVar[str] = "highlight_panel"

    audience: Audience = EVERYBODY
    order: int = 100
    fields: tuple[str, ...] = ()
    path_def: PathDef | None = None


def load_page_layout(document: Document, loading: Loading) -> PageLayoutDef:
    """Build a page layout from its document."""
    buttons = document.get("buttons", {})
    return PageLayoutDef(
        **loading.head(document),
        audience=audience(document.get("for")),
        order=int(document.get("order", 100)),
        tabs=tuple(_tab(tab, document["object"], loading) for tab in document["tabs"]),
        path_def=stage_path(document.get("path")),
        page_buttons=tuple(_button(button) for button in buttons.get("page", ())),
        more_buttons=tuple(_button(button) for button in buttons.get("more", ())),
    )


def _conditions(part: Document) -> dict[str, Any]:
    return {key: part[key] for key in ("visible_when", "required_when", "read_only_when") if key in part}


def _tab(part: Document, parent: str, loading: Loading) -> TabDef:
    return TabDef(
        id=part["id"],
        label=labels.of(part.get("label")),
        sections=tuple(_section(section) for section in part.get("sections", ())),
        related_lists=tuple(_related_list(related, parent, loading) for related in part.get("related_lists", ())),
        **_conditions(part),
    )


def _section(part: Document) -> SectionDef:
    return SectionDef(
        id=part["id"],
        label=labels.of(part.get("label")),
        columns=int(part.get("columns", 2)),
        collapsed=part.get("collapsed", False),
        items=tuple(_item(item) for item in part.get("items", ())),
        **_conditions(part),
    )


def _item(part: Document) -> ItemDef:
    return ItemDef(
        field=part.get("field"),
        component=part.get("component"),
        text=labels.of(part.get("text")),
        label=labels.of(part.get("label")),
        width=int(part.get("width", 1)),
        **_conditions(part),
    )


def _related_list(part: Document, parent: str, loading: Loading) -> RelatedListDef:
    return RelatedListDef(
        relation=loading.relation(parent, part["relation"]),
        columns=tuple(part["columns"]),
        label=labels.of(part.get("label")),
        sort=sort_keys(part.get("sort")),
        filter=part.get("filter"),
        rows=int(part.get("rows", 5)),
        inline_edit=part.get("inline_edit", False),
        can=frozenset(part.get("can", ("create", "edit", "delete"))),
        **_conditions(part),
    )


def _button(part: str | Document) -> ButtonDef:
    return ButtonDef(name=part) if isinstance(part, str) else ButtonDef(name=part["button"], **_conditions(part))


def load_highlight_panel(document: Document, loading: Loading) -> HighlightPanelDef:
    """Build a highlight panel from its document."""
    return HighlightPanelDef(
        **loading.head(document),
        audience=audience(document.get("for")),
        order=int(document.get("order", 100)),
        fields=tuple(document["fields"]),
        path_def=stage_path(document.get("path")),
    )
