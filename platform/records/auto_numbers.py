"""Counters that never repeat: the numbers of records, such as D-2026-00042.

Here: taking numbers from a counter, and writing one into its pattern. Gaps are accepted: a save that fails takes its numbers along.
Not here: which field has which pattern (metadata).
"""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import Column, Integer, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fieldstone.db.column_types import PlainText
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.metadata.definitions.objects import FieldDef

COUNTER = system_table(
    "counter",
    Column("field", PlainText, nullable=False),  # definition id
    Column("period", PlainText, nullable=False),  # what the date parts of the pattern say; "" without any
    Column("value", Integer, nullable=False),  # the last number given
    PrimaryKeyConstraint("field", "period"),
)
PART = re.compile(r"\{(0+|YYYY|YY|MM|DD)\}")


def numbers(tx: Transaction, found: FieldDef, count: int, today: date) -> list[str]:
    """Return `count` new numbers of an auto-number field, in one statement. Other saves wait for their turn until we commit."""
    period = "".join(_date_part(part, today) for part in PART.findall(found.pattern or "") if not part.startswith("0"))
    insert = postgresql_insert if tx.on_postgresql else sqlite_insert
    key = found.id or f"{found.object}.{found.name}"
    first = insert(COUNTER).values(field=key, period=period, value=found.start - 1 + count)
    taken = first.on_conflict_do_update(index_elements=["field", "period"], set_={"value": COUNTER.c.value + count})
    last = tx.connection.execute(taken.returning(COUNTER.c.value)).scalar_one()
    return [written(found.pattern or "{0}", number, today) for number in range(last - count + 1, last + 1)]


def written(pattern: str, number: int, today: date) -> str:
    """Return `number` in a pattern such as `D-{YYYY}-{00000}`; it grows beyond the zeros rather than repeat."""

    def part(match: re.Match[str]) -> str:
        return str(number).zfill(len(match[1])) if match[1].startswith("0") else _date_part(match[1], today)

    return PART.sub(part, pattern)


def _date_part(part: str, today: date) -> str:
    match part:
        case "YYYY":
            return f"{today.year:04d}"
        case "YY":
            return f"{today.year % 100:02d}"
        case "MM":
            return f"{today.month:02d}"
    return f"{today.day:02d}"
