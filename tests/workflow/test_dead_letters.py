"""Dead letters: seen, replayed or discarded by who may, all of it in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fieldstone.db.transaction import read, write
from fieldstone.errors import NotAllowed, NotVisible, Refused
from fieldstone.records.audit import AUDIT
from fieldstone.records.gate.access import rights
from fieldstone.workflow import dead_letters, housekeeping
from fieldstone.workflow.outbox import OUTBOX, GiveUp, Outbox, State, Topic
from fieldstone.workflow.tasks import Handler, handlers, perform
from tests.support.company import process
from tests.support.worlds import permission_set

WORK = Topic(name="work")
KEEPERS = permission_set("keepers", setup=["manage_automation"])


@pytest.fixture
def firm(company):
    made = company(process(), more=(KEEPERS,))
    made.world.person("kim", sets=["keepers"])
    return made


def give_up(_: object) -> None:
    raise GiveUp("no such address")


def dead(firm) -> str:
    with write(firm.world.engine) as tx:
        work = Outbox().put(tx, WORK, {"a": 1})
    perform(firm.world.engine, handlers([Handler(topic=WORK, run=give_up)]), work)
    return work


def held(firm, who):
    return rights(firm.world.snapshot, firm.world.principal(who))


def test_the_overview_counts_by_topic_and_state(firm):
    dead(firm)
    with read(firm.world.engine) as tx:
        counted = dead_letters.overview(tx, held(firm, "kim"))
        [letter] = dead_letters.letters(tx, held(firm, "kim"))
    assert counted["work"][State.DEAD] == 1
    assert (letter.topic, letter.error) == ("work", "GiveUp: no such address")


def test_only_who_manages_automation_sees_them(firm):
    with read(firm.world.engine) as tx, pytest.raises(NotAllowed):
        dead_letters.overview(tx, held(firm, "sue"))


def test_a_replayed_one_is_done_under_its_old_keys(firm):
    work = dead(firm)
    hints = []
    with write(firm.world.engine) as tx:
        box = Outbox(lambda *hint: hints.append(hint))
        dead_letters.replay(tx, box, firm.world.principal("kim"), held(firm, "kim"), work)
    assert hints == [(work, "default")]
    assert perform(firm.world.engine, handlers([Handler(topic=WORK, run=lambda claim: None)]), work) == State.DONE
    with firm.world.engine.connect() as connection:
        assert connection.execute(select(AUDIT.c.action).where(AUDIT.c.action.like("work.%"))).scalars().all() == ["work.replayed"]


def test_a_discarded_one_keeps_who_and_why(firm):
    work = dead(firm)
    kim = firm.world.principal("kim")
    with pytest.raises(Refused) as refused, write(firm.world.engine) as tx:
        dead_letters.discard(tx, kim, held(firm, "kim"), work, " ")
    assert refused.value.problems[0].code == "reason_required"
    with write(firm.world.engine) as tx:
        dead_letters.discard(tx, kim, held(firm, "kim"), work, "sent by hand")
    with firm.world.engine.connect() as connection:
        row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == work)).one()
    assert (row.state, row.reason, row.ended_by) == ("discarded", "sent by hand", kim.user_id)


def test_what_is_not_dead_is_neither_replayed_nor_discarded(firm):
    with write(firm.world.engine) as tx:
        work = Outbox().put(tx, WORK, {})
    kim = firm.world.principal("kim")
    with pytest.raises(Refused, match="work_not_dead"), write(firm.world.engine) as tx:
        dead_letters.replay(tx, Outbox(), kim, held(firm, "kim"), work)
    with pytest.raises(NotVisible), write(firm.world.engine) as tx:
        dead_letters.discard(tx, kim, held(firm, "kim"), "01900000-0000-7000-8000-000000000000", "x")


def test_nothing_leaves_the_list_before_its_retention(firm):
    dead(firm)
    with write(firm.world.engine) as tx:
        tx.connection.execute(update(OUTBOX).values(ended_at=tx.now - timedelta(days=89)))
        assert dead_letters.purge(tx) == 0
        tx.connection.execute(update(OUTBOX).values(ended_at=tx.now - timedelta(days=91)))
        assert dead_letters.purge(tx) == 1


def test_the_recycle_bin_is_emptied_until_nothing_is_due(firm):
    left = [200, 200, 7, 0]
    known = handlers(housekeeping.handlers(firm.world.engine, lambda: left.pop(0), lambda pause: 0))
    for topic in (housekeeping.RECYCLE_BIN, housekeeping.RETENTION):
        with write(firm.world.engine) as tx:
            work = Outbox().put(tx, topic, {"slot": 1})
        assert perform(firm.world.engine, known, work) == State.DONE
    assert left == []
