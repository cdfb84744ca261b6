"""The statements of a save: lock, look at parents, insert, update. The save pipeline calls them; nothing else writes records.

Here: SQL on record tables for batches; every statement serves a batch of any size.
Not here: what is to be written and whether it may be (`steps/`), reading for people (`read.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    Update,
    and_,
    bindparam,
    case,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement

from fieldstone.db.column_types import Id, JsonText, PlainText, is_id
from fieldstone.db.transaction import Transaction
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES
from fieldstone.metadata.snapshot import Relation, Snapshot
from fieldstone.metadata.tables import compared_column
from fieldstone.records.gate import sharing, tables
from fieldstone.records.gate.access import EDIT, FULL, READ
from fieldstone.records.gate.expressions import Terms
from fieldstone.records.gate.sharing import Reader
from fieldstone.records.gate.sources import Sources
from fieldstone.records.gate.storage import Storage, storage
from fieldstone.records.gate.tables import marked

IDS = bindparam("ids", type_=Id, expanding=True)


@dataclass(frozen=True, slots=True)
class Locked:
    """A record as it was when its row was locked, and what the principal may do with it."""

    image: dict[str, Any]
    access: int


def lock(
    tx: Transaction,
    asking: Reader,
    definition: ObjectDef,
    ids: Iterable[str],
    *,
    deleted: bool = False,
    hold: bool = True,
    live: tuple[str, ...] = (),
) -> dict[str, Locked]:
    """Lock the visible ones of `ids` in their order and return them by id, in one statement.

    `deleted`: those in the recycle bin instead of the live ones. `hold` false only looks, for a draft. `live`: roll-ups that are not
    stored and come along. What is missing in the answer does not exist for the reader.
    """
    wanted = sorted({each for each in ids if is_id(each)})
    if not wanted:
        return {}
    store = storage(asking.snapshot, definition.name)
    key = ("lock", asking.shape, deleted, hold, live)
    prepared = asking.rights.compiled.get((store, key))
    if prepared is None:
        terms = Terms(tx, asking)
        prepared = _lock_statement(asking, store, deleted, hold, live, terms)
        if terms.lasting:
            asking.rights.compiled[store, key] = prepared
    rows = tx.connection.execute(prepared, {**asking.parameters, "ids": wanted}).all()
    names = (*store.fields, *live)
    width = len(names)
    return {row[0]: Locked(dict(zip(names, row, strict=False)), row[width]) for row in rows}


def _lock_statement(asking: Reader, store: Storage, deleted: bool, hold: bool, live: tuple[str, ...], terms: Terms) -> Select[Any]:
    table, definition = store.table, store.definition
    columns = [tables.column(table, found) for found in store.fields.values()]
    if live:
        sources = Sources(asking, definition, table, terms, raw=True)
        columns += [sources.value((name,)) for name in live]
    edit, full = (true() if each is None else each for each in sharing.level_of(asking, definition, table))
    access = case((full, FULL), (edit, EDIT), else_=READ).label("access")
    seen = sharing.condition(asking, definition, table, READ)
    gone = table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
    statement = select(*columns, access).where(table.c.id.in_(IDS), gone)
    if seen is not None:
        statement = statement.where(seen)
    if hold:  # not FOR UPDATE: somebody who adds a child of this record must not have to wait
        statement = statement.order_by(table.c.id).with_for_update(key_share=True)
    return marked(statement, "lock")


def create(tx: Transaction, store: Storage, images: Sequence[Mapping[str, Any]], pending: Sequence[Mapping[str, Any]] = ()) -> None:
    """Insert records, whole, in one statement. `pending`: for each what goes into columns that a plan is filling, by column."""
    statement = store.statements.get("insert")
    if statement is None:
        statement = store.statements["insert"] = marked(insert(store.table), "insert")
    names = tuple(store.fields)
    rows = [store.columns_of(names, image) for image in images]
    if pending:
        rows = [{**row, **more} for row, more in zip(rows, pending, strict=True)]
    _run(tx, statement, rows)


def change(
    tx: Transaction, store: Storage, images: Sequence[Mapping[str, Any]], names: Iterable[str], pending: Sequence[Mapping[str, Any]] = ()
) -> int:
    """Write the fields `names` of records whose rows are locked, and their stamps, in one statement; return how many were written.

    `images` carry the `row_version` they are to have; a row that does not have the one before is not written. `pending`: as for `create`.
    """
    changed = tuple(sorted({*names, "row_version", "updated_at", "updated_by"} & set(store.fields)))
    more = tuple(sorted(pending[0])) if pending else ()
    statement = store.statements.get((changed, more))
    if statement is None:
        statement = store.statements[changed, more] = _update_statement(store, (*store.columns_of(changed, {}), *more))
    rows = []
    for index, image in enumerate(images):
        values = store.columns_of(changed, image)
        if pending:
            values |= pending[index]
        row = {f"new_{name}": value for name, value in values.items()}
        row["record_id"], row["read_version"] = image["id"], image["row_version"] - 1
        rows.append(row)
    return _run(tx, statement, rows)


def _update_statement(store: Storage, columns: tuple[str, ...]) -> Update:
    table = store.table
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
    read_version = bindparam("read_version", type_=Integer)
    return marked(
        update(table).where(table.c.id == bindparam("record_id", type_=Id), table.c.row_version == read_version).values(values), "update"
    )


def _run(tx: Transaction, statement: Any, rows: list[dict[str, Any]]) -> int:
    """Run a statement for each row in one go. A single row takes the shorter way through the driver."""
    result = tx.connection.execute(statement, rows[0] if len(rows) == 1 else rows)
    return int(result.rowcount)


# --- parents ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """What a lookup of one record leads to: is it there and alive, what may the principal do with it, and the values behind it."""

    exists: bool
    access: int  # NONE, READ or EDIT; EDIT is only found out for a master
    values: Mapping[str, Any]  # by path, such as "account.industry"
    unseen: frozenset[tuple[str, ...]] = frozenset()  # further lookups on the way, such as ("account", "parent"), to what they may not see


def look(
    tx: Transaction,
    asking: Reader,
    definition: ObjectDef,
    lookups: tuple[str, ...],
    paths: tuple[tuple[str, ...], ...],
    wanted: Sequence[Mapping[str, str | None]],
) -> list[dict[str, Looked]]:
    """Return for each record what its lookups lead to, in one statement for all of them.

    `wanted`: for each record the ids by lookup field. `paths`: what to read behind them, such as ("account", "owner", "name"); raw values
    for rules, which see everything. The answer has the order of `wanted`.
    """
    key = ("look", asking.shape, definition.name, lookups, paths, tx.dialect)
    hops = _hops(paths)
    prepared = asking.rights.compiled.get(key)
    if prepared is None:
        terms = Terms(tx, asking)
        prepared = _look_statement(asking, definition, lookups, paths, hops, terms, tx.dialect)
        if terms.lasting:
            asking.rights.compiled[key] = prepared
    rows = [[index, *(_bindable(each.get(name)) for name in lookups)] for index, each in enumerate(wanted)]
    answered: list[dict[str, Looked]] = [{} for _ in wanted]
    for row in tx.connection.execute(prepared, {**asking.parameters, "wanted": rows}):
        place, at = answered[row[0]], 1
        values: dict[str, dict[str, Any]] = {name: {} for name in lookups}
        flags = {}
        for name in lookups:
            flags[name] = (bool(row[at]), row[at + 1])
            at += 2
        for path in paths:
            values[path[0]][".".join(path)] = row[at]
            at += 1
        unseen = frozenset(hop for hop, hidden in zip(hops, row[at:], strict=True) if hidden)
        for name in lookups:
            place[name] = Looked(*flags[name], values[name], frozenset(hop for hop in unseen if hop[0] == name) if unseen else unseen)
    return answered


def _hops(paths: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The lookups that paths go through after the first."""
    return tuple(sorted({path[:count] for path in paths for count in range(2, len(path))}))


