"""What stands on the page of a record: title, key facts, path, tabs with sections and related lists, buttons, history.

Here: from layout, rights and record to what the template shows. Not here: markup (`templates/record/`), the views (`records.py`).
Source: spec/metadata.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from fieldstone.metadata.definitions.definition import PathDef
from fieldstone.metadata.definitions.layouts import Conditions, HighlightPanelDef, PageLayoutDef, RelatedListDef, SectionDef, TabDef
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.records import history
from fieldstone.records.draft import holding
from fieldstone.records.gate.access import EDIT, FULL
from fieldstone.records.query import Page, Query, Reference, Sort
from fieldstone.web import layouts, list_views
from fieldstone.web.approvals import panel_of
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, text_of
from fieldstone.web.list_views import ListColumn
from fieldstone.web.shell import plural
from fieldstone.web.shown import with_failures, with_names
from fieldstone.workflow.approvals import locks
from fieldstone.workflow.approvals.panel import Panel

HISTORY = "history"  # the tab that the platform adds
ENTRIES = 100  # of the history
ENDS = frozenset({"red"})  # a value of this hue ends the path without success


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One field of a section: its label, its value, and where to edit it."""

    field: FieldDef
    label: str
    value: Any
    help: str
    wide: bool
    edit: str | None
    why: str | None = None  # why it cannot be edited now


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section as it is shown now."""

    label: str
    collapsed: bool
    two: bool
    items: tuple[Pair | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedList:
    """Records of a child object that point to this one."""

    label: str
    child: ObjectDef
    columns: tuple[ListColumn, ...]
    page: Page
    all_url: str
    new_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the history: fields that changed together."""

    by: str
    at: datetime
    fields: tuple[tuple[FieldDef, Any, Any], ...]


@dataclass(slots=True, kw_only=True)
class RecordPage:
    """Everything on the page of one record."""

    definition: ObjectDef
    record: Mapping[str, Any]
    layout: PageLayoutDef
    tab: str
    tabs: list[dict[str, Any]]
    facts: list[tuple[str, FieldDef, Any]]
    path: list[dict[str, Any]]
    path_field: FieldDef | None
    guidance: tuple[str, list[Pair]] | None
    buttons: list[str]
    more: list[str]
    editable: bool
    held: frozenset[str]  # fields locked by an approval
    panel: Panel | None
    sections: list[Section] = field(default_factory=list)
    related: list[RelatedList] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"/o/{self.definition.name}/{self.record['id']}"

    @property
    def title(self) -> str:
        """The record's name."""
        return str(self.record.get(self.definition.name_field) or _("Unnamed"))

    @property
    def my_task(self) -> str | None:
        """The decision on this record that waits for the reader."""
        views = self.panel.instances if self.panel is not None else ()
        return next((view.my_task for view in views if view.my_task is not None), None)

    @property
    def parent(self) -> tuple[FieldDef, Reference] | None:
        """The first lookup with a value, for the line under the title."""
        for found in self.definition.fields.values():
            value = self.record.get(found.name)
            if found.type in ("master_detail", "lookup") and isinstance(value, Reference) and not value.hidden:
                return found, value
        return None


class _Shown:
    """Tells whether a part of a layout is shown for this record, as its form would; a condition that fails leaves it shown."""

    def __init__(self, definition: ObjectDef, record_id: str, conditions: Iterable[Conditions]) -> None:
        self._holds = holding(current.gate, definition.name, record_id, conditions)

    def __call__(self, part: Conditions) -> bool:
        return part.visible_when is None or self._holds[part.visible_when]


def read(object_name: str, record_id: str, asked: str | None) -> RecordPage:
    """Return the page of a record with the tab `asked` open, the first one if there is none such. Raises NotVisible."""
    definition = current.object(object_name)
    record = current.gate.get(definition.name, record_id)
    kind = record.get("record_type")
    layout = layouts.layout_for(current.snapshot, definition, current.principal, kind)
    panel = layouts.panel_for(current.snapshot, definition, current.principal, kind)
    shows = _Shown(definition, record["id"], _conditions(layout))
    access = current.gate.access(definition.name, record_id)
    approval = panel_of(definition, record)
    held = _held(definition, record_id, approval)
    editable = access >= EDIT and current.rights.can(definition.name, "edit") and not held >= definition.fields.keys()
    tabs = [tab for tab in layout.tabs if shows(tab) and _has_content(tab, definition)]
    names = [*(tab.id for tab in tabs), *([HISTORY] if _keeps_history(definition) else [])]
    chosen = asked if asked in names else (names[0] if names else "")
    path_def = layout.path_def or panel.path_def
    may = {
        "edit": editable,
        "change_record_type": editable and _has_other_type(definition, kind),
        **_may(definition, access, held=bool(held)),
    }
    (with_failed,) = with_failures(definition, [record])
    found = RecordPage(
        definition=definition,
        record=with_failed,
        layout=layout,
        tab=chosen,
        tabs=[_tab(definition, record_id, tab.id, text_of(tab.label) or _("Details"), chosen) for tab in tabs],
        facts=_facts(definition, with_failed, panel),
        path=_path(definition, record, path_def),
        path_field=_path_field(definition, path_def),
        guidance=None,
        buttons=[each.name for each in layout.page_buttons if may.get(each.name) and shows(each)],
        more=[each.name for each in layout.more_buttons if may.get(each.name) and shows(each)],
        editable=editable,
        held=held,
        panel=approval,
    )
    if HISTORY in names:
        found.tabs.append(_tab(definition, record_id, HISTORY, _("History"), chosen))
    found.guidance = _guidance(found, path_def)
    open_tab = next((tab for tab in tabs if tab.id == chosen), None)
    if open_tab is not None:
        sections = (_section(found, section, shows) for section in open_tab.sections if shows(section))
        found.sections = [each for each in sections if each is not None]
        lists = (_related(found, item) for item in open_tab.related_lists if shows(item))
        found.related = [each for each in lists if each is not None]
    elif chosen == HISTORY:
        found.changes = _changes(definition, record_id)
    return found


