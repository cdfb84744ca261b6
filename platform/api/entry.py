"""The way in: links, who am I, whether the process and the database answer.

Here: `/`, `/me`, `/health/…`. Not here: what objects there are (`describe.py`).
"""

from __future__ import annotations

from fieldstone.api.call import Answer, Call
from fieldstone.api.operations import operation
from fieldstone.auth.rate import WINDOW
from fieldstone.db.transaction import read
from fieldstone.limits import BATCH_RECORDS, BODY_BYTES, PAGE_RECORDS
from fieldstone.metadata import store

OBJECT = {"type": "object"}
LINKS = {
    "me": "/me",
    "objects": "/objects",
    "openapi": "/openapi.json",
    "search": "/search",
    "tasks": "/approvals/tasks",
    "metadata": "/metadata",
}


@operation("GET", "/", "Where things are, and the version of the metadata.", answers={200: OBJECT})
def entry(call: Call) -> Answer:
    """Entry links and versions."""
    links = {name: f"/api/v1{path}" for name, path in LINKS.items()}
    return Answer({"api": "v1", "snapshot": call.snapshot.version, "links": links})


@operation("GET", "/me", "Who the caller is, with which rights, scopes and limits.", answers={200: OBJECT})
def me(call: Call) -> Answer:
    """The principal, its rights and what is left of its limits."""
    principal, rights = call.principal, call.rights
    most = call.org.settings.api_rate
    return Answer(
        {
            "user": {"id": principal.user_id, "name": principal.name, "username": principal.username},
            "language": principal.language,
            "zone": principal.zone.key,
            "profile": principal.profile,
            "permission_sets": sorted(principal.permission_sets),
            "role": principal.role,
            "scopes": sorted(principal.scopes) if principal.scopes is not None else None,
            "setup": sorted(rights.setup_rights),
            "objects": {name: _may(call, name) for name in sorted(rights.visible_objects)},
            "limits": {
                "calls": {"limit": most or None, "seconds": WINDOW, "left": max(call.left[0], 0) if call.left is not None else None},
                "batch": BATCH_RECORDS,
                "page": PAGE_RECORDS,
                "body_bytes": BODY_BYTES,
            },
        }
    )


def _may(call: Call, name: str) -> list[str]:
    return [right for right in ("create", "read", "edit", "delete", "view_all", "modify_all") if call.rights.can(name, right)]


STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}


@operation("GET", "/health/live", "Whether the process answers.", answers={200: STATUS}, public=True)
def live(call: Call) -> Answer:
    """Say that the process answers."""
    return Answer({"status": "ok"})


@operation("GET", "/health/ready", "Whether the database answers too.", answers={200: STATUS}, public=True)
def ready(call: Call) -> Answer:
    """Ask the database for the org. Raises TryAgain (503) when it does not answer."""
    with read(call.org.engine) as tx:
        tx.connection.execute(store.READ_VERSION).one()
    return Answer({"status": "ok"})
