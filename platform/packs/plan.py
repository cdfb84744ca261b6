"""What installing packs would do: metadata's plan, the rights and exposure they bring, what they pull in, the sample records.

Here: choosing packs, `PackPlan`, the change set of several packs in one publish.
Not here: reading packs (`read.py`), running a plan (`install.py`), what a publish does to tables (`metadata/plan.py`).
Source: spec/packs.md, sections 8, 9, 13 and 17.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from fieldstone.errors import Problem, Refused
from fieldstone.metadata import documents as texts
from fieldstone.metadata import plan as metadata_plan
from fieldstone.metadata import store
from fieldstone.metadata.changes import ChangeSet, InstalledPack
from fieldstone.metadata.check import Rights
from fieldstone.metadata.checks.shape import check_shape
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.packs.manifest import FILE
from fieldstone.packs.read import Pack
from fieldstone.packs.versions import Version, in_range, parse_version
from fieldstone.records.gate.access import rights
from fieldstone.records.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One thing that a pack gives people or lets them see. Worded by `i18n` under `code`, like a step of metadata's plan."""

    pack: str
    code: str
    params: Mapping[str, object]
    document: str

    @property
    def said(self) -> Problem:
        """It as something to be worded: `i18n.texts.word(exposure.said, language, plan.metadata.labels)`."""
        return Problem(code=self.code, params=self.params, document=self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPlan:
    """What an install would do. Nothing has happened yet.

    `packs` come in an order in which each follows what it requires; `pulled_in` are those nobody named, `present` those that are
    installed already. `samples`: sample records by object. `metadata` is the one publish that brings all of them.
    """

    packs: tuple[Pack, ...]
    pulled_in: tuple[str, ...]
    present: tuple[str, ...]
    metadata: metadata_plan.Plan
    exposure: tuple[Exposure, ...]
    samples: Mapping[str, int]
    problems: tuple[Problem, ...]

    @property
    def refused(self) -> tuple[Problem, ...]:
        """What stands in the way."""
        return (*(problem for problem in self.problems if not problem.warning), *self.metadata.refused)

    def require(self) -> PackPlan:
        """Return the plan. Raises Refused with every problem if there is any; `plan_stale` and the like come from the publish."""
        if self.refused:
            raise Refused(self.refused, code="pack_invalid")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which packs are to be installed, in order, and why others cannot be."""

    packs: tuple[Pack, ...]
    pulled_in: tuple[str, ...]
    present: tuple[str, ...]
    problems: tuple[Problem, ...]
    incomplete: bool  # something is missing, or in a version that does not fit


def installed(connection: Connection) -> dict[str, Version]:
    """Return the installed packs with their versions, by name."""
    rows = connection.execute(select(store.PACK.c.name, store.PACK.c.version).order_by(store.PACK.c.publish, store.PACK.c.name))
    return {row.name: version for row in rows if (version := parse_version(row.version)) is not None}


def choose(names: Sequence[str], offered: Mapping[str, Pack], present: Mapping[str, Version]) -> Choice:
    """Return the packs to install for `names`: those and what they require, each after its requirements.

    `offered` are the packs at hand, `present` those installed. Every reason against is a problem; a partial choice is never meant.
    """
    walk = _Walk(offered, present)
    for name in names:
        walk.take(name, by=None)
    problems = [*(problem for pack in walk.ordered for problem in pack.problems), *walk.problems, *_conflicts(walk.ordered, present)]
    wanted = set(names)
    return Choice(
        packs=tuple(walk.ordered),
        pulled_in=tuple(pack.name for pack in walk.ordered if pack.name not in wanted),
        present=tuple(name for name in names if name in present),
        problems=tuple(problems),
        incomplete=bool(walk.problems),
    )


class _Walk:
    """Depth first through what packs require."""

    def __init__(self, offered: Mapping[str, Pack], present: Mapping[str, Version]) -> None:
        self.offered, self.present = offered, present
        self.ordered: list[Pack] = []
        self.problems: list[Problem] = []
        self.way: list[str] = []

    def take(self, name: str, by: Pack | None) -> None:
        """Add the pack called `name`, which `by` requires, behind its own requirements."""
        if name in self.way:
            cycle = " → ".join([*self.way[self.way.index(name) :], name])
            self.problems.append(Problem(code="requires_cycle", params={"path": cycle}, document=FILE))
            return
        pack = self.offered.get(name)
        version = self.present.get(name)
        if version is None and pack is None:
            params = {"pack": name, "by": by.name if by is not None else "", "range": by.manifest.requires[name] if by is not None else "*"}
            self.problems.append(Problem(code="requires_missing" if by is not None else "pack_unknown", params=params))
            return
        if version is not None:
            self._keep(name, version, pack if by is None else None)
        found = version if version is not None else pack.manifest.version if pack is not None else None
        if by is not None and found is not None and not in_range(found, by.manifest.requires[name]):
            params = {"pack": name, "by": by.name, "range": by.manifest.requires[name], "version": str(found)}
            self.problems.append(Problem(code="requires_version", params=params))
        if version is None and pack is not None and pack not in self.ordered:
            self.way.append(name)
            for required in pack.manifest.requires:
                self.take(required, by=pack)
            self.way.pop()
            self.ordered.append(pack)

    def _keep(self, name: str, version: Version, pack: Pack | None) -> None:
        """A pack that is there stays in its version; another one is no matter of an install."""
        if pack is not None and pack.manifest.version != version:
            code = "pack_newer" if version < pack.manifest.version else "downgrade"
            params = {"pack": name, "version": str(version), "offered": str(pack.manifest.version)}
            self.problems.append(Problem(code=code, params=params))


def _conflicts(packs: Iterable[Pack], present: Mapping[str, Version]) -> Iterator[Problem]:
    coming = {pack.name: pack.manifest.version for pack in packs}
    for pack in packs:
        for other, text in pack.manifest.conflicts.items():
            version = {**present, **coming}.get(other)
            if version is not None and in_range(version, text):
                yield Problem(code="pack_conflicts", params={"pack": pack.name, "other": other, "version": str(version)}, document=FILE)


def plan(
    current: Snapshot,
    connection: Connection,
    names: Sequence[str],
    offered: Mapping[str, Pack],
    *,
    language: str = "en",
    author: Principal | None = None,
    in_use: metadata_plan.InUse | None = None,
) -> PackPlan:
    """Return what installing `names` out of the packs `offered` would do, with every problem at once; writes nothing.

    `language`: of the reader. `author`: whose Setup rights are asked for; None is the platform itself.
    `in_use`: see `Holder.in_use`.
    """
    choice = choose(names, offered, installed(connection))
    problems = [*choice.problems, *_taken(current, choice.packs)]
    allowed = _rights_of(author, current, choice.packs) if author is not None else None
    # Where a pack is missing nothing that refers to it can be judged: then each document by itself.
    changes = ChangeSet() if choice.incomplete else change_set(choice.packs)
    if choice.incomplete:
        documents = {path: document for pack in choice.packs for path, document in pack.documents.items()}
        problems += check_shape(documents, lambda path, document: False)[1]
    planned = metadata_plan.plan(current, changes, connection, language=language, rights=allowed, in_use=in_use)
    sound = () if problems or planned.refused else choice.packs
    return PackPlan(
        packs=choice.packs,
        pulled_in=choice.pulled_in,
        present=choice.present,
        metadata=planned,
        exposure=tuple(exposure for pack in sound for exposure in exposures(pack)),
        samples=samples(sound),
        problems=tuple(problems),
    )


def change_set(packs: Iterable[Pack]) -> ChangeSet:
    """Return the one change set that brings all of `packs`: every document with its owner, every pack with what it was."""
    packs = tuple(packs)
    return ChangeSet(
        put=tuple(document for pack in packs for document in pack.documents.values()),
        owners={path: pack.name for pack in packs for path in pack.documents},
        packs=tuple(
            InstalledPack(
                name=pack.name,
                version=str(pack.manifest.version),
                manifest=pack.manifest.text,
                documents={path: texts.content_hash(document) for path, document in pack.documents.items()},
            )
            for pack in packs
        ),
    )


def samples(packs: Iterable[Pack]) -> dict[str, int]:
    """Return how many sample records packs bring, by object, in the order of the packs."""
    found: dict[str, int] = {}
    for pack in packs:
        for path in sorted(pack.files):
            folder, _, name = path.rpartition("/")
            if folder == "sample" and name.endswith(".csv"):
                found[name.removesuffix(".csv")] = len(pack.table(path))
    return found


def _taken(current: Snapshot, packs: Iterable[Pack]) -> Iterator[Problem]:
    """Find what a pack wants to create and somebody else has created already."""
    owners: dict[str, str] = {}
    for path, document in current.parsed.items():
        found = current.identities.find(document["kind"], str(document.get("object", "")), texts.name_of(document))
        owners[path.lower()] = found.owner if found is not None else "org"
    for pack in packs:
        for path in pack.documents:
            if path.lower() in owners:
                yield Problem(
                    code="pack_name_taken", params={"path": path, "pack": pack.name, "owner": owners[path.lower()]}, document=path
                )
            owners[path.lower()] = pack.name


def _rights_of(author: Principal, snapshot: Snapshot, packs: Iterable[Pack]) -> Rights:
    """Return what tells which Setup rights the author lacks: the one for packs, and the one of each kind that comes."""
    wanted = {"manage_packs": FILE}
    for pack in packs:
        for path, document in pack.documents.items():
            if document.get("kind") in KINDS:
                wanted.setdefault(KINDS[document["kind"]].right, path)

    def lacking(documents: Mapping[str, Any]) -> Iterator[Problem]:
        held = rights(snapshot, author)
        for right, path in sorted(wanted.items()):
            if not held.setup(right):
                yield Problem(code="right_missing", params={"right": right}, document=path)

    return lacking


# --- rights and exposure ------------------------------------------------------------------------------------------------------


def exposures(pack: Pack) -> Iterator[Exposure]:
    """Yield all that a pack gives or opens: grants, Setup rights, default access, declassified fields, approvals."""
    for path, document in pack.documents.items():
        for code, params in _exposed(document):
            yield Exposure(pack=pack.name, code=code, params=params, document=path)


def _exposed(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, object]]]:
    name = texts.name_of(document)
    match document.get("kind"):
        case "permission_set" | "profile" as kind:
            for target, granted in document.get("objects", {}).items():
                yield f"pack.grants_{kind}", {"name": name, "object": target, "rights": list(granted.get("rights", ()))}
            if document.get("setup"):
                yield f"pack.grants_setup_{kind}", {"name": name, "rights": list(document["setup"])}
        case "object":
            if document.get("default_access", "private") in ("read", "read_write"):
                yield f"pack.opens_{document['default_access']}", {"object": name}
            yield from _declassified(name, document)
        case "object_extension":
            yield from _declassified(str(document.get("object")), document)
        case "approval_process":
            yield "pack.brings_approval", {"name": name, "object": document.get("object")}


def _declassified(object_name: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, made in document.get("fields", {}).items():
        if isinstance(made, dict) and made.get("declassified"):
            yield "pack.declassifies", {"object": object_name, "field": name, "reason": made["declassified"].get("reason", "")}
