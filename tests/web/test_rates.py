"""What one person, or one address, may ask of pages in a minute."""

from __future__ import annotations

import pytest

from fieldstone.web import rates


@pytest.mark.parametrize("path", ["/search?q=acme", "/people?q=a", "/o/deal/lookup/owner?q=a"])
def test_above_the_limit_one_is_told_when_to_come_back(site, rep, monkeypatch, path):
    monkeypatch.setitem(rates.A_MINUTE, "search", 2)
    monkeypatch.setitem(rates.A_MINUTE, "suggestions", 2)
    rates.install(site.app)
    assert [rep.get(path).status_code for _ in range(3)] == [200, 200, 429]
    assert 1 <= int(rep.get(path).headers["Retry-After"]) <= 60
    assert site.visitor("admin").get(path).status_code == 200  # others go on


def test_an_address_reports_no_more_than_a_log_can_take(site, monkeypatch):
    monkeypatch.setitem(rates.A_MINUTE, "csp_report", 1)
    rates.install(site.app)
    visitor = site.visitor()
    assert [visitor.client.post("/csp-report", data=b"{}").status_code for _ in range(2)] == [204, 429]
