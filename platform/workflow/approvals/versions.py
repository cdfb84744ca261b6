"""The immutable version that an instance runs on.

Here: the text of a process at submission, and the definition an instance goes by, whatever was published since.
Not here: rows (`store.py`), how documents become definitions (`metadata`).
Source: spec/workflow.md, section 16.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fieldstone.db.transaction import Transaction
from fieldstone.metadata import documents
from fieldstone.metadata.changes import Place, Rename
from fieldstone.metadata.definitions import ApprovalProcessDef
from fieldstone.metadata.definitions.approval_processes import load_approval_process
from fieldstone.metadata.definitions.loading import Loading
from fieldstone.metadata.references import renamed
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.workflow.approvals import store
from fieldstone.workflow.approvals.states import Instance


def document_of(snapshot: Snapshot, process: ApprovalProcessDef) -> str:
    """Return the canonical text of a process as it is published."""
    return snapshot.documents.get(process.path) or documents.canonical(process.source)


def process_of(snapshot: Snapshot, tx: Transaction, instance: Instance) -> ApprovalProcessDef:
    """Return the process as it was when the instance was submitted, in the names of today.

    Its text is read once for each snapshot and version. A rename changes how things are called, never what the instance does.
    """
    known = snapshot.once(_by_hash)
    found = known.get(instance.process_hash)
    if found is None:
        found = known[instance.process_hash] = definition_of(snapshot, instance.object, store.version_text(tx, instance.process_hash))
    return found


def _by_hash(snapshot: Snapshot) -> dict[str, ApprovalProcessDef]:
    """The processes in force, by the hash of their text: most instances run on one of them."""
    found = {}
    for process in snapshot.all("approval_process"):
        assert isinstance(process, ApprovalProcessDef)
        found[hashlib.sha256(document_of(snapshot, process).encode()).hexdigest()] = process
    return found


def definition_of(snapshot: Snapshot, object_name: str, text: str) -> ApprovalProcessDef:
    """Return the process that a kept text of `object_name` (its name today) describes."""
    objects = {name.lower(): definition for name, definition in snapshot.objects.items()}
    return load_approval_process(in_names_of_today(snapshot, object_name, text), Loading(path="", identities={}, objects=objects))


def in_names_of_today(snapshot: Snapshot, object_name: str, kept: str) -> Mapping[str, Any]:
    """Return the document of a kept text with the fields that were renamed since under their new names.

    Each such field is called by its former name everywhere, the document laid beside, and the renaming done once more.
    """
    document: Mapping[str, Any] = {**documents.parse(kept), "object": object_name}
    path, text = documents.path_of(document), documents.canonical(document).lower()
    for definition in snapshot.objects.values():
        for field in definition.fields.values():
            for former in field.was:
                if definition.formerly(former) is not field or former.lower() not in text:
                    continue
                back = Rename(place=Place(kind="field", name=field.name, object=definition.name), to=former)
                there = Rename(place=Place(kind="field", name=former, object=definition.name), to=field.name)
                before = {**renamed(snapshot.parsed, back), path: document}
                document = dict(renamed(before, there)[path])
    return document
