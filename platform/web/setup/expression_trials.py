"""An expression tried on a record: what comes out, the value of each part, and the record as an example to keep; examples run.

Here: the answers as JSON, with the rights of the person who tries; nothing is written.
Not here: the value of a part (`rules/part_values.py`), how examples are judged (`metadata/checks/examples.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from fieldstone import limits, rules
from fieldstone.db.engine import is_postgresql
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.i18n import texts
from fieldstone.metadata import meta_schemas, owners
from fieldstone.metadata.checks.examples import Judge, field_judges
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.field_types import result, value_type
from fieldstone.records.draft import draft
from fieldstone.records.evaluation import fit
from fieldstone.records.query import Record, Reference
from fieldstone.rules.part_values import Part, part_values
from fieldstone.rules.row_values import memory
from fieldstone.rules.tree import Call, Node, children
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.setup.expression_editor import Editor, type_words, value_words
from fieldstone.web.shown import plain

ACTIVE = "active"  # of a person
RULE_WORDS = ("refused", "accepted")  # what an example of a validation rule expects
WITH_EXAMPLES = frozenset(
    {
        *(rules.Use.FORMULA, rules.Use.DEFAULT, rules.Use.LOOKUP_FILTER, rules.Use.ROLLUP_FILTER),
        *(rules.Use.VALIDATION_RULE, rules.Use.LIST_FILTER),
    }
)

Answer = dict[str, Any]


def tried(editor: Editor, checked: rules.Checked, record_id: str, edited_id: str = "") -> Answer:
    """Return what an expression comes to for a record: `result`, or `problem` and what `then` becomes of it; `parts` with their places,
    `reads`, an `example`.

    `edited_id`: of a lookup filter the record that has the lookup, where the filter reads it. A default is also tried on no record: `of`
    says so, and the values are those of a new one before anything is typed.
    """
    paths = sorted(".".join(path) for path in checked.reads)
    only_active = editor.use is rules.Use.LOOKUP_FILTER and editor.active_only and editor.object == "user"
    if only_active and ACTIVE not in paths:
        paths.append(ACTIVE)
    hidden = [_path_words(editor, path) for path in paths if not editor.may_read(path)]
    if hidden:
        return _not_tried(_("You may not read %(fields)s, so it cannot be tried.", fields=", ".join(hidden)))
    name_field = current.snapshot.objects[editor.object].name_field
    try:
        record = _record(editor, record_id, [name_field, *paths], edited_id)
    except NotVisible:
        return _not_tried(_("Choose a record that you may see."))
    if record is None:
        return _not_tried(_("Choose the record that has the lookup, too."))
    row = {path: _bare(record.get(path)) for path in paths}
    names = {each.id: each.name for each in record.values() if isinstance(each, Reference) and each.id and each.name}
    gate = current.gate
    context = rules.Context(now=current.now, today=current.today, zone=current.zone, globals=gate.asking.globals, prior=row)
    parts = part_values(checked, row, context)
    answer: Answer = {
        "parts": [_part(each, names) for each in parts],
        "reads": [{"path": path, "label": _path_words(editor, path), "value": _read(editor, path, record)} for path in paths],
    }
    if not record_id:
        answer["of"] = _("Of a new record, before anything is typed.")
    try:
        value = rules.to_python(checked)(row, context)
    except rules.EvaluationError as error:
        return {**answer, "problem": texts.text(f"evaluation.{error.category}", current.language), "then": _after_error(editor)}
    left_out = only_active and row[ACTIVE] is False
    answer |= {"result": _result(editor, checked, False if left_out else value, names), "type": type_words(checked.type)}
    if left_out:
        answer["then"] = _("Only active people may be chosen.")
    if editor.use in WITH_EXAMPLES:
        read = {path: row[path] for path in paths if path != ACTIVE or (ACTIVE,) in checked.reads}
        answer |= _as_example(editor, checked, str(record.get(name_field) or "")[:200], read, value)
    return answer


def _not_tried(why: str) -> Answer:
    return {"problem": why, "parts": [], "reads": []}


def _record(editor: Editor, record_id: str, paths: Sequence[str], edited_id: str) -> Record | None:
    """Return what the paths lead to; None if the record that has the lookup is read and not chosen. Raises NotVisible."""
    own = [path for path in paths if not path.startswith("$")]
    found = current.gate.get(editor.object, record_id, select=["id", *own]) if record_id else _new_record(editor, own)
    asked = {path: rest for path in paths for start, rest in [editor.start_of(path)] if start is not None and path.startswith("$")}
    if not asked:
        return found
    if not edited_id or editor.record is None:
        return None
    edited = current.gate.get(editor.record, edited_id, select=[*asked.values()])
    return found | {path: edited.get(rest) for path, rest in asked.items()}


def _new_record(editor: Editor, paths: Sequence[str]) -> Record:
    """Return what the paths lead to from a new record, whose other defaults are those of now."""
    values = draft(current.gate, editor.object, None, {}, "json").values
    found = {path: values.get(path) for path in paths}
    for link in {path.partition(".")[0] for path in paths if "." in path}:
        through = values.get(link)
        if isinstance(through, Reference) and through.id is not None and through.object in current.snapshot.objects:
            behind = [path.partition(".")[2] for path in paths if path.partition(".")[0] == link]
            parent = current.gate.get(str(through.object), through.id, select=behind)
            found |= {f"{link}.{name}": parent.get(name) for name in behind}
    return found


def reads(editor: Editor, checked: rules.Checked) -> list[Answer]:
    """Return the fields that an expression reads, with what an example needs to know of each; of a roll-up the field of its figure, too."""
    read = sorted(".".join(path) for path in checked.reads)
    summed = [editor.summed] if editor.use is rules.Use.ROLLUP_FILTER and editor.function != "count" and editor.summed not in read else []
    found = []
    for path in (*read, *summed):
        place, called = editor.in_example(path)
        steps = editor.steps(path)
        if steps:
            told = {"in": place, "path": called, "label": _path_words(editor, path), "kind": value_type(steps[-1]).value}
            found.append(told | ({} if path in read else {"figure": True}))
    return found


def _bare(value: Any) -> Any:
    return value.id if isinstance(value, Reference) else value


def _path_words(editor: Editor, path: str) -> str:
    found = editor.steps(path)
    if not found:
        return path
    of_edited = [current.snapshot.objects[editor.record]] if editor.record is not None and path.startswith("$") else []
    return " · ".join(label(each) for each in (*of_edited, *found))


def _read(editor: Editor, path: str, record: Record) -> str:
    """Return a value of the record as its own page shows it."""
    found = editor.steps(path)
    value = record.get(path)
    return (plain(found[-1], value) if found and value is not None else "") or str(_("blank"))


def _part(part: Part, names: Mapping[str, str]) -> Answer:
    told: Answer = {"start": part.place[0], "end": part.place[1], "type": type_words(part.type)}
    if not part.evaluated:
        return told | {"skipped": True, "value": _("not evaluated")}
    if part.error is not None:
        arose = "here" if part.failed == part.place else "inside"
        return told | {"value": texts.text(f"evaluation.{part.error}", current.language), "error": arose}
    return told | {"value": value_words(part.value, part.type, names)}


def _result(editor: Editor, checked: rules.Checked, value: Any, names: Mapping[str, str]) -> str:
    """Return the result as the place that takes it shows it."""
    match editor.use:
        case rules.Use.VALIDATION_RULE:
            return str(_("true: the save is refused") if value else _("false: the save is accepted"))
        case rules.Use.LOOKUP_FILTER:
            return str(_("true: the record may be chosen") if value else _("false: the record may not be chosen"))
        case rules.Use.ROLLUP_FILTER:
            return str(_("true: the record is counted") if value else _("false: the record is not counted"))
    field = editor.field
    if field is None or value is None or field.type in LOOKUPS:
        return value_words(value, checked.type, names)
    try:
        return plain(field, fit(field, value)) or str(_("blank"))
    except ValueError:
        return str(_("too many digits for the field"))


def _after_error(editor: Editor) -> str:
    """Return what an error makes of the place, in words."""
    words: dict[rules.Use, str] = {
        rules.Use.VALIDATION_RULE: _("The save is refused."), rules.Use.DEFAULT: _("The field is left blank."),
        rules.Use.LOOKUP_FILTER: _("The record may not be chosen."), rules.Use.ROLLUP_FILTER: _("The record is not counted."),
        rules.Use.LIST_FILTER: _("The record is left out."), rules.Use.SHARING: _("The record is not shared."),
    }  # fmt: skip
    return str(words.get(editor.use, ""))


# --- examples --------------------------------------------------------------------------------------------------------


def _as_example(editor: Editor, checked: rules.Checked, name: str, row: Mapping[str, Any], value: Any) -> Answer:
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
    if editor.use not in WITH_EXAMPLES:
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
