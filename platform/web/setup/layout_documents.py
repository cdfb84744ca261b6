"""The tabs of a page layout ↔ the form of its editor, one tab at a time.

Here: both directions; what the editor does not show stays as it was. Not here: the page (`layouts`).
The builder in the browser knows fields only: a component goes through it under a name of its own, `#` and a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem, Refused
from fieldstone.metadata.definitions.layouts import STANDARD_BUTTONS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.documents import parse
from fieldstone.metadata.snapshot import Relation
from fieldstone.web.current import current
from fieldstone.web.layouts import generated_layout
from fieldstone.web.setup.definitions import Document
from fieldstone.web.setup.typed import label_of, number_of, shown_label

CONDITIONS = ("visible_when", "required_when", "read_only_when")
BUTTONS = tuple(
    name for name in STANDARD_BUTTONS if name not in ("share", "print", "submit_approval", "recall_approval")
)  # approvals bring their own
ON_PAGES = ("owner", "record_type", "approval_status", "created_by", "created_at", "updated_by", "updated_at")  # system fields one may show


def generated(definition: ObjectDef) -> Document:
    """Return the layout that an object has without any, as a document to begin with."""
    layout = generated_layout(current.snapshot, definition)
    tabs = []
    for tab in layout.tabs:
        items = [{"field": item.field, **({"width": 2} if item.width == 2 else {})} for section in tab.sections for item in section.items]
        related = [{"relation": each.relation, "columns": list(each.columns)} for each in tab.related_lists]
        label = {"en": "Details", "zh-Hans": "详情", "zh-Hant": "詳情"}
        tabs.append(
            {"id": tab.id, "label": label, "sections": [{"id": "fields", "label": label, "items": items}], "related_lists": related}
        )
    buttons = {"page": [each.name for each in layout.page_buttons], "more": [each.name for each in layout.more_buttons]}
    return {"tabs": tabs, "buttons": buttons}


def tabs_of_form(typed: MultiDict[str, str]) -> list[Document]:
    """Return the tabs as the form holds them: all as they were shown last, the one on the page as it is now.

    Raises Refused for what no page of ours sends.
    """
    tabs = _read(typed.get("tabs"), "tabs")
    shown = typed.get("tab", "")
    for index, tab in enumerate(tabs):
        if tab.get("id") == shown:
            tabs[index] = _tab_of_form(tab, typed)
    return tabs


def _read(text: str | None, key: str) -> list[Document]:
    found = parse(text or "{}").get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Refused(Problem(code="malformed", params={"line": 1, "column": 1, "reason": key}, pointer="/tabs"))
    return found


def _tab_of_form(tab: Document, typed: MultiDict[str, str]) -> Document:
    components = [item for section in tab.get("sections", ()) for item in section.get("items", ()) if "component" in item]
    if typed.get("plain") == "1":
        sections = _plain(tab, typed)
    else:
        known = {str(section["id"]): section for section in tab.get("sections", ())}
        given = _read(typed.get("layout"), "sections")
        sections = [_section_of_form(section, known.get(str(section.get("id")), {}), components) for section in given]
    taken = {str(section["id"]) for section in sections if section.get("id")}
    for section in sections:
        if not section.get("id"):
            section["id"] = _free("section", taken)
    found = {**tab, "sections": sections, "related_lists": list(_related_of_form(tab, typed))}
    label = {key.removeprefix("tab_label."): text.strip() for key, text in typed.items() if key.startswith("tab_label.") and text.strip()}
    if label:
        found["label"] = label_of(label, tab.get("label"))
    return {key: value for key, value in found.items() if value not in ([], None) or key == "id"}


def _free(word: str, taken: set[str]) -> str:
    number = 1
    while f"{word}_{number}" in taken:
        number += 1
    taken.add(f"{word}_{number}")
    return f"{word}_{number}"


def _section_of_form(given: Document, before: Document, components: list[Document]) -> Document:
    section = {key: value for key, value in given.items() if key not in ("items", "label", "columns")}
    label = given.get("label")
    texts = {current.language: label} if isinstance(label, str) else {tag: text for tag, text in (label or {}).items() if text}
    section["label"] = label_of({tag: text for tag, text in texts.items() if text}, before.get("label"))
    section["columns"] = 1 if given.get("columns") == 1 else 2
    section["items"] = [item for each in given.get("items", ()) if (item := _item_of_form(each, components)) is not None]
    return {key: value for key, value in section.items() if value not in (None, "", {})}


def _item_of_form(given: Any, components: list[Document]) -> Document | None:
    item: Document = {"field": given} if isinstance(given, str) else dict(given)
    name = str(item.get("field", ""))
    if name.startswith("#"):
        place = name[1:]
        return components[int(place)] if place.isdigit() and int(place) < len(components) else None
    if "own_label" in item:
        item["label"] = item.pop("own_label")
    if "width" in item:
        item["width"] = number_of(str(item["width"]))
    return item


def _plain(tab: Document, typed: MultiDict[str, str]) -> list[Document]:
    """Read the form that stands in for the builder without JavaScript: of each field its section and its place in it."""
    sections = [{**section, "items": []} for section in tab.get("sections", ())]
    sections += [{"label": {current.language: typed["new_section"].strip()}, "items": []}] if typed.get("new_section", "").strip() else []
    known = {str(item.get("field")): item for section in tab.get("sections", ()) for item in section.get("items", ())}
    placed: list[tuple[int, float, str]] = []
    for key, chosen in typed.items():
        if key.startswith("place.") and chosen.isdigit() and int(chosen) < len(sections):
            name, place = key.removeprefix("place."), typed.get(f"order.{key.removeprefix('place.')}", "")
            placed.append((int(chosen), float(place) if place.replace(".", "", 1).isdigit() else 1e9, name))
    for section, _order, name in sorted(placed, key=lambda each: each[:2]):
        sections[section]["items"].append(known.get(name, {"field": name}))
    return sections


def _related_of_form(tab: Document, typed: MultiDict[str, str]) -> Iterator[Document]:
    """Yield the related lists that are ticked, in their order; keys the form does not show stay."""
    known = {each["relation"]: each for each in tab.get("related_lists", ())}
    numbers = [key.split(".")[1] for key in typed if key.startswith("related.") and key.endswith(".relation")]
    for number in numbers:
        relation = typed[f"related.{number}.relation"]
        if "1" not in typed.getlist(f"related.{number}.on"):
            continue
        columns = [each.strip() for each in typed.get(f"related.{number}.columns", "").replace("，", ",").split(",") if each.strip()]
        rows = typed.get(f"related.{number}.rows", "").strip()
        yield {**known.get(relation, {}), "relation": relation, "columns": columns, **({"rows": number_of(rows)} if rows else {})}


def with_new_tab(tabs: list[Document], label: Mapping[str, str]) -> tuple[list[Document], str]:
    """Return the tabs with an empty one at the end, and its id."""
    name = _free("tab", {str(tab["id"]) for tab in tabs})
    return [*tabs, {"id": name, "label": dict(label), "sections": []}], name


def for_builder(tab: Document) -> str:
    """Return a tab's sections as the builder takes them."""
    number = 0
    sections = []
    for section in tab.get("sections", ()):
        items: list[Any] = []
        for item in section.get("items", ()):
            if "component" in item:
                items.append({"field": f"#{number}"})
                number += 1
            else:
                items.append({("own_label" if key == "label" else key): value for key, value in item.items()})
        sections.append({**section, "label": shown_label(section.get("label")) or "", "items": items})
    return json.dumps({"sections": sections}, ensure_ascii=False, default=str)


