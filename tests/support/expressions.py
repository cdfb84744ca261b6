"""Expressions over one table of invented fields, on three engines.

Here: the fields of the specification's examples, their scope, their table, and evaluation in Python, SQLite and PostgreSQL.
Not here: what is expected (the tests), how to draw random ones (`strategies`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any
from weakref import WeakSet
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, case, false, insert, null, select
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ChoiceSet, ExactNumber, Flag, Id, IsoDate, PlainText, TimeOfDay, UtcDatetime
from fieldstone.rules import (
    Blanks,
    Checked,
    Context,
    EvaluationError,
    Resolved,
    Use,
    ValueType,
    check,
    dialect_of,
    register_functions,
    to_python,
    to_sql,
)
from fieldstone.rules.shown import as_shown

CONTEXT = Context(
    now=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
    today=date(2026, 3, 1),
    zone=ZoneInfo("Asia/Shanghai"),
    globals={"$User.Id": "0190a5d0-0000-7000-8000-000000000001", "$User.Name": "Ada", "$Permission.Discount": True},
)


def number(name: str, **more: Any) -> Resolved:
    return Resolved(path=tuple(name.split(".")), type=ValueType.NUMBER, number_field=True, **more)


def plain(name: str, type_: ValueType, **more: Any) -> Resolved:
    return Resolved(path=tuple(name.split(".")), type=type_, **more)


def part(name: str) -> Resolved:
    """Return a coordinate of a place: one step of a path."""
    return Resolved(path=(name,), type=ValueType.NUMBER, number_field=True)


def of_product(name: str, holds: ValueType, **more: Any) -> Resolved:
    """Return a field of another object as such: what VLOOKUP is given."""
    return Resolved(path=("$ObjectType", "product", "Fields", name), type=ValueType.FIELD, holds=holds, own=False, **more)


FIELDS: Mapping[str, tuple[Resolved, TypeEngine[Any] | None]] = {
    "price": (number("price"), ExactNumber(18, 2)),
    "cost": (number("cost"), ExactNumber(18, 2)),
    "qty": (number("qty"), ExactNumber(18, 0)),
    "rate": (number("rate"), ExactNumber(18, 9)),
    "disc": (number("disc", percent=True), ExactNumber(7, 2)),
    "nick": (plain("nick", ValueType.TEXT), PlainText()),
    "city": (plain("city", ValueType.TEXT, length=60_000), PlainText()),
    "start": (plain("start", ValueType.DATE), IsoDate()),
    "finish": (plain("finish", ValueType.DATE), IsoDate()),
    "stamp": (plain("stamp", ValueType.DATETIME), UtcDatetime()),
    "seen": (plain("seen", ValueType.DATETIME), UtcDatetime()),
    "open": (plain("open", ValueType.TIME), TimeOfDay()),
    "shut": (plain("shut", ValueType.TIME), TimeOfDay()),
    "vip": (plain("vip", ValueType.BOOLEAN, checkbox=True), Flag()),
    "stage": (plain("stage", ValueType.PICKLIST, picklist=("open", "won", "lost")), PlainText()),
    "tags": (plain("tags", ValueType.MULTIPICKLIST, picklist=("a", "b", "c")), ChoiceSet()),
    "place": (plain("place", ValueType.GEOLOCATION), None),
    "place.latitude": (part("place.latitude"), ExactNumber(8, 6)),
    "place.longitude": (part("place.longitude"), ExactNumber(9, 6)),
    "account": (plain("account", ValueType.ID), Id()),
    "account.name": (plain("account.name", ValueType.TEXT, own=False), PlainText()),
    "account.revenue": (number("account.revenue", own=False), ExactNumber(18, 2)),
    "account.share": (number("account.share", percent=True, own=False), ExactNumber(7, 2)),
    "account.partner": (plain("account.partner", ValueType.BOOLEAN, checkbox=True, own=False), Flag()),
    "account.rank": (plain("account.rank", ValueType.PICKLIST, picklist=("a", "b", "won"), own=False), PlainText()),
    "account.parent": (plain("account.parent", ValueType.ID, own=False), Id()),
    "account.parent.since": (plain("account.parent.since", ValueType.DATE, own=False), IsoDate()),
    "account.owner.login": (plain("account.owner.login", ValueType.DATETIME, own=False), UtcDatetime()),
    "account.parent.owner.team.lead.budget": (number("account.parent.owner.team.lead.budget", own=False), ExactNumber(18, 4)),
    "$user.id": (plain("$User.Id", ValueType.ID, user_dependent=True, own=False), None),
    "$user.name": (plain("$User.Name", ValueType.TEXT, user_dependent=True, own=False), None),
    "$permission.discount": (plain("$Permission.Discount", ValueType.BOOLEAN, user_dependent=True, own=False), None),
    "$setup.limits.discount": (number("$Setup.Limits.Discount", user_dependent=True, own=False), None),
    "$objecttype.product.fields.name": (of_product("name", ValueType.TEXT, key=True), None),
    "$objecttype.product.fields.price": (of_product("price", ValueType.NUMBER), None),
    "$objecttype.product.fields.share": (of_product("share", ValueType.NUMBER, percent=True), None),
    "$objecttype.product.fields.since": (of_product("since", ValueType.DATE), None),
}
# The same, as the account that is read through sees its own.
PARENT_FIELDS: Mapping[str, tuple[Resolved, TypeEngine[Any] | None]] = {
    name.removeprefix("account."): (replace(found, path=found.path[1:]), type_)
    for name, (found, type_) in FIELDS.items()
    if name.startswith("account.")
}


@dataclass(frozen=True)
class Fields:
    """A scope of the fields above, and of formula fields made of them."""

    formulas: Mapping[str, Resolved] = field(default_factory=dict)
    fields: Mapping[str, tuple[Resolved, TypeEngine[Any] | None]] = field(default_factory=lambda: FIELDS)
    object_label: str = "Deal"

    def resolve(self, name: str) -> Resolved | None:
        found = self.fields.get(name.lower())
        return found[0] if found is not None else self.formulas.get(name.lower())

    def lacking(self, name: str) -> tuple[str, str]:
        return name, self.object_label

    def nearest(self, name: str) -> str | None:
        near = get_close_matches(name.lower(), [*self.fields, *self.formulas], 1)
        return near[0] if near else None

    def with_formula(self, name: str, source: str, shown: Mapping[str, int] | None = None, **more: Any) -> Fields:
        """Return the scope with one more formula field; with `shown` (the digits it holds) as people see it."""
        checked = check(source, self, Use.FORMULA)
        if shown is not None:
            checked = as_shown(checked, **shown)
        numeric = checked.type is ValueType.NUMBER
        made = Resolved(path=(name,), type=checked.type, number_field=numeric, formula=checked, **more)
        return replace(self, formulas={**self.formulas, name: made})

    def with_parent_formula(self, parent: str, name: str, source: str, scope: Fields, shown: Mapping[str, int] | None = None) -> Fields:
        """Return the scope with a formula field of a parent, whose own fields are those of `scope`."""
        (made,) = scope.with_formula(name, source, shown).formulas.values()
        seen = replace(made, path=(parent, name), own=False)
        return replace(self, formulas={**self.formulas, f"{parent}.{name}": seen})


SCOPE = Fields()


def column_name(path: str) -> str:
    return path.replace(".", "__")


def table(name: str = "deal") -> Table:
    """Return a table with a column for each field that a row holds."""
    columns = [Column(column_name(path), type_) for path, (_, type_) in FIELDS.items() if type_ is not None]
    return Table(name, MetaData(), Column("row", Integer, primary_key=True), *columns)


def columns_of(found: Table) -> dict[str, Any]:
    return {path: found.c[column_name(path)] for path, (_, type_) in FIELDS.items() if type_ is not None}


_made: WeakSet[Engine] = WeakSet()  # engines that have the table


def filled(connection: Connection, rows: Sequence[Mapping[str, object]]) -> Table:
    """Return a table on `connection` that holds `rows`, numbered from 0, until the caller rolls back."""
    found = table()
    if connection.engine not in _made:
        found.create(connection)
        connection.commit()
        _made.add(connection.engine)
    names = [column_name(path) for path, (_, type_) in FIELDS.items() if type_ is not None]
    paths = [path for path, (_, type_) in FIELDS.items() if type_ is not None]
    values = [
        {"row": index, **{n: row.get(p, False if p == "vip" else None) for n, p in zip(names, paths, strict=True)}}
        for index, row in enumerate(rows)
    ]
    connection.execute(insert(found), values)
    return found


ERROR = "error"
Evaluate = Callable[..., object]  # (formula, row, blanks=, context=) on one of the engines


def in_python(checked: Checked, row: Mapping[str, object], context: Context = CONTEXT) -> object:
    """Return the value, or the category of the error as `("error", category)`."""
    try:
        return to_python(checked)(row, context)
    except EvaluationError as error:
        return ERROR, error.category


def in_database(
    connection: Connection, checked: Checked, found: Table, context: Context = CONTEXT, columns: Mapping[str, Any] | None = None
) -> list[object]:
    """Return the value for each row, in one statement; `("error", None)` where evaluating is an error."""
    if connection.dialect.name == "sqlite":
        register_functions(connection.connection.driver_connection)
    sql = to_sql(checked, columns_of(found) if columns is None else columns, dialect_of(connection.dialect.name), context)
    error = sql.error if sql.error is not None else false()
    statement = select(case((error, null()), else_=sql.value).label("value"), error.label("failed")).select_from(found).order_by(found.c[0])
    results: list[object] = []
    for value, failed in connection.execute(statement):
        results.append((ERROR, None) if failed else shown(value, checked.type))
    return results


def shown(value: object, type_: ValueType) -> object:
    """Return a database's value as Python's compiler gives it: null of a condition is false, an empty text is blank."""
    if type_ is ValueType.BOOLEAN:
        return bool(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value if value != "" else None


def checked_as(source: str, blanks: Blanks = Blanks.BLANK, use: Use = Use.AUTOMATION, scope: Fields = SCOPE) -> Checked:
    return check(source, scope, use, blanks=blanks)
