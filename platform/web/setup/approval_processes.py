"""Approval processes: the list, and the designer with its diagram and the panel of what is chosen in it.

Here: the pages. What is not published yet travels in the form, from click to click. Not here: the document (`approval_documents`),
running a process (`workflow/approvals`).
Source: spec/workflow.md, section 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.auth import members
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import documents, labels
from fieldstone.metadata.definitions.approval_processes import MOMENTS, ApprovalProcessDef
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.pages import page
from fieldstone.web.setup import approval_trials as trials
from fieldstone.web.setup import bp
from fieldstone.web.setup.approval_documents import (
    apply,
    beginning,
    every_node,
    node_at,
    place_of,
    pointer_of,
    read_panel,
    source_text,
    steps_at,
)
from fieldstone.web.setup.approval_trials import Tried
from fieldstone.web.setup.definitions import Document, owner_words, tabs_of, the_object
from fieldstone.web.setup.parts import Part
from fieldstone.web.setup.typed import came_back, label_of, name_from, put, put_label, said_at_control, shown_label, to_json, told_elsewhere

PEOPLE = 200
UNDONE = 10  # states that the form carries for Undo


@bp.get("/approvals")
@admit(setup("manage_automation"))
def approval_processes() -> ResponseReturnValue:
    """Every approval process, and the objects that can have one."""
    found = [cast(ApprovalProcessDef, each) for each in current.snapshot.all("approval_process")]
    able = [each for each in current.snapshot.objects.values() if "approvals" in each.features]
    return page(
        "setup/approvals.html",
        found=sorted(found, key=lambda each: (each.object or "", each.priority)),
        able=sorted(able, key=lambda each: label(each).casefold()),
        owner_words=owner_words,
    )


@bp.get("/objects/<object_name>/approvals")
@admit(setup("manage_automation"))
def approvals_of_object(object_name: str) -> ResponseReturnValue:
    """The approval processes of one object."""
    definition = the_object(object_name)
    found = sorted(
        (cast(ApprovalProcessDef, each) for each in current.snapshot.all("approval_process", definition.name)),
        key=lambda each: each.priority,
    )
    return page(
        "setup/object_approvals.html",
        definition=definition,
        tabs=tabs_of(definition, "approvals"),
        found=found,
        owner_words=owner_words,
    )


@bp.get("/objects/<object_name>/approvals/new")
@admit(setup("manage_automation"))
def new_approval_process(object_name: str) -> ResponseReturnValue:
    """The designer of a new process: the manager decides, until something else is said."""
    part = Part.of(object_name, "approval_process", "approvals")
    document = beginning(part.definition)
    return _back(part) or _show(part, document, "start", _label_typed({"label": _first_label(part.definition)}))


@bp.get("/objects/<object_name>/approvals/<name>")
@admit(setup("manage_automation"))
def show_approval_process(object_name: str, name: str) -> ResponseReturnValue:
    """The designer of one process."""
    part = Part.of(object_name, "approval_process", "approvals", name)
    document = part.document()
    place = request.args.get("at", "start")
    place = place if place == "start" or node_at(document, place) else "start"
    return _back(part) or _show(part, document, place, _label_typed(document))


@bp.post("/objects/<object_name>/approvals/new")
@admit(setup("manage_automation"))
def create_approval_process(object_name: str) -> ResponseReturnValue:
    """Publish a new process, show its plan, or go on designing."""
    return _save(Part.of(object_name, "approval_process", "approvals"))


@bp.post("/objects/<object_name>/approvals/<name>")
@admit(setup("manage_automation"))
def change_approval_process(object_name: str, name: str) -> ResponseReturnValue:
    """Publish a changed process, show its plan, or go on designing."""
    return _save(Part.of(object_name, "approval_process", "approvals", name))


@bp.post("/objects/<object_name>/approvals/<name>/remove")
@admit(setup("manage_automation"))
def remove_approval_process(object_name: str, name: str) -> ResponseReturnValue:
    """Remove a process; what runs on it goes on by the version it was begun on."""
    return Part.of(object_name, "approval_process", "approvals", name).remove()


def _first_label(definition: ObjectDef) -> Mapping[str, str]:
    found = {tag: labels.text(definition.label, tag, current.snapshot.language, definition.name) for tag in ("en", "zh-Hans", "zh-Hant")}
    return {"en": f"Approval of {found['en'].lower()}", "zh-Hans": f"{found['zh-Hans']}审批", "zh-Hant": f"{found['zh-Hant']}簽核"}


def _label_typed(document: Mapping[str, Any]) -> MultiDict[str, str]:
    typed: MultiDict[str, str] = MultiDict({"api_name": document.get("api_name", "")})
    put_label(typed, "label", document.get("label"))
    return typed


def _back(part: Part) -> ResponseReturnValue | None:
    """Show what came back after a login."""
    typed = came_back()
    document = _carried(part, typed) if typed is not None else None
    if typed is None or document is None:
        return None
    place = typed.get("at", "start")
    read_panel(document, place, typed, part.definition)
    return _show(part, document, place, typed)


def _save(part: Part) -> ResponseReturnValue:
    typed, place = request.form, request.form.get("at", "start")
    document = _carried(part, typed)
    if document is None:
        return _show(part, part.document() if part.published else beginning(part.definition), "start", typed, [_not_understood()], 422)
    before = documents.canonical(document)
    read_panel(document, place, typed, part.definition)
    match typed.get("do"):
        case None:
            pass
        case "undo":
            return _show(part, *_undone(part, typed, document), typed, past=typed.getlist("past")[:-1])
        case "try":
            return _show(part, document, place, typed, past=_past(typed, before, document), tried=trials.tried(part, document, typed))
        case button:
            place = apply(document, place, button)
            return _show(part, document, place, typed, past=_past(typed, before, document))
    proposed = _named(part, document, typed)

    def again(problems: tuple[Problem, ...]) -> ResponseReturnValue:
        own = [each for each in problems if each.document in (None, part.path(proposed))]
        shown = place_of(own[0].pointer or "") if own and not any(place_of(each.pointer or "") == place for each in own) else place
        return _show(part, document, shown, typed, problems, 422 if problems else 200)

    return part.publish(proposed, _("Approval process published"), again)


def _past(typed: MultiDict[str, str], before: str, now: Document) -> list[str]:
    """Return the states that Undo goes back to, the newest last: those the form carries and, if something changed, the one before."""
    kept = typed.getlist("past")
    return [*kept, before][-UNDONE:] if documents.canonical(now) != before else kept


def _undone(part: Part, typed: MultiDict[str, str], document: Document) -> tuple[Document, str]:
    """Take the newest state off the form's past; without one, nothing changes."""
    past = typed.getlist("past")
    carried = _carried(part, MultiDict({"document": past[-1]})) if past else None
    place = typed.get("at", "start")
    if carried is None:
        return document, place
    return carried, place if place == "start" or node_at(carried, place) or place.startswith("actions.") else "start"


