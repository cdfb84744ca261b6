"""Users: made, changed, let go; nobody grants what they do not hold."""

from __future__ import annotations

import pytest

from fieldstone.auth import principals, sessions, tokens, users
from fieldstone.db.transaction import read, write
from fieldstone.errors import NotAllowed, Refused
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal
from tests.support import pages

PLATFORM = Principal.internal("test")


@pytest.fixture
def site(prepared):
    opened = pages.open_site(prepared("pages", pages.prepare))
    yield opened
    opened.close()


def person(site, username):
    with read(site.org.engine) as tx:
        from fieldstone.records.gate.people import load

        return load(tx.connection, site.user(username))


def test_a_new_user_gets_a_random_password_for_one_login(site):
    user, password = users.create_user(
        site.org.records, PLATFORM, {"name": "New", "username": "new", "profile": "standard_user", "active": True}
    )
    assert site.visitor().sign_in("new", password).headers["Location"] == "/password"
    assert site.get("user", user)["name"] == "New"


def test_an_administrator_makes_users_without_a_data_right_on_them(site):
    admin = person(site, "admin")
    user, _ = users.create_user(site.org.records, admin, {"name": "New", "username": "new", "profile": "administrator", "active": True})
    assert site.get("user", user)["created_by"].name == "Ada Admin"


@pytest.mark.parametrize(("profile", "sets"), [("administrator", ()), (None, ("sales_rep",))])
def test_who_manages_no_users_makes_none(site, profile, sets):
    values = {"name": "New", "username": "new", "active": True, "profile": profile or "standard_user"}
    with pytest.raises(NotAllowed):
        users.create_user(site.org.records, person(site, "rep"), values, permission_sets=sets)


def test_nobody_grants_a_right_they_do_not_hold(site):
    from fieldstone.metadata import publish
    from fieldstone.metadata.changes import ChangeSet
    from fieldstone.metadata.plan import plan
    from tests.support import worlds

    clerk = worlds.permission_set("user_clerk", {}, setup=["manage_users"])
    with read(site.org.engine) as tx:
        planned = plan(site.org.holder.current(tx.connection), ChangeSet(put=(clerk,)), tx.connection)
    publish.publish(site.org.engine, planned.require(), author=publish.Author(id=None), snapshots=site.org.holder)
    users.change_user(site.org.records, PLATFORM, site.user("reader"), {}, permission_sets=["reader", "user_clerk"])
    clerk_person = person(site, "reader")
    users.change_user(site.org.records, clerk_person, site.user("rep"), {"title": "Seller"})
    users.change_user(site.org.records, clerk_person, site.user("rep"), {}, permission_sets=["reader"])
    with pytest.raises(NotAllowed, match=r"account|deal"):
        users.change_user(site.org.records, clerk_person, site.user("rep"), {}, permission_sets=["sales_rep"])
    with pytest.raises(NotAllowed):
        users.change_user(site.org.records, clerk_person, clerk_person.user_id, {"profile": "administrator"})


def test_names_that_are_no_rights_are_refused(site):
    with pytest.raises(Refused) as refused:
        users.change_user(site.org.records, PLATFORM, site.user("rep"), {"profile": "nothing"}, permission_sets=["nowhere"])
    assert [problem.code for problem in refused.value.problems] == ["unknown_name", "unknown_name"]


def test_the_last_who_manages_security_stays(site):
    users.change_user(site.org.records, PLATFORM, site.user("hans"), {"active": False})
    with pytest.raises(Refused) as refused:
        users.change_user(site.org.records, PLATFORM, site.user("admin"), {"active": False})
    assert refused.value.problems[0].code == "last_security_manager"
    assert site.get("user", site.user("admin"))["active"] is True


@pytest.mark.parametrize("change", ["delete", "deactivate"])
def test_no_save_of_a_record_takes_the_last_one_either(site, change):
    users.change_user(site.org.records, PLATFORM, site.user("hans"), {"active": False})
    values = {"active": False} if change == "deactivate" else {}
    action = "delete" if change == "delete" else "update"
    with pytest.raises(Refused) as refused:
        site.org.records.save(PLATFORM, [Change(object="user", action=action, id=site.user("admin"), values=values)])
    assert refused.value.problems[0].code == "last_security_manager"
    site.org.records.save(PLATFORM, [Change(object="user", action="delete", id=site.user("rep"))])


def test_nobody_resets_the_password_of_who_holds_more(site):
    from fieldstone.metadata import publish
    from fieldstone.metadata.changes import ChangeSet
    from fieldstone.metadata.plan import plan
    from tests.support import worlds

    clerk = worlds.permission_set("user_clerk", {}, setup=["manage_users"])
    with read(site.org.engine) as tx:
        planned = plan(site.org.holder.current(tx.connection), ChangeSet(put=(clerk,)), tx.connection)
    publish.publish(site.org.engine, planned.require(), author=publish.Author(id=None), snapshots=site.org.holder)
    users.change_user(site.org.records, PLATFORM, site.user("reader"), {}, permission_sets=["reader", "user_clerk"])
    clerk_person = person(site, "reader")
    for stronger in ("admin", "rep"):
        with pytest.raises(NotAllowed):
            users.reset_password(site.org.records, clerk_person, site.user(stronger))
    with pytest.raises(NotAllowed):  # who manages no users resets nobody's, not even a weaker one's
        users.reset_password(site.org.records, person(site, "rep"), site.user("reader"))
    users.reset_password(site.org.records, person(site, "admin"), site.user("rep"))


def test_a_revoked_right_is_gone_at_the_next_request(site):
    rep = site.visitor("rep")
    assert rep.get("/o/deal").status_code == 200
    users.change_user(site.org.records, PLATFORM, site.user("rep"), {}, permission_sets=[])
    assert rep.get("/o/deal").status_code == 404


def test_deactivating_ends_sessions_and_tokens(site):
    user = site.user("rep")
    with write(site.org.engine) as tx:
        session = sessions.begin(tx, user, address=None, agent=None)
        _, token = tokens.create(tx, user, name="t", scopes=["records:read"], by=user)
    with read(site.org.engine) as tx:
        assert principals.of_session(tx.connection, session).principal.name == "Rita Rep"
        assert principals.of_token(tx.connection, token).principal.scopes == {"records:read"}
    users.change_user(site.org.records, PLATFORM, user, {"active": False})
    users.change_user(site.org.records, PLATFORM, user, {"active": True})
    with read(site.org.engine) as tx:
        assert principals.of_session(tx.connection, session) is None
        assert principals.of_token(tx.connection, token) is None


def test_a_principal_is_loaded_in_one_statement(site):
    from sqlalchemy import event

    with write(site.org.engine) as tx:
        session = sessions.begin(tx, site.user("rep"), address=None, agent=None)
    seen = []
    event.listen(site.org.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    with read(site.org.engine) as tx:
        found = principals.of_session(tx.connection, session)
    assert found.principal.permission_sets == {"sales_rep"}
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1


@pytest.mark.parametrize("key", ["", "nonsense", "fst_nonsense", "\ud800", "x" * 5000])
def test_an_unknown_key_stands_for_nobody(site, key):
    with read(site.org.engine) as tx:
        assert principals.of_session(tx.connection, key) is None
        assert principals.of_token(tx.connection, key) is None
