"""Approvals on the pages: submit, what waits, deciding on what was shown, handing on, taking back."""

from __future__ import annotations

import re

import pytest

from fieldstone.auth import users
from fieldstone.db.transaction import read
from fieldstone.metadata import publish
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal
from tests.support.pages import BUILDER

PROCESS = {
    "kind": "approval_process",
    "object": "deal",
    "api_name": "big_deal",
    "label": {"en": "Big deal", "zh-Hans": "大单审批"},
    "exclusive_group": "deals",
    "priority": 10,
    "entry": {"criteria": "amount > 1000", "submitters": ["owner"]},
    "evidence": ["name", "amount"],
    "lock": {"mode": "full"},
    "nodes": [
        {
            "id": "boss",
            "type": "approve",
            "label": {"en": "Manager", "zh-Hans": "经理"},
            "approvers": [{"manager_of": "submitter"}],
            "on_empty": "admins",
            "reject": "end",
        }
    ],
}


@pytest.fixture
def deal(site):
    """A deal that needs the approval of the representative's manager, Ada Admin."""
    with read(site.org.engine) as tx:
        planned = plan(site.org.holder.current(tx.connection), ChangeSet(put=(PROCESS,)), tx.connection)
    publish.publish(site.org.engine, planned.require(), author=publish.Author(id=None), snapshots=site.org.holder)
    users.change_user(site.org.records, Principal.internal("test"), site.user("rep"), {"manager": site.user("admin")})
    return site.create("deal", name="Cell line 4", amount="412000.00", owner=site.user("rep"))


@pytest.fixture
def submitted(deal, rep):
    """The deal, submitted."""
    rep.get(f"/o/deal/{deal}")
    assert rep.post(f"/o/deal/{deal}/submit", comment="Please look").status_code == 303
    return deal


def task_of(admin):
    return re.search(r"/approvals/tasks/([0-9a-f-]{36})", admin.get("/approvals").text)[1]


def evidence_of(answer):
    return re.search(r'name="evidence" value="([^"]+)"', answer.text)[1]


def test_a_record_that_meets_the_entry_can_be_submitted(site, deal, rep):
    text = rep.get(f"/o/deal/{deal}").text
    assert "Submit for approval" in text
    assert "This record can be submitted: Big deal." in text
    small = site.create("deal", name="Small", amount="1.00", owner=site.user("rep"))
    assert "Submit for approval" not in rep.get(f"/o/deal/{small}").text


def test_a_submitted_record_is_locked_and_says_whom_it_waits_for(submitted, rep):
    text = rep.get(f"/o/deal/{submitted}").text
    assert "Locked for approval" in text
    assert "Waiting for approval" in text
    assert "Ada Admin" in text
    assert f"/o/deal/{submitted}/edit" not in text
    form = rep.form(f"/o/deal/{submitted}/edit")
    answer = rep.post(f"/o/deal/{submitted}/edit", form, name="Changed", stage="open", amount="412,000.00")
    assert answer.status_code == 422


def test_it_waits_in_the_managers_inbox_with_the_facts_to_decide(site, submitted):
    admin = site.visitor("admin")
    text = admin.get("/approvals").text
    assert "Cell line 4" in text
    assert "$412,000.00" in text
    assert "Rita Rep" in text
    assert '<span class="count hot">1' in text
    assert "Cell line 4" in admin.get("/").text
    assert "Cell line 4" not in site.visitor("hans").get("/approvals").text


def test_the_notice_leads_to_the_decision(site, submitted):
    admin = site.visitor("admin")
    notice = re.search(r'name="to" value="(/approvals/[0-9a-f-]{36})"', admin.get("/notifications").text)[1]
    assert admin.get(notice).headers["Location"] == f"/approvals/tasks/{task_of(admin)}"


def test_an_approval_is_shown_on_the_record(site, submitted, rep):
    admin = site.visitor("admin")
    task = task_of(admin)
    shown = admin.get(f"/approvals/tasks/{task}")
    answer = admin.post(f"/approvals/tasks/{task}/decide", verdict="approve", evidence=evidence_of(shown), comment="Go ahead")
    assert answer.headers["Location"] == "/approvals"
    assert "Nothing waits for you" in admin.get("/approvals").text
    text = rep.get(f"/o/deal/{submitted}").text
    assert "Approved" in text
    assert "Go ahead" in text
    assert "Locked for approval" not in text


def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(site, submitted, rep):
    admin = site.visitor("admin")
    task = task_of(admin)
    evidence = evidence_of(admin.get(f"/approvals/tasks/{task}"))
    refused = admin.post(f"/approvals/tasks/{task}/decide", verdict="reject", evidence=evidence, comment="")
    assert refused.status_code == 422
    assert admin.post(f"/approvals/tasks/{task}/decide", verdict="reject", evidence=evidence, comment="Too cheap").status_code == 303
    assert "Too cheap" in rep.get(f"/o/deal/{submitted}").text


def test_deciding_on_something_else_than_was_shown_is_refused(site, submitted):
    admin = site.visitor("admin")
    task = task_of(admin)
    answer = admin.post(f"/approvals/tasks/{task}/decide", verdict="approve", evidence="0" * 64, comment="My words")
    assert answer.status_code == 422
    assert "My words" in answer.text
    assert site.get("deal", submitted)["approval_status"] == "running"


def test_the_second_decision_is_told_that_it_is_too_late(site, submitted):
    admin = site.visitor("admin")
    task = task_of(admin)
    evidence = evidence_of(admin.get(f"/approvals/tasks/{task}"))
    assert admin.post(f"/approvals/tasks/{task}/decide", verdict="approve", evidence=evidence).status_code == 303
    assert admin.post(f"/approvals/tasks/{task}/decide", verdict="approve", evidence=evidence).status_code == 422


def test_a_task_of_somebody_else_is_like_none(site, submitted, rep):
    task = task_of(site.visitor("admin"))
    assert rep.get(f"/approvals/tasks/{task}").status_code == 404
    assert rep.post(f"/approvals/tasks/{task}/decide", verdict="approve", evidence="x").status_code in (404, 422)
    assert site.get("deal", submitted)["approval_status"] == "running"


def test_a_decision_is_handed_to_another_person(site, submitted):
    admin = site.visitor("admin")
    task = task_of(admin)
    admin.get(f"/approvals/tasks/{task}")
    assert admin.post(f"/approvals/tasks/{task}/transfer", to=site.user("hans"), comment="You know them").status_code == 303
    assert "Cell line 4" in site.visitor("hans").get("/approvals").text
    assert "Nothing waits for you" in admin.get("/approvals").text


def test_the_submitter_takes_it_back(site, submitted, rep):
    text = rep.get(f"/o/deal/{submitted}").text
    instance = re.search(r"/approvals/instances/([0-9a-f-]{36})/recall", text)[1]
    assert rep.post(f"/approvals/instances/{instance}/recall").headers["Location"] == f"/o/deal/{submitted}"
    assert site.get("deal", submitted)["approval_status"] == "recalled"
    site.org.records.save(BUILDER, [Change(object="deal", action="update", id=submitted, values={"name": "Free again"})])


def test_the_panel_speaks_chinese(site, submitted):
    text = site.visitor("hans").get(f"/o/deal/{submitted}").text
    assert all(words in text for words in ("大单审批", "经理", "等待审批", "审批中，已锁定"))
