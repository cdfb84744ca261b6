"""Facts about the pages of permission sets and profiles."""

from __future__ import annotations

DEAL = "/setup/permissions/sets/reader"


def document(site, path):
    return site.org.holder.newest().parsed[path]


def ticked(site, path, **changed):
    """What the form of a permission set sends: every object shown, its rights as they are, but for those changed."""
    held = document(site, path)
    sent = [("label.en", "Reader"), ("base_version", str(site.org.holder.newest().version)), ("publish", "1")]
    for name in site.org.holder.newest().objects:
        sent.append(("shown", name))
        rights = changed.get(name, held.get("objects", {}).get(name, {}).get("rights", ()))
        sent += [(f"rights.{name}", right) for right in rights]
    return sent


def test_the_list_names_sets_and_profiles_with_the_number_of_holders(admin):
    page = admin.get("/setup/permissions")
    assert page.status_code == 200
    assert "sales_rep" in page.text and "standard_user" in page.text


def test_the_matrix_shows_every_object_with_its_rights(admin):
    page = admin.get(DEAL).text
    assert 'name="rights.deal" value="read"' in page and 'name="rights.account" value="modify_all"' in page
    assert "/setup/permissions/sets/reader/fields/deal" in page


def test_rights_on_a_new_object_bring_its_fields_and_what_they_need(site, admin):
    admin.get(DEAL)
    answer = admin.post(DEAL, ticked(site, "permission_sets/reader.json", account=["edit"]))
    assert answer.status_code == 303, answer.text
    granted = document(site, "permission_sets/reader.json")["objects"]
    assert granted["account"] == {"rights": ["edit", "read"], "fields": {"city": "edit"}}
    assert granted["deal"]["fields"] == {"name": "read", "stage": "read"}


def test_the_plan_is_shown_first_and_leads_back_with_everything_typed(site, admin):
    admin.get(DEAL)
    sent = [each for each in ticked(site, "permission_sets/reader.json", account=["read"]) if each[0] != "publish"]
    plan = admin.post(DEAL, sent)
    assert plan.status_code == 200 and 'name="publish"' in plan.text
    back = admin.post(DEAL, [*sent, ("edit", "1")])
    assert 'name="rights.account" value="read" aria-label="Account: Read" checked' in back.text
    assert "account" not in document(site, "permission_sets/reader.json")["objects"]


def test_taking_every_right_on_an_object_takes_its_fields_too(site, admin):
    admin.get(DEAL)
    assert admin.post(DEAL, ticked(site, "permission_sets/reader.json", deal=[])).status_code == 303
    assert "deal" not in document(site, "permission_sets/reader.json")["objects"]


def test_the_levels_of_fields_are_published(site, admin):
    admin.get(f"{DEAL}/fields/deal")
    answer = admin.post(
        f"{DEAL}/fields/deal",
        [("shown", "stage"), ("shown", "amount"), ("level.stage", "none"), ("level.amount", "read"), ("publish", "1")],
    )
    assert answer.status_code == 303, answer.text
    assert document(site, "permission_sets/reader.json")["objects"]["deal"]["fields"] == {"name": "read", "amount": "read"}


def test_all_fields_are_set_at_once_without_publishing(site, admin):
    admin.get(f"{DEAL}/fields/deal")
    page = admin.post(f"{DEAL}/fields/deal", [("shown", "net"), ("shown", "amount"), ("all", "edit")]).text
    assert 'name="level.amount" value="edit" checked' in page and 'name="level.net" value="read" checked' in page
    assert "amount" not in document(site, "permission_sets/reader.json")["objects"]["deal"]["fields"]


def test_nobody_gives_a_right_they_do_not_hold(site, admin):
    admin.get(DEAL)
    sent = [*ticked(site, "permission_sets/reader.json"), ("setup_shown", "1"), ("setup", "manage_keys")]
    answer = admin.post(DEAL, sent)
    assert answer.status_code == 422
    assert "manage_keys" in answer.text and "setup" not in document(site, "permission_sets/reader.json")


def test_a_new_set_is_made_and_removed(site, admin):
    admin.get("/setup/permissions/sets/new")
    made = admin.post("/setup/permissions/sets/new", [("label.en", "Site visits"), ("publish", "1")])
    assert made.headers["Location"] == "/setup/permissions/sets/site_visits"
    assert admin.post("/setup/permissions/sets/site_visits/remove", {"publish": "1"}).status_code == 303
    assert "permission_sets/site_visits.json" not in site.org.holder.newest().parsed


def test_a_name_that_is_taken_is_told_at_the_name(admin):
    admin.get("/setup/permissions/sets/new")
    answer = admin.post("/setup/permissions/sets/new", [("label.en", "Other"), ("api_name", "reader"), ("publish", "1")])
    assert answer.status_code == 422 and 'value="Other"' in answer.text and "f-api_name" in answer.text


def test_the_rights_on_one_object_stand_side_by_side(admin):
    page = admin.get("/setup/objects/deal/permissions")
    assert page.status_code == 200 and "sets/sales_rep/fields/deal" in page.text


def test_the_pages_are_for_whom_manages_security(rep):
    for url in ("/setup/permissions", DEAL, f"{DEAL}/fields/deal", "/setup/objects/deal/permissions"):
        assert rep.get(url).status_code == 403


def test_rights_are_said_in_the_language_of_the_reader(site):
    assert "权限" in site.visitor("hans").get("/setup/permissions").text


def test_nobody_gives_a_right_on_an_object_or_field_that_they_do_not_hold(site, admin):
    admin.get(DEAL)
    refused = admin.post(DEAL, ticked(site, "permission_sets/reader.json", user=["read", "view_all", "delete"]))
    assert refused.status_code == 422 and "user.delete" in refused.text
    admin.get(f"{DEAL}/fields/user")
    refused = admin.post(f"{DEAL}/fields/user", [("shown", "manager"), ("level.manager", "edit"), ("publish", "1")])
    assert refused.status_code == 422 and "user.manager.edit" in refused.text
