"""Nothing typed is ever lost, and nothing is saved twice: forms across a login, and forms sent two times.

Here: what was typed when the session had ended is carried through the login and comes back; a create form's number is good for
one record. Not here: drafts a browser keeps for itself (`static/js`), versions of a record (`records/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, insert, select
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from fieldstone.auth import csrf, principals
from fieldstone.auth.cookies import SESSION
from fieldstone.db.column_types import is_id
from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction
from fieldstone.web.current import current
from fieldstone.web.pages import safe_target
from fieldstone.web.tables import SENT_FORM, TYPED_FORM

KEPT = timedelta(days=1)
CARRIED_SECONDS = 86_400
BRING_BACK = frozenset({"records", "setup"})  # blueprints of which each form shows again what was typed into it (`kept`)
ONLY_CONFIRM = frozenset({"setup.remove_field", "setup.remove_object", "setup.show_pack", "setup.sample_data"})  # nothing is typed there


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current.org.settings.secret_key, salt="typed form")


def carried() -> str:
    """Return the form of this request, signed, to travel through the login page; empty when its page does not bring it back."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != csrf.FIELD and "password" not in name]
    page = _page_here() or ""
    if not fields or page in ONLY_CONFIRM or page.partition(".")[0] not in BRING_BACK:
        return ""
    key = request.cookies.get(SESSION.name(current.org.settings))
    user_id = principals.former_user(current.transaction.connection, key) if key else None
    return str(_signer().dumps({"user": user_id, "path": request.path, "fields": fields}))


def page_of_form() -> str:
    """Return the path of the page that the form of this request stands on: its own if one can go there, else the one it came from."""
    if _page_here() is not None:
        return request.path
    _, _, rest = (request.referrer or "").partition(f"//{request.host}")
    return safe_target(rest)


def _page_here() -> str | None:
    """Return the endpoint of the page at the address of this request; None if there is none, for a form that is only sent there."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        rule, _ = adapter.match(request.path, method="GET", return_rule=True)
    except HTTPException:
        return None
    # "/o/deal/delete" is only sent to, though "delete" could be the id of a record
    return str(rule.endpoint) if request.url_rule is not None and rule.rule == request.url_rule.rule else None


def take_back(transaction: Transaction, user_id: str, token: str) -> str | None:
    """Keep what a login page carried for this user and return the address of the form that shows it; None if there is nothing.

    What another user had typed is dropped.
    """
    try:
        carried_form = _signer().loads(token, max_age=CARRIED_SECONDS)
    except BadData:
        return None
    if carried_form["user"] not in (None, user_id):
        return None
    transaction.connection.execute(delete(TYPED_FORM).where(TYPED_FORM.c.at < transaction.now - KEPT))
    form_id = new_id()
    transaction.connection.execute(
        insert(TYPED_FORM).values(id=form_id, user_id=user_id, fields=carried_form["fields"], at=transaction.now)
    )
    path = safe_target(carried_form["path"])
    return f"{path}{'&' if '?' in path else '?'}typed={form_id}"


def kept(transaction: Transaction, user_id: str, form_id: str | None) -> MultiDict[str, str] | None:
    """Return what the user had typed into the form before the login; None if there is nothing of that id of theirs."""
    if not is_id(form_id):
        return None
    fields: Sequence[tuple[str, str]] | None = transaction.connection.execute(
        select(TYPED_FORM.c.fields).where(TYPED_FORM.c.id == form_id, TYPED_FORM.c.user_id == user_id)
    ).scalar()
    return MultiDict((name, value) for name, value in fields) if fields is not None else None


def sent_before(transaction: Transaction, user_id: str, number: str | None) -> str | None:
    """Return the id of the record that the form `number` has made already; None for a form sent the first time."""
    if not is_id(number):
        return None
    return transaction.connection.execute(
        select(SENT_FORM.c.record_id).where(SENT_FORM.c.number == number, SENT_FORM.c.user_id == user_id)
    ).scalar()


def note_sent(transaction: Transaction, user_id: str, number: str | None, record_id: str) -> None:
    """Remember in the transaction of the save which record the form `number` made. A second one of that number breaks the key."""
    if is_id(number):
        transaction.connection.execute(delete(SENT_FORM).where(SENT_FORM.c.at < transaction.now - KEPT))
        transaction.connection.execute(insert(SENT_FORM).values(number=number, user_id=user_id, record_id=record_id, at=transaction.now))
