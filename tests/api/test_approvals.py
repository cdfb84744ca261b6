"""Approvals through the API: submit, my work, decide, the record's panel; a command that is sent twice is given once."""

from __future__ import annotations

import pytest

from tests.api.conftest import PROCESS


@pytest.fixture
def submitted(approved_deals, rep):
    """A deal that waits for the administrator."""
    deal = rep.post("/records/deal", {"name": "Pilot", "stage": "open", "amount": 5000}).json["id"]
    answer = rep.post(f"/records/deal/{deal}/approvals", {"comment": "please"}, Idempotency_Key="s1")
    assert (answer.status_code, answer.json["state"]) == (201, "running"), answer.text
    assert answer.headers["Location"] == f"/api/v1/approvals/{answer.json['id']}"
    return deal, answer.json["id"]


def test_a_record_is_submitted_and_approved(submitted, admin, rep):
    deal, instance = submitted
    (task,) = admin.get("/approvals/tasks?state=open").json["tasks"]
    assert (task["approval"], task["object"], task["record"]["name"]) == (instance, "deal", "Pilot")
    assert rep.get("/approvals/tasks").json["tasks"] == []
    address = f"/approvals/tasks/{task['id']}/approve"
    assert rep.post(address, {"evidence_hash": task["evidence_hash"]}).status_code in (404, 422)
    stale = admin.post(address, {"evidence_hash": "0"})
    assert (stale.status_code, stale.json["code"]) == (409, "evidence_changed")
    body = {"evidence_hash": task["evidence_hash"], "comment": "fine"}
    done = admin.post(address, body, Idempotency_Key="d1")
    assert (done.status_code, done.json["state"]) == (200, "approved"), done.text
    again = admin.post(address, body, Idempotency_Key="d1")
    assert (again.status_code, again.json["state"], again.headers["Idempotent-Replayed"]) == (200, "approved", "true")
    late = admin.post(address, body)
    assert (late.status_code, late.json["code"]) == (409, "already_applied"), late.text
    panel = rep.get(f"/records/deal/{deal}/approvals").json
    assert [each["state"] for each in panel["approvals"]] == ["approved"]
    assert rep.get(f"/approvals/{instance}").json["history"][0]["kind"] == "submitted"


def test_a_submission_is_locked_and_taken_back(submitted, rep):
    deal, instance = submitted
    locked = rep.patch(f"/records/deal/{deal}", {"amount": 1})
    assert (locked.status_code, locked.json["code"]) == (409, "record_locked"), locked.text
    again = rep.post(f"/records/deal/{deal}/approvals", {"comment": "please"}, Idempotency_Key="s1")
    assert (again.status_code, again.json["id"]) == (201, instance)
    assert rep.post(f"/records/deal/{deal}/approvals").status_code == 409
    assert rep.post(f"/approvals/{instance}/recall").json["state"] == "recalled"
    assert rep.patch(f"/records/deal/{deal}", {"amount": 1}).status_code == 200


def test_many_tasks_are_decided_each_by_itself(submitted, admin):
    (task,) = admin.get("/approvals/tasks").json["tasks"]
    wrong = {"task": "0198c0de-0000-7000-8000-000000000000", "verdict": "approve", "evidence_hash": "0"}
    right = {"task": task["id"], "verdict": "reject", "evidence_hash": task["evidence_hash"], "comment": "too much"}
    results = admin.post("/approvals/tasks/decide", {"decisions": [wrong, right]}).json["results"]
    assert [(each["status"], each.get("state")) for each in results] == [(404, None), (200, "rejected")]


def test_what_nobody_may_see_is_not_there(submitted, program):
    assert submitted
    reader = program("reader", "metadata:read", "records:read")
    assert program("rep", "metadata:read").get("/approvals/tasks").status_code == 403
    assert reader.get("/approvals/0198c0de-0000-7000-8000-000000000000").status_code == 404
    assert reader.get("/approvals/nonsense").status_code == 404


def test_a_process_with_a_running_approval_cannot_be_removed(submitted, admin, rep):
    removal = {"remove": ["approval_processes/deal/large_deal.json"]}
    refused = admin.post("/metadata/plans", removal)
    assert (refused.status_code, [each["code"] for each in refused.json["problems"]]) == (422, ["version_in_use"]), refused.text
    _, instance = submitted
    planned = admin.post("/metadata/plans", {"put": [{**PROCESS, "active": False}]}).json
    assert [each["message"] for each in planned["confirm"]] == [
        "1 approval by “large_deal” of Deal is running and will go on to its end; nothing new can be submitted."
    ]
    rep.post(f"/approvals/{instance}/recall")
    planned = admin.post("/metadata/plans", removal)
    assert planned.status_code == 201, planned.text
    deal = rep.post("/records/deal", {"name": "Late", "stage": "open", "amount": 5000}).json["id"]
    assert rep.post(f"/records/deal/{deal}/approvals").status_code == 201  # between plan and publish
    published = admin.post(
        f"/metadata/plans/{planned.json['id']}/publish", {"confirm": [each["confirm"] for each in planned.json["confirm"]]}
    )
    assert (published.status_code, [each["code"] for each in published.json["problems"]]) == (422, ["version_in_use"])
