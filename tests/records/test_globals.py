"""What is no field: labels, custom metadata, settings, the reader and the org, in rules and in lists alike."""

from __future__ import annotations

from fieldstone.errors import Refused
from fieldstone.records.query import Query
from tests.support.orgs import obj
from tests.support.worlds import World, everything, profile, role, rule, world

DEAL = obj("deal", {"country": {"type": "text", "label": "Country"}, "tax": {"type": "percent", "label": "Tax", "scale": 1}})
TAX = {
    "kind": "custom_metadata",
    "api_name": "tax",
    "label": "Tax",
    "fields": {"rate": {"type": "percent", "label": "Rate", "scale": 1}, "since": {"type": "date", "label": "Since"}},
    "records": {"de": {"rate": "19.0", "since": "2007-01-01"}, "ch": {"rate": "8.1"}},
}
HOME = {"kind": "custom_label", "api_name": "home", "label": "Home", "text": {"en": "Germany", "zh-Hans": "德国"}}
LIMITS = {
    "kind": "custom_setting",
    "api_name": "limits",
    "label": "Limits",
    "fields": {"tax": {"type": "percent", "label": "Tax"}},
    "values": {"tax": 50},
    "profiles": {"seller": {"tax": "20"}},
    "users": {"Ben": {"tax": 30}, "nobody": {"tax": 1}},
}


def people(engine) -> World:
    made = world(
        engine,
        DEAL,
        TAX,
        HOME,
        LIMITS,
        role("rep"),
        profile("seller", {"deal": everything(DEAL, "create", "read", "view_all")}),
        rule("deal", "german_tax", "AND(country = $Label.home, tax <> $CustomMetadata.tax.de.rate)", at="tax"),
        rule("deal", "too_much", "tax > $Setup.limits.tax", at="tax"),
    )
    made.person("Ada", profile="seller", role="rep")
    made.person("Wei", profile="seller", role="rep", language="zh_hans")
    made.person("Ben", profile="seller", role="rep")
    for name, country, tax in (("A", "Germany", "19.0"), ("B", "德国", "19.0"), ("C", "Swiss", "8.1")):
        made.create("deal", {"name": name, "country": country, "tax": tax})
    return made


RULES = [
    ("Ada", {"country": "Germany", "tax": "19.0"}, []),
    ("Ada", {"country": "Germany", "tax": "18.9"}, ["german_tax"]),
    ("Ada", {"country": "德国", "tax": "18.9"}, []),
    ("Wei", {"country": "德国", "tax": "18.9"}, ["german_tax"]),
    ("Ada", {"country": "Swiss", "tax": "20.1"}, ["too_much"]),
    ("Ben", {"country": "Swiss", "tax": "20.1"}, []),
    ("Ben", {"country": "Swiss", "tax": "30.1"}, ["too_much"]),
    ("builder", {"country": "Swiss", "tax": "20.1"}, []),
]
FILTERS = [
    ("Ada", "country = $Label.home", ["A"]),
    ("Wei", "country = $Label.home", ["B"]),
    ("Ada", "tax < $CustomMetadata.tax.de.rate", ["C"]),
    ("Ada", "tax * 2 > $Setup.limits.tax", ["A", "B"]),
    ("Ben", "tax * 2 > $Setup.limits.tax", ["A", "B"]),
    ("Ben", "tax > $Setup.limits.tax - 0.12", ["A", "B"]),
    ("Ada", "tax > $Setup.limits.tax - 0.12", ["A", "B", "C"]),
    ("Ada", "$CustomMetadata.tax.de.since < TODAY()", ["A", "B", "C"]),
    ("Ada", "ISBLANK($CustomMetadata.tax.ch.since)", ["A", "B", "C"]),
    ("Ada", '$User.Name = "Ada" && $Profile.Name = "seller" && $UserRole.Name = "rep"', ["A", "B", "C"]),
    ("Wei", '$User.Language = "zh-Hans" && $Organization.Name = "Test"', ["A", "B", "C"]),
    ("Ada", '$User.Name = "Wei"', []),
    ("Ada", "$System.OriginDateTime < NOW()", ["A", "B", "C"]),
]


def test_rules_read_them(a_world) -> None:
    made = a_world("globals", people)
    for who, values, expected in RULES:
        try:
            made.create("deal", {"name": "D", **values}, who)
            refused = []
        except Refused as against:
            refused = [problem.rule for problem in against.problems]
        assert refused == expected, (who, values)


def test_lists_are_filtered_by_them(a_world) -> None:
    made = a_world("globals", people)
    for who, source, expected in FILTERS:
        with made.reading(who) as gate:
            found = gate.read(Query(object="deal", select=("name",), filter=source)).records
        assert sorted(record["name"] for record in found) == expected, source
