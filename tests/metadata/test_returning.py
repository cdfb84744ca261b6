"""What is restored goes back to its places: layouts, views, rights, as far as these still exist."""

from __future__ import annotations

import pytest

from fieldstone.metadata.changes import Place
from fieldstone.metadata.returning import Taken, put_back
from tests.support.orgs import Org, obj

TEXT = {"type": "text", "label": "T"}
DEAL = obj("deal", {"amount": TEXT, "stage": TEXT, "note": TEXT})
PATH = "layouts/deal/main.json"


def layout(*sections):
    return {
        "kind": "page_layout",
        "object": "deal",
        "api_name": "main",
        "label": "Main",
        "tabs": [{"id": "t", "label": "T", "sections": [{"id": name, "items": list(items)} for name, *items in sections]}],
    }


def item(name, **more):
    return {"field": name, **more}


BEFORE = layout(("a", item("name"), item("amount", width=2), item("stage")), ("b", item("note")))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(layout(("a", item("name"), item("stage")), ("b", item("note"))), BEFORE, id="where it stood"),
        pytest.param(
            layout(("b", item("note")), ("a", item("stage"), item("name"))),
            layout(("b", item("note")), ("a", item("stage"), item("name"), item("amount", width=2))),
            id="after what stood before it, wherever that is now",
        ),
        pytest.param(layout(("a",)), layout(("a", item("amount", width=2))), id="into a section that is empty now"),
        pytest.param(layout(("b", item("note"))), None, id="nowhere, where its section is gone"),
        pytest.param(layout(("a", item("amount"))), None, id="nowhere, where it stands already"),
    ],
)
def test_an_item_of_a_layout(now, expected):
    removal = Taken(fields=frozenset({("deal", "amount")}), objects=frozenset(), before={PATH: BEFORE})
    changed = put_back({"objects/deal.json": DEAL, PATH: now}, [removal])
    assert changed.get(PATH) == expected


def test_a_document_that_is_gone_stays_gone():
    removal = Taken(fields=frozenset({("deal", "amount")}), objects=frozenset(), before={PATH: BEFORE})
    assert put_back({"objects/deal.json": DEAL}, [removal]) == {}


VIEW = {
    "kind": "list_view",
    "object": "deal",
    "api_name": "all",
    "label": "All",
    "columns": [{"field": "name"}, {"field": "amount"}, {"field": "stage"}],
    "sort": [{"field": "amount", "direction": "desc"}],
}
RIGHTS = {"kind": "permission_set", "api_name": "sales", "label": "Sales",
          "objects": {"deal": {"rights": ["create", "read", "edit"], "fields": {"amount": "edit", "stage": "read"}}}}  # fmt: skip


@pytest.fixture
def org(prepared) -> Org:
    """An org with deals, a layout, a view and rights that name the amount."""
    from tests.support.orgs import found

    def prepare(engine):
        found(engine)
        Org(engine).publish(DEAL, BEFORE, VIEW, RIGHTS)

    return Org(prepared("places of a field", prepare))


def without(name: str):
    return {**DEAL, "fields": {key: part for key, part in DEAL["fields"].items() if key != name}}


AMOUNT = Place(kind="field", object="deal", name="amount")


def test_a_restored_field_is_where_it_was_to_the_byte_and_the_plan_says_so(org):
    before = dict(org.snapshot.documents)
    gone = org.plan(without("amount"))
    org.publish_plan(gone)
    back = org.plan(restore=(AMOUNT,))
    assert (
        back.proposal.returned
        == gone.proposal.mentions
        == (
            "layouts/deal/main.json",
            "list_views/deal/all.json",
            "permission_sets/sales.json",
        )
    )
    assert "plan.restore_field" in [step.code for step in back.steps]
    org.publish_plan(back)
    assert dict(org.snapshot.documents) == before


def test_of_two_fields_removed_together_only_the_restored_one_comes_back(org):
    org.publish({**DEAL, "fields": {name: DEAL["fields"][name] for name in ("name", "note")}})
    org.publish(restore=(AMOUNT,))
    view = org.snapshot.find("list_view", "all", "deal")
    assert [column.field for column in view.columns] == ["name", "amount"]


def test_what_would_be_wrong_today_stays_away_and_hinders_nothing(org):
    org.publish(without("amount"))
    org.publish({**VIEW, "columns": [{"field": "name"}], "sort": [{"field": name} for name in ("name", "stage", "note")]})
    back = org.plan(restore=(AMOUNT,))  # a fourth field to sort by would be one too many
    assert back.refused == ()
    assert back.proposal.returned == ("layouts/deal/main.json", "permission_sets/sales.json")


def test_a_restored_object_is_named_again_where_it_was(org):
    app = {"kind": "app", "api_name": "crm", "label": "CRM", "items": [{"object": "deal"}, {"object": "account"}]}
    org.publish(obj("account"), app)
    before = dict(org.snapshot.documents)
    org.publish(remove=("objects/deal.json",))
    org.publish(restore=(Place(kind="object", name="deal"),))
    assert dict(org.snapshot.documents) == before
