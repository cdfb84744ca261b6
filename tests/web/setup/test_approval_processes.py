"""Facts about the designer of approval processes."""

from __future__ import annotations

import html
import re

NEW = "/setup/objects/deal/approvals/new"
PATH = "approval_processes/deal/approval_of_deal.json"


def hidden(page):
    """The hidden fields that the designer carries from click to click."""
    found = dict(re.findall(r'<input type="hidden" name="(document|at|panel|base_version)" value="([^"]*)"', page))
    return {name: html.unescape(value) for name, value in found.items()}


def document(site, path=PATH):
    return site.org.holder.newest().parsed[path]


def press(admin, url, page, button, *typed):
    """Send the designer as shown, with one button pressed."""
    carried = hidden(page)
    if carried["panel"] == "start" and not typed:
        typed = START[1:]
    return admin.post(url, [*carried.items(), ("label.en", "Approval of deal"), ("do", button), *typed]).text


def published(admin, page, *typed, url=NEW):
    return admin.post(url, [*hidden(page).items(), ("label.en", "Approval of deal"), ("publish", "1"), *typed])


# what the panel of the start sends
START = [("panel", "start"), ("submitters", "owner"), ("evidence", "name"), ("evidence", "amount"), ("active", "1"), ("lock", "full")]


def start(page, *more):
    """The panel of the start, as it is sent."""
    return {**hidden(page), "at": "start"}.items(), [*START, *more]


def test_a_process_begins_with_the_manager_and_is_published_at_once(site, admin):
    page = admin.get(NEW).text
    assert "Manager of who submits" in page
    carried, panel = start(page)
    answer = admin.post(NEW, [*carried, *panel, ("label.en", "Approval of deal"), ("publish", "1")])
    assert answer.status_code == 303, answer.text
    made = document(site)
    assert made["nodes"][0]["approvers"] == [{"manager_of": "submitter"}] and made["evidence"] == ["amount", "name"]
    assert answer.headers["Location"] == "/setup/objects/deal/approvals/approval_of_deal"
    assert admin.get("/setup/approvals").text.count("approval_of_deal") >= 1


def test_the_plan_is_shown_first(site, admin):
    page = admin.get(NEW).text
    carried, panel = start(page)
    plan = admin.post(NEW, [*carried, *panel, ("label.en", "Approval of deal")])
    assert plan.status_code == 200 and 'name="publish"' in plan.text and PATH not in site.org.holder.newest().parsed


def test_a_node_is_inserted_filled_and_kept_from_click_to_click(site, admin):
    page = press(admin, NEW, admin.get(NEW).text, "insert:approve:1")
    assert hidden(page)["at"] == "1"
    rep = ("source.0.who", "user:rep")
    other = ("source.1.who", "field:owner")
    panel = [
        ("node_label.en", "Second look"),
        rep,
        other,
        ("mode", "all"),
        ("on_empty", "reject"),
        ("when", "amount > 1000"),
        ("transfer", "0"),
    ]
    page = press(admin, NEW, page, "select:start", *panel)
    assert "Second look" in page and "everyone must agree" in page
    assert published(admin, page, *START[1:]).status_code == 303
    node = document(site)["nodes"][1]
    assert node["approvers"] == [{"user": "rep"}, {"field": "owner"}]
    assert (node["mode"], node["on_empty"], node["when"], node["can"]) == ("all", "reject", "amount > 1000", {"transfer": False})


def test_a_branch_gets_conditions_and_nodes_of_its_ways(site, admin):
    page = press(admin, NEW, admin.get(NEW).text, "insert:branch:1")
    page = press(admin, NEW, page, "insert:approve:1.0.0", ("way.0", "amount > 5000"))
    assert hidden(page)["at"] == "1.0.0"
    page = press(admin, NEW, page, "select:start", ("source.0.who", "user:admin"), ("on_empty", "admins"), ("mode", "any"))
    assert "amount &gt; 5000" in page and "otherwise" in page
    assert published(admin, page, *START[1:]).status_code == 303
    branch = document(site)["nodes"][1]
    assert branch["branches"][0]["nodes"][0]["approvers"] == [{"user": "admin"}] and branch["branches"][1] == {"else": True, "nodes": []}


def test_actions_and_guarded_values_are_kept(site, admin):
    page = admin.get(NEW).text
    page = press(admin, NEW, page, "select:actions.approved", *START[1:], ("guarded.0.field", "stage"), ("guarded.0.values", "won"))
    page = press(admin, NEW, page, "step:update")
    page = press(admin, NEW, page, "select:start", ("step.0.shown", "1"), ("step.0.set.0.field", "stage"), ("step.0.set.0.value", "won"))
    answer = published(admin, page, *START[1:], ("guarded.0.field", "stage"), ("guarded.0.values", "won"))
    assert answer.status_code == 303, answer.text
    made = document(site)
    assert made["actions"]["approved"][0]["set"] == {"stage": "won"} and made["guarded"] == [{"field": "stage", "values": ["won"]}]


def test_the_owner_stays_who_may_submit_from_click_to_click(admin):
    page = press(admin, NEW, press(admin, NEW, admin.get(NEW).text, "select:0"), "select:start", ("panel", "0"))
    assert re.search(r'name="submitters" value="owner" checked', page)


def test_nodes_move_and_go(admin):
    page = press(admin, NEW, admin.get(NEW).text, "insert:cc:0")
    assert page.index("1 · Tell people") < page.index("2 · Manager")
    page = press(admin, NEW, page, "down:0")
    assert page.index("1 · Manager") < page.index("2 · Tell people")
    page = press(admin, NEW, page, "remove:1")
    assert "Tell people</b>" not in page


