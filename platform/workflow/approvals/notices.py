"""Telling people about an approval: in the inbox and by mail, in each reader's language, with a link.

Here: which notice says what to whom. Not here: when (`commands.py`), the words (`i18n`), the inbox and the mail (`notify`).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.db.transaction import Transaction
from fieldstone.errors import Refused
from fieldstone.i18n.texts import text
from fieldstone.notify import inbox, mail
from fieldstone.notify.inbox import Notice, in_language
from fieldstone.notify.mail import Mail
from fieldstone.notify.templates import one_line
from fieldstone.workflow.approvals.directory import Colleague
from fieldstone.workflow.deliveries import Post

MAILED = frozenset({"approval_task", "approval_approved", "approval_rejected", "approval_suspended"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Where notices of approvals go. `address` is the app's own, for links in mails; `currency` that of amounts, as ISO 4217."""

    post: Post
    address: str
    currency: str = "USD"

    def tell(self, tx: Transaction, people: Iterable[Colleague], kind: str, about: About, **params: Any) -> None:
        """Put a line in each person's inbox and, for kinds that want one, a mail beside it; both only if `tx` commits."""
        told = list(people)
        shown = {**about.params, **params}
        notice = Notice(kind=kind, params=shown, object=about.object, record=about.record, link=about.link)
        inbox.put(tx, [person.id for person in told], notice)
        if kind in MAILED:
            for person in told:
                self._mail(tx, person, kind, about, shown)

    def _mail(self, tx: Transaction, person: Colleague, kind: str, about: About, params: Mapping[str, Any]) -> None:
        chosen = {name: in_language(value, person.language) for name, value in params.items()}
        words = {part: text(f"mail.{kind}.{part}", person.language, name=person.name, **_without(chosen, "name")) for part in PARTS}
        link = f"{self.address}{about.link}"
        body = f"{words['greeting']}\n\n{words['body']}\n\n{text('mail.open', person.language)}\n{link}\n"
        self.send(
            tx,
            person,
            subject=words["subject"],
            body=body,
            markup=_markup(words, link, person.language),
            about=f"approval:{about.instance}",
        )

    def send(self, tx: Transaction, person: Colleague, *, subject: str, body: str, markup: str | None, about: str) -> None:
        """Write one mail to a person. Somebody without a usable address is told in the inbox only: it must not stop an approval."""
        if not person.email:
            return
        letter = Mail(recipients=(person.email,), subject=one_line(subject), text=body, html=markup, language=person.language, about=about)
        try:
            self.post.post(tx, letter)
        except Refused:
            if mail.check(letter) and all(problem.code.startswith("mail_") for problem in mail.check(letter)):
                return
            raise


PARTS = ("subject", "greeting", "body")


def _without(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key != name}


def _markup(words: Mapping[str, str], link: str, language: str) -> str:
    """The same mail as HTML: everything that comes from records is escaped."""
    label = html.escape(text("mail.open_button", language))
    return (
        f'<!doctype html><html lang="{html.escape(language)}"><body style="font-family:sans-serif;line-height:1.5">'
        f"<p>{html.escape(words['greeting'])}</p><p>{html.escape(words['body'])}</p>"
        f'<p><a href="{html.escape(link)}">{label}</a></p></body></html>'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a notice is about. `params` hold texts by language where the org wrote them."""

    instance: str
    object: str
    record: str
    link: str  # path inside the app
    params: Mapping[str, Any]