def _bindable(value: str | None) -> str | None:
    return value if is_id(value) else None


def _look_statement(
    asking: Reader,
    definition: ObjectDef,
    lookups: tuple[str, ...],
    paths: tuple[tuple[str, ...], ...],
    hops: tuple[tuple[str, ...], ...],
    terms: Terms,
    dialect: str,
) -> Select[Any]:
    snapshot = asking.snapshot
    rows, cell = _rows(dialect)
    origin: Any = rows
    columns: list[ColumnElement[Any]] = [cast(cell(0, Integer()), Integer)]
    joined: dict[tuple[str, ...], tuple[ObjectDef, Any]] = {}

    def parent(path: tuple[str, ...]) -> tuple[ObjectDef, Any]:
        nonlocal origin
        if path not in joined:
            if len(path) == 1:
                found, holder = definition.field(path[0]), cell(1 + lookups.index(path[0]), Id())
            else:
                above, source = parent(path[:-1])
                found = above.field(path[-1])
                assert found is not None
                holder = tables.column(source, found)
            assert found is not None
            target = snapshot.objects[found.to or "user"]
            alias = tables.table(snapshot, target.name).alias()
            origin = origin.outerjoin(alias, alias.c.id == holder)
            joined[path] = (target, alias)
        return joined[path]

    for name in lookups:
        target, alias = parent((name,))
        there = and_(alias.c.id.is_not(None), alias.c.deleted_at.is_(None))
        levels = [(there & _given(asking, target, alias, READ), READ)]
        lookup = definition.field(name)
        if lookup is not None and lookup.type == "master_detail":
            levels.insert(0, (there & _given(asking, target, alias, EDIT), EDIT))
        if lookup is not None and lookup.type == "owner":  # no record is behind a queue, and everybody knows the queues
            levels.append((cell(1 + lookups.index(name), Id()).in_([queue.id for queue in snapshot.all("queue")]), READ))
        columns += [case((there, 1), else_=0), case(*levels, else_=0)]
    for path in paths:
        holder_definition, alias = parent(path[:-1])
        columns.append(Sources(asking, holder_definition, alias, terms, raw=True).value(path[-1:]))
    for hop in hops:
        target, alias = parent(hop)
        columns.append(case((or_(alias.c.id.is_(None), _given(asking, target, alias, READ)), 0), else_=1))
    return marked(select(*columns).select_from(origin), "look")