def components(tab: Document) -> Iterator[tuple[str, Document]]:
    """Yield the components of a tab under the names that they go through the builder by."""
    found = (item for section in tab.get("sections", ()) for item in section.get("items", ()) if "component" in item)
    return ((f"#{number}", item) for number, item in enumerate(found))


def fields_of(tabs: Iterable[Document]) -> set[str]:
    """Return the fields that tabs hold, in lower case."""
    return {
        str(item["field"]).lower()
        for tab in tabs
        for section in tab.get("sections", ())
        for item in section.get("items", ())
        if "field" in item
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRow:
    """One relation as a row of the editor: whether this tab shows it, and how."""

    relation: Relation
    name: str
    on: bool
    columns: str
    rows: str


def related_rows(definition: ObjectDef, tab: Document) -> list[RelatedRow]:
    """Return the relations of an object: those that the tab shows in their order, then the others."""
    shown = {each["relation"].lower(): each for each in tab.get("related_lists", ())}
    rows: dict[str, RelatedRow] = {}
    for relation in current.snapshot.children(definition.name):
        full = f"{relation.child.name}.{relation.field.name}"
        given = shown.get(full.lower()) or shown.get(relation.name.lower())
        columns = given["columns"] if given else [relation.child.name_field]
        rows[full.lower()] = RelatedRow(
            relation=relation,
            name=str(given["relation"]) if given else full,
            on=given is not None,
            columns=", ".join(str(each) for each in columns),
            rows=str(given.get("rows", 5)) if given else "5",
        )
    order = [each.lower() for each in shown]
    return sorted(rows.values(), key=lambda row: order.index(row.name.lower()) if row.name.lower() in order else len(order))