def _not_understood() -> Problem:
    return Problem(code="form_not_understood")


def _carried(part: Part, typed: MultiDict[str, str]) -> Document | None:
    """Return the document as the form carries it, for this process and no other; None if it cannot be read."""
    try:
        found = documents.parse(typed.get("document", ""))
    except Refused:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
        return None
    before = part.document()
    return {**found, **{key: before[key] for key in ("kind", "object", "api_name") if key in before}}


def _named(part: Part, document: Document, typed: MultiDict[str, str]) -> Document:
    """Return the document to publish: with name and label as typed, without actions that do nothing."""
    found = dict(document)
    texts = {key.partition(".")[2]: value.strip() for key, value in typed.items() if key.startswith("label.") and value.strip()}
    if part.published is None:
        taken = [each.name for each in current.snapshot.all(part.kind, part.definition.name)]
        found["api_name"] = typed.get("api_name", "").strip() or name_from(texts, taken) or "approval"
    put(found, "label", label_of(texts, document.get("label")))
    put(found, "actions", {moment: steps for moment in MOMENTS if (steps := document.get("actions", {}).get(moment))})
    return found


# --- what the page shows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One node of the diagram."""

    place: str
    type: str
    number: str
    title: str
    note: str
    wrong: bool
    current: bool
    when: str
    lit: str  # of a record that was tried: "lit" on its way, "dim" beside it
    asked: str  # then: who is asked, or why the node is passed over
    ways: Sequence[tuple[str, Sequence[Card], str]] = ()  # condition, nodes, path of the place behind them


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """What the cards need to know."""

    place: str
    wrong: frozenset[str]
    people: Mapping[str, str]
    tried: Tried | None = None

    def cards(self, nodes: Sequence[Document], prefix: str = "", number: str = "") -> list[Card]:
        """Return the cards of a list of nodes."""
        return [self._card(node, f"{prefix}{index}", f"{number}{index + 1}") for index, node in enumerate(nodes)]

    def _card(self, node: Document, path: str, number: str) -> Card:
        ways = []
        for index, way in enumerate(node.get("branches", ())):
            inside = self.cards(way.get("nodes", ()), f"{path}.{index}.", f"{number}.{index + 1}.")
            ways.append(
                (_("otherwise") if "else" in way else way.get("when") or _("no condition yet"), inside, f"{path}.{index}.{len(inside)}")
            )
        title = labels.text(labels.of(node.get("label")), current.language, current.snapshot.language, "")
        return Card(
            place=path,
            type=str(node.get("type")),
            number=number,
            title=title or node_words(str(node.get("type"))),
            note=self._note(node),
            wrong=path in self.wrong,
            current=path == self.place,
            when=str(node.get("when") or ""),
            lit=self.tried.look(str(node.get("id"))) if self.tried is not None else "",
            asked=self.tried.met.get(str(node.get("id")), "") if self.tried is not None else "",
            ways=ways,
        )

    def _note(self, node: Document) -> str:
        match node.get("type"):
            case "approve":
                who = self.said(node.get("approvers", ()))
                return f"{who} · {_('everyone must agree')}" if node.get("mode") == "all" else who
            case "cc":
                return str(self.said(node.get("to", ())))
            case "action":
                return ", ".join(step_words(str(step.get("type"))) for step in node.get("steps", ())) or str(_("does nothing yet"))
        return ""

    def said(self, sources: Iterable[Any]) -> str:
        """Return in words who decides or is told."""
        found = [self.people.get(source_text(each), source_text(each)) for each in sources]
        return ", ".join(each for each in found if each) or str(_("nobody yet"))


