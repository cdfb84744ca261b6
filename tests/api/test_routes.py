"""Every operation of the table: who is let in, which methods a path knows, what the caller may do."""

from __future__ import annotations

import json

import pytest
from openapi_spec_validator import validate

from fieldstone.api.operations import OPERATIONS
from tests.api.conftest import EVERYTHING, Program

DEAL = {"name": "Pilot", "stage": "open", "amount": 1200.5}
ID = "0198c0de-0000-7000-8000-000000000000"


def path_of(operation):
    found = operation.path.replace("{object}", "deal")
    for name, value in (
        ("kind", "object"),
        ("name", "deal"),
        ("key", "code"),
        ("relationship", "lines"),
        ("range", "1...2"),
        ("version", "1"),
    ):
        found = found.replace(f"{{{name}}}", value)
    for name in ("id", "task", "instance", "token", "plan"):
        found = found.replace(f"{{{name}}}", ID)
    return found


def test_every_operation_wants_credentials_and_scope(site, program):
    nobody, readers = Program(site, "fst_nothing"), {scope: program("admin", scope) for scope in ("records:read", "metadata:read")}
    for each in OPERATIONS:
        if each.public:
            continue
        body = {} if each.body is not None else None
        refused = nobody.ask(each.method, path_of(each), body)
        assert (refused.status_code, refused.json["code"]) == (401, "unauthenticated"), each
        assert "Bearer" in refused.headers["WWW-Authenticate"]
        if each.scope is not None:
            narrow = next(reader for scope, reader in readers.items() if scope != each.scope)
            assert narrow.ask(each.method, path_of(each), body).status_code == 403, each


def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has(admin):
    answer = admin.ask("TRACE", "/records/deal")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert admin.ask("PUT", f"/records/deal/{ID}").status_code == 405
    assert admin.get("/nothing").status_code == 404


def test_health_needs_no_token(site):
    client = site.app.test_client(use_cookies=False)
    assert client.get("/health/live").json == client.get("/health/ready").json == {"status": "ok"}


def test_what_every_answer_carries(admin):
    answer = admin.get("/me")
    assert answer.headers["Fieldstone-Snapshot"] == str(admin.site.org.holder.newest().version)
    assert answer.headers["Request-Id"] and answer.headers["Cache-Control"] == "no-store"
    assert answer.json["user"]["username"] == "admin"
    assert answer.json["objects"]["deal"][0] == "create"


def test_a_token_may_call_so_often_a_minute(prepared):
    from fieldstone.auth import tokens
    from fieldstone.db.transaction import write
    from tests.support import pages

    site = pages.open_site(prepared("pages", pages.prepare), api_rate=2)
    user = site.user("admin")
    with write(site.org.engine) as tx:
        _, key = tokens.create(tx, user, name="t", scopes=EVERYTHING, by=user)
    program = Program(site, key)
    assert program.get("/me").headers["RateLimit"].startswith('"token";r=1;')
    assert program.get("/me").status_code == 200
    late = program.get("/me")
    assert (late.status_code, late.json["code"]) == (429, "rate_limited")
    assert int(late.headers["Retry-After"]) > 0
    site.close()


def test_a_page_may_use_its_session_with_its_token(site):
    visitor = site.visitor("admin")
    assert visitor.get("/api/v1/me").json["user"]["username"] == "admin"
    bare = visitor.client.post("/api/v1/records/deal", json=DEAL)
    assert (bare.status_code, bare.json["code"]) == (403, "forbidden")
    assert visitor.send("/api/v1/records/deal", DEAL).status_code == 201


def test_messages_and_labels_follow_the_language_asked_for(admin):
    answer = admin.post("/records/deal", {"stage": "won"}, Accept_Language="zh-CN")
    assert answer.json["title"] == "提交的内容有误"
    assert "请填写赢单金额。" in admin.post("/records/deal", {"name": "x", "stage": "won"}, Accept_Language="zh-CN").text
    assert admin.get("/objects/deal", Accept_Language="zh-TW,zh;q=0.8").json["label"] == "商機"


