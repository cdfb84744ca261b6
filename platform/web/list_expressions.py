"""The filter of a list by an expression: what its editor is offered and told, for everybody who sees the list.

Here: the routes of the editor, and what is wrong with the expression in a list's address; all through the reader's own scope, so that
what they may not read is neither offered nor told. Not here: the query (`lists`), expressions of the configuration (`setup/expressions`),
the editor in the browser (`static/js/expression.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from fieldstone import rules
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.scope import GLOBALS, ObjectScope, Scopes
from fieldstone.records.gate.conditions import USE, ReadersScope, compiled
from fieldstone.web import expressions
from fieldstone.web.admission import SIGNED_IN, admit
from fieldstone.web.current import current
from fieldstone.web.setup import expression_fixes, expression_help
from fieldstone.web.setup.expression_editor import Editor

bp = Blueprint("list_expressions", __name__)


class Names(ObjectScope):
    """The names a reader may use in a filter; what they typed is found by its label as well, among the fields that they may read."""

    def __init__(self, definition: ObjectDef) -> None:
        readable = current.rights.readable(definition.name)
        fields = {name: field for name, field in definition.fields.items() if name in readable}
        system = {name: field for name, field in definition.system_fields.items() if name in readable}
        super().__init__(current.snapshot.once(Scopes), replace(definition, fields=fields, system_fields=system), None, USE)
        self._readers = ReadersScope(current.gate.asking, definition)

    def resolve(self, name: str) -> rules.Resolved | None:
        """Return what `name` stands for, None if the reader may not read it or there is no such thing."""
        return self._readers.resolve(name)

    def lacking(self, name: str) -> tuple[str, str]:
        """Return what of `name` the reader does not find, and the object where they do not."""
        return self._readers.lacking(name)

    def nearest(self, name: str) -> str | None:
        """Return the readable name most like `name`, or that of the field which is called so."""
        return self._readers.nearest(name) if "." in name or name.startswith("$") else super().nearest(name)

    def filters(self, name: str) -> bool:
        """Tell whether a name may stand in a filter of this reader; a setting or permission of the org is not offered to everybody."""
        if name.startswith("$"):
            return name.lower() in GLOBALS
        found = self.resolve(name)
        return found is not None and (found.formula is None or found.formula.sql)


def problems(definition: ObjectDef, source: str) -> tuple[Problem, ...]:
    """Return everything that is wrong with a filter of the reader, in the order of the text; warnings last."""
    names = Names(definition)
    found = tuple(expression_fixes.problems(lambda text: rules.problems(text, names, USE), names, source))
    if all(each.warning for each in found):
        try:
            compiled(current.gate.asking, definition, source)
        except Refused as refused:
            return (*refused.problems, *found)
    return found


@bp.get("/o/<object_name>/expressions/functions")
@admit(SIGNED_IN)
def functions(object_name: str) -> ResponseReturnValue:
    """Every function that a filter may call."""
    return jsonify(functions=list(expression_help.functions(_editor(object_name))))


@bp.get("/o/<object_name>/expressions/complete")
@admit(SIGNED_IN)
def complete(object_name: str) -> ResponseReturnValue:
    """The names after the path so far that the reader may filter by, and at the start the words of the language."""
    editor, path = _editor(object_name), request.args.get("path", "").strip(".")
    scope, before = Names(current.object(object_name)), f"{path}." if path else ""
    names = [
        each for each in expression_help.names(editor, path)
        if scope.filters(before + each["name"]) or (each["relation"] and scope.filters(f"{before}{each['name']}.id"))
    ]  # fmt: skip
    return jsonify(names=names, keywords=[] if path else expression_help.KEYWORDS)


@bp.get("/o/<object_name>/expressions/values")
@admit(SIGNED_IN)
def values(object_name: str) -> ResponseReturnValue:
    """The texts that a field may be compared with."""
    editor, path = _editor(object_name), request.args.get("path", "")
    readable = Names(current.object(object_name)).resolve(path) is not None
    return jsonify(values=expression_help.values(editor, path) if readable else [])


@bp.post("/o/<object_name>/expressions/check")
@admit(SIGNED_IN)
def check(object_name: str) -> ResponseReturnValue:
    """Every problem of what is being typed, each at its place; of what is right, for how many of the reader's records it holds."""
    definition, given = current.object(object_name), request.get_json(silent=True)
    source = str(given.get("source", "")) if isinstance(given, Mapping) else ""
    if not source.strip():
        return jsonify(ok=False, problems=[])
    scope, found = Names(definition), problems(definition, source)
    answer: dict[str, Any] = {"ok": all(each.warning for each in found)}
    answer["problems"] = [expressions.told(scope, source, each) for each in found]
    if answer["ok"]:
        answer["note"] = expressions.holds_for(definition.name, source)
    return jsonify(answer)


def _editor(object_name: str) -> Editor:
    return Editor(object=current.object(object_name).name, use=USE)
