"""The immutable version that an instance runs on.

Here: the text of a process at submission, and the definition an instance goes by, whatever was published since.
Not here: rows (`store.py`), how documents become definitions (`metadata`).
Source: spec/workflow.md, section 16.
"""

from __future__ import annotations

import hashlib

from fieldstone.db.transaction import Transaction
from fieldstone.metadata import documents
from fieldstone.metadata.definitions import ApprovalProcessDef
from fieldstone.metadata.definitions.approval_processes import load_approval_process
from fieldstone.metadata.definitions.loading import Loading
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.workflow.approvals import store
from fieldstone.workflow.approvals.states import Instance


def document_of(snapshot: Snapshot, process: ApprovalProcessDef) -> str:
    """Return the canonical text of a process as it is published."""
    return snapshot.documents.get(process.path) or documents.canonical(process.source)


def process_of(snapshot: Snapshot, tx: Transaction, instance: Instance) -> ApprovalProcessDef:
    """Return the process as it was when the instance was submitted. Reads its text once for each snapshot and version."""
    known = snapshot.once(_by_hash)
    found = known.get(instance.process_hash)
    if found is None:
        found = known[instance.process_hash] = _loaded(snapshot, store.version_text(tx, instance.process_hash))
    return found


def _by_hash(snapshot: Snapshot) -> dict[str, ApprovalProcessDef]:
    """The processes in force, by the hash of their text: most instances run on one of them."""
    found = {}
    for process in snapshot.all("approval_process"):
        assert isinstance(process, ApprovalProcessDef)
        found[hashlib.sha256(document_of(snapshot, process).encode()).hexdigest()] = process
    return found


def _loaded(snapshot: Snapshot, text: str) -> ApprovalProcessDef:
    objects = {name.lower(): definition for name, definition in snapshot.objects.items()}
    return load_approval_process(documents.parse(text), Loading(path="", identities={}, objects=objects))
