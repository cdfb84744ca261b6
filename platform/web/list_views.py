"""Which view of an object's records is shown: shared ones of the metadata, personal ones of the user, or the one every object has.

Here: finding views, what a view comes to for this reader (columns they may see, sort, filter), keeping personal ones.
Not here: the page (`lists.py`, `boards.py`), conditions added on the page (`conditions.py`), the query (`records/gate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update

from fieldstone.db.column_types import is_id
from fieldstone.db.ids import new_id
from fieldstone.db.transaction import Transaction
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.metadata.definitions.definition import Audience
from fieldstone.metadata.definitions.list_views import BoardDef, ColumnDef, ListViewDef
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.records.gate.conditions import compiled
from fieldstone.records.principal import Principal
from fieldstone.records.query import Sort
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.tables import PERSONAL_VIEW

ALL = "all"  # API name of the view every object has without asking
MOST_COLUMNS = 20
COLUMNS_OF_ALL = 7
MOST_PERSONAL = 100  # of one person and object
LONG = frozenset({"long_text", "rich_text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListColumn:
    """A column of a list: the path as queries name it, its field, what stands above it."""

    path: str
    field: FieldDef
    label: str
    total: str | None = None

    @property
    def in_query(self) -> bool:
        """Whether lists can filter and sort by it: a formula that only Python can do is computed behind the query."""
        if self.field.type != "formula" or self.field.stored:
            return True
        formula = current.snapshot.expression(self.field.formula or "", self.field.object, "formula", self.field.blanks)
        return formula.checked.sql


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view as this reader gets it."""

    name: str  # in the URL
    label: str
    columns: tuple[ListColumn, ...]
    sort: tuple[Sort, ...] = ()
    filter: str | None = None  # expression; the reader cannot change it here
    board: BoardDef | None = None
    start_in: str = "list"
    personal: bool = False
    query: Mapping[str, str] | None = None  # of a personal view: the rest of its URL


def views(definition: ObjectDef) -> list[View]:
    """Return the views of an object that this reader may choose from: the shared ones in their order, then the own ones."""
    shared = [
        each
        for each in current.snapshot.all("list_view", definition.name)
        if isinstance(each, ListViewDef) and is_for(each.visible_to, current.principal)
    ]
    found = [_of_shared(definition, each) for each in sorted(shared, key=lambda each: (each.order, each.name))]
    if not any(each.name == ALL for each in found):
        found.append(_of_all(definition))
    return found + personal_views(definition)


def is_for(audience: Audience, principal: Principal) -> bool:
    """Tell whether something is meant for the principal: for everybody, or for a profile, permission set or role of theirs."""
    return (
        audience.everybody
        or principal.profile in audience.profiles
        or bool(audience.permission_sets & principal.permission_sets)
        or principal.role in audience.roles
    )


def resolve(definition: ObjectDef, path: str) -> tuple[ObjectDef, FieldDef] | None:
    """Return the object and field at the end of a path, None if the reader may not see each step of it."""
    holder = definition
    words = path.split(".")
    for place, word in enumerate(words):
        found = holder.field(word)
        if found is None or found.name not in current.rights.readable(holder.name):
            return None
        if place == len(words) - 1:
            return holder, found
        if found.type not in LOOKUPS or found.to not in current.rights.visible_objects:
            return None
        holder = current.snapshot.objects[str(found.to)]
    return None


def runs(definition: ObjectDef, expression: str) -> bool:
    """Tell whether a filter that somebody else wrote runs for this reader: they may read all that it asks for."""
    try:
        compiled(current.gate.asking, definition, expression)
    except Refused:
        return False
    return True


def column(definition: ObjectDef, path: str, total: str | None = None) -> ListColumn | None:
    """Return the column of a path, None if the reader may not see it."""
    found = resolve(definition, path)
    if found is None:
        return None
    words = path.split(".")
    labels = [label(each[1]) for n in range(1, len(words) + 1) if (each := resolve(definition, ".".join(words[:n]))) is not None]
    return ListColumn(path=path, field=found[1], label=" › ".join(labels), total=total)


def columns(definition: ObjectDef, paths: list[ColumnDef]) -> tuple[ListColumn, ...]:
    """Return the columns of a view that the reader may see; the name of the record stands first whatever the view says."""
    found = [each for given in paths if (each := column(definition, given.field, given.total)) is not None]
    name = column(definition, definition.name_field)
    if name is not None and not any(each.path == name.path for each in found):
        found.insert(0, name)
    return tuple(found[:MOST_COLUMNS])


