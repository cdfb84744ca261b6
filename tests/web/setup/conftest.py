"""What the tests of Setup's pages have in common: reading what a page says, walking from form to plan to publish."""

from __future__ import annotations

import html
import re

import pytest

from tests.support import pages

TAGS = re.compile(r"<(?:script|template)\b.*?</(?:script|template)>|<[^>]+>", re.DOTALL)


def words(answer):
    """The text of a page, without markup."""
    return re.sub(r"\s+", " ", html.unescape(TAGS.sub(" ", answer.text)))


def steps(answer):
    """The steps of the plan that a page shows."""
    plan = re.search(r'<ol class="plan">(.*?)</ol>', answer.text, re.DOTALL)
    return [] if plan is None else [words_of(item) for item in re.findall(r"<li>(.*?)</li>", plan[1], re.DOTALL)]


def words_of(text):
    return re.sub(r"\s+", " ", html.unescape(TAGS.sub(" ", text))).strip()


def carried(answer):
    """What the page of a plan sends with Publish: all that was typed, its own box for the reason as it stands."""
    found = re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)">|<input[^>]* name="(reason)"[^>]* value="([^"]*)"', answer.text
    )
    found = [(name or own, value or text) for name, value, own, text in found]
    return [(name, html.unescape(value)) for name, value in found]


def ticks(answer):
    """The ticks that a plan wants."""
    return [("confirm", html.unescape(value)) for value in re.findall(r'name="confirm" value="([^"]*)"', answer.text)]


def error_at(answer, control):
    """The sentences at a control of a form."""
    found = re.search(rf'data-field="{re.escape(control)}".*?(?=data-field="|</form>)', answer.text, re.DOTALL)
    return [] if found is None else [words_of(each) for each in re.findall(r'<p class="err">(.*?)</p>', found[0], re.DOTALL)]


class Builder:
    """An administrator at work: fills in a form, reads the plan, publishes."""

    def __init__(self, site, visitor):
        self.site, self.visitor = site, visitor

    @property
    def snapshot(self):
        return self.site.org.holder.newest()

    def get(self, url):
        return self.visitor.get(url)

    def plan(self, url, fields=None, **more):
        """Send a form; what comes back is the plan, or the form with its problems."""
        return self.visitor.post(url, fields, **more)

    def publish(self, url, fields=None, **more):
        """Send a form, read its plan and publish it as its page does."""
        shown = self.plan(url, fields, **more)
        assert shown.status_code == 200, words(shown)
        sent = [pair for pair in carried(shown) if pair[0] != "csrf_token"] + ticks(shown)
        answer = self.visitor.post(url, [*sent, ("publish", "1")])
        assert answer.status_code == 303, words(answer)
        return answer

    def publish_at_once(self, url, fields=None, **more):
        """Send a form with its button Publish."""
        answer = self.visitor.post(url, fields, publish="1", **more)
        assert answer.status_code == 303, words(answer)
        return answer


@pytest.fixture
def builder(site, admin):
    """An administrator in Setup."""
    admin.get("/setup")
    return Builder(site, admin)


# --- expression editors: they write nothing, so one org serves a whole file, on SQLite; that both databases read alike is told elsewhere

FORMULA = "object=deal&use=formula"
RULE = "object=deal&use=validation_rule"
CHOICE = "object=account&use=lookup_filter&record=deal"
COUNTED = "object=account&use=rollup_filter&relation=deal.account"


@pytest.fixture(scope="module")
def quiet_site(sqlite_databases):
    """One site for all the tests of a file."""
    url = sqlite_databases.copy("pages", pages.prepare)
    opened = pages.open_site(sqlite_databases.engine(url))
    yield opened
    opened.close()
    sqlite_databases.remove(url)


def a_builder(site, username):
    """Somebody in Setup."""
    visitor = site.visitor(username)
    visitor.get("/setup")
    return Builder(site, visitor)


def told(builder, source, about=FORMULA, **more):
    """What the editor of a place is told of an expression."""
    return builder.visitor.send(f"/setup/expressions/check?{about}", {"source": source, **more}).json
