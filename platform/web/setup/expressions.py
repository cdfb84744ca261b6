"""What the expression editor asks the server: names and functions to offer, what is wrong where, the value for a chosen record.

Here: answers as JSON, in the reader's language, through the very scope and checker that a publish uses.
Not here: the language (`rules`), the editor (`static/js/expression.js`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone import rules
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types import value_type
from fieldstone.metadata.scope import ObjectScope, scope
from fieldstone.records.query import Query, Reference
from fieldstone.rules.check import CONDITIONS
from fieldstone.rules.functions.entry import Function
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.pages import fragment
from fieldstone.web.setup import bp
from fieldstone.web.shell import hue

SUGGESTIONS = 10
KEYWORDS = ("TRUE", "FALSE", "NULL")
EXPECTED = {  # what a field of that type takes
    "text": rules.ValueType.TEXT, "number": rules.ValueType.NUMBER, "currency": rules.ValueType.NUMBER, "percent": rules.ValueType.NUMBER,
    "checkbox": rules.ValueType.BOOLEAN, "date": rules.ValueType.DATE, "datetime": rules.ValueType.DATETIME,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """One place where an expression stands: of which object, for what, in which null mode; as the page told the editor."""

    object: str
    use: rules.Use
    blanks: rules.Blanks | None = None
    record: str | None = None  # in a lookup filter, the object that has the lookup
    expected: rules.ValueType | None = None

    @classmethod
    def of_request(cls) -> Editor:
        """Read it from the address. Raises NotVisible for a place that does not exist."""
        asked = request.args
        try:
            use = rules.Use(asked.get("use", "formula"))
            blanks = rules.Blanks(asked["blanks"]) if asked.get("blanks") else None
        except ValueError:
            raise NotVisible("use") from None
        name = current.snapshot.object(asked.get("object", "")).name
        record = current.snapshot.object(asked["record"]).name if asked.get("record") else None
        return cls(object=name, use=use, blanks=blanks, record=record, expected=EXPECTED.get(asked.get("returns", "")))

    @property
    def scope(self) -> ObjectScope:
        """What names mean there."""
        return scope(current.snapshot, self.object, self.use, record=self.record)

    def problems(self, source: str) -> tuple[Problem, ...]:
        """Return everything that is wrong with an expression there, with its place."""
        return rules.problems(source, self.scope, self.use, expected=self.expected, blanks=self.blanks)

    def checked(self, source: str) -> rules.Checked:
        """Return an expression, understood. Raises Refused."""
        return rules.check(source, self.scope, self.use, expected=self.expected, blanks=self.blanks)


@bp.get("/expressions/complete")
@admit(setup("customize", "manage_automation"))
def complete() -> ResponseReturnValue:
    """What the editor offers at a place: names after the path so far, and at the start every function."""
    editor = Editor.of_request()
    path = request.args.get("path", "").strip(".")
    if not path:
        functions = [_function(name, each) for name, entries in rules.FUNCTIONS.items() for each in entries[:1] if _offered(each, editor)]
        return jsonify(names=list(_names(editor)), functions=functions, keywords=KEYWORDS)
    return jsonify(names=list(_names_behind(editor, path)), functions=[], keywords=[])


def _offered(entry: Function, editor: Editor) -> bool:
    return entry.name[:1].isalpha() and (entry.only_in is None or editor.use.value in entry.only_in)


def _function(name: str, entry: Function) -> dict[str, str]:
    example = f"{entry.examples[0][0]} → {_shown(entry.examples[0][1])}" if entry.examples else ""
    return {"name": name, "signature": entry.signature, "doc": entry.doc, "example": example, "type": type_words(entry.returns)}


def _names(editor: Editor) -> Iterator[dict[str, Any]]:
    found = editor.scope
    for name, field in found.names():
        if field is None:
            yield {"name": name, "type": "", "label": _("Value of the person or the org"), "relation": False}
        else:
            yield _named(found, name, field, editor.object if not name.startswith("$Record.") else editor.record or "")


def _names_behind(editor: Editor, path: str) -> Iterator[dict[str, Any]]:
    found, definition = editor.scope, editor.scope.definition
    for step in path.removeprefix("$Record.").split("."):
        following = found.through(definition, step) if definition is not None else None
        if following is None:
            return
        definition = following[1]
    if definition is not None:
        for field in definition.all_fields:
            yield _named(found, field.name, field, definition.name)


def _named(found: ObjectScope, name: str, field: FieldDef, holder: str) -> dict[str, Any]:
    definition = found.scopes.object(holder)
    leads = definition is not None and found.through(definition, field.name) is not None
    return {"name": name, "type": type_words(value_type(field)), "label": label(field), "relation": leads}


@bp.post("/expressions/check")
@admit(setup("customize", "manage_automation"))
def check() -> ResponseReturnValue:
    """Every problem of what is being typed, the type of the result, and for a condition how many records it holds for."""
    editor, given = Editor.of_request(), request.get_json(silent=True)
    source = str(given.get("source", "")) if isinstance(given, Mapping) else ""
    if not source.strip():
        return jsonify(ok=False, problems=[])
    found = editor.problems(source)
    refused = any(not each.warning for each in found)
    answer: dict[str, Any] = {"ok": not refused, "problems": [_told(each) for each in found]}
    if not refused:
        answer["type"] = type_words(editor.checked(source).type)
        if editor.use in CONDITIONS and editor.record is None:
            answer["note"] = _holds_for(editor.object, source)
    return jsonify(answer)


def _told(problem: Problem) -> dict[str, Any]:
    span = problem.span
    return {
        "text": word(problem),
        "start": span.start if span is not None else 0,
        "end": span.end if span is not None else 0,
        "severity": "warning" if problem.warning else "error",
        **({"fix": problem.suggestion} if problem.suggestion else {}),
    }


def _holds_for(object_name: str, source: str) -> str:
    """Say for how many of the records that the person sees a condition holds; nothing where a list could not be filtered by it."""
    try:
        every, those = current.gate.count(Query(object=object_name)), current.gate.count(Query(object=object_name, filter=source))
    except (Refused, NotVisible):
        return ""
    more = "" if every.exact and those.exact else "+"
    some, every_one = formats.number(those.value, current.language), formats.number(every.value, current.language)
    return str(_("true for %(some)s of %(all)s records", some=some + more, all=every_one + more))


@bp.get("/expressions/records")
@admit(setup("customize", "manage_automation"))
def records_to_try() -> ResponseReturnValue:
    """Suggest records to try an expression on."""
    definition = current.object(request.args.get("object", ""))
    found = current.gate.suggest(definition.name, request.args.get("q", "").strip()[:200], SUGGESTIONS + 1)
    results = [
        {"id": each.id, "text": each.name or _("Unnamed"), "icon": definition.icon, "hue": hue(definition)} for each in found[:SUGGESTIONS]
    ]
    return jsonify(results=results, more=len(found) > SUGGESTIONS)


@bp.post("/expressions/try")
@admit(setup("customize", "manage_automation"))
def try_on_record() -> ResponseReturnValue:
    """The value of an expression for a chosen record, and the values it read, as a fragment of the editor's page."""
    editor = Editor.of_request()
    source, record_id = request.form.get(request.args.get("source", "source"), ""), request.form.get("try_record", "")
    tried: dict[str, Any] = {"problem": "", "value": None, "type": "", "reads": []}
    try:
        tried |= _tried(editor, source, record_id)
    except Refused as refused:
        tried["problem"] = "\n".join(word(each) for each in refused.problems)
    except NotVisible:
        tried["problem"] = _("Choose a record that you may see.")
    except rules.EvaluationError as error:
        tried["problem"] = _("It cannot be worked out for this record: %(why)s.", why=error.category.replace("_", " "))
    return fragment("setup/tried.html", "tried", tried=tried)