def _of_shared(definition: ObjectDef, view: ListViewDef) -> View:
    return View(
        name=view.name,
        label=label(view),
        columns=columns(definition, list(view.columns)),
        filter=view.filter,
        sort=tuple(Sort(field=each.field, descending=each.descending) for each in view.sort),
        board=view.board,
        start_in=view.start_in,
    )


def _of_all(definition: ObjectDef) -> View:
    fields = [each for each in definition.fields.values() if each.result_type not in LONG and each.name != definition.name_field]
    paths = [definition.name_field, *(each.name for each in fields[: COLUMNS_OF_ALL - 1])]
    if "owner" in definition.system_fields and definition.owned_by != "none":
        paths.append("owner")
    picklist = next((each.name for each in definition.fields.values() if each.type == "picklist"), None)
    return View(
        name=ALL,
        label=_("All"),
        columns=columns(definition, [ColumnDef(field=path) for path in paths]),
        sort=(Sort(field="updated_at", descending=True),),
        board=BoardDef(group_by=picklist) if picklist is not None else None,
    )


# ------------------------------------------------------------------------------------------------------- personal views


def personal_views(definition: ObjectDef) -> list[View]:
    """Return the reader's own views of an object, by name."""
    rows = current.transaction.connection.execute(
        select(PERSONAL_VIEW)
        .where(PERSONAL_VIEW.c.user_id == current.principal.user_id, PERSONAL_VIEW.c.object == definition.name)
        .order_by(PERSONAL_VIEW.c.label, PERSONAL_VIEW.c.id)
    )
    return [_of_personal(definition, row.id, row.label, row.view) for row in rows]


def _of_personal(definition: ObjectDef, view_id: str, shown_label: str, stored: Mapping[str, Any]) -> View:
    base = _of_all(definition)
    paths = [ColumnDef(field=path) for path in stored.get("columns", [])]
    group_by = stored.get("group_by")
    return View(
        name=view_id,
        label=shown_label,
        columns=columns(definition, paths) if paths else base.columns,
        sort=tuple(Sort.parse(each) for each in stored.get("sort", [])) or base.sort,
        filter=stored.get("filter"),
        board=BoardDef(group_by=group_by, totals=tuple(stored.get("totals", [])), card=tuple(stored.get("card", [])))
        if group_by
        else base.board,
        start_in=stored.get("start_in", "list"),
        personal=True,
        query=stored.get("query", {}),
    )


def save_personal(
    transaction: Transaction, user_id: str, object_name: str, shown_label: str, stored: Mapping[str, Any], view_id: str | None
) -> str:
    """Keep a view for its user, a new one or the one with this id, and return its id. Raises Refused without a name or over the limit."""
    if not shown_label.strip():
        raise Refused(Problem(code="required", field="label"))
    mine = (PERSONAL_VIEW.c.user_id == user_id) & (PERSONAL_VIEW.c.object == object_name)
    values = {"label": shown_label.strip()[:80], "view": dict(stored), "changed_at": transaction.now}
    if view_id is not None:
        done = transaction.connection.execute(update(PERSONAL_VIEW).where(mine, PERSONAL_VIEW.c.id == view_id).values(values))
        if done.rowcount == 0:
            raise NotVisible
        return view_id
    if len(transaction.connection.execute(select(PERSONAL_VIEW.c.id).where(mine)).all()) >= MOST_PERSONAL:
        raise Refused(Problem(code="limit_exceeded", params={"limit": "personal_views", "value": MOST_PERSONAL}))
    made = new_id()
    transaction.connection.execute(insert(PERSONAL_VIEW).values(id=made, user_id=user_id, object=object_name, **values))
    return made


def remove_personal(transaction: Transaction, user_id: str, object_name: str, view_id: str) -> None:
    """Remove one of the user's own views. Raises NotVisible for any other."""
    condition = (PERSONAL_VIEW.c.user_id == user_id) & (PERSONAL_VIEW.c.object == object_name) & (PERSONAL_VIEW.c.id == view_id)
    if not is_id(view_id) or transaction.connection.execute(delete(PERSONAL_VIEW).where(condition)).rowcount == 0:
        raise NotVisible
