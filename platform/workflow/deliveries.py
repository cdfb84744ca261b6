"""Effects outside the database: at least once, with the same id and the same bytes each time.

Here: posting a mail in a transaction, and handing it to the mail server later. Not here: the mail (`notify/mail.py`), retries
(`outbox.py`, `tasks.py`). No database transaction is open while the server is spoken to.

Source: spec/workflow.md, section 9.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass

from fieldstone.db import faults
from fieldstone.db.transaction import Transaction, read
from fieldstone.notify import mail
from fieldstone.notify.mail import Mail
from fieldstone.workflow.outbox import Claim, GiveUp, Outbox, Topic
from fieldstone.workflow.tasks import Handler

SEND_MAIL = Topic(name="mail.send", queue="default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where mails go in: they are kept for the mailbox page, and leave by `smtp_url` if there is one."""

    outbox: Outbox
    sender: str
    smtp_url: str = ""

    def post(self, tx: Transaction, letter: Mail) -> str:
        """Write a mail in `tx` and return its id; it leaves only if the transaction commits. Raises Refused as `mail.check` says."""
        mail_id = mail.write(tx, letter, sender=self.sender, leaves=bool(self.smtp_url))
        if self.smtp_url:
            self.outbox.put(tx, SEND_MAIL, {"mail": mail_id}, dedupe_key=f"mail:{mail_id}")
        return mail_id


def mail_handler(smtp_url: str) -> Handler:
    """Return what hands a mail to the server at `smtp_url`; without one, mails that waited for it become dead letters."""

    def run(claim: Claim) -> None:
        with read(claim.engine) as tx:
            row = mail.find(tx, claim.payload["mail"])
        if row is None:
            raise GiveUp("the mail was erased")
        if not smtp_url:
            raise GiveUp("no mail server is set")
        try:
            mail.send(smtp_url, mail.message(row))
        except mail.NotTaken as refusal:
            raise GiveUp(str(refusal)) from refusal
        except (OSError, smtplib.SMTPException) as failure:
            raise ConnectionError(f"{type(failure).__name__}: {failure}") from failure
        faults.point("delivery.sent")
        with claim.finish() as tx:
            mail.note_sent(tx, row.id, tx.now)

    return Handler(topic=SEND_MAIL, run=run)
