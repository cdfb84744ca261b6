"""VLOOKUP: a value of the one record with a name, in validation rules alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal as D

import pytest

from fieldstone.errors import Refused
from fieldstone.rules import Checked, NotInSql, Resolved, Use, ValueType, check, to_python, to_sql
from tests.support import expressions as ex

FIELDS = {
    "name": ValueType.TEXT,
    "city": ValueType.TEXT,
    "rate": ValueType.NUMBER,
    "open": ValueType.BOOLEAN,
    "tags": ValueType.MULTIPICKLIST,
}


@dataclass(frozen=True)
class WithOthers(ex.Fields):
    """The fields of a deal, and those of any zip code or street."""

    def resolve(self, name: str) -> Resolved | None:
        head, _, rest = name.partition(".")
        if head != "$ObjectType":
            return super().resolve(name)
        of, _, field = rest.split(".")
        path = ("$ObjectType", of, "Fields", field)
        return Resolved(path=path, type=ValueType.FIELD, holds=FIELDS[field], key=field == "name", percent=field == "rate", own=False)


def source(field: str, key: str = "nick", by: str = "zip.Fields.name") -> str:
    return f"VLOOKUP($ObjectType.zip.Fields.{field}, $ObjectType.{by}, {key})"


def checked(text: str, use: Use = Use.VALIDATION_RULE) -> Checked:
    return check(text, WithOthers(), use)


def evaluated(text: str, row: dict[str, object]) -> tuple[object, list[tuple[str, str, str]]]:
    asked: list[tuple[str, str, str]] = []

    def look_up(of: str, field: str, name: str) -> object:
        asked.append((of, field, name))
        return {"city": "Bern", "rate": D(15), "open": True}[field] if name == "3000" else None

    return to_python(checked(text))(row, replace(ex.CONTEXT, look_up=look_up)), asked


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        (f"{source('city')} <> city", {"nick": "3000", "city": "Bern"}, False),
        (f"{source('city')} <> city", {"nick": "9999", "city": "Bern"}, True),
        (f"{source('rate')} = 0.15", {"nick": "3000"}, True),
        (source("open"), {"nick": "3000"}, True),
        (source("open"), {"nick": "9999"}, False),
        (f"ISBLANK({source('city', 'LEFT(nick, 4)')})", {"nick": "3000-1"}, False),
    ],
)
def test_it_gives_a_field_of_the_record_with_that_name(text: str, row: dict[str, object], expected: object) -> None:
    assert evaluated(text, row)[0] is expected


def test_a_blank_name_asks_nobody() -> None:
    assert evaluated(f"ISBLANK({source('city')})", {}) == (True, [])
    assert evaluated(f"ISBLANK({source('city')})", {"nick": "3000"}) == (False, [("zip", "city", "3000")])


def test_where_nobody_reads_nothing_is_found() -> None:
    assert to_python(checked(f"ISBLANK({source('city')})"))({"nick": "3000"}, ex.CONTEXT) is True


def test_it_reads_what_it_is_given_and_names_the_other_object() -> None:
    found = checked(f'{source("city")} = "x"')
    assert found.reads == {("nick",)}
    assert ("$ObjectType", "zip", "Fields", "city") in found.names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{source('city', by='zip.Fields.city')} = city", "expression_look_up_fields"),
        (f"{source('city', by='street.Fields.name')} = city", "expression_look_up_fields"),
        ("VLOOKUP(city, $ObjectType.zip.Fields.name, nick) = city", "expression_argument_type"),
        ("VLOOKUP(NULL, $ObjectType.zip.Fields.name, nick) = city", "expression_look_up_fields"),
        (f"{source('city', 'price')} = city", "expression_argument_type"),
        (f"ISBLANK({source('tags')})", "expression_not_a_result"),
        ("$ObjectType.zip.Fields.city = city", "expression_operand_types"),
        ("ISBLANK($ObjectType.zip.Fields.city)", "expression_argument_type"),
        ("IF(vip, $ObjectType.zip.Fields.city, city) = city", "expression_argument_type"),
    ],
)
def test_what_it_is_not_given(text: str, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(text)
    assert refused.value.problems[0].code == problem


@pytest.mark.parametrize("use", [use for use in Use if use is not Use.VALIDATION_RULE])
def test_only_validation_rules_look_into_other_records(use: Use) -> None:
    with pytest.raises(Refused) as refused:
        checked(f"{source('city')} = city", use)
    assert [p.code for p in refused.value.problems] == ["expression_only_in_validation_rules"]


def test_a_field_of_an_object_is_no_value() -> None:
    with pytest.raises(Refused) as refused:
        checked("$ObjectType.zip.Fields.city", Use.AUTOMATION)
    assert [p.code for p in refused.value.problems] == ["expression_no_value"]


def test_it_has_no_sql_form() -> None:
    with pytest.raises(NotInSql) as refused:
        to_sql(checked(f"{source('city')} = city"), {}, ex.dialect_of("sqlite"), ex.CONTEXT)
    assert refused.value.reason == "VLOOKUP"
