"""A small org for tests: an engine, a holder, and publishing in one line.

Here: `Org` and documents to begin with. Not here: records through the gate (`worlds`), databases (`databases`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, insert, select

from fieldstone.db.ids import new_id
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import read, write
from fieldstone.metadata import catalogue, publish, store
from fieldstone.metadata.changes import Answer, ChangeSet, Place, Rename
from fieldstone.metadata.definitions import ObjectDef
from fieldstone.metadata.documents import path_of
from fieldstone.metadata.holder import Holder
from fieldstone.metadata.plan import Plan, plan
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.tables import field_columns, record_table

Document = dict[str, Any]


def found(engine: Engine, language: str = "en") -> None:
    """Make the system tables and an org without any definition."""
    migrate(engine)
    with write(engine) as tx:
        store.found_org(tx.connection, name="Test", language=language, zone="UTC", now=tx.now)


@dataclass
class Org:
    """An org in a test."""

    engine: Engine
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.holder = Holder(self.engine)

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""
        return self.holder.newest()

    def plan(self, *put: Document, snapshot: Snapshot | None = None, **more: Any) -> Plan:
        """Plan these documents; `more` goes into the change set."""
        with read(self.engine) as tx:
            return plan(snapshot or self.holder.current(tx.connection), ChangeSet(put=put, **more), tx.connection)

    def publish(self, *put: Document, reason: str = "test", **more: Any) -> int:
        """Plan and publish these documents; return the version in force."""
        return self.publish_plan(self.plan(*put, **more), reason=reason)

    def publish_plan(self, planned: Plan, reason: str = "test") -> int:
        """Publish a plan."""
        return publish.publish(self.engine, planned, author=publish.Author(id=None, reason=reason), snapshots=self.holder)

    def document(self, path: str) -> Document:
        """Return a copy of the document at `path`, to be changed."""
        return copy.deepcopy(dict(self.snapshot.parsed[path]))

    def with_fields(self, object_name: str, /, **fields: Mapping[str, Any] | None) -> Document:
        """Return the object's document with these fields put, or removed where None."""
        document = self.document(f"objects/{object_name}.json")
        for name, part in fields.items():
            if part is None:
                del document["fields"][name]
            else:
                document["fields"][name] = dict(part)
        return document

    def insert(self, object_name: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Write rows as they are, values by API name; return their ids."""
        definition = self.snapshot.object(object_name)
        written = [row_of(definition, values) for values in rows]
        with write(self.engine) as tx:
            tx.connection.execute(insert(record_table(definition)), written)
        return [row["id"] for row in written]

    def values(self, object_name: str, *names: str) -> list[Any]:
        """Return the values of these fields (of one: the values alone) of all records, in order of their ids."""
        definition = self.snapshot.object(object_name)
        table = record_table(definition)
        columns = [table.c[definition.field(name).column or name] for name in names]
        with read(self.engine) as tx:
            rows = tx.connection.execute(select(*columns).order_by(table.c.id)).all()
        return [row[0] for row in rows] if len(names) == 1 else [tuple(row) for row in rows]

    def differences(self) -> tuple[str, ...]:
        """Return how the database differs from what the store says."""
        with read(self.engine) as tx:
            return catalogue.differences(tx.connection, self.holder.current(tx.connection))


def row_of(definition: ObjectDef, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole row of a table, blanks and key columns included."""
    from fieldstone.metadata.ddl import column_values

    row: dict[str, Any] = {"id": new_id(), "row_version": 1}
    for made in definition.fields.values():
        blank = False if made.type == "checkbox" else None
        row |= column_values(made, values.get(made.name, blank)) if field_columns(made) else {}
    return row | {name: value for name, value in values.items() if name in definition.system_fields}


def obj(name: str, /, fields: Mapping[str, Any] | None = None, **options: Any) -> Document:
    """Return the document of an object; a text field `name` is always there."""
    return {
        "kind": "object",
        "api_name": name,
        "label": name.title(),
        **options,
        "fields": {"name": {"type": "text", "label": "Name"}, **(fields or {})},
    }


def picklist(*names: str, **options: Any) -> Document:
    """Return a picklist field with these values."""
    return {"type": "picklist", "label": "Choice", "values": [{"api_name": name, "label": name.title()} for name in names], **options}


__all__ = ["Answer", "ChangeSet", "Org", "Place", "Rename", "found", "obj", "path_of", "picklist", "row_of"]
