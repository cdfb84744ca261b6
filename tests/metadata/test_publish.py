"""Publishing on both databases: what is live afterwards, what the tables are like, what records hold."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from sqlalchemy.exc import IntegrityError

from fieldstone.errors import Refused
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
