"""Working on records for a plan: computing hidden columns, converting values, replacing what goes.

Here: the passes of a plan over its tables, a chunk of one, and what a save writes into hidden columns meanwhile.
Not here: the journal and the transactions (`publish`), which columns need filling (`transition`).

A fill is no save: no rule, automation, history, stamp or row version; types, lengths and references hold. It reads and writes tables
as a whole: nobody sees what it computes before the switch.
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.engine import RowMapping

from fieldstone import rules
from fieldstone.db.transaction import Transaction
from fieldstone.errors import Problem
from fieldstone.metadata import statistics
from fieldstone.metadata.conversions import Case, Convert, Unfit, conversion
from fieldstone.metadata.ddl import column_makers
from fieldstone.metadata.definitions import FieldDef, ObjectDef
from fieldstone.metadata.formulas import held
from fieldstone.metadata.moving import pointer_of
from fieldstone.metadata.origins import Origin, Rewrite
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.tables import field_columns, record_table
from fieldstone.metadata.transition import is_expression, typed

if TYPE_CHECKING:
    from fieldstone.metadata.plan import Plan  # which asks us to convert values before it is one

AT_A_TIME = 1_000

Row = Mapping[str, object]  # values by dotted path, as `rules` reads them
Value = Callable[[dict[str, object], rules.Context], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One way through one table: hidden columns computed together, or the values of a live column that change in place."""

    object: str  # API name after the change
    table: str
    origins: tuple[Origin, ...] = ()
    rewrite: Rewrite | None = None


def passes(planned: Plan) -> tuple[Pass, ...]:
    """Return the passes of a plan in their order; the journal counts them."""
    found = [Pass(object=rewrite.object, table=rewrite.table, rewrite=rewrite) for rewrite in planned.transition.rewrites]
    together: list[Origin] = []
    for origin in planned.transition.origins:
        if together and (origin.object != together[0].object or "roll_up" in (origin.how, together[-1].how)):
            found.append(_pass(planned, together))
            together = []
        together.append(origin)
    if together:
        found.append(_pass(planned, together))
    return tuple(found)


def _pass(planned: Plan, origins: Iterable[Origin]) -> Pass:
    some = tuple(origins)
    return Pass(object=some[0].object, table=planned.table_of(some[0].object), origins=some)


def tables_of(planned: Plan) -> frozenset[str]:
    """Return the tables, there already, whose records a plan works on."""
    return frozenset(work.table for work in passes(planned)) & planned.current.tables.keys()


def chunk(transaction: Transaction, planned: Plan, work: Pass, cursor: str | None) -> tuple[str | None, int]:
    """Work on the next records of a pass after `cursor`; return the new cursor (None: that was all) and how many were done."""
    assert planned.proposed is not None
    if work.rewrite is not None:
        return _rewrite(transaction, planned.proposed, work.rewrite, cursor)
    if work.origins[0].how == "roll_up":
        return _roll_up(transaction, planned.proposed, work.origins[0], cursor)
    return _compute(transaction, planned.proposed, work, cursor)


def _next(
    transaction: Transaction, table: Table, columns: Iterable[Column[Any]], cursor: str | None, where: Any = None
) -> list[RowMapping]:
    wanted = select(table.c.id, *columns).order_by(table.c.id).limit(AT_A_TIME)
    if cursor is not None:
        wanted = wanted.where(table.c.id > cursor)
    if where is not None:
        wanted = wanted.where(where)
    if transaction.on_postgresql:
        wanted = wanted.with_for_update()  # a save that is changing a record ends first, and fills what it wrote itself
    return list(transaction.connection.execute(wanted).mappings())


def _context(snapshot: Snapshot, now: datetime) -> rules.Context:
    zone = ZoneInfo(snapshot.zone)
    return rules.Context(now=now.astimezone(UTC), today=now.astimezone(zone).date(), zone=zone)


