"""A change set becomes a plan: in words, in order, with what it does to records, before anything runs.

Here: applying the change set, checking the result, asking the records, and saying what is wrong or wants a tick.
Not here: what differs (`transition`), the words themselves (`i18n`, keys `plan.…`), running it (`publish`).
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from fieldstone import limits
from fieldstone.db.engine import is_postgresql
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import documents as texts
from fieldstone.metadata import fills, returning, statistics
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.check import Rights, check
from fieldstone.metadata.definitions import FieldDef, ObjectDef
from fieldstone.metadata.identities import ARCHIVED, PURGED, WRITE_ONLY, Identity, Key
from fieldstone.metadata.load import build
from fieldstone.metadata.moving import moved_values
from fieldstone.metadata.propose import Documents, Proposal, different, free_column, in_canonical_form, propose
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.metadata.store import DEFINITION, Stored
from fieldstone.metadata.tables import record_table
from fieldstone.metadata.transition import NO, PlanStep, Transition, transition

# What a layer below has running on the metadata, and what of a change stands against it: from one snapshot to another.
InUse = Callable[[Connection, Snapshot, Snapshot], Iterable[Problem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Ids and physical names given out when a change set was planned; whoever plans it again keeps them."""

    identities: Mapping[Key, Identity] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)  # definition id → new base column

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, for the journal."""
        identities = [
            {name: getattr(identity, name) for name in ("id", "kind", "object", "name", "path", "owner", "physical", "state", "born")}
            for identity in self.identities.values()
        ]
        return {"identities": identities, "columns": dict(self.columns)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Given:
        """Return what `to_json` wrote."""
        identities = [Identity(**each) for each in value["identities"]]
        return Given(identities={identity.key: identity for identity in identities}, columns=value["columns"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a publish of `changes` would do. Nothing has happened yet.

    `problems` refuse it, warnings among them want a tick (`confirms`). `steps` are in order. `mentions`: documents from which plain
    mentions of removed fields go. `proposed` is the snapshot it leads to, None while there are problems that prevent one.
    """

    changes: ChangeSet
    current: Snapshot
    proposed: Snapshot | None
    proposal: Proposal
    transition: Transition
    steps: tuple[PlanStep, ...]
    problems: tuple[Problem, ...]
    given: Given

    @property
    def base_version(self) -> int:
        """The version it starts from."""
        return self.current.version

    @property
    def refused(self) -> tuple[Problem, ...]:
        """The problems that no tick removes."""
        return tuple(problem for problem in self.problems if not problem.warning)

    @property
    def confirms(self) -> tuple[Problem, ...]:
        """What a person has to tick: warnings, and steps that cannot be taken back."""
        final = (Problem(code="cannot_be_undone", params=step.params, warning=True) for step in self.steps if step.reversible == NO)
        return (*(problem for problem in self.problems if problem.warning), *final)

    @property
    def labels(self) -> Labels:
        """What words a step's objects and fields: `i18n.texts.word(step.said, language, plan.labels)`."""
        return Labels(self.proposed or self.current, self.current)

    @property
    def paths(self) -> frozenset[str]:
        """The documents it writes or removes."""
        return frozenset(different(self.current.parsed, self.proposal.documents))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: documents that differ only in form are equal."""
        return not self.paths and not self.proposal.changed

    def old_document(self, path: str) -> Mapping[str, Any] | None:
        """Return the document at `path` before the change."""
        return self.current.parsed.get(path)

    def table_of(self, object_name: str) -> str:
        """Return the table of an object, by its name after the change."""
        assert self.proposed is not None
        return self.proposed.objects[object_name].table

    def require(self) -> Plan:
        """Return the plan. Raises Refused with every problem if it has any that no tick removes."""
        if self.refused:
            raise Refused(self.refused)
        return self


@dataclass(frozen=True, slots=True)
class Labels:
    """Objects and fields by API name, those that come and those that go."""

    after: Snapshot
    before: Snapshot

    @property
    def language(self) -> str:
        """The org's language."""
        return self.after.language

    @property
    def objects(self) -> Mapping[str, Either]:
        """Objects by API name."""
        after, before = self.after.objects, self.before.objects
        return {name: Either(after.get(name) or before[name], before.get(name)) for name in {**before, **after}}


@dataclass(frozen=True, slots=True)
class Either:
    """An object as it will be, with the fields that it has now."""

    after: ObjectDef
    before: ObjectDef | None

    @property
    def label(self) -> Mapping[str, str]:
        """Its name for people."""
        return self.after.label

    def field(self, name: str, /) -> FieldDef | None:
        """Return a field that it has or will have."""
        found = self.after.field(name)
        return found if found is not None or self.before is None else self.before.field(name)


