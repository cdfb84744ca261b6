"""Random processes, commands and interleavings: the invariants of the specification hold after each. On both databases."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from fieldstone.errors import FieldstoneError
from tests.support.company import Company, node, process
from tests.workflow.approvals.invariants import broken

PEOPLE = ("sue", "bob", "cid", "dan", "fay", "gil", "mia")
SOURCES = (
    {"user": "sue"},
    {"user": "dan"},
    {"role": "director"},
    {"role": "nobody"},
    {"queue": "finance"},
    {"queue": "finance", "seat": "group"},
    {"manager_of": "submitter"},
    {"manager_of": "approver"},
    {"manager_of": "owner", "level": 2},
    {"field": "lawyer"},
)


def random_process(chance: random.Random) -> dict:
    """A process of one to four nodes, some of them behind a branch."""
    nodes = [
        node(
            f"n{number}",
            *chance.sample(SOURCES, chance.randint(1, 3)),
            mode=chance.choice(["any", "all"]),
            on_empty=chance.choice(["admins", "reject", "skip_approve", "block", "manager_of_last", "user:gil"]),
            **({"when": "discount > 0.2"} if chance.random() < 0.3 else {}),
        )
        for number in range(chance.randint(1, 4))
    ]
    if len(nodes) > 1 and chance.random() < 0.5:
        branch = {"id": "way", "type": "branch", "branches": [{"when": "discount > 0.2", "nodes": nodes[1:2]}, {"else": True, "nodes": []}]}
        nodes[1:2] = [branch]
    distinct = chance.random() < 0.3
    return process(
        nodes=nodes,
        self_approval=chance.choice(["forbid", "manager", "skip", "allow"]),
        dedupe="none" if distinct else chance.choice(["none", "consecutive", "any_earlier"]),
        distinct=distinct,
        lock={"mode": chance.choice(["full", "none"]), "children": ["lines"]},
        recall={"allow": chance.choice(["until_first_decision", "any_time", "never"])},
    )


def step(firm: Company, quotes: list[str], chance: random.Random) -> None:
    """One random command of one random person; what is refused is refused."""
    who, quote = chance.choice(PEOPLE), chance.choice(quotes)
    principal = firm.world.principal(who)
    command = chance.choice(["submit", "decide", "decide", "decide", "decide", "transfer", "recall", "edit", "guard", "resume"])
    try:
        match command:
            case "submit":
                firm.submit(quote)
            case "decide":
                tasks = firm.tasks(who)
                if tasks:
                    firm.decide(who, chance.choice(["approve", "approve", "approve", "reject"]), task=chance.choice(tasks))
            case "transfer":
                tasks = firm.tasks(who)
                if tasks:
                    firm.approvals.transfer(principal, chance.choice(tasks).id, firm.world.people[chance.choice(PEOPLE)])
            case "recall" | "resume":
                panel = firm.panels.panel(firm.world.principal("sue"), "quote", quote)
                if panel.instances:
                    instance = panel.instances[0].instance.id
                    if command == "recall":
                        firm.approvals.recall(principal, instance)
                    else:
                        firm.approvals.resume(firm.world.principal("mia"), instance, comment="again")
            case "edit":
                firm.world.update("quote", quote, {"amount": str(chance.randint(1, 9))}, "sue")
            case "guard":
                firm.world.update("quote", quote, {"status": chance.choice(["approved", "in_approval"])}, "sue")
    except FieldstoneError:
        return


@pytest.mark.parametrize("seed", range(6))
def test_one_after_the_other(company, seed):
    chance = random.Random(seed)
    firm = company(random_process(chance))
    quotes = [firm.quote(chance.choice(["15", "25"]), lawyer=firm.world.people["gil"]) for _ in range(2)]
    for number in range(40):
        step(firm, quotes, chance)
        if number % 4 == 3:
            assert broken(firm) == []
    assert broken(firm) == []


@pytest.mark.parametrize("seed", range(100, 103))
def test_four_at_once(company, seed):
    chance = random.Random(seed)
    firm = company(random_process(chance))
    quotes = [firm.quote(chance.choice(["15", "25"]), lawyer=firm.world.people["gil"]) for _ in range(2)]

    def work(number: int) -> None:
        mine = random.Random(seed * 10 + number)
        for _ in range(15):
            step(firm, quotes, mine)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert broken(firm) == []
