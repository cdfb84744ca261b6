"""An instance goes by the text it began with, in the names of today."""

from __future__ import annotations

from fieldstone.metadata import documents
from fieldstone.workflow.approvals.versions import definition_of
from tests.support.company import PROCESS, QUOTE
from tests.support.company import documents as company_documents
from tests.support.worlds import built, core_document

FIELDS = {("rebate" if name == "discount" else name): part for name, part in QUOTE["fields"].items()}
RENAMED = {**QUOTE, "fields": {**FIELDS, "rebate": {**FIELDS["rebate"], "was": ["discount"]}}}


def renamed_since(text: str):
    others = [each for each in company_documents() if each["api_name"] not in ("quote", "sales", "approval_managers")]
    return definition_of(built([RENAMED, *others, core_document("objects/user.json")]), "quote", text)


def test_fields_renamed_since_are_called_by_their_new_names_and_nothing_else_changes():
    before = documents.canonical(PROCESS)
    after = renamed_since(before)
    assert after.entry.criteria == "rebate > 0.1"
    assert set(after.evidence) == {"rebate", "amount", "lines"}
    assert [way.when for node in after.nodes if node.type == "branch" for way in node.branches] == ["rebate > 0.2", None]
    assert [node.id for node in after.all_nodes()] == ["manager", "size", "both"]


def test_a_text_that_names_nothing_renamed_is_taken_as_it_stands():
    text = documents.canonical({**PROCESS, "entry": {"criteria": "amount > 1"}, "evidence": ["amount"], "nodes": PROCESS["nodes"][:1]})
    assert renamed_since(text).entry.criteria == "amount > 1"
