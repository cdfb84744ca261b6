"""Home: what waits for the person, and the records that changed last, their own before those of others. Choosing an app.

Here: the page. Not here: the navigation (`shell.py`), approvals (`approvals.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from fieldstone.auth.cookies import YEAR, is_plain_loopback
from fieldstone.errors import NotVisible
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.records.query import Query, Sort
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.approvals import waiting_tasks
from fieldstone.web.current import current
from fieldstone.web.pages import fragment, page, redirect_after
from fieldstone.web.shell import APP_COOKIE, apps, chosen_app, plural, shown_objects, whole
from fieldstone.web.shown import name_columns, with_failures

bp = Blueprint("home", __name__)

LISTS = 4  # objects whose records are shown
ROWS = 5


@bp.get("/")
@admit(SIGNED_IN)
def show() -> ResponseReturnValue:
    """The home page."""
    recent = list(islice(_lists(), LISTS))
    return page("home.html", recent=recent, tasks=waiting_tasks(limit=ROWS), hour=current.now.astimezone(current.zone).hour, plural=plural)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What changed last of an object."""

    definition: ObjectDef
    own: bool  # whether these are the person's own records
    records: list[tuple[dict[str, Any], datetime]]  # with when that was


def _lists() -> Iterator[Recent]:
    """Yield the objects of the app with the person's own records.

    Who owns none sees those of others, as managers do; nothing is shown where there is nothing and the person may create nothing.
    """
    for definition, _item in shown_objects(chosen_app()):
        if definition.owned_by != "none":
            mine = _changed_last(definition, own=True)
            others = [] if mine else _changed_last(definition, own=False)
            if mine or others or current.rights.can(definition.name, "create"):
                yield Recent(definition=definition, own=not others, records=mine or others)


def _changed_last(definition: ObjectDef, *, own: bool) -> list[tuple[dict[str, Any], datetime]]:
    """Return records of an object that the person sees, those changed last first, with when that was."""
    read = current.gate.read(
        Query(
            object=definition.name,
            select=(*name_columns(definition), "updated_at"),
            filter={"field": "owner", "op": "me"} if own else None,
            sort=(Sort(field="updated_at", descending=True),),
            limit=ROWS,
        )
    )
    return [(record, record["updated_at"]) for record in with_failures(definition, read.records)]


@bp.get("/shell/<any(more, keys):part>")
@admit(SIGNED_IN)
def shell_part(part: str) -> ResponseReturnValue:
    """What the shell of every page shows only when somebody asks: places for phones, the list of shortcuts."""
    return fragment("shell_parts.html", part, **whole(with_toasts=False))


@bp.get("/app/<app_name>")
@admit(SIGNED_IN)
def choose_app(app_name: str) -> ResponseReturnValue:
    """Work in another app: its objects stand in the navigation from now on."""
    chosen = next((each for each in apps() if each.name == app_name), None)
    if chosen is None:
        raise NotVisible
    first = next(iter(shown_objects(chosen)), None)
    response = make_response(redirect_after(f"/o/{first[0].name}" if first is not None else "/"))
    response.set_cookie(
        APP_COOKIE, chosen.name, max_age=YEAR, httponly=True, samesite="Lax", secure=not is_plain_loopback(current.org.settings)
    )
    return response
