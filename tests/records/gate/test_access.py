"""Object and field rights: grants add up, scopes narrow, formulas need their inputs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldstone.errors import NotAllowed, NotVisible
from fieldstone.records.gate.access import require_setup, rights
from fieldstone.records.principal import Principal
from tests.support.orgs import obj
from tests.support.worlds import built, core_document, permission_set, profile
from tests.support.worlds import rights as granted

ACCOUNT = obj("account", {"secret": {"type": "text", "label": "S"}, "open": {"type": "text", "label": "O"}})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "A", "to": "account"},
        "amount": {"type": "number", "label": "N"},
        "cost": {"type": "number", "label": "C"},
        "margin": {"type": "formula", "label": "M", "returns": "number", "formula": "amount - cost"},
        "twice": {"type": "formula", "label": "T", "returns": "number", "formula": "margin * 2"},
        "told": {
            "type": "formula",
            "label": "D",
            "returns": "number",
            "formula": "margin * 3",
            "declassified": {"reason": "everybody knows"},
        },
        "branch": {"type": "formula", "label": "B", "returns": "text", "formula": "account.secret"},
    },
)
PERMISSION = {"kind": "custom_permission", "api_name": "skip", "label": "Skip"}
ALL = ["account", "amount", "margin", "twice", "told", "branch"]
SNAPSHOT = built(
    [
        *(ACCOUNT, DEAL, PERMISSION, core_document("objects/user.json")),
        profile("base", {"deal": granted("read", read=ALL), "account": granted("read", read=["open"])}, setup=["view_setup"]),
        permission_set("costs", {"deal": granted("read", read=["cost"])}, permissions=["skip"]),
        permission_set("secrets", {"account": granted("read", read=["secret"])}),
        permission_set("writer", {"deal": granted("create", "edit", edit=["amount"])}),
        permission_set("everything", {"deal": granted("modify_all")}, setup=["view_all_data"]),
    ]
)


def held(*sets: str, **options):
    return rights(SNAPSHOT, Principal(kind="user", user_id="u", name="U", profile="base", permission_sets=frozenset(sets), **options))


@pytest.mark.parametrize(
    ("sets", "readable"),
    [
        ((), {"account", "amount", "told"}),
        (("costs",), {"account", "amount", "told", "cost", "margin", "twice"}),
        (("secrets",), {"account", "amount", "told", "branch"}),
        (("costs", "secrets"), {"account", "amount", "told", "cost", "margin", "twice", "branch"}),
    ],
)
def test_a_formula_is_readable_with_all_it_reads_or_declassified(sets, readable):
    assert held(*sets).readable("deal") & set(DEAL["fields"]) == readable | {"name"}


def test_grants_add_up_and_imply_what_they_need():
    assert not held().can("deal", "edit")
    assert held("writer").can("deal", "edit") and held("writer").can("deal", "create")
    assert held("writer").editable("deal") == {"amount", "name"}
    assert held().editable("deal") == frozenset()
    assert all(held("everything").can("deal", right) for right in ("read", "edit", "delete", "view_all", "modify_all"))
    assert not held("everything").can("deal", "create")
    assert held("everything").can("account", "view_all")  # by the Setup right view_all_data, where it may be read at all
    assert not held("everything").can("user", "view_all")


def test_scopes_narrow_and_never_add():
    reading = held("writer", scopes=frozenset({"records:read"}))
    assert reading.can("deal", "read") and not reading.can("deal", "edit") and not reading.setup("view_setup")
    assert held(scopes=frozenset({"records:write"})).can("deal", "edit") is False
    assert held(scopes=frozenset({"records:read"}), scope_objects=frozenset({"account"})).visible_objects == {"account"}


def test_setup_and_custom_permissions():
    require_setup(held(), "view_setup")
    with pytest.raises(NotAllowed):
        require_setup(held(), "customize")
    assert (held().globals["$Permission.skip"], held("costs").globals["$Permission.skip"]) == (False, True)


def test_an_object_without_rights_does_not_exist():
    for name in ("user", "nothing"):
        with pytest.raises(NotVisible):
            held().object(name)


def test_rights_are_made_once_for_each_combination():
    assert held("costs") is held("costs")
    assert held("costs") is not held()


def test_the_platform_may_everything_and_keeps_the_persons_permissions_when_it_acts_for_one():
    platform = rights(SNAPSHOT, Principal.internal("test"))
    assert platform.can("deal", "delete") and platform.permission("skip")
    person = Principal(kind="user", user_id="u", name="U", profile="base")
    acting = rights(SNAPSHOT, replace(person, kind="internal", unrestricted=True))
    assert acting.can("deal", "delete") and not acting.permission("skip")
