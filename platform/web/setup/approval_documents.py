"""The document of an approval process while it is edited: finding a node, putting one in, moving it, reading the panel of one.

Here: the document as the designer's form carries it. Not here: the page (`approval_processes`), what is right (`metadata.check`).
A place is "start", "actions.<moment>" or the path of a node: "2" is the third node, "1.0.2" the third of the first way of the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from werkzeug.datastructures import MultiDict

from fieldstone.metadata.definitions.approval_processes import MOMENTS
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.setup.definitions import Document
from fieldstone.web.setup.typed import TypedForm, json_of, label_of, number_of, put

NODE_TYPES = ("approve", "branch", "action", "cc")
STEP_TYPES = ("update", "notify", "email")
WORDS = ("submitter", "owner", "approvers")  # recipients that are no source
PATH = re.compile(r"\d+(?:\.\d+\.\d+)*")
NEVER_EVIDENCE = ("rich_text",)
FIRST_EVIDENCE = 6


def beginning(definition: ObjectDef) -> Document:
    """Return what a new process begins as: the manager of whoever submits decides, on the first fields of the record."""
    shown = [each.name for each in definition.fields.values() if each.type not in NEVER_EVIDENCE]
    return {
        "kind": "approval_process",
        "object": definition.name,
        "evidence": shown[:FIRST_EVIDENCE],
        "entry": {"submitters": ["owner"]},
        "nodes": [
            {
                "id": "manager",
                "type": "approve",
                "label": {"en": "Manager", "zh-Hans": "经理", "zh-Hant": "主管"},
                "approvers": [{"manager_of": "submitter"}],
                "on_empty": "admins",
                "reject": "end",
            }
        ],
    }


# --- places -------------------------------------------------------------------------------------------------------------------


def siblings(document: Document, path: str) -> tuple[list[Document], int] | None:
    """Return the list that a node path leads into, with the index there; None for a path that leads nowhere."""
    if PATH.fullmatch(path) is None:
        return None
    steps = [int(each) for each in path.split(".")]
    nodes: Any = document.get("nodes")
    while len(steps) > 1:
        try:
            nodes = nodes[steps[0]]["branches"][steps[1]]["nodes"]
        except (IndexError, KeyError, TypeError):
            return None
        steps = steps[2:]
    return (nodes, steps[0]) if isinstance(nodes, list) else None


def node_at(document: Document, path: str) -> Document | None:
    """Return the node at a path."""
    found = siblings(document, path)
    return found[0][found[1]] if found is not None and found[1] < len(found[0]) else None


def steps_at(document: Document, place: str) -> list[Document] | None:
    """Return the list of steps of a place: of a moment, or of an action node."""
    kind, _, moment = place.partition(".")
    if kind == "actions" and moment in MOMENTS:
        steps = document.setdefault("actions", {}).setdefault(moment, [])
        return steps if isinstance(steps, list) else None
    node = node_at(document, place)
    return node.setdefault("steps", []) if node is not None and node.get("type") == "action" else None


def place_of(pointer: str) -> str:
    """Return the place whose panel shows what a JSON pointer into the document leads to."""
    parts = pointer.strip("/").split("/")
    if parts[0] == "actions" and len(parts) > 1:
        return f"actions.{parts[1]}"
    if parts[0] != "nodes" or len(parts) < 2:
        return "start"
    path = [parts[1]]
    rest = parts[2:]
    while len(rest) >= 4 and rest[0] == "branches" and rest[2] == "nodes":
        path += [rest[1], rest[3]]
        rest = rest[4:]
    return ".".join(path)


def pointer_of(place: str) -> str:
    """Return the JSON pointer of a place; the whole document for the start."""
    if place.startswith("actions."):
        return f"/actions/{place.partition('.')[2]}"
    if PATH.fullmatch(place) is None:
        return ""
    first, *rest = place.split(".")
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return f"/nodes/{first}" + "".join(f"/branches/{way}/nodes/{node}" for way, node in pairs)


def every_node(nodes: Iterable[Document]) -> Iterator[Document]:
    """Yield every node, those in ways too."""
    for node in nodes:
        yield node
        for way in node.get("branches", ()):
            yield from every_node(way.get("nodes", ()))


# --- the buttons of the diagram -----------------------------------------------------------------------------------------------


def apply(document: Document, place: str, button: str) -> str:
    """Do what a button of the designer says (`select:2`, `insert:approve:2`, `remove:2`, `up:2`, `way:2`, `step:update` …) and return
    the place shown then. What makes no sense changes nothing.
    """
    verb, _, rest = button.partition(":")
    match verb:
        case "select":
            return rest if rest == "start" or rest.startswith("actions.") or node_at(document, rest) is not None else place
        case "insert":
            kind, _, path = rest.partition(":")
            return _insert(document, kind, path) or place
        case "remove" | "up" | "down":
            return _move(document, verb, rest) or place
        case "way":
            _add_way(document, rest)
        case "unway":
            _remove_way(document, rest)
        case "step":
            _add_step(document, place, rest)
        case "unstep":
            steps = steps_at(document, place)
            if steps is not None and rest.isdigit() and int(rest) < len(steps):
                del steps[int(rest)]
    return place


def _insert(document: Document, kind: str, path: str) -> str | None:
    found = siblings(document, path)
    if found is None or kind not in NODE_TYPES:
        return None
    nodes, index = found
    index = min(index, len(nodes))
    nodes.insert(index, _new_node(kind, _free(document, kind)))
    return ".".join([*path.split(".")[:-1], str(index)])


def _new_node(kind: str, name: str) -> Document:
    match kind:
        case "approve":
            return {"id": name, "type": kind, "approvers": [{"manager_of": "submitter"}], "on_empty": "admins", "reject": "end"}
        case "branch":
            return {"id": name, "type": kind, "branches": [{"when": "", "nodes": []}, {"else": True, "nodes": []}]}
        case "action":
            return {"id": name, "type": kind, "steps": []}
    return {"id": name, "type": kind, "to": [{"manager_of": "submitter"}]}


def _free(document: Document, kind: str) -> str:
    taken = {str(node.get("id", "")).lower() for node in every_node(document.get("nodes", ()))}
    taken |= {str(step.get("id", "")).lower() for steps in document.get("actions", {}).values() for step in steps}
    taken |= {str(step.get("id", "")).lower() for node in every_node(document.get("nodes", ())) for step in node.get("steps", ())}
    number = 1
    while f"{kind}_{number}" in taken:
        number += 1
    return f"{kind}_{number}"


def _move(document: Document, verb: str, path: str) -> str | None:
    found = siblings(document, path)
    if found is None or found[1] >= len(found[0]):
        return None
    nodes, index = found
    if verb == "remove":
        del nodes[index]
        return "start"
    to = index + (1 if verb == "down" else -1)
    if not 0 <= to < len(nodes):
        return path
    nodes.insert(to, nodes.pop(index))
    return ".".join([*path.split(".")[:-1], str(to)])


def _add_way(document: Document, path: str) -> None:
    node = node_at(document, path)
    if node is not None and node.get("type") == "branch":
        node["branches"].insert(len(node["branches"]) - 1, {"when": "", "nodes": []})


def _remove_way(document: Document, rest: str) -> None:
    path, _, number = rest.partition(":")
    node = node_at(document, path)
    if node is not None and number.isdigit() and int(number) < len(node.get("branches", ())) - 1 and len(node["branches"]) > 2:
        del node["branches"][int(number)]


def _add_step(document: Document, place: str, kind: str) -> None:
    steps = steps_at(document, place)
    if steps is not None and kind in STEP_TYPES:
        begun: dict[str, Document] = {
            "update": {"set": {}},
            "notify": {"to": ["submitter"], "text": ""},
            "email": {"template": "", "to": ["submitter"]},
        }
        more = begun[kind]
        steps.append({"id": _free(document, kind), "type": kind, **more})


# --- the panel ----------------------------------------------------------------------------------------------------------------


def read_panel(document: Document, place: str, typed: MultiDict[str, str], definition: ObjectDef) -> None:
    """Put what the panel of a place says into the document. A form without that panel changes nothing."""
    if typed.get("panel") != place:
        return
    form = TypedForm(typed=typed)
    node = node_at(document, place)
    if place == "start":
        _read_start(document, form, definition)
    elif node is not None:
        _read_node(node, form, definition)
    if (steps := steps_at(document, place)) is not None:
        _read_steps(steps, form, definition)


def _read_start(document: Document, form: TypedForm, definition: ObjectDef) -> None:
    entry = dict(document.get("entry", {}))
    put(entry, "criteria", form.value("criteria").strip())
    put(entry, "submitters", form.values("submitters"))
    put(document, "entry", entry)
    if "examples" in form.typed:
        put(document, "examples", json_of(form.value("examples")) if "criteria" in entry else None)
    document["active"] = form.ticked("active")
    put(document, "priority", number_of(form.value("priority")) if form.value("priority").strip() else None)
    put(document, "evidence", form.values("evidence"))
    put(document, "recall", {"allow": form.value("recall")} if form.value("recall") else None)
    for key in ("self_approval", "dedupe"):
        put(document, key, form.value(key))
    fields = form.values("locked_fields")
    mode = form.value("lock")
    put(
        document, "lock", {"mode": mode, **({"fields": fields} if fields and mode == "fields" else {}), **_children(form)} if mode else None
    )
    guarded = []
    for row in rows_of(form.typed, "guarded"):
        field = definition.field(form.value(f"guarded.{row}.field"))
        values = [each.strip() for each in form.value(f"guarded.{row}.values").replace("，", ",").split(",") if each.strip()]
        if form.value(f"guarded.{row}.field"):
            guarded.append({"field": form.value(f"guarded.{row}.field"), "values": [constant(field, each) for each in values]})
    put(document, "guarded", guarded)


def _children(form: TypedForm) -> Document:
    chosen = form.values("locked_children")
    return {"children": chosen} if chosen else {}


def _read_node(node: Document, form: TypedForm, definition: ObjectDef) -> None:
    put(node, "label", label_of(form.label("node_label"), node.get("label")))
    put(node, "when", form.value("when").strip())
    match node.get("type"):
        case "approve":
            node["approvers"] = [each for each in sources_of(form, "source") if isinstance(each, dict)]
            node["mode"] = form.value("mode") or "any"
            person = form.value("on_empty_user").strip()
            node["on_empty"] = f"user:{person}" if form.value("on_empty") == "user" else form.value("on_empty") or "admins"
            node["can"] = {"transfer": form.ticked("transfer")}
        case "cc":
            node["to"] = [each for each in sources_of(form, "source") if isinstance(each, dict)]
        case "branch":
            for number, way in enumerate(node.get("branches", ())):
                if "else" not in way and f"way.{number}" in form.typed:
                    way["when"] = form.value(f"way.{number}").strip()


def _read_steps(steps: list[Document], form: TypedForm, definition: ObjectDef) -> None:
    for number, step in enumerate(steps):
        key = f"step.{number}"
        if f"{key}.shown" not in form.typed:
            continue
        if step.get("type") == "update":
            step["set"] = {
                name: constant(definition.field(name), form.value(f"{key}.set.{row}.value").strip())
                for row in rows_of(form.typed, f"{key}.set")
                if (name := form.value(f"{key}.set.{row}.field"))
            }
            continue
        step["to"] = sources_of(form, f"{key}.to")
        if step.get("type") == "notify":
            step["text"] = label_of(form.label(f"{key}.text"), step.get("text")) or ""
        else:
            step["template"] = form.value(f"{key}.template")


def rows_of(typed: MultiDict[str, str], prefix: str) -> list[int]:
    """Return the numbers of the rows that a form has under a prefix, in order."""
    found = set()
    for key in typed:
        if key.startswith(f"{prefix}."):
            number = key[len(prefix) + 1 :].partition(".")[0]
            if number.isdigit():
                found.add(int(number))
    return sorted(found)


def sources_of(form: TypedForm, prefix: str) -> list[Any]:
    """Return the people that the rows of a panel name: sources as objects, words and expressions as texts."""
    found: list[Any] = []
    for row in rows_of(form.typed, prefix):
        kind, _, value = form.value(f"{prefix}.{row}.who").partition(":")
        if kind in WORDS or kind.startswith("="):
            found.append(form.value(f"{prefix}.{row}.who"))
        elif kind and value:
            source: Document = {kind: value}
            level = form.value(f"{prefix}.{row}.level").strip()
            if kind == "manager_of" and level not in ("", "1"):
                source["level"] = number_of(level)
            if kind in ("role", "queue") and form.ticked(f"{prefix}.{row}.group"):
                source["seat"] = "group"
            found.append(source)
    return found


def source_text(source: Any) -> str:
    """Return a source as the choice of a row: "role:director", "submitter"."""
    if isinstance(source, str):
        return source
    kind = next((key for key in ("user", "role", "queue", "manager_of", "field") if key in source), "")
    return f"{kind}:{source[kind]}" if kind else ""


def constant(field: FieldDef | None, text: str) -> Any:
    """Return a value as typed the way documents hold it; behind "=" stands an expression."""
    if field is None or text.startswith("="):
        return text
    if field.type in ("number", "currency", "percent"):
        return number_of(text)
    if field.type == "checkbox" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text or None
