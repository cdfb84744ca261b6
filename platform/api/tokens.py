"""Own tokens: list, make, revoke. A token's text is in the answer that makes it and nowhere else.

Here: `/tokens`. Not here: what a token is (`auth/tokens.py`). Source: spec/security.md, section 2.
"""

from __future__ import annotations

from typing import Any

from fieldstone.api.call import Answer, Call
from fieldstone.api.once import Keep, once
from fieldstone.api.operations import operation
from fieldstone.api.parameters import whole
from fieldstone.auth import tokens
from fieldstone.db.column_types import is_id
from fieldstone.db.transaction import Transaction, retrying
from fieldstone.errors import NotAllowed, NotVisible, Problem, Refused
from fieldstone.records.changes import Outcome

MAKE = {
    "type": "object",
    "required": ["name", "scopes"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "\\S"},
        "scopes": {"type": "array", "minItems": 1, "maxItems": len(tokens.SCOPES), "items": {"enum": list(tokens.SCOPES)}},
        "days": {"type": "integer", "minimum": 1, "maximum": tokens.MOST_DAYS},
    },
}
MAKES_TOKENS = "users:admin"
LISTED = {"type": "object", "required": ["tokens"], "properties": {"tokens": {"type": "array", "items": {"type": "object"}}}}
MADE = {"type": "object", "required": ["id"]}


def _user(call: Call) -> str:
    if call.principal.user_id is None:
        raise NotAllowed("tokens")
    return call.principal.user_id


@operation("GET", "/tokens", "The caller's own tokens.", answers={200: LISTED}, refusals=(403,))
def list_tokens(call: Call) -> Answer:
    """Own tokens, the newest first; never their texts."""
    found = tokens.of_user(call.transaction, _user(call))
    return Answer({"tokens": [_shown(each) for each in found]})


def _shown(token: tokens.Token) -> dict[str, Any]:
    names = ("id", "name", "scopes", "created_at", "expires_at", "used_at", "revoked_at")
    return {name: getattr(token, name) for name in names}


@operation("POST", "/tokens", "Make a token for oneself.", body=MAKE, answers={201: MADE}, refusals=(403, 422))
def make_token(call: Call) -> Answer:
    """A token with scopes that the caller has. Nobody puts into a token a right they do not hold.

    A token makes others only with an admin's scope: else whoever found one would outlive its end and its revocation.
    """
    user, body, held = _user(call), call.body, call.principal.scopes
    if held is not None and MAKES_TOKENS not in held:
        raise NotAllowed(f"scope.{MAKES_TOKENS}")
    lacking = [scope for scope in body["scopes"] if held is not None and scope not in held]
    if lacking:
        raise Refused([Problem(code="scope_missing", params={"scope": scope}, pointer="/scopes") for scope in lacking], code="forbidden")
    days = whole(body.get("days")) or tokens.DAYS

    def make(keep: Keep) -> Answer:
        def work(tx: Transaction) -> tuple[str, str]:
            made, key = tokens.create(tx, user, name=body["name"], scopes=body["scopes"], days=days, by=user)
            keep(tx, Outcome(index=0, status="created", object="token", id=made))
            return made, key

        call.close()
        made, key = retrying(call.org.engine, work)
        return _made(made, token=key)

    return once(call, make, lambda done: _made(done.id or ""))


def _made(token_id: str, **more: str) -> Answer:
    """The answer to a token that was made; sent again it has no text any more: revoke that one and make another."""
    return Answer({"id": token_id, **more}, 201, {"Location": f"/api/v1/tokens/{token_id}"})


@operation("DELETE", "/tokens/{token}", "Revoke one of the caller's own tokens.", answers={204: None}, refusals=(403, 404))
def revoke_token(call: Call, token: str) -> Answer:
    """Dead at its next use."""
    user = _user(call)
    if not is_id(token):
        raise NotVisible("token")

    def revoke(keep: Keep) -> Answer:
        def work(tx: Transaction) -> None:
            tokens.revoke(tx, user, token)
            keep(tx, Outcome(index=0, status="deleted", object="token", id=token))

        call.close()
        retrying(call.org.engine, work)
        return Answer(status=204)

    return once(call, revoke, lambda done: Answer(status=204))
