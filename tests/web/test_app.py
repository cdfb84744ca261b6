"""What holds for every page: who is admitted, tokens, headers, failures."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask

from fieldstone.web.admission import admission_of, require_admissions

PUBLIC = {"static", "favicon", "health", "csp_report", "login.show", "login.sign_in", "login.choose_language"}


def test_every_route_says_whom_it_admits_and_few_admit_anybody(site):
    rules = [rule for rule in site.app.url_map.iter_rules() if not rule.rule.startswith("/api/")]
    assert all(admission_of(site.app.view_functions[rule.endpoint]) is not None for rule in rules)
    assert {rule.endpoint for rule in rules if admission_of(site.app.view_functions[rule.endpoint]).public} == PUBLIC


def test_a_route_that_does_not_say_stops_the_start():
    app = Flask("test", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "")
    with pytest.raises(RuntimeError, match="/open"):
        require_admissions(app)


def test_no_page_but_the_public_ones_answers_a_stranger(site):
    stranger = site.visitor()
    some = "01900000-0000-7000-8000-000000000000"
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint in PUBLIC or rule.rule.startswith("/api/"):
            continue
        url = rule.rule
        for name in rule.arguments:
            value = "1" if f"<int:{name}>" in url else {"object_name": "deal", "part": "more", "field_path": "account"}.get(name, some)
            url = re.sub(rf"<(?:[^:<>]+:)?{name}>", value, url)
        method = "GET" if "GET" in rule.methods else "POST"
        answer = stranger.client.open(url, method=method)
        assert answer.status_code == 401, f"{method} {url}: {answer.status}"


def test_every_answer_carries_the_security_headers(rep):
    headers = rep.get("/o/deal").headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; report-to csp"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["Request-Id"])
    assert "Server" not in headers


def test_a_static_file_is_kept_for_ever_under_the_address_of_its_content(site):
    visitor = site.visitor()
    address = re.search(r'href="(/static/[0-9a-f]+/app\.css)"', visitor.get("/login").text)[1]
    answer = visitor.client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"--accent" in gzip.decompress(answer.data)
    assert visitor.client.get("/static/0/app.css").headers["Cache-Control"] == "no-cache"
    assert visitor.client.get("/static/0/../app.py").status_code == 404
    assert visitor.client.get("/static/0/%2e%2e/app.py").status_code == 404


def test_a_page_is_compressed_for_browsers_that_take_it(rep):
    answer = rep.client.get("/o/deal", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"<!doctype html>" in gzip.decompress(answer.data)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost"}, 303),
    ],
)
def test_a_change_asked_for_by_another_site_is_refused(rep, headers, status):
    answer = rep.client.post("/me", data={"csrf_token": rep.token, "language": "en"}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("token", ["", "nonsense", "AAAA", None])
def test_a_change_without_the_pages_token_is_refused(rep, token):
    answer = rep.client.post("/me", data={"csrf_token": token} if token is not None else {})
    assert answer.status_code == 403
    assert "Reload the page" in answer.text


def test_the_token_of_one_session_is_none_of_another(site, rep):
    other = site.visitor("admin")
    assert rep.post("/me", csrf_token=other.token, language="en").status_code == 403


def test_the_token_looks_different_each_time(rep):
    first = rep.token
    rep.get("/me")
    assert rep.token != first


def test_a_repeated_key_in_a_url_is_refused(rep):
    assert rep.get("/o/deal?view=a&view=b").status_code == 400


def test_another_host_name_is_refused(site):
    assert site.visitor().client.get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_a_body_beyond_the_limit_is_refused(rep):
    assert rep.post("/me", zone="x" * (11 * 2**20)).status_code == 413


@pytest.mark.parametrize("url", ["/o/nothing", "/o/deal/01900000-0000-7000-8000-000000000000", "/o/deal/nonsense", "/nowhere"])
def test_what_is_not_there_gets_a_page_that_says_what_to_do(rep, url):
    answer = rep.get(url)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert answer.headers["Request-Id"] in answer.text


def test_what_is_hidden_and_what_is_not_there_look_alike(site):
    account, reader = site.create("account", name="Secret account"), site.visitor("reader")

    def plain(url):
        answer = reader.get(url)
        text = re.sub(answer.headers["Request-Id"], "", answer.text)
        return answer.status_code, re.sub(r'(csrf[^>]*?(?:content|value)="|X-CSRFToken": ?")[^"]+', "", text)

    assert plain(f"/o/account/{account}")[0] == 404
    assert plain("/o/account")[0] == plain("/o/never_defined")[0] == 404


def test_a_failure_for_htmx_is_a_fragment(rep):
    answer = rep.fragment("/o/nothing")
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert "There is nothing here" in answer.text


def test_our_own_bug_shows_its_number_and_nothing_else(site, rep, monkeypatch):
    from fieldstone.records.gate import Gate

    def broken(*_args, **_more):
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(Gate, "read", broken)
    answer = rep.get("/o/deal")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert answer.headers["Request-Id"] in answer.text


def test_a_method_a_page_does_not_have_is_refused(rep):
    answer = rep.client.delete("/me", headers={"X-CSRFToken": rep.token})
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_health_tells_strangers_nothing(site):
    answer = site.visitor().client.get("/healthz")
    assert answer.json == {"status": "ok"}


@pytest.mark.parametrize(("language", "title"), [("en", "There is nothing here"), ("zh_hans", "此处没有内容"), ("zh_hant", "此處沒有內容")])
def test_failures_are_told_in_the_persons_language(site, language, title):
    from fieldstone.records.changes import Change
    from tests.support.pages import BUILDER

    site.org.records.save(BUILDER, [Change(object="user", action="update", id=site.user("rep"), values={"language": language})])
    assert title in site.visitor("rep").get("/nowhere").text