@pytest.mark.parametrize(
    ("headers", "status"), [({"Accept": "text/html"}, 406), ({"Content_Type": "text/csv"}, 415), ({"Host": "evil.example"}, 400)]
)
def test_other_types_and_hosts_are_refused(admin, headers, status):
    assert admin.post("/records/deal", DEAL, **headers).status_code == status


def test_a_body_over_the_limit_is_refused(admin):
    assert admin.ask("POST", "/records/deal", raw=b" " * (10 * 2**20 + 1)).status_code == 413


def test_describe_shows_what_the_caller_may_read(admin, rep):
    assert {each["name"] for each in rep.get("/objects").json["objects"]} == {"account", "deal", "user"}
    fields = {each["name"]: each for each in admin.get("/objects/deal").json["fields"]}
    assert (fields["amount"]["scale"], fields["stage"]["values"][1]["name"], fields["account"]["to"]) == (2, "won", "account")
    assert not fields["net"]["editable"]
    assert "secret" not in rep.get("/objects/deal").text
    assert "secret" not in rep.get("/objects/deal/schema").text
    assert admin.get("/objects/nothing").status_code == 404


def test_search_finds_readable_records(admin):
    made = admin.post("/records/deal", {"name": "Zeppelin", "stage": "open"}).json["id"]
    assert admin.get("/search?q=zeppelin").json["hits"] == [{"object": "deal", "id": made, "name": "Zeppelin"}]
    assert admin.get("/search?q=zeppelin&objects=account").json["hits"] == []
    assert admin.get("/search").status_code == 400


def test_tokens_are_made_listed_and_revoked(admin, site, program):
    maker = program("admin", "users:admin", "records:read")
    made = maker.post("/tokens", {"name": "import", "scopes": ["records:read"], "days": 5})
    assert made.status_code == 201, made.text
    other = Program(site, made.json["token"])
    assert other.get("/me").json["scopes"] == ["records:read"]
    assert made.json["token"] not in admin.get("/tokens").text
    assert maker.post("/tokens", {"name": "wider", "scopes": ["records:write"]}).status_code == 403
    assert other.post("/tokens", {"name": "lives longer", "scopes": ["records:read"]}).status_code == 403
    assert admin.ask("DELETE", f"/tokens/{made.json['id']}").status_code == 204
    assert other.get("/me").status_code == 401


def test_an_expression_is_checked_and_tried(admin, rep):
    good = admin.post("/expressions/check", {"object": "deal", "expression": "amount * 2"}).json
    assert (good["valid"], good["type"], good["reads"]) == (True, "Number", ["amount"])
    bad = admin.post("/expressions/check", {"object": "deal", "expression": "amonut * 2"}).json
    assert not bad["valid"]
    assert (bad["problems"][0]["span"]["start"], bad["problems"][0]["suggestion"]) == (0, "amount")
    made = admin.post("/records/deal", DEAL).json["id"]
    tried = admin.post("/expressions/try", {"object": "deal", "id": made, "expression": "amount * 2"})
    assert b'"value":2401.00' in tried.data
    assert admin.post("/expressions/try", {"object": "deal", "id": made, "expression": "1 / 0"}).status_code == 422
    assert rep.post("/expressions/check", {"object": "deal", "expression": "1"}).status_code == 403


