"""One call: who asks, with what, on which metadata; the gate they read through; the answer they get.

Here: `Call`, `Answer`. Not here: how the caller is recognised and what failures look like (`app.py`).
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Request

from fieldstone.api import values
from fieldstone.api.operations import Operation
from fieldstone.db.transaction import Transaction, read
from fieldstone.errors import NotAllowed, NotVisible
from fieldstone.i18n.languages import negotiate
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Label
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import Rights, rights
from fieldstone.records.opening import open_for_reading
from fieldstone.records.principal import Principal

if TYPE_CHECKING:
    from fieldstone.app import Org

NO_BODY = object()


@dataclass(slots=True)
class Answer:
    """What a view gives back: a value to be written as JSON, None for no body."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: bytes | None = None  # JSON that is written already


class Call:
    """One request of a program. Reading shares one transaction; a save has its own, so the reading one is closed before."""

    def __init__(self, org: Org, request: Request, operation: Operation | None = None) -> None:
        self.org = org
        self.request = request
        self.operation = operation
        self.request_id = secrets.token_hex(8)
        self.principal_or_none: Principal | None = None
        self.key_id = ""  # of the token or session
        self.query: dict[str, Any] = {}
        self.body: Any = NO_BODY
        self.replayed = False
        self.left: tuple[int, int] | None = None  # calls left in this minute, seconds to its end
        self._open = ExitStack()
        self._transaction: Transaction | None = None

    # --- who and with what ---

    @property
    def principal(self) -> Principal:
        """Who asks."""
        assert self.principal_or_none is not None
        return self.principal_or_none

    @cached_property
    def snapshot(self) -> Snapshot:
        """The metadata in force when the call came."""
        version = self.principal.version
        assert version is not None
        return self.org.holder.at(version, self._transaction.connection if self._transaction is not None else None)

    @cached_property
    def rights(self) -> Rights:
        """What the caller may do."""
        return rights(self.snapshot, self.principal)

    @cached_property
    def language(self) -> str:
        """The language of labels and messages: what the call asks for, else the caller's own."""
        asked = self.request.headers.get("Accept-Language")
        own = self.principal_or_none.language if self.principal_or_none is not None else "en"
        return negotiate(asked, own) if asked else own

    @property
    def numbers_as_text(self) -> bool:
        """Whether numbers go out as texts."""
        return bool(self.query.get("numbers") == "text")

    def label(self, label: Label, name: str = "") -> str:
        """Return a label in the language of the call."""
        return labels.text(label, self.language, self.snapshot.language, name)

    def object(self, name: str) -> ObjectDef:
        """Return an object by API name if the caller may read it and it is open to programs. Raises NotVisible."""
        definition = self.rights.object(name)
        if "api" not in definition.features:
            raise NotVisible(name)
        return definition

    def require_setup(self, *wanted: str, writes: bool = False) -> None:
        """Raise NotAllowed unless one of these Setup rights is held; reading metadata takes the scope to read it alone."""
        held = any(self.rights.setup(right) for right in wanted) if writes else bool(self.rights.setup_rights & set(wanted))
        if not held:
            raise NotAllowed(f"setup.{wanted[0]}")

    # --- reading ---

    @property
    def transaction(self) -> Transaction:
        """The reading transaction."""
        if self._transaction is None:
            self._transaction = self._open.enter_context(read(self.org.engine))
        return self._transaction

    @cached_property
    def gate(self) -> Gate:
        """The gate to the records, for the caller."""
        return open_for_reading(self.transaction, self.org.holder, self.principal, self.org.records.cursors)

    def close(self) -> None:
        """End the reading transaction."""
        if self._transaction is not None:
            self._open.close()
            self._open = ExitStack()
            self._transaction = None
        self.__dict__.pop("gate", None)

    # --- answering ---

    def dump(self, value: Any) -> bytes:
        """Return `value` as the caller wants JSON."""
        return values.dump(value, numbers_as_text=self.numbers_as_text)

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another one: method, path, parameters, body."""
        request = self.request
        parts = (request.method, request.path, request.query_string.decode("latin-1"), request.headers.get("If-Match", ""))
        return hashlib.sha256("\n".join(parts).encode() + b"\n" + request.get_data()).hexdigest()
