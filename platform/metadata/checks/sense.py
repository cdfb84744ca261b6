"""Fourth stage, all kinds but fields: does what is named fit where it stands?

Here: a function per kind. Not here: fields (`fields_sense.py`), whether names exist (`resolving.py`).
Source: spec/metadata.md, sections 2, 6 and 7; spec/workflow.md, sections 4, 12 and 21.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fieldstone.metadata.checks.fields_sense import NUMBERS, check_fields
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.layouts import STANDARD_BUTTONS
from fieldstone.metadata.definitions.loading import Document
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue, result
from fieldstone.metadata.names import nearest
from fieldstone.metadata.places import Way
from fieldstone.metadata.scope import steps_of

SETTING_TYPES = {
    *("text", "text_area", "long_text", "email", "phone", "url", "checkbox", "number", "currency", "percent", "date", "datetime"),
    *("picklist", "multi_picklist"),
}
FOR_OWN_PROCESS = ("submitter", "owner", "approvers")


def check_sense(proposed: Proposed) -> None:
    """Note everything that is there but does not fit."""
    check_fields(proposed)
    for path, document in proposed.sound.items():
        one = CHECKS.get(document["kind"])
        if one is not None:
            one(proposed, path, document)
    _defaults_of_types(proposed)


def _own(proposed: Proposed, document: Document) -> ObjectDef | None:
    return proposed.object(document.get("object"))


def _at(definition: ObjectDef | None, proposed: Proposed, path: Any) -> FieldDef | None:
    """Return the field at the end of a path, None where it leads nowhere: that has been reported."""
    if definition is None or not isinstance(path, str):
        return None
    found = steps_of(proposed.definitions, definition.name, path)
    return None if found is None else found[-1]


def _extension(proposed: Proposed, path: str, document: Document) -> None:
    definition = _own(proposed, document)
    for name in document.get("values", {}):
        field = definition.fields.get(name) if definition is not None else None
        if field is not None and (field.type not in ("picklist", "multi_picklist") or field.value_set is not None):
            proposed.refuse(path, ("values", name), "no_own_values", field=name)


def _record_type(proposed: Proposed, path: str, document: Document) -> None:
    definition = _own(proposed, document)
    for name in document.get("values", {}):
        field = definition.field(name) if definition is not None else None
        if field is not None and field.type not in ("picklist", "multi_picklist"):
            proposed.refuse(path, ("values", name), "not_a_picklist", field=name)
    _set(proposed, path, ("defaults",), document.get("defaults", {}), definition)


def _defaults_of_types(proposed: Proposed) -> None:
    first: dict[str, str] = {}
    for path, document in proposed.sound.items():
        if document["kind"] == "record_type" and document.get("default"):
            other = first.setdefault(document["object"].lower(), document["api_name"])
            if other != document["api_name"]:
                proposed.refuse(path, ("default",), "two_defaults", first=other, second=document["api_name"])


def _set(proposed: Proposed, path: str, way: Way, part: Mapping[str, Any], definition: ObjectDef | None, owner: bool = True) -> None:
    """Fields that are set must be writable, constants must fit them."""
    for name, value in part.items():
        field = definition.field(name) if definition is not None else None
        if field is None:
            continue
        if field.read_only and not (owner and field.name == "owner"):
            proposed.refuse(path, (*way, name), "read_only_field", field=field.name)
        elif not (isinstance(value, str) and value.startswith("=")):
            _constant(proposed, path, (*way, name), field, value)


def _constant(proposed: Proposed, path: str, way: Way, field: FieldDef, value: Any) -> None:
    if field.type in LOOKUPS and value is not None:
        proposed.refuse(path, way, "no_ids_in_documents", field=field.name)
        return
    try:
        FIELD_TYPES[field.type].from_json(field, value)
    except BadValue as bad:
        if bad.code != "unknown_choice":  # `resolving` has said so
            proposed.refuse_value(path, way, bad)


def _page_layout(proposed: Proposed, path: str, document: Document) -> None:
    definition = _own(proposed, document)
    _stage_path(proposed, path, document, definition)
    for key in ("page", "more"):
        for index, button in enumerate(document.get("buttons", {}).get(key, ())):
            name = button if isinstance(button, str) else button["button"]
            if name not in STANDARD_BUTTONS:
                meant = nearest(name, STANDARD_BUTTONS)
                proposed.refuse(path, ("buttons", key, index), "unknown_button", suggestion=meant, warning=True, name=name)
    for index, tab in enumerate(document["tabs"]):
        for number, related in enumerate(tab.get("related_lists", ())):
            way: Way = ("tabs", index, "related_lists", number)
            known = proposed.names.relation(document["object"], related["relation"])
            if known is not None:
                _sortable(proposed, path, (*way, "sort"), related.get("sort", ()), proposed.object(known[0]))
    _required_fields(proposed, path, document, definition)


def _required_fields(proposed: Proposed, path: str, document: Document, definition: ObjectDef | None) -> None:
    """A record that cannot be created by its own form is a warning."""
    if definition is None:
        return
    shown = {
        item["field"].lower()
        for tab in document["tabs"]
        for section in tab.get("sections", ())
        for item in section.get("items", ())
        if "field" in item
    }
    if "name" in shown:
        shown.add(definition.name_field.lower())
    for field in definition.fields.values():
        without = field.required and field.default is None and field.default_formula is None
        if without and field.name.lower() not in shown:
            proposed.refuse(path, "/tabs", "required_not_shown", warning=True, object=definition.name, field=field.name)


def _stage_path(proposed: Proposed, path: str, document: Document, definition: ObjectDef | None) -> None:
    part = document.get("path")
    field = _at(definition, proposed, part["field"]) if part is not None else None
    if field is not None and field.type != "picklist":
        proposed.refuse(path, ("path", "field"), "not_a_picklist", field=field.name)


def _highlight_panel(proposed: Proposed, path: str, document: Document) -> None:
    _stage_path(proposed, path, document, _own(proposed, document))


def _list_view(proposed: Proposed, path: str, document: Document) -> None:
    definition = _own(proposed, document)
    for index, column in enumerate(document["columns"]):
        field = _at(definition, proposed, column["field"])
        if "total" in column and field is not None:
            _summable(proposed, path, ("columns", index, "total"), field)
    _sortable(proposed, path, ("sort",), document.get("sort", ()), definition)
    board, calendar = document.get("board"), document.get("calendar")
    if board is not None:
        field = _at(definition, proposed, board["group_by"])
        if field is not None and field.type not in ("picklist", "owner", *LOOKUPS):
            proposed.refuse(path, ("board", "group_by"), "not_for_boards", field=field.name, type=field.type)
        for index, name in enumerate(board.get("totals", ())):
            field = _at(definition, proposed, name)
            if field is not None:
                _summable(proposed, path, ("board", "totals", index), field)
    if calendar is not None:
        for key in ("start", "end"):
            field = _at(definition, proposed, calendar.get(key))
            if field is not None and field.result_type not in ("date", "datetime"):
                proposed.refuse(path, ("calendar", key), "not_a_date_field", field=field.name)
            elif field is not None:
                _within_query(proposed, path, ("calendar", key), field)
    if document.get("start_in", "list") != "list" and document["start_in"] not in document:
        proposed.refuse(path, ("start_in",), "option_without", key="start_in", other=document["start_in"])


def _sortable(proposed: Proposed, path: str, way: Way, keys: Any, definition: ObjectDef | None) -> None:
    for index, key in enumerate(keys):
        field = _at(definition, proposed, key["field"])
        if field is not None and not result(field).sortable:
            proposed.refuse(path, (*way, index, "field"), "not_sortable", field=field.name, type=field.type)
        elif field is not None:
            _within_query(proposed, path, (*way, index, "field"), field)


def _summable(proposed: Proposed, path: str, way: Way, field: FieldDef) -> None:
    if field.result_type not in NUMBERS:
        proposed.refuse(path, way, "not_a_number_field", field=field.name)
    else:
        _within_query(proposed, path, way, field)


def _within_query(proposed: Proposed, path: str, way: Way, field: FieldDef) -> None:
    """A formula that only Python can do is computed behind the query: nothing there sorts or sums by it."""
    formula = proposed.scopes.formula(field) if field.type == "formula" and not field.stored else None
    if formula is not None and formula.sql_reason is not None:
        proposed.refuse(path, way, "formula_behind_query", field=field.name, function=formula.sql_reason)


def _rights(proposed: Proposed, path: str, document: Document) -> None:
    for name, rights in document.get("objects", {}).items():
        definition = proposed.object(name)
        for field_name, right in rights.get("fields", {}).items():
            field = definition.field(field_name) if definition is not None else None
            if field is None:
                continue
            way: Way = ("objects", name, "fields", field_name)
            if field.system:
                proposed.refuse(path, way, "system_field_right", field=field_name)
            elif right == "edit" and field.read_only:
                proposed.refuse(path, way, "read_only_field", suggestion="read", field=field_name)


def _queue(proposed: Proposed, path: str, document: Document) -> None:
    for index, name in enumerate(document["objects"]):
        definition = proposed.object(name)
        if definition is not None and definition.owned_by != "user_or_queue":
            proposed.refuse(path, ("objects", index), "not_owned_by_queues", object=name)


def _custom_setting(proposed: Proposed, path: str, document: Document) -> None:
    levels = [((level, key), part) for level in ("profiles", "users") for key, part in document.get(level, {}).items()]
    _values_of_fields(proposed, path, document, [(("values",), document.get("values", {})), *levels])
    known: set[str] = set()
    for username in document.get("users", {}):
        if username.lower() in known:
            proposed.refuse(path, ("users", username), "name_taken", name=username)
        known.add(username.lower())


def _custom_metadata(proposed: Proposed, path: str, document: Document) -> None:
    _values_of_fields(proposed, path, document, [(("records", key), part) for key, part in document.get("records", {}).items()])


def _values_of_fields(proposed: Proposed, path: str, document: Document, levels: Iterable[tuple[Way, Mapping[str, Any]]]) -> None:
    """Check the fields that a document has of its own, and the constants that it gives them."""
    setting = proposed.definitions.find(document["kind"], document["api_name"])
    fields: Mapping[str, FieldDef] = getattr(setting, "fields", {})
    for name, part in document["fields"].items():
        if part["type"] not in SETTING_TYPES:
            proposed.refuse(path, ("fields", name, "type"), "not_in_settings", type=part["type"])
    for way, values in levels:
        for name, value in values.items():
            field = fields.get(name)
            if field is None:
                proposed.refuse(path, (*way, name), "unknown_key", suggestion=nearest(name, fields), key=name)
            elif field.type in SETTING_TYPES:
                _constant(proposed, path, (*way, name), field, value)


def _automation(proposed: Proposed, path: str, document: Document) -> None:
    trigger = document["trigger"]
    when = trigger.get("when", "always")
    if when == "changed" and not trigger.get("watch"):
        proposed.refuse(path, ("trigger",), "missing_key", key="watch")
    if when == "changed_to_meet" and "criteria" not in trigger:
        proposed.refuse(path, ("trigger",), "missing_key", key="criteria")
    _steps(proposed, path, ("paths", 0, "steps"), document["paths"][0]["steps"], _own(proposed, document))


def _steps(proposed: Proposed, path: str, way: Way, steps: Any, definition: ObjectDef | None) -> None:
    for index, step in enumerate(steps):
        at = (*way, index)
        _set(proposed, path, (*at, "set"), step.get("set", {}), definition, owner=step["type"] == "assign")
        _recipients(proposed, path, (*at, "to"), step.get("to", ()))
        if step["type"] == "branch":
            _branches(proposed, path, (*at, "branches"), step["branches"])
            for number, branch in enumerate(step["branches"]):
                _steps(proposed, path, (*at, "branches", number, "steps"), branch["steps"], definition)


def _recipients(proposed: Proposed, path: str, way: Way, items: Any) -> None:
    for index, item in enumerate(items):
        if isinstance(item, str) and not item.startswith("=") and item not in FOR_OWN_PROCESS:
            meant = nearest(item, FOR_OWN_PROCESS)
            proposed.refuse(path, (*way, index), "unknown_value", suggestion=meant, value=item, allowed=", ".join(FOR_OWN_PROCESS))


def _branches(proposed: Proposed, path: str, way: Way, branches: Any) -> None:
    """Every branch has a condition but the last, which is the else."""
    for index, branch in enumerate(branches):
        last = index == len(branches) - 1
        if last and "else" not in branch:
            proposed.refuse(path, way, "missing_else")
        elif not last and "else" in branch:
            proposed.refuse(path, (*way, index), "else_not_last")
        if ("when" in branch) == ("else" in branch):
            proposed.refuse(path, (*way, index), "when_or_else")


def _approval_process(proposed: Proposed, path: str, document: Document) -> None:
    definition = _own(proposed, document)
    if definition is not None and "approvals" not in definition.features:
        proposed.refuse(path, "/object", "feature_off", feature="approvals", object=definition.name)
    if document.get("distinct") and document.get("dedupe", "none") != "none":
        proposed.refuse(path, "/distinct", "distinct_or_dedupe")
    lock = document.get("lock", {})
    if (lock.get("mode") == "fields") != bool(lock.get("fields")):
        proposed.refuse(path, "/lock", "option_without", key="fields", other="mode")
    for index, guarded in enumerate(document.get("guarded", ())):
        field = definition.field(guarded["field"]) if definition is not None else None
        if field is not None and field.read_only:
            proposed.refuse(path, ("guarded", index, "field"), "read_only_field", field=field.name)
    for moment, steps in document.get("actions", {}).items():
        _steps(proposed, path, ("actions", moment), steps, definition)
    _nodes(proposed, path, ("nodes",), document["nodes"], definition)
    if not any(node["type"] == "approve" for node in _all_nodes(document["nodes"])):
        proposed.refuse(path, "/nodes", "no_approver")


def _all_nodes(nodes: Any) -> Iterator[Document]:
    for node in nodes:
        yield node
        for branch in node.get("branches", ()):
            yield from _all_nodes(branch["nodes"])


def _nodes(proposed: Proposed, path: str, way: Way, nodes: Any, definition: ObjectDef | None) -> None:
    for index, node in enumerate(nodes):
        at = (*way, index)
        for key in ("approvers", "to"):
            for number, source in enumerate(node.get(key, ())):
                _source(proposed, path, (*at, key, number), source, definition)
        _steps(proposed, path, (*at, "steps"), node.get("steps", ()), definition)
        if node["type"] == "branch":
            _branches(proposed, path, (*at, "branches"), node["branches"])
            for number, branch in enumerate(node["branches"]):
                _nodes(proposed, path, (*at, "branches", number, "nodes"), branch["nodes"], definition)


def _source(proposed: Proposed, path: str, way: Way, source: Document, definition: ObjectDef | None) -> None:
    kinds = [key for key in ("user", "role", "queue", "manager_of", "field") if key in source]
    if len(kinds) != 1:
        proposed.refuse(path, way, "one_source", count=len(kinds))
    if "level" in source and "manager_of" not in source:
        proposed.refuse(path, (*way, "level"), "option_without", key="level", other="manager_of")
    field = _at(definition, proposed, source.get("field"))
    if field is not None and field.to != "user" and field.type != "owner":
        proposed.refuse(path, (*way, "field"), "not_a_person", field=field.name)


def _app(proposed: Proposed, path: str, document: Document) -> None:
    for index, item in enumerate(document["items"]):
        if ("object" in item) == ("page" in item):
            proposed.refuse(path, ("items", index), "object_or_page")


CHECKS = {
    "object_extension": _extension,
    "record_type": _record_type,
    "page_layout": _page_layout,
    "highlight_panel": _highlight_panel,
    "list_view": _list_view,
    "permission_set": _rights,
    "profile": _rights,
    "queue": _queue,
    "custom_setting": _custom_setting,
    "custom_metadata": _custom_metadata,
    "automation": _automation,
    "approval_process": _approval_process,
    "app": _app,
}
