"""What a reader asks for and what the gate answers: values only.

Here: `Query`, `Sort`, `Group`, `Page`, `Count`, `Reference`.
Not here: what the names in a query mean for a principal (`gate/names.py`), the statement (`gate/read.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from fieldstone.errors import Problem, Refused

Record = dict[str, Any]  # a record as the principal may read it: typed values by API name, lookups as Reference
Tree = Mapping[str, Any]  # a filter as a filter builder stores it (spec/api.md, section 3)

NO_EXPANSION: Mapping[str, Expand] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reference:
    """A lookup as it is read. One to a record that the reader may not see carries neither its id nor its name."""

    id: str | None
    name: str | None = None
    object: str | None = None  # which object the record is of; a user or a queue for an owner
    hidden: bool = False

    def __str__(self) -> str:
        return self.name or ""


HIDDEN = Reference(None, hidden=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record that a picker offers: its name, and what tells it from others of that name, as far as the reader may read it."""

    id: str
    name: str | None
    tells: Record  # values by API name, in the order asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One level of order. Blanks come last in both directions, ties are broken by the next level and at last by `id`."""

    field: str  # API name, or a path to a parent's field
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> Sort:
        """Read `"amount"` or `"-amount"`."""
        return cls(field=text.removeprefix("-"), descending=text.startswith("-"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand:
    """A child list to be read along with each record of the page."""

    select: tuple[str, ...] | None = None
    filter: str | Tree | None = None
    sort: tuple[Sort, ...] = ()
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A list of records of one object. Names may go through lookups (`account.name`), five at most."""

    object: str
    select: tuple[str, ...] | None = None  # None: every field the principal may read
    filter: str | Tree | None = None  # expression text or tree
    sort: tuple[Sort, ...] = ()
    limit: int = 50  # 1 to 200
    cursor: str | None = None  # `Page.next` of the page before
    view: str | None = None  # API name of a list view whose filter, sort and columns this query starts from
    scope: Literal["all", "mine", "team"] = "all"  # team: mine and of the roles below mine
    deleted: Literal["exclude", "include", "only"] = "exclude"
    count: Literal["none", "capped", "exact"] = "none"
    expand: Mapping[str, Expand] = field(default_factory=lambda: NO_EXPANSION)
    ids: tuple[str, ...] | None = None  # only these records, as far as they are visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many records a query finds; `exact` is False when counting stopped at the cap."""

    value: int
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records of a query in its order. `next` is a signed cursor, None on the last page."""

    records: tuple[Record, ...]
    next: str | None = None
    count: Count | None = None
    more: bool = False  # of an expanded child list, which has no cursor: there are more; ask for the related list


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What to group by: a field's value, or the day, week, month, quarter or year of a date (a datetime: in the reader's zone)."""

    field: str
    by: Literal["value", "day", "week", "month", "quarter", "year"] = "value"
    name: str = ""  # key in the answer; the field's name when empty

    @property
    def key(self) -> str:
        """The key of this group's value in an answer."""
        return self.name or self.field


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One record found by a search. `tier`: 0 its name is what was typed, 1 begins with it, 2 holds all words, 3 they stand elsewhere."""

    object: str
    id: str
    name: str
    tier: int


def refuse_query(code: str, **params: object) -> Refused:
    """Return the refusal of a query that can never be answered, such as a page of 500 records."""
    return Refused(Problem(code=code, params=params), code="invalid_filter" if code != "invalid_cursor" else code)
