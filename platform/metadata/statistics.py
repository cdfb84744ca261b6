"""What a plan must know of the records that are there: how many, how many blank, which are doubled, which do not fit.

Here: counting, exact to 100,000 and estimated beyond, and a few examples by name. It reads tables as a whole, as the planner may.
Not here: what is asked and why (`transition`), showing records to people: examples are ids, the gate decides who sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Table, Text, and_, func, literal, select, text
from sqlalchemy import table as named
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from fieldstone.db.column_types import ChoiceSet
from fieldstone.metadata.conversions import Unfit
from fieldstone.metadata.definitions import ObjectDef
from fieldstone.metadata.tables import record_table
from fieldstone.metadata.transition import Question

EXACT = 100_000
EXAMPLES = 100
AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of records. `estimated`: there are more than were counted. `examples`: ids of some of them."""

    number: int
    estimated: bool = False
    examples: tuple[str, ...] = ()


def rows(connection: Connection, table: str) -> Count:
    """Return how many records a table holds, those in the recycle bin included."""
    counted = connection.execute(select(func.count()).select_from(select(literal(1)).select_from(named(table)).limit(EXACT + 1).subquery()))
    number = counted.scalar_one()
    if number <= EXACT:
        return Count(number=number)
    return Count(number=max(_estimate(connection, table), number), estimated=True)


def _estimate(connection: Connection, table: str) -> int:
    if connection.dialect.name == "postgresql":
        found = connection.execute(text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)"), {"name": f'"{table}"'})
        return int(found.scalar() or 0)
    quoted = connection.dialect.identifier_preparer.quote(table)
    return int(connection.exec_driver_sql(f"SELECT max(rowid) FROM {quoted}").scalar() or 0)  # noqa: S608 - quoted


def any_rows(connection: Connection, table: str) -> bool:
    """Tell whether a table holds any record at all."""
    return connection.execute(select(literal(1)).select_from(named(table)).limit(1)).first() is not None


def count(connection: Connection, definition: ObjectDef, question: Question, convert: Callable[[object], object] | None = None) -> Count:
    """Return how many live records the question is about. `convert`, for a change of type, raises on a value that does not fit."""
    table = record_table(definition)
    if question.column not in table.c:  # a new field: every record is concerned
        return rows(connection, definition.table)
    if question.duplicates:
        return _duplicates(connection, table, question.duplicates)
    if question.scan is not None:
        return _scan(connection, table, question.column, question.scan)
    if question.convert is not None:
        assert convert is not None
        return _scan(connection, table, question.column, lambda value: not _fits(convert, value))
    return _matching(connection, table, condition(table, question))


def condition(table: Table, question: Question) -> ColumnElement[bool]:
    """Return the condition of a question that is one of SQL."""
    if question.holds is not None:
        return holds(table.c[question.column], question.holds)
    assert question.where is not None
    return question.where(table.c[question.column])


def holds(choice: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a picklist column holds the value `name`, alone or among others."""
    return Among(choice, name) if isinstance(choice.type, ChoiceSet) else choice == name


class Among(ColumnElement[bool]):
    """One value is among those chosen."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, choice: ColumnElement[Any], name: str) -> None:
        self.choice = choice
        self.name = name


@compiles(Among)
def _among(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    chosen = compiler.process(element.choice, **options)
    if compiler.dialect.name == "postgresql":
        return f"{compiler.process(literal(element.name, Text()), **options)} = ANY({chosen})"
    return f"instr({chosen}, {compiler.process(literal(f';{element.name};', Text()), **options)}) > 0"


def _matching(connection: Connection, table: Table, where: ColumnElement[bool]) -> Count:
    live = and_(where, table.c.deleted_at.is_(None))
    found = connection.execute(select(table.c.id).where(live).limit(EXACT + 1)).scalars().all()
    return Count(number=min(len(found), EXACT), estimated=len(found) > EXACT, examples=tuple(found[:EXAMPLES]))


def _duplicates(connection: Connection, table: Table, columns: tuple[str, ...]) -> Count:
    parts = [table.c[name] for name in columns]
    complete = and_(table.c.deleted_at.is_(None), *(part.is_not(None) for part in parts))
    doubled = select(*parts).where(complete).group_by(*parts).having(func.count() > 1).subquery()
    same = and_(*(part == doubled.c[part.name] for part in parts))
    found = connection.execute(select(table.c.id).join(doubled, same).where(complete).limit(EXACT + 1)).scalars().all()
    return Count(number=min(len(found), EXACT), estimated=len(found) > EXACT, examples=tuple(found[:EXAMPLES]))


def _scan(connection: Connection, table: Table, name: str, unfit: Callable[[object], bool]) -> Count:
    number, examples = 0, list[str]()
    for seen, (record, value) in enumerate(_values(connection, table, name), start=1):
        if seen > EXACT:
            return Count(number=number, estimated=True, examples=tuple(examples))
        if value is not None and unfit(value):
            number += 1
            if number <= EXAMPLES:
                examples.append(record)
    return Count(number=number, examples=tuple(examples))


def _values(connection: Connection, table: Table, name: str) -> Iterator[tuple[str, object]]:
    last: str | None = None
    while True:
        some = select(table.c.id, table.c[name]).where(table.c.deleted_at.is_(None)).order_by(table.c.id).limit(AT_A_TIME)
        if last is not None:
            some = some.where(table.c.id > last)
        chunk = connection.execute(some).all()
        yield from ((row[0], row[1]) for row in chunk)
        if len(chunk) < AT_A_TIME:
            return
        last = chunk[-1][0]


def _fits(convert: Callable[[object], object], value: object) -> bool:
    try:
        convert(value)
    except Unfit:
        return False
    return True
