"""What lookups lead to: looked up once for the whole batch, for the check that they may be named and for rules that read through them.
Of the record itself: which roll-ups that are not stored rules ask for.

One statement before the defaults; a second one only if defaults or before-save rules have pointed a lookup somewhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.limits import QUERY_JOINS
from fieldstone.metadata.definitions.approval_processes import ApprovalProcessDef
from fieldstone.metadata.definitions.layouts import PageLayoutDef
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.metadata.definitions.validation_rules import ValidationRuleDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.changes import Action, Batch, Item, Step
from fieldstone.records.gate.access import READ
from fieldstone.records.gate.projection import PEOPLE
from fieldstone.records.gate.write import Looked, look
from fieldstone.records.messages import expressions_in, names_in
from fieldstone.records.steps.defaults import defaults_of

Path = tuple[str, ...]


@dataclass(frozen=True)
class Needs:
    """What is read behind the lookups of an object."""

    lookups: tuple[str, ...]  # all lookups of the object, its owner, and those stamps that something reads through
    paths: tuple[Path, ...]  # read by rules, defaults and lookup filters
    read_through: frozenset[str]  # lookups that rules and defaults go through, so that they are wanted even where nothing changed
    live: tuple[str, ...] = ()  # roll-ups of the object that rules read and no column holds


def needs(snapshot: Snapshot, definition: ObjectDef) -> Needs:
    """Return what the pipeline has to know behind the lookups of `definition`; made once, when somebody first saves such a record."""
    known = snapshot.once(_known_needs)
    found = known.get(definition.name)
    if found is None:
        found = known[definition.name] = _needs_of(snapshot, definition)
    return found


def _known_needs(snapshot: Snapshot) -> dict[str, Needs]:
    return {}


def _needs_of(snapshot: Snapshot, definition: ObjectDef) -> Needs:
    lookups = [found.name for found in definition.fields.values() if found.type in LOOKUPS and found.column is not None]
    if "owner" in definition.system_fields:
        lookups.append("owner")
    every = {path for compiled in _expressions(snapshot, definition) for path in compiled.reads}
    every |= {path for message in _messages(snapshot, definition) for path in names_in(snapshot, definition, message)}
    stamps = [found.name for found in definition.system_fields.values() if found.type in LOOKUPS]
    read = {path for path in every if len(path) > 1 and path[0] in (*lookups, *stamps)}
    lookups += [name for name in stamps if any(path[0] == name for path in read)]
    paths = set(read)
    for found in definition.fields.values():
        if found.type in LOOKUPS and found.filter is not None:
            for path in snapshot.expression(found.filter, found.to, "lookup_filter", record=definition.name).reads:
                if not path[0].startswith("$"):
                    paths.add((found.name, *path))
                elif len(path) > 2:
                    read.add(path[1:])
        if found.type == "user" and found.active_only:
            paths.add((found.name, "active"))
    if "owner" in lookups:
        paths.add(("owner", "active"))
    live = tuple(name for name in live_roll_ups(definition) if (name,) in every)
    return Needs(tuple(lookups), tuple(sorted(paths | read)), frozenset(path[0] for path in read), live)


def live_roll_ups(definition: ObjectDef) -> tuple[str, ...]:
    """Return the roll-ups of an object that are computed when they are read."""
    return tuple(name for name, found in definition.fields.items() if found.type == "roll_up" and not found.stored)


def _expressions(snapshot: Snapshot, definition: ObjectDef) -> Iterable[Compiled]:
    """Everything that the pipeline evaluates on a record of the object."""
    for rule in snapshot.all("validation_rule", definition.name):
        assert isinstance(rule, ValidationRuleDef)
        if rule.active:
            yield snapshot.expression(rule.error_when, definition.name, "validation_rule")
    for message in _messages(snapshot, definition):
        yield from expressions_in(snapshot, definition.name, message)
    for record_type in ("", *definition.record_types):
        for _, compiled in defaults_of(snapshot, definition, record_type).expressions:
            yield compiled
    for automation in snapshot.all("automation", definition.name):
        for source in getattr(automation, "expressions", ()):
            yield snapshot.expression(source, definition.name, "automation")
    for process in snapshot.all("approval_process", definition.name):
        assert isinstance(process, ApprovalProcessDef)
        if process.entry.auto_submit and process.entry.criteria is not None:
            yield snapshot.expression(process.entry.criteria, definition.name, "approval")
    for layout in snapshot.all("page_layout", definition.name):
        assert isinstance(layout, PageLayoutDef)
        for part in layout.parts():
            for condition in (part.visible_when, part.required_when, part.read_only_when):
                if condition is not None:
                    yield snapshot.expression(condition, definition.name, "layout")


def _messages(snapshot: Snapshot, definition: ObjectDef) -> Iterator[Mapping[str, str]]:
    """What rules and automations say when they refuse a record of the object."""
    for rule in snapshot.all("validation_rule", definition.name):
        assert isinstance(rule, ValidationRuleDef)
        if rule.active:
            yield rule.message
    for automation in snapshot.all("automation", definition.name):
        yield from getattr(automation, "messages", ())


def step(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that looks up what was given, and on update what rules read; None for an object without lookups."""
    wanted = needs(snapshot, definition)
    if not wanted.lookups:
        return None
    return lambda batch: look_up(batch, wanted)


