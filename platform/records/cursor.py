"""Cursors: where a page ended, signed, so that nobody can ask for a place they have not seen.

Here: `Cursors`, which seals and opens them. Not here: what the values mean (`gate/paging.py`).
Source: spec/api.md, section 3, law 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from fieldstone.records.query import refuse_query

MOST_SECONDS = 24 * 3600


class Cursors:
    """Seals and opens the cursors of one org."""

    def __init__(self, secret: str | bytes) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt="cursor", signer_kwargs={"digest_method": hashlib.sha256})

    def seal(self, bound_to: Sequence[str], values: Sequence[Any]) -> str:
        """Return a cursor for `values` (what JSON can say) that only opens for the same `bound_to`: principal, query, object."""
        sealed: str | bytes = self._serializer.dumps([_digest(bound_to), list(values)])
        return sealed if isinstance(sealed, str) else sealed.decode()

    def open(self, cursor: str, bound_to: Sequence[str]) -> list[Any]:
        """Return the values in `cursor`. Raises Refused (`invalid_cursor`) if it is changed, foreign or older than a day."""
        try:
            digest, values = self._serializer.loads(cursor, max_age=MOST_SECONDS)
        except (BadData, ValueError, TypeError):
            raise refuse_query("invalid_cursor") from None
        if digest != _digest(bound_to) or not isinstance(values, list):
            raise refuse_query("invalid_cursor")
        return values


def _digest(bound_to: Sequence[str]) -> str:
    return hashlib.sha256("\x00".join(bound_to).encode()).hexdigest()[:32]
