"""Renaming inside a source text changes the name and nothing else; what a text mentions is known even of a broken one."""

from __future__ import annotations

import pytest
from hypothesis import given

from fieldstone.rules.reads import mentions, own_fields, relations
from fieldstone.rules.rename import rename
from tests.support import expressions as ex
from tests.support.expression_strategies import any_expression


def to_net(name: str) -> str | None:
    first, *rest = name.split(".")
    return ".".join(["net", *rest]) if first.lower() == "price" else None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("price + 1", "net + 1"),
        ("  Price\n+  /* price */ PRICE.x ", "  net\n+  /* price */ net.x "),
        ("\"price\" & price & 'price'", "\"price\" & net & 'price'"),
        ("PRICE(price)", "PRICE(net)"),
        ("price_list + my.price", "price_list + my.price"),
        ("IF(price >", "IF(net >"),
        ("", ""),
    ],
)
def test_only_the_name_changes(source: str, expected: str) -> None:
    assert rename(source, to_net) == expected


@given(any_expression(4))
def test_renaming_there_and_back_gives_the_text_again(source: str) -> None:
    there = rename(source, lambda name: f"x_{name}")
    assert rename(there, lambda name: name.removeprefix("x_")) == source
    assert [f"x_{use.name}" for use in mentions(source)] == [use.name for use in mentions(there)]


def test_mentions_come_with_their_place() -> None:
    assert [(use.name, use.place) for use in mentions("LEFT(nick, qty) + 'x' +")] == [("nick", (5, 9)), ("qty", (11, 14))]


def test_relations_to_join_come_parents_first() -> None:
    checked = ex.checked_as("account.name = nick && account.revenue > price && $User.Id = account")
    assert relations(checked) == (("account",),)
    assert own_fields(checked) == {"account", "nick", "price"}