# --- hidden columns --------------------------------------------------------------------------------------------------


def _compute(transaction: Transaction, proposed: Snapshot, work: Pass, cursor: str | None) -> tuple[str | None, int]:
    connection = transaction.connection
    definition = proposed.objects[work.object]
    old = tuple(origin.old for origin in work.origins if origin.old is not None and origin.old.column != origin.field.column)
    table = record_table(definition, hidden=_distinct(old))
    values = [(origin, value_of(connection, proposed, origin)) for origin in work.origins]
    paths = {path for origin in work.origins for path in _paths(proposed, origin)}
    rows = _next(transaction, table, _needed(table, definition, paths, old), cursor)
    images = Images(connection, proposed, definition, paths).of(rows)
    context = _context(proposed, transaction.now)
    written: list[tuple[str, list[object]]] = []
    for row, image in zip(rows, images, strict=True):
        new: list[object] = []
        for origin, value in values:
            if origin.old is not None:
                image[OLD + origin.field.name] = row[cast("str", origin.old.column)]
            image[origin.field.name] = computed = evaluated(value, image, context)
            new.append(never_blank(origin.field, computed))
        written.append((row["id"], new))
    _write(connection, table, [origin.field for origin in work.origins], written)
    return _cursor(rows), len(rows)


def _needed(table: Table, definition: ObjectDef, paths: Iterable[tuple[str, ...]], old: Iterable[FieldDef]) -> list[Column[Any]]:
    """Return the columns to read: what expressions name, and the old values of what is converted."""
    names = {made.column for made in old}
    for path in paths:
        made = definition.field(path[0])
        names.add(made.column or made.name if made is not None else None)
    return [column for column in table.columns if column.name in names and column.name != "id"]


def _write(connection: Connection, table: Table, fields: Sequence[FieldDef], rows: Iterable[tuple[str, Sequence[object]]]) -> None:
    """Write the values of `fields`, given in their order, into the records of `rows`, with the keys beside them."""
    names = [column.name for made in fields for column in field_columns(made)]
    makers = [[(f"new_{name}", make) for name, make in column_makers(made)] for made in fields]
    changes = []
    for record, values in rows:
        change: dict[str, object] = {"record": record}
        for columns, value in zip(makers, values, strict=True):
            for name, make in columns:
                change[name] = value if make is None else make(value)
        changes.append(change)
    if changes:
        wanted = update(table).where(table.c.id == bindparam("record")).values({name: bindparam(f"new_{name}") for name in names})
        connection.execute(wanted, changes)


OLD = "\x00old "  # before the name of a field whose type changes: its value in the old type; no API name begins so


def _cursor(rows: list[RowMapping]) -> str | None:
    return str(rows[-1]["id"]) if len(rows) == AT_A_TIME else None


def _distinct(fields: Iterable[FieldDef]) -> tuple[FieldDef, ...]:
    return tuple({field.column: field for field in fields}.values())


def never_blank(field: FieldDef, value: object) -> object:
    """Return the value, false for a blank checkbox."""
    return False if value is None and field.result_type == "checkbox" else value


def evaluated(value: Value, image: dict[str, object], context: rules.Context) -> object:
    """Return what `value` gives; blank where evaluating is an error or nothing fits."""
    try:
        return value(image, context)
    except (rules.EvaluationError, Unfit):
        return None  # shown as an error, read as blank; what does not fit a new type is counted when the plan verifies


def value_of(connection: Connection, proposed: Snapshot, origin: Origin) -> Value:
    """Return the function that gives a hidden column's value from a record's values, which it may raise on."""
    made = origin.field
    match origin.how:
        case "convert":
            change = converter(connection, proposed, origin)
            unfit = origin.answer.unfit
            instead = typed(made, origin.answer.fill) if unfit == "fill" else None

            def converted(image: dict[str, object], context: rules.Context) -> object:
                try:
                    return change(image.get(OLD + made.name))
                except Unfit:
                    return instead

            return converted
        case "formula":
            compiled = proposed.expression(made.formula or "", origin.object, "formula", made.blanks)
            return lambda image, context: held(made, compiled.python(image, context))
        case _:
            return _filled_by(proposed, origin.object, made, origin.answer.fill)


