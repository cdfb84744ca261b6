"""The recycle bin: what was deleted in the last 30 days, as far as the person may see it, and taking it out again.

Here: the page. Not here: deleting and restoring (`records.py`, `records/steps/deletion.py`).
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from fieldstone.limits import RECYCLE_DAYS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.records.query import Page, Query, Sort
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.pages import page
from fieldstone.web.shell import chosen_app, plural, shown_objects
from fieldstone.web.shown import name_columns, with_failures

bp = Blueprint("recycle_bin", __name__)

ROWS = 50


@bp.get("/recycle-bin")
@admit(SIGNED_IN)
def show() -> ResponseReturnValue:
    """What lies in the bin of one object; the objects stand as tabs."""
    objects = [each for each, _item in shown_objects(chosen_app()) if current.rights.can(each.name, "delete")]
    asked = request.args.get("object")
    chosen = next((each for each in objects if each.name == asked), None)
    if chosen is None and asked in current.rights.visible_objects:
        chosen = current.object(asked)
        objects.append(chosen)
    chosen = chosen or (objects[0] if objects else None)
    found = _deleted(chosen) if chosen is not None else Page(records=())
    return page(
        "recycle_bin.html",
        block="bin",
        kinds=objects,
        chosen=chosen,
        page=found,
        paged="cursor" in request.args,
        days=RECYCLE_DAYS,
        plural=plural,
    )


def _deleted(definition: ObjectDef) -> Page:
    read = current.gate.read(
        Query(
            object=definition.name,
            select=(*name_columns(definition), "deleted_at", "deleted_by"),
            sort=(Sort(field="deleted_at", descending=True),),
            limit=ROWS,
            cursor=request.args.get("cursor") or None,
            deleted="only",
        )
    )
    return replace(read, records=with_failures(definition, read.records, deleted=True))
