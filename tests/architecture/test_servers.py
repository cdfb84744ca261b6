"""The servers that tests run on are real ones, and a browser's complaints are heard."""

import http.server
import os
import threading

import pytest
import redis
from sqlalchemy import text

from fieldstone.db.transaction import read, write
from tests.support.browser import Complaints

PAGE = b"""<!doctype html><html lang="en"><title>Fieldstone</title><h1>Hello</h1><button>Go</button><script src="/script.js"></script>"""
POLICY = "default-src 'self'"


class Site(http.server.BaseHTTPRequestHandler):
    """A page with a strict policy; `/bad` breaks it."""

    def do_GET(self):
        script = self.path == "/script.js"
        body = b"document.querySelector('h1').textContent += ' there'" if script else PAGE
        if self.path == "/bad":
            body += b"<p onclick='x()'>inline</p><script>document.title = 'inline'</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
def test_the_browser_shows_a_page_and_runs_its_script(page, site):
    page.goto(site)
    assert page.inner_text("h1") == "Hello there"


@pytest.mark.browser
def test_what_a_page_refuses_to_run_is_a_complaint(browser, site):
    complaints = Complaints()
    bad = browser.new_page()
    complaints.watch(bad)
    bad.goto(f"{site}/bad")
    bad.close()
    assert "Content Security Policy" in " ".join(complaints.unexpected())
    complaints.expect("Content Security Policy")
    assert complaints.unexpected() == []


def test_redis_is_a_real_server(redis_url):
    client = redis.Redis.from_url(redis_url)
    client.lpush("queue", "one")
    assert client.brpop("queue", 1) == (b"queue", b"one")
    assert int(client.info("server")["redis_version"].split(".")[0]) >= 6


def test_postgresql_is_a_real_server_that_knows_chinese_trigrams(postgresql_engine):
    with read(postgresql_engine) as transaction:
        asked = "SELECT current_setting('server_version_num')::int, cardinality(show_trgm('中文'))"
        version, trigrams = transaction.connection.execute(text(asked)).one()
    assert version >= 150_000
    assert trigrams == 3


def test_a_prepared_database_is_prepared_once_and_copied_for_each_test(prepared):
    calls = []

    def prepare(engine):
        calls.append(1)
        with write(engine) as transaction:
            transaction.connection.execute(text("CREATE TABLE notes (id INTEGER)"))
            transaction.connection.execute(text("INSERT INTO notes VALUES (1)"))

    first, second = (prepared(f"notes of {os.getpid()}", prepare) for _ in range(2))
    with write(first) as transaction:
        transaction.connection.execute(text("DELETE FROM notes"))
    with read(second) as transaction:
        assert transaction.connection.execute(text("SELECT count(*) FROM notes")).scalar_one() == 1
    assert len(calls) == 1