def _conditions(layout: PageLayoutDef) -> Iterable[Conditions]:
    for tab in layout.tabs:
        yield tab
        yield from tab.related_lists
        for section in tab.sections:
            yield section
            yield from section.items
    yield from layout.page_buttons
    yield from layout.more_buttons


def _has_content(tab: TabDef, definition: ObjectDef) -> bool:
    """Tell whether there is anything on a tab that this reader may see."""
    if any(section.items for section in tab.sections):
        return True
    return any(
        (found := current.snapshot.relation(definition.name, each.relation)) and _readable(found.child, found.field)
        for each in tab.related_lists
    )


def _readable(child: ObjectDef, link: FieldDef) -> bool:
    return child.name in current.rights.visible_objects and link.name in current.rights.readable(child.name)


def _tab(definition: ObjectDef, record_id: str, name: str, shown: str, chosen: str) -> dict[str, Any]:
    return {"label": shown, "url": f"/o/{definition.name}/{record_id}?tab={name}", "current": name == chosen}


def _keeps_history(definition: ObjectDef) -> bool:
    return bool(history.tracked(definition))


def _facts(definition: ObjectDef, record: Mapping[str, Any], panel: HighlightPanelDef) -> list[tuple[str, FieldDef, Any]]:
    """Return the key facts that the reader may see."""
    found = [definition.field(name) for name in panel.fields]
    return [(label(each), each, record.get(each.name)) for each in found if each is not None and each.name in record]


def _path_field(definition: ObjectDef, path: PathDef | None) -> FieldDef | None:
    found = definition.field(path.field) if path is not None else None
    return found if found is not None and found.name in current.rights.readable(definition.name) else None


def _path(definition: ObjectDef, record: Mapping[str, Any], path: PathDef | None) -> list[dict[str, Any]]:
    """Return the stages of the path: those before the present one are done, unless that is an end beside the way."""
    found = _path_field(definition, path)
    if found is None:
        return []
    now = record.get(found.name)
    values = [value for value in found.values if value.active or value.name == now]
    at = next((place for place, value in enumerate(values) if value.name == now), -1)
    lost = at >= 0 and values[at].color in ENDS
    steps = []
    for place, value in enumerate(values):
        state = ("lost" if lost else "now") if place == at else "done" if place < at and not lost else ""
        steps.append({"label": label(value), "value": value.name, "state": state})
    return steps


def _guidance(found: RecordPage, path: PathDef | None) -> tuple[str, list[Pair]] | None:
    """Return what to do at the present stage: a text and the fields to look at."""
    if path is None or found.path_field is None:
        return None
    given = path.guidance.get(str(found.record.get(found.path_field.name)))
    if given is None:
        return None
    fields = [each for name in given.fields if (each := found.definition.field(name)) is not None and each.name in found.record]
    return text_of(given.text), [_pair(found, each, label(each), wide=False) for each in fields]


def _held(definition: ObjectDef, record_id: str, panel: Panel | None) -> frozenset[str]:
    """Return the fields that an approval keeps this person from changing."""
    if panel is None or not panel.locked or current.rights.setup("edit_locked"):
        return frozenset()
    return locks.held_fields(current.transaction, definition, record_id)


def _may(definition: ObjectDef, access: int, *, held: bool) -> dict[str, bool]:
    """Return which buttons, editing apart, this person may press on this record."""
    can = current.rights.can
    return {
        "clone": can(definition.name, "create"),
        "delete": access >= FULL and can(definition.name, "delete") and not held,
        "transfer": definition.owned_by != "none"
        and can(definition.name, "edit")
        and (access >= FULL or current.rights.setup("transfer_any"))
        and not held,
    }


