"""Guesses at passwords are counted before they are compared, however many are made at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from fieldstone.auth import attempts, logins
from fieldstone.db.transaction import read
from fieldstone.errors import Refused, TryAgain
from tests.support import pages


@pytest.fixture
def site(prepared):
    opened = pages.open_site(prepared("pages", pages.prepare))
    yield opened
    opened.close()


def guess(site, username="rep", password="a wrong one", address="192.0.2.1"):
    try:
        logins.sign_in(site.org.engine, username, password, address=address, agent=None)
    except Refused:
        return "refused"
    except TryAgain:
        return "wait"
    return "in"


def failures(site, key):
    with read(site.org.engine) as tx:
        return tx.connection.execute(select(attempts.ATTEMPTS.c.failures).where(attempts.ATTEMPTS.c.key == key)).scalar()


def test_of_guesses_made_at_once_no_more_are_compared_than_of_those_one_after_the_other(site):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: guess(site), range(12)))
    assert sorted(set(answers)) == ["refused", "wait"]
    assert answers.count("refused") == attempts.AN_ACCOUNT
    assert guess(site, password=pages.PASSWORD) == "wait"


def test_good_logins_of_many_people_behind_one_address_count_for_nothing(site):
    for _ in range(3):
        assert guess(site, password=pages.PASSWORD) == "in"
    assert failures(site, attempts.account_key("rep")) is None
    assert failures(site, attempts.address_key("192.0.2.1")) == 0
    assert guess(site, username="reader") == "refused"
    assert failures(site, attempts.address_key("192.0.2.1")) == 1


def test_a_good_login_at_the_edge_of_what_an_address_may_try_frees_it_again(site):
    for number in range(attempts.AN_ADDRESS - 1):
        assert guess(site, username=f"nobody {number}") == "refused"
    assert guess(site, password=pages.PASSWORD) == "in"
    assert guess(site, username="reader", password=pages.PASSWORD) == "in"
    assert guess(site, username="nobody") == "refused"
    assert guess(site, username="nobody else") == "wait"
