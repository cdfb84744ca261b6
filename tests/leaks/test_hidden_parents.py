"""A record behind a lookup that the reader may not see: no surface tells its values, its id, or how many there are of its kind."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from fieldstone.records.query import Group, Query
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, rule, world

ACCOUNT = obj("account", {"industry": {"type": "text", "label": "Industry"}, "secret": {"type": "text", "label": "Secret"}})
DEAL = obj(
    "deal",
    {
        "account": {"type": "lookup", "label": "Account", "to": "account", "children": "deals", "history": True},
        "amount": {"type": "number", "label": "Amount"},
        "branch": {"type": "text", "label": "Branch", "default": "=account.industry"},
    },
    features={"history": True},
)
ACCOUNT_RIGHTS = everything(ACCOUNT)
del ACCOUNT_RIGHTS["fields"]["secret"]
MESSAGE = "of {{ account.name }} in {{ account.industry }} with {{ account.secret }}"
DOCUMENTS = [
    *(ACCOUNT, DEAL, rule("deal", "small", "amount > 100", MESSAGE)),
    profile("seller", {"account": ACCOUNT_RIGHTS, "deal": everything(DEAL)}),
]
NOBODYS = "01900000-0000-7000-8000-000000000000"  # an id that no record has


def people(engine) -> World:
    made = world(engine, *DOCUMENTS)
    made.person("Rep", profile="seller")
    made.person("Peer", profile="seller")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("hidden parents", people)


def account(org: World, who: str, name: str) -> str:
    made = org.create("account", {"name": name, "industry": f"branch of {name}"}, who)
    org.update("account", made, {"secret": f"secret of {name}"})
    return made


def told(org: World, values, who: str = "Rep", record: str | None = None) -> list[tuple[str, str | None]]:
    """Codes and messages of a refused save."""
    with pytest.raises(Refused) as refused:
        org.create("deal", values, who) if record is None else org.update("deal", record, values, who)
    return [(each.code, (each.message or {}).get("", None)) for each in refused.value.problems]


def test_a_save_that_names_an_invisible_parent_is_refused_in_the_words_for_one_that_never_was(org):
    hidden = account(org, "Peer", "Hidden")
    values = {"name": "Pilot", "amount": 200}
    assert told(org, {**values, "account": hidden}) == told(org, {**values, "account": NOBODYS})


def test_a_draft_tells_nothing_of_an_invisible_parent(org):
    hidden = account(org, "Peer", "Hidden")
    made = [org.records.draft(org.principal("Rep"), "deal", None, {"account": each}, "json") for each in (hidden, NOBODYS)]
    assert made[0].values["branch"] is made[1].values["branch"] is None


def test_a_draft_and_a_save_take_defaults_from_a_visible_parent(org):
    own = account(org, "Rep", "Own")
    assert org.records.draft(org.principal("Rep"), "deal", None, {"account": own}, "json").values["branch"] == "branch of Own"
    made = org.create("deal", {"name": "Pilot", "account": own}, "Rep")
    assert org.get("deal", made, "Rep")["branch"] == "branch of Own"


@pytest.mark.parametrize(
    ("of", "says"),
    [("Rep", "of Own in branch of Own with "), ("Peer", "of  in  with "), ("builder", "of Own in branch of Own with secret of Own")],
)
def test_a_message_merges_what_the_saver_may_read_of_parents_they_see(org, of, says):
    owner = "Peer" if of == "Peer" else "Rep"
    deal = org.create("deal", {"name": "Pilot", "amount": 1}, "Rep")
    org.update("deal", deal, {"account": account(org, owner, "Own")})
    assert told(org, {"amount": 200}, "builder" if of == "builder" else "Rep", deal) == [("validation_rule", says)]


def test_history_does_not_tell_which_invisible_records_a_lookup_led_to(org):
    hidden, own = account(org, "Peer", "Hidden"), account(org, "Rep", "Own")
    deal = org.create("deal", {"name": "Pilot", "account": own}, "Rep")
    org.update("deal", deal, {"account": hidden})
    with org.reading("Rep") as gate:
        (entry,) = gate.history("deal", deal)
        assert entry.old == own
        assert entry.new.hidden and entry.new.id is None


def test_invisible_records_that_a_lookup_leads_to_are_one_group_and_not_told_apart(org):
    for name in ("One", "Two"):
        org.update("deal", org.create("deal", {"name": name}, "Rep"), {"account": account(org, "Peer", name)})
    org.create("deal", {"name": "Three", "account": account(org, "Rep", "Own")}, "Rep")
    org.create("deal", {"name": "Four"}, "Rep")
    with org.reading("Rep") as gate:
        rows = gate.groups(Query(object="deal"), [Group(field="account")], {"n": ("count", None)})
        assert sorted((row["account"] and (row["account"].hidden, row["account"].name), row["n"]) for row in rows if row["account"]) == [
            ((False, "Own"), 1),
            ((True, None), 2),
        ]
        assert [row["n"] for row in rows if row["account"] is None] == [1]
        assert gate.totals(Query(object="deal"), {"n": ("count_distinct", "account"), "m": ("count", "account")}) == {"n": 2, "m": 3}


def test_no_filter_spells_the_id_of_an_invisible_record(org):
    hidden, own = account(org, "Peer", "Hidden"), account(org, "Rep", "Own")
    org.create("deal", {"name": "Mine", "account": own}, "Rep")
    org.update("deal", org.create("deal", {"name": "Pilot"}, "Rep"), {"account": hidden})
    for made, counted in ((hidden, 0), (own, 1)):
        tail = made[-12:]
        asked = [f'CONTAINS(account, "{tail}")', f'RIGHT(account, 12) = "{tail}"', {"field": "account", "op": "ends_with", "value": tail}]
        with org.reading("Rep") as gate:
            assert [gate.count(Query(object="deal", filter=each)).value for each in asked] == [counted] * 3
    with org.reading("Rep") as gate:
        assert gate.count(Query(object="deal", filter="NOT(ISBLANK(account))")).value == 2
