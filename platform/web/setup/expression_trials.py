"""An expression tried on a record: what comes out, and the value of each part.

Here: the answers as JSON, with the rights of the person who tries; nothing is written.
Not here: the value of a part (`rules/part_values.py`), the record as an example to keep (`expression_examples`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

from flask_babel import gettext as _

from fieldstone import rules
from fieldstone.errors import NotVisible
from fieldstone.i18n import texts
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.records.draft import draft
from fieldstone.records.evaluation import fit
from fieldstone.records.query import Record, Reference
from fieldstone.rules.part_values import Part, part_values
from fieldstone.web.current import current
from fieldstone.web.setup import expression_examples
from fieldstone.web.setup.expression_editor import Editor, type_words, value_words
from fieldstone.web.shown import name_columns, plain

ACTIVE = "active"  # of a person
LINK = re.compile(r'<a href="([^"<>]*)"[^<>]*>([^<>]*)</a>')
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
    hidden = [editor.path_words(path) for path in paths if not editor.may_read(path)]
    if hidden:
        return _not_tried(_("You may not read %(fields)s, so it cannot be tried.", fields=", ".join(hidden)))
    definition = current.snapshot.objects[editor.object]
    try:
        record = _record(editor, record_id, [*name_columns(definition), *paths], edited_id)
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
        "reads": [{"path": path, "label": editor.path_words(path), "value": _read(editor, path, record)} for path in paths],
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
    if editor.use in expression_examples.OFFERED:
        read = {path: row[path] for path in paths if path != ACTIVE or (ACTIVE,) in checked.reads}
        answer |= expression_examples.made(editor, checked, str(record.get(definition.name_field) or "")[:200], read, value)
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


def _bare(value: Any) -> Any:
    return value.id if isinstance(value, Reference) else value


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
        case rules.Use.LIST_FILTER:
            return str(_("true: the record is in the list") if value else _("false: the record is left out"))
    field = editor.field
    if field is None or value is None or field.type in LOOKUPS:
        return value_words(value, checked.type, names)
    try:
        shown = plain(field, fit(field, value))
        return (LINK.sub(_link, shown) if checked.markup else shown) or str(_("blank"))
    except ValueError:
        return str(_("too many digits for the field"))


def _link(made: re.Match[str]) -> str:
    """Return a link that HYPERLINK made as what is shown and where it leads."""
    return unescape(f"{made[2]} ({made[1]})" if made[2] else made[1])


def _after_error(editor: Editor) -> str:
    """Return what an error makes of the place, in words."""
    words: dict[rules.Use, str] = {
        rules.Use.VALIDATION_RULE: _("The save is refused."), rules.Use.DEFAULT: _("The field is left blank."),
        rules.Use.LOOKUP_FILTER: _("The record may not be chosen."), rules.Use.ROLLUP_FILTER: _("The record is not counted."),
        rules.Use.LIST_FILTER: _("The record is left out."), rules.Use.SHARING: _("The record is not shared."),
    }  # fmt: skip
    return str(words.get(editor.use, ""))