def _filled_by(proposed: Snapshot, object_name: str, made: FieldDef, given: object) -> Value:
    if not is_expression(given):
        constant = typed(made, given)
        return lambda image, context: constant
    compiled = proposed.expression(str(given)[1:], object_name, "default")
    return lambda image, context: held(made, compiled.python(image, context))


def converter(connection: Connection, snapshot: Snapshot, origin: Origin) -> Convert:
    """Return what turns a value of a field's old type into one of its new type; it raises Unfit."""
    assert origin.old is not None
    zone = ZoneInfo(origin.answer.zone or snapshot.zone)
    names = _Names(connection, snapshot)
    case = Case(
        old=origin.old,
        new=origin.field,
        answer=origin.answer,
        zone=zone,
        find=lambda name: names.find(origin.field.to, name),
        name_of=lambda record: names.name_of(cast("FieldDef", origin.old).to, record),
    )
    change = conversion(case)
    assert change is not None, "the plan refuses what the matrix does not know"
    return change


class _Names:
    """Names of records of other objects, for lookups that become texts and texts that become lookups."""

    def __init__(self, connection: Connection, snapshot: Snapshot) -> None:
        self.connection = connection
        self.snapshot = snapshot
        self.found: dict[tuple[str, str], str | None] = {}

    def find(self, target: str | None, name: str) -> str | None:
        return self._ask(target, name, lambda table, column: (table.c.id, and_(column == name, table.c.deleted_at.is_(None))))

    def name_of(self, target: str | None, record: str) -> str | None:
        return self._ask(target, record, lambda table, column: (column, table.c.id == record))

    def _ask(self, target: str | None, key: str, how: Callable[[Table, Column[Any]], tuple[Any, Any]]) -> str | None:
        if target is None:
            return None
        known = (target, key)
        if known not in self.found:
            definition = self.snapshot.object(target)
            table = record_table(definition)
            wanted, where = how(table, table.c[cast("str", definition.name_fielddef.column)])
            rows = self.connection.execute(select(wanted).where(where).limit(2)).scalars().all()
            self.found[known] = str(rows[0]) if len(rows) == 1 else None
        return self.found[known]


def _paths(proposed: Snapshot, origin: Origin) -> frozenset[tuple[str, ...]]:
    match origin.how:
        case "formula":
            return proposed.expression(origin.field.formula or "", origin.object, "formula", origin.field.blanks).checked.reads
        case "value" if is_expression(origin.answer.fill):
            return proposed.expression(str(origin.answer.fill)[1:], origin.object, "default").checked.reads
    return frozenset()


class Images:
    """Values by dotted path for some records: their own, and those of the parents that are asked for, one statement a hop."""

    def __init__(self, connection: Connection, snapshot: Snapshot, definition: ObjectDef, paths: Iterable[tuple[str, ...]]) -> None:
        self.connection = connection
        self.snapshot = snapshot
        self.definition = definition
        self.paths = [path for path in paths if not path[0].startswith("$")]

    def of(self, rows: list[RowMapping]) -> list[dict[str, object]]:
        """Return one image a row, in their order."""
        images = own_values(self.definition, rows)
        self._parents(self.definition, rows, images, "", [path for path in self.paths if len(path) > 1])
        return images

    def _parents(
        self,
        definition: ObjectDef,
        rows: Sequence[RowMapping | None],
        images: list[dict[str, object]],
        prefix: str,
        paths: list[tuple[str, ...]],
    ) -> None:
        for hop in dict.fromkeys(path[0] for path in paths):
            lookup = definition.field(hop)
            if lookup is None or lookup.to is None or lookup.column is None:
                continue
            target = self.snapshot.object(lookup.to)
            table = record_table(target)
            ids = {row[lookup.column] for row in rows if row is not None and row[lookup.column] is not None}
            found = list(self.connection.execute(select(table).where(table.c.id.in_(ids))).mappings()) if ids else []
            by_id = {row["id"]: row for row in found}
            seen = {row["id"]: values for row, values in zip(found, own_values(target, found), strict=True)}
            parents = [by_id.get(row[lookup.column]) if row is not None else None for row in rows]
            for image, parent in zip(images, parents, strict=True):
                if parent is not None:
                    image |= {f"{prefix}{hop}.{name}": value for name, value in seen[parent["id"]].items()}
            deeper = [path[1:] for path in paths if path[0] == hop and len(path) > 2]
            if deeper:
                self._parents(target, parents, images, f"{prefix}{hop}.", deeper)