def _given(asking: Reader, target: ObjectDef, alias: Any, level: int) -> ColumnElement[bool]:
    if not asking.rights.can(target.name, "edit" if level == EDIT else "read"):
        # Whoever may own records may be named: the people of an org are known to each other.
        return true() if target.name == "user" and level == READ else false()
    given = sharing.condition(asking, target, alias, level)
    return true() if given is None else given


def _rows(dialect: str) -> tuple[Any, Any]:
    """A list of lists, handed over as one JSON parameter, as a table; and the function that gives its cells a type."""
    given = bindparam("wanted", type_=JsonText)
    if dialect == "sqlite":
        rows = func.json_each(given).table_valued("value", name="wanted_rows")

        def cell(index: int, type_: Any) -> Any:
            return func.json_extract(rows.c.value, literal(f"$[{index}]", String, literal_execute=True), type_=type_)
    else:
        rows = func.jsonb_array_elements(cast(given, JSONB)).table_valued("value", name="wanted_rows")

        def cell(index: int, type_: Any) -> Any:
            text = func.jsonb_array_element_text(rows.c.value, literal(index, Integer, literal_execute=True), type_=PlainText)
            return cast(text, type_)

    return rows, cell


# --- unique values ------------------------------------------------------------------------------------------------------------


def taken(
    tx: Transaction, store: Storage, wanted: Mapping[tuple[str, ...], set[tuple[Any, ...]]], ignore: Iterable[str]
) -> set[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Return which of the wanted combinations of columns live records hold already, in one statement; records `ignore` do not count.

    `wanted`: columns → values that somebody wants to save.
    """
    table = store.table
    conditions = []
    parameters: dict[str, Any] = {"ignored": sorted(ignore)}
    for index, (columns, values) in enumerate(sorted(wanted.items())):
        name = f"v{index}"
        if len(columns) == 1:
            column = table.c[columns[0]]
            conditions.append(column.in_(bindparam(name, type_=column.type, expanding=True)))
            parameters[name] = [value[0] for value in values]
        else:
            conditions.append(tuple_(*(table.c[column] for column in columns)).in_(bindparam(name, expanding=True)))
            parameters[name] = list(values)
    key = ("taken", tuple(sorted(wanted)))
    statement = store.statements.get(key)
    if statement is None:
        every = sorted({column for columns in wanted for column in columns})
        statement = select(*(table.c[column] for column in every)).where(
            table.c.deleted_at.is_(None), or_(*conditions), table.c.id.not_in(bindparam("ignored", type_=Id, expanding=True))
        )
        statement = store.statements[key] = marked(statement, "unique")
    found = set()
    for row in tx.connection.execute(statement, parameters).mappings():
        for columns, values in wanted.items():
            held = tuple(row[column] for column in columns)
            if held in values:
                found.add((columns, held))
    return found


def unique_columns(definition: ObjectDef) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return what must be unique among live records: columns → the fields they stand for."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for field in definition.fields.values():
        if field.column is not None and (field.unique or field.external_id):
            found[(compared_column(field, field.ignore_case),)] = (field.name,)
    for key in definition.keys:
        found[tuple(compared_column(definition.fields[name], key.ignore_case) for name in key.fields)] = key.fields
    return found


# --- children -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pointing:
    """A live record whose lookup points at one that is to be deleted."""

    relation: int  # index in the relations that were asked for
    id: str
    target: str
    visible: bool


def pointing(tx: Transaction, asking: Reader, relations: Sequence[Relation], ids: Iterable[str], limit: int) -> list[Pointing]:
    """Return the live records whose lookups point at `ids`, of all `relations` in one statement; at most `limit`."""
    if not relations:
        return []
    parts = []
    for index, relation in enumerate(relations):
        table = tables.table(asking.snapshot, relation.child.name).alias()
        holder = tables.column(table, relation.field)
        seen = sharing.condition(asking, relation.child, table) if asking.rights.can(relation.child.name, "read") else false()
        visible = literal(1) if seen is None else case((seen, 1), else_=0)
        parts.append(select(literal(index), table.c.id, holder, visible).where(holder.in_(IDS), table.c.deleted_at.is_(None)))
    statement = marked(union_all(*parts).limit(limit), "pointing")
    rows = tx.connection.execute(statement, {**asking.parameters, "ids": sorted(ids)})
    return [Pointing(row[0], row[1], row[2], bool(row[3])) for row in rows]


def find_by_key(
    tx: Transaction, asking: Reader, target: ObjectDef, found: FieldDef, values: Iterable[Any], *, match: bool = False
) -> dict[Any, list[str]]:
    """Return the ids of the visible live records whose field `found` has one of `values`, by value; one statement."""
    table = tables.table(asking.snapshot, target.name)
    compared = table.c[compared_column(found, found.ignore_case or match)]
    seen = sharing.condition(asking, target, table)
    statement = select(compared, table.c.id).where(
        compared.in_(bindparam("wanted", type_=compared.type, expanding=True)), table.c.deleted_at.is_(None)
    )
    if seen is not None:
        statement = statement.where(seen)
    answer: dict[Any, list[str]] = {}
    for value, record_id in tx.connection.execute(marked(statement, "key"), {**asking.parameters, "wanted": list(values)}):
        answer.setdefault(value, []).append(record_id)
    return answer


def compared(key: FieldDef, value: Any) -> Any:
    """Return what decides equality of `value`: its match key where case does not count."""
    kind = FIELD_TYPES[key.type]
    if key.ignore_case:
        for spec in kind.columns(key):
            if spec.key == "match":
                return kind.key_value(key, spec)(value)
    return value


# --- the search index ---------------------------------------------------------------------------------------------------------


def texts(tx: Transaction, store: Storage, names: Sequence[str], after: str, limit: int) -> list[dict[str, Any]]:
    """Return the named fields (and the id) of the next live records by id, for the index alone."""
    table = store.table
    columns = [tables.column(table, store.fields[name]) for name in names]
    statement = select(table.c.id, *columns).where(table.c.deleted_at.is_(None)).order_by(table.c.id).limit(limit)
    if after:
        statement = statement.where(table.c.id > bindparam("after", after, type_=Id))
    return [dict(zip(("id", *names), row, strict=True)) for row in tx.connection.execute(marked(statement, "index"))]


# --- the end ------------------------------------------------------------------------------------------------------------------


def purge(tx: Transaction, snapshot: Snapshot, definition: ObjectDef, ids: Sequence[str]) -> None:
    """Remove records from their table for good; lookups of other deleted records that still name them are cleared first."""
    for relation in snapshot.children(definition.name):
        child = storage(snapshot, relation.child.name).table
        assert relation.field.column is not None
        holder = child.c[relation.field.column]
        tx.connection.execute(marked(update(child).where(holder.in_(IDS)).values({holder: None}), "purge"), {"ids": list(ids)})
    table = storage(snapshot, definition.name).table
    tx.connection.execute(marked(delete(table).where(table.c.id.in_(IDS), table.c.deleted_at.is_not(None)), "purge"), {"ids": list(ids)})