def again(snapshot: Snapshot, definition: ObjectDef, action: Action) -> Step | None:
    """Return the step that looks up what defaults and before-save rules have put in; mostly it asks nothing."""
    return step(snapshot, definition, action)


def look_up(batch: Batch, wanted: Needs) -> None:
    """Look up every lookup of the batch that has not been yet, in one statement (several for very many lookups), or none at all."""
    asked: list[tuple[Item, dict[str, str | None]]] = []
    for item in batch.open:
        ids = {name: _to_look_up(batch, item, name, wanted) for name in wanted.lookups}
        if any(ids.values()):
            asked.append((item, ids))
    if not asked:
        return
    lookups = tuple(name for name in wanted.lookups if any(ids[name] for _, ids in asked))
    for some in _in_statements(lookups, wanted.paths):
        paths = tuple(path for path in wanted.paths if path[0] in some)
        answers = look(batch.tx, batch.asking, batch.object, some, paths, [ids for _, ids in asked])
        for (item, ids), answer in zip(asked, answers, strict=True):
            for name in some:
                value = ids[name]
                if value is not None:
                    item.looked[name] = (value, answer[name])
                    item.image |= behind(item, name, value, answer[name])


def _in_statements(lookups: Iterable[str], paths: Iterable[Path]) -> Iterator[tuple[str, ...]]:
    """Yield the lookups in as many parts as there must be statements: a database joins so many tables and no more."""
    joins = Counter(hop[0] for hop in {path[:length] for path in paths for length in range(2, len(path))})
    part: list[str] = []
    count = 0
    for name in lookups:
        if part and count + 1 + joins[name] > QUERY_JOINS:
            yield tuple(part)
            part, count = [], 0
        part.append(name)
        count += 1 + joins[name]
    if part:
        yield tuple(part)


def behind(item: Item, name: str, value: str, looked: Looked) -> Mapping[str, Any]:
    """Return the values behind a lookup that rules may work with: blank, as behind a record that never was, where the principal newly
    points at one they cannot see. It will be refused in those words; until then no default or message may tell what is in it.
    """
    stored = item.prior is not None and item.prior.get(name) == value
    if looked.access >= READ or stored or (name in PEOPLE and name != "owner"):  # a stamp is nobody's choice
        return looked.values
    return dict.fromkeys(looked.values)


def _to_look_up(batch: Batch, item: Item, name: str, wanted: Needs) -> str | None:
    """The id to look up: one that was not yet, and that either differs from before or is read through by a rule."""
    value = item.image.get(name)
    if value is None:
        if name in wanted.read_through and name in item.looked:  # it was emptied since: nothing is behind it any more
            del item.looked[name]
        if name in wanted.read_through:
            for path in wanted.paths:
                if path[0] == name:
                    item.image[".".join(path)] = None
        return None
    if not isinstance(value, str) or (name in item.looked and item.looked[name][0] == value):
        return None
    same = item.prior is not None and item.prior.get(name) == value
    same = same or (name == "owner" and value == batch.principal.user_id)  # who saves is there
    return None if same and name not in wanted.read_through else value