def plan(
    current: Snapshot,
    changes: ChangeSet,
    connection: Connection,
    *,
    language: str = "en",
    rights: Rights | None = None,
    given: Given | None = None,
    opened: bool = False,
    in_use: InUse | None = None,
) -> Plan:
    """Return what `changes` would do to the org as it is in `current`, with every problem at once; writes nothing.

    `connection` answers questions about records. `language`: of the reader, for examples of names. `rights` tells, of the
    documents as they would be, what the author may not do. `given`: from an earlier plan of the same change set. `opened`: its
    hidden columns are there already, its questions answered. `in_use`: what runs on the metadata as it is; see `Holder.in_use`.
    """
    given = given or Given()
    database = connection if is_postgresql(connection) else None  # that of SQLite is at hand anyway
    judge = partial(check, current=current, language=language, rights=rights, database=database)
    proposal, problems = _judged(current, changes, given, returning.taken(connection, current, changes.restore), judge)
    if any(not problem.warning for problem in problems):
        return _refused(current, changes, proposal, problems, given)
    proposal = in_canonical_form(current, proposal)
    outlined = _outlined(current, proposal, changes, given)
    found = outlined.transition
    limits_met = (*_too_many_columns(outlined.proposed), *_too_early(connection, proposal))
    used = tuple(in_use(connection, current, outlined.proposed)) if in_use is not None else ()
    steps, asked = (found.steps, ()) if opened else _asked(connection, current, found)
    born = {identity.key: identity for identity in proposal.changed if current.identities.by_id(identity.id) is None}
    return Plan(
        changes=changes,
        current=current,
        proposed=outlined.proposed,
        proposal=proposal,
        transition=found,
        steps=steps,
        problems=(*problems, *limits_met, *used, *asked),
        given=Given(identities=born, columns=outlined.columns),
    )


