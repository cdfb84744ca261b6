"""Packs are installed whole, in one publish, with their sample records; or nothing has happened."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, inspect, select

from fieldstone.auth.first_logins import first_logins
from fieldstone.db.transaction import read as reading
from fieldstone.errors import NotAllowed, Problem, Refused
from fieldstone.i18n.texts import word
from fieldstone.metadata import ownership, store
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan as plan_metadata
from fieldstone.metadata.publish import Author, publish
from fieldstone.packs import install, sample
from fieldstone.packs.plan import installed
from fieldstone.packs.read import SHIPPED, look_at_files, read_files, shipped
from fieldstone.records.principal import Principal
from fieldstone.records.query import Query
from tests.support.packs import BIKE, BIKES, files, furnish, opened, org_on

SYSTEM = Principal.internal("test")


@pytest.fixture
def org(database):
    return org_on(database)


@pytest.fixture
def furnished(prepared):
    """An org with the shipped packs and their sample records."""
    return opened(prepared("shipped packs", furnish))


@pytest.fixture
def with_crm(prepared):
    """An org with core and crm, without records."""
    return opened(prepared("core and crm", lambda engine: install.install(org_on(engine), ["core", "crm"], sample=False)))


def rows(engine, table):
    with reading(engine) as transaction:
        return transaction.connection.execute(select(table)).mappings().all()


def count(org, object_name, filter=None):
    with org.records.reading(SYSTEM) as gate:
        return gate.count(Query(object=object_name, filter=filter), None).value


def record_called(org, object_name, name):
    with org.records.reading(SYSTEM) as gate:
        (found,) = gate.read(Query(object=object_name, filter={"field": "name", "op": "eq", "value": name})).records
        return gate.get(object_name, found["id"])


# --- what comes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "names", [names for size in (0, 1, 2) for names in itertools.combinations(("sales", "service", "marketing"), size)]
)
def test_every_subset_of_the_shipped_packs_installs_alone(org, names):
    done = install.install(org, ["core", "crm", *names])
    assert set(done.packs) == {"core", "crm", *names}
    assert done.version == 1
    assert sum(done.records.values()) == sum(len(shipped(name).table(f"sample/{of}.csv")) for name in done.packs for of in done.records)


def test_all_shipped_packs_come_in_one_publish_with_their_sample(org):
    done = install.install(org, SHIPPED)
    assert done.packs == SHIPPED
    assert [row["pack"] for row in rows(org.engine, store.PUBLISH)] == [" ".join(SHIPPED)]
    assert done.records["opportunity"] == count(org, "opportunity") == 120
    assert len(rows(org.engine, sample.SAMPLE_RECORD)) == sum(done.records.values()) + len(done.people)


def test_what_a_pack_requires_comes_along(org):
    assert install.install(org, ["core", "sales"], sample=False).packs == ("core", "crm", "sales")


def test_a_second_install_finds_nothing_to_do(org):
    first = install.install(org, ["core", "crm"], sample=False)
    again = install.install(org, ["core", "crm"], sample=False)
    assert (again.packs, again.version) == ((), first.version)
    assert install.install(org, ["sales"], sample=False).packs == ("sales",)


def test_a_pack_is_recorded_with_what_it_said(with_crm):
    org = with_crm
    (crm,) = [row for row in rows(org.engine, store.PACK) if row["name"] == "crm"]
    pack = shipped("crm")
    assert (crm["version"], crm["manifest"], set(crm["documents"])) == ("1.0.0", pack.manifest.text, set(pack.documents))
    bases = {row["path"]: row["base"] for row in rows(org.engine, store.DEFINITION) if row["owner"] == "crm" and row["kind"] != "field"}
    assert {path: text.encode() for path, text in bases.items()} == {path: pack.files[path] for path in pack.documents}


def test_every_definition_belongs_to_the_pack_that_brought_it(org):
    install.install(org, SHIPPED, sample=False)
    snapshot = org.holder.newest()
    for name in SHIPPED:
        for path, document in shipped(name).documents.items():
            found = [each for each in snapshot.identities.values() if each.path == path]
            assert found, path
            assert {each.owner for each in found} == {name}, (path, document["kind"])
    assert rows(org.engine, ownership.OWNERSHIP) == []


def test_what_the_org_changes_in_a_pack_is_noted_leaf_by_leaf(with_crm):
    org = with_crm
    snapshot = org.holder.newest()
    document = dict(snapshot.parsed["objects/account.json"])
    document["icon"] = "factory"
    with reading(org.engine) as transaction:
        planned = plan_metadata(snapshot, ChangeSet(put=(document,)), transaction.connection)
    publish(org.engine, planned, author=Author(id=None, reason="We make things"), snapshots=org.holder)
    with reading(org.engine) as transaction:
        (decided,) = ownership.decisions(transaction.connection)
    assert (decided.document, decided.leaf, decided.owner, decided.reason) == ("objects/account.json", "/icon", "org", "We make things")


def test_a_pack_that_works_on_records_is_there_when_they_are_done(furnished):
    extension = {
        "kind": "object_extension",
        "object": "account",
        "api_name": "rent__fields",
        "fields": {
            "rent__twice": {
                "type": "formula",
                "label": "Twice",
                "returns": "number",
                "scale": 0,
                "formula": "employees * 2",
                "indexed": True,
            },
            "rent__people": {
                "type": "roll_up",
                "label": "People",
                "relation": "contact.account",
                "function": "count",
                "declassified": {"reason": "A head count tells nothing of anybody"},
            },
        },
    }
    pack = read_files(files({**BIKES, "extensions/account/rent__fields.json": extension}, requires={"crm": "^1.0"}))
    done = install.install(furnished, ["rental"], offered=install.at_hand(pack))
    assert installed_in(furnished)["rental"] == pack.manifest.version
    assert [row["publish"] for row in rows(furnished.engine, store.PACK) if row["name"] == "rental"] == [done.version]
    account = record_called(furnished, "account", "Alder Bay Logistics")
    assert account["rent__twice"] == 120
    assert account["rent__people"] == count(furnished, "contact", 'account.name = "Alder Bay Logistics"')
    assert furnished.holder.newest().object("account").field("rent__twice").owner == "rental"


# --- what does not --------------------------------------------------------------------------------------------------------------


def test_a_broken_pack_is_refused_with_all_its_problems_and_nothing_changes(with_crm):
    org = with_crm
    before = (inspect(org.engine).get_table_names(), rows(org.engine, store.VERSION), rows(org.engine, store.PACK))
    rule = {"kind": "validation_rule", "object": "rent__bike", "api_name": "rent__gears", "label": "Gears", "message": "No gears."}
    layout = {"kind": "page_layout", "object": "rent__bike", "api_name": "rent__main", "label": "Main", "tabs": []}
    section = {"id": "all", "label": "All", "items": [{"field": "brand"}]}
    broken = {
        **BIKES,
        "objects/rent__bike.json": {**BIKE, "fields": {**BIKE["fields"], "rent__of": {"type": "lookup", "label": "Of", "to": "nobody"}}},
        "validation_rules/rent__bike/rent__gears.json": {**rule, "error_when": "gers > 3"},
        "layouts/rent__bike/rent__main.json": {**layout, "tabs": [{"id": "main", "label": "Main", "sections": [section]}]},
        "queues/rent__desk.json": {"kind": "queue", "api_name": "rent__desk", "label": "Desk", "objects": ["rent__bike"], "colour": "red"},
    }
    with pytest.raises(Refused) as refused:
        install.install(org, ["rental"], offered=install.at_hand(read_files(files(broken))))
    assert refused.value.code == "pack_invalid"
    assert {(problem.document, problem.pointer) for problem in refused.value.problems} == {
        ("objects/rent__bike.json", "/fields/rent__of/to"),
        ("validation_rules/rent__bike/rent__gears.json", "/error_when"),
        ("layouts/rent__bike/rent__main.json", "/tabs/0/sections/0/items/0/field"),
        ("queues/rent__desk.json", "/colour"),
    }
    assert before == (inspect(org.engine).get_table_names(), rows(org.engine, store.VERSION), rows(org.engine, store.PACK))
    for problem in refused.value.problems:
        assert word(problem, "en") != problem.code


@pytest.mark.parametrize(
    ("requires", "found"),
    [
        (
            {},
            {
                ("objects/rent__bike.json", "unknown_name"),
                ("rulez/gears.json", "pack_unknown_file"),
                ("queues/rent__desk.json", "unknown_key"),
            },
        ),
        (
            {"nowhere": "*"},
            {("", "requires_missing"), ("rulez/gears.json", "pack_unknown_file"), ("queues/rent__desk.json", "unknown_key")},
        ),
    ],
)
def test_a_fault_of_files_or_a_missing_pack_hides_no_fault_of_a_document(with_crm, requires, found):
    broken = {
        **BIKES,
        "objects/rent__bike.json": {**BIKE, "fields": {**BIKE["fields"], "rent__of": {"type": "lookup", "label": "Of", "to": "nobody"}}},
        "queues/rent__desk.json": {"kind": "queue", "api_name": "rent__desk", "label": "Desk", "objects": ["rent__bike"], "colour": "red"},
        "rulez/gears.json": {"kind": "validation_rule"},
    }
    pack = look_at_files(files(broken, requires=requires))
    planned = install.plan(with_crm, ["rental"], offered=install.at_hand(pack))
    assert {(problem.document or "", problem.code) for problem in planned.refused} == found
    with pytest.raises(Refused):
        planned.require()


def test_of_several_packs_none_comes_if_one_is_broken(org):
    install.install(org, ["core"], sample=False)
    broken = read_files(files({"objects/rent__bike.json": {**BIKE, "name_field": "title"}}))
    with pytest.raises(Refused):
        install.install(org, ["crm", "rental"], offered=install.at_hand(broken))
    assert list(installed_in(org)) == ["core"]


def installed_in(org):
    with reading(org.engine) as transaction:
        return installed(transaction.connection)


def test_a_name_that_somebody_else_has_taken_is_not_overwritten(with_crm):
    org = with_crm
    own = {"kind": "queue", "api_name": "frontline", "label": "Ours", "objects": ["lead"]}
    with reading(org.engine) as transaction:
        planned = plan_metadata(org.holder.newest(), ChangeSet(put=(own,)), transaction.connection)
    publish(org.engine, planned, author=Author(id=None), snapshots=org.holder)
    with pytest.raises(Refused) as refused:
        install.install(org, ["service"])
    (problem,) = refused.value.problems
    assert (problem.code, problem.document, problem.params["owner"]) == ("pack_name_taken", "queues/frontline.json", "org")


def test_a_sample_that_does_not_fit_is_refused_before_the_pack_is_there(org):
    install.install(org, ["core"], sample=False)
    pack = read_files(files({**BIKES, "sample/rent__bike.csv": b"$id,name,gears,wheels\nb1,Red,x,2\nb2,,3,2\n"}))
    with pytest.raises(Refused) as refused:
        install.install(org, ["rental"], offered=install.at_hand(pack))
    assert {(problem.code, problem.field) for problem in refused.value.problems} == {("unknown_field", "wheels")}
    assert list(installed_in(org)) == ["core"]


def test_a_sample_that_leans_on_another_says_so_once_a_column(with_crm):
    org = with_crm
    with pytest.raises(Refused) as refused:
        install.install(org, ["marketing"])
    assert {(problem.code, problem.document, problem.field) for problem in refused.value.problems} == {
        ("sample_reference", "sample/campaign_member.csv", "contact"),
        ("sample_reference", "sample/campaign_member.csv", "lead"),
    }
    assert "crm" in installed_in(org)
    assert "marketing" not in installed_in(org)


def test_records_that_rules_refuse_leave_the_pack_and_no_record(org):
    install.install(org, ["core"], sample=False)
    pack = read_files(files({**BIKES, "sample/rent__bike.csv": b"$id,name,gears\nb1,Red,7\nb2,Blue,x\nb3,,3\n"}))
    done = install.install(org, ["rental"], offered=install.at_hand(pack))
    assert {problem.pointer for problem in done.problems} == {"/b2/gears", "/b3/name"}
    assert list(installed_in(org)) == ["core", "rental"]
    assert count(org, "rent__bike") == 0


def test_a_plan_that_others_overtook_is_made_again(org):
    install.install(org, ["core"], sample=False)
    planned = install.plan(org, ["crm"])
    install.install(org, ["rental"], sample=False, offered=install.at_hand(read_files(files())))
    assert install.apply(org, planned, sample=False).packs == ("crm",)


def test_installing_takes_the_rights_of_who_installs(org):
    install.install(org, ["core"], sample=False)
    clerk = Principal(kind="user", user_id=None, name="Clerk", profile="standard_user")
    problems = install.plan(org, ["crm"], author=clerk).refused
    assert {problem.params["right"] for problem in problems if problem.code == "right_missing"} >= {"manage_packs", "customize"}
    keeper = Principal(kind="user", user_id=None, name="Keeper", profile="administrator")
    assert install.plan(org, ["crm"], author=keeper).refused == ()


# --- sample records -------------------------------------------------------------------------------------------------------------


def test_sample_records_look_as_if_the_org_had_been_at_work(furnished):
    with furnished.records.reading(SYSTEM) as gate:
        (newest,) = gate.read(Query(object="lead", select=("created_at",), sort=(), limit=1)).records
        deal = gate.read(Query(object="opportunity", filter='stage = "won"', limit=1)).records[0]
    now = datetime.now(UTC)
    assert newest["created_at"] < now - timedelta(hours=1)
    assert deal["created_by"].id == deal["owner"].id
    assert deal["created_at"] < now - timedelta(days=1)


def test_sample_people_own_records_and_cannot_sign_in(furnished):
    with furnished.records.reading(SYSTEM) as gate:
        people = gate.read(Query(object="user", limit=200)).records
    assert len(people) == 12
    assert {person["username"] for person in people} == {None}
    priya = furnished.records.principal(next(person["id"] for person in people if person["name"] == "Priya Raman"))
    assert (priya.role, priya.permission_sets) == ("sales_rep", {"crm_edit", "sales_rep"})


def test_people_are_members_of_their_queues(furnished):
    nadia = furnished.records.principal(record_called(furnished, "user", "Nadia Kovac")["id"])
    frontline = furnished.holder.newest().find("queue", "frontline")
    assert frontline.id in nadia.queues
    with furnished.records.reading(nadia) as gate:
        assert gate.count(Query(object="case", filter="owner = $User.Id"), None).value == 66


def test_records_wait_for_approval_in_the_sample(furnished):
    marco = furnished.records.principal(record_called(furnished, "user", "Marco Bellini")["id"])
    assert {(task.process, task.submitter_name) for task in furnished.panels.open_tasks(marco)} == {
        ("quote_discount", "Priya Raman"),
        ("quote_discount", "Tomás Herrera"),
    }


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_a_chinese_org_gets_chinese_sample_records(database, language):
    org = org_on(database, language=language)
    install.install(org, ["core", "crm"])
    assert record_called(org, "user", "林悦")["title"]
    assert record_called(org, "account", "桤湾物流")["tax_id"] == "TX-91758617"


def test_a_pack_finds_the_sample_of_one_that_came_before(org):
    install.install(org, ["core", "crm"])
    done = install.install(org, ["marketing"])
    assert done.records["campaign_member"] == 216
    assert len({row["record"] for row in rows(org.engine, sample.SAMPLE_RECORD) if row["object"] == "user"}) == 12


def test_persons_can_be_users_who_are_there(with_crm):
    org = with_crm
    (me,) = org.records.save(SYSTEM, [create_user("Me")])
    with reading(org.engine) as transaction:
        assert transaction.connection.scalar(select(func.count()).select_from(sample.SAMPLE_RECORD)) == 0
    loaded = sample.load(org.records, org.approvals.notices, [shipped("crm")], people={"p-priya": me.id})
    assert loaded.people["p-priya"] == me.id
    with org.records.reading(org.records.principal(me.id)) as gate:
        assert gate.count(Query(object="account"), None).value == 15


def create_user(name):
    from fieldstone.records.changes import Change

    return Change(object="user", action="create", values={"name": name, "active": True})


def test_first_logins_let_four_people_in(furnished):
    people = {row["key"]: row["record"] for row in rows(furnished.engine, sample.SAMPLE_RECORD) if row["object"] == "user"}
    made = first_logins(furnished.records, people)
    assert [login.username for login in made] == ["admin", "marco", "priya", "nadia"]
    assert [login.name for login in made] == ["Administrator", "Marco Bellini", "Priya Raman", "Nadia Kovac"]
    assert len({login.password for login in made}) == 4
    admin = furnished.records.principal(record_called(furnished, "user", "Administrator")["id"])
    with furnished.records.reading(admin) as gate:
        assert gate.count(Query(object="opportunity"), None).value == 120
        assert gate.rights.setup("modify_all_data")


def test_stamps_are_for_who_may_import_and_change_all(furnished):
    from fieldstone.records.changes import Change

    priya = furnished.records.principal(record_called(furnished, "user", "Priya Raman")["id"])
    stamps = {"created_at": datetime(2020, 1, 1, tzinfo=UTC)}
    with pytest.raises((Refused, NotAllowed)):
        furnished.records.save(priya, [Change(object="account", action="create", values={"name": "Old"}, options={"stamps": stamps})])


def test_problems_of_packs_have_words_in_every_language():
    for language in ("en", "zh-Hans", "zh-Hant"):
        said = word(Problem(code="requires_missing", params={"by": "sales", "pack": "crm", "range": "^1.0"}), language)
        assert "sales" in said
        assert "^1.0" in said