def _has_other_type(definition: ObjectDef, kind: str | None) -> bool:
    """Tell whether the record could be of another record type."""
    types = (each for each in current.snapshot.all("record_type", definition.name) if isinstance(each, RecordTypeDef))
    return any(each.active and each.name != kind for each in types)


def _section(found: RecordPage, section: SectionDef, shows: _Shown) -> Section | None:
    """Return a section with the items shown now; None if nothing is left of it."""
    items: list[Pair | str] = []
    for item in section.items:
        if not shows(item):
            continue
        if item.component == "text":
            items.append(text_of(item.text))
        elif item.field is not None:
            each = found.definition.field(item.field)
            if each is not None and each.name in found.record:
                items.append(_pair(found, each, text_of(item.label) or label(each), wide=item.width > 1))
    if not items:
        return None
    return Section(label=text_of(section.label), collapsed=section.collapsed, two=section.columns > 1, items=tuple(items))


def _pair(found: RecordPage, each: FieldDef, shown: str, *, wide: bool) -> Pair:
    free = each.name not in found.held
    writable = free and found.editable and each.name in current.rights.editable(found.definition.name) and not each.read_only
    return Pair(
        field=each,
        label=shown,
        value=found.record.get(each.name),
        help=text_of(each.help),
        wide=wide or each.result_type in ("long_text", "rich_text", "text_area"),
        edit=f"{found.url}/edit#f-{each.name}" if writable else None,
        why=_("Locked for approval") if not free and found.editable else None,
    )


def _related(found: RecordPage, item: RelatedListDef) -> RelatedList | None:
    """Return a related list with its first records, None if the reader may not see the child object or what the list filters by."""
    relation = current.snapshot.relation(found.definition.name, item.relation)
    if relation is None or not _readable(relation.child, relation.field):
        return None
    child = relation.child
    if item.filter and not list_views.runs(child, item.filter):
        return None
    columns = tuple(each for path in item.columns if (each := list_views.column(child, path)) is not None)
    name = list_views.column(child, child.name_field)
    if name is not None and all(each.path != name.path for each in columns):
        columns = (name, *columns)
    link: dict[str, Any] = {"field": relation.field.name, "op": "eq", "value": found.record["id"]}
    sort = tuple(
        Sort(field=each.field, descending=each.descending) for each in item.sort if list_views.resolve(child, each.field) is not None
    )
    query = Query(
        object=child.name,
        select=tuple(each.path for each in columns),
        filter={"and": [link, {"expression": item.filter}]} if item.filter else link,
        sort=sort,
        limit=min(item.rows, 50),
        count="capped",
    )
    read = current.gate.read(query)
    may_add = "create" in item.can and current.rights.can(child.name, "create")
    return RelatedList(
        label=text_of(item.label) or plural(child),
        child=child,
        columns=columns,
        page=replace(read, records=with_failures(child, read.records)),
        all_url=f"/o/{child.name}?f.1={relation.field.name}&o.1=eq&v.1={found.record['id']}",
        new_url=f"/o/{child.name}/new?set.{relation.field.name}={found.record['id']}" if may_add else None,
    )


def _changes(definition: ObjectDef, record_id: str) -> list[Change]:
    """Return the history of a record, fields that changed in one save together, the newest first."""
    found: list[Change] = []
    entries = current.gate.history(definition.name, record_id, limit=ENTRIES)
    names = _names_in(definition, entries)
    for entry in entries:
        each = definition.field(entry.field)
        if each is None:
            continue
        line = (each, _past(each, entry.old, names), _past(each, entry.new, names))
        if found and found[-1].at == entry.at and found[-1].by == entry.by_name:
            found[-1] = Change(by=entry.by_name, at=entry.at, fields=(*found[-1].fields, line))
        else:
            found.append(Change(by=entry.by_name, at=entry.at, fields=(line,)))
    return found


def _names_in(definition: ObjectDef, entries: Iterable[history.HistoryEntry]) -> dict[str, Reference]:
    """Return the records that lookups led to, by id, as far as the reader may see them: one statement an object."""
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        each = definition.field(entry.field)
        if each is not None and (each.type in LOOKUPS or each.name == "owner"):
            wanted.setdefault(each.to or "user", set()).update(value for value in (entry.old, entry.new) if isinstance(value, str))
    found: dict[str, Reference] = {}
    for target, ids in wanted.items():
        if target in current.rights.visible_objects:
            found |= current.gate.names(target, sorted(ids))
    return with_names([found])[0]


def _past(each: FieldDef, value: Any, names: Mapping[str, Reference]) -> Any:
    """Return a value of the history as its field's type shows it; one that the field could not hold today is shown as it stood."""
    if value is None or each.type in LOOKUPS or each.name == "owner":
        return names.get(value, Reference(None, hidden=True)) if value is not None else None
    if each.result_type in ("picklist", "multi_picklist"):
        return tuple(value) if isinstance(value, list) else value
    try:
        return FIELD_TYPES[each.result_type].from_json(each, value)
    except BadValue:
        return value