def _judged(
    current: Snapshot,
    changes: ChangeSet,
    given: Given,
    removals: tuple[returning.Taken, ...],
    judge: Callable[[Documents], Iterable[Problem]],
) -> tuple[Proposal, tuple[Problem, ...]]:
    """Return what is proposed and what is wrong with it. Restored things go back to their places where that is right today."""
    proposal = propose(current, changes, given.identities, lambda documents: returning.put_back(documents, removals))
    problems = (*proposal.problems, *judge(proposal.documents))
    unfit = {problem.document for problem in problems if not problem.warning} & set(proposal.returned)
    if not unfit:
        return proposal, problems
    return _judged(current, changes, given, tuple(each.besides(unfit) for each in removals), judge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A change set worked out, without asking anybody anything: where it leads and how."""

    proposed: Snapshot
    columns: Mapping[str, str]  # definition id → new base column
    transition: Transition


def outline(current: Snapshot, changes: ChangeSet, given: Given) -> Outline:
    """Return where a change set that was accepted before leads from `current`."""
    return _outlined(current, in_canonical_form(current, propose(current, changes, given.identities)), changes, given)


def _outlined(current: Snapshot, proposal: Proposal, changes: ChangeSet, given: Given) -> Outline:
    proposed, columns = _settled(current, proposal, changes, given)
    return Outline(proposed=proposed, columns=columns, transition=transition(current, proposed, changes))


NO_TRANSITION = Transition(steps=(), origins=(), rewrites=(), left_behind=())


def _refused(current: Snapshot, changes: ChangeSet, proposal: Proposal, problems: Iterable[Problem], given: Given) -> Plan:
    return Plan(
        changes=changes,
        current=current,
        proposed=None,
        proposal=proposal,
        transition=NO_TRANSITION,
        steps=(),
        problems=tuple(problems),
        given=given,
    )


def _settled(current: Snapshot, proposal: Proposal, changes: ChangeSet, given: Given) -> tuple[Snapshot, Mapping[str, str]]:
    """Build the proposed snapshot; give fields whose values cannot stay a column of their own. Return it and the columns given out."""
    stored = replace(
        current.stored,
        version=replace(current.stored.version, number=current.version + 1),
        texts=_canonical(current, proposal.documents),
        identities=proposal.identities,
    )
    proposed = build(proposal.documents, stored, previous=current)
    columns: dict[str, str] = dict(given.columns)
    wanted: dict[str, str] = {}
    moving = {
        definition_id: made
        for definition_id, (prior, made) in moved_values(current, proposed, changes).items()
        if made.column is not None and (prior.column is not None or _left_behind(stored, definition_id))
    } | _restored_computed(current, proposed, changes)
    for definition_id, made in moving.items():
        if definition_id not in columns:
            columns[definition_id] = free_column(stored, made.object or "", made.name, frozenset(columns.values()))
        wanted[definition_id] = columns[definition_id]
    if not wanted:
        return proposed, columns
    moved = [replace(identity, physical=wanted[identity.id]) for identity in stored.identities.every() if identity.id in wanted]
    return build(proposal.documents, replace(stored, identities=stored.identities.with_changes(moved)), previous=current), columns


def _restored_computed(current: Snapshot, proposed: Snapshot, changes: ChangeSet) -> dict[str, FieldDef]:
    """Return the stored formulas and roll-ups that come back: nobody kept their old columns right, so they are computed anew."""
    if not changes.restore:
        return {}
    return {
        made.id: made
        for definition in proposed.objects.values()
        if current.identities.find("object", "", definition.name) is not None
        for made in definition.fields.values()
        if made.computed and made.column is not None and _was_archived(current, made.id)
    }


def _was_archived(current: Snapshot, definition_id: str) -> bool:
    identity = current.identities.by_id(definition_id)
    return identity is not None and identity.state == ARCHIVED


def _too_many_columns(proposed: Snapshot) -> Iterator[Problem]:
    """Dropped columns count too: PostgreSQL never gives their places again."""
    for definition in proposed.objects.values():
        archived = [identity for identity in proposed.identities.fields(definition.name) if identity.state in (ARCHIVED, PURGED)]
        left = [column for column in proposed.stored.columns if column.table == definition.table]
        if len(definition.fields) + len(archived) + len(left) < limits.COLUMNS_A_TABLE // 3:  # of three columns at most
            continue
        count = len(record_table(definition).columns) + len(archived) + sum(len(column.columns) or 1 for column in left)
        if count > limits.COLUMNS_A_TABLE:
            params = {"name": "COLUMNS_A_TABLE", "limit": limits.COLUMNS_A_TABLE, "count": count, "object": definition.name}
            yield Problem(code="limit_exceeded", params=params, document=definition.path, pointer="/fields")


def _too_early(connection: Connection, proposal: Proposal) -> Iterator[Problem]:
    """What was removed can be brought back for a while: longer than any page lives that was opened before."""
    purged = [identity for identity in proposal.changed if identity.state == PURGED and identity.kind in ("object", "field")]
    if not purged:
        return
    since = datetime.now(UTC) - timedelta(days=limits.ARCHIVE_DAYS)
    when = select(DEFINITION.c.id).where(DEFINITION.c.id.in_([identity.id for identity in purged]), DEFINITION.c.archived_at > since)
    young = set(connection.execute(when).scalars())
    for identity in purged:
        if identity.id in young:
            yield Problem(code="purge_too_early", params={"name": identity.name, "days": limits.ARCHIVE_DAYS}, document=identity.path)


def _canonical(current: Snapshot, documents: Documents) -> Mapping[str, str]:
    before = current.parsed
    return {
        path: current.documents[path] if before.get(path) is document else texts.canonical(document) for path, document in documents.items()
    }


def _left_behind(stored: Stored, definition_id: str) -> bool:
    """Tell whether a field has had another column before: the name it was born with is used up."""
    return any(column.definition == definition_id and column.state != WRITE_ONLY for column in stored.columns)


def _asked(connection: Connection, current: Snapshot, found: Transition) -> tuple[tuple[PlanStep, ...], tuple[Problem, ...]]:
    """Put the questions of the steps to the records; return the steps with their numbers, and the problems that the answers make."""
    steps: list[PlanStep] = []
    problems: list[Problem] = []
    counted: dict[str, statistics.Count] = {}
    tables = current.tables
    for step in found.steps:
        question, table = step.question, step.params.get("table")
        step = replace(step, params={name: value for name, value in step.params.items() if name != "table"})  # noqa: PLW2901
        if isinstance(table, str) and table in tables:
            if table not in counted:
                counted[table] = statistics.rows(connection, table)
            step = _counted(step, "rows", counted[table])  # noqa: PLW2901
        if question is not None and question.table in tables:
            definition = tables[question.table]
            convert = fills.converter(connection, current, question.convert) if question.convert is not None else None
            answer = statistics.count(connection, definition, question, convert)
            step = _counted(step, "matching", answer)  # noqa: PLW2901
            if answer.number and not question.answered:
                problems.append(_problem(question.code, question.pointer, definition, step, answer))
        steps.append(step)
    return tuple(steps), tuple(problems)


def _counted(step: PlanStep, name: str, answer: statistics.Count) -> PlanStep:
    rows = answer.number if step.rows is None else step.rows
    return replace(step, params={**step.params, name: answer.number}, rows=rows, estimated=step.estimated or answer.estimated)


def _problem(code: str, pointer: str, definition: ObjectDef, step: PlanStep, answer: statistics.Count) -> Problem:
    document, _, place = pointer.partition("#")
    params = {**step.params, "object": definition.name, "rows": answer.number, "examples": list(answer.examples)}
    return Problem(code=code, params=params, document=document, pointer=place)
