"""Examples of expressions in Setup: a record that was tried as an example to keep, and examples run as at a publish.

Here: the answers as JSON, to people who may read all that is in them. Not here: how examples are judged (`metadata/checks/examples.py`),
what else comes out for a record (`expression_trials`).
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from fieldstone import limits, rules
from fieldstone.db.engine import is_postgresql
from fieldstone.errors import Problem, Refused
from fieldstone.i18n import texts
from fieldstone.metadata import meta_schemas, owners
from fieldstone.metadata.checks.examples import Judge, field_judges
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.field_types import result, value_type
from fieldstone.records.evaluation import fit
from fieldstone.rules.row_values import memory
from fieldstone.rules.tree import Call, Node, children
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.setup import expression_help
from fieldstone.web.setup.expression_editor import Editor

RULE_WORDS = ("refused", "accepted")  # what an example of a validation rule expects
OFFERED = frozenset(  # where the editor has a list of them
    {
        *(rules.Use.FORMULA, rules.Use.DEFAULT, rules.Use.LOOKUP_FILTER, rules.Use.ROLLUP_FILTER),
        *(rules.Use.VALIDATION_RULE, rules.Use.LIST_FILTER, rules.Use.APPROVAL),
    }
)
Answer = dict[str, Any]


def reads(editor: Editor, checked: rules.Checked, examples: Sequence[Any] = ()) -> list[Answer]:
    """Return the fields that an expression reads, with what an example needs to know of each.

    Besides, marked as such: of a roll-up the field of its `figure`, and what only some of the `examples` have `given` of their record.
    """
    return _reads(editor, sorted(".".join(path) for path in checked.reads), examples)


def without_filter(editor: Editor, examples: Sequence[Any] | None) -> Answer:
    """Return what is to be said of the examples of a roll-up that takes all records: all are of its figure."""
    if editor.use is not rules.Use.ROLLUP_FILTER or examples is None:
        return {}
    return {"kind": rules.ValueType.BOOLEAN.value, "reads": _reads(editor, [], examples), "examples": run(editor, "", examples)}


def _reads(editor: Editor, read: Sequence[str], examples: Sequence[Any]) -> list[Answer]:
    summed = [editor.summed] if editor.use is rules.Use.ROLLUP_FILTER and editor.function != "count" and editor.summed not in read else []
    found: list[Answer] = []
    for path in (*read, *summed):
        place, called = editor.in_example(path)
        steps = editor.steps(path)
        if steps:
            told: Answer = {"in": place, "path": called, "label": editor.path_words(path), "kind": value_type(steps[-1]).value}
            if offered := expression_help.values(editor, path):
                told["values"] = offered
            found.append(told | ({} if path in read else {"figure": True}))
    return found + _given(editor, examples, {each["path"] for each in found if each["in"] == ("record",)})


def _given(editor: Editor, examples: Sequence[Any], known: Container[str]) -> list[Answer]:
    records = [each["record"] for each in examples if isinstance(each, Mapping) and isinstance(each.get("record"), Mapping)]
    start = "$Record." if editor.use is rules.Use.LOOKUP_FILTER else ""
    found = []
    for called in dict.fromkeys(name for record in records for name in record if name not in known):
        steps = editor.steps(f"{start}{called}")
        if steps and editor.may_read(f"{start}{called}"):
            told = {"in": ("record",), "path": called, "label": editor.path_words(f"{start}{called}")}
            found.append(told | {"kind": value_type(steps[-1]).value, "given": True})
    return found


def made(editor: Editor, checked: rules.Checked, name: str, row: Mapping[str, Any], value: Any) -> Answer:
    """Return the record as an `example` that holds whenever it is run, and `differs`, what it says if that is not what came out here.

    Examples run by the clock of UTC, the reader's may show another day; nothing is returned of what holds nowhere else.
    """
    example = _example(editor, checked, name, row)
    (judge,) = (each for each in _judges(editor, checked.source, _proposed()) if each.use is editor.use)
    try:
        here, example["expect"] = _expected(editor, value), _plain_json(judge.comes_to(example))
    except (ValueError, rules.EvaluationError, Refused):  # more digits than the field holds, or nothing that an example can say
        return {}
    if not run(editor, checked.source, [example])[0]["ok"]:
        return {}
    if example["expect"] == here:
        return {"example": example}
    there = _outcome(json.dumps(example["expect"]).strip('"'))
    return {"example": example, "differs": _("As an example it comes to %(value)s: examples run by the clock of UTC.", value=there)}


def _example(editor: Editor, checked: rules.Checked, name: str, row: Mapping[str, Any]) -> Answer:
    """Return the record as an example that is called as the record: what the expression read and asked for."""
    example: Answer = {"name": name, "record": {}} if name else {"record": {}}
    for path in row:
        (key, *more), called = editor.in_example(path)
        values = example.setdefault(key, {})
        for each in more:
            values = values.setdefault(each, {})
        values[called] = _as_json(editor, path, row[path])
    if checked.record_change:
        example["prior"] = dict(example["record"])
    clocks = _clocks(checked.node)
    if rules.ValueType.DATE in clocks:
        example["today"] = current.today.isoformat()
    if clocks - {rules.ValueType.DATE}:
        example["now"] = current.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    user = _user(checked)
    if user:
        example["user"] = user
    return example


def _clocks(node: Node) -> set[rules.ValueType]:
    """Return what an expression asks the clock for: the day, the moment or the time of day."""
    found: set[rules.ValueType] = set()
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, Call) and each.function.clock:
            found.add(each.type)
        todo.extend(children(each))
    return found


def _as_json(editor: Editor, path: str, value: Any) -> Any:
    found = editor.steps(path)
    if found and found[-1].type == "owner" and value is not None:
        return owners.spelt(value, [each for each in current.snapshot.all("queue") if isinstance(each, QueueDef)])
    return _plain_json(result(found[-1]).to_json(found[-1], value) if found and value is not None else value)


def _plain_json(value: Any) -> Any:
    """Return a value as JSON holds it: exact decimals as texts."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case tuple() | list() | frozenset():
            return [str(each) for each in value]
    return value


