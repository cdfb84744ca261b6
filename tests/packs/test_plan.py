"""Which packs come, in which order, and why others do not; what an install would give and open."""

from __future__ import annotations

import pytest

from fieldstone.packs.plan import choose, exposures
from fieldstone.packs.read import read_files, shipped
from fieldstone.packs.versions import parse_version
from tests.support.packs import files


def pack(name, version="1.0.0", **manifest):
    return read_files(files({}, name=name, version=version, **manifest))


OFFERED = {
    each.name: each
    for each in (
        pack("base"),
        pack("left", requires={"base": "^1.0"}),
        pack("right", requires={"base": ">=1.0 <2", "left": "*"}),
        pack("far", requires={"base": ">=2"}),
        pack("lost", requires={"nowhere": "*"}),
        pack("one", requires={"two": "*"}),
        pack("two", requires={"one": "*"}),
        pack("rival", conflicts={"left": "*"}),
    )
}


def versions(**present):
    return {name: parse_version(text) for name, text in present.items()}


@pytest.mark.parametrize(
    ("names", "present", "order", "pulled_in"),
    [
        (["right"], {}, ["base", "left", "right"], ["base", "left"]),
        (["right", "base"], {}, ["base", "left", "right"], ["left"]),
        (["right"], {"base": "1.4.0"}, ["left", "right"], ["left"]),
        (["base"], {"base": "1.0.0"}, [], []),
    ],
)
def test_packs_come_behind_what_they_require(names, present, order, pulled_in):
    choice = choose(names, OFFERED, versions(**present))
    assert [each.name for each in choice.packs] == order
    assert sorted(choice.pulled_in) == sorted(pulled_in)
    assert choice.problems == ()


@pytest.mark.parametrize(
    ("names", "present", "codes"),
    [
        (["nothing"], {}, ["pack_unknown"]),
        (["lost"], {}, ["requires_missing"]),
        (["far"], {}, ["requires_version"]),
        (["left"], {"base": "2.0.0"}, ["requires_version"]),
        (["one"], {}, ["requires_cycle"]),
        (["left", "rival"], {}, ["pack_conflicts"]),
        (["rival"], {"left": "1.0.0"}, ["pack_conflicts"]),
        (["base"], {"base": "0.9.0"}, ["pack_newer"]),
        (["base"], {"base": "1.0.1"}, ["downgrade"]),
        (["lost", "far", "one"], {}, ["requires_missing", "requires_version", "requires_cycle"]),
    ],
)
def test_every_reason_against_is_told(names, present, codes):
    assert [problem.code for problem in choose(names, OFFERED, versions(**present)).problems] == codes


def test_a_cycle_is_named_as_a_path():
    (problem,) = choose(["one"], OFFERED, {}).problems
    assert problem.params["path"] == "one → two → one"


def test_what_a_pack_gives_and_opens_is_listed():
    found = {(each.code, each.document) for each in exposures(shipped("sales"))}
    assert ("pack.grants_permission_set", "permission_sets/sales_rep.json") in found
    assert ("pack.brings_approval", "approval_processes/quote/quote_discount.json") in found
    assert ("pack.opens_read", "objects/price_book.json") in found
    assert ("pack.grants_setup_profile", "profiles/administrator.json") in {
        (each.code, each.document) for each in exposures(shipped("core"))
    }