def _tried(editor: Editor, source: str, record_id: str) -> dict[str, Any]:
    checked = editor.checked(source)
    paths = sorted(".".join(path) for path in checked.reads)
    record = current.gate.get(editor.object, record_id, select=paths)
    row = {path: _plain(record.get(path)) for path in paths}
    gate = current.gate
    context = rules.Context(now=current.now, today=current.today, zone=current.zone, globals=gate.asking.globals, prior=row)
    value = rules.to_python(checked)(row, context)
    definition = current.snapshot.object(editor.object)
    reads = [(_path_words(definition, path), _shown(row[path])) for path in paths]
    return {"value": _shown(value), "type": type_words(checked.type), "reads": reads}


def _plain(value: Any) -> Any:
    return value.id if isinstance(value, Reference) else value


def _path_words(definition: ObjectDef, path: str) -> str:
    field = definition.field(path)
    return label(field) if field is not None else path


def _shown(value: Any) -> str:
    match value:
        case None:
            return str(_("blank"))
        case bool():
            return str(_("true") if value else _("false"))
        case Decimal() | int():
            return formats.number(Decimal(value), current.language)
        case datetime():
            return formats.datetime(value, current.language, current.zone)
        case date():
            return formats.date(value, current.language)
        case tuple() | frozenset():
            return ", ".join(sorted(str(each) for each in value))
    return str(value)


def type_words(type_: rules.ValueType) -> str:
    """Return what people call a type of value."""
    words: dict[str, str] = {
        "Number": _("Number"), "Text": _("Text"), "Picklist": _("Picklist value"), "Multipicklist": _("Several picklist values"),
        "Boolean": _("Yes or no"), "Date": _("Date"), "Datetime": _("Date and time"), "Time": _("Time"), "Id": _("Record"),
        "Null": _("Blank"),
    }  # fmt: skip
    return words.get(type_.value, type_.value)
