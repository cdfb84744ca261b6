"""What the expression editor asks the server: what to offer, what is wrong where, what comes out for a chosen record.

Here: the routes; answers are JSON, in the reader's language, through the very scope and checker that a publish uses.
Not here: what is offered (`expression_help`), trying (`expression_trials`), examples (`expression_examples`), the editor in the browser
(`static/js/expression.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone import rules
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.scope import steps_of
from fieldstone.rules.check import CONDITIONS
from fieldstone.web import expressions
from fieldstone.web.admission import admit, setup
from fieldstone.web.candidates import offered, telling
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.setup import bp, default_values, expression_examples, expression_fixes, expression_help, expression_trials
from fieldstone.web.setup.expression_editor import EXPECTED, Editor, result_words, type_words

SUGGESTIONS = 10
WRONG_TYPE = "expression_result_type"


@bp.get("/expressions/functions")
@admit(setup("customize", "manage_automation"))
def functions() -> ResponseReturnValue:
    """Every function that has a meaning where the editor stands."""
    return jsonify(functions=list(expression_help.functions(Editor.of_request())))


@bp.get("/expressions/complete")
@admit(setup("customize", "manage_automation"))
def complete() -> ResponseReturnValue:
    """What the editor offers at a place: names after the path so far, and at the start the words of the language."""
    path = request.args.get("path", "").strip(".")
    names = list(expression_help.names(Editor.of_request(), path))
    return jsonify(names=names, keywords=[] if path else expression_help.KEYWORDS)


@bp.get("/expressions/values")
@admit(setup("customize", "manage_automation"))
def values() -> ResponseReturnValue:
    """The texts that a field may be compared with."""
    return jsonify(values=expression_help.values(Editor.of_request(), request.args.get("path", "")))


@bp.post("/expressions/check")
@admit(setup("customize", "manage_automation"))
def check() -> ResponseReturnValue:
    """All that is to be said of what is being typed.

    Every problem; of what is right the type, for how many records a condition holds, and with `record` (of a lookup filter also
    `edited`, the record that has the lookup) what it comes to there; how `examples` come out. Nothing is written.
    Of a default without "=", its `value`, what was probably meant.
    """
    editor, given = Editor.of_request(), request.get_json(silent=True)
    given = given if isinstance(given, Mapping) else {}
    source = str(given.get("source", ""))
    if isinstance(given.get("value"), str):
        return jsonify(ok=False, problems=_told_of_value(editor, given["value"]))
    examples = given["examples"] if isinstance(given.get("examples"), list) else None
    if not source.strip():
        return jsonify(ok=False, problems=[], **expression_examples.without_filter(editor, examples))
    found = expression_fixes.problems(editor.problems, editor.scope, source)
    answer: dict[str, Any] = {"ok": all(each.warning for each in found), "problems": [_told(editor, source, each) for each in found]}
    if answer["ok"]:
        checked = editor.checked(source)
        answer |= {"type": type_words(checked.type), "kind": checked.type.value}
        answer["reads"] = expression_examples.reads(editor, checked, examples or ())
        if editor.record is not None and any(path[0] == "$Record" for path in checked.reads):
            answer["edited"] = _("%(object)s with the lookup", object=label(current.snapshot.objects[editor.record]))
        if editor.use in CONDITIONS and editor.record is None:
            answer["note"] = expressions.holds_for(editor.object, source)
        if examples is not None:
            answer["examples"] = expression_examples.run(editor, source, examples)
    place = editor
    if not answer["ok"] and editor.returns and all(each.warning or each.code == WRONG_TYPE for each in found):
        place = replace(editor, returns="")  # a result that its field does not take is still a result
    record = str(given.get("record") or "")
    if (record or editor.use is rules.Use.DEFAULT) and (answer["ok"] or place is not editor):
        answer["tried"] = expression_trials.tried(place, place.checked(source), record, str(given.get("edited") or ""))
    return jsonify(answer)


def _told_of_value(editor: Editor, text: str) -> list[dict[str, Any]]:
    problem = default_values.meant(editor, text.strip())
    if problem is None:
        return []
    told = {"text": word(problem), "start": 0, "end": len(text), "severity": "error"}
    return [told if problem.suggestion is None else told | {"fix": problem.suggestion}]


def _told(editor: Editor, source: str, problem: Problem) -> dict[str, Any]:
    told = expressions.told(editor.scope, source, problem)
    returns = _fitting(editor, source) if problem.code == WRONG_TYPE and editor.use is rules.Use.FORMULA else None
    return told | {"returns": returns, "returns_text": dict(result_words())[returns]} if returns else told


def _fitting(editor: Editor, source: str) -> str | None:
    """Return the type of field that takes the result of a formula: of a number currency, where it reads one."""
    try:
        checked = rules.check(source, editor.scope, editor.use, blanks=editor.blanks)
    except Refused:
        return None
    fields = [steps_of(current.snapshot, editor.object, ".".join(path)) for path in checked.names]
    money = any(found is not None and found[-1].result_type == "currency" for found in fields)
    fitting = [name for name, type_ in EXPECTED.items() if type_ is checked.type]
    return "currency" if money and "currency" in fitting else next(iter(fitting), None)


@bp.get("/expressions/records")
@admit(setup("customize", "manage_automation"))
def records_to_try() -> ResponseReturnValue:
    """Suggest records to try an expression on; with `of=edited` those that may have the lookup."""
    editor = Editor.of_request()
    definition = current.object((editor.record if request.args.get("of") == "edited" else editor.object) or "")
    text = request.args.get("q", "").strip()[:200]
    found = current.gate.suggest(definition.name, text, SUGGESTIONS + 1, tells=telling(definition))
    return jsonify(results=offered(found[:SUGGESTIONS], definition), more=len(found) > SUGGESTIONS)
