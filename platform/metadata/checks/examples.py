"""Last stage: does every example come out as its author says?

Here: examples of formulas, defaults, filters, roll-ups, rules, views, automations and entry criteria: run in Python, and all of an
expression that have come out right there in one statement on each database at hand. Of a field with two things to say, those that
expect true or false are about its filter: the others are about the figure of the roll-up, or the default of the lookup.
Not here: the statement (`rules/row_values.py`).
Source: spec/metadata.md, section 2, "Examples".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from fieldstone import limits
from fieldstone.errors import Problem, Refused
from fieldstone.metadata import owners
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.automations import AutomationDef
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.definitions.steps import AssignStep, BranchStep, ErrorStep, Step
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue, result
from fieldstone.metadata.field_types.date import day, moment
from fieldstone.metadata.field_types.lookup import LOOKUP
from fieldstone.metadata.places import Way
from fieldstone.metadata.scope import GLOBALS, setup_values, steps_of
from fieldstone.rules import Blanks, Checked, Context, EvaluationError, NotInSql, Use, check, row_values, to_python
from fieldstone.rules.decimals import WIDE, rounded
from fieldstone.rules.row_values import memory

UTC_ZONE = ZoneInfo("UTC")
ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
MOST_ROWS = 200  # that one statement asks about
SOME_DAY = datetime(2026, 1, 15, 12, tzinfo=UTC)  # when an example names no day

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One example, typed: the record, the row before, the context."""

    row: Row
    related: Mapping[str, Any]
    context: Context
    expect: Any


def check_examples(proposed: Proposed) -> None:
    """Note every example that fails. Definitions with a problem of their own are left out: their examples say nothing."""
    with memory() as sqlite:
        _check_examples(proposed, (sqlite, *((proposed.database,) if proposed.database is not None else ())))


def _check_examples(proposed: Proposed, databases: Sequence[Connection]) -> None:
    until = time.monotonic() + limits.EXAMPLE_SECONDS
    for path, way, examples, judges in _all(proposed):
        if len(examples) > limits.EXAMPLES_A_DEFINITION:
            proposed.refuse(
                path, way, "limit_exceeded", name="EXAMPLES_A_DEFINITION", limit=limits.EXAMPLES_A_DEFINITION, count=len(examples)
            )
            continue
        for judge in judges:
            right: list[Run] = []
            for index, example in enumerate(examples):
                if not judge.judges(example):
                    continue
                if time.monotonic() > until:
                    proposed.refuse(path, way, "limit_exceeded", name="EXAMPLE_SECONDS", limit=limits.EXAMPLE_SECONDS, count=index)
                    return
                done = judge.run(path, (*way, "examples", index), example)
                if done is not None:
                    right.append(done)
            for database in databases:
                judge.run_again(path, right, database)


@dataclass(frozen=True, slots=True)
class Posed:
    """What is asked of an expression: itself, in its scope, and one row."""

    checked: Checked
    row: Row
    context: Context


