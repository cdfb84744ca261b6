"""Which page layout and highlight panel a person gets for a record, and the ones every object has without asking.

Here: the choice, and generating. Not here: what conditions in a layout give (`records/draft.py`), rights: a layout never
decides them. Source: spec/metadata.md, section 6 "Which layout".
"""

from __future__ import annotations

from typing import TypeVar

from fieldstone.metadata.definitions.definition import PathDef
from fieldstone.metadata.definitions.layouts import ButtonDef, HighlightPanelDef, ItemDef, PageLayoutDef, RelatedListDef, SectionDef, TabDef
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.principal import Principal

Chosen = TypeVar("Chosen", PageLayoutDef, HighlightPanelDef)

LONG = frozenset({"long_text", "rich_text"})
FACTS = 4  # of a generated highlight panel
COLUMNS_OF_RELATED = 4
GENERATED = "generated"  # no API name: one is never stored under it


def layout_for(snapshot: Snapshot, definition: ObjectDef, principal: Principal, record_type: str | None) -> PageLayoutDef:
    """Return the layout of page and form: with the user's profile, else with one of their permission sets, else for everybody."""
    stored = [each for each in snapshot.all("page_layout", definition.name) if isinstance(each, PageLayoutDef)]
    return _choose(stored, principal, record_type) or snapshot.once(_generated_layouts)[definition.name]


def panel_for(snapshot: Snapshot, definition: ObjectDef, principal: Principal, record_type: str | None) -> HighlightPanelDef:
    """Return the key facts of a record page, chosen like its layout."""
    stored = [each for each in snapshot.all("highlight_panel", definition.name) if isinstance(each, HighlightPanelDef)]
    return _choose(stored, principal, record_type) or snapshot.once(_generated_panels)[definition.name]


def _choose(stored: list[Chosen], principal: Principal, record_type: str | None) -> Chosen | None:
    fits = [each for each in stored if not each.audience.record_types or record_type in each.audience.record_types]
    ranked = [(_rank(each, principal), each.order, each.name, each) for each in fits]
    mine = sorted((rank, order, name) for rank, order, name, _ in ranked if rank is not None)
    return next((each for rank, order, name, each in ranked if mine and (rank, order, name) == mine[0]), None)


def _rank(definition: PageLayoutDef | HighlightPanelDef, principal: Principal) -> int | None:
    audience = definition.audience
    if principal.profile in audience.profiles:
        return 0
    if audience.permission_sets & principal.permission_sets:
        return 1
    return None if audience.profiles or audience.permission_sets else 2


def _generated_layouts(snapshot: Snapshot) -> dict[str, PageLayoutDef]:
    return {name: generated_layout(snapshot, definition) for name, definition in snapshot.objects.items()}


def _generated_panels(snapshot: Snapshot) -> dict[str, HighlightPanelDef]:
    return {name: _generated_panel(definition) for name, definition in snapshot.objects.items()}


def generated_layout(snapshot: Snapshot, definition: ObjectDef) -> PageLayoutDef:
    """Return the layout of an object that has none: name, required fields, the rest by birth in two columns, long texts whole."""
    fields = list(definition.fields.values())
    ordered = sorted(fields, key=lambda each: (each.name != definition.name_field, not each.required, each.result_type in LONG))
    items = tuple(
        ItemDef(field=each.name, width=2 if each.result_type in LONG or each.name == definition.name_field else 1) for each in ordered
    )
    if definition.owned_by != "none":
        items = (*items, ItemDef(field="owner"))
    related = tuple(
        RelatedListDef(relation=f"{each.child.name}.{each.field.name}", columns=_columns(each.child, each.field.name))
        for each in snapshot.children(definition.name)
        if not each.child.system
    )
    tabs = (TabDef(id="details", sections=(SectionDef(id="fields", items=items),), related_lists=related),)
    return PageLayoutDef(
        name=GENERATED,
        label=definition.label,
        object=definition.name,
        tabs=tabs,
        page_buttons=(ButtonDef(name="edit"), ButtonDef(name="submit_approval")),
        more_buttons=tuple(ButtonDef(name=name) for name in ("clone", "transfer", "change_record_type", "delete")),
    )


def _columns(child: ObjectDef, without: str) -> tuple[str, ...]:
    fields = [each.name for each in child.fields.values() if each.name not in (without, child.name_field) and each.result_type not in LONG]
    return (child.name_field, *fields[: COLUMNS_OF_RELATED - 1])


def _generated_panel(definition: ObjectDef) -> HighlightPanelDef:
    telling = ("currency", "picklist", "percent", "date", "number", "lookup", "master_detail", "user")
    fields = sorted(
        (each for each in definition.fields.values() if each.result_type in telling and each.name != definition.name_field),
        key=lambda each: telling.index(each.result_type),
    )
    stage = next((each for each in definition.fields.values() if each.type == "picklist" and each.required), None)
    facts = [each.name for each in fields if stage is None or each.name != stage.name]
    return HighlightPanelDef(
        name=GENERATED,
        label=definition.label,
        object=definition.name,
        fields=tuple(facts[:FACTS]),
        path_def=PathDef(field=stage.name) if stage is not None else None,
    )
