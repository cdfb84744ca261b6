"""Order and pages: blanks last in both directions, ties broken by id, each page beginning after the last row of the one before.

Ids go the way of the last level, so that an index on it and the id gives the order without sorting.

Here: sort levels, the order they give, the condition "after this row", values of a row in and out of a cursor.
Not here: signing (`records/cursor.py`), statements (`read.py`).
Source: spec/api.md, section 3 "Laws of paging"; spec/metadata.md, section 3 "Indexes".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, or_
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression

from fieldstone.db.column_types import Id


@dataclass(frozen=True, slots=True)
class Level:
    """One level of order: what to sort by. `indexed`: an index keeps the rows in this order."""

    expression: ColumnElement[Any]
    descending: bool
    nullable: bool
    indexed: bool = False

    def ordered(self, expression: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return `expression` in the order of this level, blanks last."""
        return self.directed(expression).nulls_last() if self.nullable else self.directed(expression)

    def directed(self, expression: ColumnElement[Any]) -> UnaryExpression[Any]:
        """Return `expression` in the order of this level where none is blank: so that PostgreSQL too reads its index downward."""
        return expression.desc() if self.descending else expression.asc()

    def natural(self, dialect: str) -> bool:
        """Whether the database puts blanks last by itself when it reads an index: SQLite going down, PostgreSQL going up."""
        return self.descending == (dialect == "sqlite")


def beyond(levels: Sequence[Level], id_column: ColumnElement[Any], blanks: Sequence[bool]) -> ColumnElement[bool]:
    """Return the condition for rows after the one whose sort values are bound as `after_0` …, its id as `after_id`.

    `blanks` says which of those values are blank: the condition looks different then.
    """
    after_id = bindparam("after_id", type_=Id)
    last = id_column < after_id if downward(levels) else id_column > after_id
    for index in reversed(range(len(levels))):
        level, expression = levels[index], levels[index].expression
        if blanks[index]:
            last = and_(expression.is_(None), last)  # blanks are last: nothing but their own ties comes after them
            continue
        value = bindparam(f"after_{index}", type_=expression.type)
        later = expression < value if level.descending else expression > value
        if level.nullable:
            later = or_(later, expression.is_(None))
        last = or_(later, and_(expression == value, last))
    return last


def downward(levels: Sequence[Level]) -> bool:
    """Whether ids that break ties go down."""
    return bool(levels) and levels[-1].descending


def by_id(levels: Sequence[Level], id_column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the order that breaks ties."""
    return id_column.desc() if downward(levels) else id_column.asc()


def from_here(level: Level) -> ColumnElement[bool]:
    """Return the bound that lets an index find the place of the cursor: at or after its first value."""
    value = bindparam("after_0", type_=level.expression.type)
    return level.expression <= value if level.descending else level.expression >= value


def parameters(values: Sequence[Any]) -> dict[str, Any]:
    """Return the parameters of `beyond` for the values of a cursor, the id last."""
    bound = {f"after_{index}": value for index, value in enumerate(values[:-1]) if value is not None}
    return bound | {"after_id": values[-1]}


def packed(value: Any) -> Any:
    """Return a sort value as JSON can carry it without losing its type."""
    match value:
        case Decimal():
            return {"n": str(value)}
        case datetime():
            return {"t": int(value.timestamp())}
        case date():
            return {"d": value.isoformat()}
    return value


def unpacked(value: Any) -> Any:
    """Return what `packed` was given."""
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        match kind:
            case "n":
                return Decimal(text)
            case "t":
                return datetime.fromtimestamp(text, UTC)
        return date.fromisoformat(text)
    return value