@dataclass(frozen=True, slots=True)
class Run:
    """An example that came out right in Python: where it stands, what it says, what was asked.

    `posed`: of the figure of a roll-up, one for each record that its filter judged.
    """

    way: Way
    part: Mapping[str, Any]
    posed: tuple[Posed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """How the examples of one definition are run: what its expression is, and about which object."""

    proposed: Proposed
    definition: ObjectDef
    field: FieldDef | None = None
    source: str | None = None
    use: Use = Use.FORMULA
    words: tuple[str, str] | None = None  # what true and false are called
    verdicts: bool | None = None  # of a field with two judges: whether this one takes the examples that expect true or false
    automation: AutomationDef | None = None

    def judges(self, part: Mapping[str, Any]) -> bool:
        """Whether an example of the definition is about this expression."""
        return self.verdicts is None or isinstance(part["expect"], bool) is self.verdicts

    def settled(self, path: str) -> bool:
        """Whether the examples came out right when this was published, and nothing they rest on has changed since."""
        return self.source is not None and self.proposed.settled(path, self.source, field=self.field)

    def run(self, path: str, way: Way, part: Mapping[str, Any]) -> Run | None:
        """Run one example in Python and note a failure. Return it if it came out right and databases can be asked the same."""
        posed: tuple[Posed, ...] = ()
        try:
            example = self._example(part)
            posed = self._posed(example)
            got = self._got(example, posed)
        except _BadExampleError as bad:
            self.proposed.refuse(path, (*way, *bad.way), "bad_example", key=str(bad.way[-1]), reason=bad.code)
            return None
        except Refused:
            return None  # something it stands on has been reported
        except EvaluationError as error:
            got = f"#{error.category}"
        if not self._same(got, part["expect"]):
            self.proposed.refuse(path, way, "example_failed", name=_name(part, way), expected=_shown(part["expect"]), got=_shown(got))
            return None
        return Run(way, part, posed) if posed and posed[0].checked.sql and not posed[0].checked.record_change else None

    def comes_to(self, part: Mapping[str, Any]) -> Any:
        """Return what the expression comes to on an example, whatever that expects.

        Raises EvaluationError, and Refused for an example that cannot be run.
        """
        try:
            example = self._example({**part, "expect": None})
            return self._got(example, self._posed(example))
        except _BadExampleError as bad:
            raise Refused([Problem(code="bad_example", params={"key": str(bad.way[-1]), "reason": bad.code})]) from None

    def run_again(self, path: str, examples: Sequence[Run], database: Connection) -> None:
        """Run examples that came out right in Python on a database, in one statement, and note those that come out otherwise there."""
        rows = [row_values.Row(posed.row, posed.context) for run in examples for posed in run.posed]
        if not rows or len(rows) > MOST_ROWS or not row_values.can_hold(rows):
            return
        try:
            with database.begin_nested():
                found = iter(row_values.answers(examples[0].posed[0].checked, rows, database))
        except NotInSql:
            return
        for run in examples:
            answers = [next(found) for _ in run.posed]
            if self._is_figure:
                got = self._figure(
                    [posed.row for posed, answer in zip(run.posed, answers, strict=True) if answer.value and not answer.failed]
                )
            else:
                got = "#error" if answers[0].failed else self._worded(answers[0].value)
            if not self._same(got, run.part["expect"]):
                name, engine = _name(run.part, run.way), ENGINES[database.dialect.name]
                self.proposed.refuse(
                    path, run.way, "example_failed_on", name=name, engine=engine, expected=_shown(run.part["expect"]), got=_shown(got)
                )

    def _example(self, part: Mapping[str, Any]) -> Example:
        now = moment(part["now"]) if "now" in part else None
        today = day(part["today"]) if "today" in part else None
        if now is None:
            now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC) if today else SOME_DAY
        prior = self._row(self.definition, part["prior"], "prior") if "prior" in part else None
        row = self._row(self.definition, part.get("record", {}), "record")
        related = part.get("related", {})
        for name, other in related.items():
            if isinstance(other, Mapping) and not self._is_judged(name):
                row |= self._parent(name, other)
        context = Context(
            now=now,
            today=today or now.date(),
            zone=UTC_ZONE,
            globals=self._globals(part.get("user", {})),
            prior=prior,
            is_new=prior is None,
        )
        return Example(row, related, context, part["expect"])

    def _row(self, definition: ObjectDef, values: Mapping[str, Any], key: str, prefix: str = "") -> Row:
        row: Row = {}
        for name, value in values.items():
            found = steps_of(self.proposed.definitions, definition.name, name)
            if found is None and self.proposed.follows(definition.name, name):
                raise Refused([])  # the field is there, and has been refused
            if found is None or owners.QUEUE_OWNER in name.lower().split("."):  # which queue it is, the owner says
                raise _BadExampleError((key, name), "unknown_field")
            path = ".".join(step.name for step in found)
            row[prefix + path] = self._owner(value) if found[-1].type == "owner" else _typed(found[-1], value, (key, name))
        return row

    def _owner(self, value: Any) -> Any:
        """Return an owner as records hold it: of a queue, given as "queue:tier2", the id."""
        name = value.removeprefix(owners.PREFIX) if isinstance(value, str) and value.startswith(owners.PREFIX) else ""
        queue = self.proposed.definitions.find("queue", name)
        return owners.key(queue) if isinstance(queue, QueueDef) else value

    def _parent(self, name: str, values: Mapping[str, Any]) -> Row:
        through = self.proposed.scopes.of(self.definition.name, Use.FORMULA, None).through(self.definition, name)
        if through is None:
            raise _BadExampleError(("related", name), "unknown_relation")
        field, target = through
        return self._row(target, values, "related", f"{field.name}.") | ({field.name: "related"} if values else {})

    def _globals(self, user: Mapping[str, Any]) -> dict[str, object]:
        definitions = self.proposed.definitions
        language = user.get("language") or definitions.language
        found: dict[str, object] = setup_values(definitions, user.get("profile"), language, user.get("username"))
        for key, value in user.items():
            path = GLOBALS.get(f"$user.{key.lower()}")
            if path is not None:
                found[".".join(path[0])] = value
        found["$Profile.Name"], found["$UserRole.Name"] = user.get("profile"), user.get("role")
        return found | {f"$Permission.{name}": True for name in user.get("permissions", ())}

    @property
    def _is_figure(self) -> bool:
        """Whether it is about what a roll-up comes to."""
        return self.field is not None and self.field.type == "roll_up" and self.use is Use.FORMULA

    def _got(self, example: Example, posed: Sequence[Posed]) -> Any:
        """What comes of the definition in Python."""
        if self.automation is not None:
            return self._after(example)
        if self._is_figure:
            return self._figure([each.row for each in posed if _is_true(each)] if posed else self._children(example))
        return self._worded(to_python(posed[0].checked)(posed[0].row, posed[0].context))

    def _posed(self, example: Example) -> tuple[Posed, ...]:
        """What the example asks of an expression; nothing if it is about more than one, or about none."""
        field = self.field
        if self.automation is not None:
            return ()
        if field is not None and self._is_figure:
            child = self._child(field)[1]
            rows = self._children(example) if field.filter is not None else []
            return tuple(self._asked(child, field.filter or "", Use.ROLLUP_FILTER, row, example.context) for row in rows)
        if field is not None and self.use in (Use.LOOKUP_FILTER, Use.ROLLUP_FILTER):
            return (self._judged(field, example),)
        return (self._asked(self.definition, self.source or "", self.use, example.row, example.context),)

    def _judged(self, field: FieldDef, example: Example) -> Posed:
        """Ask a filter about the one record that the example gives under the name of the lookup, or of the roll-up's relation."""
        given = next((one for name, one in example.related.items() if self._is_judged(name) and isinstance(one, Mapping)), {})
        if field.type == "roll_up":
            _related, child = self._child(field)
            return self._asked(child, self.source or "", self.use, self._row(child, given, "related"), example.context)
        target = self.proposed.object(field.to)
        assert target is not None
        chosen = self._row(target, given, "related")
        edited = {**example.row, **({field.name: "related"} if given else {}), **{f"{field.name}.{key}": chosen[key] for key in chosen}}
        row = {f"$Record.{key}": value for key, value in edited.items()} | chosen
        return self._asked(target, self.source or "", self.use, row, example.context, self.definition.name)

    def _is_judged(self, name: str) -> bool:
        """Whether that is what an example of a filter calls the record that the filter judges."""
        if self.field is None or self.use not in (Use.LOOKUP_FILTER, Use.ROLLUP_FILTER):
            return False
        return name == self.field.name if self.use is Use.LOOKUP_FILTER else self._is(name, self._child(self.field)[0])

    def _child(self, field: FieldDef) -> tuple[tuple[str, str], ObjectDef]:
        """Return the relation of a roll-up and the object it leads to."""
        related = self.proposed.names.relation(self.definition.name, field.relation or "")
        child = self.proposed.object(related[0]) if related else None
        if related is None or child is None:
            raise _BadExampleError(("related",), "unknown_relation")
        return related, child

    def _worded(self, value: Any) -> Any:
        """The value as the author expects it: in the words of the kind, or as the field holds it."""
        if self.words is not None:
            return self.words[0] if value else self.words[1]
        return _stored(self.field, value) if self.field is not None and self.use in (Use.FORMULA, Use.DEFAULT) else value

    def _value(self, definition: ObjectDef, source: str, use: Use, row: Row, context: Context) -> Any:
        posed = self._asked(definition, source, use, row, context)
        return to_python(posed.checked)(posed.row, posed.context)

    def _asked(self, definition: ObjectDef, source: str, use: Use, row: Row, context: Context, record: str | None = None) -> Posed:
        blanks = Blanks(self.field.blanks) if use is Use.FORMULA and self.field is not None else None
        checked = check(source, self.proposed.scopes.of(definition.name, use, record), use, blanks=blanks)
        if use is not Use.FORMULA:
            for path in checked.reads:
                self._fill(definition, path, row, context)
        return Posed(checked, row, context)

    def _fill(self, definition: ObjectDef, path: tuple[str, ...], row: Row, context: Context) -> None:
        """Compute a stored formula of the record that the example does not give."""
        field = definition.field(path[0]) if len(path) == 1 else None
        if field is None or field.type != "formula" or field.name in row:
            return
        inner = check(
            field.formula or "", self.proposed.scopes.of(definition.name, Use.FORMULA, None), Use.FORMULA, blanks=Blanks(field.blanks)
        )
        for held, other in ((row, context), (context.prior, context)):
            if isinstance(held, dict) and field.name not in held:
                held[field.name] = _stored(field, to_python(inner)(held, other))

    def _children(self, example: Example) -> list[Row]:
        """Return the records that the example gives a roll-up to take its figure from."""
        assert self.field is not None
        related, child = self._child(self.field)
        given = next((rows for name, rows in example.related.items() if isinstance(rows, list) and self._is(name, related)), [])
        return [self._row(child, row, "related") for row in given]

    def _figure(self, kept: Sequence[Row]) -> Any:
        """Return what the roll-up makes of records that its filter has kept."""
        field = self.field
        assert field is not None
        values = [row[field.field] for row in kept if field.field is not None and row.get(field.field) is not None]
        match field.function:
            case "count":
                return len(kept)
            case "sum":
                return sum(values, Decimal(0))
            case "min":
                return min(values, default=None)
        return max(values, default=None)

    def _is(self, name: str, related: tuple[str, str]) -> bool:
        return self.proposed.names.relation(self.definition.name, name) == related

    def _after(self, example: Example) -> Any:
        """Return what an automation makes of the record: the fields it set, "refused", or None where it does not fire."""
        assert self.automation is not None
        criteria = self.automation.trigger.criteria
        row = dict(example.row)
        if criteria is not None and not self._value(self.definition, criteria, Use.AUTOMATION, row, example.context):
            return {}
        changed: Row = {}
        refused = self._steps(self.automation.steps, row, changed, example.context)
        return "refused" if refused else changed

    def _steps(self, steps: tuple[Step, ...], row: Row, changed: Row, context: Context) -> bool:
        for step in steps:
            match step:
                case AssignStep(set=given):
                    for name, one in given.items():
                        field = self.definition.field(name)
                        value = one.value
                        if one.formula is not None and field is not None:
                            value = _stored(field, self._value(self.definition, one.formula, Use.AUTOMATION, row, context))
                        row[name] = changed[name] = value
                case BranchStep(branches=branches):
                    for branch in branches:
                        if branch.when is None or self._value(self.definition, branch.when, Use.AUTOMATION, row, context):
                            if self._steps(branch.steps, row, changed, context):
                                return True
                            break
                case ErrorStep():
                    return True
        return False

    def _same(self, got: Any, expect: Any) -> bool:
        if isinstance(got, dict):
            if not isinstance(expect, Mapping) or set(got) != set(expect):
                return False
            return all(self._equal(self.definition.field(name), got[name], expect[name]) for name in got)
        return self._equal(self.field if self.use in (Use.FORMULA, Use.DEFAULT) else None, got, expect)

    def _equal(self, field: FieldDef | None, got: Any, expect: Any) -> bool:
        if field is not None:
            try:
                expect = _typed(replace(field, type=field.result_type), expect, ("expect",))
            except _BadExampleError:
                return False
        return bool(got == expect)


