"""Publishing on both databases: what is live afterwards, what the tables are like, what records hold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from fieldstone import limits
from fieldstone.db.transaction import read, write
from fieldstone.errors import Refused
from fieldstone.metadata import versions
from fieldstone.metadata.documents import content_hash
from fieldstone.metadata.store import DEFINITION
from tests.support.orgs import Answer, Org, Place, found, obj, picklist

TEXT = {"type": "text", "label": "T"}
NUMBER = {"type": "number", "label": "N", "scale": 2}
NET = {"type": "formula", "label": "Net", "returns": "number", "scale": 1, "formula": "amount * 2"}


@pytest.fixture
def org(prepared) -> Org:
    return Org(prepared("founded", found))


@pytest.fixture
def deals(prepared) -> Org:
    """An org with 2,500 deals."""

    def prepare(engine):
        found(engine)
        org = Org(engine)
        org.publish(obj("deal", {"amount": NUMBER, "stage": picklist("open", "won")}))
        org.insert("deal", ({"name": f"Deal {i}", "amount": D(i) / 4, "stage": "won" if i % 2 else "open"} for i in range(2500)))

    return Org(prepared("deals", prepare))


def test_an_object_becomes_a_table_and_is_seen_by_another_process(org):
    other = Org(org.engine)
    assert other.snapshot.objects == {}
    org.publish(obj("deal", {"amount": NUMBER}))
    assert list(other.snapshot.object("deal").fields) == ["name", "amount"]
    assert org.differences() == ()


def test_every_type_has_its_columns_and_indexes(org):
    org.publish(
        obj("account", {"code": {"type": "auto_number", "label": "No.", "pattern": "A-{0000}"}}),
        obj(
            "deal",
            {
                "erp": {"type": "text", "label": "ERP", "external_id": True, "ignore_case": True},
                "account": {"type": "lookup", "label": "Account", "to": "account"},
                "again": {"type": "lookup", "label": "Deal", "to": "deal"},
                "email": {"type": "email", "label": "Mail", "indexed": True},
                "phone": {"type": "phone", "label": "Phone"},
                "web": {"type": "url", "label": "Web"},
                "notes": {"type": "long_text", "label": "Notes"},
                "rich": {"type": "rich_text", "label": "Rich"},
                "ok": {"type": "checkbox", "label": "OK"},
                "amount": {"type": "currency", "label": "A", "scale": 2},
                "share": {"type": "percent", "label": "S"},
                "day": {"type": "date", "label": "D", "indexed": True},
                "at": {"type": "datetime", "label": "At"},
                "stage": picklist("a", "b"),
                "tags": picklist("a", "b") | {"type": "multi_picklist"},
                "net": NET,
            },
            keys=[{"api_name": "one", "fields": ["account", "name"], "ignore_case": True}],
        ),
    )
    assert org.differences() == ()


def test_a_new_field_is_empty_for_old_records_and_costs_one_version(deals):
    before = deals.snapshot.version
    assert deals.publish(deals.with_fields("deal", extra=TEXT)) == before + 1
    assert set(deals.values("deal", "extra")) == {None}
    assert deals.differences() == ()


def test_a_constant_for_old_records_is_there_at_once(deals):
    pointer = "objects/deal.json#/fields/extra"
    before = deals.snapshot.version
    assert deals.publish(deals.with_fields("deal", extra=TEXT), answers={pointer: Answer(fill="it's %s")}) == before + 1
    assert set(deals.values("deal", "extra")) == {"it's %s"}


def test_an_expression_for_old_records_is_filled_before_the_field_appears(deals):
    pointer = "objects/deal.json#/fields/double"
    before = deals.snapshot.version
    assert deals.publish(deals.with_fields("deal", double=NUMBER), answers={pointer: Answer(fill="=amount * 2")}) == before + 2
    assert all(double == amount * 2 for amount, double in deals.values("deal", "amount", "double"))
    assert deals.differences() == ()


def test_a_stored_formula_is_filled(deals):
    deals.publish(deals.with_fields("deal", net=NET))
    assert deals.values("deal", "net")[:3] == [D("0.0"), D("0.5"), D("1.0")]
    deals.publish(deals.with_fields("deal", net=NET | {"formula": "amount + 0.04"}))
    assert deals.values("deal", "net")[:3] == [D("0.0"), D("0.3"), D("0.5")]
    assert deals.differences() == ()


def test_a_type_is_changed_into_a_new_column_and_the_old_values_stay(deals):
    deals.publish(deals.with_fields("deal", amount=TEXT))
    assert deals.values("deal", "amount")[:3] == ["0.00", "0.25", "0.50"]
    assert deals.snapshot.object("deal").fields["amount"].column == "amount_2"
    assert deals.differences() == ()


def test_values_that_do_not_fit_stop_the_plan_unless_somebody_says_what_becomes_of_them(deals):
    deals.publish(deals.with_fields("deal", extra=TEXT), answers={"objects/deal.json#/fields/extra": Answer(fill="ten")})
    with pytest.raises(Refused) as refused:
        deals.publish(deals.with_fields("deal", extra=NUMBER))
    assert [(p.code, p.params["rows"]) for p in refused.value.problems] == [("rows_do_not_fit", 2500)]
    version = deals.snapshot.version
    deals.publish(
        deals.with_fields("deal", stage={"type": "checkbox", "label": "S"}),
        answers={"objects/deal.json#/fields/stage": Answer(unfit="blank")},
    )
    assert deals.snapshot.version == version + 2
    assert set(deals.values("deal", "stage")) == {False}


def test_a_value_that_goes_is_replaced_in_every_record(deals):
    smaller = deals.with_fields("deal", stage=picklist("open", "done"))
    with pytest.raises(Refused) as refused:
        deals.publish(smaller)
    assert [(p.code, p.params["rows"], p.params["value"]) for p in refused.value.problems] == [("value_in_use", 1250, "won")]
    deals.publish(smaller, answers={"objects/deal.json#/fields/stage": Answer(replace={"won": "done"})})
    assert set(deals.values("deal", "stage")) == {"open", "done"}


def test_a_required_field_asks_about_blanks(deals):
    deals.publish(deals.with_fields("deal", extra=TEXT))
    required = deals.with_fields("deal", extra=TEXT | {"required": True})
    with pytest.raises(Refused) as refused:
        deals.publish(required)
    assert refused.value.problems[0].code == "rows_blank"
    pointer = "objects/deal.json#/fields/extra"
    deals.publish(required, answers={pointer: Answer(leave=True)})
    deals.publish(deals.with_fields("deal", extra=TEXT))
    deals.publish(required, answers={pointer: Answer(fill='="was " & name')})
    assert deals.values("deal", "extra")[1] == "was Deal 1"


def test_unique_is_refused_while_values_are_doubled(deals):
    deals.insert("deal", [{"name": "one", "amount": D(1)}, {"name": "none"}, {"name": "none"}])
    unique = deals.with_fields("deal", amount=NUMBER | {"unique": True})
    with pytest.raises(Refused) as refused:
        deals.publish(unique)
    assert [(p.code, p.params["rows"], p.pointer) for p in refused.value.problems] == [("rows_duplicate", 2, "/fields/amount")]
    assert deals.differences() == ()
    deals.publish(deals.with_fields("deal", erp=TEXT | {"unique": True}))
    assert deals.differences() == ()
    with pytest.raises(IntegrityError):
        deals.insert("deal", [{"name": "a", "erp": "1"}, {"name": "b", "erp": "1"}])


def test_a_removed_field_is_archived_and_comes_back_with_its_values(deals):
    amounts = deals.values("deal", "amount")
    deals.publish(deals.with_fields("deal", amount=None))
    assert "amount" not in deals.snapshot.object("deal").fields
    assert deals.differences() == ()
    deals.publish(restore=(Place(kind="field", object="deal", name="amount"),))
    assert deals.values("deal", "amount") == amounts
    assert deals.differences() == ()


def test_a_new_field_with_the_name_of_an_archived_one_is_another_field(deals):
    deals.publish(deals.with_fields("deal", amount=None))
    deals.publish(deals.with_fields("deal", amount=NUMBER))
    assert deals.snapshot.object("deal").fields["amount"].column == "amount_2"
    assert set(deals.values("deal", "amount")) == {None}
    assert deals.differences() == ()


def test_a_removed_object_is_archived_with_its_records(deals):
    names = deals.values("deal", "name")
    deals.publish(remove=("objects/deal.json",))
    assert deals.snapshot.objects == {}
    deals.publish(restore=(Place(kind="object", name="deal"),))
    assert deals.values("deal", "name") == names
    assert deals.differences() == ()


def test_a_snapshot_built_step_by_step_equals_one_built_cold(deals):
    deals.publish(deals.with_fields("deal", net=NET))
    deals.publish(obj("account"), deals.with_fields("deal", account={"type": "lookup", "label": "A", "to": "account"}, net=None))
    cold, warm = Org(deals.engine).snapshot, deals.snapshot
    assert cold.definitions == warm.definitions
    assert dict(cold.documents) == dict(warm.documents)
    assert set(cold.identities.every()) == set(warm.identities.every())


def removed_long_ago(org: Org) -> None:
    """Let everything archived be older than any snapshot that a page could still use."""
    with write(org.engine) as tx:
        tx.connection.execute(
            update(DEFINITION)
            .where(DEFINITION.c.archived_at.is_not(None))
            .values(archived_at=tx.now - timedelta(days=limits.ARCHIVE_DAYS + 1))
        )


def test_purging_waits_a_month_and_then_deletes_for_good(deals):
    deals.publish(deals.with_fields("deal", amount=TEXT))  # leaves a column behind
    deals.publish(deals.with_fields("deal", amount=None))
    purge = (Place(kind="field", object="deal", name="amount"),)
    with pytest.raises(Refused) as refused:
        deals.publish(purge=purge)
    assert refused.value.problems[0].code == "purge_too_early"
    removed_long_ago(deals)
    planned = deals.plan(purge=purge)
    assert [(step.code, step.reversible, step.rows) for step in planned.steps] == [("plan.purge_field", "no", 2500)]
    assert [problem.code for problem in planned.confirms] == ["cannot_be_undone"]
    deals.publish_plan(planned)
    assert deals.differences() == ()
    with pytest.raises(Refused):
        deals.publish(restore=purge)
    deals.publish(deals.with_fields("deal", amount=NUMBER))
    assert deals.snapshot.object("deal").fields["amount"].column == "amount_3"


def test_an_object_is_purged_with_its_records_and_what_pointed_at_it(deals):
    link = {"type": "lookup", "label": "Deal", "to": "deal"}
    deals.publish(obj("visit", {"deal": link}))
    deal = deals.values("deal", "id")[0]
    deals.insert("visit", [{"name": "v", "deal": deal}])
    with pytest.raises(Refused) as refused:
        deals.publish(remove=("objects/deal.json",))
    assert refused.value.problems[0].document == "objects/visit.json"
    deals.publish(deals.with_fields("visit", deal=None), remove=("objects/deal.json",))
    removed_long_ago(deals)
    deals.publish(purge=(Place(kind="object", name="deal"),))
    assert deals.differences() == ()
    deals.publish(purge=(Place(kind="field", object="visit", name="deal"),))
    assert deals.differences() == ()
    deals.publish(obj("deal"))
    assert deals.snapshot.object("deal").table == "deal_2"


def test_a_plan_of_two_who_changed_the_same_is_stale_and_of_others_goes_through(deals):
    stale = deals.plan(deals.with_fields("deal", one=TEXT))
    other = deals.plan(obj("account"))
    deals.publish(deals.with_fields("deal", two=TEXT))
    with pytest.raises(Refused) as refused:
        deals.publish_plan(stale)
    assert [(p.code, p.document) for p in refused.value.problems] == [("plan_stale", "objects/deal.json")]
    deals.publish_plan(other)
    assert set(deals.snapshot.objects) == {"deal", "account"}
    assert deals.differences() == ()


def test_a_document_based_on_an_older_text_is_stale(deals):
    seen = content_hash(deals.snapshot.parsed["objects/deal.json"])
    edited = deals.with_fields("deal", one=TEXT)
    deals.publish(deals.with_fields("deal", two=TEXT))
    assert [p.code for p in deals.plan(edited, based_on={"objects/deal.json": seen}).refused] == ["plan_stale"]


def test_a_set_with_a_problem_changes_nothing(deals):
    before, version = dict(deals.snapshot.documents), deals.snapshot.version
    broken = deals.with_fields("deal", one=TEXT, bad={"type": "lookup", "label": "L", "to": "nothing"})
    with pytest.raises(Refused):
        deals.publish(obj("account"), broken)
    for put in ({"kind": "nonsense"}, {}, {"kind": "object", "fields": []}, {"kind": "list_view", "api_name": "x"}):
        with pytest.raises(Refused):
            deals.publish(put)
    assert (dict(deals.snapshot.documents), deals.snapshot.version) == (before, version)
    assert deals.differences() == ()


def test_two_objects_that_point_at_each_other_are_added_at_once(org):
    org.publish(
        obj("egg", {"from": {"type": "lookup", "label": "From", "to": "hen"}}),
        obj("hen", {"egg": {"type": "lookup", "label": "Egg", "to": "egg"}}),
    )
    assert org.differences() == ()


def test_names_that_databases_keep_for_themselves_are_free_for_objects_and_fields(org):
    org.publish(obj("order", {"select": TEXT, "group": NUMBER}), obj("fs_version"), obj("user", {"table": TEXT}))
    assert org.differences() == ()
    assert org.snapshot.object("fs_version").table == "o_fs_version"


def test_wider_numbers_and_shorter_texts_stay_in_their_column(deals):
    deals.publish(deals.with_fields("deal", amount=NUMBER | {"precision": 18}, name=TEXT | {"length": 20}))
    assert deals.snapshot.object("deal").fields["amount"].column == "amount"
    assert deals.differences() == ()
    with pytest.raises(Refused) as refused:
        deals.publish(deals.with_fields("deal", amount=NUMBER | {"precision": 4}, name=TEXT | {"length": 8}))
    assert [(p.code, p.pointer, p.params["rows"]) for p in refused.value.problems] == [
        ("rows_do_not_fit", "/fields/name", 1500),
        ("rows_do_not_fit", "/fields/amount", 2100),
    ]
    deals.publish(deals.with_fields("deal", amount=NUMBER | {"precision": 10}))
    assert deals.differences() == ()


def test_a_removed_field_goes_from_views_and_comes_back_to_its_place(deals):
    view = {
        "kind": "list_view",
        "object": "deal",
        "api_name": "all",
        "label": "All",
        "columns": [{"field": "name"}, {"field": "amount"}, {"field": "stage"}],
    }
    deals.publish(view)
    before = dict(deals.snapshot.documents)
    planned = deals.plan(deals.with_fields("deal", amount=None))
    assert planned.proposal.mentions == ("list_views/deal/all.json",)
    version = deals.publish_plan(planned)
    assert [column.field for column in deals.snapshot.find("list_view", "all", "deal").columns] == ["name", "stage"]
    with read(deals.engine) as tx:
        back = versions.undo(tx.connection, deals.holder.current(tx.connection), version)
    deals.publish_plan(deals.plan(*back.put, restore=back.restore, undoes=version))
    assert dict(deals.snapshot.documents) == before
