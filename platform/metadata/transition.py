"""From one snapshot to the next: what differs, and what that asks of tables and records. Pure.

Here: objects and fields matched by identity, so that a rename is no removal; for each difference its step in words, its DDL, the fill
it needs and the question it puts to records that are there already.
Not here: counting records (`statistics`), judging the answers (`plan`), running anything (`publish`, `fills`).
Source: spec/metadata.md, section 8, the table of changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, func, or_

from fieldstone.errors import Problem
from fieldstone.metadata import ddl, documents, meta_schemas, tables
from fieldstone.metadata.changes import Answer, ChangeSet
from fieldstone.metadata.conversions import lossless, possible
from fieldstone.metadata.definitions import Definition, FieldDef, ObjectDef
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.metadata.identities import ARCHIVED, PURGED, Identity
from fieldstone.metadata.moving import in_order, moved_values, pointer_of
from fieldstone.metadata.origins import NO_ANSWER, LeftBehind, Origin, Rewrite
from fieldstone.metadata.snapshot import Snapshot

NUMBERS = ("number", "currency", "percent")

# reversible: can this be taken back?
YES = "yes"
UNTIL_PURGE = "until_purge"  # what was there stays archived, `limits.ARCHIVE_DAYS` at least
IF_FITS = "if_fits"  # if no record has used the new room by then
NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What must be known of the records that are there before a step can run.

    `code`: the problem where records match and nobody answered. One of `where`, `duplicates`, `scan`, `convert` says which records.
    """

    code: str
    table: str
    column: str
    pointer: str
    answered: bool = False
    where: Callable[[Any], ColumnElement[bool]] | None = None  # condition on the column
    holds: str | None = None  # this picklist value, alone or among others
    duplicates: tuple[str, ...] = ()  # these columns together must be unique
    scan: Callable[[object], bool] | None = None  # tells of one value that it does not fit
    convert: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One thing a publish does, for people: `code` has a text in every language (`i18n`), filled with `params`.

    `rows`: records touched or blocking; None where records are not concerned. `estimated`: counted beyond 100,000.
    `lock`: "none", or "moment" where writers wait some milliseconds.
    """

    code: str
    params: Mapping[str, object]
    object: str | None = None
    field: str | None = None
    rows: int | None = None
    estimated: bool = False
    reversible: str = YES
    lock: str = "none"
    works_on_rows: bool = False
    operations: tuple[ddl.Operation, ...] = ()
    question: Question | None = None

    @property
    def said(self) -> Problem:
        """The step in a form that has words: `i18n.texts.word(step.said, language, plan.labels)`."""
        return Problem(code=self.code, params=self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """All that leads from one snapshot to another."""

    steps: tuple[PlanStep, ...]
    origins: tuple[Origin, ...]  # hidden columns to fill, each after those it reads
    rewrites: tuple[Rewrite, ...]
    left_behind: tuple[LeftBehind, ...]

    @property
    def works_on_rows(self) -> bool:
        """Whether records, if there are any, have to be worked on before the switch."""
        return bool(self.origins or self.rewrites)


def transition(current: Snapshot, proposed: Snapshot, changes: ChangeSet) -> Transition:
    """Return what leads from `current` to `proposed`; both know the same identities. Order: objects by birth, then other kinds."""
    work = _Work(current, proposed, changes)
    work.objects()
    work.others()
    work.purges()
    return Transition(
        steps=tuple(work.steps),
        origins=in_order(work.origins, proposed),
        rewrites=tuple(work.rewrites),
        left_behind=tuple(work.left_behind),
    )


class _Work:
    """What is found while two snapshots are walked."""

    def __init__(self, current: Snapshot, proposed: Snapshot, changes: ChangeSet) -> None:
        self.current = current
        self.proposed = proposed
        self.changes = changes
        self.moved = moved_values(current, proposed, changes)
        self.restored = {(place.kind, place.object.lower(), place.name.lower()) for place in changes.restore}
        self.steps: list[PlanStep] = []
        self.origins: list[Origin] = []
        self.rewrites: list[Rewrite] = []
        self.left_behind: list[LeftBehind] = []

    # --- objects -----------------------------------------------------------------------------------------------------

    def objects(self) -> None:
        before = {definition.id: definition for definition in self.current.objects.values()}
        after = {definition.id: definition for definition in self.proposed.objects.values()}
        for definition_id, new in after.items():
            old = before.get(definition_id)
            if old is None:
                self.add_object(new)
            elif old is not new and old != new:
                self.change_object(old, new)
            else:  # a roll-up can move although nothing about its object has changed
                for made in new.fields.values():
                    if made.id in self.moved:
                        self.change_values(old, new, *self.moved[made.id])
        for definition_id, old in before.items():
            if definition_id not in after:
                self.step("plan.remove_object", old, reversible=UNTIL_PURGE, rows_of=old)

    def add_object(self, new: ObjectDef) -> None:
        if ("object", "", new.name.lower()) in self.restored:
            self.step("plan.restore_object", new)
            return
        targets = tuple(
            (made.column, target) for made in new.fields.values() if made.column is not None and (target := self.target(made)) is not None
        )
        operations: list[ddl.Operation] = [ddl.AddTable(definition=new, targets=targets)]
        operations += [ddl.AddIndex(index=index) for index in tables.index_specs(new)]
        self.step("plan.add_object", new, operations=operations, fields=len(new.fields))

    def target(self, made: FieldDef) -> str | None:
        return ddl.foreign_key_target(made, self.proposed.objects.values())

    def change_object(self, old: ObjectDef, new: ObjectDef) -> None:
        if old.name != new.name:
            self.step("plan.rename_object", new, old=old.name)
        if old.owned_by != new.owned_by:
            self.step("plan.change_ownership", new, old=old.owned_by, new=new.owned_by, rows_of=new)
        if old.default_access != new.default_access:
            self.step(_access_code(old, new), new, old=old.default_access, new=new.default_access, rows_of=new)
        changed = _changed_keys(
            old.source, new.source, besides=("fields", "keys", "owned_by", "default_access", "api_name", "$schema", "was")
        )
        if changed:
            self.step("plan.change_object", new, what=changed)
        self.fields(old, new)
        self.keys(old, new)
        self.indexes(old, new)

    def keys(self, old: ObjectDef, new: ObjectDef) -> None:
        before = {key.name: key for key in old.keys}
        for key in new.keys:
            if key.name in before and before.pop(key.name) == key:
                continue
            index = tables.key_index(new, key)
            self.step(
                "plan.add_key",
                new,
                key=key.name,
                fields=list(key.fields),
                question=Question(
                    code="rows_duplicate",
                    table=new.table,
                    column=index.columns[0],
                    pointer=f"{new.path}#/keys",
                    duplicates=index.columns,
                ),
            )
        for name in before:
            self.step("plan.remove_key", new, key=name)

    def indexes(self, old: ObjectDef, new: ObjectDef) -> None:
        """Indexes follow from the definitions; which step asked for one does not matter to the database."""
        before = {index.name: index for index in tables.index_specs(old)}
        after = {index.name: index for index in tables.index_specs(new)}
        operations: list[ddl.Operation] = [ddl.DropIndex(index=index) for name, index in before.items() if after.get(name) != index]
        operations += [ddl.AddIndex(index=index) for name, index in after.items() if before.get(name) != index]
        if operations:
            self.step("plan.indexes", new, operations=operations, count=len(operations), lock="moment")

    # --- fields ------------------------------------------------------------------------------------------------------

    def fields(self, old: ObjectDef, new: ObjectDef) -> None:
        before = {made.id: made for made in old.fields.values()}
        for made in new.fields.values():
            prior = before.pop(made.id, None)
            if prior is None:
                self.add_field(new, made)
            elif made.id in self.moved or (prior is not made and prior != made):
                self.change_field(old, new, prior, made)
        for gone in before.values():
            self.step("plan.remove_field", new, gone, reversible=UNTIL_PURGE, rows_of=new if gone.column is not None else None)

    def answer(self, definition: ObjectDef, made: FieldDef) -> Answer:
        return self.changes.answers.get(pointer_of(definition, made), NO_ANSWER)

    def add_field(self, new: ObjectDef, made: FieldDef) -> None:
        restored = ("field", new.name.lower(), made.name.lower()) in self.restored
        if restored and not (made.computed and made.column is not None):
            self.step("plan.restore_field", new, made)
            return
        if made.column is None:
            self.step("plan.add_live_field", new, made, why=made.why_live or "")
            return
        if restored:
            self.leave_archived(new, made)
        answer = self.answer(new, made)
        add = ddl.AddColumns(table=new.table, field=made, target=self.target(made))
        if made.computed:
            self.hidden("plan.add_computed_field", new, made, Origin(how=made.type, object=new.name, field=made))
        elif is_expression(answer.fill):
            self.hidden("plan.add_field_filled", new, made, Origin(how="value", object=new.name, field=made, answer=answer))
        elif answer.fill is not None:
            constant = typed(made, answer.fill)
            add = ddl.AddColumns(table=add.table, field=made, target=add.target, value=constant)
            self.step("plan.add_field_constant", new, made, operations=[add], value=str(answer.fill), rows_of=new, lock="moment")
        else:
            if made.type == "checkbox":  # never blank
                add = ddl.AddColumns(table=add.table, field=made, target=add.target, value=False)
            question = self.blank(new, made, answer) if made.required and made.type not in ("checkbox", "auto_number") else None
            self.step("plan.add_field", new, made, operations=[add], question=question, lock="moment")

    def leave_archived(self, definition: ObjectDef, made: FieldDef) -> None:
        """A computed field that comes back is computed anew: nobody kept its old column right."""
        identity, kept = self.current.identities.by_id(made.id), self.current.stored.archived.get(made.id)
        if identity is not None and identity.physical is not None and kept is not None and kept.columns:
            left = LeftBehind(table=definition.table, name=identity.physical, definition=made.id, field=kept.text, columns=kept.columns)
            self.left_behind.append(left)

    def hidden(
        self, code: str, definition: ObjectDef, made: FieldDef, origin: Origin, question: Question | None = None, /, **params: str
    ) -> None:
        """Plan a column that is filled while nobody sees it."""
        never_blank = False if made.result_type == "checkbox" else None
        add = ddl.AddColumns(table=definition.table, field=made, target=self.target(made), value=never_blank)
        self.origins.append(origin)
        self.step(
            code,
            definition,
            made,
            operations=[add],
            works_on_rows=True,
            rows_of=definition,
            question=question,
            lock="moment",
            **cast("dict[str, Any]", params),
        )

    def change_field(self, old: ObjectDef, new: ObjectDef, prior: FieldDef, made: FieldDef) -> None:
        if prior.name != made.name:
            self.step("plan.rename_field", new, made, old=prior.name)
        if made.id in self.moved:
            self.change_values(old, new, prior, made)
        else:
            self.narrow_or_widen(old, new, prior, made)
        if made.required and not prior.required and made.type != "checkbox" and not made.computed:
            self.require(new, made)
        if tables.is_unique(made) and not tables.is_unique(prior) and made.column is not None:
            index = tables.unique_index(new, made)
            question = Question(
                code="rows_duplicate", table=new.table, column=index.columns[0], pointer=pointer_of(new, made), duplicates=index.columns
            )
            self.step("plan.make_unique", new, made, question=question, lock="moment")
        if prior.values != made.values:
            self.values(old, new, prior, made)
        said = ("type", "length", "precision", "scale", "min", "max", "pattern", "required", "unique", "values", "api_name", "was")
        plain = _changed_keys(prior.source, made.source, besides=(*said, "formula", "returns", "blanks", "relation", "function", "field"))
        if plain:
            self.step("plan.change_field", new, made, what=plain)

    def change_values(self, old: ObjectDef, new: ObjectDef, prior: FieldDef, made: FieldDef) -> None:
        """The values of a field change as a whole: type, formula, stored or live."""
        if prior.column is not None:
            self.left_behind.append(
                LeftBehind(
                    table=old.table,
                    name=prior.column,
                    definition=prior.id,
                    field=documents.canonical(prior.source),
                    columns=tables.written_columns(prior),
                )
            )
        if made.column is None:
            self.step("plan.make_live", new, made, why=made.why_live or "")
        elif made.computed:
            self.hidden("plan.recompute_field", new, made, Origin(how=made.type, object=new.name, field=made))
        elif prior.column is None or not possible(prior, made):
            question = Question(
                code="cannot_convert", table=new.table, column="id", pointer=pointer_of(new, made), where=lambda column: column.is_not(None)
            )
            self.step("plan.change_type", new, made, old=prior.type, new=made.type, question=question, rows_of=new)
        else:
            self.change_type(new, prior, made)

    def change_type(self, new: ObjectDef, prior: FieldDef, made: FieldDef) -> None:
        answer = self.answer(new, made)
        origin = Origin(how="convert", object=new.name, field=made, old=prior, answer=answer)
        question = None
        if not lossless(prior, made):
            assert prior.column is not None
            question = Question(
                code="rows_do_not_fit",
                table=new.table,
                column=prior.column,
                pointer=pointer_of(new, made),
                answered=answer.unfit != "stop",
                convert=origin,
            )
        self.hidden("plan.change_type", new, made, origin, question, old=prior.result_type, new=made.type)

    def narrow_or_widen(self, old: ObjectDef, new: ObjectDef, prior: FieldDef, made: FieldDef) -> None:
        if made.column is None or (made.computed and prior.precision == made.precision):
            return
        if made.type in LOOKUPS and prior.type != made.type:
            self.step("plan.change_relation", new, made, old=prior.type, new=made.type)
        misfits = list(_misfits(prior, made))
        question = None
        if misfits:
            question = Question(
                code="rows_do_not_fit",
                table=new.table,
                column=made.column,
                pointer=pointer_of(new, made),
                where=lambda column: or_(*(misfit(column) for misfit in misfits)),
            )
        elif made.pattern is not None and made.pattern != prior.pattern and made.type != "auto_number":
            expression = meta_schemas.regular_expression(made.pattern)
            question = Question(
                code="rows_do_not_fit",
                table=new.table,
                column=made.column,
                pointer=pointer_of(new, made),
                scan=lambda value: isinstance(value, str) and not expression.fullmatch(value),
            )
        if question is not None:
            self.step("plan.narrow_field", new, made, question=question)
        elif any(getattr(prior, name) != getattr(made, name) for name in ("length", "precision", "min", "max", "pattern")):
            widen = []
            if made.type in NUMBERS and (made.precision or 0) > (prior.precision or 0):
                widen = [ddl.WidenNumber(table=new.table, field=made)]
            self.step("plan.widen_field", new, made, operations=widen, reversible=IF_FITS)

    def require(self, new: ObjectDef, made: FieldDef) -> None:
        answer = self.answer(new, made)
        if answer.fill is not None:
            self.rewrites.append(Rewrite(object=new.name, table=new.table, field=made, blanks=answer))
            self.step("plan.require_filled", new, made, works_on_rows=True, question=self.blank(new, made, answer), value=str(answer.fill))
        else:
            self.step("plan.require", new, made, question=self.blank(new, made, answer))

    def blank(self, new: ObjectDef, made: FieldDef, answer: Answer) -> Question:
        assert made.column is not None
        return Question(
            code="rows_blank",
            table=new.table,
            column=made.column,
            pointer=pointer_of(new, made),
            answered=answer.leave or answer.fill is not None,
            where=lambda column: column.is_(None),
        )

    def values(self, old: ObjectDef, new: ObjectDef, prior: FieldDef, made: FieldDef) -> None:
        """Picklist values: those that go are asked about one by one, because each may be stored."""
        after = {value.name for value in made.values}
        gone = [value.name for value in prior.values if value.name not in after]
        answer = self.answer(new, made)
        if prior.column != made.column or made.column is None:
            return
        for name in gone:
            replaced = name in answer.replace
            question = Question(
                code="value_in_use", table=new.table, column=made.column, pointer=pointer_of(new, made), answered=replaced, holds=name
            )
            code = "plan.replace_value" if replaced else "plan.remove_value"
            self.step(
                code,
                new,
                made,
                question=question,
                value=name,
                new=answer.replace.get(name) or "",
                works_on_rows=replaced,
                reversible=UNTIL_PURGE if replaced else YES,
            )
        replace = {name: answer.replace[name] for name in gone if name in answer.replace}
        if replace:
            self.rewrites.append(Rewrite(object=new.name, table=new.table, field=made, replace=replace))
        if [value for value in made.values if value.name in {v.name for v in prior.values}] != [v for v in prior.values if v.name in after]:
            self.step("plan.change_values", new, made)
        added = [value.name for value in made.values if value.name not in {v.name for v in prior.values}]
        if added:
            self.step("plan.add_values", new, made, values=added)

    # --- other kinds -------------------------------------------------------------------------------------------------

    def others(self) -> None:
        """Documents without records behind them: no DDL, nothing to fill."""
        before = {definition.id: definition for definition in self.current.definitions if not isinstance(definition, ObjectDef)}
        for definition in self.proposed.definitions:
            if isinstance(definition, ObjectDef):
                continue
            old = before.pop(definition.id, None)
            if old is None:
                self.say("plan.add", definition)
            elif old is not definition and old.source != definition.source:
                self.say("plan.change", definition)
        gone_objects = {old.name.lower() for old in self.current.objects.values()} - {
            new.name.lower() for new in self.proposed.objects.values()
        }
        for old in before.values():
            if (old.object or "").lower() not in gone_objects:
                self.say("plan.remove", old)

    def purges(self) -> None:
        """What goes for good: columns and tables with what they hold."""
        for identity in self.proposed.identities.every():
            before = self.current.identities.by_id(identity.id)
            if identity.state != PURGED or before is None or before.state == PURGED:
                continue
            if identity.kind == "object":
                self.purge_object(identity)
            elif identity.kind == "field":
                self.purge_field(identity)

    def purge_object(self, identity: Identity) -> None:
        assert identity.physical is not None
        clear = [
            ddl.ClearColumn(table=definition.table, column=column)
            for definition in self.proposed.objects.values()
            for column in archived_lookups(self.current, definition, identity.name)
        ]
        drop = ddl.DropTable(table=identity.physical)
        params = {"object": identity.name, "table": identity.physical}
        self.steps.append(PlanStep(code="plan.purge_object", params=params, reversible=NO, lock="moment", operations=(*clear, drop)))

    def purge_field(self, identity: Identity) -> None:
        definition = self.proposed.find("object", identity.object)
        if not isinstance(definition, ObjectDef):  # its table goes as a whole
            return
        stored = self.current.stored
        columns = dict(stored.archived[identity.id].columns)
        for left in stored.columns:
            if left.definition == identity.id and left.state == ARCHIVED:
                columns |= left.columns
        drop = ddl.DropColumns(table=definition.table, columns=tuple(columns))
        params = {"object": definition.name, "field": identity.name, "table": definition.table}
        step = PlanStep(
            code="plan.purge_field",
            params=params,
            object=definition.name,
            field=identity.name,
            reversible=NO,
            lock="moment",
            operations=(drop,) if columns else (),
        )
        self.steps.append(step)

    def say(self, code: str, definition: Definition) -> None:
        label = dict(definition.label) or {"": definition.name}
        params: dict[str, object] = {"name": definition.name, "label": label}
        if definition.object is not None:
            params["object"] = definition.object
        self.steps.append(PlanStep(code=f"{code}_{definition.kind}", params=params, object=definition.object))

    def step(
        self,
        code: str,
        definition: ObjectDef,
        made: FieldDef | None = None,
        /,
        *,
        operations: Iterable[ddl.Operation] = (),
        rows_of: ObjectDef | None = None,
        reversible: str = YES,
        lock: str = "none",
        works_on_rows: bool = False,
        question: Question | None = None,
        **params: object,
    ) -> None:
        params["object"] = definition.name
        if made is not None:
            params["field"] = made.name
        if rows_of is not None:
            params["table"] = rows_of.table  # counted by the planner
        self.steps.append(
            PlanStep(
                code=code,
                params=params,
                object=definition.name,
                field=made.name if made is not None else None,
                reversible=reversible,
                lock=lock,
                works_on_rows=works_on_rows,
                operations=tuple(operations),
                question=question,
            )
        )


def archived_lookups(snapshot: Snapshot, definition: ObjectDef, target: str) -> Iterator[str]:
    """Yield the columns of an object's archived lookups that point at `target`."""
    for identity in snapshot.identities.fields(definition.name):
        kept, column = snapshot.stored.archived.get(identity.id), identity.physical
        if identity.state == ARCHIVED and kept is not None and column is not None and column in kept.columns:
            to = documents.parse(kept.text).get("to", "")
            if str(to).lower() == target.lower():
                yield column


