"""Fixtures of the pages' tests: an org on both databases, and people with browsers."""

from __future__ import annotations

import pytest

from tests.support import pages


@pytest.fixture
def site(prepared):
    """The small sales org with its pages, fresh for each test."""
    opened = pages.open_site(prepared("pages", pages.prepare))
    yield opened
    opened.close()


@pytest.fixture
def rep(site):
    """A representative who is signed in; may not see the field `secret`."""
    return site.visitor("rep")


@pytest.fixture
def admin(site):
    """An administrator who is signed in."""
    return site.visitor("admin")
