"""The request at hand: who asks, what the org's definitions are, the gate to its records.

Here: `Current`, made once a request, and `current`, which views use. Not here: how the person was recognised (`app.py`).
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from flask import g, request
from werkzeug.local import LocalProxy

from fieldstone.db.transaction import Transaction, read
from fieldstone.i18n.languages import closest, negotiate
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import Rights, rights
from fieldstone.records.opening import open_for_reading
from fieldstone.records.principal import Principal

if TYPE_CHECKING:
    from fieldstone.app import Org


class Current:
    """What a view may use of the request. The transaction that the gate reads in is opened when it is first needed."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.request_id = secrets.token_hex(8)
        self.signed_in: Principal | None = None
        self.session_id: str | None = None
        self.one_time = False  # signed in with a password for one login: another one has to be chosen before anything else
        self.csrf_key = ""  # what the CSRF token is bound to: the session's key or, before a login, the visit's
        self.style_nonce: str | None = None  # set by pages with a code editor
        self._open = ExitStack()
        self._transaction: Transaction | None = None

    @property
    def principal(self) -> Principal:
        """Who asks. Only views that admit signed-in people may ask for it."""
        assert self.signed_in is not None, "a public view asked who is signed in"
        return self.signed_in

    @property
    def transaction(self) -> Transaction:
        """The reading transaction of this request: one state of the database from its first statement to its last."""
        if self._transaction is None:
            self._transaction = self._open.enter_context(read(self.org.engine))
        return self._transaction

    @cached_property
    def snapshot(self) -> Snapshot:
        """The definitions in force when the request came, to its end."""
        version = self.signed_in.version if self.signed_in is not None else None
        if version is not None:
            return self.org.holder.at(version, self.transaction.connection)
        return self.org.holder.current(self.transaction.connection)

    @cached_property
    def gate(self) -> Gate:
        """The gate to the records, for this principal, in this request's transaction."""
        return open_for_reading(self.transaction, self.org.holder, self.principal, self.org.records.cursors)

    @cached_property
    def rights(self) -> Rights:
        """What the principal may do."""
        return rights(self.snapshot, self.principal)

    def object(self, name: str) -> ObjectDef:
        """Return the object `name` if the principal may read it. Raises NotVisible, as for one that does not exist."""
        return self.rights.object(name)

    def close(self) -> None:
        """End the reading transaction: before a save, so that what is shown after it is what was saved, and at the end."""
        self._open.close()
        self._open = ExitStack()
        self._transaction = None
        self.__dict__.pop("gate", None)

    @cached_property
    def language(self) -> str:
        """The language of the page: the person's own, before a login the chosen or the browser's."""
        if self.signed_in is not None:
            return closest(self.signed_in.language) or negotiate(request.headers.get("Accept-Language"))
        return closest(request.cookies.get("fs_language")) or negotiate(request.headers.get("Accept-Language"))

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which instants are shown and typed."""
        return self.signed_in.zone if self.signed_in is not None else ZoneInfo("UTC")

    @cached_property
    def now(self) -> datetime:
        """The time of this request, for relative times and "today" on the page."""
        return datetime.now(UTC)

    @property
    def today(self) -> date:
        """The person's calendar day."""
        return self.now.astimezone(self.zone).date()


def _current() -> Any:
    return g.current


current = cast("Current", LocalProxy(_current))