def is_expression(value: object) -> bool:
    """Tell whether a value given in a document is an expression: a text that begins with "="."""
    return isinstance(value, str) and value.startswith("=")


def typed(made: FieldDef, value: object) -> object:
    """Return a JSON constant as the typed value of a field. Raises BadValue."""
    from fieldstone.metadata.field_types import FIELD_TYPES

    return FIELD_TYPES[made.type].from_json(made, value)


def _access_code(old: ObjectDef, new: ObjectDef) -> str:
    order = {"private": 0, "by_parent": 1, "read": 2, "read_write": 3}
    return "plan.widen_access" if order[new.default_access] > order[old.default_access] else "plan.narrow_access"


def _changed_keys(old: Mapping[str, object], new: Mapping[str, object], besides: Iterable[str]) -> list[str]:
    left = set(besides)
    return [key for key in {**old, **new} if key not in left and old.get(key) != new.get(key)]


def _misfits(prior: FieldDef, made: FieldDef) -> Iterator[Callable[[Any], ColumnElement[bool]]]:
    """Yield which stored values a tighter definition has no room for."""
    length, low, high = made.length, made.min, made.max
    if length is not None and (prior.length is None or length < prior.length):
        yield lambda column: func.length(column) > length
    if made.precision is not None and prior.precision is not None and made.precision < prior.precision:
        most = (Decimal(10) ** made.precision - 1).scaleb(-(made.scale or 0))
        yield lambda column: or_(column > most, column < -most)
    if low is not None and (prior.min is None or low > prior.min):  # type: ignore[operator]  # of one type
        yield lambda column: column < low
    if high is not None and (prior.max is None or high < prior.max):  # type: ignore[operator]
        yield lambda column: column > high
