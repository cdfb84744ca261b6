"""What rules of the org say: expressions in their messages, written for people and told to nobody who may not read them."""

from __future__ import annotations

import pytest

from fieldstone.errors import Refused
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, queue, role, rule, world

TEXT = (
    "{{ amount }} / {{ stage }} / {{ due }} / {{ account }} / {{ share }} / {{ won }} / {{ owner }} / {{ doubled }} / {{ amount * 2 }}"
    " / {{ account.owner }} / {{ met }}"
)
NUMBER = {"type": "currency", "label": "N", "scale": 2}
STAGES = [{"api_name": "won", "label": {"en": "Won", "zh-Hans": "赢单"}}]
ACCOUNT = obj("account", {"name": {"type": "text", "label": "Name"}})
SECRET = obj(
    "secret",
    {
        "hidden": {"type": "text", "label": "H"},
        "name": {"type": "formula", "label": "Name", "returns": "text", "formula": '"is " & hidden'},
    },
    default_access="read",
)
DEAL = obj(
    "deal",
    {
        "name": {"type": "text", "label": "Name"},
        "amount": NUMBER,
        "share": {"type": "percent", "label": "Share", "scale": 2},
        "won": {"type": "checkbox", "label": "Won"},
        "due": {"type": "date", "label": "Due"},
        "met": {"type": "datetime", "label": "Met"},
        "stage": {"type": "picklist", "label": "Stage", "values": STAGES},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "secret": {"type": "lookup", "label": "Secret", "to": "secret"},
        "doubled": {"type": "formula", "label": "Doubled", "returns": "currency", "scale": 2, "formula": "amount * 2"},
    },
    owned_by="user_or_queue",
)
SECRET_RIGHTS = everything(SECRET)
SECRET_RIGHTS["fields"] = {}
MADE = {"amount": "1000", "share": "50", "due": "2027-01-01", "stage": "won", "met": "2026-12-01T20:30:00Z"}


def people(engine) -> World:
    made = world(
        engine,
        *(ACCOUNT, SECRET, DEAL, role("boss"), role("rep", "boss"), queue("inbound", "deal")),
        profile("seller", {"account": everything(ACCOUNT), "deal": everything(DEAL), "secret": SECRET_RIGHTS}),
        rule("deal", "told", 'name = "told"', {"en": TEXT, "zh-Hans": TEXT}),
        rule(
            "deal",
            "made",
            'AND(name = "made", created_by.title = "Boss")',
            "[{{ created_by.title }}] [{{ created_by }}] [{{ updated_by.name }}]",
        ),
        rule("deal", "named", 'name = "named"', "[{{ account }}] [{{ secret }}] [{{ owner }}]"),
    )
    made.person("Ada", profile="seller", role="rep")
    made.person("Bob", profile="seller", role="rep")
    made.person("Eve", profile="seller", role="boss", title="Boss")
    return made


@pytest.fixture
def org(a_world) -> World:
    return a_world("messages", people)


def said(refused) -> dict[str, str]:
    (problem,) = refused.value.problems
    return dict(problem.message)


def test_values_are_written_as_the_language_of_the_text_writes_them(org):
    account = org.create("account", {"name": "Umber"}, "Ada")
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "told", "account": account, **MADE}, "Ada")
    assert said(refused) == {
        "en": "$1,000.00 / Won / 1 Jan 2027 / Umber / 50% / No / Ada / $2,000.00 / 2,000.00 / Ada / 1 Dec 2026, 20:30",
        "zh-Hans": "US$1,000.00 / 赢单 / 2027年1月1日 / Umber / 50% / 否 / Ada / US$2,000.00 / 2,000.00 / Ada / 2026年12月1日 20:30",
    }


def test_of_a_stored_record_what_lookups_lead_to_is_named_too(org):
    account = org.create("account", {"name": "Umber"}, "Ada")
    deal = org.create("deal", {"name": "x", "account": account}, "Ada")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"name": "named"}, "Eve")
    assert said(refused) == {"": "[Umber] [] [Ada]"}


def test_names_of_records_that_the_saver_may_not_see_stay_blank(org):
    hidden = org.create("account", {"name": "Umber"}, "Eve")
    secret = org.create("secret", {"hidden": "x"}, "builder")
    deal = org.create("deal", {"name": "x", "account": hidden, "secret": secret, "owner": org.people["Ada"]}, "builder")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"name": "named"}, "Ada")
    assert said(refused) == {"": "[] [] [Ada]"}


def test_rules_read_through_who_made_and_who_changed_a_record(org):
    deal = org.create("deal", {"name": "x"}, "Eve")
    org.update("deal", deal, {"amount": "1"}, "Eve")
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"name": "made"}, "builder")
    assert said(refused) == {"": "[Boss] [Eve] [Eve]"}
    with pytest.raises(Refused) as refused:
        org.update("deal", deal, {"name": "made"}, "Eve")
    assert said(refused) == {"": "[] [Eve] []"}  # she may not read people
    with pytest.raises(Refused) as refused:
        org.create("deal", {"name": "made"}, "Eve")
    assert said(refused) == {"": "[] [Eve] []"}