def own_values(definition: ObjectDef, rows: Sequence[RowMapping]) -> list[dict[str, object]]:
    """Return the values of each row by API name, as far as the rows have their columns."""
    if not rows:
        return []
    there = set(rows[0].keys())
    system = [(name, name) for name in definition.system_fields if name in there]
    own = [(made.name, made.column) for made in definition.fields.values() if made.column in there]
    wanted = [*system, *((name, column) for name, column in own if column is not None)]
    return [{name: row[column] for name, column in wanted} for row in rows]


# --- roll-ups --------------------------------------------------------------------------------------------------------


def _roll_up(transaction: Transaction, proposed: Snapshot, origin: Origin, cursor: str | None) -> tuple[str | None, int]:
    rows = _next(transaction, record_table(proposed.objects[origin.object]), (), cursor)
    write_roll_ups(transaction, proposed, origin, [row["id"] for row in rows])
    return _cursor(rows), len(rows)


def write_roll_ups(transaction: Transaction, proposed: Snapshot, origin: Origin, parents: list[str]) -> None:
    """Compute a roll-up anew for the records `parents`, and write it into its hidden column."""
    if not parents:
        return
    connection, made = transaction.connection, origin.field
    sums = roll_up_values(connection, proposed, origin.object, made, parents, _context(proposed, transaction.now))
    empty = empty_roll_up(made)
    _write(connection, record_table(proposed.objects[origin.object]), (made,), [(record, (sums.get(record, empty),)) for record in parents])


def empty_roll_up(made: FieldDef) -> object:
    """Return what a roll-up is where no record counts: 0 for count and sum, else blank."""
    return held(made, Decimal(0)) if made.function in ("count", "sum") else None


def roll_up_values(
    connection: Connection, snapshot: Snapshot, parent: str, made: FieldDef, parents: list[str], context: rules.Context
) -> dict[str, object]:
    """Return the value of a roll-up for each of the `parents` that has records counting for it, in one statement."""
    relation = snapshot.relation(parent, made.relation or "")
    assert relation is not None, "checked"
    child = relation.child
    table = record_table(child)
    lookup = table.c[cast("str", relation.field.column)]
    where: list[ColumnElement[bool]] = [lookup.in_(parents), table.c.deleted_at.is_(None)]
    if made.filter:
        where.append(_filter(connection, snapshot, child, table, made.filter, context))
    value = func.count()
    if made.function != "count":
        source = child.field(made.field or "")
        assert source is not None, "checked"
        value = getattr(func, cast("str", made.function))(table.c[cast("str", source.column)])
    found = connection.execute(select(lookup, value).where(and_(*where)).group_by(lookup)).all()
    return {record: _in_points(made, value) for record, value in found}


