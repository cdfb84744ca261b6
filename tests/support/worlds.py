"""Worlds: an org from a few documents, with named people in roles, ready to read and save.

Here: `World`, documents of rights and roles in one line. Not here: documents of objects (`orgs.obj`), publishing (`orgs.Org`).

The tables are made straight from the definitions, without a plan: what is tested here begins where metadata ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from sqlalchemy import Connection, Engine

from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import read, write
from fieldstone.metadata import ddl, store
from fieldstone.metadata.identities import Identities, Identity
from fieldstone.metadata.load import build
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.store import NOTHING, Version
from fieldstone.metadata.tables import index_specs
from fieldstone.records.changes import Change, Outcome
from fieldstone.records.principal import Principal, assign, set_queue_members
from fieldstone.records.save import Records, StepTable

Document = dict[str, Any]
BUILDER = Principal.internal("builder")
SECRET = "a secret of tests"


@dataclass
class Fixed:
    """A holder of snapshots that were built by hand."""

    snapshots: dict[int, Snapshot] = field(default_factory=dict)

    def at(self, version: int, connection: Connection | None = None) -> Snapshot:
        """Return the snapshot of `version`."""
        return self.snapshots[version]


@dataclass
class World:
    """An org with people. `people` maps the names of people to their user ids."""

    engine: Engine
    records: Records
    snapshot: Snapshot
    people: dict[str, str] = field(default_factory=dict)

    def principal(self, name: str) -> Principal:
        """Return somebody with the rights of now; "builder" is the platform."""
        return BUILDER if name == "builder" else self.records.principal(self.people[name])

    def person(self, name: str, *, sets: Iterable[str] = (), **values: Any) -> str:
        """Make a user and return the id."""
        given = {"name": name, "username": name.lower(), "active": True, **values}
        user = self.create("user", given)
        self.people[name] = user
        with write(self.engine) as tx:
            assign(tx.connection, user, sets)
        return user

    def queue(self, name: str, members: Iterable[str]) -> str:
        """Put people into a queue and return its id."""
        found = self.snapshot.find("queue", name)
        assert found is not None
        with write(self.engine) as tx:
            set_queue_members(tx.connection, found.id, [self.people[member] for member in members])
        return found.id

    def save(self, who: str, *changes: Change, **options: Any) -> tuple[Outcome, ...]:
        """Save changes as somebody."""
        return self.records.save(self.principal(who), changes, **options)

    def create(self, object_name: str, values: Mapping[str, Any], who: str = "builder", **options: Any) -> str:
        """Create one record and return its id."""
        (outcome,) = self.save(who, Change(object=object_name, action="create", values=values, **options))
        assert outcome.id is not None
        return outcome.id

    def update(self, object_name: str, record_id: str, values: Mapping[str, Any], who: str = "builder", **options: Any) -> Outcome:
        """Update one record."""
        (outcome,) = self.save(who, Change(object=object_name, action="update", id=record_id, values=values, **options))
        return outcome

    def delete(self, object_name: str, record_id: str, who: str = "builder") -> Outcome:
        """Delete one record."""
        (outcome,) = self.save(who, Change(object=object_name, action="delete", id=record_id))
        return outcome

    def restore(self, object_name: str, record_id: str, who: str = "builder") -> Outcome:
        """Restore one record."""
        (outcome,) = self.save(who, Change(object=object_name, action="restore", id=record_id))
        return outcome

    def get(self, object_name: str, record_id: str, who: str = "builder", **options: Any) -> dict[str, Any]:
        """Read one record as somebody."""
        with self.reading(who) as gate:
            return gate.get(object_name, record_id, **options)

    def reading(self, who: str = "builder") -> Any:
        """Open the gate for somebody."""
        return self.records.reading(self.principal(who))

    def names(self, object_name: str, who: str) -> list[str]:
        """Return the names of all records that somebody sees, in the order of names."""
        from fieldstone.records.query import Query, Sort

        with self.reading(who) as gate:
            name = self.snapshot.objects[object_name].name_field
            page = gate.read(Query(object=object_name, select=(name,), sort=(Sort(field=name),), limit=200))
            return [record[name] for record in page.records]


def world(engine: Engine, *documents: Document, steps: StepTable | None = None, language: str = "en", zone: str = "UTC") -> World:
    """Return a new org with these documents and the object `user` of the pack core."""
    snapshot = built([*documents, core_document("objects/user.json")], language=language, zone=zone)
    migrate(engine)
    with write(engine) as tx:
        store.found_org(tx.connection, name="Test", language=language, zone=zone, now=tx.now)
        make_tables(tx.connection, snapshot)
    return _opened(engine, snapshot, steps)


def reopened(engine: Engine, like: World, *, steps: StepTable | None = None) -> World:
    """Return the org in a copy of the database of `like`, with the same people."""
    made = _opened(engine, like.snapshot, steps)
    made.people = dict(like.people)
    return made


def _opened(engine: Engine, snapshot: Snapshot, steps: StepTable | None) -> World:
    with read(engine) as tx:
        version = store.read_version(tx.connection).number
    return World(engine, Records(engine, Fixed({version: snapshot}), steps, secret=SECRET), snapshot)


def built(documents: Sequence[Document], *, version: int = 1, language: str = "en", zone: str = "UTC") -> Snapshot:
    """Return the snapshot of `documents`, with ids made of their names where the pipeline needs some."""
    by_path = {path_of(document): document for document in documents}
    identities = Identities(_identities(by_path))
    found = Version(number=version, permission_epoch=0, language=language, zone=zone, name="Test")
    stored = replace(NOTHING, version=found, identities=identities)
    return build(by_path, stored)


def _identities(documents: Mapping[str, Document]) -> Iterable[Identity]:
    for number, (path, document) in enumerate(documents.items()):
        name, kind = document["api_name"], document["kind"]
        physical = name if kind == "object" else None
        yield Identity(
            id=fake_id(kind, name), kind=kind, object=document.get("object", ""), name=name, path=path, physical=physical, born=number
        )
        for field_name in document.get("fields", {}) if kind == "object" else ():
            yield Identity(
                id=fake_id("field", name, field_name),
                kind="field",
                object=name,
                name=field_name,
                path=path,
                physical=field_name,
                born=number,
            )


def fake_id(*words: str) -> str:
    """Return an id that is always the same for the same words."""
    from uuid import NAMESPACE_URL, uuid5

    return str(uuid5(NAMESPACE_URL, " ".join(words)))


def path_of(document: Document) -> str:
    """Return where the document would lie."""
    from fieldstone.metadata import documents

    return documents.path_of(document)


def make_tables(connection: Connection, snapshot: Snapshot) -> None:
    """Make the tables and indexes of all objects, without foreign keys."""
    for definition in snapshot.objects.values():
        ddl.run(connection, [ddl.AddTable(definition=definition), *(ddl.AddIndex(index=index) for index in index_specs(definition))])


def core_document(path: str) -> Document:
    """Return a document of the pack core."""
    from fieldstone.metadata import documents

    return dict(documents.parse((resources.files("fieldstone.shipped") / "core" / path).read_text(encoding="utf-8")))


def profile(name: str, objects: Mapping[str, Any] | None = None, **options: Any) -> Document:
    """Return a profile; `objects` maps names to `full()`, `viewing()` or rights written out."""
    return {"kind": "profile", "api_name": name, "label": name.title(), "objects": dict(objects or {}), **options}


def permission_set(name: str, objects: Mapping[str, Any] | None = None, **options: Any) -> Document:
    """Return a permission set."""
    return {"kind": "permission_set", "api_name": name, "label": name.title(), "objects": dict(objects or {}), **options}


def rights(*held: str, edit: Iterable[str] = (), read: Iterable[str] = ()) -> Document:
    """Return rights on one object: `rights("create", "edit", edit=["amount"], read=["net"])`."""
    return {"rights": list(held), "fields": {**dict.fromkeys(read, "read"), **dict.fromkeys(edit, "edit")}}


def everything(document: Document, *held: str) -> Document:
    """Return rights on an object with every field, read where it is computed."""
    computed = ("formula", "roll_up", "auto_number")
    fields = {name: "read" if part["type"] in computed else "edit" for name, part in document["fields"].items()}
    return {"rights": list(held or ("create", "read", "edit", "delete")), "fields": fields}


def role(name: str, parent: str | None = None) -> Document:
    """Return a role."""
    return {"kind": "role", "api_name": name, "label": name.title(), **({"parent": parent} if parent else {})}


def queue(name: str, *objects: str) -> Document:
    """Return a queue for these objects."""
    return {"kind": "queue", "api_name": name, "label": name.title(), "objects": list(objects)}


def rule(object_name: str, name: str, error_when: str, message: Any = "no", **options: Any) -> Document:
    """Return a validation rule."""
    return {
        "kind": "validation_rule",
        "object": object_name,
        "api_name": name,
        "label": name,
        "error_when": error_when,
        "message": message,
        **options,
    }