def test_documents_go_out_and_come_in_by_a_plan(admin, rep):
    listed = admin.get("/metadata?kind=object").json["documents"]
    assert {"account", "deal", "user"} == {each["name"] for each in listed}
    got = admin.get("/metadata/object/deal")
    assert admin.get("/metadata/object/deal", If_None_Match=got.headers["ETag"]).status_code == 304
    document = json.loads(got.text)
    document["fields"]["budget"] = {"type": "currency", "label": "Budget", "scale": 2}
    assert admin.post("/metadata/check", {"put": [document]}).json["valid"]
    planned = admin.post("/metadata/plans", {"put": [document]})
    assert planned.status_code == 201, planned.text
    assert any("Budget" in each["text"] for each in planned.json["steps"])
    address = f"/metadata/plans/{planned.json['id']}"
    assert admin.get(address).json["base_version"] == planned.json["base_version"]
    assert rep.post(f"{address}/publish", {}).status_code == 403
    confirm = [each["confirm"] for each in planned.json["confirm"]]
    done = admin.post(f"{address}/publish", {"confirm": confirm, "reason": "budgets"})
    assert done.status_code == 200, done.text
    assert admin.post(f"{address}/publish", {}).json == done.json
    assert "budget" in json.loads(admin.get("/metadata/object/deal").text)["fields"]
    versions = admin.get("/metadata/versions").json["versions"]
    assert (versions[0]["version"], versions[0]["reason"]) == (done.json["version"], "budgets")
    differences = admin.get(f"/metadata/versions/{done.json['version'] - 1}...{done.json['version']}").json["differences"]
    assert [each["document"] for each in differences] == ["objects/deal.json"]
    back = admin.post(f"/metadata/versions/{done.json['version'] - 1}/restore")
    assert back.status_code == 201, back.text
    assert any(each["kind"] == "validation_rule" for each in admin.get("/metadata/field/amount/used-by?object=deal").json["used_by"])


def test_a_plan_that_was_overtaken_is_refused(admin):
    document = json.loads(admin.get("/metadata/object/deal").text)
    plans = []
    for name in ("one", "two"):
        changed = {**document, "fields": {**document["fields"], name: {"type": "text", "label": name.title()}}}
        plans.append(admin.post("/metadata/plans", {"put": [changed]}).json)
    first, second = (
        admin.post(f"/metadata/plans/{each['id']}/publish", {"confirm": [one["confirm"] for one in each["confirm"]]}) for each in plans
    )
    assert first.status_code == 200, first.text
    assert (second.status_code, second.json["code"]) == (409, "plan_stale"), second.text


def test_a_wrong_document_is_told_with_all_its_problems(admin):
    answer = admin.post("/metadata/plans", {"put": [{"kind": "object", "api_name": "Bad Name", "fields": {"x": {"type": "txt"}}}]})
    assert answer.status_code == 422
    assert len(answer.json["problems"]) > 1
    assert admin.post("/metadata/plans", {"put": [{"kind": "thing"}]}).json["problems"][0]["pointer"] == "/put/0/kind"


@pytest.mark.parametrize("username", ["admin", "rep", "reader"])
@pytest.mark.parametrize("scopes", [EVERYTHING, ("records:read",)])
def test_the_document_is_valid_for_everybody_and_shows_only_what_is_theirs(program, username, scopes):
    caller = program(username, *scopes)
    answer = caller.get("/openapi.json")
    validate(answer.json)
    assert caller.get("/openapi.json", If_None_Match=answer.headers["ETag"]).status_code == 304
    writes = any("post" in verbs for path, verbs in answer.json["paths"].items() if path == "/records/deal")
    assert writes == (username != "reader" and "records:write" in scopes)
    assert ("secret" in answer.text) == (username == "admin")


def test_a_new_object_is_in_the_document_at_the_next_request(admin):
    tag = admin.get("/openapi.json").headers["ETag"]
    document = json.loads(admin.get("/metadata/object/account").text)
    document["fields"]["motto"] = {"type": "text", "label": "Motto"}
    planned = admin.post("/metadata/plans", {"put": [document]}).json
    admin.post(f"/metadata/plans/{planned['id']}/publish", {"confirm": [each["confirm"] for each in planned["confirm"]]})
    assert admin.get("/openapi.json", If_None_Match=tag).status_code == 200