def _in_points(made: FieldDef, value: object) -> object:
    """A percent is summed in the points it is stored in; `held` takes fractions."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if isinstance(value, Decimal) and made.result_type == "percent":
        value = value / 100
    return held(made, value)


def _filter(
    connection: Connection, snapshot: Snapshot, child: ObjectDef, table: Table, source: str, context: rules.Context
) -> ColumnElement[bool]:
    checked = snapshot.expression(source, child.name, "rollup_filter").checked
    columns = {".".join(path): table.c[cast("str", _column(child, path[0]))] for path in checked.reads}
    return rules.condition(checked, columns, rules.dialect_of(connection.dialect.name), context)


def _column(definition: ObjectDef, name: str) -> str | None:
    found = definition.field(name)
    assert found is not None, "checked"
    return found.column or found.name


# --- values of live columns ------------------------------------------------------------------------------------------


def _rewrite(transaction: Transaction, proposed: Snapshot, rewrite: Rewrite, cursor: str | None) -> tuple[str | None, int]:
    """Give blanks a value, or replace picklist values that go."""
    definition, made = proposed.objects[rewrite.object], rewrite.field
    table = record_table(definition)
    column = table.c[cast("str", made.column)]
    if rewrite.blanks is not None:
        where: ColumnElement[bool] = column.is_(None)
    else:
        where = or_(*(statistics.holds(column, name) for name in rewrite.replace))
    given = rewrite.blanks.fill if rewrite.blanks is not None else None
    paths = proposed.expression(str(given)[1:], rewrite.object, "default").reads if is_expression(given) else frozenset()
    rows = _next(transaction, table, _needed(table, definition, paths, (made,)), cursor, where)
    connection, context = transaction.connection, _context(proposed, transaction.now)
    if rewrite.blanks is not None:
        value = _filled_by(proposed, rewrite.object, made, given)
        images = Images(connection, proposed, definition, paths).of(rows)
        computed = [evaluated(value, image, context) for image in images]
    else:
        computed = [replaced(row[column.name], rewrite.replace) for row in rows]
    _write(connection, table, (made,), [(row["id"], (new,)) for row, new in zip(rows, computed, strict=True)])
    return _cursor(rows), len(rows)


def replaced(value: object, replace: Mapping[str, str | None]) -> object:
    """Return a picklist's value, or the values of a multi-picklist, with those that go replaced."""
    if isinstance(value, tuple):
        kept = dict.fromkeys(name for old in value if (name := replace.get(old, old)) is not None)
        return tuple(kept) or None
    return replace.get(cast("str", value), value)


# --- before the switch -----------------------------------------------------------------------------------------------


def verify(transaction: Transaction, planned: Plan) -> tuple[Problem, ...]:
    """Finish what writers left since the fill, and count what does not fit; the version lock is held, so nobody writes meanwhile."""
    assert planned.proposed is not None
    for work in passes(planned):
        if work.rewrite is not None and work.table in planned.current.tables:
            cursor: str | None = ""
            while cursor is not None:
                cursor, _ = _rewrite(transaction, planned.proposed, work.rewrite, cursor or None)
    return tuple(
        problem
        for origin in planned.transition.origins
        if origin.how == "convert" and origin.answer.unfit == "stop"
        for problem in _unfit(transaction.connection, planned, origin)
    )


def _unfit(connection: Connection, planned: Plan, origin: Origin) -> tuple[Problem, ...]:
    assert planned.proposed is not None and origin.old is not None
    definition = planned.proposed.objects[origin.object]
    table = record_table(definition, hidden=(origin.old,))
    lost = and_(
        table.c[cast("str", origin.old.column)].is_not(None),
        table.c[cast("str", origin.field.column)].is_(None),
        table.c.deleted_at.is_(None),
    )
    found = connection.execute(select(table.c.id).where(lost).limit(statistics.EXACT)).scalars().all()
    if not found:
        return ()
    document, _, place = pointer_of(definition, origin.field).partition("#")
    params = {"object": definition.name, "field": origin.field.name, "rows": len(found), "examples": list(found[: statistics.EXAMPLES])}
    return (Problem(code="rows_do_not_fit", params=params, document=document, pointer=place),)
