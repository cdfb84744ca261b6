"""After an import: is what stands in the file, read through the mapping, what stands in the database?

Here: exact sums of the numeric fields on both sides, and the rows where they differ. Not here: the counts of outcomes (`jobs.py`).
Source: spec/data.md, section 1, "Verification".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fieldstone.data import csv_files, jobs, mapping
from fieldstone.data.imports import Import, context_of
from fieldstone.db.transaction import read
from fieldstone.limits import BATCH_RECORDS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue
from fieldstone.records.gate import Gate
from fieldstone.records.save import Records

NUMERIC = frozenset({"number", "currency", "percent"})
WRITTEN = frozenset({"created", "updated", "unchanged"})
SHOWN = 20  # rows that differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """One numeric field over the records that the file wrote: the sum of its cells and the sum that is stored now."""

    field: str
    in_file: Decimal
    in_database: Decimal
    values: int  # cells that were not blank
    different: tuple[int, ...] = ()  # rows whose record holds another number, up to SHOWN


def sums(records: Records, what: Import) -> tuple[Sum, ...]:
    """Return a sum for each numeric field of the mapping. Of rows that wrote the same record the last one counts."""
    with records.reading(what.principal) as gate:
        definition = gate.rights.object(what.mapping.object)
        names = [each.field for each in what.mapping.columns if _is_numeric(definition, each.field)]
        if not names:
            return ()
        wanted = _of_file(records, what, gate, definition, names)
        stored = _stored(gate, definition, list(wanted), names)
    return tuple(_sum(name, wanted, stored) for name in names)


def _is_numeric(definition: ObjectDef, name: str) -> bool:
    found = definition.field(name)
    return found is not None and found.type in NUMERIC


Values = Mapping[str, Decimal]


def _of_file(records: Records, what: Import, gate: Gate, definition: ObjectDef, names: list[str]) -> dict[str, tuple[int, Values]]:
    """Return by record the row that wrote it last and its numbers."""
    with read(records.engine) as tx:
        written = {each.row: each.record for each in jobs.row_outcomes(tx.connection, what.job) if each.outcome in WRITTEN and each.record}
    read_row, context = mapping.compiled(what.mapping, what.reading.columns), context_of(gate)
    formats = mapping.cell_formats(what.mapping, what.principal.language, what.principal.zone)
    found: dict[str, tuple[int, Values]] = {}
    for row in csv_files.rows(what.path, what.reading):
        record = written.get(row.number)
        if record is None:
            continue
        cells = read_row(row.cells, context).values
        numbers = {name: _number(definition, name, cells.get(name), formats[name]) for name in names}
        found[record] = (row.number, {name: number for name, number in numbers.items() if number is not None})
    return found


def _number(definition: ObjectDef, name: str, cell: str | None, form: Any) -> Decimal | None:
    field = definition.field(name)
    if not cell or field is None:
        return None
    try:
        number = FIELD_TYPES[field.type].from_cell(field, cell, form)
    except BadValue:
        return None
    return None if number is None else Decimal(number)


def _stored(gate: Gate, definition: ObjectDef, ids: list[str], names: list[str]) -> dict[str, Mapping[str, Any]]:
    return {each["id"]: each for each in _read(gate, definition, ids, names)}


def _read(gate: Gate, definition: ObjectDef, ids: list[str], names: list[str]) -> Iterator[Mapping[str, Any]]:
    for start in range(0, len(ids), BATCH_RECORDS):
        yield from gate.records(definition.name, ids[start : start + BATCH_RECORDS], ("id", *names))


def _sum(name: str, wanted: Mapping[str, tuple[int, Values]], stored: Mapping[str, Mapping[str, Any]]) -> Sum:
    given = {record: values[name] for record, (_, values) in wanted.items() if name in values}
    kept = {record: stored.get(record, {}).get(name) for record in given}
    different = sorted(wanted[record][0] for record, number in given.items() if kept[record] != number)
    return Sum(
        field=name,
        in_file=sum(given.values(), Decimal(0)),
        in_database=sum((number for number in kept.values() if number is not None), Decimal(0)),
        values=len(given),
        different=tuple(different[:SHOWN]),
    )
