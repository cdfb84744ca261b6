"""Literals moved into columns: a database computes what it would else be handed as the result of a constant expression.

Here: an expression and the columns that hold what was written in it, and one row of them.
Not here: the fields of the tests (`expressions`).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert
from sqlalchemy.types import TypeEngine

from fieldstone.db.column_types import ExactNumber, Flag, PlainText, UtcDatetime
from fieldstone.rules import Checked, Resolved
from fieldstone.rules.tree import Call, FieldRef, Inlined, Literal, Node, bottom_up, children
from tests.support import expressions as ex

Columns = dict[str, tuple[TypeEngine[Any], object]]  # type and value


def from_columns(checked: Checked) -> tuple[Checked, Columns]:
    """Return the expression with each literal read from a column instead, so that the database has something to do; and the columns."""
    columns: Columns = {}

    def move(node: Node, below: list[Node]) -> Node:
        if isinstance(node, Literal) and node.value not in (None, ""):
            name = f"c{len(columns)}"
            columns[name] = (column_type(node.value), node.value)
            return FieldRef(Resolved(path=(name,), type=node.type), node.place, node.type)
        match node:
            case Call(function=function):
                return Call(function, tuple(below), node.place, node.type)
            case Inlined(field=field):
                return Inlined(field, below[0], node.place, node.type)
        return node

    moved = bottom_up(checked.node, children, move)
    return replace(checked, node=moved, reads=frozenset((name,) for name in columns)), columns


def column_type(value: object) -> TypeEngine[Any]:
    match value:
        case Decimal():
            return ExactNumber(18, max(0, -int(value.as_tuple().exponent)))
        case bool():
            return Flag()
        case str():
            return PlainText()
    return UtcDatetime()


def in_database(connection: Connection, checked: Checked) -> list[object]:
    """Return what `checked` gives in the database as it is written, and with its literals in columns."""
    moved, columns = from_columns(checked)
    table = Table("example", MetaData(), Column("row", Integer), *(Column(n, t) for n, (t, _) in columns.items()))
    table.create(connection)
    connection.execute(insert(table).values(row=0, **{name: value for name, (_, value) in columns.items()}))
    read = {name: table.c[name] for name in columns}
    results = [ex.in_database(connection, form, table, columns=read)[0] for form in (checked, moved)]
    table.drop(connection)
    return results
