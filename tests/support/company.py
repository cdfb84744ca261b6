"""A small company with quotes to approve, on both databases.

Here: its documents, its people, and the commands at hand. Not here: what is tested.

sue sells; bob is her manager, cid his, dan the director above; fay and gil are in the queue finance; mia manages approvals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Engine, Table, func, select

from fieldstone.db.transaction import read
from fieldstone.errors import Refused
from fieldstone.workflow.approvals import events, store
from fieldstone.workflow.approvals.commands import Approvals
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.panel import Panels
from fieldstone.workflow.approvals.states import Instance
from fieldstone.workflow.deliveries import Post
from fieldstone.workflow.outbox import Outbox
from fieldstone.workflow.steps import steps
from tests.support.databases import Databases
from tests.support.statements import Seen, counting
from tests.support.worlds import World, everything, permission_set, queue, reopened, role, world

Document = dict[str, Any]

QUOTE: Document = {
    "kind": "object",
    "api_name": "quote",
    "label": {"en": "Quote", "zh-Hans": "报价", "zh-Hant": "報價"},
    "features": {"approvals": True},
    "fields": {
        "name": {"type": "text", "label": "Name"},
        "discount": {"type": "percent", "label": "Discount", "scale": 1},
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "status": {
            "type": "picklist",
            "label": "Status",
            "values": [{"api_name": name, "label": name} for name in ("draft", "in_approval", "approved", "sent")],
        },
        "terms": {"type": "text", "label": "Terms"},
        "lawyer": {"type": "user", "label": "Lawyer"},
        "approved_on": {"type": "date", "label": "Approved on"},
    },
}
LINE: Document = {
    "kind": "object",
    "api_name": "line",
    "label": "Line",
    "owned_by": "none",
    "default_access": "by_parent",
    "fields": {
        "name": {"type": "text", "label": "Name"},
        "quote": {"type": "master_detail", "label": "Quote", "to": "quote", "children": "lines"},
        "price": {"type": "currency", "label": "Price", "scale": 2},
    },
}
PROCESS: Document = {
    "kind": "approval_process",
    "object": "quote",
    "api_name": "discount",
    "label": {"en": "Discount", "zh-Hans": "折扣", "zh-Hant": "折扣"},
    "priority": 10,
    "entry": {"criteria": "discount > 0.1", "submitters": ["owner"]},
    "evidence": ["discount", "amount", "lines"],
    "lock": {"mode": "full", "children": ["lines"]},
    "guarded": [{"field": "status", "values": ["in_approval", "approved"]}],
    "recall": {"allow": "until_first_decision"},
    "self_approval": "manager",
    "dedupe": "consecutive",
    "actions": {
        "submit": [{"id": "s1", "type": "update", "set": {"status": "in_approval"}}],
        "approved": [{"id": "a1", "type": "update", "set": {"status": "approved", "approved_on": "=TODAY()"}}],
        "rejected": [{"id": "r1", "type": "update", "set": {"status": "draft"}}],
        "recalled": [{"id": "c1", "type": "update", "set": {"status": "draft"}}],
    },
    "nodes": [
        {
            "id": "manager",
            "type": "approve",
            "label": {"en": "Manager", "zh-Hans": "经理", "zh-Hant": "主管"},
            "approvers": [{"manager_of": "submitter"}],
            "mode": "any",
            "on_empty": "admins",
            "reject": "end",
        },
        {
            "id": "size",
            "type": "branch",
            "branches": [
                {
                    "when": "discount > 0.2",
                    "nodes": [
                        {
                            "id": "both",
                            "type": "approve",
                            "approvers": [{"role": "director"}, {"queue": "finance", "seat": "group"}],
                            "mode": "all",
                            "on_empty": "admins",
                            "reject": "end",
                        }
                    ],
                },
                {"else": True, "nodes": []},
            ],
        },
    ],
}


def refused(command: Callable[..., object], *arguments: Any, **options: Any) -> Refused:
    """Return the refusal that the command ends with."""
    with pytest.raises(Refused) as caught:
        command(*arguments, **options)
    return caught.value


def process(**changes: Any) -> Document:
    """Return the process with some keys replaced; None takes one away."""
    return {key: value for key, value in {**PROCESS, **changes}.items() if value is not None}


def node(node_id: str, *approvers: Document, **options: Any) -> Document:
    """Return an approve node."""
    return {
        "id": node_id,
        "type": "approve",
        "approvers": list(approvers),
        "mode": "any",
        "on_empty": "block",
        "reject": "end",
        **options,
    }


SALES = permission_set(
    "sales", {"quote": everything(QUOTE), "line": everything(LINE), "user": {"rights": ["read"], "fields": {"username": "read"}}}
)
MANAGERS = permission_set("approval_managers", {"quote": everything(QUOTE, "read", "view_all")}, setup=["manage_approvals"])


@dataclass
class Company:
    """The world, with approvals at hand."""

    world: World
    approvals: Approvals
    panels: Panels
    hints: list[tuple[str, str]] = field(default_factory=list)

    def quote(self, discount: str = "15", who: str = "sue", **values: Any) -> str:
        """Return a new quote of somebody."""
        given = {"name": "Q-1", "discount": discount, "amount": "100.00", "status": "draft", **values}
        return self.world.create("quote", given, who)

    def submit(self, quote: str, who: str = "sue", **options: Any) -> Instance:
        """Submit a quote."""
        return self.approvals.submit(self.world.principal(who), "quote", quote, **options)

    def tasks(self, who: str) -> list[Any]:
        """Return what somebody may decide now."""
        return list(self.panels.open_tasks(self.world.principal(who)))

    def decide(self, who: str, verdict: str = "approve", *, comment: str | None = "because", task: Any = None) -> Instance:
        """Have somebody decide their oldest open task, as they see it now."""
        found = task or self.tasks(who)[0]
        command = self.approvals.approve if verdict == "approve" else self.approvals.reject
        return command(self.world.principal(who), found.id, evidence_hash=found.evidence_hash, comment=comment)

    def state(self, quote: str) -> tuple[str | None, str | None]:
        """Return the approval status and the status of a quote."""
        record = self.world.get("quote", quote, select=("approval_status", "status"))
        return record["approval_status"], record["status"]

    def history(self, instance: Instance) -> list[str]:
        """Return the kinds of the events, in order, having verified the chain."""
        with read(self.world.engine) as tx:
            chain = events.chain(tx, instance.id)
        assert events.verify(chain) is None
        return [each.kind for each in chain]

    def count(self, table: Table, *where: ColumnElement[bool]) -> int:
        with self.world.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()

    def instance(self, instance_id: str) -> Instance:
        """Return the instance as it is stored."""
        with read(self.world.engine) as tx:
            found = store.instance(tx, self.world.snapshot, instance_id)
        assert found is not None
        return found


def documents(*processes: Document, more: tuple[Document, ...] = ()) -> list[Document]:
    """Return the documents of the company."""
    return [QUOTE, LINE, SALES, MANAGERS, role("director"), role("rep", "director"), queue("finance", "quote"), *processes, *more]


def people(made: World) -> None:
    """Bring the people in."""
    dan = made.person("dan", sets=["sales"], role="director")
    cid = made.person("cid", sets=["sales"], role="director_deputy", manager=dan)
    bob = made.person("bob", sets=["sales"], manager=cid, email="bob@example.com", language="zh_hans")
    made.person("sue", sets=["sales"], role="rep", manager=bob, email="sue@example.com")
    made.person("fay", sets=["sales"], email="fay@example.com")
    made.person("gil", sets=["sales"])
    made.person("mia", sets=["approval_managers"])
    made.queue("finance", ["fay", "gil"])


def company_of(made: World, smtp_url: str = "") -> Company:
    """Return a world with approvals at hand."""
    notices = notices_of([], smtp_url)
    return Company(made, Approvals(records=made.records, notices=notices), Panels(records=made.records))


def notices_of(hints: list[tuple[str, str]], smtp_url: str = "") -> Notices:
    """Return where notices go in tests."""
    box = Outbox(lambda outbox_id, queue: hints.append((outbox_id, queue)))
    return Notices(post=Post(outbox=box, sender="Fieldstone <crm@example.com>", smtp_url=smtp_url), address="https://crm.example.com")


@pytest.fixture
def company(prepared: Callable[..., Engine], databases: Databases) -> Iterator[Callable[..., Company]]:
    """`company(*processes, more=documents)`: the company with these processes (the one above by default), prepared once for each set.

    Every statement that reaches a record table must carry the gate's mark.
    """
    watching = ExitStack()

    def make(*processes: Document, more: tuple[Document, ...] = ()) -> Company:
        chosen = processes or (PROCESS,)
        key = f"company {chosen!r} {more!r}"

        def prepare(engine: Engine) -> World:
            first = world(engine, *documents(*chosen, more=more), steps=steps(notices_of([])))
            people(first)
            return first

        engine = prepared(key, prepare)
        made = reopened(engine, databases.returned(key, prepare), steps=steps(notices_of([])))
        seen = watching.enter_context(counting(engine))
        watching.callback(_expect_marks, seen, made)
        return company_of(made)

    with watching:
        yield make


def _expect_marks(seen: Seen, made: World) -> None:
    assert seen.unmarked(made.snapshot.tables) == []
