"""What somebody wants changed: documents to put and remove, renames, restores, and the answers a plan asked for.

Here: the request, who makes it, its form as JSON (kept plans, the journal).
Not here: what it does to the org (`plan`), whether it is allowed (`check`).
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from fieldstone.metadata.documents import canonical, parse


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One definition by name. `object` is "" for kinds of the org and for objects themselves."""

    kind: str  # of `kinds.py`, or "field"
    object: str = ""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A new API name; every document and expression that uses the old one is rewritten in the same publish."""

    place: Place
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to do with records that are there already, where the change alone does not say. By pointer in `ChangeSet.answers`.

    fill: what blank values (a new field: all records) get; a JSON constant, or a text beginning with "=" for an expression.
    leave: blank values of a field that becomes required stay; such records cannot be saved until filled.
    replace: for picklist values that go: API name → API name of another value, or None for blank.
    unfit: what becomes of values that do not fit a new type: "stop" (nothing is published), "blank", "fill".
    percent: between percent and number, 15 becomes 0.15 and back instead of staying 15.
    zone: IANA name, between date and datetime. format: how dates in texts are written, such as "D.M.Y".
    """

    fill: object = None
    leave: bool = False
    replace: Mapping[str, str | None] = field(default_factory=_nothing)
    unfit: str = "stop"
    percent: bool = False
    zone: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPack:
    """A pack that a publish brings: its manifest as canonical text, and the content hash of each of its documents by path."""

    name: str
    version: str
    manifest: str
    documents: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who publishes, for whom, why. `id` None: the platform itself."""

    id: str | None
    reason: str = ""
    acting_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """One change of metadata, published whole or not at all.

    `put` holds whole documents, new or changed; `remove` the paths of documents to go. `answers` are keyed by document path and
    pointer, such as "objects/deal.json#/fields/amount". `based_on` gives the content hash of each document as its editor saw it
    (None: it did not exist); where it differs from what is in force the plan is stale.
    """

    put: tuple[Mapping[str, Any], ...] = ()
    remove: tuple[str, ...] = ()
    rename: tuple[Rename, ...] = ()
    restore: tuple[Place, ...] = ()
    purge: tuple[Place, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=_nothing)
    based_on: Mapping[str, str | None] = field(default_factory=_nothing)
    owner: str = "org"  # or the pack whose documents these are
    owners: Mapping[str, str] = field(default_factory=_nothing)  # by document path, where several packs come in one publish
    packs: tuple[InstalledPack, ...] = ()  # that this publish brings; noted in its transaction
    undoes: int | None = None  # version of the publish that this takes back

    def owner_of(self, path: str) -> str:
        """Return who the document at `path` belongs to, if this change set brings it."""
        return self.owners.get(path, self.owner)


def to_json(changes: ChangeSet) -> dict[str, Any]:
    """Return `changes` as JSON; documents as canonical texts, so that no digit is lost."""
    return {
        "put": [canonical(document) for document in changes.put],
        "remove": list(changes.remove),
        "rename": [{**place_to_json(rename.place), "to": rename.to} for rename in changes.rename],
        "restore": [place_to_json(place) for place in changes.restore],
        "purge": [place_to_json(place) for place in changes.purge],
        "answers": {pointer: _answer_to_json(answer) for pointer, answer in changes.answers.items()},
        "based_on": dict(changes.based_on),
        "owner": changes.owner,
        "owners": dict(changes.owners),
        "packs": [
            {"name": each.name, "version": each.version, "manifest": each.manifest, "documents": dict(each.documents)}
            for each in changes.packs
        ],
        "undoes": changes.undoes,
    }


def from_json(value: Mapping[str, Any]) -> ChangeSet:
    """Return the change set that `to_json` wrote."""
    return ChangeSet(
        put=tuple(parse(text) for text in value["put"]),
        remove=tuple(value["remove"]),
        rename=tuple(Rename(place=read_place(each), to=each["to"]) for each in value["rename"]),
        restore=tuple(read_place(each) for each in value["restore"]),
        purge=tuple(read_place(each) for each in value["purge"]),
        answers={pointer: Answer(**answer) for pointer, answer in value["answers"].items()},
        based_on=value["based_on"],
        owner=value["owner"],
        owners=value["owners"],
        packs=tuple(InstalledPack(**each) for each in value["packs"]),
        undoes=value["undoes"],
    )


def place_to_json(place: Place) -> dict[str, str]:
    """Return a place as JSON."""
    return {"kind": place.kind, "object": place.object, "name": place.name}


def read_place(value: Mapping[str, str]) -> Place:
    """Return the place that `place_to_json` wrote."""
    return Place(kind=value["kind"], object=value["object"], name=value["name"])


def _answer_to_json(answer: Answer) -> dict[str, Any]:
    return {
        "fill": answer.fill,
        "leave": answer.leave,
        "replace": dict(answer.replace),
        "unfit": answer.unfit,
        "percent": answer.percent,
        "zone": answer.zone,
        "format": answer.format,
    }
