"""The second line of a suggestion tells records of equal names apart, wherever one chooses."""

from __future__ import annotations

import pytest


@pytest.fixture
def two(site):
    account = site.create("account", name="Kestrel", owner=site.user("rep"))
    for amount in (5, 7):
        site.create("deal", name="Battery", amount=amount, stage="won", account=account, owner=site.user("rep"))
    site.create("deal", name="Bare", owner=site.user("rep"), close_date=None)


def lines(answer) -> list[tuple[str, str]]:
    return [(each["text"], each["note"]) for each in answer.json["results"]]


def test_the_facts_of_the_highlight_panel_stand_below_the_name(two, admin):
    found = lines(admin.get("/setup/expressions/records?object=deal&q=bat"))
    assert [name for name, _line in found] == ["Battery", "Battery"]
    assert sorted(line.split(" · ")[0] for _name, line in found) == ["$5", "$7"]
    assert all("Won" in line for _name, line in found) is False  # the stage is the panel's path, which stands beside its facts


def test_owner_and_day_of_birth_tell_what_facts_do_not(site, two):
    site.create("account", name="Kestrel", owner=site.user("admin"))
    found = lines(site.visitor("admin").get("/o/deal/lookup/account?q=kes"))
    assert sorted(line.split(" · ")[0] for _name, line in found) == ["Ada Admin", "Rita Rep"]


def test_a_field_that_one_may_not_read_tells_nothing(site, two):
    (group,) = site.visitor("reader").get("/search?q=battery", Accept="application/json").json["groups"]
    assert all("$" not in each["line"] and "Kestrel" not in each["line"] for each in group["results"])


def test_palette_and_search_page_show_the_line_too(two, rep):
    (group,) = rep.get("/search?q=battery", Accept="application/json").json["groups"]
    assert sorted(each["line"].split(" · ")[0] for each in group["results"]) == ["$5", "$7"]
    (recent,) = rep.get("/search?q=", Accept="application/json").json["groups"] or [{"results": []}]
    assert all(each["line"] for each in recent["results"])
    assert "<small>$5 · " in rep.get("/search?q=battery").text


def test_people_are_told_apart_by_their_mail_address(rep):
    assert ("Rita Rep", "rep@example.com") in lines(rep.get("/people?q=rita"))
    assert lines(rep.get("/people?q=rep@example")) == [("Rita Rep", "rep@example.com")]