def test_what_is_wrong_opens_its_panel_and_keeps_everything(site, admin):
    page = press(admin, NEW, admin.get(NEW).text, "insert:approve:1")
    answer = published(admin, page, ("source.0.who", "user:rep"), ("on_empty", "admins"), ("mode", "any"), ("when", "amout > 3"))
    assert answer.status_code == 422
    assert hidden(answer.text)["at"] == "1" and "amout &gt; 3" in answer.text and 'value="Approval of deal"' in answer.text
    assert PATH not in site.org.holder.newest().parsed


def test_a_form_that_cannot_be_read_is_said_so(admin):
    admin.get(NEW)
    assert admin.post(NEW, [("document", "{"), ("publish", "1")]).status_code == 422


def test_a_record_goes_the_way_that_was_designed(site, admin):
    page = admin.get(NEW).text
    carried, panel = start(page)
    assert admin.post(NEW, [*carried, *panel, ("label.en", "Approval of deal"), ("publish", "1")]).status_code == 303
    rep_id, admin_id = site.user("rep"), site.user("admin")
    admin.post(
        f"/setup/users/{rep_id}",
        {"name": "Rita Rep", "username": "rep", "profile": "standard_user", "permission_sets": ["sales_rep"], "manager": admin_id},
    )
    rep = site.visitor("rep")
    deal = site.create("deal", name="Line 4", stage="open", owner=rep_id)
    assert "Approval of deal" in rep.get(f"/o/deal/{deal}").text or "submit" in rep.get(f"/o/deal/{deal}").text.lower()


def test_the_pages_are_for_whom_manages_automation(rep):
    for url in ("/setup/approvals", NEW, "/setup/objects/deal/approvals"):
        assert rep.get(url).status_code == 403


def steps_of(page):
    """The titles of the nodes in the diagram, in order."""
    return re.findall(r"<b>([\d.]+ · [^<]+)</b>", page)


def past(page):
    return [("past", html.unescape(each)) for each in re.findall(r'<input type="hidden" name="past" value="([^"]*)"', page)]


def test_undo_goes_back_step_by_step(admin):
    first = admin.get(NEW).text
    assert 'value="undo"' in first and past(first) == []
    second = press(admin, NEW, first, "insert:cc:1")
    third = press(admin, NEW, second, "insert:approve:2", *past(second), ("source.0.who", "manager_of:submitter"))
    assert len(steps_of(third)) == 3
    back = press(admin, NEW, third, "undo", *past(third))
    assert steps_of(back) == steps_of(second)
    back = press(admin, NEW, back, "undo", *past(back))
    assert steps_of(back) == steps_of(first)
    assert past(back) == []


def tried(admin, page, record, *typed):
    """Try a record, and return what is said and which cards are lit."""
    carried, panel = start(page, *typed)
    text = admin.post(NEW, [*carried, *panel, ("label.en", "Approval of deal"), ("do", "try"), ("try_record", record)]).text
    said = re.search(r'<div role="status"><div class="banner[^>]*>.*?<b>(.*?)</b>', text, re.DOTALL)[1]
    lit = re.findall(r'<button class="node lit".*?<b>[\d.]+ · ([^<]+)</b>.*?<small class="asked">.*?</svg>([^<]*)</small>', text, re.DOTALL)
    return html.unescape(said), lit


def test_a_record_is_tried_without_being_submitted(site, admin):
    deal = site.create("deal", name="Line 4", amount="500.00", owner=site.user("rep"))
    page = admin.get(NEW).text
    alone = "Submitted by Rita Rep. It cannot be submitted: nobody is found to decide."
    assert tried(admin, page, deal) == (alone, [("Manager", "nobody is found")])
    rita = {"name": "Rita Rep", "username": "rep", "profile": "standard_user", "permission_sets": ["sales_rep"]}
    admin.post(f"/setup/users/{site.user('rep')}", {**rita, "manager": site.user("admin")})
    agreed = "Submitted by Rita Rep. If everybody agrees, it ends approved."
    assert tried(admin, page, deal) == (agreed, [("Manager", "Ada Admin")])
    assert tried(admin, page, deal, ("criteria", "amount > 1000")) == ("The record does not meet the entry: it cannot be submitted.", [])
    assert tried(admin, page, "") == ("Choose a record first.", [])
    assert tried(admin, page, deal, ("criteria", "no_such_field"))[0].startswith("There is no field")
    assert PATH not in site.org.holder.newest().parsed
    assert site.get("deal", deal)["approval_status"] is None


def test_examples_of_the_entry_are_kept_with_the_process_and_run_by_the_plan(site, admin):
    examples = '[{"record": {"amount": "5.00"}, "expect": false}]'
    page = admin.get(NEW).text
    _, panel = start(page, ("criteria", "amount > 10"), ("examples", examples))
    assert published(admin, page, *panel).status_code == 303
    assert document(site)["examples"] == [{"record": {"amount": "5.00"}, "expect": False}]
    url = "/setup/objects/deal/approvals/approval_of_deal"
    page = admin.get(url).text
    assert html.unescape(re.search(r'name="examples"[^>]*>\s*([^<]*)<', page)[1]) == examples
    _, panel = start(page, ("criteria", "amount > 1"), ("examples", examples))
    refused = published(admin, page, *panel, url=url)
    assert refused.status_code == 422
    assert "Example 1 gives true, but false was expected." in html.unescape(refused.text[refused.text.index('id="f-examples-e"') :])
    _, panel = start(page, ("criteria", ""), ("examples", examples))
    assert published(admin, page, *panel, url=url).status_code == 303
    assert "examples" not in document(site), "they go along with what they are examples of"
