"""Which name was meant."""

from __future__ import annotations

import pytest

from fieldstone.metadata.names import nearest

FIELDS = ("amount", "is_closed", "stage", "close_date", "account", "owner", "name")
LABELS = {"close_date": ("Close date", "关闭日期"), "owner": ("Responsible",)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("AMOUNT", "amount"),
        ("amuont", "amount"),
        ("Amount__c", "amount"),
        ("IsClosed__c", "is_closed"),
        ("CloseDate", "close_date"),
        ("AccountId", "account"),
        ("Account__r", "account"),
        ("StageName", "stage"),
        ("close date", "close_date"),
        ("关闭日期", "close_date"),
        ("Responsible", "owner"),
        ("Name", "name"),
        ("Turnover__c", None),
        ("xyz", None),
    ],
)
def test_the_field_that_was_meant_is_found(written: str, meant: str | None) -> None:
    assert nearest(written, FIELDS, LABELS) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$Setup.Limits__c.MaxDiscount__c", "$Setup.limits.max_discount"),
        ("$CustomMetadata.Tax__mdt.DE.Rate__c", "$CustomMetadata.tax.de.rate"),
        ("$Permission.LargeDiscount", "$Permission.large_discount"),
        ("$Label.Nothing", None),
    ],
)
def test_a_global_is_found_by_the_name_another_product_gives_it(written: str, meant: str | None) -> None:
    assert nearest(written, ("$Setup.limits.max_discount", "$CustomMetadata.tax.de.rate", "$Permission.large_discount")) == meant
