"""Every place of a document that names another definition or holds an expression, kind by kind.

Here: `places`, the one description that check, where-used, rename and removal read; `Names`, to follow paths and relations.
Not here: what is done with places (`references.py`, `check.py`), what expressions mean (`scope.py`).
Source: spec/metadata.md, sections 2, 6 and 7; spec/workflow.md, sections 4 and 12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.definitions.objects import lookup_aliases
from fieldstone.metadata.meta_schemas import pointer as json_pointer
from fieldstone.metadata.names import SYSTEM_FIELDS
from fieldstone.rules import Use

Way: TypeAlias = tuple[str | int, ...]

TEMPLATES = frozenset({"message", "text", "subject", "body"})  # keys whose texts have expressions in them
LOOKUP_TYPES = ("lookup", "master_detail", "user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place in a document that names something.

    `form`: "name" (the value is a name of `kind`, of `object` where it belongs to one), "key" (the last step of `way` is), "path" (a
    field of `object`, perhaps through lookups), "relation" (of the parent `object`), "value" (of the picklist `field`), "value_key",
    "expression" (`marked` by a leading "=" or not), "template" (a text with {{ expression }}), "submitter" ("role:x"), "example_key" (the
    last step of `way` is a path, in an example), "relation_key" (it is a relation, in one).
    `does`: what the place does with it: shows, reads, writes, filters, grants, refers. `goes`: what is taken out of the document when a
    field it names is removed; None: the removal is refused.
    """

    way: Way
    form: str
    value: str
    kind: str = "field"
    object: str | None = None
    field: str | None = None
    use: Use = Use.FORMULA
    record: str | None = None  # object that $Record means
    expected: str | None = None  # type of fields that an expression must fit
    blanks: str | None = None
    marked: bool = False
    does: str = "refers"
    goes: Way | None = None

    @property
    def pointer(self) -> str:
        """The JSON pointer."""
        return json_pointer(self.way)


class Names:
    """Objects and fields by name in a set of documents: enough to follow paths and relations."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self.fields: dict[str, dict[str, tuple[str, str | None]]] = {}  # object → spelling → (API name, target)
        self._children: dict[tuple[str, str], tuple[str, str]] = {}
        self._api_names: dict[str, str] = {}
        self.about = {path: document["object"] for path, document in documents.items() if isinstance(document.get("object"), str)}
        for document in documents.values():
            if document.get("kind") == "object" and isinstance(document.get("api_name"), str):
                self._api_names[document["api_name"].lower()] = document["api_name"]
        for document in documents.values():
            if document.get("kind") in ("object", "object_extension"):
                self._take(document)

    def _take(self, document: Document) -> None:
        of = document.get("api_name") if document["kind"] == "object" else document.get("object")
        fields = document.get("fields")
        if not isinstance(of, str) or not isinstance(fields, Mapping):
            return
        found = self.fields.setdefault(of.lower(), {name: (name, "user" if name in PEOPLE else None) for name in SYSTEM_FIELDS})
        exact: dict[str, tuple[str, str | None]] = {}
        for name, part in fields.items():
            target = _target(part)
            exact[name.lower()] = (name, target)
            if target is not None:
                for alias in lookup_aliases(name):
                    found.setdefault(alias, (name, target))
                children = part.get("children")
                if isinstance(children, str):
                    self._children[target, children.lower()] = (of, name)
        found |= exact
        named = document.get("name_field", "name")
        if document["kind"] == "object" and isinstance(named, str) and "name" not in found and named.lower() in exact:
            found["name"] = exact[named.lower()]
        for alias, system in ALIASES:
            found.setdefault(alias, found[system])

    def relation(self, parent: str, name: str) -> tuple[str, str] | None:
        """Return child object and lookup of a relation of `parent`, given as "child.lookup" or by the lookup's `children` name."""
        found = self._children.get((parent.lower(), name.lower()))
        if found is None and "." in name:
            child, _, lookup = name.partition(".")
            field = self.fields.get(child.lower(), {}).get(lookup.lower())
            if field is not None and field[1] == parent.lower():
                found = (self._api_names.get(child.lower(), child), field[0])
        return found

    def steps(self, of: str, path: str) -> list[tuple[str, str]]:
        """Return (object, field) in lower case for each step of `path`, as far as it leads; the last may not exist."""
        found: list[tuple[str, str]] = []
        where: str | None = of.lower()
        for step in path.split("."):
            if where is None:
                break
            spelling, _, kind = step.lower().partition(":")
            name, target = self.fields.get(where, {}).get(spelling, (spelling, None))
            found.append((where, name.lower()))
            where = None if kind == "queue" else target  # no record is behind a queue
        return found


