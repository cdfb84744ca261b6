"""Expressions: is one right in a place, and what is its value for a record. For those who build metadata.

Here: `/expressions/…`. Not here: the language (`rules`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fieldstone import rules
from fieldstone.api import problems
from fieldstone.api.call import Answer, Call
from fieldstone.api.operations import operation
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.scope import scope
from fieldstone.records.query import Reference

USES = [each.value for each in rules.Use]
SOURCE = {"type": "string", "minLength": 1, "maxLength": 100_000, "x-beyond-schema": "an expression"}
NAME = {"type": "string", "minLength": 1, "maxLength": 80}
CHECK = {
    "type": "object",
    "required": ["object", "expression"],
    "additionalProperties": False,
    "properties": {"object": NAME, "expression": SOURCE, "use": {"enum": USES}, "blanks": {"enum": ["zero", "blank"]}, "record": NAME},
}
TRY = {
    "type": "object",
    "required": ["object", "id", "expression"],
    "additionalProperties": False,
    "properties": {"object": NAME, "id": {"type": "string"}, "expression": SOURCE, "blanks": {"enum": ["zero", "blank"]}},
}
CHECKED = {"type": "object", "required": ["valid", "problems"]}
BUILDERS = ("customize", "view_setup", "manage_automation")


@operation("POST", "/expressions/check", "Whether an expression is right, and its type.", scope="metadata:read", body=CHECK,
           answers={200: CHECKED}, refusals=(403, 404, 422))  # fmt: skip
def check_expression(call: Call) -> Answer:
    """The type, what it reads, and every problem with its place in the text."""
    call.require_setup(*BUILDERS)
    body = call.body
    use = rules.Use(body.get("use", "formula"))
    blanks = rules.Blanks(body["blanks"]) if "blanks" in body else None
    name = call.snapshot.object(body["object"]).name
    record = call.snapshot.object(body["record"]).name if "record" in body else None
    where = scope(call.snapshot, name, use, record=record)
    found = rules.problems(body["expression"], where, use, blanks=blanks)
    answer: dict[str, Any] = {
        "valid": all(each.warning for each in found),
        "problems": [problems.entry(each, call.language, call.snapshot) for each in found],
    }
    if answer["valid"]:
        checked = rules.check(body["expression"], where, use, blanks=blanks)
        answer["type"] = checked.type.value
        answer["reads"] = sorted(".".join(path) for path in checked.reads)
    return Answer(answer)


@operation("POST", "/expressions/try", "The value of an expression for a record.", scope="metadata:read", body=TRY,
           answers={200: {"type": "object", "required": ["value", "type"]}}, refusals=(403, 404, 422))  # fmt: skip
def try_expression(call: Call) -> Answer:
    """The value for one readable record, of fields that the caller may read."""
    call.require_setup(*BUILDERS)
    body, definition = call.body, call.object(call.body["object"])
    blanks = rules.Blanks(body["blanks"]) if "blanks" in body else None
    checked = rules.check(body["expression"], scope(call.snapshot, definition.name, rules.Use.FORMULA), rules.Use.FORMULA, blanks=blanks)
    paths = sorted(".".join(path) for path in checked.reads)
    record = call.gate.get(definition.name, body["id"], select=paths)
    row = {path: _plain(record.get(path)) for path in paths}
    now = datetime.now(UTC)
    context = rules.Context(now=now, today=call.gate.today, zone=call.principal.zone, globals=call.gate.asking.globals, prior=row)
    try:
        value = rules.to_python(checked)(row, context)
    except rules.EvaluationError as error:
        raise Refused(Problem(code=f"evaluation.{error.category}", span=error.span, pointer="/expression"), code="invalid") from None
    return Answer({"value": value, "type": checked.type.value, "reads": row})


def _plain(value: Any) -> Any:
    return value.id if isinstance(value, Reference) else value
