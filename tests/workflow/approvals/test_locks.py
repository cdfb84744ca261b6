"""A record in approval is locked, and what its process guards comes from its process alone, whoever asks by whatever way."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.audit import AUDIT
from fieldstone.records.changes import Change
from fieldstone.workflow.approvals.locks import LOCK
from tests.support.company import QUOTE, Company, process, refused
from tests.support.worlds import everything, permission_set


def change(firm: Company, how: str, quote: str, line: str, who: str = "sue") -> None:
    match how:
        case "update":
            firm.world.update("quote", quote, {"terms": "x"}, who)
        case "delete":
            firm.world.delete("quote", quote, who)
        case "transfer":
            firm.world.save(who, Change(object="quote", action="transfer", id=quote, values={"owner": firm.world.people["bob"]}))
        case "import":
            firm.world.save(who, Change(object="quote", action="update", id=quote, values={"terms": "x"}), channel="import")
        case "new line":
            firm.world.create("line", {"name": "L2", "quote": quote}, who)
        case "change line":
            firm.world.update("line", line, {"price": "1"}, who)
        case "delete line":
            firm.world.delete("line", line, who)


WAYS = ["update", "delete", "transfer", "import", "new line", "change line", "delete line"]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("who", ["sue", "builder"])
def test_a_record_in_approval_is_locked_for_everybody_and_every_channel(company, how, who):
    firm = company()
    quote = firm.quote()
    line = firm.world.create("line", {"name": "L", "quote": quote}, "sue")
    firm.submit(quote)
    assert refused(change, firm, how, quote, line, who).problems[0].code == "record_locked"
    assert firm.state(quote) == ("running", "in_approval")


@pytest.mark.parametrize("how", WAYS)
def test_when_it_has_ended_the_record_is_free(company, how):
    firm = company()
    quote = firm.quote()
    line = firm.world.create("line", {"name": "L", "quote": quote}, "sue")
    firm.submit(quote)
    firm.decide("bob", "reject")
    assert firm.count(LOCK) == 0
    change(firm, how, quote, line)


def test_a_lock_of_fields_holds_those_fields_alone(company):
    firm = company(process(lock={"mode": "fields", "fields": ["amount"]}))
    quote = firm.quote()
    firm.submit(quote)
    firm.world.update("quote", quote, {"terms": "x", "amount": "100.00"}, "sue")  # the same amount is no change
    assert refused(firm.world.update, "quote", quote, {"amount": "1"}, "sue").problems[0].field == "amount"


@pytest.mark.parametrize("status", ["in_approval", "approved"])
@pytest.mark.parametrize("who", ["sue", "builder"])
def test_a_guarded_value_comes_only_from_an_action_of_its_process(company, status, who):
    firm = company()
    quote = firm.quote()
    assert refused(firm.world.update, "quote", quote, {"status": status}, who).code == "guarded_value"
    assert refused(firm.quote, status=status, who=who).code == "guarded_value"
    firm.world.update("quote", quote, {"status": "sent"}, who)


def test_the_approval_status_is_written_by_nobody(company):
    firm = company()
    quote = firm.quote()
    with pytest.raises(Refused):
        firm.world.update("quote", quote, {"approval_status": "approved"}, "sue")


def test_a_person_with_the_right_edit_locked_changes_it_all_the_same_on_the_record(company):
    editors = permission_set("editors", {"quote": everything(QUOTE, "read", "edit", "modify_all")}, setup=["edit_locked"])
    firm = company(process(), more=(editors,))
    firm.world.person("eva", sets=["editors"])
    quote = firm.quote()
    firm.submit(quote)
    firm.world.update("quote", quote, {"terms": "x"}, "eva")
    assert firm.count(AUDIT, AUDIT.c.action == "record.edited_locked") == 1


def test_a_deleted_record_takes_its_approval_along(company):
    firm = company(process(lock={"mode": "none"}))
    quote = firm.quote()
    instance = firm.submit(quote)
    firm.world.delete("quote", quote, "sue")
    assert firm.instance(instance.id).state == "cancelled"
    assert firm.history(instance)[-2:] == ["record_deleted", "finished"]
    assert firm.tasks("bob") == []