PEOPLE = frozenset({"owner", "created_by", "updated_by", "deleted_by"})
ALIASES = (("ownerid", "owner"), ("createdbyid", "created_by"), ("lastmodifiedbyid", "updated_by"))


def _target(part: Any) -> str | None:
    if not isinstance(part, Mapping) or part.get("type") not in LOOKUP_TYPES:
        return None
    if part["type"] == "user":
        return "user"
    return part["to"].lower() if isinstance(part.get("to"), str) else None


# --- places, kind by kind ------------------------------------------------------------------------------------------------------


class _Reader:
    """Yields the places of one document."""

    def __init__(self, document: Document, names: Names) -> None:
        self.document = document
        self.names = names
        self.object: str = document.get("object") or (document.get("api_name", "") if document.get("kind") == "object" else "")

    def name(
        self, way: Way, value: Any, kind: str, does: str = "refers", goes: Way | None = None, of: str | None = None
    ) -> Iterator[Place]:
        if isinstance(value, str):
            yield Place(way=way, form="name", value=value, kind=kind, object=of, does=does, goes=goes)

    def names_in(self, way: Way, values: Any, kind: str, does: str = "refers", of: str | None = None) -> Iterator[Place]:
        for index, value in enumerate(values or ()):
            yield from self.name((*way, index), value, kind, does, (*way, index), of)

    def field(self, way: Way, value: Any, does: str, goes: Way | None = None, of: str | None = None) -> Iterator[Place]:
        if isinstance(value, str):
            yield Place(way=way, form="path", value=value, object=of or self.object, does=does, goes=goes)

    def fields(self, way: Way, values: Any, does: str, of: str | None = None) -> Iterator[Place]:
        for index, value in enumerate(values or ()):
            yield from self.field((*way, index), value, does, (*way, index), of)

    def sort(self, way: Way, part: Any, of: str | None = None) -> Iterator[Place]:
        for index, key in enumerate(part or ()):
            yield from self.field((*way, index, "field"), key.get("field"), "reads", (*way, index), of)

    def relation(self, way: Way, value: Any, does: str, goes: Way | None = None) -> Iterator[Place]:
        if isinstance(value, str):
            yield Place(way=way, form="relation", value=value, object=self.object, does=does, goes=goes)

    def expression(self, way: Way, value: Any, use: Use, does: str = "reads", of: str | None = None, **more: Any) -> Iterator[Place]:
        if isinstance(value, str):
            yield Place(way=way, form="expression", value=value, object=of or self.object or None, use=use, does=does, **more)

    def conditions(self, way: Way, part: Document) -> Iterator[Place]:
        for key in ("visible_when", "required_when", "read_only_when"):
            yield from self.expression((*way, key), part.get(key), Use.LAYOUT)

    def template(self, way: Way, value: Any) -> Iterator[Place]:
        labelled = value.items() if isinstance(value, Mapping) else [(None, value)]
        for tag, text in labelled:
            if isinstance(text, str) and "{{" in text:
                place = way if tag is None else (*way, tag)
                yield Place(way=place, form="template", value=text, object=self.object or None, use=Use.TEMPLATE, does="shows")

    def audience(self, way: Way, part: Any) -> Iterator[Place]:
        for key, kind in (("profiles", "profile"), ("permission_sets", "permission_set"), ("roles", "role")):
            yield from self.names_in((*way, key), (part or {}).get(key), kind)
        yield from self.names_in((*way, "record_types"), (part or {}).get("record_types"), "record_type", of=self.object)

    def set(self, way: Way, part: Any, use: Use) -> Iterator[Place]:
        for name, value in (part or {}).items():
            yield Place(way=(*way, name), form="key", value=name, object=self.object, does="writes")
            if isinstance(value, str) and value.startswith("="):
                yield from self.expression((*way, name), value, use, field=name, marked=True)
            elif isinstance(value, str):
                yield Place(way=(*way, name), form="value", value=value, object=self.object, field=name, does="writes")

    def stage_path(self, part: Any) -> Iterator[Place]:
        if isinstance(part, Mapping):
            yield from self.field(("path", "field"), part.get("field"), "shows", ("path",))
            for value, item in part.get("guidance", {}).items():
                yield Place(way=("path", "guidance", value), form="value_key", value=value, object=self.object, field=part.get("field"))
                yield from self.fields(("path", "guidance", value, "fields"), item.get("fields"), "shows")

    def people(self, way: Way, items: Any, use: Use) -> Iterator[Place]:
        for index, item in enumerate(items or ()):
            if isinstance(item, str) and item.startswith("="):
                yield from self.expression((*way, index), item, use, expected="user", marked=True)
            elif isinstance(item, Mapping):
                yield from self.name((*way, index, "role"), item.get("role"), "role")
                yield from self.name((*way, index, "queue"), item.get("queue"), "queue")
                yield from self.field((*way, index, "field"), item.get("field"), "reads")

    def steps(self, way: Way, items: Any, use: Use) -> Iterator[Place]:
        for index, step in enumerate(items or ()):
            at = (*way, index)
            yield from self.set((*at, "set"), step.get("set"), use)
            yield from self.field((*at, "at"), step.get("at"), "refers")
            yield from self.template((*at, "message"), step.get("message"))
            yield from self.template((*at, "text"), step.get("text"))
            yield from self.name((*at, "template"), step.get("template"), "email_template")
            yield from self.people((*at, "to"), step.get("to"), use)
            for number, branch in enumerate(step.get("branches") or ()):
                yield from self.expression((*at, "branches", number, "when"), branch.get("when"), use)
                yield from self.steps((*at, "branches", number, "steps"), branch.get("steps"), use)

    def examples(self, way: Way, part: Any) -> Iterator[Place]:
        for index, example in enumerate(part or ()):
            at = (*way, "examples", index)
            for key in ("record", "prior"):
                yield from self.example_row((*at, key), example.get(key), self.object)
            for name, rows in (example.get("related") or {}).items():
                related = self.names.relation(self.object, name)
                lookup = self.names.fields.get(self.object.lower(), {}).get(name.lower())
                form = "example_key" if related is None else "relation_key"
                yield Place(way=(*at, "related", name), form=form, value=name, object=self.object)
                target = related[0] if related is not None else lookup[1] if lookup is not None else None
                for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
                    where = (*at, "related", name, number) if isinstance(rows, list) else (*at, "related", name)
                    if target is not None:
                        yield from self.example_row(where, row, target)

    def example_row(self, way: Way, row: Any, of: str) -> Iterator[Place]:
        if isinstance(row, Mapping):
            yield from (Place(way=(*way, name), form="example_key", value=name, object=of) for name in row)

    # --- one method a kind

    def object_(self) -> Iterator[Place]:
        yield from self.field(("name_field",), self.document.get("name_field"), "refers")
        yield from self._fields_and_keys()

    def object_extension(self) -> Iterator[Place]:
        yield from self.name(("object",), self.document.get("object"), "object")
        yield from self._fields_and_keys()
        for name in self.document.get("values", {}):
            yield Place(way=("values", name), form="key", value=name, object=self.object)

    def _fields_and_keys(self) -> Iterator[Place]:
        for name, part in self.document.get("fields", {}).items():
            yield from self._field(("fields", name), name, part)
        for index, key in enumerate(self.document.get("keys", ())):
            yield from (
                place
                for number, field in enumerate(key.get("fields", ()))
                for place in self.field(("keys", index, "fields", number), field, "reads")
            )

    def _field(self, way: Way, name: str, part: Document) -> Iterator[Place]:
        yield from self.name((*way, "to"), part.get("to"), "object")
        yield from self.name((*way, "value_set"), part.get("value_set"), "value_set")
        yield from self.field((*way, "controlled_by"), part.get("controlled_by"), "reads")
        for value, allowed in part.get("allowed", {}).items():
            controller = part.get("controlled_by")
            yield Place(way=(*way, "allowed", value), form="value_key", value=value, object=self.object, field=controller)
            for index, item in enumerate(allowed):
                yield Place(way=(*way, "allowed", value, index), form="value", value=item, object=self.object, field=name)
        yield from self.examples(way, part.get("examples"))
        default = part.get("default")
        if isinstance(default, str) and default.startswith("="):
            yield from self.expression((*way, "default"), default, Use.DEFAULT, field=name, marked=True)
        if part.get("type") == "formula":
            returns, blanks = part.get("returns"), part.get("blanks", "zero")
            yield from self.expression((*way, "formula"), part.get("formula"), Use.FORMULA, expected=returns, blanks=blanks, field=name)
        elif part.get("type") == "roll_up":
            yield from self._roll_up(way, part)
        elif part.get("type") in LOOKUP_TYPES:
            to = _target(part)
            yield from self.expression((*way, "filter"), part.get("filter"), Use.LOOKUP_FILTER, "filters", to, record=self.object)

    def _roll_up(self, way: Way, part: Document) -> Iterator[Place]:
        yield from self.relation((*way, "relation"), part.get("relation"), "reads")
        related = self.names.relation(self.object, str(part.get("relation", "")))
        if related is not None:
            yield from self.field((*way, "field"), part.get("field"), "reads", of=related[0])
            yield from self.expression((*way, "filter"), part.get("filter"), Use.ROLLUP_FILTER, "filters", related[0])

    def record_type(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        for name, values in self.document.get("values", {}).items():
            yield Place(way=("values", name), form="key", value=name, object=self.object, goes=("values", name))
            for index, value in enumerate(values):
                yield Place(way=("values", name, index), form="value", value=value, object=self.object, field=name)
        yield from self.set(("defaults",), self.document.get("defaults"), Use.DEFAULT)

    def page_layout(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        yield from self.audience(("for",), self.document.get("for"))
        for index, tab in enumerate(self.document.get("tabs", ())):
            way: Way = ("tabs", index)
            yield from self.conditions(way, tab)
            for number, section in enumerate(tab.get("sections", ())):
                yield from self._section((*way, "sections", number), section)
            for number, related in enumerate(tab.get("related_lists", ())):
                yield from self._related_list((*way, "related_lists", number), related)
        yield from self.stage_path(self.document.get("path"))
        for key in ("page", "more"):
            for index, button in enumerate(self.document.get("buttons", {}).get(key, ())):
                if isinstance(button, Mapping):
                    yield from self.conditions(("buttons", key, index), button)

    def _section(self, way: Way, section: Document) -> Iterator[Place]:
        yield from self.conditions(way, section)
        for index, item in enumerate(section.get("items", ())):
            at = (*way, "items", index)
            yield from self.field((*at, "field"), item.get("field"), "shows", at)
            yield from self.conditions(at, item)

    def _related_list(self, way: Way, part: Document) -> Iterator[Place]:
        yield from self.relation((*way, "relation"), part.get("relation"), "shows", way)
        yield from self.conditions(way, part)
        related = self.names.relation(self.object, str(part.get("relation", "")))
        if related is not None:
            yield from self.fields((*way, "columns"), part.get("columns"), "shows", related[0])
            yield from self.sort((*way, "sort"), part.get("sort"), related[0])
            yield from self.expression((*way, "filter"), part.get("filter"), Use.LIST_FILTER, "filters", related[0])

    def highlight_panel(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        yield from self.audience(("for",), self.document.get("for"))
        yield from self.fields(("fields",), self.document.get("fields"), "shows")
        yield from self.stage_path(self.document.get("path"))

    def list_view(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        yield from self.audience(("visible_to",), self.document.get("visible_to"))
        for index, column in enumerate(self.document.get("columns", ())):
            yield from self.field(("columns", index, "field"), column.get("field"), "shows", ("columns", index))
        yield from self.expression(("filter",), self.document.get("filter"), Use.LIST_FILTER, "filters")
        yield from self.sort(("sort",), self.document.get("sort"))
        board, calendar = self.document.get("board", {}), self.document.get("calendar", {})
        yield from self.field(("board", "group_by"), board.get("group_by"), "shows", ("board",))
        yield from self.fields(("board", "totals"), board.get("totals"), "shows")
        yield from self.fields(("board", "card"), board.get("card"), "shows")
        for key in ("start", "end", "title", "color_by"):
            yield from self.field(("calendar", key), calendar.get(key), "shows", ("calendar",) if key == "start" else ("calendar", key))

    def validation_rule(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        yield from self.expression(("error_when",), self.document.get("error_when"), Use.VALIDATION_RULE)
        yield from self.field(("at",), self.document.get("at"), "refers")
        yield from self.names_in(("record_types",), self.document.get("record_types"), "record_type", of=self.object)
        yield from self.template(("message",), self.document.get("message"))

    def automation(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        trigger = self.document.get("trigger", {})
        yield from self.fields(("trigger", "watch"), trigger.get("watch"), "reads")
        yield from self.expression(("trigger", "criteria"), trigger.get("criteria"), Use.AUTOMATION)
        for index, path in enumerate(self.document.get("paths", ())):
            yield from self.steps(("paths", index, "steps"), path.get("steps"), Use.AUTOMATION)

    def approval_process(self) -> Iterator[Place]:
        yield from self.name(("object",), self.object, "object")
        entry, lock = self.document.get("entry", {}), self.document.get("lock", {})
        yield from self.expression(("entry", "criteria"), entry.get("criteria"), Use.APPROVAL)
        for index, word in enumerate(entry.get("submitters", ())):
            if ":" in word:
                kind, _, name = word.partition(":")
                yield Place(way=("entry", "submitters", index), form="submitter", value=name, kind=kind)
        for index, name in enumerate(self.document.get("evidence", ())):
            form = "relation" if self.names.relation(self.object, name) is not None else "path"
            yield Place(way=("evidence", index), form=form, value=name, object=self.object, does="shows")
        yield from self.fields(("lock", "fields"), lock.get("fields"), "refers")
        for index, name in enumerate(lock.get("children", ())):
            yield from self.relation(("lock", "children", index), name, "refers")
        for index, guarded in enumerate(self.document.get("guarded", ())):
            yield from self.field(("guarded", index, "field"), guarded.get("field"), "refers")
            for number, value in enumerate(guarded.get("values", ())):
                if isinstance(value, str):
                    way: Way = ("guarded", index, "values", number)
                    yield Place(way=way, form="value", value=value, object=self.object, field=guarded.get("field"))
        for moment, steps in self.document.get("actions", {}).items():
            yield from self.steps(("actions", moment), steps, Use.APPROVAL)
        yield from self._nodes(("nodes",), self.document.get("nodes"))

    def _nodes(self, way: Way, nodes: Any) -> Iterator[Place]:
        for index, node in enumerate(nodes or ()):
            at = (*way, index)
            yield from self.expression((*at, "when"), node.get("when"), Use.APPROVAL)
            yield from self.people((*at, "approvers"), node.get("approvers"), Use.APPROVAL)
            yield from self.people((*at, "to"), node.get("to"), Use.APPROVAL)
            yield from self.steps((*at, "steps"), node.get("steps"), Use.APPROVAL)
            for number, branch in enumerate(node.get("branches") or ()):
                yield from self.expression((*at, "branches", number, "when"), branch.get("when"), Use.APPROVAL)
                yield from self._nodes((*at, "branches", number, "nodes"), branch.get("nodes"))

    def email_template(self) -> Iterator[Place]:
        yield from self.name(("object",), self.document.get("object"), "object")
        yield from self.template(("subject",), self.document.get("subject"))
        yield from self.template(("body",), self.document.get("body"))

    def app(self) -> Iterator[Place]:
        for index, item in enumerate(self.document.get("items", ())):
            yield from self.name(("items", index, "object"), item.get("object"), "object", "shows", goes=("items", index))
            if isinstance(item.get("object"), str):
                yield from self.name(("items", index, "list_view"), item.get("list_view"), "list_view", "shows", of=item["object"])

    def permission_set(self) -> Iterator[Place]:
        for name, rights in self.document.get("objects", {}).items():
            yield Place(way=("objects", name), form="key", value=name, kind="object", does="grants", goes=("objects", name))
            for field in rights.get("fields", {}):
                way: Way = ("objects", name, "fields", field)
                yield Place(way=way, form="key", value=field, object=name, does="grants", goes=way)
        yield from self.names_in(("apps",), self.document.get("apps"), "app", "grants")
        yield from self.names_in(("permissions",), self.document.get("permissions"), "custom_permission", "grants")

    def profile(self) -> Iterator[Place]:
        yield from self.permission_set()
        yield from self.name(("default_app",), self.document.get("default_app"), "app")

    def role(self) -> Iterator[Place]:
        yield from self.name(("parent",), self.document.get("parent"), "role")

    def queue(self) -> Iterator[Place]:
        yield from self.names_in(("objects",), self.document.get("objects"), "object")

    def custom_setting(self) -> Iterator[Place]:
        for name, part in self.document.get("fields", {}).items():
            yield from self.name(("fields", name, "value_set"), part.get("value_set"), "value_set")
        for name in self.document.get("profiles", {}):
            yield Place(way=("profiles", name), form="key", value=name, kind="profile")

    def custom_metadata(self) -> Iterator[Place]:
        for name, part in self.document.get("fields", {}).items():
            yield from self.name(("fields", name, "value_set"), part.get("value_set"), "value_set")

    def translation(self) -> Iterator[Place]:
        for path, by_pointer in self.document.get("texts", {}).items():
            for pointer, text in by_pointer.items():
                if path in self.names.about and "{{" in text and pointer.rpartition("/")[2] in TEMPLATES:
                    of = self.names.about[path]
                    yield Place(way=("texts", path, pointer), form="template", value=text, object=of, use=Use.TEMPLATE, does="shows")

    def nothing(self) -> Iterator[Place]:
        return iter(())


def places(document: Document, names: Names) -> Iterator[Place]:
    """Yield every place of a document (whose meta-schema has accepted it) that names another definition or holds an expression."""
    kind = str(document.get("kind"))
    reader = _Reader(document, names)
    read: Callable[[], Iterator[Place]] = getattr(reader, "object_" if kind == "object" else kind, reader.nothing)
    yield from read()
    yield from reader.examples((), document.get("examples"))
