"""Fifth stage: does every expression mean something where it stands?

Here: types, names inside expressions and templates, what must compile to SQL.
Not here: the language (`rules`), cycles (`graph.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fieldstone.errors import Problem, Span
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types import value_type
from fieldstone.metadata.places import Place
from fieldstone.metadata.references import TEMPLATE
from fieldstone.rules import Blanks, Use, ValueType, check, problems

TYPES = {
    "text": frozenset({ValueType.TEXT}),
    "number": frozenset({ValueType.NUMBER}),
    "currency": frozenset({ValueType.NUMBER}),
    "percent": frozenset({ValueType.NUMBER}),
    "checkbox": frozenset({ValueType.BOOLEAN}),
    "date": frozenset({ValueType.DATE}),
    "datetime": frozenset({ValueType.DATETIME}),
    "user": frozenset({ValueType.ID, ValueType.TEXT}),
}
ALSO_TEXT = frozenset({ValueType.PICKLIST, ValueType.ID})
CONDITION = frozenset({ValueType.BOOLEAN})


def check_expressions(proposed: Proposed) -> None:
    """Note every problem of every expression, with its span."""
    for path, place in proposed.places:
        if place.form == "expression":
            proposed.take(_expression(proposed, path, place))
        elif place.form == "template":
            proposed.take(_template(proposed, path, place))


def _expression(proposed: Proposed, path: str, place: Place) -> Iterator[Problem]:
    if not _can_be_judged(proposed, path, place):
        return
    source = place.value[1:] if place.marked else place.value
    yield from _judged(proposed, path, place, source, 1 if place.marked else 0)


def _template(proposed: Proposed, path: str, place: Place) -> Iterator[Problem]:
    if not _can_be_judged(proposed, path, place):
        return
    for match in TEMPLATE.finditer(place.value):
        yield from _judged(proposed, path, place, match[1], match.start(1), whole=place.value)
    rest = TEMPLATE.sub("", place.value)
    if "{{" in rest or "}}" in rest:
        yield Problem(code="template_braces", document=path, pointer=place.pointer)


def _can_be_judged(proposed: Proposed, path: str, place: Place) -> bool:
    """Whether the objects it is about are there, and its field has not been refused already."""
    for name in (place.object, place.record):
        if name is not None and proposed.object(name) is None:
            return False
    steps = place.pointer.split("/")
    document = proposed.sound[path]
    if document["kind"] in ("object", "object_extension") and len(steps) > 2 and steps[1] == "fields":
        of = document["api_name"] if document["kind"] == "object" else document["object"]
        return (of.lower(), steps[2].lower()) not in proposed.bad
    return True


def _judged(proposed: Proposed, path: str, place: Place, source: str, offset: int, whole: str | None = None) -> Iterator[Problem]:
    where = proposed.scopes.of(place.object, place.use, place.record)
    expected = _expected(proposed, place)
    blanks = Blanks(place.blanks) if place.blanks else None
    refused = False
    for problem in problems(source, where, place.use, expected=expected, blanks=blanks):
        if problem.code == "expression_unknown_name" and _follows(proposed, place, str(problem.params.get("name", ""))):
            refused = True
            continue
        refused = refused or not problem.warning
        yield replace(problem, document=path, pointer=place.pointer, span=_moved(problem.span, offset, whole))
    if not refused and place.use is Use.ROLLUP_FILTER and _differs_per_user(proposed, place, source):
        yield Problem(code="roll_up_per_user", document=path, pointer=place.pointer)


def _differs_per_user(proposed: Proposed, place: Place, source: str) -> bool:
    return check(source, proposed.scopes.of(place.object, place.use, None), place.use).user_dependent


def _follows(proposed: Proposed, place: Place, name: str) -> bool:
    if name.lower().startswith("$record.") and place.record is not None:
        return proposed.follows(place.record, name[len("$record.") :])
    return place.object is not None and not name.startswith("$") and proposed.follows(place.object, name)


def _expected(proposed: Proposed, place: Place) -> frozenset[ValueType] | None:
    if place.expected is not None:
        return TYPES.get(place.expected)
    if place.use is Use.TEMPLATE:
        return None
    if place.field is None:
        return CONDITION
    definition = proposed.object(place.object)
    field = definition.field(place.field) if definition is not None else None
    return None if field is None else taken_by(field)


def taken_by(field: FieldDef) -> frozenset[ValueType]:
    """Return the types of result that a field takes from an expression."""
    type_ = value_type(field)
    return frozenset({type_, ValueType.TEXT}) if type_ in ALSO_TEXT else frozenset({type_})


def _moved(span: Span | None, offset: int, whole: str | None) -> Span | None:
    """Return a span as it stands in the whole text of the document's value."""
    if span is None or offset == 0:
        return span
    before = (whole or " " * offset)[:offset]
    lines = before.count("\n")
    column = span.column + (offset - (before.rfind("\n") + 1) if span.line == 1 else 0)
    return Span(start=span.start + offset, end=span.end + offset, line=span.line + lines, column=column)
