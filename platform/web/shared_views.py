"""A view for everybody: what somebody sees in a list becomes a list view of the configuration.

Here: the document, with its conditions as one expression that stays true tomorrow, and publishing it. Not here: own views
(`list_views.py`), the road of every change of the configuration (`metadata/plan.py`, `publish.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from fieldstone.errors import NotAllowed
from fieldstone.metadata import publish
from fieldstone.metadata.changes import Author, ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.records.filters import Operand, Printing, printed
from fieldstone.records.gate.authors import rights_of_author
from fieldstone.web import conditions
from fieldstone.web.current import current
from fieldstone.web.lists import Listing
from fieldstone.web.setup.typed import name_from

FIRST_MONDAY = "DATE(1900, 1, 1)"  # weeks are counted from here, Monday to Sunday


def publish_view(shown: Listing, label: str) -> str:
    """Publish what a list shows as a view for everybody and return its API name. Raises NotAllowed, and Refused with every problem."""
    if not current.rights.setup("customize"):
        raise NotAllowed("setup.customize")
    taken = [each.name for each in current.snapshot.all("list_view", shown.definition.name)]
    document = _document(shown, label, name_from({current.language: label}, taken) or "view")
    changes = ChangeSet(put=(document,))
    planned = plan(
        current.snapshot,
        changes,
        current.transaction.connection,
        language=current.language,
        rights=rights_of_author(current.snapshot, current.rights, changes),
    )
    author = Author(id=current.principal.user_id, reason=f"list view {document['api_name']}")
    current.close()
    publish.publish(current.org.engine, planned.require(), author=author, snapshots=current.org.holder)
    return str(document["api_name"])


def _document(shown: Listing, label: str, name: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": "list_view",
        "object": shown.definition.name,
        "api_name": name,
        "label": {current.language: label},
        "columns": [{"field": each.path, **({"total": each.total} if each.total else {})} for each in shown.columns],
    }
    if shown.sort:
        document["sort"] = [{"field": each.field, **({"direction": "desc"} if each.descending else {})} for each in shown.sort]
    expression = expression_of(shown)
    if expression is not None:
        document["filter"] = expression
    board = shown.view.board
    if board is not None:
        document["board"] = {"group_by": board.group_by, "totals": list(board.totals), "card": list(board.card)}
        if shown.shape == "board":
            document["start_in"] = "board"
    return document


def expression_of(shown: Listing) -> str | None:
    """Return the conditions of a list as one expression; periods stay relative to the day on which it is asked."""
    tree = conditions.tree(
        [
            {"expression": shown.view.filter} if shown.view.filter else None,
            *(_lasting(shown, each) for each in shown.conditions),
            {"expression": shown.expression} if shown.expression else None,
            conditions.searching(shown.definition, shown.search),
        ]
    )
    return printed(tree, _printing(shown)) if tree is not None else None


def _lasting(shown: Listing, condition: conditions.Condition) -> Mapping[str, Any] | None:
    node = condition.node
    if node is None or node.get("op") != "in_period":
        return node
    path = condition.column.path
    day = f"DATEVALUE({path})" if condition.column.field.result_type == "datetime" else path
    return {"expression": period(str(node["value"]), day)}


def period(name: str, day: str) -> str:
    """Return the expression that `day`, itself an expression, lies in the period `name`."""
    match name.split("_"):
        case ["today"]:
            return f"{day} = TODAY()"
        case ["yesterday"]:
            return f"{day} = TODAY() - 1"
        case ["tomorrow"]:
            return f"{day} = TODAY() + 1"
        case ["last", number, "days"]:
            return f"AND({day} > TODAY() - {number}, {day} <= TODAY())"
        case ["next", number, "days"]:
            return f"AND({day} > TODAY(), {day} <= TODAY() + {number})"
        case [which, "week"]:
            return f"FLOOR(({day} - {FIRST_MONDAY}) / 7) = FLOOR((TODAY() - {FIRST_MONDAY}) / 7) + {_step(which)}"
        case [which, "year"]:
            return f"YEAR({day}) = YEAR(TODAY()) + {_step(which)}"
        case [which, "month"]:
            return f"YEAR({day}) * 12 + MONTH({day}) = YEAR(TODAY()) * 12 + MONTH(TODAY()) + {_step(which)}"
        case [which, "quarter"]:
            return f"YEAR({day}) * 4 + FLOOR((MONTH({day}) - 1) / 3) = YEAR(TODAY()) * 4 + FLOOR((MONTH(TODAY()) - 1) / 3) + {_step(which)}"
    raise ValueError(name)


def _step(which: str) -> str:
    return {"this": "0", "last": "(-1)", "next": "1"}[which]


def _printing(shown: Listing) -> Printing:
    fields = {each.column.path: each.column.field for each in shown.conditions}

    def describe(name: str) -> Operand:
        found = fields.get(name) or shown.definition.field(name)
        assert found is not None
        return Operand(name=name, type=found.result_type, typed=lambda value: _typed(found.result_type, value))

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), current.zone).astimezone(UTC)

    return Printing(describe=describe, today=current.today, midnight=midnight)


def _typed(kind: str, value: Any) -> Any:
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        return datetime.fromisoformat(value)
    return value
