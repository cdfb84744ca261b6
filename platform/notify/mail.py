"""Mails: written in the transaction of what they tell, kept for the mailbox page, handed to a mail server when there is one.

Here: `fs_mail`, its checks, the message as bytes, SMTP.
Not here: when a mail is sent and how often that is tried (`workflow/deliveries.py`), its text (`templates.py`, `i18n`).

A mail has its Message-ID from birth and carries the same bytes at every attempt. Source: spec/security.md, section 5;
spec/workflow.md, section 9.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Column, Row, select, type_coerce, update

from fieldstone.db.column_types import Id, JsonText, PlainText, UtcMoment
from fieldstone.db.ids import new_id
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.errors import Problem, Refused
from fieldstone.limits import MAIL_RECIPIENTS, TEMPLATE_BYTES

MAIL = system_table(
    "mail",
    Column("id", Id, primary_key=True),
    Column("message_id", PlainText, nullable=False, unique=True),
    Column("sender", PlainText, nullable=False),
    Column("recipients", JsonText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("text", PlainText, nullable=False),
    Column("html", PlainText),
    Column("language", PlainText, nullable=False),
    Column("about", PlainText),  # what it is about, such as "approval:<id>"
    Column("written_at", UtcMoment, nullable=False, index=True),
    Column("state", PlainText, nullable=False),  # "kept" (no mail server), "waiting", "sent"
    Column("sent_at", UtcMoment),
)

TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. Recipients are addresses; `text` is compulsory, `html` comes beside it."""

    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    language: str = "en"
    about: str | None = None


def check(mail: Mail) -> tuple[Problem, ...]:
    """Return what is wrong with a mail: a line break in a header, an address that is none, too many of them, too long a text."""
    problems = [Problem(code="mail_header_break", params={"part": "subject"})] if _breaks(mail.subject) else []
    for address in mail.recipients:
        if _breaks(address):
            problems.append(Problem(code="mail_header_break", params={"part": "to"}))
        elif parseaddr(address)[1] != address or "@" not in address.strip("@"):
            problems.append(Problem(code="mail_no_address", params={"address": address[:100]}))
    if not mail.recipients:
        problems.append(Problem(code="mail_no_recipient"))
    if len(mail.recipients) > MAIL_RECIPIENTS:
        problems.append(Problem(code="limit_exceeded", params={"limit": "mail_recipients", "value": MAIL_RECIPIENTS}))
    if len(mail.text.encode()) + len((mail.html or "").encode()) > TEMPLATE_BYTES:
        problems.append(Problem(code="template_too_long", params={"limit": TEMPLATE_BYTES}))
    return tuple(problems)


def _breaks(text: str) -> bool:
    return any(mark in text for mark in "\r\n\0\v\f\x1c\x1d\x1e\x85\u2028\u2029")


def write(tx: Transaction, mail: Mail, *, sender: str, leaves: bool) -> str:
    """Write a mail in `tx` and return its id; `leaves` says whether it waits for a mail server or is only kept.

    Raises Refused with every problem of `check`; recipients cannot be forged into headers, nor the sender be anything but ours.
    """
    problems = check(mail)
    if problems:
        raise Refused(problems)
    mail_id = new_id()
    host = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    tx.connection.execute(
        MAIL.insert().values(
            id=mail_id,
            message_id=f"<{mail_id}@{host}>",
            sender=sender,
            recipients=list(mail.recipients),
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            language=mail.language,
            about=mail.about,
            written_at=tx.now,
            state="waiting" if leaves else "kept",
        )
    )
    return mail_id


def find(tx: Transaction, mail_id: str) -> Row[Any] | None:
    """Return the row of one mail."""
    return tx.connection.execute(select(MAIL).where(MAIL.c.id == mail_id)).one_or_none()


def mailbox(tx: Transaction, *, before: str | None = None, limit: int = 50, to: str | None = None) -> Sequence[Row[Any]]:
    """Return the newest mails, those older than the mail `before`; for the administrator's page. `to` narrows by part of an address."""
    found = select(MAIL).order_by(MAIL.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(MAIL.c.id < before)
    if to:
        found = found.where(type_coerce(MAIL.c.recipients, PlainText).contains(to, autoescape=True))
    return tx.connection.execute(found).all()


def note_sent(tx: Transaction, mail_id: str, at: datetime) -> None:
    """Note that the mail server has taken the mail."""
    tx.connection.execute(update(MAIL).where(MAIL.c.id == mail_id).values(state="sent", sent_at=at))


def message(row: Row[Any]) -> EmailMessage:
    """Return the mail as a message; the same bytes however often it is made."""
    made = EmailMessage(policy=SMTP_POLICY)
    made["Message-ID"] = row.message_id
    made["Date"] = format_datetime(row.written_at)
    made["From"] = Address(addr_spec=parseaddr(row.sender)[1], display_name=parseaddr(row.sender)[0])
    made["To"] = ", ".join(row.recipients)
    made["Subject"] = row.subject
    made["Content-Language"] = row.language
    made["Auto-Submitted"] = "auto-generated"  # so that no answering machine answers
    made.set_content(row.text, cte="base64")
    if row.html is not None:
        made.add_alternative(row.html, subtype="html", cte="base64")
        made.set_boundary(f"={row.id}=")  # constant, as the rest
    return made


class NotTaken(Exception):
    """The mail server refused the mail for good."""


def send(smtp_url: str, made: EmailMessage) -> None:
    """Hand a message to the mail server at `smtp_url` (smtp, smtp+starttls or smtps). No database transaction may be open.

    Raises NotTaken for a refusal that repeating cannot change; OSError or SMTPException for what may go well another time.
    """
    place = urlsplit(smtp_url)
    host, secure = place.hostname or "localhost", place.scheme == "smtps"
    context = ssl.create_default_context()
    if secure:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, place.port or 465, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, place.port or 25, timeout=TIMEOUT_SECONDS)
    with server:
        if place.scheme == "smtp+starttls":
            server.starttls(context=context)
        if place.username:
            server.login(unquote(place.username), unquote(place.password or ""))
        try:
            server.send_message(made)
        except smtplib.SMTPRecipientsRefused as refusal:
            if all(500 <= code < 600 for code, _ in refusal.recipients.values()):
                raise NotTaken("every recipient was refused") from refusal
            raise
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refusal:
            if 500 <= refusal.smtp_code < 600:
                raise NotTaken(f"refused with {refusal.smtp_code}") from refusal
            raise
