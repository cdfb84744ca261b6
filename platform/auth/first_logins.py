"""The people who can sign in to a new org: the administrator, and three persons of the sample data who get a login.

Here: `first_logins`. Not here: founding an org (`app.py`), the sample persons themselves (`packs/sample.py`), users later on (`users.py`).
Source: spec/packs.md, sections 5 and 25; issue "The spine", section 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldstone.auth import passwords, users
from fieldstone.db.transaction import read
from fieldstone.records.gate.people import load
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records

BY = Principal.internal("first start")

# person of the sample data → login name, and what the person is there for
PERSONS = {
    "p-marco": ("marco", "sales manager: approves discounts of the team"),
    "p-priya": ("priya", "sales representative: works on own customers and deals"),
    "p-nadia": ("nadia", "service agent: answers cases"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLogin:
    """Somebody who may sign in. The password is random and kept nowhere but as a hash: it is to be shown once."""

    name: str
    username: str
    password: str
    does: str


def first_logins(records: Records, people: Mapping[str, str]) -> tuple[FirstLogin, ...]:
    """Make the administrator of a new org and let the sample persons in `people` (user id by `$id`) sign in; return all of them."""
    logins = [_administrator(records)]
    for person, (username, does) in PERSONS.items():
        if person in people:
            logins.append(_let_in(records, people[person], username, does))
    return tuple(logins)


def _administrator(records: Records) -> FirstLogin:
    """The first user holds every permission set, and the one that changes all data; the password is good for the first login only."""
    with records.reading(BY) as gate:
        sets = [each.name for each in gate.snapshot.all("permission_set")]
    values = {"name": "Administrator", "username": "admin", "profile": "administrator", "active": True}
    _, password = users.create_user(records, BY, values, permission_sets=sets)
    does = "administrator: all records, and Setup; chooses another password at the first login"
    return FirstLogin(name="Administrator", username="admin", password=password, does=does)


def _let_in(records: Records, user_id: str, username: str, does: str) -> FirstLogin:
    users.change_user(records, BY, user_id, {"username": username})
    password = users.reset_password(records, BY, user_id, passwords.random_password())
    with read(records.engine) as transaction:
        name = load(transaction.connection, user_id).name
    return FirstLogin(name=name, username=username, password=password, does=does)
