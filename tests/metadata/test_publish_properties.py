"""Random changes, one after the other, on both databases: the catalogue is what the store says, and undo leads back exactly."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from fieldstone.db.transaction import read
from fieldstone.metadata import versions
from fieldstone.metadata.plan import plan
from tests.support.databases import Databases
from tests.support.orgs import Answer, Org, found, obj, picklist

LABEL = st.sampled_from(["One", "Two", {"en": "One", "zh-Hans": "一"}])
PARTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "text": st.fixed_dictionaries({"type": st.just("text"), "label": LABEL, "indexed": st.booleans(), "ignore_case": st.booleans()}),
    "unique": st.fixed_dictionaries({"type": st.just("text"), "label": LABEL, "unique": st.just(True), "ignore_case": st.booleans()}),
    "number": st.fixed_dictionaries({"type": st.sampled_from(["number", "currency"]), "label": LABEL, "scale": st.integers(0, 3)}),
    "email": st.fixed_dictionaries({"type": st.just("email"), "label": LABEL}),
    "checkbox": st.fixed_dictionaries({"type": st.just("checkbox"), "label": LABEL}),
    "date": st.fixed_dictionaries({"type": st.just("date"), "label": LABEL, "indexed": st.booleans()}),
    "picklist": st.just(picklist("a", "b")),
    "lookup": st.fixed_dictionaries({"type": st.just("lookup"), "label": LABEL, "to": st.just("account")}),
    "formula": st.fixed_dictionaries(
        {
            "type": st.just("formula"),
            "label": LABEL,
            "returns": st.just("number"),
            "scale": st.integers(0, 2),
            "formula": st.sampled_from(["worth * 2", "worth + LEN(name)", "worth - 1", "YEAR(TODAY())"]),
        }
    ),
}
FIELDS = st.dictionaries(
    st.sampled_from(["alpha", "beta", "gamma"]), st.sampled_from(sorted(PARTS)).flatmap(lambda kind: PARTS[kind]), max_size=3
)


def prepare(engine: Engine) -> None:
    found(engine)
    org = Org(engine)
    org.publish(obj("account"), obj("deal", {"worth": {"type": "number", "label": "W", "scale": 2}}))
    org.insert("deal", ({"name": f"D{i}", "worth": D(i) / 4} for i in range(25)))


def document(org: Org, fields: dict[str, Any]) -> dict[str, Any]:
    base = org.document("objects/deal.json")
    return base | {"fields": {name: base["fields"][name] for name in ("name", "worth")} | fields}


@pytest.mark.slow
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
@given(steps=st.lists(FIELDS, min_size=1, max_size=4))
def test_after_every_publish_the_catalogue_is_right_and_undo_restores(databases: Databases, steps: list[dict[str, Any]]):
    url = databases.copy("properties", prepare)
    try:
        org = Org(databases.engine(url))
        for fields in steps:
            walk(org, fields)
    finally:
        databases.remove(url)


def walk(org: Org, fields: dict[str, Any]) -> None:
    """Publish, look, undo, look, publish again; or see that a refusal changed nothing."""
    before, version, worth = dict(org.snapshot.documents), org.snapshot.version, org.values("deal", "worth")
    answers = {f"objects/deal.json#/fields/{name}": Answer(unfit="blank") for name in fields}
    planned = org.plan(document(org, fields), answers=answers)
    if planned.refused or not planned.paths:
        assert (org.snapshot.version, org.differences()) == (version, ())
        return
    published = org.publish_plan(planned)
    assert org.differences() == ()
    after = dict(org.snapshot.documents)
    check_formulas(org)
    with read(org.engine) as tx:
        current = org.holder.current(tx.connection)
        back = plan(current, versions.undo(tx.connection, current, published), tx.connection)
    if not back.refused:
        org.publish_plan(back)
        assert dict(org.snapshot.documents) == before
        assert org.values("deal", "worth") == worth
        assert org.differences() == ()
        check_formulas(org)
        org.publish(document(org, fields), answers=answers)
        assert dict(org.snapshot.documents) == after
    assert org.differences() == ()
    cold = Org(org.engine).snapshot
    assert cold.definitions == org.snapshot.definitions


def check_formulas(org: Org) -> None:
    """Stored formulas are what a full computation gives."""
    for made in org.snapshot.stored_formulas("deal"):
        scale = D(1).scaleb(-(made.scale or 0))
        for name, worth, value in org.values("deal", "name", "worth", made.name):
            expected = {"worth * 2": worth * 2, "worth + LEN(name)": worth + len(name), "worth - 1": worth - 1}[made.formula]
            assert abs(value - expected) <= scale / 2


KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "label": "F"},
    "number": {"type": "number", "label": "F", "scale": 2},
    "email": {"type": "email", "label": "F"},
    "checkbox": {"type": "checkbox", "label": "F"},
    "date": {"type": "date", "label": "F"},
    "datetime": {"type": "datetime", "label": "F"},
    "picklist": picklist("a", "b"),
    "multi-picklist": picklist("a", "b") | {"type": "multi_picklist"},
    "lookup": {"type": "lookup", "label": "F", "to": "account"},
    "stored formula": {"type": "formula", "label": "F", "returns": "number", "scale": 1, "formula": "worth * 2"},
    "live formula": {"type": "formula", "label": "F", "returns": "number", "formula": "YEAR(TODAY())"},
}


@pytest.mark.slow
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # PostgreSQL has its share of them in the random walks above
@pytest.mark.parametrize("before", KINDS)
def test_every_change_of_type_goes_there_and_back_or_is_refused(databases: Databases, before: str):
    def prepared(engine: Engine) -> None:
        prepare(engine)
        org = Org(engine)
        org.publish(document(org, {"alpha": KINDS[before]}))

    for after in KINDS.values():
        url = databases.copy(f"type {before}", prepared)
        try:
            walk(Org(databases.engine(url)), {"alpha": after})
        finally:
            databases.remove(url)