def _user(checked: rules.Checked) -> Answer:
    """Return what the expression asks about the person: those values, and no others."""
    found: Answer = {}
    if not checked.user_dependent:
        return found
    values = current.gate.asking.globals
    source = checked.source.lower()
    for name, value in values.items():
        head, _dot, rest = name.partition(".")
        if name.lower() not in source:
            continue
        if head == "$User":
            found[rest.lower()] = value
        elif name in ("$Profile.Name", "$UserRole.Name"):
            found["profile" if head == "$Profile" else "role"] = value
        elif head == "$Permission" and value:
            found.setdefault("permissions", []).append(rest)
        elif head == "$Setup":
            found |= {"username": values["$User.Username"], "profile": values["$Profile.Name"]}
        elif head == "$Label":
            found["language"] = values["$User.Language"]
    return {key: value for key, value in found.items() if value is not None}


def _expected(editor: Editor, value: Any) -> Any:
    if editor.use is rules.Use.VALIDATION_RULE:
        return RULE_WORDS[0] if value else RULE_WORDS[1]
    field = editor.field
    return _plain_json(fit(field, value) if field is not None and value is not None and field.type != "multi_picklist" else value)


def run(editor: Editor, source: str, examples: Sequence[Any]) -> list[Answer]:
    """Return for each example whether it comes out as it says, and if not, why; asked as at a publish, in Python and on databases."""
    if editor.use not in OFFERED:
        return []
    examples = examples[: limits.EXAMPLES_A_DEFINITION]
    failures = {index: [word(each)] for index, each in _problems_of_shape(examples)}
    for each in _problems_of_runs(editor, source, {index: one for index, one in enumerate(examples) if index not in failures}):
        failures.setdefault(_index(each), []).append(_failure(each))
    return [{"ok": index not in failures, "text": " ".join(failures.get(index, ()))} for index in range(len(examples))]


def _problems_of_runs(editor: Editor, source: str, examples: Mapping[int, Any]) -> list[Problem]:
    proposed = _proposed()
    connection = current.transaction.connection
    with memory() as sqlite:
        for judge in _judges(editor, source, proposed):
            runs = [judge.run("", ("examples", index), each) for index, each in examples.items() if judge.judges(each)]
            right = [each for each in runs if each is not None]
            for database in (sqlite, *([connection] if is_postgresql(connection) else ())):
                judge.run_again("", right, database)
    return proposed.problems


def _proposed() -> Proposed:
    """Return the definitions in force as a publish sees what is proposed."""
    in_force = current.snapshot
    return Proposed(documents=in_force.parsed, sound=in_force.parsed, language=current.language, current=in_force)


def _judges(editor: Editor, source: str, proposed: Proposed) -> Sequence[Judge]:
    definition, field = current.snapshot.objects[editor.owner], editor.judged(source)
    if field is not None:
        return field_judges(proposed, definition, field)
    words = RULE_WORDS if editor.use is rules.Use.VALIDATION_RULE else None
    return [Judge(proposed=proposed, definition=definition, source=source, use=editor.use, words=words)]


def _failure(problem: Problem) -> str:
    """Return why an example fails, in the words of the editor for blanks and errors."""
    if problem.code != "example_failed":
        return word(problem)
    return str(_("Comes to %(got)s.", got=_outcome(str(problem.params["got"]))))


def _outcome(shown: str) -> str:
    if shown.startswith("#"):
        return texts.text(f"evaluation.{shown[1:]}", current.language).rstrip("。.")
    words: dict[str, str] = {"null": _("blank"), "true": _("true"), "false": _("false"), "refused": _("refused"), "accepted": _("accepted")}
    return words.get(shown, shown)


def _problems_of_shape(examples: Sequence[Any]) -> Iterator[tuple[int, Problem]]:
    """Yield what the meta-schema says against examples, each with its place among them, by way of a rule that has them."""
    texts_of = dict.fromkeys(("object", "api_name", "label", "error_when", "message"), "x")
    rule = {"kind": "validation_rule", **texts_of, "examples": list(examples)}
    for each in meta_schemas.problems(rule, "validation_rule"):
        if (each.pointer or "").startswith("/examples/"):
            yield _index(each), each


def _index(problem: Problem) -> int:
    return int((problem.pointer or "").split("/")[2])
