"""An expression tried on a record: what comes out, the value of each part, and the record as an example to keep; examples run.

Here: the answers as JSON, with the rights of the person who tries; nothing is written.
Not here: the value of a part (`rules/part_values.py`), how examples are judged (`metadata/checks/examples.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from fieldstone import limits, rules
from fieldstone.errors import NotVisible, Problem
from fieldstone.i18n import texts
from fieldstone.metadata import meta_schemas
from fieldstone.metadata.checks.examples import Judge
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.field_types import result, value_type
from fieldstone.metadata.scope import steps_of
from fieldstone.records.evaluation import fit
from fieldstone.records.query import Record, Reference
from fieldstone.rules.part_values import Part, part_values
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.setup.expression_editor import Editor, type_words, value_words
from fieldstone.web.shown import plain

RULE_WORDS = ("refused", "accepted")  # what an example of a validation rule expects
WITH_EXAMPLES = frozenset({rules.Use.FORMULA, rules.Use.VALIDATION_RULE, rules.Use.LIST_FILTER})

Answer = dict[str, Any]


def tried(editor: Editor, checked: rules.Checked, record_id: str) -> Answer:
    """Return what an expression comes to for a record: `result` or `problem`, `parts` with their places, `reads`, an `example`."""
    paths = sorted(".".join(path) for path in checked.reads)
    name_field = current.snapshot.objects[editor.object].name_field
    hidden = [_path_words(editor, path) for path in paths if not editor.may_read(path)]
    if hidden:
        said = _("You may not read %(fields)s, so it cannot be tried.", fields=", ".join(hidden))
        return {"problem": said, "parts": [], "reads": []}
    try:
        record = current.gate.get(editor.object, record_id, select=["id", name_field, *paths])
    except NotVisible:
        return {"problem": _("Choose a record that you may see."), "parts": [], "reads": []}
    row = {path: _bare(record.get(path)) for path in paths}
    names = {each.id: each.name for each in record.values() if isinstance(each, Reference) and each.id and each.name}
    gate = current.gate
    context = rules.Context(now=current.now, today=current.today, zone=current.zone, globals=gate.asking.globals, prior=row)
    parts = part_values(checked, row, context)
    answer: Answer = {
        "parts": [_part(each, names) for each in parts],
        "reads": [{"path": path, "label": _path_words(editor, path), "value": _read(editor, path, record)} for path in paths],
    }
    try:
        value = rules.to_python(checked)(row, context)
    except rules.EvaluationError as error:
        return {**answer, "problem": texts.text(f"evaluation.{error.category}", current.language)}
    answer |= {"result": _result(editor, checked, value, names), "type": type_words(checked.type)}
    if editor.use in WITH_EXAMPLES:
        answer["example"] = _example(editor, checked, str(record.get(name_field) or "")[:200], row, value)
    return answer


def reads(editor: Editor, checked: rules.Checked) -> list[Answer]:
    """Return the fields that an expression reads, with what an example needs to know of each."""
    found = {path: steps_of(current.snapshot, editor.object, path) for path in sorted(".".join(path) for path in checked.reads)}
    return [
        {"path": path, "label": _path_words(editor, path), "kind": value_type(steps[-1]).value} for path, steps in found.items() if steps
    ]


def _bare(value: Any) -> Any:
    return value.id if isinstance(value, Reference) else value


def _path_words(editor: Editor, path: str) -> str:
    found = steps_of(current.snapshot, editor.object, path)
    return " · ".join(label(each) for each in found) if found else path


def _read(editor: Editor, path: str, record: Record) -> str:
    """Return a value of the record as its own page shows it."""
    found = steps_of(current.snapshot, editor.object, path)
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
    if editor.use is rules.Use.VALIDATION_RULE:
        return str(_("true: the save is refused") if value else _("false: the save is accepted"))
    field = editor.field
    if field is None or value is None:
        return value_words(value, checked.type, names)
    try:
        return plain(field, fit(field, value)) or str(_("blank"))
    except ValueError:
        return str(_("too many digits for the field"))


# --- examples --------------------------------------------------------------------------------------------------------


def _example(editor: Editor, checked: rules.Checked, name: str, row: Mapping[str, Any], value: Any) -> Answer:
    """Return the record as an example that is called as the record: what the expression read, and what came out."""
    values = {path: _as_json(editor, path, row[path]) for path in row}
    example: Answer = {"name": name, "record": values} if name else {"record": values}
    if checked.record_change:
        example["prior"] = dict(values)
    if checked.uses_now:
        example |= {"today": current.today.isoformat(), "now": current.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    user = _user(checked)
    if user:
        example["user"] = user
    return example | {"expect": _expected(editor, value)}


def _as_json(editor: Editor, path: str, value: Any) -> Any:
    found = steps_of(current.snapshot, editor.object, path)
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
    return {key: value for key, value in found.items() if value is not None}


def _expected(editor: Editor, value: Any) -> Any:
    if editor.use is rules.Use.VALIDATION_RULE:
        return RULE_WORDS[0] if value else RULE_WORDS[1]
    field = editor.field
    return _plain_json(fit(field, value) if field is not None and value is not None else value)


def run(editor: Editor, source: str, examples: Sequence[Any]) -> list[Answer]:
    """Return for each example whether it comes out as it says, and if not, why."""
    return list(_outcomes(editor, source, examples[: limits.EXAMPLES_A_DEFINITION])) if editor.use in WITH_EXAMPLES else []


def _outcomes(editor: Editor, source: str, examples: Sequence[Any]) -> Iterator[Answer]:
    malformed = {each.pointer.split("/")[2]: each for each in _problems_of_shape(examples) if each.pointer}
    in_force = current.snapshot
    proposed = Proposed(documents=in_force.parsed, sound=in_force.parsed, language=current.language, current=in_force)
    words = RULE_WORDS if editor.use is rules.Use.VALIDATION_RULE else None
    definition = in_force.objects[editor.object]
    judge = Judge(proposed=proposed, definition=definition, field=editor.field, source=source, use=editor.use, words=words)
    for index, example in enumerate(examples):
        if str(index) in malformed:
            yield {"ok": False, "text": word(malformed[str(index)])}
            continue
        before = len(proposed.problems)
        judge.run("", ("examples", index), example)
        found = proposed.problems[before:]
        yield {"ok": not found, "text": " ".join(_failure(each) for each in found)}


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


def _problems_of_shape(examples: Sequence[Any]) -> list[Any]:
    """Return what the meta-schema says against examples, by way of a rule that has them."""
    texts_of = dict.fromkeys(("object", "api_name", "label", "error_when", "message"), "x")
    rule = {"kind": "validation_rule", **texts_of, "examples": list(examples)}
    return [each for each in meta_schemas.problems(rule, "validation_rule") if (each.pointer or "").startswith("/examples/")]
