"""The bell: one line for each person, in their language, until they have read it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from fieldstone.db.ids import new_id
from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import read, write
from fieldstone.notify import inbox
from fieldstone.notify.inbox import NOTIFICATION, Notice

ANN, BOB = new_id(), new_id()
TASK = Notice(
    kind="approval_task",
    params={"submitter": "Sue", "object": {"en": "Quote", "zh-Hans": "报价"}, "record": "Q-1", "process": {"en": "Discount"}},
    link="/approvals/1",
)


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[NOTIFICATION])
    return database


def put(engine: Engine, *users: str, notice: Notice = TASK) -> None:
    with write(engine) as tx:
        inbox.put(tx, users, notice)


def test_each_person_is_told_once(engine):
    put(engine, ANN, BOB, ANN)
    with read(engine) as tx:
        assert [inbox.unread(tx, user) for user in (ANN, BOB)] == [1, 1]


def test_the_words_are_in_the_readers_language(engine):
    put(engine, ANN)
    with read(engine) as tx:
        texts = [inbox.page(tx, ANN, language)[0].text for language in ("en", "zh-Hans", "zh-Hant")]
    assert texts == [
        "Sue asks for your decision on Quote Q-1 (Discount)",
        "Sue 提交的报价 Q-1 等待您审批（Discount）",
        "Sue 送出的报价 Q-1 等待您簽核（Discount）",
    ]


def test_what_is_read_does_not_count_and_nobody_reads_for_another(engine):
    put(engine, ANN, BOB)
    with write(engine) as tx:
        [mine] = inbox.page(tx, ANN, "en")
        assert inbox.mark_read(tx, BOB, [mine.id]) == 0
        assert inbox.mark_read(tx, ANN, [mine.id]) == 1
        assert inbox.mark_read(tx, ANN) == 0
        assert [inbox.unread(tx, user) for user in (ANN, BOB)] == [0, 1]
        assert inbox.page(tx, ANN, "en")[0].read


def test_pages_go_on_where_the_last_one_ended(engine):
    for number in range(5):
        put(engine, ANN, notice=Notice(kind="text", params={"text": str(number)}))
    with read(engine) as tx:
        first = inbox.page(tx, ANN, "en", limit=2)
        rest = inbox.page(tx, ANN, "en", before=first[-1].id)
    assert [line.text for line in (*first, *rest)] == ["4", "3", "2", "1", "0"]


def test_old_lines_go(engine):
    put(engine, ANN)
    with write(engine) as tx:
        tx.connection.execute(update(NOTIFICATION).values(at=tx.now - timedelta(days=91)))
        assert inbox.purge(tx) == 1
