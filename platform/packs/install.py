"""Packs become part of an org: one publish for all of them, or nothing.

Here: `install`, the packs at hand, what is told afterwards.
Not here: what an install would do (`plan.py`), the publish (`metadata/publish.py`), loading sample records (`sample.py`).
Source: spec/packs.md, sections 8, 9 and 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Engine

from fieldstone.db import statistics
from fieldstone.db.transaction import read
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.changes import Author
from fieldstone.metadata.holder import Holder
from fieldstone.metadata.publish import publish
from fieldstone.packs import plan as planning
from fieldstone.packs import sample as samples
from fieldstone.packs.plan import PackPlan
from fieldstone.packs.read import SHIPPED, Pack, shipped
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.workflow.approvals.commands import Approvals


class Org(Protocol):
    """What installing needs of an open org; see `app.Org`."""

    @property
    def engine(self) -> Engine: ...

    @property
    def holder(self) -> Holder: ...

    @property
    def records(self) -> Records: ...

    @property
    def approvals(self) -> Approvals: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What an install has done.

    `people`: user id by sample person; `ids`: record id by `$id`; `records`: sample records by object. `problems`: why no sample record was
    loaded although it was asked for; the packs themselves are installed then.
    """

    packs: tuple[str, ...]
    version: int  # of the metadata now in force
    people: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def at_hand(*more: Pack) -> dict[str, Pack]:
    """Return the packs that can be installed, by name: those of the product, and `more` that somebody brought."""
    return {name: shipped(name) for name in SHIPPED} | {pack.name: pack for pack in more}


def plan(
    org: Org, names: Sequence[str], *, offered: Mapping[str, Pack] | None = None, language: str = "en", author: Principal | None = None
) -> PackPlan:
    """Return what installing `names` would do now. `offered`: the packs to choose from, those of the product unless given."""
    with read(org.engine, statement_seconds=60.0) as transaction:
        current = org.holder.current(transaction.connection)
        packs = offered if offered is not None else at_hand()
        in_use = org.holder.in_use
        return planning.plan(current, transaction.connection, names, packs, language=language, author=author, in_use=in_use)


def install(
    org: Org,
    names: Sequence[str],
    sample: bool = True,
    *,
    author: Principal | None = None,
    offered: Mapping[str, Pack] | None = None,
    language: str = "en",
) -> Installed:
    """Install `names` and what they require: all of them or, with every problem raised as Refused, nothing.

    `sample` loads the sample records of the packs that come; `author` is who installs, None the platform. Packs that are there already are
    left alone. The snapshot that `org.holder` gives afterwards has them.
    """
    return apply(org, plan(org, names, offered=offered, language=language, author=author), sample=sample, author=author)


def apply(org: Org, planned: PackPlan, *, sample: bool, author: Principal | None = None) -> Installed:
    """Run a plan that somebody has seen. Raises Refused when it has problems or is stale; then nothing has changed."""
    planned.require()
    names = tuple(pack.name for pack in planned.packs)
    if not names:
        return Installed(packs=(), version=planned.metadata.base_version)
    if sample:
        _require_sample(org, planned)
    by = Author(id=author.user_id if author is not None else None, reason=f"install {', '.join(names)}")
    version = publish(org.engine, planned.metadata, author=by, snapshots=org.holder)
    if not sample:
        return Installed(packs=names, version=version)
    try:
        loaded = samples.load(org.records, org.approvals.notices, planned.packs)
        statistics.refresh(org.engine)
    except Refused as refused:  # none of its records is there; the packs are
        return Installed(packs=names, version=version, problems=refused.problems)
    return Installed(packs=names, version=version, people=loaded.people, ids=loaded.ids, records=loaded.records)


def _require_sample(org: Org, planned: PackPlan) -> None:
    """Raise Refused, before anything is published, for sample tables that do not fit the objects to come."""
    assert planned.metadata.proposed is not None
    with read(org.engine) as transaction:
        samples.prepare(planned.metadata.proposed, planned.packs, samples.loaded(transaction.connection))
