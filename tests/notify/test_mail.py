"""Mails: what is refused, what is constant, and a real mail server that takes, refuses and drops them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
from sqlalchemy import Engine, select

from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import read, write
from fieldstone.errors import Refused
from fieldstone.notify import mail
from fieldstone.notify.mail import MAIL, Mail
from fieldstone.workflow.deliveries import Post, mail_handler
from fieldstone.workflow.outbox import CONSUMED, OUTBOX, Outbox, State
from fieldstone.workflow.tasks import handlers, perform

SENDER = "Fieldstone <crm@example.com>"


@pytest.fixture
def engine(database: Engine) -> Engine:
    SYSTEM.create_all(database, tables=[MAIL, OUTBOX, CONSUMED])
    return database


def letter(**values: object) -> Mail:
    return Mail(**{"recipients": ("ann@example.com",), "subject": "Hello", "text": "Body", **values})


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (letter(subject="Hi\r\nBcc: all@example.com"), "mail_header_break"),
        (letter(subject="Hi\u2028there"), "mail_header_break"),
        (letter(recipients=("ann@example.com\nBcc: x@example.com",)), "mail_header_break"),
        (letter(recipients=("Ann <ann@example.com>",)), "mail_no_address"),
        (letter(recipients=("a@x.com, b@x.com",)), "mail_no_address"),
        (letter(recipients=("nobody",)), "mail_no_address"),
        (letter(recipients=()), "mail_no_recipient"),
        (letter(recipients=tuple(f"p{n}@example.com" for n in range(101))), "limit_exceeded"),
        (letter(text="x" * (1 << 20), html="y"), "template_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mail_is_refused(engine, bad, code):
    with pytest.raises(Refused) as refused, write(engine) as tx:
        mail.write(tx, bad, sender=SENDER, leaves=False)
    assert [problem.code for problem in refused.value.problems] == [code]
    with read(engine) as tx:
        assert mail.mailbox(tx) == []


def test_without_a_mail_server_it_is_kept_for_the_mailbox_page(engine):
    with write(engine) as tx:
        Post(outbox=Outbox(), sender=SENDER).post(tx, letter(text="赢单 🎉"))
    with read(engine) as tx:
        [row] = mail.mailbox(tx)
        assert (row.state, row.text, row.recipients) == ("kept", "赢单 🎉", ["ann@example.com"])
        assert mail.mailbox(tx, to="bob@") == []
        assert tx.connection.execute(select(OUTBOX)).all() == []


def test_its_bytes_are_the_same_each_time(engine):
    with write(engine) as tx:
        mail_id = mail.write(tx, letter(html="<p>Body</p>"), sender=SENDER, leaves=True)
    with read(engine) as tx:
        row = mail.find(tx, mail_id)
    first, second = (mail.message(row).as_bytes() for _ in range(2))
    assert first == second
    parsed = message_from_bytes(first, policy=policy.default)
    assert parsed["Message-ID"] == f"<{mail_id}@example.com>"
    assert parsed["From"] == SENDER
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


class MailServer(socketserver.ThreadingTCPServer):
    """Just enough of SMTP; `behaviour` says what becomes of a message: "take", "refuse", "drop" or "later"."""

    allow_reuse_address = True
    daemon_threads = True
    behaviour = "take"

    def __init__(self) -> None:
        self.got: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline():
            match line.split(b" ")[0].strip().upper():
                case b"DATA":
                    self.say("354 go on")
                    body = b"".join(iter(self.rfile.readline, b".\r\n"))
                    self.server.got.append(body)
                    match self.server.behaviour:
                        case "drop":
                            return
                        case "refuse":
                            self.say("550 no")
                        case "later":
                            self.say("451 later")
                        case _:
                            self.say("250 taken")
                case b"QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def post(engine: Engine, url: str) -> str:
    with write(engine) as tx:
        Post(outbox=Outbox(), sender=SENDER, smtp_url=url).post(tx, letter())
    with engine.connect() as connection:
        return connection.execute(select(OUTBOX.c.id)).scalar_one()


@pytest.mark.parametrize(
    ("behaviour", "state", "mailed"),
    [
        ("take", State.DONE, "sent"),
        ("refuse", State.DEAD, "waiting"),
        ("later", State.QUEUED, "waiting"),
        ("drop", State.QUEUED, "waiting"),
    ],
)
def test_what_becomes_of_a_delivery(engine, server, behaviour, state, mailed):
    server.behaviour = behaviour
    url = f"smtp://127.0.0.1:{server.server_address[1]}"
    work = post(engine, url)
    assert perform(engine, handlers([mail_handler(url)]), work) == state
    with read(engine) as tx:
        assert mail.mailbox(tx)[0].state == mailed


def test_a_repeated_delivery_carries_the_same_message(engine, server):
    server.behaviour = "drop"
    url = f"smtp://127.0.0.1:{server.server_address[1]}"
    work = post(engine, url)
    known = handlers([mail_handler(url)])
    assert perform(engine, known, work, lambda: 0.0) == State.QUEUED
    server.behaviour = "take"
    assert perform(engine, known, work) == State.DONE
    first, second = server.got
    assert first == second


def test_a_server_that_is_away_costs_an_attempt(engine):
    work = post(engine, "smtp://127.0.0.1:9")
    assert perform(engine, handlers([mail_handler("smtp://127.0.0.1:9")]), work) == State.QUEUED
