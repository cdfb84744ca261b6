"""Setup's home and what was published: found, compared, taken back."""

from __future__ import annotations

from tests.web.setup.conftest import steps, words

FIELD = {"type": "text", "label.en": "Rating", "reason": "Asked for by sales"}


def add_field(builder):
    builder.publish("/setup/objects/deal/fields/new", FIELD)
    return builder.snapshot.version


def test_the_list_says_who_published_what_and_why(builder):
    version = add_field(builder)
    text = words(builder.get("/setup/changes"))
    assert "Ada Admin" in text
    assert f"Version {version}" in text
    assert "Adds the field Rating to Deal." in text
    assert "Asked for by sales" in text


def test_a_publish_shows_its_changed_lines(builder):
    version = add_field(builder)
    text = builder.get(f"/setup/changes/{version}").text
    assert '<div class="add">+    &#34;rating&#34;: {' in text or '<div class="add">' in text
    assert "objects/deal.json" in text


def test_undo_of_a_toast_takes_the_publish_back_at_once(builder):
    version = add_field(builder)
    answer = builder.visitor.send(f"/setup/changes/{version}/undo", {}, Accept="application/json")
    assert answer.json["location"]
    assert "rating" not in builder.snapshot.object("deal").fields


def test_undo_on_the_page_shows_its_plan_first(builder):
    version = add_field(builder)
    shown = builder.plan(f"/setup/changes/{version}/undo")
    assert "Removes the field Rating" in steps(shown)[0]
    builder.publish(f"/setup/changes/{version}/undo")
    assert "rating" not in builder.snapshot.object("deal").fields


def test_after_undo_one_lands_where_something_still_is(builder, site):
    builder.publish_at_once("/setup/objects/deal/rules/new", {"label.en": "New", "error_when": "FALSE", "message.en": "No", "active": "1"})
    page = f"{site.address}/setup/objects/deal/rules/new_2"
    here = {"Accept": "application/json", "Referer": page.replace("new_2", "new")}
    answer = builder.visitor.send(f"/setup/changes/{builder.snapshot.version}/undo", {}, **here)
    assert answer.json["location"] in ("/setup/objects/deal/rules", "/setup/objects/deal/rules/new", "/")


def test_a_document_is_set_back_to_a_version(builder):
    version = builder.snapshot.version
    add_field(builder)
    builder.publish(f"/setup/changes/{version}/restore", path="objects/deal.json")
    assert "rating" not in builder.snapshot.object("deal").fields


def test_a_version_that_was_never_published_is_not_found(builder):
    assert builder.get("/setup/changes/9999").status_code == 404
    assert builder.plan("/setup/changes/9999/undo").status_code == 404


def test_home_finds_objects_fields_and_parts_by_label_and_name(builder):
    text = words(builder.get("/setup?q=amount"))
    assert "Amount Deal · amount" in text
    assert "won_needs_amount" in text
    assert "Nothing found" in words(builder.get("/setup?q=zebra"))


def test_home_shows_what_was_changed_lately(builder):
    add_field(builder)
    assert "Adds the field Rating to Deal." in words(builder.get("/setup"))


def test_setup_is_for_those_who_may(site, rep):
    assert rep.get("/setup").status_code == 403
    assert rep.get("/setup/changes").status_code == 403


def test_setup_speaks_the_readers_language(site):
    hans = site.visitor("hans")
    text = words(hans.get("/setup/objects/deal"))
    assert "字段" in text
    assert "商机" in text
    assert "验证" in text
