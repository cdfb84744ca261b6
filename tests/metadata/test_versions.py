"""History, differences, and the way back, on both databases."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from fieldstone.db.transaction import read
from fieldstone.metadata import versions
from fieldstone.metadata.plan import plan
from tests.support.orgs import Org, Place, Rename, found, obj

NUMBER = {"type": "number", "label": "N", "scale": 2}
TEXT = {"type": "text", "label": "T"}


@pytest.fixture
def org(prepared) -> Org:
    def prepare(engine):
        found(engine)
        org = Org(engine)
        org.publish(
            obj(
                "deal",
                {"amount": NUMBER, "net": {"type": "formula", "label": "Net", "returns": "number", "scale": 2, "formula": "amount  * 2"}},
            )
        )
        org.insert("deal", ({"name": f"Deal {i}", "amount": D(i), "net": D(2 * i)} for i in range(30)))

    return Org(prepared("versions", prepare))


def entries(org: Org, **options):
    with read(org.engine) as tx:
        return versions.history(tx.connection, **options)


def undo(org: Org, version: int) -> int:
    with read(org.engine) as tx:
        current = org.holder.current(tx.connection)
        planned = plan(current, versions.undo(tx.connection, current, version), tx.connection)
    return org.publish_plan(planned, reason="undo")


def test_every_publish_is_kept_with_reason_paths_and_steps(org):
    org.publish(org.with_fields("deal", extra=TEXT), reason="we need more")
    newest = entries(org)[0]
    assert (newest.version, newest.kind, newest.reason, newest.paths) == (2, "publish", "we need more", ("objects/deal.json",))
    assert [step["code"] for step in newest.steps] == ["plan.add_field"]
    assert [entry.version for entry in entries(org, path="objects/deal.json")] == [2, 1]


def test_a_difference_names_the_leaves_and_shows_the_lines(org):
    org.publish(org.with_fields("deal", extra=TEXT))
    with read(org.engine) as tx:
        (changed,) = versions.diff(tx.connection, 1, 2)
    assert [(leaf.pointer, leaf.before, leaf.after) for leaf in changed.leaves] == [
        ("/fields/extra/type", None, "text"),
        ("/fields/extra/label", None, "T"),
    ]
    assert '+    "extra": {' in changed.lines


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda org: org.publish(org.with_fields("deal", extra=TEXT)), id="a field added"),
        pytest.param(lambda org: org.publish(org.with_fields("deal", amount=None, net=None)), id="fields removed"),
        pytest.param(lambda org: org.publish(org.with_fields("deal", name=TEXT | {"length": 20})), id="a text made shorter"),
        pytest.param(lambda org: org.publish(obj("account")), id="an object added"),
        pytest.param(lambda org: org.publish(remove=("objects/deal.json",)), id="an object removed"),
        pytest.param(
            lambda org: org.publish(rename=(Rename(place=Place(kind="field", object="deal", name="amount"), to="worth"),)),
            id="a field renamed",
        ),
        pytest.param(
            lambda org: org.publish(rename=(Rename(place=Place(kind="object", name="deal"), to="chance"),)), id="an object renamed"
        ),
    ],
)
def test_publish_then_undo_restores_definitions_and_data(org, change):
    before = org.snapshot
    rows = org.values("deal", "name", "amount", "net")
    version = change(org)
    assert dict(org.snapshot.documents) != dict(before.documents)
    undo(org, version)
    assert dict(org.snapshot.documents) == dict(before.documents)
    assert [definition.source for definition in org.snapshot.definitions] == [definition.source for definition in before.definitions]
    assert org.snapshot.object("deal").id == before.object("deal").id
    assert org.values("deal", "name", "amount", "net") == rows
    assert org.differences() == ()


def test_a_rename_rewrites_expressions_with_their_spacing_and_touches_no_record(org):
    rows = org.values("deal", "amount", "net")
    version = org.publish(rename=(Rename(place=Place(kind="field", object="deal", name="amount"), to="worth"),))
    assert version == 2
    fields = org.snapshot.object("deal").fields
    assert (fields["net"].formula, fields["worth"].column, fields["worth"].was) == ("worth  * 2", "amount", ("amount",))
    assert org.values("deal", "worth", "net") == rows
    assert [step["code"] for step in entries(org)[0].steps] == ["plan.rename_field"]


def test_the_whole_org_goes_back_to_an_old_version(org):
    before = dict(org.snapshot.documents)
    org.publish(obj("account"), org.with_fields("deal", extra=TEXT, net=None))
    org.publish(obj("contact"))
    with read(org.engine) as tx:
        current = org.holder.current(tx.connection)
        planned = plan(current, versions.back_to(tx.connection, current, 1), tx.connection)
    org.publish_plan(planned)
    assert dict(org.snapshot.documents) == before
    assert org.differences() == ()
