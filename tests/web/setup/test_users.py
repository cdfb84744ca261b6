"""Facts about the pages of users, roles and queues."""

from __future__ import annotations

import re

from fieldstone.auth import members
from fieldstone.db.transaction import read

NEW = {"name": "Nia New", "username": "nia", "email": "nia@example.com", "profile": "standard_user"}


def make(admin, **more):
    """Create a user in the form and return (id, one-time password)."""
    admin.get("/setup/users/new")
    answer = admin.post("/setup/users/new", {**NEW, "permission_sets": ["sales_rep"], **more})
    assert answer.status_code == 200, answer.text
    password = re.search(r'<code class="secret">([^<]+)<', answer.text)
    found = re.search(r"/setup/users/([0-9a-f-]{36})", answer.text)
    assert password and found
    return found[1], password[1]


def holds(site, user_id):
    with read(site.org.engine) as tx:
        return members.sets_of(tx, user_id), members.queues_of(tx, user_id)


def test_users_are_found_by_part_of_their_name(admin):
    page = admin.get("/setup/users?q=rita").text
    assert "Rita Rep" in page and "Rob Reader" not in page


def test_a_new_user_signs_in_once_with_the_password_that_is_shown(site, admin):
    user_id, password = make(admin)
    assert holds(site, user_id)[0] == ("sales_rep",)
    answer = site.visitor().sign_in("nia", password)
    assert answer.status_code == 303 and answer.headers["Location"] != "/"


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(admin):
    admin.get("/setup/users/new")
    answer = admin.post("/setup/users/new", {**NEW, "username": "rep", "title": "Technician"})
    assert answer.status_code == 422
    assert 'href="#f-username"' in answer.text and 'value="Technician"' in answer.text


def test_a_user_is_changed_and_given_rights(site, admin):
    user_id, _ = make(admin)
    admin.get(f"/setup/users/{user_id}")
    answer = admin.post(
        f"/setup/users/{user_id}",
        {**NEW, "title": "Technician", "manager": site.user("admin"), "permission_sets": ["sales_rep", "reader"]},
    )
    assert answer.status_code == 303, answer.text
    user = site.get("user", user_id)
    assert user["title"] == "Technician" and user["manager"].name == "Ada Admin"
    assert holds(site, user_id)[0] == ("reader", "sales_rep")


def test_a_deactivated_user_is_out_at_the_next_request(site, admin, rep):
    user_id = site.user("rep")
    admin.get(f"/setup/users/{user_id}")
    assert admin.post(f"/setup/users/{user_id}/activate", {"active": "0"}).status_code == 303
    assert rep.get("/me").status_code in (303, 401)
    assert "Rita Rep" in admin.get("/setup/users?state=inactive").text


def test_resetting_a_password_ends_the_sessions(site, admin, rep):
    user_id = site.user("rep")
    admin.get(f"/setup/users/{user_id}")
    answer = admin.post(f"/setup/users/{user_id}/password")
    assert answer.status_code == 200 and 'class="secret"' in answer.text
    assert rep.get("/me").status_code in (303, 401)


def test_all_sessions_of_a_user_are_ended(site, admin, rep):
    user_id = site.user("rep")
    admin.get(f"/setup/users/{user_id}")
    assert admin.post(f"/setup/users/{user_id}/sessions").status_code == 303
    assert rep.get("/me").status_code in (303, 401)


def test_people_are_suggested_for_a_lookup(admin):
    found = admin.get("/setup/users/people?q=rita").get_json()
    assert [each["text"] for each in found["results"]] == ["Rita Rep"]


def test_a_role_is_made_below_another_and_given_to_a_user(site, admin):
    admin.get("/setup/roles/new")
    assert admin.post("/setup/roles/new", [("label.en", "Manager"), ("publish", "1")]).status_code == 303
    assert admin.post("/setup/roles/new", [("label.en", "Rep"), ("parent", "manager"), ("publish", "1")]).status_code == 303
    assert site.org.holder.newest().find("role", "rep").parent == "manager"
    page = admin.get("/setup/roles").text
    assert page.index("/setup/roles/manager") < page.index("/setup/roles/rep")
    make(admin, role="rep")
    assert "Nia New" in admin.get("/setup/roles/rep").text


def test_a_role_above_itself_is_refused_at_the_field(site, admin):
    admin.get("/setup/roles/new")
    admin.post("/setup/roles/new", [("label.en", "Manager"), ("publish", "1")])
    admin.post("/setup/roles/new", [("label.en", "Rep"), ("parent", "manager"), ("publish", "1")])
    answer = admin.post("/setup/roles/manager", [("label.en", "Manager"), ("parent", "rep"), ("publish", "1")])
    assert answer.status_code == 422 and site.org.holder.newest().find("role", "manager").parent is None


def test_a_queue_is_made_and_gets_members(site, admin):
    admin.get("/setup/queues/new")
    made = admin.post("/setup/queues/new", [("label.en", "Inbound"), ("objects", "deal"), ("publish", "1")])
    assert made.status_code == 303, made.text
    rep_id = site.user("rep")
    assert admin.post("/setup/queues/inbound/members", {"add": rep_id}).status_code == 303
    assert "Rita Rep" in admin.get("/setup/queues/inbound").text
    assert holds(site, rep_id)[1] == (site.org.holder.newest().find("queue", "inbound").id,)
    assert admin.post("/setup/queues/inbound/members", {"remove": rep_id}).status_code == 303
    assert holds(site, rep_id)[1] == ()


def test_the_pages_are_for_whom_manages_users_or_security(rep):
    for url in ("/setup/users", "/setup/users/new", "/setup/roles", "/setup/queues", "/setup/users/people"):
        assert rep.get(url).status_code == 403