def node_words(kind: str) -> str:
    """Return what a type of node is called."""
    words: dict[str, str] = {"approve": _("Approval"), "branch": _("Branch"), "action": _("Action"), "cc": _("Tell people")}
    return words.get(kind, kind)


def step_words(kind: str) -> str:
    """Return what a step of an action does."""
    words: dict[str, str] = {"update": _("set fields"), "notify": _("notify"), "email": _("send an email")}
    return words.get(kind, kind)


def _people(definition: ObjectDef) -> list[tuple[str, str]]:
    """Return the choices of who decides: managers, roles, queues, persons in fields, users."""
    found: list[tuple[str, str]] = [
        ("manager_of:submitter", _("Manager of who submits")),
        ("manager_of:owner", _("Manager of the owner")),
        ("manager_of:approver", _("Manager of the last approver")),
    ]
    found += [(f"role:{each.name}", _("Role: %(name)s", name=label(each))) for each in current.snapshot.all("role")]
    found += [(f"queue:{each.name}", _("Queue: %(name)s", name=label(each))) for each in current.snapshot.all("queue")]
    fields = [each for each in definition.all_fields if each.to == "user" or each.name == "owner"]
    found += [(f"field:{each.name}", _("Person in: %(name)s", name=label(each))) for each in fields]
    rows = members.users(current.transaction, active=True, limit=PEOPLE)
    found += [(f"user:{row.username}", _("Person: %(name)s", name=row.name or row.username)) for row in rows if row.username]
    return found


