"""A record tried on an approval process that is being designed: which nodes it would meet, and who would be asked.

Here: from the designer's document to words for its cards. Not here: the way itself (`workflow/approvals/preview.py`), the diagram
(`approval_processes.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import NotVisible, Refused
from fieldstone.metadata import documents
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.definitions.approval_processes import ApprovalProcessDef
from fieldstone.records.query import Reference
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.setup.definitions import Document
from fieldstone.web.setup.parts import Part
from fieldstone.web.setup.publishing import planned_for
from fieldstone.workflow.approvals.directory import OrgDirectory
from fieldstone.workflow.approvals.people import ADMINS, Seat
from fieldstone.workflow.approvals.preview import Met, Preview, preview
from fieldstone.workflow.approvals.run import engine_gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the page says of a tried record."""

    record: str = ""  # its id
    name: str = ""
    said: str = ""  # how it ends
    kind: str = "info"  # how the sentence looks
    met: Mapping[str, str] = field(default_factory=dict)  # of the nodes on its way, by id: who is asked
    passed: frozenset[str] = frozenset()  # nodes that their own condition passes over

    def look(self, node: str) -> str:
        """Return how the card of a node looks: on the way, or beside it."""
        return "lit" if node in self.met and node not in self.passed else "dim"


def tried(part: Part, document: Document, typed: MultiDict[str, str]) -> Tried:
    """Return what would become of the record that the form names; a process with problems says that they come first."""
    record_id, name = typed.get("try_record", ""), typed.get("try_record__text", "")
    if not record_id:
        return Tried(name=name, said=_("Choose a record first."), kind="warn")
    try:
        process = _process(part, document)
        gate = current.gate
        submitter = _submitter(gate.get(part.definition.name, record_id))
        engine = engine_gate(current.transaction, current.snapshot, current.org.records.cursors)
        found = preview(gate, engine, process, record_id, submitter)
    except Refused as refused:
        return Tried(record=record_id, name=name, said=" ".join(dict.fromkeys(word(each) for each in refused.problems[:3])), kind="bad")
    except NotVisible:
        said = _("It cannot be tried: you may not see the record, or a field that a condition reads.")
        return Tried(record=record_id, name=name, said=said, kind="bad")
    return _in_words(found, OrgDirectory(engine), record_id, name, submitter)


def _submitter(record: Mapping[str, Any]) -> str:
    """Return who would most likely submit a record: its owner, or who made it; else who tries."""
    people = (record.get(name) for name in ("owner", "created_by"))
    found = (each.id for each in people if isinstance(each, Reference) and each.object == "user" and each.id is not None)
    return next(found, current.principal.user_id or "")


def _process(part: Part, document: Document) -> ApprovalProcessDef:
    """Return the process that the document describes, as it would be published. Raises Refused with its problems."""
    drafted = {"label": "draft", **document, "api_name": document.get("api_name") or "draft", "active": True}
    planned = planned_for(ChangeSet(put=(drafted,)))
    if planned.refused or planned.proposed is None:
        raise Refused(planned.refused)
    found = planned.proposed.find("approval_process", str(drafted["api_name"]), part.definition.name)
    assert isinstance(found, ApprovalProcessDef), documents.path_of(drafted)
    return found


def _in_words(found: Preview, directory: OrgDirectory, record_id: str, name: str, submitter: str) -> Tried:
    if not found.fits:
        return Tried(record=record_id, name=name, said=_("The record does not meet the entry: it cannot be submitted."), kind="warn")
    ends = {
        "approved": (_("If everybody agrees, it ends approved."), "ok"),
        "rejected": (_("It ends rejected: nobody is found to decide."), "warn"),
        "blocked": (_("It cannot be submitted: nobody is found to decide."), "bad"),
    }
    said, kind = ends[found.end]
    person = directory.person(submitter)
    if person is not None:
        said = f"{_('Submitted by %(name)s.', name=person.name)} {said}"
    met = {each.node: _asked(each, directory) for each in found.met}
    passed = frozenset(each.node for each in found.met if each.skipped)
    return Tried(record=record_id, name=name, said=said, kind=kind, met=met, passed=passed)


def _asked(met: Met, directory: OrgDirectory) -> str:
    if met.skipped:
        return str(_("passed over: its condition does not hold"))
    empty = {
        "skip_approve": _("nobody is found: it counts as approved"),
        "reject": _("nobody is found: it counts as rejected"),
        "block": _("nobody is found"),
    }
    return str(empty.get(met.empty or "", "")) or ", ".join(_seat(each, directory) for each in met.seats)


def _seat(seat: Seat, directory: OrgDirectory) -> str:
    if seat.user is not None:
        person = directory.person(seat.user)
        return person.name if person is not None else ""
    if seat.group == ADMINS:
        return str(_("Whoever manages approvals"))
    kind, _sign, name = (seat.group or "").partition(":")
    found = next((each for each in current.snapshot.all(kind) if name in (each.id, each.name)), None)
    return label(found) if found is not None else name
