"""A command that is sent twice with one key has one effect and one answer: plans, publishes, tokens, many decisions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

QUEUE = {"kind": "queue", "api_name": "desk", "label": "Desk", "objects": ["deal"]}


def replayed(answer):
    return answer.headers.get("Idempotent-Replayed")


def test_a_plan_is_made_once(admin):
    first = admin.post("/metadata/plans", {"put": [QUEUE]}, Idempotency_Key="p")
    again = admin.post("/metadata/plans", {"put": [QUEUE]}, Idempotency_Key="p")
    assert (again.status_code, replayed(first), replayed(again)) == (201, None, "true")
    assert (again.json, again.headers["Location"]) == (first.json, first.headers["Location"])
    other = admin.post("/metadata/plans", {"put": [{**QUEUE, "label": "Other"}]}, Idempotency_Key="p")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")


def test_a_refused_plan_leaves_its_key_free(admin):
    assert admin.post("/metadata/plans", {"put": [{**QUEUE, "objects": ["nothing"]}]}, Idempotency_Key="p").status_code == 422
    assert admin.post("/metadata/plans", {"put": [QUEUE]}, Idempotency_Key="p").status_code == 201


def test_a_publish_answers_with_its_own_version_whatever_came_later(admin):
    plans = [admin.post("/metadata/plans", {"put": [{**QUEUE, "api_name": name}]}).json["id"] for name in ("one", "two")]
    first = admin.post(f"/metadata/plans/{plans[0]}/publish", {}, Idempotency_Key="a")
    admin.post(f"/metadata/plans/{plans[1]}/publish", {}, Idempotency_Key="b")
    again = admin.post(f"/metadata/plans/{plans[0]}/publish", {}, Idempotency_Key="a")
    assert (again.json, replayed(again)) == (first.json, "true")


def test_a_plan_is_dropped_once(admin):
    plan = admin.post("/metadata/plans", {"put": [QUEUE]}).json["id"]
    assert [admin.post(f"/metadata/plans/{plan}/cancel", Idempotency_Key="c").status_code for _ in range(2)] == [204, 204]
    assert admin.post(f"/metadata/plans/{plan}/cancel").status_code == 404


def test_a_token_is_made_once_and_its_text_told_once(program):
    maker = program("admin", "users:admin", "records:read")
    first = maker.post("/tokens", {"name": "erp", "scopes": ["records:read"]}, Idempotency_Key="t")
    again = maker.post("/tokens", {"name": "erp", "scopes": ["records:read"]}, Idempotency_Key="t")
    assert (first.status_code, again.status_code, replayed(again)) == (201, 201, "true"), first.text
    assert again.json == {"id": first.json["id"]}
    assert [each["name"] for each in maker.get("/tokens").json["tokens"]].count("erp") == 1
    assert [maker.ask("DELETE", f"/tokens/{first.json['id']}", Idempotency_Key="r").status_code for _ in range(2)] == [204, 204]


@pytest.fixture
def waiting(approved_deals, admin, rep):
    """Three decisions that wait for the administrator."""
    for number in range(3):
        deal = rep.post("/records/deal", {"name": f"Pilot {number}", "stage": "open", "amount": 5000}).json["id"]
        assert rep.post(f"/records/deal/{deal}/approvals").status_code == 201
    tasks = admin.get("/approvals/tasks").json["tasks"]
    return [{"task": each["id"], "verdict": "approve", "evidence_hash": each["evidence_hash"]} for each in tasks]


def test_many_decisions_are_made_once_and_what_was_refused_is_told_again(waiting, admin):
    stale = {**waiting[1], "evidence_hash": "0"}
    body = {"decisions": [waiting[0], stale, waiting[2]]}
    first = admin.post("/approvals/tasks/decide", body, Idempotency_Key="m")
    again = admin.post("/approvals/tasks/decide", body, Idempotency_Key="m")
    assert [each["status"] for each in first.json["results"]] == [200, 409, 200], first.text
    assert (again.json, replayed(first), replayed(again)) == (first.json, None, "true")
    assert len(admin.get("/approvals/tasks").json["tasks"]) == 1


def test_decisions_that_a_killed_process_left_are_made_when_they_are_sent_again(waiting, admin, site, monkeypatch):
    from fieldstone.workflow.approvals.commands import Approvals

    decide, calls = Approvals.decide, []

    def dying(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise SystemExit
        return decide(self, *arguments, **options)

    monkeypatch.setattr(Approvals, "decide", dying)
    with pytest.raises(SystemExit):
        admin.post("/approvals/tasks/decide", {"decisions": waiting}, Idempotency_Key="m")
    again = admin.post("/approvals/tasks/decide", {"decisions": waiting}, Idempotency_Key="m")
    assert [each["status"] for each in again.json["results"]] == [200, 200, 200]
    assert len(calls) == 4  # the first decision was not made again


def test_a_key_raced_by_many_has_one_effect(admin):
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: admin.post("/metadata/plans", {"put": [QUEUE]}, Idempotency_Key="race"), range(4)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json["id"] for each in answers}) == 1