def _submitters() -> list[tuple[str, str]]:
    words = [("owner", _("The owner")), ("creator", _("Who created it")), ("anyone", _("Everybody who may edit it"))]
    for kind, text in (("role", _("Role")), ("queue", _("Queue")), ("permission_set", _("Permission set")), ("profile", _("Profile"))):
        words += [(f"{kind}:{each.name}", f"{text}: {label(each)}") for each in current.snapshot.all(kind)]
    return words


def _show(
    part: Part,
    document: Document,
    place: str,
    typed: MultiDict[str, str],
    problems: Sequence[Problem] = (),
    status: int = 200,
    *,
    past: Sequence[str] | None = None,
    tried: Tried | None = None,
) -> ResponseReturnValue:
    definition = part.definition
    path = part.path({"api_name": typed.get("api_name", "") or document.get("api_name", "")})
    people = _people(definition)
    words = dict(people) | {"submitter": _("Who submits"), "owner": _("The owner"), "approvers": _("The approvers")}
    own = [each for each in problems if each.document is None or each.document.startswith(path.rpartition("/")[0])]
    wrong = frozenset(place_of(each.pointer or "") for each in own)
    steps = steps_at(document, place)
    return page(
        "setup/approval.html",
        status=status,
        part=part,
        definition=definition,
        tabs=tabs_of(definition, "approvals"),
        typed=typed,
        label_texts=_texts(typed, "label"),
        document=document,
        carried=documents.canonical(document),
        place=place,
        past=typed.getlist("past") if past is None else past,
        tried=tried,
        cards=Diagram(place=place, wrong=wrong, people=words, tried=tried).cards(document["nodes"]),
        most_ways=max((len(each.get("branches", ())) for each in every_node(document["nodes"])), default=0),
        node=node_at(document, place),
        steps=steps,
        said=Diagram(place=place, wrong=wrong, people=words).said,
        problems=[
            {"text": word(each), "at": place_of(each.pointer or "")} if each in own else {**told_elsewhere(each, path), "at": "start"}
            for each in problems
        ],
        at_place=_at_controls(own, place),
        wrong=wrong,
        people=people,
        recipients=[("submitter", words["submitter"]), ("owner", words["owner"]), ("approvers", words["approvers"]), *people[2:]],
        submitters=_submitters(),
        source_text=source_text,
        example_texts=to_json,
        shown_label=shown_label,
        moments=moment_words(),
        step_words=step_words,
        node_words=node_words,
        fields_to_choose=[(each.name, label(each)) for each in definition.fields.values()],
        settable=[(each.name, label(each)) for each in definition.fields.values() if not each.read_only],
        relations=[
            (each.name or f"{each.child.name}.{each.field.name}", label(each.child)) for each in current.snapshot.children(definition.name)
        ],
        templates=[(each.name, label(each)) for each in current.snapshot.all("email_template")],
    )


def moment_words() -> list[tuple[str, str]]:
    """Return the moments at which a process acts."""
    return [("submit", _("On submitting")), ("approved", _("Approved")), ("rejected", _("Rejected")), ("recalled", _("Recalled"))]


def _texts(typed: MultiDict[str, str], name: str) -> dict[str, str]:
    return {key.partition(".")[2]: value for key, value in typed.items() if key.startswith(f"{name}.")}


def _at_controls(problems: Iterable[Problem], place: str) -> dict[str, list[str]]:
    """Return the sentences of a panel by the part of its place that they are about, such as "criteria" or "approvers"."""
    found: dict[str, list[str]] = {}
    base = pointer_of(place)
    for problem in problems:
        pointer = problem.pointer or ""
        if place_of(pointer) == place and pointer.startswith(base):
            key = pointer.removeprefix(base).strip("/").replace("/", ".")
            if problem.code == "missing_key":
                key = ".".join(each for each in (key, str(problem.params.get("key", ""))) if each)
            key = "examples" if key.startswith("examples.") else key.removeprefix("entry.")
            found.setdefault(key, []).append(said_at_control(problem, whole=True))
    return found
