"""The outbox: claims, leases and fencing, order inside a key, back-off, effects that happen once. On both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, func, select, update

from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import write
from fieldstone.errors import Problem, Refused
from fieldstone.workflow import outbox
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, AlreadyDone, Claim, GiveUp, Later, LeaseLost, Outbox, State, Topic
from fieldstone.workflow.tasks import Handler, handlers, perform

MAIL = Topic(name="mail", retries=2)
STRICT = Topic(name="strict", strict=True, retries=0)
EFFECTS = Table("effects", MetaData(), Column("n", Integer))


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[OUTBOX, CONSUMED])
    EFFECTS.create(database)
    return database


def put(engine: Engine, topic: Topic = MAIL, **options: object) -> str:
    with write(engine) as tx:
        made = Outbox().put(tx, topic, {"to": "ann"}, **options)
    assert made is not None
    return made


def row(engine: Engine, outbox_id: str):
    with engine.connect() as connection:
        return connection.execute(select(OUTBOX).where(OUTBOX.c.id == outbox_id)).one()


def later(engine: Engine, outbox_id: str, **values: object) -> None:
    """Change the row as the clock would have."""
    with write(engine) as tx:
        past = tx.now - timedelta(seconds=1)
        tx.connection.execute(update(OUTBOX).where(OUTBOX.c.id == outbox_id).values(dict.fromkeys(values, past)))


def effect(claim: Claim) -> None:
    with claim.finish() as tx:
        tx.connection.execute(EFFECTS.insert().values(n=1))


def effects(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(EFFECTS)).scalar_one()


def test_a_rolled_back_transaction_leaves_no_row_and_wakes_nobody(engine):
    woken = []
    with pytest.raises(ZeroDivisionError), write(engine) as tx:
        Outbox(lambda *hint: woken.append(hint)).put(tx, MAIL, {})
        raise ZeroDivisionError
    with engine.connect() as connection:
        assert connection.execute(select(OUTBOX)).all() == []
    assert woken == []


def test_the_hint_follows_the_commit(engine):
    woken = []
    with write(engine) as tx:
        made = Outbox(lambda *hint: woken.append(hint)).put(tx, MAIL, {})
        assert woken == []
    assert woken == [(made, "default")]


def test_a_claimed_row_is_not_claimed_again_before_its_lease_ends(engine):
    made = put(engine)
    first = outbox.claim(engine, made)
    assert first is not None
    assert first.payload == {"to": "ann"}
    assert outbox.claim(engine, made) is None
    later(engine, made, lease_until=True)
    second = outbox.claim(engine, made)
    assert second is not None
    assert second.token == first.token + 1


def test_a_worker_whose_lease_went_to_another_changes_nothing(engine):
    made = put(engine)
    first = outbox.claim(engine, made)
    later(engine, made, lease_until=True)
    outbox.claim(engine, made)
    with pytest.raises(LeaseLost):
        effect(first)
    with pytest.raises(LeaseLost), first.step():
        pass
    assert outbox.failed(first, MAIL, ValueError()) == State.LEASED
    assert effects(engine) == 0


def test_an_effect_happens_once_however_often_it_is_delivered(engine):
    known = handlers([Handler(topic=MAIL, run=effect)])
    made = put(engine)
    assert [perform(engine, known, made) for _ in range(3)] == [State.DONE, None, None]
    with write(engine) as tx:  # as after a restore of an older outbox
        tx.connection.execute(update(OUTBOX).values(state=State.QUEUED.value))
    assert perform(engine, known, made) == State.DONE
    assert effects(engine) == 1


def test_an_effect_that_fails_leaves_nothing_and_is_tried_again(engine):
    def broken(claim: Claim) -> None:
        with claim.finish() as tx:
            tx.connection.execute(EFFECTS.insert().values(n=1))
            raise ConnectionError("gone")

    known = handlers([Handler(topic=MAIL, run=broken)])
    made = put(engine)
    states = []
    for _ in range(3):
        states.append(perform(engine, known, made, lambda: 0.0))
        assert row(engine, made).error == "ConnectionError: gone"
    assert states == [State.QUEUED, State.QUEUED, State.DEAD]
    assert effects(engine) == 0


@pytest.mark.parametrize("failure", [GiveUp("no such address"), Refused(Problem(code="required"))], ids=["given up", "refused by a rule"])
def test_what_no_repetition_helps_is_a_dead_letter_at_once(engine, failure):
    def refuse(_: Claim) -> None:
        raise failure

    made = put(engine)
    assert perform(engine, handlers([Handler(topic=MAIL, run=refuse)]), made) == State.DEAD


def test_a_row_nobody_handles_is_a_dead_letter(engine):
    made = put(engine)
    assert perform(engine, {}, made) == State.DEAD
    assert row(engine, made).error == "GiveUp: nothing here handles mail"


def test_a_callee_may_say_when_to_call_again(engine):
    def busy(_: Claim) -> None:
        raise Later(3600)

    made = put(engine)
    assert perform(engine, handlers([Handler(topic=MAIL, run=busy)]), made) == State.QUEUED
    assert row(engine, made).next_at > row(engine, made).created_at + timedelta(minutes=59)


@pytest.mark.parametrize(
    ("attempt", "chance", "seconds"),
    [(1, 1.0, 10.0), (1, 0.5, 5.0), (4, 1.0, 80.0), (40, 1.0, 21_600.0), (3, 0.0, 0.0)],
)
def test_the_pause_doubles_up_to_the_cap_with_full_jitter(attempt, chance, seconds):
    assert outbox.backoff(attempt, Topic(name="x"), lambda: chance) == seconds


def test_a_row_whose_workers_died_three_times_is_put_aside(engine):
    made = put(engine)
    for _ in range(3):
        assert outbox.claim(engine, made) is not None
        later(engine, made, lease_until=True)
    assert outbox.claim(engine, made) is None
    assert (row(engine, made).state, row(engine, made).error) == ("dead", "poison")


def test_rows_of_one_key_begin_in_order(engine):
    first, second = put(engine, ordering_key="deal:1"), put(engine, ordering_key="deal:1")
    other = put(engine, ordering_key="deal:2")
    assert outbox.claim(engine, second) is None
    assert outbox.claim(engine, other) is not None
    held = outbox.claim(engine, first)
    assert outbox.claim(engine, second) is None
    effect(held)
    assert outbox.claim(engine, second) is not None


@pytest.mark.parametrize(("topic", "blocked"), [(MAIL, False), (STRICT, True)], ids=["others go on", "strict: they wait"])
def test_a_dead_row_blocks_its_key_only_where_declared(engine, topic, blocked):
    first, second = (put(engine, topic, ordering_key="k") for _ in range(2))
    held = outbox.claim(engine, first)
    assert outbox.failed(held, topic, GiveUp("no")) == State.DEAD
    assert (outbox.claim(engine, second) is None) is blocked


def test_a_second_row_with_the_same_dedupe_key_is_not_written(engine):
    with write(engine) as tx:
        first = Outbox().put(tx, MAIL, {}, dedupe_key="mail:7")
        assert Outbox().put(tx, MAIL, {}, dedupe_key="mail:7") is None
    assert first is not None


def test_a_row_that_is_due_later_is_not_claimed_now(engine):
    with write(engine) as tx:
        made = Outbox().put(tx, MAIL, {}, due=tx.now + timedelta(hours=1))
    assert outbox.claim(engine, made) is None


def test_the_same_effect_under_another_row_is_known(engine):
    made = put(engine)
    held = outbox.claim(engine, made)
    effect(held)
    with write(engine) as tx:
        tx.connection.execute(update(OUTBOX).values(state=State.QUEUED.value))
    again = outbox.claim(engine, made)
    with pytest.raises(AlreadyDone):
        effect(again)
