"""Which leaves of a pack's documents the org has decided, as the publish that changed them wrote it down."""

from __future__ import annotations

import pytest

from fieldstone.db.transaction import read
from fieldstone.metadata import ownership, versions
from fieldstone.metadata.leaves import changed_leaves, leaves
from fieldstone.metadata.plan import plan
from fieldstone.metadata.store import DEFINITION
from tests.support.orgs import Org, found, obj, picklist

TEXT = {"type": "text", "label": "T"}


@pytest.fixture
def org(prepared) -> Org:
    """An org with an object of the pack `sales`."""

    def prepare(engine):
        found(engine)
        deal = obj("deal", {"stage": picklist("open", "won")}, label={"en": "Deal", "zh-Hans": "商机"})
        Org(engine).publish(deal, owner="sales")

    return Org(prepared("ownership", prepare))


def decided(org: Org) -> list[tuple[str, str, int]]:
    with read(org.engine) as tx:
        return [(each.leaf, each.owner, each.publish) for each in ownership.decisions(tx.connection, "objects/deal.json")]


def base(org: Org) -> str | None:
    with read(org.engine) as tx:
        return (
            tx.connection.execute(DEFINITION.select().where(DEFINITION.c.path == "objects/deal.json", DEFINITION.c.kind == "object"))
            .one()
            .base
        )


def test_what_a_pack_brings_belongs_to_it_and_is_its_base(org):
    assert decided(org) == []
    assert base(org) == org.snapshot.documents["objects/deal.json"]
    assert {definition.owner for definition in (org.snapshot.object("deal"), *org.snapshot.object("deal").fields.values())} == {"sales"}


def test_a_leaf_the_org_changes_is_its_own_and_the_base_stays(org):
    before = base(org)
    changed = org.with_fields("deal", extra=TEXT) | {"label": {"en": "Chance", "zh-Hans": "商机"}}
    version = org.publish(changed)
    assert decided(org) == [("/fields/extra/label", "org", version), ("/fields/extra/type", "org", version), ("/label/en", "org", version)]
    assert base(org) == before
    assert org.snapshot.object("deal").fields["extra"].owner == "org"
    assert org.snapshot.object("deal").fields["stage"].owner == "sales"


def test_a_leaf_set_back_by_hand_stays_decided(org):
    first = org.document("objects/deal.json")
    org.publish(first | {"icon": "star"})
    version = org.publish(first)
    assert decided(org) == [("/icon", "org", version)]


def test_undo_gives_back_what_only_the_undone_publish_had_decided(org):
    version = org.publish(org.document("objects/deal.json") | {"icon": "star"})
    with read(org.engine) as tx:
        current = org.holder.current(tx.connection)
        planned = plan(current, versions.undo(tx.connection, current, version), tx.connection)
    org.publish_plan(planned)
    assert decided(org) == []


def test_the_pack_itself_leaves_no_rows_and_moves_its_base(org):
    org.publish(org.document("objects/deal.json") | {"icon": "star"}, owner="sales")
    assert decided(org) == []
    assert base(org) == org.snapshot.documents["objects/deal.json"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"icon": "star"}, ["/icon"], id="a value"),
        pytest.param({"label": {"en": "D", "zh-Hans": "商"}}, ["/label/en", "/label/zh-Hans"], id="a text in two languages"),
        pytest.param(
            {"fields": {"stage": picklist("won", "open")}},
            ["/fields/name/type", "/fields/name/label", "/fields/stage/values/#order"],
            id="a field gone and an order changed",
        ),
        pytest.param(
            {"keys": [{"api_name": "one", "fields": ["name", "stage"]}]},
            ["/keys/one/api_name", "/keys/one/fields", "/keys/#order"],
            id="something named in a list",
        ),
    ],
)
def test_leaves_are_named_by_keys_and_not_by_positions(change, expected):
    document = obj("deal", {"stage": picklist("open", "won")}, label={"en": "Deal", "zh-Hans": "商机"})
    assert [leaf.pointer for leaf in changed_leaves(document, document | change)] == expected


def test_every_leaf_of_a_layout_has_a_pointer_of_its_own():
    layout = {
        "kind": "page_layout",
        "object": "deal",
        "api_name": "main",
        "label": "Main",
        "tabs": [
            {
                "id": "a",
                "sections": [{"id": "s", "items": [{"field": "name", "width": 2}, {"component": "space"}, {"component": "space"}]}],
            },
            {"id": "b", "related_lists": [{"relation": "line.deal", "columns": ["name", "price"]}]},
        ],
    }
    found = leaves(layout)
    assert found["/tabs/a/sections/s/items/name/width"] == 2
    assert found["/tabs/a/sections/s/items/#order"] == ["name", "space", "space#2"]
    assert found["/tabs/b/related_lists/line.deal/columns/#order"] == ["name", "price"]
