"""Records through the API: what goes in, what comes out, with which status and headers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.api.conftest import exact
from tests.support import pages
from tests.support.statements import counting

DEAL = {"name": "Pilot", "stage": "open", "amount": 1200.5}


def test_a_record_is_created_read_changed_and_deleted(admin):
    made = admin.post("/records/deal", DEAL)
    assert (made.status_code, made.headers["Fieldstone-Outcome"]) == (201, "created"), made.text
    record = exact(made)
    assert made.headers["Location"] == f"/api/v1/records/deal/{record['id']}"
    assert (record["amount"], record["net"], record["account"]) == (Decimal("1200.50"), Decimal("1080.45"), None)
    assert b'"amount":1200.50' in made.data

    read = admin.get(f"/records/deal/{record['id']}")
    assert exact(read) == record
    assert admin.get(f"/records/deal/{record['id']}", If_None_Match=read.headers["ETag"]).status_code == 304

    changed = admin.patch(f"/records/deal/{record['id']}", {"amount": "99.90"})
    assert (changed.status_code, changed.headers["Fieldstone-Outcome"]) == (200, "updated")
    assert exact(changed)["amount"] == Decimal("99.90")
    again = admin.patch(f"/records/deal/{record['id']}", {"amount": 99.9})
    assert again.headers["Fieldstone-Outcome"] == "unchanged"

    assert admin.ask("DELETE", f"/records/deal/{record['id']}").status_code == 204
    assert admin.get(f"/records/deal/{record['id']}").status_code == 404
    back = admin.post(f"/records/deal/{record['id']}/restore")
    assert (back.status_code, back.json["name"]) == (200, "Pilot"), back.text


def test_a_checkbox_whose_formula_fails_goes_out_as_null(site, rep):
    held = next(each for each in pages.documents() if each["api_name"] == "sales_rep")
    held["objects"]["deal"]["fields"]["cheap"] = "read"
    cheap = {"type": "formula", "label": "Cheap", "returns": "checkbox", "formula": "100 / amount > 1"}
    site.publish({**pages.DEAL, "fields": {**pages.DEAL["fields"], "cheap": cheap}}, held)
    made = [rep.post("/records/deal", {**DEAL, "amount": amount}).json for amount in (0, 1000, 10)]
    assert [each["cheap"] for each in made] == [None, False, True]
    assert sorted(str(each["cheap"]) for each in rep.get("/records/deal").json["records"]) == ["False", "None", "True"]


def test_numbers_go_out_as_texts_where_that_is_asked_for(admin):
    made = admin.post("/records/deal?numbers=text", DEAL)
    assert made.json["amount"] == "1200.50"


def test_the_writable_fields_of_what_was_read_can_be_sent_back_unchanged(admin):
    account = admin.post("/records/account", {"name": "Acme"}).json["id"]
    made = exact(admin.post("/records/deal", {**DEAL, "account": account}))
    assert made["account"] == {"id": account, "name": "Acme"}
    sent = {name: made[name] for name in ("name", "stage", "amount", "account", "reason", "close_date", "secret")}
    assert admin.patch(f"/records/deal/{made['id']}", sent).headers["Fieldstone-Outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"name": "x", "stge": "won"}, "unknown_field", "/stge"),
        ({"name": "x", "amount": 12.345}, "too_precise", "/amount"),
        ({"name": "x", "amount": "many"}, "not_a_number", "/amount"),
        ({"name": "x", "stage": "won"}, "validation_rule", "/amount"),
        ({"amount": 1}, "required", "/name"),
        ({"name": "x", "net": 5}, "read_only", "/net"),
        ({"name": "x", "account": "00000000-0000-0000-0000-000000000000"}, "record_not_found", "/account"),
        ({"name": "x", "_access": 1}, "unknown_field", "/_access"),
    ],
)
def test_what_is_wrong_with_a_record_is_said_with_its_place(admin, body, code, pointer):
    answer = admin.post("/records/deal", body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    problem = answer.json
    assert (problem["code"], problem["type"], problem["status"]) == ("invalid", "/problems/invalid", 422)
    found = {(each["code"], each.get("pointer")) for each in problem["problems"]}
    assert (code, pointer) in found
    assert all(each["message"] and "{" not in each["message"] for each in problem["problems"])
    assert problem["request_id"] == answer.headers["Request-Id"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed"),
        (b'{"name": "a", "name": "b"}', "duplicate_key"),
        (b'{"amount": NaN}', "not_a_number"),
        (b'{"name": "\\u0000"}', "bad_text"),
        (b'{"name": "\\ud800"}', "bad_text"),
        (b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
        (b"[" * 50_000, "too_deep"),
        (b'{"amount": ' + b"9" * 50 + b"}", "not_a_number"),
        (b"\xff", "not_utf8"),
        (b"[]", "wrong_type"),
    ],
)
def test_odd_json_is_refused_with_its_place(admin, raw, code):
    answer = admin.ask("POST", "/records/deal", raw=raw)
    assert (answer.status_code, answer.json["code"]) == (400, "malformed")
    assert code in {each["code"] for each in answer.json["problems"]}


def test_a_stale_version_is_refused_with_both_values(admin):
    made = admin.post("/records/deal", DEAL)
    first = made.headers["ETag"]
    address = f"/records/deal/{made.json['id']}"
    assert admin.patch(address, {"amount": 1}, If_Match=first).status_code == 200
    late = admin.patch(address, {"amount": 2}, If_Match=first)
    assert (late.status_code, late.json["code"]) == (412, "conflict")
    assert (exact(late)["current"], exact(late)["given"]) == ({"amount": Decimal("1.00")}, {"amount": 2})
    assert admin.patch(address, {"amount": 2}, If_Match="*").status_code == 200
    body = {"operation": "update", "records": [{"id": made.json["id"], "row_version": 1, "amount": 3}]}
    assert admin.post("/records/deal/batch", body).status_code == 409


def test_a_dry_run_says_what_would_be_and_changes_nothing(admin):
    answer = admin.post("/records/deal?dry_run=true", DEAL)
    assert (answer.status_code, answer.headers["Fieldstone-Outcome"]) == (200, "created")
    assert "id" not in answer.json
    assert exact(answer)["net"] == Decimal("1080.45")
    assert admin.get("/records/deal?count=exact").json["count"]["value"] == 0


def test_the_same_key_writes_once_and_answers_alike(admin):
    first = admin.post("/records/deal", DEAL, Idempotency_Key="order-1")
    second = admin.post("/records/deal", DEAL, Idempotency_Key='"order-1"')
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert second.data == first.data
    assert second.headers["Idempotent-Replayed"] == "true"
    assert admin.get("/records/deal?count=exact").json["count"]["value"] == 1
    other = admin.post("/records/deal", {**DEAL, "name": "Other"}, Idempotency_Key="order-1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")


def test_a_refused_request_leaves_its_key_free(admin):
    assert admin.post("/records/deal", {"amount": 1}, Idempotency_Key="k").status_code == 422
    assert admin.post("/records/deal", DEAL, Idempotency_Key="k").status_code == 201


def test_the_answer_names_only_what_the_caller_may_read(admin, rep):
    made = rep.post("/records/deal", DEAL)
    assert "secret" not in made.json
    hidden, unknown = (rep.post("/records/deal", {**DEAL, name: "x"}) for name in ("secret", "sicret"))
    assert hidden.status_code == unknown.status_code == 422
    assert [each["code"] for each in hidden.json["problems"]] == [each["code"] for each in unknown.json["problems"]]


def test_a_record_out_of_sight_answers_like_one_that_does_not_exist(admin, rep):
    made = admin.post("/records/deal", DEAL).json["id"]
    answers = [rep.get(f"/records/deal/{each}") for each in (made, "0198c0de-0000-7000-8000-000000000000", "nonsense")]
    answers += [rep.get(f"/records/{name}/{made}") for name in ("nothing", "permission_assignment")]
    bodies = {answer.data.replace(answer.headers["Request-Id"].encode(), b"") for answer in answers}
    assert {answer.status_code for answer in answers} == {404}
    assert len(bodies) == 1


def test_a_batch_counts_and_keeps_the_order(admin):
    body = {"operation": "create", "mode": "partial", "records": [DEAL, {"amount": 1}, {"name": "Third", "stage": "won"}]}
    answer = admin.post("/records/deal/batch", body)
    assert answer.status_code == 200
    assert (answer.json["counts"]["created"], answer.json["counts"]["failed"]) == (1, 2)
    assert [each["status"] for each in answer.json["results"]] == [201, 422, 422]
    assert answer.json["results"][1]["problems"][0]["pointer"] == "/records/1/name"
    refused = admin.post("/records/deal/batch", {**body, "mode": "all_or_none"})
    assert refused.status_code == 422
    assert {each["pointer"] for each in refused.json["problems"]} == {"/records/1/name", "/records/2/amount"}


def test_a_clone_copies_what_may_be_read_and_written(admin):
    made = admin.post("/records/deal", {**DEAL, "reason": "r"}).json["id"]
    copy = admin.post(f"/records/deal/{made}/clone", {"name": "Second"})
    assert (copy.status_code, copy.json["name"], copy.json["reason"]) == (201, "Second", "r"), copy.text


def test_history_shows_the_latest_change_first(admin):
    made = admin.post("/records/deal", DEAL).json["id"]
    admin.patch(f"/records/deal/{made}", {"amount": 4})
    admin.patch(f"/records/deal/{made}", {"amount": 5})
    answer = admin.get(f"/records/deal/{made}/history?limit=1")
    assert (answer.json["history"][0]["field"], answer.json["history"][0]["new"]) == ("amount", "5.00")
    assert answer.json["next"] is not None


def test_statements_do_not_grow(admin):
    engine = admin.site.org.engine
    made = admin.post("/records/deal", DEAL).json["id"]
    admin.get(f"/records/deal/{made}")
    with counting(engine) as one:
        admin.get(f"/records/deal/{made}")
    assert len(one) == 2, one.statements
    admin.get("/records/deal?sort=-amount")
    with counting(engine) as page:
        admin.get("/records/deal?sort=-amount")
    assert len(page) == 2, page.statements
    with counting(engine) as counted:
        admin.get("/records/deal?sort=-amount&count=capped")
    assert len(counted) == 3
    with counting(engine) as created:
        admin.post("/records/deal", DEAL)
    assert len(created) <= 12, created.statements
    with counting(engine) as updated:
        admin.patch(f"/records/deal/{made}", {"amount": 7})
    assert len(updated) <= 12, updated.statements
    with counting(engine) as many:
        assert admin.post("/records/deal/batch", {"operation": "create", "records": [DEAL] * 200}).status_code == 200
    assert len(many) <= len(created) + 3