def _name(part: Mapping[str, Any], way: Way) -> str:
    """Return what an example is called; one without a name by its place, as people count."""
    return str(part.get("name") or int(way[-1]) + 1)


def _is_true(posed: Posed) -> bool:
    """Tell whether a filter keeps a record; one that fails keeps none."""
    try:
        return to_python(posed.checked)(posed.row, posed.context) is True
    except EvaluationError:
        return False


class _BadExampleError(Exception):
    def __init__(self, way: Way, code: str) -> None:
        super().__init__(code)
        self.way = way
        self.code = code


def _typed(field: FieldDef, value: Any, way: Way) -> Any:
    """Return a value of an example as typed value: as the API takes it, ids being any text, limits of the field left out."""
    if value is None or FIELD_TYPES[field.result_type].value_type is LOOKUP.value_type:
        return value
    free = replace(field, type=field.result_type, required=False, min=None, max=None, restricted=False, length=None, pattern=None)
    if field.result_type in ("number", "currency", "percent"):
        try:
            return Decimal(value)
        except (ArithmeticError, ValueError, TypeError):
            raise _BadExampleError(way, "not_a_number") from None
    try:
        return result(free).from_json(free, value)
    except BadValue as bad:
        raise _BadExampleError(way, bad.code) from None


def _stored(field: FieldDef, value: Any) -> Any:
    """Return a computed value as its field keeps it: a percent in points, rounded to the field's decimals."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return value
    number = Decimal(value)
    return rounded(number.scaleb(2, WIDE) if field.result_type == "percent" else number, field.scale or 0)


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _all(proposed: Proposed) -> Iterator[tuple[str, Way, list[Mapping[str, Any]], Sequence[Judge]]]:
    """Yield every definition with examples: path, where it stands, its examples, who judges them."""
    for path, definition, field in proposed.fields():
        examples = field.source.get("examples")
        if examples and isinstance(examples, list) and not _is_wrong(proposed, path, ("fields", field.name)):
            judges = [each for each in field_judges(proposed, definition, field) if not each.settled(path)]
            if judges:
                yield path, ("fields", field.name), examples, judges
    for path, document in proposed.sound.items():
        examples = document.get("examples")
        about = proposed.object(document.get("object"))
        if examples and about is not None and not _is_wrong(proposed, path, ()):
            judge = _document_judge(proposed, about, document)
            if judge is not None and not judge.settled(path):
                yield path, (), examples, (judge,)


def _is_wrong(proposed: Proposed, path: str, way: Way) -> bool:
    start = "".join(f"/{step}" for step in way)
    return any(document == path and pointer.startswith(start) for document, pointer in proposed.wrong)


def field_judges(proposed: Proposed, definition: ObjectDef, field: FieldDef) -> list[Judge]:
    """Return who judges the examples of a field: nobody where it has no expression, two where it has a filter and more."""
    filter_use = Use.ROLLUP_FILTER if field.type == "roll_up" else Use.LOOKUP_FILTER
    asked = {filter_use: field.filter, Use.DEFAULT: field.default_formula, Use.FORMULA: field.formula}
    judges = [
        Judge(proposed=proposed, definition=definition, field=field, source=source, use=use)
        for use, source in asked.items()
        if source is not None or (use is Use.FORMULA and field.type == "roll_up")
    ]
    return [replace(each, verdicts=each.use is filter_use) for each in judges] if len(judges) > 1 else judges


def _document_judge(proposed: Proposed, about: ObjectDef, document: Mapping[str, Any]) -> Judge | None:
    match document["kind"]:
        case "validation_rule":
            words = ("refused", "accepted")
            source = document["error_when"]
            return Judge(proposed=proposed, definition=about, source=source, use=Use.VALIDATION_RULE, words=words)
        case "list_view" if "filter" in document:
            return Judge(proposed=proposed, definition=about, source=document["filter"], use=Use.LIST_FILTER)
        case "approval_process" if "criteria" in document.get("entry", {}):
            return Judge(proposed=proposed, definition=about, source=document["entry"]["criteria"], use=Use.APPROVAL)
        case "automation":
            found = proposed.definitions.find("automation", document["api_name"], about.name)
            return Judge(proposed=proposed, definition=about, automation=found if isinstance(found, AutomationDef) else None)
    return None
